"""The demo's page in a real browser, if Chromium and ChromeDriver are installed.

`BOLTGUARD_BROWSER=required` makes their absence a failure; `BOLTGUARD_SCREENSHOTS=folder` saves screenshots.
"""

import os
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import demo_site
import webdriver

HERE = bool(webdriver.CHROMIUM and webdriver.CHROMEDRIVER)
LATEST = "#responses > li:first-child"


pytestmark = pytest.mark.skipif(
    not HERE and os.environ.get("BOLTGUARD_BROWSER") != "required", reason="chromium and chromedriver are not installed"
)


@pytest.fixture(autouse=True)
def _browser_is_installed():
    assert HERE, "BOLTGUARD_BROWSER=required, and chromium or chromedriver is missing"


def test_the_story_of_the_page():
    with demo_site.served() as address, webdriver.browser() as page:
        page.open(address)
        picture(page, "1-start")

        call(page, "none", "/api/me", "401")
        assert 'WWW-Authenticate: Bearer realm="api"' in page.text(LATEST)
        call(page, "none", "/api/public", "200")

        page.click("[data-username=ada]")
        page.wait_for("#session", "Logged in as ada")
        assert '"username": "ada"' in page.text("#claims") and "access_token" in page.text(LATEST)
        call(page, "token", "/api/me", "200")
        assert "ada@example.org" in page.text(LATEST)
        call(page, "token", "/api/accounts", "200")
        call(page, "token", "/api/context", "200")
        assert '"auth_backend": "jwt"' in page.text(LATEST)
        call(page, "forged", "/api/me", "401")
        assert 'error="invalid_token"' in page.text(LATEST)
        picture(page, "2-logged-in")

        page.click('[data-key="demo-key-reader"]')
        press(page, "GET", "/api/books", "200")
        press(page, "POST", "/api/books", "403")
        page.click('[data-key="demo-key-supplier"]')
        press(page, "POST", "/api/books", "201")

        page.click("#log-out")
        page.wait_for("#session", "revoked")
        call(page, "token", "/api/me", "401")
        assert "revoked" in page.text(LATEST)
        picture(page, "3-logged-out")

        page.click("[data-username=grace]")
        page.wait_for("#session", "Logged in as grace")
        call(page, "token", "/api/accounts", "403")
        picture(page, "4-grace")

        refusals = [line for line in page.complaints() if "the server responded with a status of 40" not in line]
        assert refusals == [], "the console only reports refused requests, which are expected"


def test_a_session_in_cookies():
    with demo_site.served() as address, webdriver.browser() as laptop, webdriver.browser() as phone:
        log_in(laptop, address)
        access = laptop.cookies()["__Host-access"]
        assert access["httpOnly"] and access["secure"] and access["sameSite"] == "Lax"
        assert list(laptop.script("return document.cookie.split('; ').map(one => one.split('=')[0])")) == ["csrftoken"]
        press_session(laptop, "POST /basket/", "201")
        press_session(laptop, "GET /basket/", "200")

        refresh_in_two_tabs(laptop)
        assert laptop.cookies()["__Host-access"]["value"] != access["value"]
        press_session(laptop, "GET /basket/", "200")

        log_in(phone, address)
        laptop.open(address)
        laptop.wait_until("document.querySelectorAll('#devices li').length === 2")
        picture(laptop, "5-sessions")
        other = "[...document.querySelectorAll('#devices li')].find(one => !one.innerText.includes('This browser'))"
        laptop.script(f"{other}.querySelector('button').click()")
        laptop.wait_until("document.querySelectorAll('#devices li').length === 1")
        phone.click('[data-session="GET /basket/"]')
        assert "session_ended" in phone.wait_for(LATEST, "/auth/token/refresh")

        press_session(laptop, "POST /auth/logout/all", "204")
        laptop.wait_for("#device", "No session.")
        assert laptop.cookies().keys() == {"csrftoken"}


def test_pages_of_other_origins_can_not_change_anything():
    """Another port is the same site, so that the browser adds the cookies. `localhost` is another site."""
    with demo_site.served() as address, webdriver.browser() as page:
        log_in(page, address)
        for host, refusals in [("127.0.0.1", {"csrf_failed"}), ("localhost", {"not_authenticated", "csrf_failed"})]:
            with foreign_page(address) as port:
                for target in ("basket/", "auth/token/refresh", "auth/logout", "auth/token"):
                    page.open(f"http://{host}:{port}/{target}")
                    page.click("button")
                    page.wait_until(f"location.href === '{address}{target}'")
                    shown = page.script("return JSON.parse(document.body.innerText).code")
                    assert shown in refusals, (host, target, shown)
        page.open(address)
        page.wait_for("#device", "Session ")
        press_session(page, "GET /basket/", "200")
        assert '"titles": []' in page.text(LATEST)


def test_the_page_fits_on_a_phone():
    with demo_site.served() as address, webdriver.browser() as page:
        page.emulate_width(375)
        log_in(page, address)
        assert page.script("return document.documentElement.scrollWidth") <= 375
        page.script("document.getElementById('sessions-title').scrollIntoView()")
        picture(page, "6-phone")


