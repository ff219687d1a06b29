"""`protect` on all kinds of Django views, and the middleware."""

import asyncio

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import JsonResponse
from django.test import AsyncClient, Client, TestCase, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from boltguard import protect
from boltguard.auth import (
    APIKeyAuthentication,
    HasPermission,
    IsAuthenticated,
    JWTAuthentication,
    RevocationStore,
    get_auth_context,
    get_current_user,
)
from boltguard.exceptions import Forbidden
from boltguard.middleware import BoltguardMiddleware

from people.models import Note
from support import asgi, bearer, call, get, mount, mount_view, wsgi

RULES = {"auth": [JWTAuthentication()], "guards": [IsAuthenticated() & ~HasPermission("banned")]}
guarded = protect(**RULES)


def who(request):
    return JsonResponse({"user_id": request.context["user_id"], "email": request.user.email})


@guarded
def function(request):
    return who(request)


@guarded
async def async_function(request):
    return who(request)


@guarded
class OnTheClass(View):
    def get(self, request):
        return who(request)


@guarded
class OnAnAsyncClass(View):
    async def get(self, request):
        return who(request)


@method_decorator(guarded, name="dispatch")
class ByMethodDecorator(View):
    def get(self, request):
        return who(request)


@method_decorator(guarded, name="dispatch")
class ByMethodDecoratorAsync(View):
    async def get(self, request):
        return who(request)


class OnAMethod(View):
    @guarded
    def get(self, request):
        return who(request)


class OnAnAsyncMethod(View):
    @guarded
    async def get(self, request):
        return who(request)


class OnDispatch(View):
    @guarded
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)

    async def get(self, request):
        return who(request)


class Plain(View):
    def get(self, request):
        return who(request)


class PlainAsync(View):
    async def get(self, request):
        return who(request)


VIEWS = {
    "function": function,
    "async function": async_function,
    "class": OnTheClass.as_view(),
    "async class": OnAnAsyncClass.as_view(),
    "method_decorator": ByMethodDecorator.as_view(),
    "async method_decorator": ByMethodDecoratorAsync.as_view(),
    "method": OnAMethod.as_view(),
    "async method": OnAnAsyncMethod.as_view(),
    "dispatch": OnDispatch.as_view(),
    "as_view": guarded(Plain.as_view()),
    "async as_view": guarded(PlainAsync.as_view()),
    "subclass": type("Sub", (OnTheClass,), {"post": OnTheClass.get}).as_view(),
}
NOT_ON_A_METHOD = [name for name in VIEWS if not name.endswith(" method") and name != "method"]


@pytest.mark.parametrize("name", VIEWS)
def test_every_kind_of_view(ada, name):
    mount_view(VIEWS[name])
    assert get(**bearer(sub=str(ada.pk))).json() == {"user_id": str(ada.pk), "email": "ada@example.org"}
    refused = get()
    assert refused.status_code == 401 and refused["WWW-Authenticate"].startswith("Bearer")
    assert get(**bearer(sub=str(ada.pk), permissions=["banned"])).status_code == 403
    assert get(**bearer(sub=str(ada.pk), secret="another")).status_code == 401
    assert get(**bearer(sub="987654")).status_code == 401, "an account that is gone"


@pytest.mark.parametrize("given", [who, OnTheClass, [JWTAuthentication()], []])
def test_protect_without_parentheses_is_an_error(given):
    with pytest.raises(ImproperlyConfigured, match=r"Use @protect\(auth=\[\.\.\.\], guards=\[\.\.\.\]\)"):
        protect(given)


@pytest.mark.parametrize("name", NOT_ON_A_METHOD)
def test_every_kind_of_view_is_known_as_what_it_is(name):
    view = VIEWS[name]
    assert iscoroutinefunction(view) == (name.startswith("async") or name == "dispatch")
    assert view.csrf_exempt is True and view.login_required is False


