"""`logout` with a session, and `logout_everywhere`: which tokens and sessions end, and which continue."""

import asyncio
import time
import uuid
from datetime import timedelta
from weakref import WeakSet

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory, override_settings
from django.urls import path

from boltguard import protect, registry
from boltguard.auth import (
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    RemoteKeySet,
    alogout,
    alogout_everywhere,
    create_jwt_for_user,
    logout,
    logout_everywhere,
    session_managers,
)
from boltguard.exceptions import InvalidRefreshToken
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.sessions import TokenSessions
from boltguard.sessions.models import TokenSession

from support import AsyncLevels, Levels, SingleTokens, Unavailable, asgi, bearer, claims_of, mount, wsgi

STORES = {"memory": InMemoryRevocation, "cache": DjangoCacheRevocation, "table": DjangoORMRevocation}
SECOND = "the secret of a second backend of the tests, which is as long as any hash needs"


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    # The backends of other tests.
    monkeypatch.setattr(registry, "_built", WeakSet())
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[]):
        mount()
        yield
    mount()
    caches["default"].clear()
    for model in (RevokedToken, RevocationWatermark, TokenSession):
        model.objects.all().delete()


@pytest.fixture
def bob(database):
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create_user("bob", "bob@example.org", "correct horse")
    yield user
    get_user_model().objects.filter(pk=user.pk).delete()


def serve(*auth):
    """Serves a view, two that log out, and returns the status of a request with a token."""
    guarded = protect(auth=list(auth), guards=[IsAuthenticated()])

    def leave(request):
        logout(request)
        return HttpResponse(status=204)

    async def aleave(request):
        await alogout(request)
        return HttpResponse(status=204)

    mount(
        path("view", guarded(lambda request: JsonResponse({}))),
        path("sync", guarded(leave)),
        path("async", guarded(aleave)),
    )
    return lambda token, url="/view": wsgi("get", url, {"Authorization": f"Bearer {token}"}).status_code


def everywhere(user, is_async, **arguments):
    if is_async:
        asyncio.run(alogout_everywhere(user, **arguments))
    else:
        assert logout_everywhere(user, **arguments) is None


def refuses(sessions, pair):
    with pytest.raises(InvalidRefreshToken) as error:
        sessions.refresh(pair.refresh_token)
    return error.value.code


# logout


@pytest.mark.parametrize("url", ["/sync", "/async"])
@pytest.mark.parametrize("kind", STORES)
def test_logout_ends_the_session_of_the_token(ada, kind, url):
    auth = JWTAuthentication(revocation_store=STORES[kind]())
    sessions, status = TokenSessions(auth), serve(auth)
    pair, other = sessions.create(ada), sessions.create(ada)
    successor = sessions.refresh(pair.refresh_token)
    assert status(pair.access_token, url) == 204
    assert status(pair.access_token) == status(successor.access_token) == 401
    assert refuses(sessions, successor) == "session_ended"
    assert status(other.access_token) == 200 and sessions.refresh(other.refresh_token)


@pytest.mark.parametrize("url", ["/sync", "/async"])
def test_session_without_a_row_is_revoked_by_its_sid(ada, url):
    store = Levels()
    status = serve(JWTAuthentication(revocation_store=store))
    token = create_jwt_for_user(ada, extra_claims={"sid": "their-session"})
    assert status(token, url) == 204
    # Its other tokens may be valid for longer than this one.
    assert store.levels == [("session", "their-session", None, None)]
    assert list(store.revoked) == [claims_of(token)["jti"]]


def test_session_ttl_is_the_lifetime_of_the_entry(ada):
    store = Levels()
    guarded = protect(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])

    def leave(request):
        logout(request, session_ttl=timedelta(hours=1))
        return JsonResponse({})

    async def aleave(request):
        await alogout(request, session_ttl=7200)
        return JsonResponse({})

    mount(path("sync", guarded(leave)), path("async", guarded(aleave)))
    for url in ("/sync", "/async"):
        assert wsgi("get", url, bearer(sub="1", jti=url, sid="s")).status_code == 200
    assert [ttl for *_, ttl in store.levels] == [timedelta(hours=1), 7200]


def test_entry_of_a_session_is_kept_for_the_access_lifetime(ada):
    first, second = Levels(), Levels()
    auth = JWTAuthentication(revocation_store=first)
    sessions = TokenSessions(auth, access_lifetime=600)
    # Another backend that accepts the tokens, with a separate store.
    status = serve(JWTAuthentication(revocation_store=second))
    pair = sessions.create(ada)
    assert status(pair.access_token, "/sync") == 204
    level = ("session", pair.session_id, None, timedelta(minutes=10))
    assert first.levels == second.levels == [level]


