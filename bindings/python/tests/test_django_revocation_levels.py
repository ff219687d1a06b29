"""Revocation of all tokens of a session, subject, issuer or key, through the gate."""

import asyncio
import time
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import transaction

from boltguard import BoltAPI, _rust
from boltguard.auth import (
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    RevocationLevel,
    RevocationQuery,
    RevocationStore,
    create_jwt_for_user,
)
from boltguard.auth.revocation_arguments import ALL_TOKENS
from boltguard.auth.token_ids import LEVEL
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.signals import token_revoked

from support import bearer, call, get, mount, wsgi

ISSUER = "https://issuer.example"


class Levels(RevocationStore):
    """A store as users write one, with levels."""

    def __init__(self):
        self.ids, self.marks = set(), {}

    def revoke(self, jti, ttl=None):
        self.ids.add(jti)

    def is_revoked(self, jti):
        return jti in self.ids

    def revoke_level(self, level, before, ttl=None):
        self.marks[level] = max(before, self.marks.get(level, before))

    def check(self, query):
        marks = [self.marks[level] for level in query.levels() if level in self.marks]
        return query.token_id in self.ids or query.is_revoked_by(max(marks, default=None))


class AsyncLevels(RevocationStore):
    """The same, with async methods only."""

    def __init__(self):
        self.store = Levels()

    async def arevoke(self, jti, ttl=None):
        self.store.revoke(jti, ttl)

    async def ais_revoked(self, jti):
        return self.store.is_revoked(jti)

    async def arevoke_level(self, level, before, ttl=None):
        self.store.revoke_level(level, before, ttl)

    async def acheck(self, query):
        return self.store.check(query)


class TokensOnly(RevocationStore):
    def revoke(self, jti, ttl=None): ...

    def is_revoked(self, jti):
        return False


STORES = {
    "memory": InMemoryRevocation,
    "cache": DjangoCacheRevocation,
    "table": DjangoORMRevocation,
    "own model": lambda: DjangoORMRevocation(model="people.OnlyId", watermark_model="boltguard.RevocationWatermark"),
    "own": Levels,
    "own async": AsyncLevels,
}


@pytest.fixture(autouse=True)
def _empty(database):
    yield
    caches["default"].clear()
    RevokedToken.objects.all().delete()
    RevocationWatermark.objects.all().delete()


def site(store, **options):
    api = BoltAPI()
    auth = [JWTAuthentication(revocation_store=store, **options)]

    @api.get("/async", auth=auth, guards=[IsAuthenticated()])
    async def whoami(request):
        return {"session": request.context.session_id}

    @api.get("/sync", auth=auth, guards=[IsAuthenticated()])
    def whoami_sync(request):
        return {"session": request.context.session_id}

    mount(api=api)


def status(headers):
    statuses = {call("get", url, headers).status_code for url in ("/async", "/sync")}
    assert len(statuses) == 1
    return statuses.pop()


@pytest.mark.parametrize("kind", STORES)
def test_levels_are_enforced(kind):
    store = STORES[kind]()
    site(store, issuer=ISSUER)
    old = int(time.time()) - 10

    def token(**claims):
        return bearer(**{"sub": "1", "jti": str(uuid.uuid4()), "iat": old, "iss": ISSUER, **claims})

    keyed = token(header={"alg": "HS256", "kid": "k1"})
    assert status(token(sid="s1")) == status(keyed) == status(token()) == 200
    store.revoke_session("s1", 60)
    assert [status(token(sid=sid)) for sid in ("s1", "s2")] == [401, 200]
    store.revoke_key("k1", ttl=60)
    assert [status(keyed), status(token())] == [401, 200]
    store.revoke_subject("1", datetime.fromtimestamp(old + 5, timezone.utc), ttl=60)
    assert [status(token()), status(token(sub="2")), status(token(iat=old + 9))] == [401, 200, 200]
    store.revoke_subject("2", issuer="https://another.example", ttl=60)
    assert status(token(sub="2")) == 200
    store.revoke_issuer(ISSUER, datetime.now(timezone.utc), ttl=timedelta(seconds=60))
    assert status(token(sub="2")) == 401


def test_the_session_of_a_token_is_in_the_context():
    site(InMemoryRevocation())
    for claims, expected in (({"sid": "s1"}, "s1"), ({}, None), ({"sid": 7}, "7"), ({"sid": ["s1"]}, None)):
        assert get("/sync", **bearer(sub="1", jti="a", **claims)).json() == {"session": expected}


