"""The arguments of `TokenSessions`, and sites of other shapes."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import override_settings

from boltguard.auth import APIKeyAuthentication, JWTAuthentication
from boltguard.jwt import Key, RemoteKeySet
from boltguard.sessions import TokenSessions

from conftest import SECRET
from support import SingleTokens, assert_helpful

HERE = Path(__file__).parent
EDDSA = Key.generate("EdDSA")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"access_lifetime": 0}, "access_lifetime is 0ns; it must be at least 1s"),
        ({"access_lifetime": timedelta(days=91)}, "at most session_lifetime"),
        ({"access_lifetime": 10}, "more than reuse_grace"),
        ({"access_lifetime": -1}, "access_lifetime is negative"),
        ({"access_lifetime": "15 minutes"}, "access_lifetime is of type str. It must be a timedelta or seconds"),
        ({"refresh_lifetime": True}, "refresh_lifetime is True"),
        ({"refresh_lifetime": float("nan")}, "refresh_lifetime is nan"),
        ({"refresh_lifetime": 0.5}, "refresh_lifetime is 500ms"),
        ({"session_lifetime": timedelta(days=7)}, "at least refresh_lifetime"),
        ({"session_lifetime": timedelta(days=9999)}, "session_lifetime is"),
        ({"reuse_grace": timedelta(minutes=2)}, "reuse_grace is 120s; it must be at most 60s"),
        ({"max_sessions": 0}, "max_sessions is 0. It must be a positive number"),
        ({"max_sessions": True}, "max_sessions"),
        ({"max_sessions": "5"}, "max_sessions is of type str"),
        ({"claims": "team"}, "claims is of type str. It must be a dict, or a function"),
        ({"claims": {"sid": "x"}}, "claims can't replace sid"),
        ({"signing_key": EDDSA}, "signing_key can't sign with 'HS256'"),
        ({"signing_key": "another secret than that of the backend, and long enough"}, "signature_invalid"),
    ],
)
def test_invalid_argument_is_an_error_at_startup(options, says):
    with pytest.raises(ImproperlyConfigured, match="TokenSessions: ") as error:
        TokenSessions(JWTAuthentication(), **options)
    assert says in str(error.value)
    assert str(error.value).endswith(".")


async def async_claims(user):
    return {}


@pytest.mark.parametrize(
    ("backend", "options", "says"),
    [
        (APIKeyAuthentication(api_keys={"k" * 32}), {}, "must be the JWTAuthentication"),
        (JWTAuthentication, {}, "must be the JWTAuthentication"),
        (JWTAuthentication(EDDSA.public_key(), ["EdDSA"]), {}, "can't sign with 'EdDSA'. Pass the private key"),
        (JWTAuthentication(EDDSA.public_key(), ["EdDSA"]), {"signing_key": Key.generate("EdDSA")}, "signature_invalid"),
        (JWTAuthentication(RemoteKeySet("https://id.example.com"), ["ES256"]), {}, "can't sign with 'ES256'"),
        (JWTAuthentication(user_field="email"), {}, "without user_field and get_user"),
        (JWTAuthentication(typ="JWT"), {}, "typ is at+jwt"),
        (JWTAuthentication(claims={"token_type": "access"}), {}, "claims={...}"),
        (JWTAuthentication(required_claims=["exp", "nbf"]), {}, "claim_missing"),
        (JWTAuthentication(user_id_claim="user"), {"claims": {"user": "7"}}, "claims can't replace user"),
        (JWTAuthentication(revocation_store=SingleTokens()), {}, "SingleTokens.revoke_level(self, level, before"),
        (JWTAuthentication(), {"claims": async_claims}, "claims is an async function"),
    ],
)
def test_backend_must_accept_the_tokens(backend, options, says):
    with pytest.raises(ImproperlyConfigured, match="TokenSessions") as error:
        TokenSessions(backend, **options)
    assert says in str(error.value)
    assert SECRET not in str(error.value) and "eyJ" not in str(error.value)


def test_first_key_that_can_sign_signs():
    key = Key.generate("EdDSA")
    sessions = TokenSessions(JWTAuthentication([EDDSA.public_key(), key.public_key()], ["EdDSA"]), signing_key=key)
    assert sessions.jwt_auth.algorithms == ["EdDSA"]
    TokenSessions(JWTAuthentication(["the new secret, which is long enough", SECRET]))


def test_app_must_be_installed(settings_without_app):
    with pytest.raises(ImproperlyConfigured, match=r'"boltguard.sessions".*INSTALLED_APPS.*migrate boltguard_sessions'):
        TokenSessions(JWTAuthentication())


def test_the_app_requires_boltguard():
    remaining = [app for app in settings.INSTALLED_APPS if app != "boltguard"]
    with (
        pytest.raises(ImproperlyConfigured, match=r'requires the app "boltguard". Add it to INSTALLED_APPS'),
        override_settings(INSTALLED_APPS=remaining),
    ):
        pass


def test_the_check_reports_sessions_that_were_created_before_the_apps_were_ready(settings_without_app, monkeypatch):
    monkeypatch.setattr(apps, "apps_ready", False)
    sessions = TokenSessions(JWTAuthentication())
    monkeypatch.undo()
    (message,) = [message for message in run_checks() if message.id == "boltguard.E601"]
    assert_helpful(message)
    assert message.is_serious() and sessions, "sessions are still alive"


def test_the_check_accepts_an_installed_app():
    sessions = TokenSessions(JWTAuthentication())
    assert not [message for message in run_checks() if message.id == "boltguard.E601"], sessions


@pytest.fixture
def settings_without_app():
    remaining = [app for app in settings.INSTALLED_APPS if app != "boltguard.sessions"]
    with override_settings(INSTALLED_APPS=remaining):
        yield


def test_migrations_are_complete():
    call_command("makemigrations", "boltguard_sessions", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("use_tz", [True, False])
def test_site_with_other_users(use_tz):
    command = [sys.executable, str(HERE / "sessions_site.py"), str(use_tz)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120)
    assert done.stdout == "done\n", done.stderr[-3000:]
