"""Revocation stores: enforced everywhere, with sufficient retention, and never failing open."""

import asyncio
import datetime
import logging
import time

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.test import override_settings
from django.utils import timezone

from boltguard import BoltAPI
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    RevocationStore,
)
from boltguard.auth.stores import CLOCK_SKEW_MARGIN
from boltguard.exceptions import RevocationStoreFull, RevocationUnavailable
from boltguard.models import RevokedToken

from people.models import AlwaysDated, OnlyId, Slow
from support import bearer, call, get, mount, wsgi


class SyncOnly(RevocationStore):
    def __init__(self):
        self.ids = set()

    def revoke(self, jti, ttl=None):
        self.ids.add(jti)

    def is_revoked(self, jti):
        OnlyId.objects.count()
        return jti in self.ids


class AsyncOnly(RevocationStore):
    """A store without a call of `super().__init__()`."""

    def __init__(self):
        self.ids = set()

    async def revoke(self, jti, ttl=None):
        await asyncio.sleep(0)
        self.ids.add(jti)

    async def is_revoked(self, jti):
        await asyncio.sleep(0)
        return jti in self.ids


STORES = {
    "memory": InMemoryRevocation,
    "cache": DjangoCacheRevocation,
    "ready model": DjangoORMRevocation,
    "model path": lambda: DjangoORMRevocation(model_path="people.models.OnlyId"),
    "model label": lambda: DjangoORMRevocation(model="people.AlwaysDated"),
    "no index": lambda: DjangoORMRevocation("people.models.Slow"),
    "own": SyncOnly,
    "own async": AsyncOnly,
}


def site(store, **options):
    api = BoltAPI()
    auth = [JWTAuthentication(revocation_store=store, **options)]

    @api.get("/async", auth=auth, guards=[IsAuthenticated()])
    async def whoami(request):
        return {"user_id": request.context["user_id"]}

    @api.get("/sync", auth=auth, guards=[IsAuthenticated()])
    def whoami_sync(request):
        return {"user_id": request.context["user_id"]}

    @api.get("/open", auth=auth, guards=[AllowAny()])
    async def anyone(request):
        return {"user_id": request.context["user_id"], "error": request.context.get("auth_error")}

    @api.post("/logout", auth=auth, guards=[IsAuthenticated()])
    async def logout(request):
        await store.arevoke(request.context["auth_claims"]["jti"], request.context.expires_in)
        return {}

    mount(api=api)


@pytest.fixture(autouse=True)
def _empty_stores(database):
    yield
    caches["default"].clear()
    for model in (RevokedToken, OnlyId, AlwaysDated, Slow):
        model.objects.all().delete()


@pytest.mark.parametrize("kind", STORES)
def test_a_revoked_token_is_refused_everywhere(kind):
    site(STORES[kind]())
    headers = bearer(sub="1", jti=f"j-{kind}")
    assert get("/async", **headers).status_code == get("/sync", **headers).status_code == 200
    assert wsgi("post", "/logout", headers).status_code == 200
    for url in ("/async", "/sync"):
        refused = get(url, **headers)
        assert refused.status_code == 401 and "revoked" in refused.content.decode()
    assert get("/open", **headers).json() == {"user_id": None, "error": "token_revoked"}
    assert get("/async", **bearer(sub="1", jti="another")).status_code == 200
    assert get("/async", **bearer(sub="1")).status_code == 401, "no jti: it can't be shown unrevoked"


@pytest.mark.parametrize("kind", [kind for kind in STORES if kind != "own async"])
def test_revoke_works_plainly_and_awaited(kind):
    store = STORES[kind]()
    store.revoke("plain")
    assert store.is_revoked("plain") is True
    assert store.is_revoked("other") is False
    if kind == "own":
        return

    async def awaited():
        if isinstance(store, DjangoORMRevocation):
            with pytest.raises(SynchronousOnlyOperation, match="arevoke"):
                store.revoke("awaited")
            await store.arevoke("awaited")
        else:
            await store.revoke("awaited")
            store.revoke("not awaited")
            assert await store.ais_revoked("not awaited") is True
        assert await store.ais_revoked("awaited") is True
        assert await store.ais_revoked("none") is False

    asyncio.run(awaited())


@pytest.mark.parametrize("kind", STORES)
def test_what_is_not_a_token_id_is_refused(kind):
    if kind.startswith("own"):
        return
    store = STORES[kind]()
    for jti in (None, "", 7):
        with pytest.raises(ValueError, match="jti"):
            store.revoke(jti)
    for ttl in (float("nan"), float("inf"), "60", True):
        with pytest.raises(ValueError, match="ttl"):
            store.revoke("j", ttl)


