"""`logout` and `alogout`: the token of the request, for its remaining lifetime, in the store of its backend."""

import asyncio
import time

import pytest
from django.contrib.auth.signals import user_logged_out
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.http import JsonResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from django.utils import timezone

from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    alogout,
    logout,
)
from boltguard.exceptions import Unauthorized
from boltguard.models import RevokedToken

from support import AsyncSingleTokens, SingleTokens, asgi, bearer, get, mount, wsgi

STORES = {
    "memory": InMemoryRevocation,
    "cache": DjangoCacheRevocation,
    "table": DjangoORMRevocation,
    "own": SingleTokens,
    "own async": AsyncSingleTokens,
}
MIDDLEWARE = ["boltguard.middleware.BoltguardMiddleware"]


@pytest.fixture(autouse=True)
def _empty():
    yield
    caches["default"].clear()
    RevokedToken.objects.all().delete()


def leave(request):
    logout(request)
    return JsonResponse({})


async def aleave(request):
    await alogout(request)
    return JsonResponse({})


def by_protect(auth):
    guarded = protect(auth=auth, guards=[IsAuthenticated()])
    mount(path("sync", guarded(leave)), path("async", guarded(aleave)))


def by_api(auth):
    api = BoltAPI(auth=auth, guards=[IsAuthenticated()])
    api.get("/sync")(lambda request: logout(request) and {})

    @api.get("/async")
    async def leave(request):
        await alogout(request)
        return {}

    mount(api=api)


def by_middleware(auth):
    def refused(request):
        return None if request.context.is_authenticated else JsonResponse({}, status=401)

    async def aview(request):
        return refused(request) or await aleave(request)

    mount(path("sync", lambda request: refused(request) or leave(request)), path("async", aview))


def by_drf(auth):
    pytest.importorskip("rest_framework")
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication, GuardPermission

    class Ours(BoltguardAuthentication):
        backends = auth

    class Leave(APIView):
        authentication_classes = [Ours]
        permission_classes = [GuardPermission.of(IsAuthenticated())]

        def get(self, request):
            logout(request)
            return Response({})

    mount(path("sync", Leave.as_view()), path("async", Leave.as_view()))


WAYS = [by_protect, by_api, by_middleware, by_drf]


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("way", WAYS)
def test_the_token_of_the_request_is_revoked_wherever_it_was_read(way, kind):
    auth = [JWTAuthentication(revocation_store=STORES[kind]())]
    with override_settings(
        MIDDLEWARE=MIDDLEWARE if way is by_middleware else [], BOLTGUARD_AUTHENTICATION_CLASSES=auth
    ):
        way(auth)
        for url in ("/sync", "/async"):
            headers, other = bearer(sub="1", jti=f"j{url}"), bearer(sub="1", jti=f"other{url}")
            assert wsgi("get", url, headers).status_code == 200
            assert wsgi("get", url, headers).status_code == 401
            assert asyncio.run(asgi("get", url, headers)).status_code == 401
            assert asyncio.run(asgi("get", url, other)).status_code == 200
            assert asyncio.run(asgi("get", url, other)).status_code == 401


def test_an_entry_is_kept_for_the_remaining_lifetime():
    own = SingleTokens()
    by_protect([JWTAuthentication(revocation_store=own, leeway=120, required_claims=[])])
    now = int(time.time())
    for jti, exp in (("short", now + 60), ("long", now + 10**9), ("late", now - 30)):
        assert wsgi("get", "/sync", bearer(sub="1", jti=jti, exp=exp)).status_code == 200
        assert exp - now - 5 <= own.revoked[jti] <= exp - now + 1
    assert wsgi("get", "/sync", bearer(sub="1", jti="endless", exp=...)).status_code == 200
    assert own.revoked["endless"] is None


def test_entries_in_a_table_end():
    by_protect([JWTAuthentication(revocation_store=DjangoORMRevocation())])
    assert wsgi("get", "/sync", bearer(sub="1", jti="j")).status_code == 200
    assert (RevokedToken.objects.get().expires_at - timezone.now()).days < 1


def test_store_of_the_accepting_backend_is_used():
    stores = [SingleTokens(), SingleTokens(), AsyncSingleTokens()]
    secrets = ["first-" * 8, "other-" * 8, "third-" * 8]
    by_protect(
        [
            APIKeyAuthentication({"k" * 32}),
            *(JWTAuthentication(secret, revocation_store=one) for secret, one in zip(secrets, stores, strict=True)),
        ]
    )
    for number, secret in enumerate(secrets):
        for url in ("/sync", "/async"):
            headers = bearer(secret=secret, sub="1", jti=f"{number}{url}")
            assert wsgi("get", url, headers).status_code == 200
    assert [sorted(one.revoked) for one in stores] == [[f"{n}/async", f"{n}/sync"] for n in range(3)]


