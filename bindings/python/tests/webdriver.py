"""The part of the W3C WebDriver protocol that the demo's tests need, over HTTP to ChromeDriver."""

import base64
import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
CHROMEDRIVER = shutil.which("chromedriver")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,1400",
]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

_opener = build_opener(ProxyHandler({}))


@contextmanager
def browser():
    """A browser window, closed afterwards."""
    port = _free_port()
    driver = subprocess.Popen([CHROMEDRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        window = Browser(f"http://127.0.0.1:{port}")
        try:
            yield window
        finally:
            window.quit()
    finally:
        driver.terminate()
        driver.wait(10)


class Browser:
    def __init__(self, address):
        self._address = address
        options = {"args": FLAGS, "binary": CHROMIUM}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self._patiently("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{session['sessionId']}"

    def open(self, address):
        self._call("POST", f"{self._session}/url", {"url": address})

    def click(self, selector):
        found = self._call("POST", f"{self._session}/element", {"using": "css selector", "value": selector})
        self._call("POST", f"{self._session}/element/{found[ELEMENT]}/click", {})

    def script(self, source, *arguments):
        return self._call("POST", f"{self._session}/execute/sync", {"script": source, "args": list(arguments)})

    def text(self, selector):
        return self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def wait_for(self, selector, text):
        """The content of an element, once it contains this string."""
        end = time.monotonic() + 10
        while text not in (seen := self.text(selector)):
            assert time.monotonic() < end, f"{selector} shows {seen!r}, not {text!r}"
            time.sleep(0.05)
        return seen

    def wait_until(self, condition):
        """Waits until an expression is true."""
        end = time.monotonic() + 10
        while not self.script(f"return {condition}"):
            assert time.monotonic() < end, condition
            time.sleep(0.05)

    def cookies(self):
        """The cookies that the browser sends for the current page, also those that scripts can't read."""
        return {cookie["name"]: cookie for cookie in self._call("GET", f"{self._session}/cookie")}

    def emulate_width(self, width):
        """Shows the page as wide as the screen of a phone."""
        screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        command = {"cmd": "Emulation.setDeviceMetricsOverride", "params": screen}
        self._call("POST", f"{self._session}/goog/cdp/execute", command)

    def complaints(self):
        """The errors and warnings in the browser's console."""
        entries = self._call("POST", f"{self._session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries]

    def screenshot(self):
        return base64.b64decode(self._call("GET", f"{self._session}/screenshot"))

    def quit(self):
        self._call("DELETE", self._session)

    def _patiently(self, *arguments):
        end = time.monotonic() + 30
        while True:
            try:
                return self._call(*arguments)
            except URLError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._address + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with _opener.open(request, timeout=60) as response:
                return json.load(response)["value"]
        except HTTPError as error:
            raise AssertionError(f"the browser refused {method} {path}: {error.read().decode()[:500]}") from None


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
