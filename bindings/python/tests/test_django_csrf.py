"""CSRF checks and `LoginRequiredMiddleware`: a gate is only exempt from checks that it replaces."""

import asyncio

import django
import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.auth.models import User
from django.http import JsonResponse
from django.test import AsyncClient, Client, RequestFactory, TestCase, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect, ensure_csrf_cookie

from boltguard import BoltAPI, protect
from boltguard.auth import AllowAny, APIKeyAuthentication, IsAuthenticated, JWTAuthentication
from boltguard.routes.collect import collect

from support import bearer, mount, mount_view

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
OURS = "boltguard.middleware.BoltguardMiddleware"
SITES = {"plain": [SESSIONS, CSRF, AUTH], "ours": [SESSIONS, CSRF, AUTH, OURS], "last": [SESSIONS, AUTH, OURS, CSRF]}
OPEN = {"auth": [JWTAuthentication(), APIKeyAuthentication({"k" * 20})], "guards": [AllowAny()]}
CLOSED = {**OPEN, "guards": [IsAuthenticated()]}


def write(request):
    """A view that uses the session."""
    request.session["written"] = True
    return JsonResponse({"written": True})


async def awrite(request):
    return JsonResponse({"written": True})


class Write(View):
    def post(self, request):
        return write(request)


class AWrite(View):
    async def post(self, request):
        return JsonResponse({"written": True})


@protect(**OPEN)
class OnTheClass(Write):
    pass


class Overriding(OnTheClass):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


@method_decorator(protect(**OPEN), name="dispatch")
class ByMethodDecorator(Write):
    pass


@protect(**OPEN)
class OnAnAsyncClass(AWrite):
    pass


def api(**options):
    made = BoltAPI(**options)

    @made.post("/view")
    def view(request):
        return {"written": request.session.setdefault("written", True)}

    return path("", made.urls)


def async_api(**options):
    made = BoltAPI(**options)

    @made.post("/view")
    async def view(request):
        return {"written": True}

    return path("", made.urls)


PROTECTED = {
    "function": lambda: path("view", protect(**OPEN)(write)),
    "async function": lambda: path("view", protect(**OPEN)(awrite)),
    "class": lambda: path("view", OnTheClass.as_view()),
    "subclass": lambda: path("view", Overriding.as_view()),
    "async class": lambda: path("view", OnAnAsyncClass.as_view()),
    "method_decorator": lambda: path("view", ByMethodDecorator.as_view()),
    "as_view": lambda: path("view", protect(**OPEN)(Write.as_view())),
}
APIS = {"api": lambda: api(**OPEN), "async api": lambda: async_api(**OPEN)}
TOKEN = "x" * 32


def post(headers=None, cookies=None, client=Client, **data):
    strict = client(enforce_csrf_checks=True, raise_request_exception=False)
    for name, value in (cookies or {}).items():
        strict.cookies[name] = value
    sent = strict.post("/view", data or None, headers=headers or {})
    return asyncio.run(_awaited(sent)) if client is AsyncClient else sent


async def _awaited(sent):
    return await sent


WITH_A_SESSION = {"sessionid": "s" * 32}
WITH_A_TOKEN = {**WITH_A_SESSION, "csrftoken": TOKEN}


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", [*PROTECTED, *APIS])
def test_session_without_credentials_requires_csrf_token(kind, site, client):
    with override_settings(MIDDLEWARE=SITES[site]):
        mount({**PROTECTED, **APIS}[kind]())
        assert post(cookies=WITH_A_SESSION, client=client).status_code == 403
        assert post(bearer("a.b.c"), WITH_A_SESSION, client).status_code == 403, (
            "invalid credentials don't identify a caller"
        )
        assert post({"X-CSRFToken": TOKEN}, WITH_A_TOKEN, client).status_code == 200
        assert post({"X-CSRFToken": TOKEN, "Origin": "https://evil.example"}, WITH_A_TOKEN, client).status_code == 403
        for identified in (bearer(sub="1"), {"X-API-Key": "k" * 20}):
            assert post(identified, WITH_A_SESSION, client).status_code == 200
            assert post(identified, client=client).status_code == 200