def test_memory_stores_of_several_backends_are_distinguished():
    stores = [InMemoryRevocation(), InMemoryRevocation()]
    auth = [JWTAuthentication(audience=name, revocation_store=one) for name, one in zip("ab", stores, strict=True)]

    @protect(auth=auth, guards=[IsAuthenticated()])
    def twice(request):
        logout(request)
        logout(request)
        return JsonResponse({})

    mount(path("view", twice))
    assert wsgi("get", "/view", bearer(sub="1", jti="j", aud="b")).status_code == 200
    assert [one.is_revoked("j") for one in stores] == [False, True]


# Callers without a token


def outcome(auth, headers, guards=None):
    seen = []

    @protect(auth=auth, guards=guards or [IsAuthenticated()])
    def view(request):
        try:
            logout(request)
        except Exception as error:
            seen.append(error)
        return JsonResponse({})

    mount(path("view", view))
    wsgi("get", "/view", headers)
    return seen[0] if seen else None


def test_logout_without_a_token_is_an_error():
    auth = [JWTAuthentication(revocation_store=SingleTokens()), APIKeyAuthentication({"k" * 32})]
    for headers in ({}, {"Authorization": "Bearer x.y.z"}):
        assert isinstance(outcome(auth, headers, [AllowAny()]), Unauthorized)
    refused = outcome(auth, {"X-API-Key": "k" * 32})
    assert isinstance(refused, ValueError) and "api_key" in str(refused)
    assert outcome(auth, bearer(sub="1", jti="j")) is None
    with pytest.raises(Unauthorized):
        logout(RequestFactory().get("/"))


def test_an_anonymous_logout_is_401():
    by_protect([JWTAuthentication(revocation_store=SingleTokens())])
    mount(path("sync", protect(auth=[JWTAuthentication()], guards=[AllowAny()])(leave)))
    assert wsgi("get", "/sync").status_code == 401


def test_a_session_has_no_token(ada, client_with_session):
    auth = [JWTAuthentication(revocation_store=SingleTokens())]
    with override_settings(
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *MIDDLEWARE,
        ],
        BOLTGUARD_AUTHENTICATION_CLASSES=auth,
    ):
        mount(path("view", leave))
        assert wsgi("get", "/view", client=client_with_session(ada)).status_code == 401


@pytest.fixture
def client_with_session():
    from django.test import Client

    def make(user):
        client = Client(raise_request_exception=False)
        client.force_login(user)
        return client

    return make


def test_a_backend_without_a_store_says_what_is_missing():
    for claims in ({"jti": "j"}, {}):
        refused = outcome([JWTAuthentication()], bearer(sub="1", **claims))
        assert isinstance(refused, ImproperlyConfigured) and "revocation_store" in str(refused)


@pytest.mark.parametrize("make", [DjangoORMRevocation, AsyncSingleTokens])
def test_a_sync_logout_in_async_code_names_the_other_one(make):
    seen = []

    @protect(auth=[JWTAuthentication(revocation_store=make())], guards=[IsAuthenticated()])
    async def view(request):
        with pytest.raises(SynchronousOnlyOperation, match="await alogout"):
            logout(request)
        seen.append(True)
        return JsonResponse({})

    mount(path("view", view))
    assert get("/view", **bearer(sub="1", jti="j")).status_code == 200 and seen == [True, True]


@pytest.mark.parametrize("make", [InMemoryRevocation, SingleTokens])
def test_a_sync_logout_may_be_awaited(make):
    store = make()

    @protect(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])
    async def view(request):
        await logout(request)
        return JsonResponse({})

    mount(path("view", view))
    assert asyncio.run(asgi("get", "/view", bearer(sub="1", jti="j"))).status_code == 200
    assert store.is_revoked("j")


def test_a_revoke_that_returns_a_coroutine_is_not_a_revocation():
    class Hidden(SingleTokens):
        def revoke(self, jti, ttl=None):
            return SingleTokens().arevoke(jti, ttl)

    refused = outcome([JWTAuthentication(revocation_store=Hidden())], bearer(sub="1", jti="j"))
    assert isinstance(refused, TypeError) and "async def" in str(refused)


def test_user_logged_out_is_sent(ada):
    received = []

    def hear(sender, request, user, **kwargs):
        received.append((sender, user.pk, request.context.jti))

    user_logged_out.connect(hear)
    try:
        by_protect([JWTAuthentication(revocation_store=SingleTokens())])
        wsgi("get", "/sync", bearer(sub=str(ada.pk), jti="a"))
        wsgi("get", "/async", bearer(sub=str(ada.pk), jti="b"))
    finally:
        user_logged_out.disconnect(hear)
    assert received == [(type(ada), ada.pk, "a"), (type(ada), ada.pk, "b")]
