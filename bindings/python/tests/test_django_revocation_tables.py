"""Revoked tokens in a table: every ID fits and is distinguished, on each database, and reads are current."""

import datetime
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, models, transaction
from django.test import override_settings
from django.utils import timezone

from boltguard import BoltAPI
from boltguard.auth import DjangoORMRevocation, IsAuthenticated, JWTAuthentication
from boltguard.models import RevokedToken

from databases import SERVERS, database_on
from support import bearer, call, mount

HERE = Path(__file__).parent
ON_SERVER = "BOLTGUARD_TEST_DJANGO_DATABASE" in os.environ


class Short(models.Model):
    """A field with the length of a UUID."""

    jti = models.CharField(max_length=36, unique=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "revocation_tests"


class TooShort(models.Model):
    jti = models.CharField(max_length=20, unique=True)

    class Meta:
        app_label = "revocation_tests"


class OfUuids(models.Model):
    jti = models.UUIDField(unique=True)

    class Meta:
        app_label = "revocation_tests"


class Unindexed(models.Model):
    """Without a limit, and without an index: it may contain an ID twice."""

    jti = models.TextField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "revocation_tests"


MODELS = {
    "ready": RevokedToken,
    "short": Short,
    "uuid": OfUuids,
    "unindexed": Unindexed,
}


@pytest.fixture(scope="module", autouse=True)
def _tables(database):
    own = (Short, TooShort, OfUuids, Unindexed)
    with connection.schema_editor() as editor:
        for model in own:
            editor.create_model(model)
    yield
    with connection.schema_editor() as editor:
        for model in own:
            editor.delete_model(model)


@pytest.fixture(autouse=True)
def _empty():
    yield
    for model in MODELS.values():
        model.objects.all().delete()


def store_of(model):
    if model is RevokedToken:
        return DjangoORMRevocation()
    return DjangoORMRevocation(f"{__name__}.{model.__name__}")


UUID = "0190f5a2-7c3e-7b1d-9f00-aabbccddeeff"
IDS = [
    "a",
    UUID,
    UUID.upper(),
    UUID.replace("-", ""),
    "ABC",
    "abc",
    "äbc",
    "abc ",
    " abc",
    "a-bc",
    "ABC\t",
    "a\0bc",
    "\ud800",
    "\U0001f511",
    "~" + "0" * 64,
    "x" * 36,
    "x" * 37,
    "x" * 255,
    "x" * 256,
    "x" * 10_000,
]


@pytest.mark.parametrize("kind", MODELS)
def test_ids_of_any_length_and_characters_are_distinguished(kind):
    MODELS[kind].objects.all().delete()  # entries of other tests
    store = store_of(MODELS[kind])
    for count, jti in enumerate(IDS):
        assert not any(store.is_revoked(other) for other in IDS[count:]), jti
        store.revoke(jti, 600)
        store.revoke(jti, 600)
        assert all(store.is_revoked(other) for other in IDS[: count + 1]), jti
    assert MODELS[kind].objects.count() == len(IDS)


def test_a_logout_with_a_long_id_revokes_the_token():
    store = DjangoORMRevocation()
    api = BoltAPI()
    auth = [JWTAuthentication(revocation_store=store)]
    api.get("/x", auth=auth, guards=[IsAuthenticated()])(lambda: {})

    @api.post("/logout", auth=auth, guards=[IsAuthenticated()])
    def logout(request):
        store.revoke(request.context.jti, request.context.expires_in)
        return {}

    mount(api=api)
    for jti in ("x" * 256, "y" * 5000, "a\0b", "ABC", "abc"):
        headers = bearer(sub="1", jti=jti)
        assert call("get", "/x", headers).status_code == 200, jti
        from support import wsgi

        assert wsgi("post", "/logout", headers).status_code == 200
        assert call("get", "/x", headers).status_code == 401


def test_an_id_that_fits_is_stored_as_it_is():
    DjangoORMRevocation().revoke(UUID, 60)
    assert RevokedToken.objects.get().jti == UUID
    store_of(OfUuids).revoke(UUID)
    assert str(OfUuids.objects.get().jti) == UUID


def test_a_row_that_was_written_by_hand_counts_and_counts_exactly():
    RevokedToken.objects.create(jti="By-Hand")
    store = DjangoORMRevocation()
    assert store.is_revoked("By-Hand") and not store.is_revoked("by-hand")
    store.revoke("by-hand", 60)
    assert store.is_revoked("by-hand") and store.is_revoked("By-Hand")


def test_a_field_too_short_for_a_digest_is_refused():
    store = store_of(TooShort)
    with pytest.raises(ImproperlyConfigured, match="max_length"):
        store.revoke("a")
    with pytest.raises(ImproperlyConfigured, match="max_length"):
        store.is_revoked("a")
    from boltguard.checks.stores import check_store

    [message] = check_store(store)
    assert message.id == "boltguard.E203" and "max_length" in message.msg


def test_a_token_revoked_through_another_object_stays_revoked_through_the_leeway():
    JWTAuthentication(revocation_store=store_of(Short), leeway=180)
    label = DjangoORMRevocation(f"{__name__}.Short")
    label.revoke("a", 4)
    left = Short.objects.get().expires_at - timezone.now()
    assert left > datetime.timedelta(seconds=4 + 180 + 59)


def test_two_names_of_one_model_are_one_store():
    DjangoORMRevocation("boltguard.models.RevokedToken").bind_leeway(7200)
    assert DjangoORMRevocation().lifetime(0) >= 7200
    assert store_of(Unindexed).lifetime(0) < 7200


# Concurrent writes


@pytest.mark.skipif(not ON_SERVER, reason="SQLite in memory has one connection")
@pytest.mark.parametrize("kind", ["ready", "short", "unindexed"])
def test_of_two_writers_the_longer_time_wins(kind):
    """Each thread reads before the other writes, regardless of which one is slower."""
    store, model = store_of(MODELS[kind]), MODELS[kind]
    for jti in ("a", "b"):
        if kind == "unindexed":
            store.revoke(jti, 1)
        start = threading.Barrier(4)

        def revoke(ttl, jti=jti, start=start):
            try:
                start.wait(10)
                store.revoke(jti, ttl)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=revoke, args=(ttl,)) for ttl in (10, 1000, 100, 500)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = max(row.expires_at for row in model.objects.filter(jti=jti)) - timezone.now()
        assert left > datetime.timedelta(seconds=1000)