@pytest.mark.parametrize("kind", PROTECTED)
def test_protected_view_checks_csrf_like_the_plain_view(kind):
    with override_settings(MIDDLEWARE=SITES["plain"]):
        mount(PROTECTED[kind]())
        assert post().status_code == 403
    with override_settings(MIDDLEWARE=[SESSIONS, AUTH]):
        mount(PROTECTED[kind]())
        assert post().status_code == 200, "a site without the check"


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("kind", APIS)
def test_login_without_a_session_and_from_same_site_pages(kind, client):
    with override_settings(MIDDLEWARE=SITES["plain"]):
        mount(APIS[kind]())
        assert post(client=client).status_code == 200
        assert post(cookies={"analytics": "1"}, client=client).status_code == 200
        for page in ({"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}):
            assert post(page, WITH_A_SESSION, client).status_code == 200
        for page in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
            refused = post(page, WITH_A_SESSION, client)
            assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")


def test_the_token_may_be_in_the_session_in_async_views_too(database):
    with override_settings(MIDDLEWARE=SITES["plain"], CSRF_USE_SESSIONS=True):
        for kind in ("async function", "async api"):
            mount({**PROTECTED, **APIS}[kind]())
            assert post(cookies=WITH_A_SESSION, client=AsyncClient).status_code == 403


def test_refused_caller_receives_a_challenge():
    with override_settings(MIDDLEWARE=SITES["plain"]):
        mount(path("view", protect(**CLOSED)(write)))
        assert post(cookies=WITH_A_SESSION).status_code == 401


def exempt_above():
    return path("view", csrf_exempt(protect(**OPEN)(write)))


def exempt_below():
    return path("view", protect(**OPEN)(csrf_exempt(write)))


def exempt_far_above():
    return path("view", ensure_csrf_cookie(csrf_exempt(protect(**OPEN)(awrite))))


def exempt_dispatch():
    return path("view", method_decorator(csrf_exempt, name="dispatch")(type("V", (OnTheClass,), {})).as_view())


def exempt_dispatch_below():
    exempt = method_decorator(csrf_exempt, name="dispatch")(type("V", (Write,), {}))
    return path("view", protect(**OPEN)(exempt).as_view())


def exempt_as_view():
    return path("view", csrf_exempt(OnTheClass.as_view()))


@pytest.mark.parametrize(
    "kind", [exempt_above, exempt_below, exempt_far_above, exempt_dispatch, exempt_dispatch_below, exempt_as_view]
)
def test_csrf_exempt_is_obeyed_above_the_gate_and_below(kind):
    with override_settings(MIDDLEWARE=SITES["plain"]):
        mount(kind())
        assert post(cookies=WITH_A_SESSION).status_code == 200
        mount(path("view", protect(**OPEN)(csrf_protect(write))))
        assert post(cookies=WITH_A_SESSION).status_code == 403


def test_safe_methods_and_direct_calls_are_not_checked():
    with override_settings(MIDDLEWARE=SITES["plain"]):
        view = protect(**OPEN)(lambda request: JsonResponse({}))
        mount_view(view)
        assert Client(enforce_csrf_checks=True).get("/view").status_code == 200
        assert view(RequestFactory().post("/view")).status_code == 200, "a unit test, which no middleware sees"


def test_drf_default_authentication_inside_protect_accepts_post(ada):
    from rest_framework.authentication import SessionAuthentication
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Sessions(APIView):
        authentication_classes = [SessionAuthentication]
        permission_classes = []

        def post(self, request):
            return Response({"name": request.user.get_username()})

    for view in (protect(**OPEN)(Sessions.as_view()), protect(**OPEN)(type("Sub", (Sessions,), {})).as_view()):
        with override_settings(MIDDLEWARE=SITES["plain"]):
            mount_view(view)
            assert post(bearer(sub=str(ada.pk)), WITH_A_SESSION).json() == {"name": "ada"}
            assert post(cookies=WITH_A_SESSION).json() == {"name": ""}, "the user of DRF: no one is logged in"


# Subclasses


@protect(**CLOSED)
class Base(View):
    def get(self, request):
        return JsonResponse({"user_id": request.context["user_id"]})

    post = get


class Calls:
    """A mixin that overrides `dispatch`, and counts its calls."""

    count = 0

    def dispatch(self, request, *args, **kwargs):
        type(self).count += 1
        return super().dispatch(request, *args, **kwargs)


class Mixed(Calls, Base):
    pass


class Overridden(Base):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


@protect(**CLOSED)
class AsyncBase(View):
    async def get(self, request):
        return JsonResponse({"user_id": request.context["user_id"]})

    post = get


class AsyncOverridden(AsyncBase):
    async def dispatch(self, request, *args, **kwargs):
        return await super().dispatch(request, *args, **kwargs)


class AsyncOverriddenBySync(AsyncBase):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


SUBCLASSES = [Overridden, Mixed, AsyncOverridden, AsyncOverriddenBySync]


@pytest.mark.parametrize("view", SUBCLASSES)
def test_subclass_that_overrides_dispatch_is_protected(view):
    made = view.as_view()
    assert made.csrf_exempt is True and made.login_required is False
    with override_settings(MIDDLEWARE=SITES["plain"]):
        mount_view(made)
        assert post().status_code == 401
        assert post(bearer(sub="1")).json() == {"user_id": "1"}
        assert iscoroutinefunction(made) == view.__name__.startswith("Async")
    assert {str(route.guard) for route in collect("site_urls")} == {str(IsAuthenticated())}


def test_gate_of_a_subclass_is_evaluated_once(monkeypatch):
    from boltguard.auth import RevocationStore

    called = []

    class Store(RevocationStore):
        def revoke(self, jti, ttl=None):
            pass

        def is_revoked(self, jti):
            called.append(jti)
            return False

    base = protect(auth=[JWTAuthentication(revocation_store=Store())], guards=[IsAuthenticated()])(
        type("Base", (View,), {"get": Base.get})
    )

    class Middle(base):
        def dispatch(self, request):
            return super().dispatch(request)

    mount_view(type("Sub", (Calls, Middle), {}).as_view())
    assert Client().get("/view", headers=bearer(sub="1", jti="j")).status_code == 200
    assert called == ["j"]


def test_a_subclass_hook_of_the_class_itself_is_called():
    seen = []

    @protect(**CLOSED)
    class Hooked(View):
        def __init_subclass__(cls, *, label=None, **options):
            super().__init_subclass__(**options)
            seen.append(label)

    type("Sub", (Hooked,), {}, label="one")
    assert seen == ["one"]


# LoginRequiredMiddleware

needs_login_middleware = pytest.mark.skipif(django.VERSION < (5, 1), reason="LoginRequiredMiddleware is of Django 5.1")
LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def reads(request):
    return JsonResponse({})


def opened():
    made = BoltAPI()
    made.get("/view")(lambda: {})
    return path("", made.urls)


WITHOUT_GUARDS = {
    "function": lambda: path("view", protect()(reads)),
    "backends alone": lambda: path("view", protect(auth=[JWTAuthentication()])(reads)),
    "class": lambda: path(
        "view", protect()(type("V", (View,), {"get": lambda self, request: reads(request)})).as_view()
    ),
    "api": opened,
}


@needs_login_middleware
class ClosedSite(TestCase):
    """A site whose views require a login by default."""

    def get(self, pattern, client=None, **settings):
        with override_settings(MIDDLEWARE=[SESSIONS, AUTH, LOGIN], LOGIN_URL="/login", **settings):
            mount(pattern())
            return (client or self.client).get("/view")

    def test_protect_without_guards_leaves_a_closed_site_closed(self):
        for name, pattern in WITHOUT_GUARDS.items():
            with self.subTest(name):
                self.assertEqual(self.get(pattern).status_code, 302)

    def test_a_login_opens_it_as_a_plain_view(self):
        self.client.force_login(User.objects.create_user("grace"))
        for name, pattern in WITHOUT_GUARDS.items():
            with self.subTest(name):
                self.assertEqual(self.get(pattern).status_code, 200)

    def test_guards_of_the_view_or_of_the_site_decide_instead(self):
        for name, pattern in WITHOUT_GUARDS.items():
            with self.subTest(name):
                response = self.get(pattern, BOLT_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated()])
                self.assertEqual(response.status_code, 401)
                response = self.get(pattern, BOLT_DEFAULT_PERMISSION_CLASSES=[AllowAny()])
                self.assertEqual(response.status_code, 200)
        self.assertEqual(self.get(lambda: path("view", protect(guards=[AllowAny()])(reads))).status_code, 200)
        self.assertEqual(self.get(lambda: path("view", protect(**CLOSED)(reads))).status_code, 401)