@pytest.mark.parametrize("kind", STORES)
def test_log_out_everywhere_and_log_in_again_within_a_second(kind, ada):
    store = STORES[kind]()
    site(store)
    for _ in range(3):
        before = bearer(create_jwt_for_user(ada))
        store.revoke_subject(str(ada.pk), ttl=600)
        after = bearer(create_jwt_for_user(ada))
        assert [status(before), status(after)] == [401, 200]


@pytest.mark.parametrize("kind", STORES)
def test_a_foreign_token_of_the_same_second_is_refused(kind):
    store, now = STORES[kind](), int(time.time())
    site(store)
    store.revoke_subject("1", datetime.fromtimestamp(now + 0.5, timezone.utc), ttl=600)
    statuses = [status(bearer(sub="1", jti="a", iat=now + seconds)) for seconds in (-1, 0)]
    assert statuses == [401, 401]
    store.revoke_subject("2", datetime.fromtimestamp(now - 0.5, timezone.utc), ttl=600)
    assert [status(bearer(sub="2", jti="a", iat=now + seconds)) for seconds in (-1, 0)] == [401, 200]


@pytest.mark.parametrize("kind", STORES)
def test_a_token_of_unknown_age_is_refused_if_its_subject_has_a_watermark(kind):
    store = STORES[kind]()
    site(store)
    headers = bearer(sub="1", jti="a")
    assert status(headers) == 200
    store.revoke_subject("1", datetime(2000, 1, 1, tzinfo=timezone.utc), ttl=600)
    assert status(headers) == 401


@pytest.mark.parametrize("kind", STORES)
def test_the_methods_for_levels_can_be_awaited(kind):
    store = STORES[kind]()
    query = RevocationQuery("a", session_id="s", subject="1", issuer="i", key_id="k", issued_at=0)

    async def revoke():
        await store.arevoke_session("s", 60)
        assert await store.acheck(query)
        await store.arevoke_subject("1", issuer="i", ttl=60)
        await store.arevoke_issuer("i", ttl=60)
        await store.arevoke_key("k", ttl=60)
        if isinstance(store, (DjangoORMRevocation, AsyncLevels)):
            with pytest.raises(SynchronousOnlyOperation, match=r"store\.arevoke_session\(\.\.\.\)"):
                await store.revoke_session("s")
        else:
            await store.revoke_session("s", 60)

    asyncio.run(revoke())
    assert store.check(query)


def test_an_async_method_of_the_plain_name_is_run_in_sync_code():
    class Plain(Levels):
        async def revoke_level(self, level, before, ttl=None):
            await asyncio.sleep(0)
            Levels.revoke_level(self, level, before, ttl)

    store = Plain()
    store.revoke_session("s")
    assert store.check(RevocationQuery("a", session_id="s"))

    async def revoke():
        await store.revoke_session("t")
        await store.arevoke_session("u")

    asyncio.run(revoke())
    assert {level.value for level in store.marks} == {"s", "t", "u"}


# A store without levels


@pytest.mark.parametrize("store", [TokensOnly(), DjangoORMRevocation(model="people.OnlyId")])
def test_a_store_without_levels_says_what_to_define(store):
    for revoke in (store.revoke_session, store.revoke_subject, store.revoke_issuer, store.revoke_key):
        with pytest.raises(NotImplementedError, match=r"revoke_level\(self|watermark_model="):
            revoke("1")
    with pytest.raises(NotImplementedError):
        asyncio.run(store.arevoke_subject("1"))
    assert store.check(RevocationQuery("a", subject="1")) is False


def test_levels_that_would_not_be_checked_are_refused():
    with pytest.raises(ImproperlyConfigured, match=r"defines revoke_level but not check"):

        class Unchecked(TokensOnly):
            def revoke_level(self, level, before, ttl=None): ...


