"""Revocations and transactions: a failing view doesn't undo a logout, and a failing store doesn't break a view."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, connections, transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.test import TestCase, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from boltguard import BoltAPI, protect
from boltguard.auth import (
    APIKeyAuthentication,
    DjangoORMRevocation,
    IsAuthenticated,
    JWTAuthentication,
    RevocationStore,
)
from boltguard.exceptions import HTTPException, RevocationUnavailable
from boltguard.models import RevokedToken

from databases import SERVERS
from support import asgi, bearer, mount, wsgi

HERE = Path(__file__).parent
ON_SERVER = "BOLTGUARD_TEST_DJANGO_DATABASE" in os.environ
User = get_user_model()


@pytest.fixture(autouse=True)
def _clean():
    yield
    RevokedToken.objects.all().delete()
    User.objects.filter(username="written").delete()


@pytest.fixture
def atomic_requests():
    settings = connections.settings["default"]
    settings["ATOMIC_REQUESTS"] = True
    yield
    settings["ATOMIC_REQUESTS"] = False


store = DjangoORMRevocation()


class OwnTable(RevocationStore):
    """A custom store."""

    def revoke(self, jti, ttl=None):
        RevokedToken.objects.get_or_create(jti=jti)

    def is_revoked(self, jti):
        return RevokedToken.objects.filter(jti=jti).exists()


class OwnAsyncTable(RevocationStore):
    async def revoke(self, jti, ttl=None):
        await RevokedToken.objects.aget_or_create(jti=jti)

    async def is_revoked(self, jti):
        return await RevokedToken.objects.filter(jti=jti).aexists()


class InTable:
    """The methods of a store, as a mixin."""

    revoke = OwnTable.revoke.__wrapped__
    is_revoked = OwnTable.is_revoked


class MixedTable(InTable, RevocationStore):
    pass


def leave(error, store):
    """A view that writes, logs its caller out, and fails."""

    def view(request, *args, **kwargs):
        User.objects.create(username="written")
        if asyncio.iscoroutinefunction(store.revoke):
            from asgiref.sync import async_to_sync

            async_to_sync(store.revoke)(request.context.jti, request.context.expires_in)
        else:
            store.revoke(request.context.jti, request.context.expires_in)
        raise error

    return view


def by_protect(auth, view):
    mount(path("x", protect(auth=auth, guards=[IsAuthenticated()])(view)))


def by_class(auth, view):
    class Leave(View):
        def get(self, request):
            return view(request)

    mount(path("x", protect(auth=auth, guards=[IsAuthenticated()])(Leave).as_view()))


def by_method_decorator(auth, view):
    @method_decorator(protect(auth=auth, guards=[IsAuthenticated()]), name="dispatch")
    class Leave(View):
        def get(self, request):
            return view(request)

    mount(path("x", Leave.as_view()))


def by_plain_decorator(auth, view):
    """A decorator above `protect` doesn't copy the attributes of the wrapper."""
    guarded = protect(auth=auth, guards=[IsAuthenticated()])(view)
    mount(path("x", lambda request: guarded(request)))


def by_api(auth, view):
    api = BoltAPI()
    api.get("/x", auth=auth, guards=[IsAuthenticated()])(lambda request: view(request))
    mount(api=api)


def by_shared_api(auth, view):
    api = BoltAPI()
    api.get("/x", auth=auth, guards=[IsAuthenticated()])(lambda request: view(request))

    @api.post("/x")
    async def other():
        return {}

    mount(api=api)


def by_middleware(auth, view):
    mount(path("x", view))


def by_drf(auth, view):
    """A view of Django REST framework, which it returns."""
    pytest.importorskip("rest_framework")
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication, GuardPermission

    class Authentication(BoltguardAuthentication):
        backends = auth

    class View(APIView):
        authentication_classes = [Authentication]
        permission_classes = [GuardPermission.of(IsAuthenticated())]

        def get(self, request):
            return view(request)

    mount(path("x", View.as_view()))
    return View