# How long an entry is kept


def test_an_entry_outlives_the_leeway():
    """If an entry expired at `exp`, its token would be accepted again during the leeway."""

    class Unshared(SyncOnly):
        @property
        def place(self):
            return self

    for store in (DjangoCacheRevocation(key_prefix="unshared:"), DjangoORMRevocation("people.models.Slow"), Unshared()):
        JWTAuthentication(revocation_store=store, leeway=30)
        JWTAuthentication(revocation_store=store, leeway=10)
        assert store.lifetime(100) == 100 + 30 + CLOCK_SKEW_MARGIN
        assert store.lifetime(datetime.timedelta(seconds=100)) == 100 + 30 + CLOCK_SKEW_MARGIN
        assert store.lifetime(-5) == 30 + CLOCK_SKEW_MARGIN
        assert store.lifetime(None) is None


@pytest.mark.parametrize("make", [InMemoryRevocation, DjangoCacheRevocation, DjangoORMRevocation])
def test_a_revoked_token_stays_refused_through_its_leeway(make):
    store = make()
    site(store, leeway=3600)
    expired = bearer(sub="1", jti="late", exp=int(time.time()) - 60)
    assert get("/sync", **expired).status_code == 200, "within the leeway"
    store.revoke("late", -60)
    assert get("/sync", **expired).status_code == 401


@pytest.mark.parametrize("jti", ["x" * 100_000, "a\0b", "\ud800", "ABC", "abc "])
def test_a_store_in_memory_takes_ids_of_any_form(jti):
    store = InMemoryRevocation()
    store.revoke(jti, 60)
    assert store.is_revoked(jti) and not store.is_revoked(jti + "x") and not store.is_revoked(jti.lower() + " ")


def test_entries_in_a_table_say_until_when():
    store = DjangoORMRevocation()
    store.revoke("a", 100)
    left = RevokedToken.objects.get(jti="a").expires_at - timezone.now()
    assert store.lifetime(100) >= 100 + CLOCK_SKEW_MARGIN
    assert 0 <= store.lifetime(100) - left.total_seconds() < 5
    store.revoke("a", 10)
    assert RevokedToken.objects.get(jti="a").expires_at - timezone.now() > datetime.timedelta(seconds=100), (
        "never shorter"
    )
    store.revoke("a")
    assert RevokedToken.objects.get(jti="a").expires_at is None, "for good"
    store.revoke("a", 10)
    assert RevokedToken.objects.get(jti="a").expires_at is None
    store.revoke("b", 10**12)
    assert RevokedToken.objects.get(jti="b").expires_at.year == 9999
    dated = DjangoORMRevocation(model="people.AlwaysDated")
    dated.revoke("c")
    assert AlwaysDated.objects.get(jti="c").expires_at.year == 9999


def test_purge_deletes_what_is_over_and_nothing_else():
    store = DjangoORMRevocation()
    RevokedToken.objects.create(jti="over", expires_at=timezone.now() - datetime.timedelta(seconds=1))
    store.revoke("running", 100)
    store.revoke("for good")
    assert store.purge() == 1
    assert {row.jti for row in RevokedToken.objects.all()} == {"running", "for good"}
    assert DjangoORMRevocation(model="people.OnlyId").purge() == 0


@override_settings(USE_TZ=False)
def test_sites_without_time_zones():
    store = DjangoORMRevocation()
    store.revoke("a", 100)
    store.revoke("b", 10**12)
    assert store.is_revoked("a") and store.is_revoked("b")


def test_duplicates_in_a_model_without_unique_ids():
    store = DjangoORMRevocation(model="people.Slow")
    Slow.objects.create(jti="a")
    Slow.objects.create(jti="a")
    store.revoke("a")
    assert store.is_revoked("a")


# Failures


class Failing(RevocationStore):
    response = None

    def is_revoked(self, jti):
        if isinstance(self.response, Exception):
            raise self.response
        return self.response() if callable(self.response) else self.response


async def a_coroutine():
    return False


@pytest.mark.parametrize("response", [OSError("down"), None, 0, "", "no", a_coroutine])
def test_a_store_without_a_result_is_503(response, caplog):
    """A coroutine that isn't awaited is truthy, but isn't a result."""
    store = Failing()
    store.response = response
    site(store)
    headers = bearer(sub="1", jti="j")
    caplog.set_level(logging.ERROR, "boltguard")
    for url in ("/sync", "/async", "/open"):
        assert get(url, **headers).status_code == 503
    assert "Revocation store Failing is unavailable" in caplog.text
    assert get("/open").status_code == 200, "without a token, the store isn't queried"


