"""Keys in several processes: changes reach other processes in time, and uses are stored."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import apikeys_site
import webdriver

SITE = Path(apikeys_site.__file__)


@pytest.fixture
def site(tmp_path):
    """Runs a command of a site with a separate database."""
    command = [sys.executable, str(SITE), str(tmp_path / "db.sqlite3")]

    def run(*arguments):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    run.command = command
    run("migrate", "-v0")
    return run


COMMANDS = [["create", "a"], ["create", "a", "--owner", "ada"], ["list"], ["revoke", "an-id"], ["rotate", "an-id"]]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_command_before_migrate_says_to_run_it(tmp_path, arguments):
    command = [sys.executable, str(SITE), str(tmp_path / "db.sqlite3"), "boltguard_apikey", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "Run `python manage.py migrate boltguard_api_keys`" in done.stderr
    assert "Traceback" not in done.stderr


def test_database_error_is_not_reported_as_missing_migration(site, tmp_path):
    database = f"file:{tmp_path / 'db.sqlite3'}?mode=ro"
    command = [sys.executable, str(SITE), database, "boltguard_apikey", "create", "a"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "readonly database" in done.stderr and "migrate boltguard" not in done.stderr


class Server:
    """A process that serves requests."""

    def __init__(self, site):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([*site.command, "serve"], stdin=pipe, stdout=pipe, text=True)

    def status(self, key):
        self.process.stdin.write(key + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline().split()[0])

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0


def test_revocation_reaches_other_processes_within_the_interval(site):
    key, other = site("boltguard_apikey", "create", "a"), site("boltguard_apikey", "create", "b")
    server = Server(site)
    assert server.status(key) == server.status(other) == 200
    site("boltguard_apikey", "revoke", key)
    end = time.monotonic() + apikeys_site.REFRESH_INTERVAL + 0.5
    while server.status(key) == 200:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert server.status(other) == 200
    successor = site("boltguard_apikey", "rotate", other, "--overlap", "1h")
    time.sleep(apikeys_site.REFRESH_INTERVAL)
    assert server.status(other) == server.status(successor) == 200
    assert re.search(r"revoked +\S+ \S+ +- +-", site("boltguard_apikey", "list")), "no use is stored yet"
    server.stop()
    assert not re.search(r"revoked +\S+ \S+ +- +-", site("boltguard_apikey", "list")), (
        "a process writes them at its end"
    )


@pytest.mark.skipif(not (webdriver.CHROMIUM and webdriver.CHROMEDRIVER), reason="chromium and chromedriver are missing")
def test_a_key_is_made_and_copied_in_a_browser(site):
    make_root = "from django.contrib.auth.models import User; User.objects.create_superuser('root', password='pw')"
    site("shell", "-v0", "-c", make_root)
    port = webdriver._free_port()
    arguments = [*site.command, "runserver", "--noreload", f"127.0.0.1:{port}"]
    server = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with webdriver.browser() as page:
            _make_a_key(page, f"http://127.0.0.1:{port}/admin")
    finally:
        server.terminate()
        server.wait(10)


def _make_a_key(page, address):
    _open(page, f"{address}/login/?next=/admin/boltguard_api_keys/apikey/add/")
    page.script("document.querySelector('#id_username').value = 'root'")
    page.script("document.querySelector('#id_password').value = 'pw'")
    page.click("[type=submit]")
    page.wait_for("h1 + h2, #content h1", "Add API key")
    page.script("document.querySelector('#id_name').value = 'reports'")
    assert "auth.view_user" in page.wait_for("#id_permissions_from", "auth.view_user")
    page.click("#id_permissions_from option[value='auth.view_user']")
    page.click("#id_permissions_add_link, #id_permissions_add")
    page.click("[name=_save]")
    key = page.wait_for(".boltguard-key", "bg_")
    page.click("[data-boltguard-copy]")
    page.wait_for("[data-boltguard-copy]", "Copied")
    page.open(f"{address}/boltguard_api_keys/apikey/")
    assert key.split("_")[1] in page.wait_for("#result_list", "reports") and key not in page.text("body")
    assert [line for line in page.complaints() if "favicon.ico" not in line] == []


def _open(page, address):
    end = time.monotonic() + 20
    while True:
        try:
            page.open(address)
        except AssertionError:
            assert time.monotonic() < end
            time.sleep(0.2)
        else:
            return