WAYS = [by_protect, by_class, by_method_decorator, by_plain_decorator, by_api, by_shared_api, by_middleware]
MIDDLEWARE = ["boltguard.middleware.BoltguardMiddleware"]


def get(url, headers):
    return wsgi("get", url, headers)


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("make", [DjangoORMRevocation, OwnTable, OwnAsyncTable, MixedTable])
@pytest.mark.parametrize("way", WAYS)
def test_a_logout_outlives_the_rollback_of_its_view(way, make):
    own = make()
    auth = [JWTAuthentication(revocation_store=own)]
    errors = {HTTPException(401): 401, Http404(): 404, PermissionDenied(): 403, ValueError(): 500}
    with override_settings(MIDDLEWARE=MIDDLEWARE if way is by_middleware else [], BOLT_AUTHENTICATION_CLASSES=auth):
        for number, (error, status) in enumerate(errors.items()):
            if status == 500 and way is by_plain_decorator:
                continue  # Django rolls back its own transaction, and raises an error
            headers = bearer(sub="1", jti=f"j{number}")
            way(auth, leave(error, own))
            assert get("/x", headers).status_code == status
            assert RevokedToken.objects.filter(jti=f"j{number}").exists(), error
            assert not User.objects.filter(username="written").exists(), "what else the view wrote is rolled back"


@pytest.mark.parametrize("way", [by_protect, by_api])
def test_a_logout_outlives_an_atomic_block_of_the_view(way):
    auth = [JWTAuthentication(revocation_store=store)]
    headers = bearer(sub="1", jti="j")
    way(auth, transaction.atomic(leave(HTTPException(401), store)))
    assert get("/x", headers).status_code == 401
    assert store.is_revoked("j")
    assert not User.objects.filter(username="written").exists()


def test_a_logout_in_async_code_outlives_an_atomic_block():
    from asgiref.sync import sync_to_async

    auth = [JWTAuthentication(revocation_store=store)]

    @protect(auth=auth, guards=[IsAuthenticated()])
    async def view(request):
        await sync_to_async(transaction.atomic(leave(HTTPException(401), store)))(request)

    mount(path("x", view))
    assert asyncio.run(asgi("get", "/x", bearer(sub="1", jti="j"))).status_code == 401
    assert store.is_revoked("j")


def swallow(request, *args, **kwargs):
    """A view whose own transaction fails after the logout, which the response doesn't show."""
    try:
        with transaction.atomic():
            User.objects.create(username="written")
            store.revoke(request.context.jti, request.context.expires_in)
            raise ValueError
    except ValueError:
        return HttpResponse()


def roll_back(request, *args, **kwargs):
    User.objects.create(username="written")
    store.revoke(request.context.jti, request.context.expires_in)
    transaction.set_rollback(True)
    return HttpResponse()


@pytest.mark.parametrize("view", [swallow, roll_back])
@pytest.mark.parametrize("way", WAYS)
def test_a_logout_outlives_a_rollback_that_is_not_an_error(way, view, request):
    if view is roll_back:
        request.getfixturevalue("atomic_requests")
    auth = [JWTAuthentication(revocation_store=store)]
    with override_settings(MIDDLEWARE=MIDDLEWARE if way is by_middleware else [], BOLT_AUTHENTICATION_CLASSES=auth):
        way(auth, view)
        if view is roll_back and way is by_plain_decorator:
            return  # Django opens and ends that transaction around the gate
        assert get("/x", bearer(sub="1", jti="j")).status_code == 200
    assert store.is_revoked("j")
    assert not User.objects.filter(username="written").exists()


