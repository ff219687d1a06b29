"""The contract of revocation stores, for the stores of Boltguard and for custom ones."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.memcached import BaseMemcachedCache
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import override_settings

from boltguard.auth import (
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    RevocationLevel,
    RevocationQuery,
    RevocationStore,
)
from boltguard.auth.revocation_arguments import ALL_TOKENS
from boltguard.auth.token_ids import LEVEL
from boltguard.exceptions import RevocationUnavailable
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.testing.revocation import RevocationStoreTests, check_store
from test_django_revocation_caches import django_redis, free_port, memcached, plain_redis, pymemcache, redis
from test_django_revocation_levels import AsyncLevels, Levels

from databases import SERVERS

HERE = Path(__file__).parent
ON_SERVER = "BOLTGUARD_TEST_DJANGO_DATABASE" in os.environ


@pytest.fixture(autouse=True)
def _empty(database):
    yield
    RevokedToken.objects.all().delete()
    RevocationWatermark.objects.all().delete()


class TestMemory(RevocationStoreTests):
    make_store = staticmethod(InMemoryRevocation)


class TestTable(RevocationStoreTests):
    # Threads can't share an SQLite database in memory.
    uses_threads = ON_SERVER
    make_store = staticmethod(DjangoORMRevocation)


class TestOwn(RevocationStoreTests):
    make_store = staticmethod(Levels)


class TestOwnAsync(RevocationStoreTests):
    make_store = staticmethod(AsyncLevels)


class TestOwnWithoutLevels(RevocationStoreTests):
    def make_store(self):
        class TokensOnly(RevocationStore):
            ids = set()

            def revoke(self, jti, ttl=None):
                self.ids.add(jti)

            def is_revoked(self, jti):
                return jti in self.ids

        return TokensOnly()


# Caches


class Client:
    """A client of Memcached, with the limits of a server."""

    entries = {}

    def __init__(self, servers, **options): ...

    def get(self, key, default=None):
        assert len(key) <= 250 and key.isascii() and key.isprintable() and " " not in key
        value, end = self.entries.get(key, (default, 0))
        return value if end == 0 or time.time() < end else default

    def get_multi(self, keys):
        found = {key: self.get(key) for key in keys}
        return {key: value for key, value in found.items() if value is not None}

    def set(self, key, value, timeout=0):
        assert isinstance(timeout, int)
        # More than 30 days are a date, and a date in the past has passed.
        end = timeout if timeout > 30 * 24 * 3600 else timeout and time.time() + timeout
        self.entries[key] = value, -1 if timeout < 0 else end
        return True

    def add(self, key, value, timeout=0):
        with LOCK:
            return self.get(key) is None and self.set(key, value, timeout)

    def delete(self, key):
        return self.entries.pop(key, None) is not None

    def disconnect_all(self): ...


class MemcachedLike(BaseMemcachedCache):
    def __init__(self, server, params):
        super().__init__(server, params, library=SimpleNamespace(Client=Client), value_not_found_exception=ValueError)


LOCK = threading.Lock()
MEMCACHED_LIKE = {"BACKEND": f"{__name__}.MemcachedLike", "LOCATION": "nowhere", "KEY_PREFIX": "p" * 60}
LOCMEM = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "contract"}


class Small(LocMemCache):
    """A cache with a limit of its values, as that of Memcached."""

    def set(self, key, value, *args, **kwargs):
        assert len(str(value)) < 100
        return super().set(key, value, *args, **kwargs)


@pytest.mark.parametrize(
    "settings",
    [
        LOCMEM,
        {**LOCMEM, "OPTIONS": {"MAX_ENTRIES": 10_000}, "TIMEOUT": 1, "VERSION": 7},
        {**LOCMEM, "BACKEND": f"{__name__}.Small"},
        MEMCACHED_LIKE,
    ],
    ids=["locmem", "other defaults", "small values", "memcached-like"],
)
def test_caches_in_this_process(settings):
    with override_settings(CACHES={"default": settings}):
        check_store(DjangoCacheRevocation)
        check_store(lambda: DjangoCacheRevocation(key_prefix="x" * 90))
        caches["default"].clear() if settings is not MEMCACHED_LIKE else Client.entries.clear()


def test_a_lifetime_of_more_than_thirty_days_in_memcached():
    with override_settings(CACHES={"default": MEMCACHED_LIKE}):
        store = DjangoCacheRevocation()
        store.revoke_session("s", 60 * 24 * 3600)
        store.revoke_session("s", 1)
        assert store.check(RevocationQuery("a", session_id="s"))
        Client.entries.clear()


@pytest.mark.parametrize(
    ("server", "settings"),
    [(redis, plain_redis), (redis, django_redis), (memcached, pymemcache)],
    ids=["redis", "django-redis", "memcached"],
)
def test_caches_on_a_server(server, settings):
    port = free_port()
    with override_settings(CACHES={"default": settings(port)}), server(port):
        check_store(DjangoCacheRevocation)


def test_a_cache_in_a_table():
    settings = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_contract"}
    with override_settings(CACHES={"default": {**settings, "OPTIONS": {"MAX_ENTRIES": 100_000}}}):
        call_command("createcachetable", verbosity=0)
        check_store(DjangoCacheRevocation, uses_threads=ON_SERVER)


def test_redis_has_the_keys_and_values_of_rust():
    port = free_port()
    with override_settings(CACHES={"default": plain_redis(port)}), redis(port):
        import redis as client

        store, server = DjangoCacheRevocation(), client.Redis(port=port, decode_responses=True)
        level = RevocationLevel.subject("42", "https://issuer.example")
        prefix = ":1:revoked_tokens:"
        store.revoke_subject("42", issuer="https://issuer.example", ttl=100)
        before = int(server.get(prefix + level.storage_key))
        assert abs(before - time.time() * 1000) < 60_000
        assert 100_000 < server.pttl(prefix + level.storage_key) <= store.lifetime(100) * 1000
        store.revoke_session("s")
        session = prefix + RevocationLevel.session("s").storage_key
        assert (server.get(session), server.ttl(session)) == (str(ALL_TOKENS), -1)
        # As Rust writes it.
        server.set(prefix + RevocationLevel.key("k").storage_key, "1000", ex=60)
        tokens = [RevocationQuery("a", key_id="k", issued_at=millis) for millis in (1000, 1001)]
        assert [store.check(token) for token in tokens] == [True, False]
        store.revoke(level.storage_key, 60)
        assert store.key(level.storage_key).startswith("revoked_tokens:sha256:")
        assert int(server.get(prefix + level.storage_key)) == before


@pytest.mark.parametrize("value", ["x", "1:2:3", 1.5, None, True, b"1"])
def test_a_watermark_that_cannot_be_read_is_unavailable(value):
    if value is None:
        return
    store = DjangoCacheRevocation()
    key = "revoked_tokens:" + RevocationLevel.session("s").storage_key
    caches["default"].set(key, value)
    with pytest.raises(RevocationUnavailable):
        store.check(RevocationQuery("a", session_id="s"))
    caches["default"].clear()


def test_a_cache_that_loses_watermarks_is_unavailable():
    store = DjangoCacheRevocation(key_prefix="lost:")
    store.revoke_session("s", 600)
    caches["default"].clear()
    with pytest.raises(RevocationUnavailable):
        store.check(RevocationQuery("a", session_id="s"))
    store.accept_loss()
    assert store.check(RevocationQuery("a", session_id="s")) is False
    caches["default"].clear()


@override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
def test_a_cache_that_keeps_nothing_is_unavailable():
    with pytest.raises(RevocationUnavailable):
        DjangoCacheRevocation().revoke_session("s")


# Tables


def test_a_check_of_a_table_is_two_queries():
    from django.test.utils import CaptureQueriesContext

    store = DjangoORMRevocation()
    with CaptureQueriesContext(connection) as queries:
        store.check(RevocationQuery("a", session_id="s", subject="1", issuer="i", key_id="k", issued_at=0))
    assert len(queries) == 2


def test_a_level_is_revoked_twice_in_a_transaction():
    store = DjangoORMRevocation()
    with transaction.atomic():
        store.revoke_session("s", 60)
        store.revoke_session("s", 600)
    assert RevocationWatermark.objects.get().key == RevocationLevel.session("s").storage_key.removeprefix(LEVEL)


@pytest.mark.skipif(not ON_SERVER, reason="threads can't share an SQLite database in memory")
@pytest.mark.parametrize("exists", [True, False])
def test_concurrent_transactions_keep_the_latest_and_longest(exists):
    store, level = DjangoORMRevocation(), RevocationLevel.subject("1")
    if exists:
        store.revoke_level(level, 0, 1)
    start, failures = threading.Barrier(6), []

    def revoke(number):
        try:
            start.wait(10)
            with transaction.atomic():
                # The transaction reads before, so its snapshot doesn't have the rows of the others.
                RevocationWatermark.objects.count()
                store.revoke_level(level, number, None if number == 3 else number)
                time.sleep(0.01)
        except Exception as error:
            failures.append((number, error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=revoke, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A database may resolve a conflict by an error, which isn't silent: the view fails.
    failed = [number for number, _ in failures]
    kept = [number for number in range(6) if number not in failed]
    row = RevocationWatermark.objects.get()
    assert row.before == max(kept) and (row.expires_at is None) == (3 in kept), failures
    assert len(failed) < 5, failures


# On each server


@pytest.mark.parametrize("url", SERVERS)
@pytest.mark.skipif(ON_SERVER, reason="this is that run")
def test_the_same_on_a_server(url):
    chosen = ["-k", "Table or table or transaction"]
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, str(Path(__file__))]
    environment = {**os.environ, "BOLTGUARD_TEST_DJANGO_DATABASE": url}
    done = subprocess.run(again, cwd=HERE, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