@pytest.mark.parametrize("name", ["view", "first", "visit", "wants_user", "aliases", "args", "kwargs"])
@pytest.mark.parametrize("is_async", [False, True])
def test_parameters_of_a_url_may_have_any_name(ada, name, is_async):
    def view(request, /, **parameters):
        return JsonResponse(parameters)

    async def async_view(request, /, **parameters):
        return JsonResponse(parameters)

    mount(path(f"item/<str:{name}>", guarded(async_view if is_async else view)))
    assert get("/item/seven", **bearer(sub=str(ada.pk))).json() == {name: "seven"}
    assert get("/item/seven").status_code == 401


def test_parameters_of_a_url_may_have_any_name_in_a_transaction(ada, monkeypatch):
    @guarded
    def view(request, /, **parameters):
        return JsonResponse(parameters)

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    mount(path("item/<str:view>/<str:aliases>", view))
    response = wsgi("get", "/item/7/8", bearer(sub=str(ada.pk)))
    assert response.json() == {"view": "7", "aliases": "8"}


def test_other_methods_of_an_async_class_are_405(ada):
    mount_view(VIEWS["async class"])
    assert call("post", "/view", bearer(sub=str(ada.pk))).status_code == 405


def test_a_class_that_is_not_a_view_is_refused():
    with pytest.raises(ImproperlyConfigured, match="not a view"):
        guarded(type("Thing", (), {}))


def test_exceptions_become_responses():
    @guarded
    def view(request):
        raise Forbidden("not today")

    mount_view(view)
    assert get(**bearer(sub="1")).json() == {"detail": "not today"}


class OutsideStore(RevocationStore):
    """A custom store with sync methods only."""

    def __init__(self):
        self.ids = set()

    def revoke(self, jti, ttl=None):
        self.ids.add(jti)

    def is_revoked(self, jti):
        Note.objects.count()  # a query, which an async view can't make
        return jti in self.ids


@pytest.mark.parametrize("is_async", [False, True])
def test_store_outside_of_rust_is_queried(is_async):
    store = OutsideStore()

    def view(request):
        return JsonResponse({"user_id": request.context["user_id"]})

    async def async_view(request):
        return view(request)

    mount_view(protect(auth=[JWTAuthentication(revocation_store=store)])(async_view if is_async else view))
    assert get(**bearer(sub="1", jti="j")).json() == {"user_id": "1"}
    store.revoke("j")
    assert get(**bearer(sub="1", jti="j")).json() == {"user_id": None}, (
        "public, and the caller of this token is anonymous"
    )


# The middleware

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "boltguard.middleware.BoltguardMiddleware",
]


def plain(request):
    context = get_auth_context(request)
    return JsonResponse(
        {"user_id": context["user_id"], "name": request.user.username, "error": context.get("auth_error")}
    )


async def plain_async(request):
    user = await request.auser()
    context = get_auth_context(request)
    return JsonResponse({"user_id": context["user_id"], "name": user.username, "error": context.get("auth_error")})


async def plain_async_lazy(request):
    return plain(request)


@pytest.mark.parametrize("view", [plain, plain_async, plain_async_lazy])
@override_settings(
    MIDDLEWARE=MIDDLEWARE, BOLT_AUTHENTICATION_CLASSES=[JWTAuthentication(), APIKeyAuthentication({"k"})]
)
def test_the_middleware_identifies_callers_for_plain_views(ada, view):
    mount_view(view)
    assert get(**bearer(sub=str(ada.pk))).json() == {"user_id": str(ada.pk), "name": "ada", "error": None}
    assert get().json() == {"user_id": None, "name": "", "error": None}
    bad = get(Authorization="Bearer bad.bad.bad").json()
    assert (bad["user_id"], bad["name"]) == (None, "") and bad["error"]
    assert get(X_API_Key="k").json()["user_id"].startswith("apikey:")
    gone = get(**bearer(sub="987654"))
    assert gone.json() == {"user_id": "987654", "name": "", "error": None}, "an account that is gone"
    assert "Authorization" in get()["Vary"]