def test_logout_in_async_code_persists_after_rollback():
    from asgiref.sync import sync_to_async

    @protect(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])
    async def view(request):
        return await sync_to_async(swallow)(request)

    mount(path("x", view))
    assert asyncio.run(asgi("get", "/x", bearer(sub="1", jti="j"))).status_code == 200
    assert store.is_revoked("j")


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("view", [swallow, roll_back])
def test_logout_in_drf_persists_after_rollback(view):
    by_drf([JWTAuthentication(revocation_store=store)], view)
    assert get("/x", bearer(sub="1", jti="j")).status_code == 200
    assert store.is_revoked("j")
    assert not User.objects.filter(username="written").exists()


def test_logout_that_can_not_be_repeated_is_503(monkeypatch):
    def broken(*args):
        raise DatabaseError("down")

    def view(request):
        response = swallow(request)
        monkeypatch.setattr(DjangoORMRevocation, "_write", broken)
        return response

    auth = [JWTAuthentication(revocation_store=store)]
    for way in (by_protect, by_api, by_middleware):
        with override_settings(MIDDLEWARE=MIDDLEWARE if way is by_middleware else [], BOLT_AUTHENTICATION_CLASSES=auth):
            way(auth, view)
            assert get("/x", bearer(sub="1", jti="j")).status_code == 503
            monkeypatch.undo()


@pytest.mark.usefixtures("atomic_requests")
def test_a_logout_that_can_not_be_made_again_is_503(monkeypatch):
    auth = [JWTAuthentication(revocation_store=store)]

    def view(request):
        store.revoke("j")
        monkeypatch.setattr(DjangoORMRevocation, "_write", broken)
        raise HTTPException(401)

    def broken(*args):
        raise DatabaseError("down")

    by_protect(auth, view)
    refused = get("/x", bearer(sub="1", jti="j"))
    assert refused.status_code == 503 and refused.json()["code"] == "revocation_unavailable"


def test_a_store_that_can_not_revoke_is_503():
    def view(request):
        raise RevocationUnavailable("down")

    for way in (by_protect, by_api):
        way([JWTAuthentication()], view)
        refused = get("/x", bearer(sub="1"))
        assert refused.status_code == 503 and refused.json()["code"] == "revocation_unavailable"


def test_a_store_that_can_not_revoke_is_503_in_a_view_of_drf():
    pytest.importorskip("rest_framework")
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication, GuardPermission

    class Leave(APIView):
        authentication_classes = [BoltguardAuthentication]
        permission_classes = [GuardPermission.of(IsAuthenticated())]

        def get(self, request):
            raise RevocationUnavailable("down")

    mount(path("x", Leave.as_view()))
    refused = get("/x", bearer(sub="1"))
    assert refused.status_code == 503 and refused.json()["code"] == "revocation_unavailable"


@pytest.mark.usefixtures("atomic_requests")
def test_a_view_that_succeeds_revokes_once(monkeypatch):
    calls = []
    original = DjangoORMRevocation._write
    monkeypatch.setattr(DjangoORMRevocation, "_write", lambda *args: (calls.append(args), original(*args)))

    def view(request):
        store.revoke("j")
        return HttpResponse()

    def fails(request):
        raise HTTPException(400)

    by_protect([JWTAuthentication()], view)
    assert get("/x", bearer(sub="1")).status_code == 200
    by_protect([JWTAuthentication()], fails)
    assert get("/x", bearer(sub="1")).status_code == 400
    assert len(calls) == 1, "the revocation of another request isn't repeated"


class Strict(OwnTable):
    """It can't revoke a token twice."""

    def revoke(self, jti, ttl=None):
        RevokedToken.objects.create(jti=jti)


@pytest.mark.parametrize("way", WAYS)
def test_outer_transaction_is_not_repeated(way):
    """Like the transaction of a `TestCase`, or of a decorator above the gate."""
    own = Strict()
    auth = [JWTAuthentication(revocation_store=own)]

    def view(request):
        own.revoke(request.context.jti)
        with transaction.atomic():
            own.revoke("inner")
        return HttpResponse()

    with override_settings(MIDDLEWARE=MIDDLEWARE if way is by_middleware else [], BOLT_AUTHENTICATION_CLASSES=auth):
        way(auth, view)
        with transaction.atomic():
            assert get("/x", bearer(sub="1", jti="j")).status_code == 200
    assert own.is_revoked("j") and own.is_revoked("inner")


