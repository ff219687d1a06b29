"""`manage.py boltguard_doctor`, on real servers."""

import json
from datetime import timedelta
from io import StringIO
from weakref import WeakSet

import pytest
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings
from django.urls import path
from django.utils import timezone

from boltguard import registry
from boltguard.auth import (
    APIKeyAuthentication,
    APIKeyStore,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    JWTAuthentication,
    ReplicatedRevocation,
    RevocationStore,
)
from boltguard.auth.secret_box import SecretBox
from boltguard.doctor import redis_server
from boltguard.doctor.report import Section, shown_url
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.sessions import TokenSessions
from boltguard.sessions.models import TokenSession
from test_django_revocation_caches import django_redis, free_port, plain_redis, redis

from databases import SERVERS, database_on
from support import mount

PASSWORD = "correct-horse-battery-staple"


@pytest.fixture(autouse=True)
def _only_own_objects(monkeypatch, database):
    monkeypatch.setattr(registry, "_built", WeakSet())
    mount()


def doctor(*arguments):
    """The output of the command, and the error if it fails."""
    out = StringIO()
    try:
        call_command("boltguard_doctor", *arguments, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


def examined(title):
    """The facts and problems of the section with this title."""
    report, _ = doctor("--json")
    (section,) = [one for one in json.loads(report)["sections"] if one["title"] == title]
    return section["facts"], [one["problem"] for one in section["problems"]]


def test_a_site_without_problems():
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(), leeway=30)
    sessions = TokenSessions(backend, max_sessions=5)
    out, error = doctor()
    assert error is None and "PROBLEM" not in out and sessions
    facts, problems = examined("Revocation store DjangoORMRevocation")
    assert problems == [] and facts["reachable"] is True and facts["leeway"] == "30 s"
    assert facts["boltguard.RevokedToken: database"] == "default (sqlite)"
    assert facts["bound of a revocation"].startswith("immediately")
    assert facts["round trip"].endswith(" ms")


def test_stores_of_one_class_are_distinguished():
    tables = DjangoORMRevocation(), DjangoORMRevocation(model="boltguard.RevokedToken")
    caches = DjangoCacheRevocation(), DjangoCacheRevocation(key_prefix="other:")
    alike = DjangoCacheRevocation()
    backends = [
        JWTAuthentication(revocation_store=store, name=name)
        for store, name in zip((*tables, *caches, alike), ("a", "b", "c", "d", "e"), strict=True)
    ]
    report, _ = doctor("--json")
    sections = {one["title"]: one["facts"] for one in json.loads(report)["sections"]}
    stores = {title: facts for title, facts in sections.items() if title.startswith("Revocation store")}
    assert len(stores) == 4 and backends
    found = {facts["backends"]: (title, facts.get("key_prefix")) for title, facts in stores.items()}
    assert set(found) == {"a", "b", "c, e", "d"}
    assert found["d"][1] == "other:" and found["c, e"][1] == "revoked_tokens:"
    for kind in ("DjangoORMRevocation", "DjangoCacheRevocation"):
        assert {f"Revocation store {kind} ({number} of 2)" for number in (1, 2)} <= set(stores)


def test_sessions_name_their_store():
    stores = DjangoCacheRevocation(), DjangoCacheRevocation(key_prefix="other:")
    sessions = [TokenSessions(JWTAuthentication(revocation_store=store)) for store in stores]
    report, _ = doctor("--json")
    bounds = [one["facts"].get("bound of a logout") for one in json.loads(report)["sections"]]
    named = {bound for bound in bounds if bound is not None}
    assert named == {f"that of the revocation store DjangoCacheRevocation ({number} of 2)" for number in (1, 2)}
    assert sessions


def test_the_policy_of_sessions_is_documented():
    sessions = TokenSessions(JWTAuthentication(revocation_store=DjangoORMRevocation()), access_lifetime=300)
    facts, problems = examined("Session policy")
    assert facts == {
        "database": "default (sqlite)",
        "access_lifetime": "0:05:00",
        "refresh_lifetime": "14 days, 0:00:00",
        "session_lifetime": "90 days, 0:00:00",
        "reuse_grace": "0:00:10",
        "max_sessions": None,
        "transport": "header authorization",
        "account is checked on each request": False,
        "bound of a logout": "that of the revocation store DjangoORMRevocation",
    }
    assert problems == [] and sessions