@pytest.mark.parametrize(
    "methods",
    [
        {"revoke": lambda self, jti: None},
        {"revoke": lambda jti, ttl=None: None},
        {"revoke": lambda self, jti, *, ttl=None: None},
        {"arevoke": lambda self, jti: None},
        {"is_revoked": lambda self: False},
        {"is_revoked": False},
        {"ais_revoked": lambda self, jti, more: False},
        {"check": lambda self: False},
        {"check": lambda self, query: False, "revoke_level": lambda self, level, before: None},
        {"check": lambda self, query: False, "revoke_level": lambda self, level, ttl=None: None},
        {"revoke_session": lambda self, session_id: None},
        {"revoke_subject": lambda self, subject, before=None: None},
    ],
)
def test_a_method_with_wrong_arguments_is_refused_when_the_class_is_defined(methods):
    (name, _), *_ = reversed(methods.items())
    with pytest.raises(ImproperlyConfigured, match=rf"Wrong\.{name} must "):
        type("Wrong", (TokensOnly,), methods)


def test_methods_of_other_forms_are_supported():
    class Forms(RevocationStore):
        @staticmethod
        def revoke(jti, ttl=None): ...

        @classmethod
        def is_revoked(cls, *args, **kwargs):
            return True

    assert Forms().check(RevocationQuery("a")) is True


# Subclasses


def test_is_revoked_of_a_subclass_still_counts():
    for base in (InMemoryRevocation, DjangoCacheRevocation, DjangoORMRevocation, Levels):

        class Stricter(base):
            def is_revoked(self, jti):
                return jti.startswith("old-") or super().is_revoked(jti)

        class AsyncStricter(base):
            async def ais_revoked(self, jti):
                return jti.startswith("old-") or await super().ais_revoked(jti)

        for store in (Stricter(), AsyncStricter()):
            site(store)
            store.revoke("revoked", 60)
            store.revoke_subject("2", ttl=60)
            statuses = [status(bearer(sub="1", jti=jti)) for jti in ("old-1", "new", "revoked")]
            assert statuses == [401, 200, 401], type(store)
            assert status(bearer(sub="2", jti="new")) == 401


# Arguments


@pytest.mark.parametrize("kind", STORES)
def test_wrong_arguments_are_refused(kind):
    store = STORES[kind]()
    for value in (None, "", 7, b"s", "\ud800"):
        for revoke in (store.revoke_session, store.revoke_subject, store.revoke_issuer, store.revoke_key):
            with pytest.raises(ValueError, match=r"(session_id|subject|issuer|key_id) (is|contains)"):
                revoke(value)
    with pytest.raises(ValueError, match=r"Use str\(user\.pk\)"):
        store.revoke_subject(7)
    with pytest.raises(ValueError, match="issuer is empty"):
        store.revoke_subject("7", issuer="")
    with pytest.raises(ValueError, match="naive"):
        store.revoke_subject("7", datetime(2030, 1, 1))
    for before in (1_700_000_000, "now", time.time(), True):
        with pytest.raises(ValueError, match="before"):
            store.revoke_subject("7", before)
    for ttl in (float("nan"), "60", True):
        with pytest.raises(ValueError, match="ttl"):
            store.revoke_subject("7", ttl=ttl)
    for level, before in (("a", 0), (RevocationLevel.key("a"), 0.5), (RevocationLevel.key("a"), None)):
        with pytest.raises(ValueError, match=r"(level|before) is"):
            store.revoke_level(level, before)
    assert not store.check(RevocationQuery("a", subject="7", session_id="7"))


def test_levels_are_values():
    one, same = RevocationLevel.subject("1", "i"), RevocationLevel.subject("1", issuer="i")
    assert one == same and hash(one) == hash(same) and one != RevocationLevel.subject("1")
    assert (one.kind, one.value, one.subject_issuer) == ("subject", "1", "i")
    assert RevocationLevel.session("1") not in {one, RevocationLevel.key("1"), RevocationLevel.issuer("1")}
    assert "1" not in repr(one) and "1" not in repr(RevocationQuery("1", subject="1"))
    assert RevocationLevel.session("a session").storage_key.startswith(LEVEL + "session:")
    for wrong in (lambda: RevocationLevel.key(""), lambda: RevocationLevel.subject("1", "")):
        with pytest.raises(ValueError, match="must not be empty"):
            wrong()


