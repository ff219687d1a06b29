"""Revoked tokens in a cache: sufficient retention, and never accepted if the cache may have lost them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from boltguard import BoltAPI
from boltguard.auth import DjangoCacheRevocation, IsAuthenticated, JWTAuthentication
from boltguard.auth.stores import CLOCK_SKEW_MARGIN
from boltguard.checks.stores import SHARED_CACHE, check_store
from boltguard.exceptions import RevocationUnavailable

from support import bearer, call, mount, wsgi

HERE = Path(__file__).parent


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@contextmanager
def running(program, *arguments, port):
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"no {program} on the PATH")
    server = subprocess.Popen([path, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield server
    finally:
        server.kill()
        server.wait()


@contextmanager
def redis(port):
    arguments = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with running("redis-server", *arguments, port=port) as server:
        yield server


@contextmanager
def memcached(port):
    user = ("-u", "root") if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    with running("memcached", "-l", "127.0.0.1", "-p", str(port), *user, port=port) as server:
        yield server


def django_redis(port, **options):
    pytest.importorskip("django_redis")
    timeouts = {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1}
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{port}/0",
        "OPTIONS": {**timeouts, **options},
    }


def swallowing(port):
    return django_redis(port, IGNORE_EXCEPTIONS=True)


def plain_redis(port):
    pytest.importorskip("redis")
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://127.0.0.1:{port}/0"}


def pymemcache(port):
    pytest.importorskip("pymemcache")
    location = f"127.0.0.1:{port}"
    return {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": location}


SERVERS = {
    "redis": (redis, plain_redis),
    "django-redis that swallows its errors": (redis, swallowing),
    "memcached": (memcached, pymemcache),
}


def site(store, **options):
    api = BoltAPI()
    api.get("/x", auth=[JWTAuthentication(revocation_store=store, **options)], guards=[IsAuthenticated()])(lambda: {})
    mount(api=api)


def status(jti, **claims):
    return call("get", "/x", bearer(sub="1", jti=jti, **claims)).status_code


@pytest.fixture(autouse=True)
def _empty():
    yield
    caches["default"].clear()


# An unavailable cache


@pytest.mark.parametrize("kind", SERVERS)
def test_revoked_token_stays_refused_after_server_restart(kind):
    serve, configure = SERVERS[kind]
    port = free_port()
    with override_settings(CACHES={"default": configure(port)}):
        store = DjangoCacheRevocation()
        site(store)
        with serve(port) as server:
            assert status("gone") == status("other") == 200
            store.revoke("gone", 600)
            assert (status("gone"), status("other")) == (401, 200)
            server.kill()
            server.wait()
            assert (status("gone"), status("other")) == (503, 503)
            with pytest.raises(Exception):  # noqa: B017  # of the client, or RevocationUnavailable
                store.revoke("more", 600)
        with serve(port):
            assert {status("gone") for _ in range(5)} == {503}, "unknown entries were lost"


def test_a_server_that_hangs_is_503_until_it_recovers():
    port = free_port()
    with override_settings(CACHES={"default": swallowing(port)}), redis(port) as server:
        store = DjangoCacheRevocation()
        site(store)
        store.revoke("gone", 600)
        assert status("other") == 200
        server.send_signal(signal.SIGSTOP)
        assert wsgi("get", "/x", bearer(sub="1", jti="gone")).status_code == 503
        server.send_signal(signal.SIGCONT)
        assert (status("gone"), status("other")) == (401, 200)


@pytest.mark.parametrize("kind", [kind for kind in SERVERS if kind != "memcached"])
def test_a_server_that_is_emptied_is_503_in_every_process(kind):
    serve, configure = SERVERS[kind]
    port = free_port()
    with override_settings(CACHES={"default": configure(port)}), serve(port):
        store = DjangoCacheRevocation()
        site(store)
        store.revoke("gone", 600)
        assert (status("gone"), status("other")) == (401, 200)
        caches["default"].clear()
        assert (status("gone"), status("other")) == (503, 503)
        for _ in range(2):
            with pytest.raises(RevocationUnavailable, match="accept_loss"):
                DjangoCacheRevocation().is_revoked("gone")
        store.revoke("known", 600)
        assert status("known") == 401, "it is stored"
        assert status("other") == 503


def test_first_start_and_flush_without_entries_lose_nothing():
    store = DjangoCacheRevocation()
    assert store.is_revoked("a") is False
    caches["default"].clear()
    assert store.is_revoked("a") is False
    assert DjangoCacheRevocation().is_revoked("a") is False


def test_a_loss_is_over_when_the_lost_entries_would_have_expired(monkeypatch):
    store = DjangoCacheRevocation()
    monkeypatch.setattr(store, "lifetime", lambda ttl: ttl)
    store.revoke("a", 1)
    caches["default"].clear()
    with pytest.raises(RevocationUnavailable):
        store.is_revoked("a")
    for _ in range(200):
        try:
            assert store.is_revoked("a") is False
            return
        except RevocationUnavailable:
            time.sleep(0.1)
    raise AssertionError("it stays unavailable")


def test_accepted_loss_applies_to_every_process():
    store, other = DjangoCacheRevocation(), DjangoCacheRevocation()
    store.revoke("a")
    assert other.is_revoked("b") is False
    caches["default"].clear()
    with pytest.raises(RevocationUnavailable):
        store.is_revoked("a")
    DjangoCacheRevocation().accept_loss()
    assert store.is_revoked("a") is other.is_revoked("a") is False
    store.revoke("c")
    caches["default"].clear()
    for one in (store, other):
        with pytest.raises(RevocationUnavailable):
            one.is_revoked("c")


class Silent(LocMemCache):
    """Suppresses errors, like caches with `ignore_exc`."""

    is_down = False

    def get_many(self, keys, version=None):
        return {} if Silent.is_down else super().get_many(keys, version)

    def get(self, key, default=None, version=None):
        return default if Silent.is_down else super().get(key, default, version)

    def set(self, *args, **kwargs):
        return None if Silent.is_down else super().set(*args, **kwargs)

    def add(self, *args, **kwargs):
        return True if Silent.is_down else super().add(*args, **kwargs)


@override_settings(CACHES={"default": {"BACKEND": f"{__name__}.Silent"}})
def test_unavailable_cache_is_never_read_as_unrevoked(monkeypatch):
    store = DjangoCacheRevocation()
    site(store)
    store.revoke("gone", 600)
    monkeypatch.setattr(Silent, "is_down", True)
    assert (status("gone"), status("other")) == (503, 503)
    with pytest.raises(RevocationUnavailable):
        store.revoke("other")
    with pytest.raises(RevocationUnavailable):
        store.accept_loss()
    monkeypatch.setattr(Silent, "is_down", False)
    assert (status("gone"), status("other")) == (401, 200)


@override_settings(CACHES={"default": {"BACKEND": f"{__name__}.Silent"}})
def test_process_started_without_the_cache_allows_no_one(monkeypatch):
    monkeypatch.setattr(Silent, "is_down", True)
    with pytest.raises(RevocationUnavailable):
        DjangoCacheRevocation().is_revoked("a")


@override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
def test_a_cache_that_keeps_nothing_is_503():
    site(DjangoCacheRevocation())
    assert status("a") == 503


def test_a_look_up_is_one_question():
    store = DjangoCacheRevocation()
    store.is_revoked("a")
    called = []

    class Counting(LocMemCache):
        def get_many(self, keys, version=None):
            called.append(list(keys))
            return super().get_many(keys, version)

    cache = Counting("", {})
    store.__class__ = type("Store", (DjangoCacheRevocation,), {"cache": property(lambda self: cache)})
    store.is_revoked("a")
    called.clear()
    store.is_revoked("a")
    assert len(called) == 1 and len(called[0]) == 2


# How long an entry is kept


def kept_until(jti, prefix="revoked_tokens:"):
    return caches["default"].get(prefix + jti)


def test_a_token_revoked_through_another_object_stays_revoked_through_the_leeway():
    site(DjangoCacheRevocation(), leeway=180)
    DjangoCacheRevocation().revoke("a", 4)
    assert kept_until("a") >= time.time() + 4 + 180 + CLOCK_SKEW_MARGIN - 1
    DjangoCacheRevocation(key_prefix="other:").revoke("a", 4)
    assert kept_until("a", "other:") < time.time() + 180, "no backend uses that store"


def test_an_entry_of_another_process_stays_through_the_leeway(tmp_path):
    """A task worker doesn't import the views, which create the backend."""
    cache = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    code = f"""
import time, django
from django.conf import settings
settings.configure(SECRET_KEY="k" * 40, ROOT_URLCONF="views", USE_TZ=True,
    CACHES={{"default": {cache!r}}})
django.setup()
from boltguard.auth import DjangoCacheRevocation
store = DjangoCacheRevocation()
store.revoke("a", 4)
print(store.cache.get("revoked_tokens:a") - time.time())
"""
    (tmp_path / "views.py").write_text(
        "from boltguard import BoltAPI\n"
        "from boltguard.auth import DjangoCacheRevocation, JWTAuthentication\n"
        "JWTAuthentication(revocation_store=DjangoCacheRevocation(), leeway=900)\n"
        "urlpatterns = []\n"
    )
    for broken in (False, True):
        if broken:
            (tmp_path / "views.py").write_text("import nowhere")
            shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
            for entry in tmp_path.glob("*.djcache"):
                entry.unlink()
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) >= 4 + 900 + CLOCK_SKEW_MARGIN - 2, "views that can't be imported may have any leeway"