def test_backends_without_a_store_are_counted(own_registry):
    backend = JWTAuthentication()
    title = "Tokens without revocation"
    with override_settings(
        BOLTGUARD_AUTHENTICATION_CLASSES=[JWTAuthentication(revocation_store=DjangoORMRevocation())]
    ):
        facts, _ = examined(title)
        assert facts["of BOLTGUARD_AUTHENTICATION_CLASSES"] == 0 and facts["backends"] >= 1
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[backend]):
        assert examined(title)[0]["of BOLTGUARD_AUTHENTICATION_CLASSES"] == 1


def test_a_missing_table_of_sessions_is_a_problem(monkeypatch):
    sessions = TokenSessions(JWTAuthentication(revocation_store=DjangoORMRevocation()))
    monkeypatch.setattr(TokenSession._meta, "db_table", "absent")
    assert examined("Session policy")[1] == ["The table of sessions doesn't exist in the database 'default'."]
    assert "migrate boltguard_sessions" in doctor()[0] and sessions


def test_cookies_of_sessions_are_documented():
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(), cookie="__Host-access")
    sessions = TokenSessions(backend, cookies=True)
    assert "unknown" in examined("Session policy")[0]["cookie __Secure-refresh"]
    mount(path("auth/", sessions.urls))
    facts, _ = examined("Session policy")
    assert facts["cookie __Host-access"] == "no Domain; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert facts["cookie __Secure-refresh"] == "no Domain; Path=/auth/token/refresh; Secure; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(("count", "is_problem"), [(7, False), (8, True), (11, True)])
def test_list_that_is_nearly_full_is_a_problem(count, is_problem):
    memory = InMemoryRevocation(max_entries=10)
    copied = ReplicatedRevocation(None, max_entries=10)
    backends = [JWTAuthentication(revocation_store=store) for store in (memory, copied)]
    for number in range(count):
        copied.truth.revoke(f"token {number}", 600)
    for number in range(min(count, 10)):
        memory.revoke(f"token {number}", 600)
    RevokedToken.objects.create(jti="expired", expires_at=timezone.now() - timedelta(days=1))
    try:
        for store, shown in ((memory, min(count, 10)), (copied, count)):
            facts, problems = examined(f"Revocation store {type(store).__name__}")
            full = [one for one in problems if f"{shown} of at most 10 entries are in use." in one]
            assert bool(full) is is_problem
        assert (facts["boltguard.RevokedToken: rows"], facts["max_entries"]) == (count + 1, 10)
    finally:
        copied.close()
        RevokedToken.objects.all().delete()
    assert backends


def test_entries_without_expiry_are_counted():
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation())
    backend.revocation_store.revoke_subject("1")
    backend.revocation_store.revoke_subject("2", ttl=60)
    try:
        facts, _ = examined("Revocation store DjangoORMRevocation")
        assert facts["boltguard.RevocationWatermark: rows"] == 2
        assert facts["boltguard.RevocationWatermark: rows without expiry"] == 1
        assert facts["boltguard.RevokedToken: rows without expiry"] == 0
    finally:
        RevocationWatermark.objects.all().delete()


def test_sessions_without_a_store_are_a_problem():
    sessions = TokenSessions(JWTAuthentication())
    facts, problems = examined("Session policy")
    assert facts["bound of a logout"] == "0:15:00: access tokens aren't revoked"
    assert problems == ["Access tokens stay valid for up to 0:15:00 after their session has ended."] and sessions


def test_problems_have_remedies_and_fail_the_command():
    backend = JWTAuthentication("short", revocation_store=InMemoryRevocation())
    out, error = doctor()
    assert error == "Found 2 problems." and backend
    assert out.count("PROBLEM: ") == out.count("REMEDY: ") == 2
    assert "each process has its own entries" in out and "shorter than the hash of HS256" in out
    assert "short" not in out.replace("shorter", "")


