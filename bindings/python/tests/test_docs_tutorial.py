"""Follows `docs/tutorial.md`: creates the project as typed, serves it, and compares the output of each command.

- A Python block names its file in the first line, and contains the whole file, or the last lines of one that
  `startproject` creates ("at the end").
- In a console block, lines after `$ ` are typed into one shell, and the lines below are the output. `…` stands for any
  text. For `curl -i`, the lines must occur in this order; otherwise the output must be exactly these lines.
- `runserver` runs in the background, on a free port in place of 8000. It's restarted when a file changes.
- The table of step 5 is submitted to the admin, and the key that the next page shows is typed in place of `bg_…`.
"""

import html
import http.cookiejar
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from test_django_revocation_caches import free_port
from test_docs import FENCE, PAGES

PAGE = PAGES / "tutorial.md"
FILE = re.compile(r"# (?P<path>\S+\.py)(?P<end>, at the end)?\n")
ADDRESS = "127.0.0.1:8000"
END = "-- end of output --"


def console(code):
    """The commands of a console block, each with the lines of its output."""
    commands = []
    for line in code.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        else:
            commands[-1][1].append(line)
    return commands


def matches(expected, actual):
    return re.fullmatch(".+".join(map(re.escape, expected.split("…"))), actual, re.S) is not None


def agrees(command, expected, actual):
    """Whether the output of a command is the documented one."""
    if "curl -i" in command:
        rest = iter(actual)
        return all(any(matches(line, other) for other in rest) for line in expected)
    return matches("\n".join(expected), "\n".join(actual))


class Reader:
    """A reader who types what the page says, in an empty directory."""

    def __init__(self, directory):
        self.directory, self.port, self.server = directory, free_port(), None
        self.originals, self.changed, self.key = {}, False, None
        variables = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{variables.get('PATH', os.defpath)}"
        self.environment = {**variables, "PATH": path, "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
        self.log = (directory / "server.log").open("w+")
        pipe = subprocess.PIPE
        self.shell = subprocess.Popen(
            ["bash"], stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=directory, env=self.environment
        )

    @property
    def project(self):
        return self.directory / "mysite"

    def close(self):
        self.stop()
        self.shell.communicate(timeout=30)
        self.log.close()

    def write(self, code):
        path, end = FILE.match(code).group("path", "end")
        file = self.project / path
        if end:
            original = self.originals.setdefault(file, file.read_text("utf-8"))
            code = f"{original}\n{code}"
        file.write_text(code, "utf-8")
        self.changed = True

    def type(self, command):
        """Types a command, and returns the lines of its output."""
        if command == "python manage.py runserver":
            self.start()
            return []
        self.serve_changes()
        if "bg_…" in command:
            command = command.replace("bg_…", self.key)
        command = re.sub(r"\bcurl (?!-s)", "curl -s -m 30 ", command.replace(ADDRESS, f"127.0.0.1:{self.port}"))
        self.shell.stdin.write(f"{command}\nprintf '\\n%s\\n' '{END}'\n")
        self.shell.stdin.flush()
        lines = []
        for line in self.shell.stdout:
            if line.rstrip("\n") == END:
                break
            lines.append(line.rstrip("\r\n"))
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def start(self):
        self.changed = False
        arguments = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}"]
        self.server = subprocess.Popen(
            arguments, cwd=self.project, env=self.environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        end = time.monotonic() + 60
        while time.monotonic() < end and self.server.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/admin/login/", timeout=10).close()
                return
            except OSError:
                time.sleep(0.1)
        self.log.seek(0)
        pytest.fail(f"the server doesn't start: {self.log.read()}")

    def serve_changes(self):
        if self.changed and self.server is not None:
            self.stop()
            self.start()

    def stop(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait(30)
            self.server = None

    def create_key(self, url, username, password, fields):
        """Fills in the form of the admin, after logging in."""
        self.serve_changes()
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        url = url.replace(ADDRESS, f"127.0.0.1:{self.port}")

        def submit(page, values):
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
            data = urllib.parse.urlencode({**values, "csrfmiddlewaretoken": token}).encode()
            return opened(urllib.request.Request(page.url, data, {"Referer": page.url}))

        def opened(request):
            with browser.open(request, timeout=30) as response:
                response.text = response.read().decode()
                return response

        form = submit(opened(url), {"username": username, "password": password})
        ids = {html.unescape(label).strip(): name for name, label in LABEL.findall(form.text)}
        sent = {ids[f"{label}:"]: value for label, value in fields.items()}
        self.key = re.search(r"\bbg_\w{20,}", submit(form, sent).text)[0]


LABEL = re.compile(r'<label[^>]* for="id_(\w+)"[^>]*>([^<]*)</label>')


@contextmanager
def reading(directory):
    reader = Reader(directory)
    try:
        yield reader
    finally:
        reader.close()


def steps(text):
    """The code blocks of the page with the prose above each of them."""
    end = 0
    for found in FENCE.finditer(text):
        yield text[end : found.start()], found["info"].split(), found["code"], text.count("\n", 0, found.start()) + 1
        end = found.end()


def fill_in(reader, prose):
    """Submits the form that the prose describes, if it describes one."""
    fields = dict(re.findall(r"^\| ([^|`]+) \| `([^`]+)` \|$", prose, re.M))
    if fields:
        url = re.search(r"<(http://\S+)>", prose)[1]
        username, password = re.search(r"log in as `([^`]+)` with the password\s+`([^`]+)`", prose).groups()
        reader.create_key(url, username, password, fields)


@pytest.mark.skipif(shutil.which("bash") is None or shutil.which("curl") is None, reason="no bash or curl on the PATH")
def test_each_step_of_the_tutorial_has_the_documented_result(tmp_path):
    commands = 0
    with reading(tmp_path) as reader:
        for prose, info, code, line in steps(PAGE.read_text("utf-8")):
            fill_in(reader, prose)
            if info[0] == "python":
                reader.write(code)
            elif info == ["console"]:
                for command, expected in console(code):
                    actual = reader.type(command)
                    assert agrees(command, expected, actual), (f"{PAGE.name}:{line}", command, expected, actual)
                    commands += 1
    assert commands >= 19


def test_the_tutorial_installs_as_the_readme_does():
    [untested] = [code for _, info, code, _ in steps(PAGE.read_text("utf-8")) if info == ["console", "notest"]]
    readme = (PAGES.parent / "README.md").read_text("utf-8")
    installation = next(code for _, info, code, _ in steps(readme) if "maturin build" in code)
    assert untested.endswith(installation)


@pytest.mark.parametrize(
    ("command", "expected", "actual", "result"),
    [
        ("curl x", ['{"a":"eyJ…"}'], ['{"a":"eyJhb"}'], True),
        ("curl x", ['{"a":1}'], ['{"a":2}'], False),
        ("curl x", [], ["Traceback"], False),
        ("migrate", ["Issues:", "…", "OK"], ["Issues:", "one", "two", "OK"], True),
        ("migrate", ["Issues:", "…", "OK"], ["Issues:", "one", "two"], False),
        ("curl -i x", ["HTTP/1.1 200 OK", "", "{}"], ["HTTP/1.1 200 OK", "Date: now", "", "{}"], True),
        ("curl -i x", ["HTTP/1.1 200 OK", "", "{}"], ["HTTP/1.1 200 OK", "Date: now", "", "[]"], False),
    ],
)
def test_output_that_differs_from_the_page_is_noticed(command, expected, actual, result):
    assert agrees(command, expected, actual) is result
