"""The system checks of the tables of revocations and sessions, which query the database."""

from weakref import WeakSet

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import override_settings

from boltguard import registry
from boltguard.auth import DjangoORMRevocation, InMemoryRevocation, IsAuthenticated, JWTAuthentication
from boltguard.auth import ReplicatedRevocation as Replicated
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.sessions import TokenSessions
from boltguard.sessions.models import TokenSession

from databases import database_on
from support import assert_helpful, mount


@pytest.fixture(autouse=True)
def _only_own_objects(monkeypatch):
    monkeypatch.setattr(registry, "_built", WeakSet())
    mount()


def found(databases=("default",)):
    """The IDs of the messages, with their remedies."""
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated()]):
        messages = [one for one in run_checks(databases=databases) if one.id in ("boltguard.W204", "boltguard.W602")]
    for message in messages:
        assert_helpful(message)
    return [(message.id, message.hint) for message in messages]


def migrate(app):
    return f"Run `python manage.py migrate {app}`."


@pytest.mark.parametrize("store", [DjangoORMRevocation(), Replicated(None)], ids=lambda store: type(store).__name__)
@pytest.mark.parametrize("model", [RevokedToken, RevocationWatermark])
def test_missing_table_of_revocations(monkeypatch, store, model):
    backend = JWTAuthentication(revocation_store=store)
    assert found() == [] and backend
    monkeypatch.setattr(model._meta, "db_table", "absent")
    assert found() == [("boltguard.W204", migrate("boltguard"))]


def test_missing_table_of_sessions(monkeypatch):
    sessions = TokenSessions(JWTAuthentication(revocation_store=InMemoryRevocation()))
    assert found() == [] and sessions
    monkeypatch.setattr(TokenSession._meta, "db_table", "absent")
    assert found() == [("boltguard.W602", migrate("boltguard_sessions"))]


def test_tables_that_are_not_used_may_be_missing(monkeypatch):
    backend = JWTAuthentication(revocation_store=InMemoryRevocation())
    for model in (RevokedToken, RevocationWatermark, TokenSession):
        monkeypatch.setattr(model._meta, "db_table", "absent")
    assert found() == [] and backend


def test_database_is_not_queried_by_default(monkeypatch):
    sessions = TokenSessions(JWTAuthentication(revocation_store=DjangoORMRevocation()))
    for model in (RevokedToken, RevocationWatermark, TokenSession):
        monkeypatch.setattr(model._meta, "db_table", "absent")
    assert found(databases=None) == found(databases=[]) == [] and sessions


def test_model_that_is_not_installed_is_reported_by_another_check():
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(model="nowhere.Model"))
    assert found() == [] and backend


class Elsewhere:
    """A router to a database that isn't the default."""

    def db_for_write(self, model, **hints):
        return "other"


def test_remedy_names_the_database(monkeypatch):
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation())
    with database_on("", "other"), override_settings(DATABASE_ROUTERS=[Elsewhere()]):
        assert found(["default", "other"]) == []
        monkeypatch.setattr(RevokedToken._meta, "db_table", "absent")
        assert found(["default"]) == []
        assert found(["other"]) == [("boltguard.W204", "Run `python manage.py migrate boltguard --database other`.")]
    assert backend


def test_command_reports_the_remedy(monkeypatch, capsys):
    sessions = TokenSessions(JWTAuthentication(revocation_store=DjangoORMRevocation()))
    monkeypatch.setattr(TokenSession._meta, "db_table", "absent")
    call_command("check", databases=["default"])
    assert "migrate boltguard_sessions" in capsys.readouterr().err and sessions