def test_an_unavailable_store_is_a_problem():
    class Broken(RevocationStore):
        def revoke(self, jti, ttl=None):
            raise ConnectionError(PASSWORD)

        def is_revoked(self, jti):
            raise ConnectionError(f"redis://user:{PASSWORD}@example.org")

    backend = JWTAuthentication(revocation_store=Broken())
    facts, problems = examined("Revocation store Broken")
    assert facts["reachable"] is False and backend
    assert problems == ["The store is unavailable (ConnectionError), so tokens are refused with 503."]


@pytest.mark.parametrize("url", SERVERS)
def test_the_table_on_a_server(url):
    class Router:
        def db_for_write(self, model, **hints):
            return "examined"

    backend = JWTAuthentication(revocation_store=DjangoORMRevocation())
    with database_on(url, "examined") as connection, override_settings(DATABASE_ROUTERS=[Router()]):
        facts, problems = examined("Revocation store DjangoORMRevocation")
        assert facts["boltguard.RevokedToken: database"] == f"examined ({connection.vendor})"
        assert "although DATABASE_ROUTERS has a replica" in facts["boltguard.RevokedToken: read from"]
        assert facts["boltguard.RevokedToken: rows"] == 0 and problems == []
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE boltguard_revokedtoken")
        _, problems = examined("Revocation store DjangoORMRevocation")
    assert "The table of boltguard.RevokedToken doesn't exist in the database 'examined'." in problems and backend


def test_caches_that_drop_entries_are_a_problem():
    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 50}}
    backend = JWTAuthentication(revocation_store=DjangoCacheRevocation())
    with override_settings(CACHES={"default": cache}):
        facts, problems = examined("Revocation store DjangoCacheRevocation")
    assert (facts["kind"], facts["MAX_ENTRIES"]) == ("LocMemCache", 50) and backend
    assert any("drops entries when it is full" in problem for problem in problems)


@pytest.mark.parametrize("configure", [plain_redis, django_redis])
def test_a_redis_server(configure):
    port = free_port()
    backend = JWTAuthentication(revocation_store=DjangoCacheRevocation())
    with override_settings(CACHES={"default": configure(port)}), redis(port):
        client = redis_server.client_of(backend.revocation_store)
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("save", "")
        facts, problems = examined("Revocation store DjangoCacheRevocation")
        assert facts["location"] == f"redis://127.0.0.1:{port}/0"
        assert (facts["Redis: role"], facts["Redis: maxmemory-policy"]) == ("master", "allkeys-lru")
        assert (facts["Redis: appendonly"], facts["Redis: save"], facts["Redis: replicas"]) == ("no", "never", 0)
        assert facts["Redis: clock"].endswith(" s") and facts["reachable"] is True
        assert any("evicts entries" in problem for problem in problems)
        assert any("doesn't write to disk" in problem for problem in problems)
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("save", "3600 1")
        assert examined("Revocation store DjangoCacheRevocation")[1] == []
        client.config_set("save", "")
        caches["default"].clear()


def test_a_replicated_list():
    port = free_port()
    with redis(port):
        url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        redis_server.client_for(SecretBox(f"redis://127.0.0.1:{port}/0")).config_set("requirepass", PASSWORD)
        backend = JWTAuthentication(revocation_store=ReplicatedRevocation(url, max_staleness=2))
        facts, problems = examined("Revocation store ReplicatedRevocation")
        assert facts["bound of a revocation"] == "2 s after it was acknowledged and committed"
        assert facts["announced by"] == f"redis://127.0.0.1:{port}/0" and facts["if the copy may be older"] == "503"
        assert facts["Redis: role"] == "master" and facts["reachable"] is True and problems == []
        client = redis_server.client_for(SecretBox(url))
        client.config_set("maxmemory-policy", "allkeys-lru")
        assert any("evicts" in one for one in examined("Revocation store ReplicatedRevocation")[1])
        assert PASSWORD not in doctor()[0]
        backend.revocation_store.close()


def test_failover_of_a_stream_can_delay_revocations():
    class Client:
        def info(self):
            return {"role": "master", "connected_slaves": 1, "maxmemory_policy": "noeviction"}

        def config_get(self, name):
            return {name: "0"}

    for wait_replicas, problems in ((0, 1), (1, 0)):
        section = Section("stream")
        redis_server.examine_stream(Client(), wait_replicas, section)
        assert len(section.problems) == problems