def test_concurrent_extension_is_never_shortened(monkeypatch):
    store = DjangoORMRevocation()
    store.revoke("a", 10)
    extend = DjangoORMRevocation._extend

    def after_another(self, keys, expires_at):
        monkeypatch.setattr(DjangoORMRevocation, "_extend", extend)
        DjangoORMRevocation().revoke("a", 10_000)
        return extend(self, keys, expires_at)

    monkeypatch.setattr(DjangoORMRevocation, "_extend", after_another)
    store.revoke("a", 100)
    assert RevokedToken.objects.get().expires_at > timezone.now() + datetime.timedelta(seconds=10_000)


def test_an_entry_that_is_purged_while_it_is_extended_is_written_again(monkeypatch):
    store = DjangoORMRevocation()
    store.revoke("a", 10)
    extend = DjangoORMRevocation._extend

    def after_a_purge(self, keys, expires_at):
        monkeypatch.setattr(DjangoORMRevocation, "_extend", extend)
        RevokedToken.objects.all().delete()
        return extend(self, keys, expires_at)

    monkeypatch.setattr(DjangoORMRevocation, "_extend", after_a_purge)
    store.revoke("a", 100)
    assert store.is_revoked("a")


# A replica


class Replicated:
    def db_for_read(self, model, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "default"


@override_settings(DATABASE_ROUTERS=[f"{__name__}.Replicated"])
def test_a_revoked_token_is_refused_before_a_replica_has_caught_up():
    with database_on("", "replica"):
        store = DjangoORMRevocation()
        store.revoke("a", 60)
        assert RevokedToken.objects.using("replica").count() == 0
        assert store.is_revoked("a") is True
        RevokedToken.objects.using("replica").create(jti="only there")
        assert store.is_revoked("only there") is False
        assert store.purge() == 0


def test_a_look_up_is_one_query_and_a_failing_one_raises(monkeypatch):
    store = DjangoORMRevocation()
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        store.is_revoked("a")
        store.is_revoked("x" * 300)
    assert len(queries) == 2


def test_duplicate_revocation_leaves_the_transaction_usable():
    with transaction.atomic():
        store = DjangoORMRevocation()
        store.revoke("a", 60)
        store.revoke("a", 600)
        assert store.is_revoked("a")
        assert RevokedToken.objects.count() == 1


# On each server


@pytest.mark.parametrize("url", SERVERS)
@pytest.mark.skipif(ON_SERVER, reason="this is that run")
def test_the_same_on_a_server(url):
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))]
    environment = {**os.environ, "BOLTGUARD_TEST_DJANGO_DATABASE": url}
    done = subprocess.run(again, cwd=HERE, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
