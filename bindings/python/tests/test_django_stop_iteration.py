"""`StopIteration` and similar exceptions, raised by code of a site: the request ends without access."""

import asyncio
import sys
import threading

import pytest
from django.http import HttpResponse
from django.test import AsyncRequestFactory, override_settings

from boltguard import BoltAPI, Depends, protect
from boltguard.auth import (
    Check,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    ObjectCheck,
    RemoteKeySet,
    RevocationStore,
    acheck_object,
    check_object,
    logout,
)
from boltguard.registry import instances, remember

from support import asgi, bearer, mount, mount_view, wsgi

TIMEOUT = 20


def stops(*args, **kwargs):
    next(iter(()))


async def astops(*args, **kwargs):
    next(iter(()))


class Stopping(RevocationStore):
    revoke = is_revoked = staticmethod(stops)


class Returning(RevocationStore):
    revoke = is_revoked = astops


class StoppingMemory(InMemoryRevocation):
    is_revoked = stops


def protected(is_async, **gate):
    def view(request):
        return HttpResponse()

    async def aview(request):
        return HttpResponse()

    mount_view(protect(**gate)(aview if is_async else view))


def about_object(is_async, function):
    @protect(guards=[ObjectCheck(function, name="x")])
    def view(request):
        check_object(request, 1)
        return HttpResponse()

    @protect(guards=[ObjectCheck(function, name="x")])
    async def aview(request):
        await acheck_object(request, 1)
        return HttpResponse()

    mount_view(aview if is_async else view)


def by_store(store):
    jwt = JWTAuthentication(revocation_store=store)
    return lambda is_async: protected(is_async, auth=[jwt], guards=[IsAuthenticated()])


def route(handler, **options):
    api = BoltAPI(guards=[IsAuthenticated()])
    api.get("/view", **options)(handler)
    mount(api=api)


def depends(is_async):
    def handler(value=Depends(stops_plainly)):
        return {}

    async def ahandler(value=Depends(stops_plainly)):
        return {}

    route(ahandler if is_async else handler)


def stops_plainly():
    next(iter(()))


def sync_beside_async(is_async):
    """A sync handler at a path where another method is async, so that it is called in a thread."""
    api = BoltAPI(guards=[IsAuthenticated()])
    api.get("/view")(stops_plainly)
    if is_async:

        @api.post("/view")
        async def other():
            return {}

    mount(api=api)


CASES = {
    "check": (lambda is_async: protected(is_async, guards=[Check(lambda request: stops(), name="x")]), 500),
    "check of an object": (lambda is_async: about_object(is_async, lambda request, obj: stops()), 500),
    "store": (by_store(Stopping()), 503),
    "async store": (by_store(Returning()), 503),
    "custom memory store": (by_store(StoppingMemory()), 503),
    "dependency": (depends, 500),
    "handler": (lambda is_async: route(stops_plainly), 500),
    "handler beside an async one": (sync_beside_async, 500),
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_stop_iteration_ends_the_request(case, is_async):
    site, status = CASES[case]
    site(is_async)

    async def within_patience():
        return await asyncio.wait_for(asgi("get", "/view", bearer(sub="1", jti="j")), TIMEOUT)

    assert asyncio.run(within_patience()).status_code == status
    assert wsgi("get", "/view", bearer(sub="1", jti="j")).status_code == status


@override_settings(MIDDLEWARE=["boltguard.middleware.BoltguardMiddleware"])
def test_a_stop_iteration_of_a_store_ends_the_request_in_the_middleware():
    mount_view(lambda request: HttpResponse())
    with override_settings(BOLT_AUTHENTICATION_CLASSES=[JWTAuthentication(revocation_store=Stopping())]):
        response = asyncio.run(asyncio.wait_for(asgi("get", "/view", bearer(sub="1", jti="j")), TIMEOUT))
    assert response.status_code == 503


def test_a_stop_iteration_of_a_fetch_ends_the_wait_for_keys():
    class Keys(RemoteKeySet):
        fetch = stops

    with pytest.raises(RuntimeError, match="raised StopIteration"):
        asyncio.run(asyncio.wait_for(Keys("https://id.example/keys").akeys(), TIMEOUT))


def test_a_stop_iteration_of_a_revoke_reaches_the_caller():
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        asyncio.run(asyncio.wait_for(Stopping().arevoke("j"), TIMEOUT))


def drf_view(action, **settings):
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication

    class Ours(BoltguardAuthentication):
        backends = [JWTAuthentication(**settings)]

    class Shop(APIView):
        authentication_classes = [Ours]
        permission_classes = []

        def get(self, request):
            action(request)
            return Response({})

    mount_view(Shop.as_view())


class Unrevoking(RevocationStore):
    def revoke(self, jti, ttl=None):
        next(iter(()))

    def is_revoked(self, jti):
        return False


@pytest.mark.parametrize(
    ("action", "settings"),
    [
        (lambda request: request.user.email, {"get_user": stops}),
        (lambda request: None, {"get_user": stops, "verify_user": True}),
        (logout, {"revocation_store": Unrevoking()}),
        (lambda request: Unrevoking().revoke("j"), {}),
    ],
)
def test_a_stop_iteration_ends_the_request_in_a_view_of_drf(action, settings):
    pytest.importorskip("rest_framework")
    drf_view(action, **settings)
    response = asyncio.run(asyncio.wait_for(asgi("get", "/view", bearer(sub="1", jti="j")), TIMEOUT))
    assert response.status_code == 500


@override_settings(MIDDLEWARE=["boltguard.middleware.BoltguardMiddleware"])
def test_a_stop_iteration_of_get_user_ends_the_request_of_a_plain_view():
    mount_view(lambda request: HttpResponse(request.user.email))
    with override_settings(BOLT_AUTHENTICATION_CLASSES=[JWTAuthentication(get_user=stops)]):
        response = asyncio.run(asyncio.wait_for(asgi("get", "/view", bearer(sub="1")), TIMEOUT))
    assert response.status_code == 500


@pytest.mark.parametrize("kind", [StopAsyncIteration, GeneratorExit, KeyboardInterrupt, SystemExit])
def test_other_exceptions_that_end_things_pass_a_check_as_they_are(kind):
    def ends(request):
        raise kind

    @protect(guards=[Check(ends)])
    async def view(request):
        return HttpResponse()

    request = AsyncRequestFactory().get("/view", headers=bearer(sub="1"))
    with pytest.raises(kind):
        asyncio.run(asyncio.wait_for(view(request), TIMEOUT))


# Custom components of a site


class Thing:
    pass


def test_the_list_of_what_was_built_may_be_read_while_threads_build():
    failures, done = [], threading.Event()

    def build():
        kept = []
        while not done.is_set():
            thing = Thing()
            remember(thing)
            kept = [*kept[-50:], thing]

    def read():
        try:
            for _ in range(2000):
                assert all(type(thing) is Thing for thing in instances(Thing))
        except Exception as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    builders = [threading.Thread(target=build) for _ in range(4)]
    readers = [threading.Thread(target=read) for _ in range(2)]
    try:
        for thread in [*builders, *readers]:
            thread.start()
        for thread in readers:
            thread.join()
    finally:
        done.set()
        sys.setswitchinterval(interval)
        for thread in builders:
            thread.join()
    assert failures == []


def test_what_is_gone_is_forgotten():
    thing = Thing()
    remember(thing)
    assert thing in list(instances(Thing))
    del thing
    assert [one for one in instances(Thing) if one is not None] == []