# Django REST framework


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("handler", ["drf", "own"])
def test_a_logout_in_a_view_of_drf_outlives_its_rollback(handler, monkeypatch):
    pytest.importorskip("rest_framework")
    from rest_framework.exceptions import AuthenticationFailed

    def revoke_and_fail(request):
        User.objects.create(username="written")
        store.revoke(request.auth.jti, 60)
        raise error

    def as_json(error, context):
        from rest_framework.views import exception_handler

        response = exception_handler(error, context)
        return JsonResponse({}, status=response.status_code)

    view = by_drf([JWTAuthentication(revocation_store=store)], revoke_and_fail)
    if handler == "own":
        monkeypatch.setattr(view, "get_exception_handler", lambda self: as_json)
    for number, error in enumerate((AuthenticationFailed(), HTTPException(401), Http404())):
        headers = bearer(sub="1", jti=f"j{number}")
        assert get("/x", headers).status_code in (401, 404), error
        assert store.is_revoked(f"j{number}"), error
        assert not User.objects.filter(username="written").exists()
        assert get("/x", headers).status_code == 401


class FailingTable(RevocationStore):
    """A store without its table, which breaks a transaction in PostgreSQL."""

    def is_revoked(self, jti):
        with connection.cursor() as cursor:
            cursor.execute("SELECT jti FROM no_such_table")

    def revoke(self, jti, ttl=None):
        self.is_revoked(jti)


def counting(request, *args, **kwargs):
    return JsonResponse({"users": User.objects.filter(username="unknown").count()})


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("way", [*WAYS, by_drf])
def test_failing_store_can_be_ignored(way):
    auth = [JWTAuthentication(revocation_store=FailingTable(), on_store_error="allow")]
    with override_settings(MIDDLEWARE=MIDDLEWARE if way is by_middleware else [], BOLT_AUTHENTICATION_CLASSES=auth):
        way(auth, counting)
        assert get("/x", bearer(sub="1", jti="j")).json() == {"users": 0}


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("way", [by_protect, by_plain_decorator, by_api])
def test_a_failing_store_is_503_and_leaves_no_broken_transaction(way):
    way([JWTAuthentication(revocation_store=FailingTable())], counting)
    assert get("/x", bearer(sub="1", jti="j")).status_code == 503
    assert User.objects.filter(username="unknown").count() == 0


# Transactions of other code


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("way", WAYS[:6])
def test_a_view_behind_a_gate_is_atomic_and_its_gate_is_not(way):
    seen = []

    class Watching(RevocationStore):
        def is_revoked(self, jti):
            seen.append(connection.in_atomic_block)
            return False

    def view(request):
        seen.append(connection.in_atomic_block)
        return HttpResponse()

    way([JWTAuthentication(revocation_store=Watching())], lambda request: view(request))
    assert get("/x", bearer(sub="1", jti="j")).status_code == 200
    assert seen == [way is by_plain_decorator, True]