def test_revoking_again_extends_and_never_shortens():
    store = DjangoCacheRevocation()
    ends = []
    for ttl in (100, 10, 200, None, 10):
        store.revoke("a", ttl)
        ends.append(kept_until("a"))
    assert ends[0] == ends[1] != 0 and ends[2:] == [0, 0, 0], "an entry that is extended is kept forever"


def test_the_same_token_can_be_revoked_again_without_an_extension():
    """Its remaining lifetime is rounded differently."""
    store = DjangoCacheRevocation()
    store.revoke("a", 100)
    end = kept_until("a")
    store.revoke("a", 102)
    assert kept_until("a") == end >= time.time() + 102 + CLOCK_SKEW_MARGIN


def test_an_entry_that_another_service_wrote_is_not_shortened():
    caches["default"].set("revoked_tokens:a", 1, timeout=10**6)
    DjangoCacheRevocation().revoke("a", 10)
    assert kept_until("a") == 0, "its remaining lifetime isn't known"


def test_a_far_end_is_for_good():
    store = DjangoCacheRevocation()
    store.revoke("a", 10.0**12)
    assert kept_until("a") == 0 and store.is_revoked("a")


# Keys


@pytest.mark.parametrize("size", [1, 120, 128, 129, 255, 256, 3000])
def test_a_key_fits_into_memcached_with_the_prefix_of_the_cache(size):
    backend = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "KEY_PREFIX": "p" * 120, "VERSION": 12345}
    with override_settings(CACHES={"default": backend}):
        store = DjangoCacheRevocation()
        made = store.cache.make_key(store.key("x" * size))
        assert len(made) <= 250
        store.revoke("x" * size, 60)
        assert store.is_revoked("x" * size) and not store.is_revoked("x" * (size + 1))


