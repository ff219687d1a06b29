"""Backends that only the module of `ASGI_APPLICATION` creates, in a process that hasn't imported it."""

import itertools
import logging
import sys
from weakref import WeakSet

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from boltguard import registry
from boltguard.auth import DjangoORMRevocation, JWTAuthentication, leeways, logout_everywhere
from boltguard.auth.stores import CLOCK_SKEW_MARGIN
from boltguard.checks.stores import check_stores
from boltguard.models import RevocationWatermark

from support import mount

NAMES = (f"asgi_of_test_{number}" for number in itertools.count())
BACKEND = """
from boltguard.auth import {0}, JWTAuthentication
backend = JWTAuthentication(revocation_store={0}(), {1})
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch, database):
    monkeypatch.setattr(registry, "_built", WeakSet())
    monkeypatch.setattr(leeways, "_bound", {})
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[]):
        mount()
        yield
    RevocationWatermark.objects.all().delete()


@pytest.fixture
def application(tmp_path, monkeypatch):
    """Creates a module with this code, and sets `ASGI_APPLICATION`."""
    monkeypatch.syspath_prepend(tmp_path)
    applied = []

    def application(code):
        name = next(NAMES)
        (tmp_path / f"{name}.py").write_text(f"{code}\napplication = None\n")
        applied.append((name, override_settings(ASGI_APPLICATION=f"{name}.application")))
        applied[-1][1].enable()
        return name

    yield application
    for name, settings in reversed(applied):
        settings.disable()
        sys.modules.pop(name, None)


def test_logging_out_everywhere_reaches_its_stores(ada, application):
    application(BACKEND.format("DjangoORMRevocation", ""))
    logout_everywhere(ada)
    assert RevocationWatermark.objects.count() == 1


def test_application_that_can_not_be_imported_is_an_error_and_nothing_is_revoked(ada, application):
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation())
    for code in ("import nowhere_at_all", "1 / 0"):
        application(code)
        with pytest.raises(ImproperlyConfigured, match=r"The ASGI_APPLICATION can't be imported.*Error"):
            logout_everywhere(ada)
    assert not RevocationWatermark.objects.exists() and backend


@pytest.mark.parametrize("path", [None, "", "no_dots"])
def test_setting_without_a_module(ada, path):
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation())
    with override_settings(ASGI_APPLICATION=path):
        if path is None:
            logout_everywhere(ada)
        else:
            with pytest.raises(ImproperlyConfigured, match="ASGI_APPLICATION"):
                logout_everywhere(ada)
    assert RevocationWatermark.objects.exists() is (path is None) and backend


def test_loggers_stay_enabled(ada, application):
    """`get_asgi_application()` calls `django.setup()`, which applies `LOGGING` again."""
    mine, disabled = logging.getLogger("asgi_backends.enabled"), logging.getLogger("asgi_backends.disabled")
    disabled.disabled = True
    application(
        f"import logging.config\nlogging.config.dictConfig({{'version': 1, 'root': {{}}}})\n"
        f"assert logging.getLogger({mine.name!r}).disabled\n" + BACKEND.format("DjangoORMRevocation", "")
    )
    logout_everywhere(ada)
    assert not mine.disabled and disabled.disabled and not logging.getLogger("boltguard").disabled
    assert RevocationWatermark.objects.exists()


def test_entries_are_kept_for_its_leeway(application):
    application(BACKEND.format("DjangoORMRevocation", "leeway=900"))
    assert DjangoORMRevocation().lifetime(1) >= 1 + 900 + CLOCK_SKEW_MARGIN


def test_system_checks_examine_its_stores(application):
    application(BACKEND.format("InMemoryRevocation", ""))
    with override_settings(DEBUG=False):
        assert [message.id for message in check_stores(None)] == ["boltguard.W201"]
