"""The system checks of stores of API keys, and of keys that are configured."""

import gc
from weakref import WeakSet

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import override_settings

from boltguard import protect
from boltguard.auth import APIKeyAuthentication, APIKeyStore, IsAuthenticated
from boltguard.models import APIKey

from support import assert_helpful, get, mount_view

GUARDED = {"BOLT_DEFAULT_PERMISSION_CLASSES": [IsAuthenticated()]}
WITHOUT = ["django.contrib.auth", "django.contrib.contenttypes"]


@pytest.fixture(autouse=True)
def _only_what_a_test_builds(monkeypatch):
    gc.collect()
    monkeypatch.setattr("boltguard.registry._built", WeakSet())
    yield
    APIKey.objects.all().delete()


@pytest.fixture
def backend():
    return APIKeyAuthentication(store=APIKeyStore())


def ids(databases=(), **settings):
    with override_settings(**{**GUARDED, **settings}):
        messages = run_checks(databases=list(databases))
    ours = [message for message in messages if message.id.startswith("boltguard.")]
    for message in ours:
        assert_helpful(message)
    return sorted({message.id for message in ours})


def test_a_sound_site_has_nothing_to_hear(backend):
    APIKey.objects.create_key(name="a")
    assert ids() == ids(["default"]) == []


def test_a_store_without_the_application(backend):
    assert ids(INSTALLED_APPS=WITHOUT) == ["boltguard.E504"]
    with override_settings(INSTALLED_APPS=WITHOUT), pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"):
        backend.rust


def test_users_whose_is_active_is_not_in_the_database_own_no_keys(backend):
    """Inactive owners of keys couldn't be detected."""
    _, key = APIKey.objects.create_key(name="a")
    mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(lambda request: HttpResponse()))
    with override_settings(AUTH_USER_MODEL="people.Clerk"):
        assert ids() == ["boltguard.E503"]
        assert get(X_API_Key=key).status_code == 503
    backend.store.note_change()
    assert get(X_API_Key=key).status_code == 200


def test_a_site_that_uses_no_store_needs_no_table(monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", lambda *arguments, **options: [])
    assert ids(["default"], INSTALLED_APPS=[*WITHOUT, "boltguard", "boltguard.api_keys"]) == []
    assert ids(INSTALLED_APPS=WITHOUT) == []


def test_a_store_without_its_tables(backend, monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", lambda *arguments, **options: ["auth_user"])
    assert ids(["default"]) == ["boltguard.W505"]
    assert ids() == [], "checks do not query the database by default"


def test_migrate_is_not_kept_from_making_the_tables(backend, monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", lambda *arguments, **options: [])
    with override_settings(**GUARDED):
        call_command("check", databases=["default"])


def test_keys_that_need_a_lost_secret_key(backend):
    with override_settings(SECRET_KEY="a long secret key that was lost"):
        row, _ = APIKey.objects.create_key(name="a")
    assert ids(["default"]) == ["boltguard.W506"]
    row.revoke()
    assert ids(["default"]) == []


def test_a_prefix_that_can_not_be_used():
    assert ids(BOLT_API_KEY_PREFIX="Not A Prefix") == ids(BOLT_API_KEY_PREFIX=7) == ["boltguard.E001"]


def test_api_keys_without_a_secret_key():
    static = APIKeyAuthentication({"k" * 32})
    assert "boltguard.E102" in ids(SECRET_KEY=""), static


def test_short_static_keys():
    static = APIKeyAuthentication({"short", "k" * 32})
    assert ids() == ["boltguard.W103"], static