def test_ids_are_distinguished_whatever_they_hold():
    store = DjangoCacheRevocation()
    ids = ["abc", "ABC", "abc ", "äbc", "a\0bc", "\ud800", "x" * 300, "boltguard:mark", "sha256:abc"]
    for jti in ids:
        assert store.is_revoked(jti) is False
        store.revoke(jti, 60)
        assert store.is_revoked(jti) is True


# Checks


def messages(**cache):
    with override_settings(CACHES={"default": cache}):
        return [(one.id, one.msg) for one in check_store(DjangoCacheRevocation())]


@pytest.mark.parametrize(
    ("cache", "says"),
    [
        ({"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": ["a:1", "b:1"]}, "several"),
        ({"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "a:1;b:1"}, "several"),
        ({"BACKEND": "django.core.cache.backends.memcached.PyLibMCCache", "LOCATION": "a:1,b:1"}, "several"),
        (
            {
                "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
                "LOCATION": "a:1",
                "OPTIONS": {"ignore_exc": True},
            },
            "ignore_exc",
        ),
        ({"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ["redis://a", "redis://b"]}, "replica"),
        ({"BACKEND": "django_redis.cache.RedisCache", "LOCATION": ["redis://a", "redis://b"]}, "replica"),
    ],
)
def test_unreliable_cache_is_an_error(cache, says):
    [(code, text)] = messages(**cache)
    assert code == "boltguard.E202" and says in text


def test_one_server_is_fine_and_the_hint_recommends_no_memcached():
    assert messages(BACKEND="django.core.cache.backends.redis.RedisCache", LOCATION="redis://a") == []
    assert "emcached" not in SHARED_CACHE
    assert messages(BACKEND="django.core.cache.backends.memcached.PyMemcacheCache", LOCATION="a:1")[0][0] == (
        "boltguard.W202"
    )


class Split:
    def db_for_read(self, model, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "default"


@override_settings(DATABASE_ROUTERS=[f"{__name__}.Split"])
def test_a_cache_in_a_table_that_is_read_from_a_replica_is_an_error():
    options = {"MAX_ENTRIES": 10**6}
    backend = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache", "OPTIONS": options}
    [(code, text)] = messages(**backend)
    assert code == "boltguard.E202" and "replica" in text