def test_a_query_has_the_parts_of_the_token():
    query = RevocationQuery("a", session_id="s", subject="1", issuer="i", key_id="k", issued_at=5)
    parts = (query.token_id, query.session_id, query.subject, query.issuer, query.key_id, query.issued_at)
    assert parts == ("a", "s", "1", "i", "k", 5)
    kinds = [(level.kind, level.subject_issuer) for level in query.levels()]
    assert kinds == [("session", None), ("subject", None), ("subject", "i"), ("issuer", None), ("key", None)]
    assert [query.is_revoked_by(latest) for latest in (None, 4, 5, ALL_TOKENS)] == [False, False, True, True]
    assert RevocationQuery("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", issued_at=5).issued_at == 0x017F22E279B0
    assert ALL_TOKENS == RevocationQuery("a", issued_at=1 << 62).issued_at, "the latest time in Rust"


def test_the_need_has_the_query():
    backend = _rust.JwtBackend(keys=[_rust.Key.from_secret("k" * 64)], algorithms=["HS256"], external_revocation=True)
    gate = _rust.Gate([backend], _rust.Guard.allow_any())
    header = bearer(secret="k" * 64, header={"alg": "HS256", "kid": "k1"}, sub="1", jti="a", sid="s", iat=5)
    need = gate.check({"HTTP_AUTHORIZATION": header["Authorization"]})
    assert need.query == RevocationQuery("a", session_id="s", subject="1", key_id="k1", issued_at=5000)


# Rolled back transactions, and signals


@pytest.mark.parametrize("method", ["revoke_session", "revoke_subject"])
def test_a_revocation_persists_if_the_view_fails(method):
    store = DjangoORMRevocation()
    api = BoltAPI()
    auth = [JWTAuthentication(revocation_store=store)]

    @api.post("/sync", auth=auth, guards=[IsAuthenticated()])
    def end(request):
        with transaction.atomic():
            getattr(store, method)("1", ttl=600)
            raise ValueError("rolls it back")

    @api.post("/quiet", auth=auth, guards=[IsAuthenticated()])
    def end_quietly(request):
        with transaction.atomic():
            getattr(store, method)("1", ttl=600)
            transaction.set_rollback(True)
        return {}

    mount(api=api)
    headers = bearer(sub="9", jti="a")
    for url, code in (("/sync", 500), ("/quiet", 200)):
        assert wsgi("post", url, headers).status_code == code
        row = RevocationWatermark.objects.get()
        assert row.expires_at is not None and row.before > 0
        RevocationWatermark.objects.all().delete()


def test_receivers_learn_the_level():
    sent = []

    def receiver(sender, store, jti, level, before, **kwargs):
        sent.append((sender, jti, level and (level.kind, level.value), before))

    token_revoked.connect(receiver)
    try:
        store, date = Levels(), datetime(2030, 1, 1, tzinfo=timezone.utc)
        store.revoke("a")
        store.revoke_session("s")
        store.revoke_subject("1", date)
        asyncio.run(store.arevoke_key("k", date))
    finally:
        token_revoked.disconnect(receiver)
    assert sent == [
        (Levels, "a", None, None),
        (Levels, None, ("session", "s"), None),
        (Levels, None, ("subject", "1"), date),
        (Levels, None, ("key", "k"), date),
    ]


# Leeway and retention


def test_a_watermark_outlives_the_leeway_of_its_tokens():
    store = DjangoORMRevocation()
    site(store, leeway=3600)
    store.revoke_subject("1", ttl=100)
    left = RevocationWatermark.objects.get().expires_at - datetime.now(timezone.utc)
    assert left > timedelta(seconds=100 + 3600)
    store.revoke_subject("1")
    assert RevocationWatermark.objects.get().expires_at is None


def test_an_expired_watermark_has_no_effect_and_is_purged():
    store = DjangoORMRevocation()
    key = RevocationLevel.subject("1").storage_key.removeprefix(LEVEL)
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    RevocationWatermark.objects.create(key=key, before=ALL_TOKENS, expires_at=past)
    assert store.check(RevocationQuery("a", subject="1")) is False
    store.revoke_session("s", 60)
    assert store.purge() == 1 and store.check(RevocationQuery("a", session_id="s"))


def test_stores_with_the_same_watermarks_share_the_leeway():
    one = DjangoORMRevocation(model="people.OnlyId", watermark_model="boltguard.RevocationWatermark")
    other = DjangoORMRevocation()
    assert one.shares_entries(other.place) and other.shares_entries(one.place)
    assert not DjangoORMRevocation(model="people.OnlyId").shares_entries(other.place)