def test_a_failing_store_is_503_whatever_else_is_sent():
    store = Failing()
    store.response = OSError("down")
    api = BoltAPI()
    auth = [JWTAuthentication(revocation_store=store), APIKeyAuthentication({"k"})]
    api.get("/x", auth=auth, guards=[IsAuthenticated()])(lambda: {})
    mount(api=api)
    assert get("/x", **bearer(sub="1", jti="j"), X_API_Key="k").status_code == 503
    assert get("/x", X_API_Key="k").status_code == 200


def test_on_store_error_allow_is_the_explicit_other_choice():
    store = Failing()
    store.response = OSError("down")
    site(store, on_store_error="allow")
    assert get("/sync", **bearer(sub="1", jti="j")).status_code == 200


def test_two_backends_ask_their_own_stores():
    first, second = SyncOnly(), InMemoryRevocation()
    api = BoltAPI()
    auth = [
        JWTAuthentication("first-secret" * 4, revocation_store=first),
        JWTAuthentication("other-secret" * 4, revocation_store=second),
    ]
    api.get("/x", auth=auth, guards=[IsAuthenticated()])(lambda request: {})
    mount(api=api)
    first.revoke("a")
    second.revoke("b")
    responses = {(key, jti): get("/x", **bearer(secret=f"{key}-secret" * 4, sub="1", jti=jti)).status_code
               for key in ("first", "other") for jti in ("a", "b")}  # fmt: skip
    assert responses == {("first", "a"): 401, ("first", "b"): 200, ("other", "a"): 200, ("other", "b"): 401}


def test_a_full_store_raises_and_evicts_nothing():
    store = InMemoryRevocation(max_entries=2)
    store.revoke("a")
    store.revoke("b")
    with pytest.raises(RevocationStoreFull):
        store.revoke("c")
    assert store.is_revoked("a") and store.is_revoked("b")


def test_a_subclass_of_the_memory_store_uses_its_own_method():
    class Stricter(InMemoryRevocation):
        def is_revoked(self, jti):
            return jti.startswith("old-") or super().is_revoked(jti)

    store = Stricter()
    site(store)
    assert get("/sync", **bearer(sub="1", jti="old-1")).status_code == 401
    assert get("/sync", **bearer(sub="1", jti="new-1")).status_code == 200


# Caches


@override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
def test_a_cache_that_keeps_nothing_is_an_error_when_revoking():
    store = DjangoCacheRevocation()
    with pytest.raises(RevocationUnavailable):
        store.revoke("a")
    with pytest.raises(RevocationUnavailable):
        asyncio.run(store.arevoke("a"))


def test_a_cache_is_looked_up_each_time():
    """Cache objects belong to a thread or task; one stored on the store wouldn't follow `override_settings`."""
    store = DjangoCacheRevocation()
    store.revoke("a")
    with override_settings(
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "other"}}
    ):
        assert store.is_revoked("a") is False
    assert store.is_revoked("a") is True


def test_cache_keys_suit_every_cache():
    store = DjangoCacheRevocation(key_prefix="p:")
    assert store.key("abc") == "p:abc"
    for odd in ("with space", "ümlaut", "x" * 300, "\n", "sha256:abc", "\ud800"):
        key = store.key(odd)
        assert key.startswith("p:sha256:") and len(key) < 100
    assert store.key("a b") != store.key("a  b")


# Configuration


@pytest.mark.parametrize(
    "options",
    [
        {"model_path": "RevokedToken"},
        {"model_path": "."},
        {"model": "RevokedToken"},
        {"model": 7},
        {"model": "people.OnlyId", "model_path": "people.models.OnlyId"},
    ],
)
def test_a_model_is_named_as_one(options):
    with pytest.raises(ImproperlyConfigured, match="DjangoORMRevocation"):
        DjangoORMRevocation(**options)


@pytest.mark.parametrize("path", ["people.models.Missing", "people.models.models", "nowhere.models.Model"])
def test_missing_model_is_reported_and_allows_nothing(path):
    store = DjangoORMRevocation(path)
    with pytest.raises(ImproperlyConfigured, match=path):
        store.revoke("a")
    site(store)
    assert call("get", "/sync", bearer(sub="1", jti="j")).status_code == 503