@pytest.mark.usefixtures("atomic_requests")
def test_what_a_view_says_of_its_transactions_still_counts():
    seen = []

    def note(request):
        seen.append(connection.in_atomic_block)
        return HttpResponse()

    auth, guards = [JWTAuthentication()], [IsAuthenticated()]
    exempt = transaction.non_atomic_requests
    guarded = protect(auth=auth, guards=guards)
    api = BoltAPI(auth=auth, guards=guards)
    api.get("/api")(exempt(lambda request: note(request)))
    api.get("/atomic")(lambda request: note(request))

    @method_decorator(exempt, name="dispatch")
    @method_decorator(guarded, name="dispatch")
    class Above(View):
        def get(self, request):
            return note(request)

    @method_decorator(guarded, name="dispatch")
    @method_decorator(exempt, name="dispatch")
    class Below(View):
        def get(self, request):
            return note(request)

    mount(
        path("below", guarded(exempt(lambda request: note(request)))),
        path("above", exempt(guarded(lambda request: note(request)))),
        path("twice", guarded(guarded(exempt(lambda request: note(request))))),
        path("class-above", Above.as_view()),
        path("class-below", Below.as_view()),
        path("class-guarded", exempt(guarded(View.as_view()))),
        path("other", guarded(exempt(using="other")(lambda request: note(request)))),
        api=api,
    )
    for url in ("below", "above", "twice", "class-above", "class-below", "api"):
        seen.clear()
        assert get(f"/{url}", bearer(sub="1")).status_code == 200
        assert seen == [False], url
    for url in ("other", "atomic"):
        seen.clear()
        assert get(f"/{url}", bearer(sub="1")).status_code == 200
        assert seen == [True], url


@pytest.mark.usefixtures("atomic_requests")
def test_an_async_view_is_still_refused_under_atomic_requests():
    class Later(View):
        async def get(self, request):
            return HttpResponse()

    async def later(request):
        return HttpResponse()

    guarded = protect(auth=[JWTAuthentication()], guards=[IsAuthenticated()])
    for view in (guarded(later), guarded(Later).as_view()):
        mount(path("x", view))
        assert get("/x", bearer(sub="1")).status_code == 500
        assert asyncio.run(asgi("get", "/x", bearer(sub="1"))).status_code == 500
    exempt = transaction.non_atomic_requests
    for view in (guarded(exempt(later)), exempt(guarded(later)), exempt(guarded(type("L", (Later,), {})).as_view())):
        mount(path("x", view))
        assert get("/x", bearer(sub="1")).status_code == 200


@pytest.mark.usefixtures("atomic_requests")
def test_unavailable_table_can_be_ignored():
    pytest.importorskip("rest_framework")
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication

    keys = APIKeyAuthentication(store=True, on_store_error="allow")
    ours = type("Ours", (BoltguardAuthentication,), {"backends": [keys, JWTAuthentication()]})
    own = {"authentication_classes": [ours], "get": lambda self, request: counting(request), "permission_classes": []}
    mount(path("x", type("Count", (APIView,), own).as_view()))
    assert get("/x", bearer(sub="1")).json() == {"users": 0}


class Isolated(TestCase):
    """Each of two tests starts with an empty table, regardless of the other one."""

    def _revoke_and_fail(self):
        connections.settings["default"]["ATOMIC_REQUESTS"] = True
        self.addCleanup(connections.settings["default"].__setitem__, "ATOMIC_REQUESTS", False)
        self.assertEqual(RevokedToken.objects.count(), 0)
        by_protect([JWTAuthentication(revocation_store=store)], leave(HTTPException(401), store))
        self.assertEqual(get("/x", bearer(sub="1", jti="j")).status_code, 401)
        self.assertEqual(RevokedToken.objects.count(), 1)
        self.assertFalse(User.objects.filter(username="written").exists())

    def test_one(self):
        self._revoke_and_fail()

    def test_other(self):
        self._revoke_and_fail()

    def test_what_one_test_noted_is_not_made_again_in_another(self):
        by_protect([JWTAuthentication()], lambda request: (_ for _ in ()).throw(HTTPException(400)))
        self.assertEqual(get("/x", bearer(sub="1")).status_code, 400)
        self.assertEqual(RevokedToken.objects.count(), 0)


@pytest.mark.parametrize("url", SERVERS)
@pytest.mark.skipif(ON_SERVER, reason="this is that run")
def test_the_same_on_a_server(url):
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))]
    environment = {**os.environ, "BOLTGUARD_TEST_DJANGO_DATABASE": url}
    done = subprocess.run(again, cwd=HERE, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