def test_a_failed_login_is_reported_at_the_form_and_forgets_the_user():
    with demo_site.served() as address, webdriver.browser() as page:
        page.open(address)
        page.click("[data-username=ada]")
        page.wait_for("#session", "Logged in as ada")
        page.script("document.querySelector('[name=password]').value = 'wrong'")
        page.click("#log-in")
        page.wait_for("#login [role=alert]", "Login failed: Wrong name or password")
        assert page.text("#session") == "Not logged in." and page.text("#token") == "Log in to get a token."
        assert page.text("#claims") == "" and is_hidden(page, "#claims") and is_hidden(page, "#token-state")
        assert page.script("return document.getElementById('log-out').disabled")
        for value in ("token", "forged"):
            assert page.script("return document.querySelector(`[value=${arguments[0]}]`).disabled", value)
        press(page, "GET", "/api/me", "401")
        assert "with nothing" in page.text(LATEST)

        page.click("[data-username=grace]")
        page.wait_for("#session", "Logged in as grace")
        assert is_hidden(page, "#login [role=alert]")


def test_the_token_is_shown_as_valid_and_then_as_revoked():
    with demo_site.served() as address, webdriver.browser() as page:
        page.open(address)
        assert is_hidden(page, "#token-state")
        page.click("[data-username=ada]")
        page.wait_for("#token-state", "valid until")
        line = "return getComputedStyle(document.getElementById('token')).textDecorationLine"
        assert page.script(line) == "none"
        page.click("#log-out")
        page.wait_for("#token-state", "revoked")
        assert page.script(line) == "line-through"
        assert page.script("return document.activeElement.id") == "log-in", "the disabled button can't have the focus"


def test_a_button_is_busy_until_there_is_a_response():
    hold = "const send = fetch; window.held = []; window.fetch = async (...all) => "
    hold += "{ await new Promise(go => held.push(go)); return send(...all) }"
    with demo_site.served() as address, webdriver.browser() as page:
        page.open(address)
        page.wait_for("#device", "No session.")
        page.script(hold)
        for button in ("#log-in", '[data-path="/api/public"]', '[data-session="GET /basket/"]'):
            page.script("held.length = 0")
            page.click(button)
            page.click(button)
            page.wait_until(f"document.querySelector('{button}').ariaBusy === 'true'")
            assert page.script("return held.length") == 1, "the second click is ignored"
            page.script("window.free = setInterval(() => held.splice(0).forEach(go => go()), 10)")
            page.wait_until(f"document.querySelector('{button}').ariaBusy === null")
            page.script("clearInterval(free)")


@pytest.mark.parametrize("button", ['[data-path="/api/public"]', "[data-begin=ada]"])
def test_a_phone_moves_to_the_response_and_back(button):
    seen = "(({top, bottom}) => top >= 0 && bottom <= innerHeight)(document.activeElement.getBoundingClientRect())"
    with demo_site.served() as address, webdriver.browser() as page:
        page.emulate_width(375)
        page.open(address)
        page.wait_for("#device", "No session.")
        page.click(button)
        page.wait_until(f"document.activeElement.matches('{LATEST}')")
        page.wait_until(seen)
        page.click(f"{LATEST} .back")
        page.wait_until(f"document.activeElement.matches('{button}')")
        page.wait_until(seen)


def test_a_wide_window_shows_the_responses_beside_the_buttons():
    with demo_site.served() as address, webdriver.browser() as page:
        page.emulate_width(1280)
        page.open(address)
        page.click('[data-path="/api/public"]')
        page.wait_for(LATEST, "200")
        assert page.script("return document.activeElement.dataset.path") == "/api/public", "nothing has to move"
        assert page.script(f"return document.querySelector('{LATEST}').getBoundingClientRect().top") < 800


def log_in(page, address):
    page.open(address)
    page.click("[data-begin=ada]")
    page.wait_for("#device", "Session ")


def refresh_in_two_tabs(page):
    page.script("window.other = window.open(location.href)")
    page.wait_until("window.other.document.readyState === 'complete' && typeof window.other.send === 'function'")
    source = "return Promise.all([window, window.other].map(tab => tab.send('POST', '/auth/token/refresh')))"
    assert [response["status"] for response in page.script(source)] == [200, 200]
    after = "return window.other.send('GET', '/basket/')"
    assert page.script(after)["status"] == 200
    page.script("window.other.close()")


@contextmanager
def foreign_page(address):
    """The port of a server whose pages post a form to the path of the demo that is their own path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = f'<form action="{address}{self.path[1:]}" method="post"><button>Win a prize</button></form>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def press_session(page, request, status):
    page.script("document.getElementById('responses').replaceChildren()")
    page.click(f'[data-session="{request}"]')
    assert request in page.wait_for(LATEST, status)


def call(page, credential, path, status):
    page.click(f"[name=credential][value={credential}]")
    press(page, "GET", path, status)


def press(page, method, path, status):
    page.script("document.getElementById('responses').replaceChildren()")
    page.click(f'[data-method={method}][data-path="{path}"]')
    assert f"{method} {path}" in page.wait_for(LATEST, status)


def is_hidden(page, selector):
    return page.script("return !document.querySelector(arguments[0]).checkVisibility()", selector)


def picture(page, name):
    folder = os.environ.get("BOLTGUARD_SCREENSHOTS")
    if folder:
        (Path(folder) / f"{name}.png").write_bytes(page.screenshot())
