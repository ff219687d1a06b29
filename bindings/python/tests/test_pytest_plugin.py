"""The pytest plugin, in separate test runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from boltguard.testing import pytest_plugin

PLUGIN = ["-p", pytest_plugin.__name__]
PROJECT = Path(__file__).parents[1]


@pytest.fixture
def pytest_run(tmp_path):
    """Runs tests of a project, and returns the exit status and the output."""

    def run(code, *arguments, ini=""):
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini}")
        (tmp_path / "test_it.py").write_text(code)
        path = os.pathsep.join(sys.path)
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    return run


MOCKED = """
import time

def test_boltguard_reads_the_clock_of_python(monkeypatch):
    from boltguard import _rust

    monkeypatch.setattr(time, "time_ns", lambda: 5)
    assert _rust.time_ns() == 5
"""


def test_the_package_declares_the_plugin():
    text = (PROJECT / "pyproject.toml").read_text("utf-8")
    assert f'[project.entry-points.pytest11]\nboltguard = "{pytest_plugin.__name__}"\n' in text


def test_the_plugin_turns_on_the_clock_of_python(pytest_run):
    status, output = pytest_run(MOCKED, *PLUGIN)
    assert (status, "1 passed" in output) == (0, True), output


def test_an_option_turns_the_clock_of_python_off(pytest_run):
    status, output = pytest_run(MOCKED, *PLUGIN, ini="boltguard_python_clock = false")
    assert (status, "1 failed" in output) == (1, True), output


def test_without_the_plugin_boltguard_reads_the_clock_of_the_system(pytest_run):
    status, output = pytest_run(MOCKED, "-p", "no:boltguard")
    assert (status, "1 failed" in output) == (1, True), output


FIXTURES = """
import sys
from datetime import timedelta

import pytest

def test_the_plugin_imports_little():
    assert "django" not in sys.modules and "boltguard.auth" not in sys.modules

def test_issuer(boltguard_issuer):
    from boltguard import jwt

    keys = jwt.RemoteKeySet(boltguard_issuer.jwks_url, allow_http=True)
    token = boltguard_issuer.token()
    assert jwt.decode(token, keys.keys_for(token), ["ES256"], issuer=boltguard_issuer.url)

def test_travel(boltguard_travel, boltguard_issuer):
    from boltguard import jwt

    keys = jwt.RemoteKeySet(boltguard_issuer.jwks_url, allow_http=True)
    token = boltguard_issuer.token(expires_in=60)
    boltguard_travel(timedelta(minutes=2)).shift(1)
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(token, keys.keys_for(token), ["ES256"], issuer=boltguard_issuer.url)

def test_the_clock_is_back():
    import time
    from boltguard import _rust
    assert abs(_rust.time_ns() / 1e9 - time.time()) < 30
"""


def test_the_fixtures_without_django_and_how_little_the_plugin_imports(pytest_run):
    status, output = pytest_run(FIXTURES, *PLUGIN)
    assert (status, "4 passed" in output) == (0, True), output


CLIENTS = """
import types, sys
import pytest
django = pytest.importorskip("django")
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="a secret of at least thirty-two bytes", ROOT_URLCONF="urls", ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "boltguard"],
)
django.setup()

from django.contrib.auth.models import User
from boltguard.auth import HasPermission
from boltguard.decorators import protect

@protect(guards=[HasPermission("a")])
def view(request):
    return HttpResponse(request.context["user_id"])

sys.modules["urls"] = types.SimpleNamespace(urlpatterns=[path("", view)])

@pytest.fixture
def ada():
    ada = User(pk=7, username="ada")
    ada._state.adding = False
    return ada

def test_client(boltguard_client, ada):
    assert boltguard_client(ada, permissions=["a"]).get("/").content == b"7"
    assert boltguard_client(ada).get("/").status_code == 403

def test_token(boltguard_token, ada, client_with):
    assert client_with(boltguard_token(ada, permissions=["a"])).get("/").content == b"7"

@pytest.fixture
def client_with():
    from django.test import Client
    return lambda token: Client(headers={"Authorization": f"Bearer {token}"})
"""


def test_the_fixtures_for_clients(pytest_run):
    pytest.importorskip("django")
    status, output = pytest_run(CLIENTS, *PLUGIN)
    assert (status, "2 passed" in output) == (0, True), output