def test_a_polled_list_needs_no_server():
    backend = JWTAuthentication(revocation_store=ReplicatedRevocation(None, on_stale="ask"))
    facts, _ = examined("Revocation store ReplicatedRevocation")
    assert facts["announced by"].startswith("nothing") and facts["if the copy may be older"] == "queries the database"
    assert not any(name.startswith("Redis") for name in facts)
    backend.revocation_store.close()


def test_a_stopped_redis_server_is_a_problem_and_its_password_is_not_shown():
    cache = plain_redis(free_port())
    cache["LOCATION"] = cache["LOCATION"].replace("redis://", f"redis://user:{PASSWORD}@")
    backend = JWTAuthentication(revocation_store=DjangoCacheRevocation())
    with override_settings(CACHES={"default": cache}):
        for arguments in ((), ("--json",)):
            out, error = doctor(*arguments)
            assert "The store is unavailable" in out and error is not None and backend
            assert PASSWORD not in out + error and "user" not in out.partition("location")[2].splitlines()[0]


class Client:
    """A server with this state."""

    def __init__(self, info, settings, seconds_ahead=0.0):
        self._info, self._settings, self._ahead = info, settings, seconds_ahead

    def info(self):
        return {"role": "master", "aof_enabled": 1, "maxmemory_policy": "noeviction", **self._info}

    def config_get(self, name):
        return {name: self._settings.get(name)}

    def time(self):
        import time

        now = time.time() + self._ahead
        return int(now), int(now % 1 * 1e6)


@pytest.mark.parametrize(
    ("client", "problem"),
    [
        (Client({"role": "slave"}, {}), "is a replica"),
        (Client({"connected_slaves": 1}, {"min-replicas-to-write": "0"}), "A failover to a replica can lose"),
        (Client({"aof_last_write_status": "err"}, {}), "failed to write to disk"),
        (Client({}, {}, 60), "The clock of the Redis server differs by +60.0 s"),
        (Client({}, {}, -60), "The clock of the Redis server differs by -60.0 s"),
        (Client({"connected_slaves": 1}, {"min-replicas-to-write": "1"}), None),
        (Client({}, {}), None),
    ],
)
def test_states_of_a_redis_server(client, problem):
    section = Section("Redis")
    redis_server.examine(client, section)
    assert [text for text, _ in section.problems if problem is None or problem not in text] == []
    assert len(section.problems) == (problem is not None)


def test_api_keys():
    backend = APIKeyAuthentication(store=APIKeyStore())
    facts, problems = examined("API keys")
    assert facts["stores"] == 1 and facts["active keys"] >= 0 and problems == [] and backend


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/1", "redis://127.0.0.1:6379/1"),
        (f"rediss://user:{PASSWORD}@example.org/0", "rediss://example.org/0"),
        (f"redis://:{PASSWORD}@[::1]:6379/0?password={PASSWORD}", "redis://::1:6379/0"),
        (f"unix://:{PASSWORD}@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        (f"user:{PASSWORD}@example.org:6379", "user:…"),
        (f"{PASSWORD}@example.org", "…"),
        (f"redis://:{PASSWORD}@example.org:port", "an invalid URL"),
        ("127.0.0.1:11211", "127.0.0.1:11211"),
        ("/var/tmp/cache", "/var/tmp/cache"),
    ],
)
def test_urls_are_shown_without_passwords(url, shown):
    assert shown_url(url) == shown


def test_secrets_are_not_shown():
    secret = f"{PASSWORD}-{PASSWORD}-{PASSWORD}"
    backend = JWTAuthentication(secret, revocation_store=DjangoORMRevocation())
    sessions = TokenSessions(JWTAuthentication(revocation_store=DjangoORMRevocation()))
    out = "".join(doctor()[0] + doctor("--json")[0])
    from django.conf import settings

    for hidden in (PASSWORD, settings.SECRET_KEY, *filter(None, [connections["default"].settings_dict["PASSWORD"]])):
        assert hidden not in out
    assert backend and sessions