class SessionBesides(TestCase):
    """A session's user stays without Boltguard credentials, and is replaced if there are any."""

    def setUp(self):
        self.grace = User.objects.create_user("grace")
        self.ada = User.objects.create_user("ada")
        mount_view(plain)

    @override_settings(MIDDLEWARE=MIDDLEWARE)
    def test_session_and_token(self):
        self.client.force_login(self.grace)
        self.assertEqual(self.client.get("/view").json()["name"], "grace")
        self.assertEqual(
            self.client.get("/view", headers={"Authorization": "Basic Zm9vOmJhcg=="}).json()["name"], "grace"
        )
        self.assertEqual(self.client.get("/view", headers=bearer(sub=str(self.ada.pk))).json()["name"], "ada")
        self.assertEqual(self.client.get("/view", headers=bearer("a.b.c")).json()["name"], "")

    @override_settings(MIDDLEWARE=MIDDLEWARE)
    async def test_session_and_token_async(self):
        mount_view(plain_async)
        client = AsyncClient()
        await sync_to_async(client.force_login)(self.grace)
        self.assertEqual((await client.get("/view")).json()["name"], "grace")
        response = await client.get("/view", headers=bearer(sub=str(self.ada.pk)))
        self.assertEqual(response.json()["name"], "ada")

    @override_settings(MIDDLEWARE=MIDDLEWARE)
    def test_get_current_user_gives_either(self):
        mount_view(lambda request: JsonResponse({"name": get_current_user(request).username}))
        self.client.force_login(self.grace)
        self.assertEqual(self.client.get("/view").json()["name"], "grace")
        self.assertEqual(self.client.get("/view", headers=bearer(sub=str(self.ada.pk))).json()["name"], "ada")
        self.client.logout()
        self.assertEqual(self.client.get("/view").status_code, 401)


@override_settings(MIDDLEWARE=[*MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"])
def test_csrf_check_applies_to_sessions_not_tokens(ada):
    mount_view(plain)
    client = Client(enforce_csrf_checks=True)
    assert client.post("/view").status_code == 403
    assert client.post("/view", headers=bearer("a.b.c")).status_code == 403
    assert client.post("/view", headers=bearer(sub=str(ada.pk))).status_code == 200


def test_the_middleware_is_sync_or_async_as_the_site_is():
    async def site(request):
        return None

    assert iscoroutinefunction(BoltguardMiddleware(site))
    assert not iscoroutinefunction(BoltguardMiddleware(lambda request: None))


class FailingStore(RevocationStore):
    def is_revoked(self, jti):
        raise OSError("down")


@override_settings(MIDDLEWARE=MIDDLEWARE)
def test_a_store_that_fails_is_503_in_the_middleware_too():
    mount_view(plain)
    with override_settings(BOLT_AUTHENTICATION_CLASSES=[JWTAuthentication(revocation_store=FailingStore())]):
        assert get(**bearer(sub="1", jti="j")).status_code == 503


def test_protect_inside_the_middleware(ada):
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        for view in (function, async_function):
            mount_view(view)
            assert get(**bearer(sub=str(ada.pk))).json()["email"] == "ada@example.org"
            assert get().status_code == 401


def test_a_sync_middleware_between_changes_nothing(ada):
    """Django then runs the view's loop in a thread of the outer loop."""
    with override_settings(MIDDLEWARE=["test_django_protect.sync_only", *MIDDLEWARE]):
        for view in (function, async_function, plain_async_lazy):
            mount_view(view)
            assert get(**bearer(sub=str(ada.pk))).status_code == 200


def sync_only(get_response):
    return lambda request: get_response(request)


def test_concurrent_requests_to_a_view(ada):
    mount_view(async_function)

    async def many():
        return await asyncio.gather(*(asgi("get", "/view", bearer(sub=str(ada.pk))) for _ in range(20)))

    assert {response.status_code for response in asyncio.run(many())} == {200}


def test_an_unknown_user_model_row_is_not_created(ada):
    mount_view(function)
    before = get_user_model().objects.count()
    wsgi("get", "/view", bearer(sub="987654"))
    assert get_user_model().objects.count() == before