def test_session_of_a_deleted_object_ends_too(ada):
    """A view may create its `TokenSessions` itself."""
    auth = JWTAuthentication(revocation_store=Levels())
    status = serve(auth)
    pairs = [TokenSessions(auth).create(ada) for _ in range(3)]
    assert status(pairs[0].access_token, "/sync") == status(pairs[1].access_token, "/async") == 204
    logout_everywhere(ada)
    assert [refuses(TokenSessions(auth), pair) for pair in pairs] == ["session_ended"] * 3


def test_another_issuer_cannot_end_a_session_of_this_site(ada):
    sessions = TokenSessions(JWTAuthentication())
    pair = sessions.create(ada)
    status = serve(JWTAuthentication(SECOND, get_user=lambda claims: ada, revocation_store=InMemoryRevocation()))
    theirs = create_jwt_for_user(ada, secret=SECOND, extra_claims={"sid": pair.session_id})
    assert status(theirs, "/sync") == 204
    assert sessions.refresh(pair.refresh_token)


def test_logout_from_a_store_of_single_tokens_is_an_error_that_revokes_the_token(ada):
    store = SingleTokens()
    status = serve(JWTAuthentication(revocation_store=store))
    token = create_jwt_for_user(ada, extra_claims={"sid": "s"})
    assert status(token, "/sync") == 500
    assert status(token) == 401
    other = create_jwt_for_user(ada)
    assert status(other, "/sync") == 204


@pytest.mark.parametrize("make", [DjangoORMRevocation, AsyncLevels, InMemoryRevocation])
def test_sync_logout_of_a_session_in_async_code_names_the_async_one(ada, make):
    auth = JWTAuthentication(revocation_store=make())
    pair, seen = TokenSessions(auth).create(ada), []

    @protect(auth=[auth], guards=[IsAuthenticated()])
    async def view(request):
        with pytest.raises(SynchronousOnlyOperation, match="await alogout"):
            logout(request)
        seen.append(True)
        return JsonResponse({})

    mount(path("view", view))
    response = asyncio.run(asgi("get", "/view", {"Authorization": f"Bearer {pair.access_token}"}))
    assert response.status_code == 200 and seen == [True]


# logout_everywhere


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", STORES)
def test_all_tokens_and_sessions_of_the_account_end(ada, bob, kind, is_async):
    auth = JWTAuthentication(revocation_store=STORES[kind]())
    sessions, status = TokenSessions(auth), serve(auth)
    pairs, plain = [sessions.create(ada) for _ in range(2)], create_jwt_for_user(ada)
    others = [create_jwt_for_user(bob), sessions.create(bob).access_token]
    everywhere(ada, is_async)
    for token in (plain, *(pair.access_token for pair in pairs)):
        assert status(token) == 401
    assert [refuses(sessions, pair) for pair in pairs] == ["session_ended"] * 2
    assert [status(token) for token in others] == [200, 200]
    # Within the same second.
    assert status(create_jwt_for_user(ada)) == 200
    assert status(sessions.create(ada).access_token) == 200


@pytest.mark.parametrize("is_async", [False, True])
def test_kept_session_continues_with_its_refresh_token(ada, is_async):
    auth = JWTAuthentication(revocation_store=DjangoORMRevocation())
    sessions, status = TokenSessions(auth), serve(auth)
    kept, other = sessions.create(ada), sessions.create(ada)
    everywhere(ada, is_async, keep=kept.session_id)
    assert status(kept.access_token) == status(other.access_token) == 401
    assert refuses(sessions, other) == "session_ended"
    assert status(sessions.refresh(kept.refresh_token).access_token) == 200


def test_session_of_a_request_or_a_row_is_kept(ada):
    auth = JWTAuthentication(revocation_store=DjangoORMRevocation())
    sessions = TokenSessions(auth)

    @protect(auth=[auth], guards=[IsAuthenticated()])
    def view(request):
        logout_everywhere(request.user, keep=request)
        return JsonResponse({})

    mount(path("view", view))
    kept, other = sessions.create(ada), sessions.create(ada)
    assert wsgi("get", "/view", {"Authorization": f"Bearer {kept.access_token}"}).status_code == 200
    assert sessions.refresh(kept.refresh_token) and refuses(sessions, other) == "session_ended"
    logout_everywhere(ada, keep=TokenSession.objects.get(pk=kept.session_id))
    assert [row.pk for row in sessions.list(ada)] == [kept.session_id]


def test_session_of_another_user_is_not_kept_and_not_ended(ada, bob):
    sessions = TokenSessions(JWTAuthentication(revocation_store=DjangoORMRevocation()))
    theirs, own = sessions.create(bob), sessions.create(ada)
    logout_everywhere(ada, keep=theirs.session_id)
    assert refuses(sessions, own) == "session_ended" and sessions.refresh(theirs.refresh_token)


@pytest.mark.parametrize("keep", ["", 7, object()])
def test_wrong_session_to_keep_is_an_error(ada, keep):
    auth = JWTAuthentication(revocation_store=InMemoryRevocation())
    sessions = TokenSessions(auth)
    pair = sessions.create(ada)
    with pytest.raises(ValueError, match="ID of a session"):
        logout_everywhere(ada, keep=keep)
    assert sessions.refresh(pair.refresh_token)


def test_token_without_a_session_cannot_be_kept(ada, monkeypatch):
    monkeypatch.setattr(session_managers, "_table", None)  # without the app
    auth, seen = JWTAuthentication(revocation_store=InMemoryRevocation()), []

    @protect(auth=[auth], guards=[IsAuthenticated()])
    def view(request):
        with pytest.raises(ValueError, match="doesn't belong to a session"):
            logout_everywhere(request.user, keep=request)
        seen.append(True)
        return JsonResponse({})

    mount(path("view", view))
    assert wsgi("get", "/view", {"Authorization": f"Bearer {create_jwt_for_user(ada)}"}).status_code == 200 and seen
    with pytest.raises(ImproperlyConfigured, match=r"keep requires the app"):
        logout_everywhere(ada, keep="a-session")


def test_every_store_of_settings_views_and_sessions_is_reached(ada):
    stores = [Levels(), Levels(), AsyncLevels()]
    default, view, session = (JWTAuthentication(revocation_store=store) for store in stores)
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[default]):
        serve(view)
        sessions = TokenSessions(session)
        logout_everywhere(ada, ttl=3600)
    level = ("subject", str(ada.pk), None, 3600)
    assert all(level in store.levels for store in stores)
    del sessions


def test_backends_are_created_from_settings_and_views_first(ada, monkeypatch):
    """In a process that has served no request, such as a worker."""
    import sys
    import types

    monkeypatch.setattr(sys.modules[__name__], "MADE", [], raising=False)
    site = types.ModuleType("site_of_everywhere")
    monkeypatch.setitem(sys.modules, "site_of_everywhere", site)
    with override_settings(ROOT_URLCONF="site_of_everywhere", BOLTGUARD_AUTHENTICATION_CLASSES=[f"{__name__}.Made"]):
        site.urlpatterns = []
        assert MADE == []
        logout_everywhere(ada)
    assert [store.levels for store in MADE] == [[("subject", str(ada.pk), None, None)]]


MADE = []


class Made(JWTAuthentication):
    """A backend that the settings name by its path."""

    def __init__(self):
        MADE.append(Levels())
        super().__init__(revocation_store=MADE[-1])


def test_subjects_are_scoped_by_the_issuers_of_a_backend(ada):
    store, other = Levels(), Levels()
    serve(JWTAuthentication(issuer=["https://a.example", "https://b.example"], revocation_store=store))
    backend = JWTAuthentication(revocation_store=other)
    logout_everywhere(ada)
    assert sorted(store.levels) == [
        ("subject", str(ada.pk), issuer, None) for issuer in ("https://a.example", "https://b.example")
    ]
    assert other.levels == [("subject", str(ada.pk), None, None)]
    del backend


def test_backend_with_user_field_is_reached_by_the_value_of_the_field(ada):
    auth = JWTAuthentication(
        SECOND,
        user_field="username",
        user_id_claim="login",
        issuer="https://a.example",
        revocation_store=DjangoORMRevocation(),
    )
    status = serve(auth)
    token = create_jwt_for_user(ada, secret=SECOND, issuer="https://a.example", extra_claims={"login": "ada"})
    assert status(token) == 200
    logout_everywhere(ada)
    assert status(token) == 401


def test_users_of_other_issuers_and_of_functions_are_not_reached(ada):
    stores = [Levels(), Levels(), Levels()]
    backends = [
        JWTAuthentication(get_user=lambda claims: None, revocation_store=stores[0]),
        JWTAuthentication(RemoteKeySet("https://a.example/keys"), ["RS256"], revocation_store=stores[1]),
    ]
    with pytest.raises(ImproperlyConfigured, match="get_user"):
        logout_everywhere(ada)
    backends.append(JWTAuthentication(revocation_store=stores[2]))
    logout_everywhere(ada)
    assert [len(store.levels) for store in stores] == [0, 0, 1]


def test_digits_of_a_uuid_are_a_subject_too(monkeypatch):
    from people.models import Member

    monkeypatch.setattr(session_managers, "_table", None)  # it refers to another user model

    store = Levels()
    backend = JWTAuthentication(revocation_store=store)
    member = Member(key=uuid.uuid4(), email="ada@example.org")
    member._state.adding = False
    with override_settings(AUTH_USER_MODEL="people.Member"):
        logout_everywhere(member)
    written = {str(member.key), member.key.hex}
    assert {value for _, value, *_ in store.levels} == written | {value.upper() for value in written}
    del backend


def test_store_in_one_place_is_written_once(ada):
    backends = [JWTAuthentication(revocation_store=DjangoORMRevocation()) for _ in range(3)]
    logout_everywhere(ada)
    assert RevocationWatermark.objects.count() == 1
    row = RevocationWatermark.objects.get()
    assert row.expires_at is None
    assert 0 <= time.time() * 1000 - row.before < 60_000
    del backends


def test_site_without_a_store_is_an_error(ada):
    sessions = TokenSessions(JWTAuthentication())
    pair = sessions.create(ada)
    with pytest.raises(ImproperlyConfigured, match=r"revocation_store=DjangoORMRevocation\(\)"):
        logout_everywhere(ada)
    assert sessions.refresh(pair.refresh_token)


def test_failing_store_does_not_prevent_the_others(ada):
    works, fails = Levels(), Unavailable()
    backends = [JWTAuthentication(revocation_store=store) for store in (fails, works, SingleTokens())]
    sessions = TokenSessions(backends[1])
    pair = sessions.create(ada)
    with pytest.raises((ConnectionError, NotImplementedError)):
        logout_everywhere(ada)
    assert ("subject", str(ada.pk), None, None) in works.levels
    assert refuses(sessions, pair) == "session_ended"


def test_urlconf_that_cannot_be_imported_is_an_error(ada):
    backend = JWTAuthentication(revocation_store=Levels())
    with override_settings(ROOT_URLCONF="not_there"), pytest.raises(ImproperlyConfigured, match="URLconf"):
        logout_everywhere(ada)
    assert backend.revocation_store.levels == []


def test_process_without_a_urlconf_reaches_the_settings(ada):
    backend = JWTAuthentication(revocation_store=Levels())
    with override_settings(ROOT_URLCONF=None):
        logout_everywhere(ada)
    assert len(backend.revocation_store.levels) == 1


def test_sync_call_in_async_code_names_the_async_one(ada):
    async def call():
        logout_everywhere(ada)

    with pytest.raises(SynchronousOnlyOperation, match="await alogout_everywhere"):
        asyncio.run(call())


@pytest.mark.parametrize("user", [None, "ada", object()])
def test_something_else_than_a_saved_user_is_an_error(user):
    with pytest.raises(ValueError, match="user"):
        logout_everywhere(user)
    with pytest.raises(ValueError, match="user"):
        logout_everywhere(RequestFactory().get("/"))


@pytest.mark.parametrize("fails", [False, True])
def test_revocation_persists_if_the_view_is_rolled_back(ada, fails, settings_of_atomic_requests):
    auth = JWTAuthentication(revocation_store=DjangoORMRevocation())
    status, token, sessions = serve(auth), create_jwt_for_user(ada), TokenSessions(auth)
    pair = sessions.create(ada)

    @protect(auth=[auth], guards=[IsAuthenticated()])
    def view(request):
        logout_everywhere(request.user)
        if fails:
            raise RuntimeError
        return HttpResponse()

    mount(path("view", view))
    assert status(token) == (500 if fails else 200)
    assert status(token) == 401
    assert refuses(sessions, pair) == "session_ended"


@pytest.fixture
def settings_of_atomic_requests():
    from django.db import connections

    settings = connections.settings["default"]
    settings["ATOMIC_REQUESTS"] = True
    yield
    settings["ATOMIC_REQUESTS"] = False
