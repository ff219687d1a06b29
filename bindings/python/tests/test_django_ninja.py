"""`boltguard.ninja`: operations of Django Ninja, with the responses of other protected views."""

import asyncio
import logging

import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Router, Schema
from ninja.decorators import decorate_view
from ninja.security import APIKeyHeader, HttpBearer
from ninja.testing import TestAsyncClient, TestClient
from ninja.throttling import AnonRateThrottle, AuthRateThrottle, UserRateThrottle

from boltguard import protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Authentication,
    Check,
    DenyAll,
    HasPermission,
    Identity,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    Owner,
    SessionAuthentication,
    ViaBackend,
    check_object,
)
from boltguard.exceptions import Forbidden, HTTPException, Unauthorized
from boltguard.ninja import BoltAuth

from support import SingleTokens, Unavailable, bearer, call, mount, wsgi

KEY = "a-key-of-the-tests-which-is-long"
CREDENTIALS = {
    "absent": {},
    "invalid": bearer(exp=1),
    "valid": bearer(sub="7", permissions=["blog.add"]),
    "unsupported scheme": {"Authorization": "Basic YTpi"},
    "forged": bearer(secret="another-secret-of-more-than-thirty-two-bytes"),
}
GUARDS = {
    "anyone": [AllowAny()],
    "authenticated": [IsAuthenticated()],
    "permission that the caller has": [HasPermission("blog.add")],
    "permission that the caller doesn't have": [HasPermission("blog.delete")],
    "no one": [DenyAll()],
    "check": [Check(lambda request: "X-Test" in request.headers, name="header")],
    "backend": [ViaBackend("jwt")],
}


def handler(request):
    return HttpResponse(f"{request.context['user_id']}")


async def ahandler(request):
    return HttpResponse(f"{request.context['user_id']}")


def site(auth, view=handler, method="get", **options):
    """An operation at `/api/view`."""
    api = NinjaAPI()
    getattr(api, method)("/view", auth=auth, **options)(view)
    mount(path("api/", api.urls))
    return api


def get(headers=None, **options):
    return wsgi("get", "/api/view", headers, **options)


def parts(response):
    headers = {name: value for name, value in response.headers.items() if name != "X-Test"}
    return response.status_code, headers, response.content


@pytest.mark.parametrize("view", [handler, ahandler], ids=["sync", "async"])
@pytest.mark.parametrize("guards", GUARDS.values(), ids=GUARDS)
@pytest.mark.parametrize("sent", CREDENTIALS.values(), ids=CREDENTIALS)
def test_the_response_is_that_of_protect(view, guards, sent):
    auth = [JWTAuthentication(), APIKeyAuthentication(api_keys={KEY})]
    api = NinjaAPI()
    api.get("/view", auth=BoltAuth(auth=auth, guards=guards))(view)
    mount(path("api/", api.urls), path("view", protect(auth=auth, guards=guards)(view)))
    assert parts(call("get", "/api/view", sent)) == parts(call("get", "/view", sent))


@pytest.mark.parametrize("view", [handler, ahandler], ids=["sync", "async"])
def test_an_unavailable_store_is_503_as_with_protect(view):
    auth = [JWTAuthentication(revocation_store=Unavailable())]
    api = NinjaAPI()
    api.get("/view", auth=BoltAuth(auth=auth, guards=[IsAuthenticated()]))(view)
    mount(path("api/", api.urls), path("view", protect(auth=auth, guards=[IsAuthenticated()])(view)))
    response = call("get", "/api/view", bearer(sub="7", jti="a"))
    assert response.status_code == 503
    assert parts(response) == parts(call("get", "/view", bearer(sub="7", jti="a")))


@pytest.mark.parametrize("view", [handler, ahandler], ids=["sync", "async"])
def test_a_revoked_token_is_401(view):
    store = SingleTokens()
    store.revoke("a")
    site(BoltAuth(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()]), view)
    assert call("get", "/api/view", bearer(sub="7", jti="a")).json()["code"] == "token_revoked"
    assert call("get", "/api/view", bearer(sub="7", jti="b")).content == b"7"


def test_the_api_a_router_and_an_operation_have_their_own():
    api = NinjaAPI(auth=BoltAuth(guards=[IsStaff()]))
    router, inner = Router(auth=BoltAuth(guards=[HasPermission("a")])), Router()
    for one in (api, router, inner):
        one.get("/view")(handler)
    api.get("/public", auth=None)(lambda request: {})
    router.get("/own", auth=BoltAuth(guards=[HasPermission("b")]))(handler)
    router.add_router("/inner", inner)
    api.add_router("/router", router)
    mount(path("api/", api.urls))
    allowed = {"/view": {"is_staff": True}, "/router/view": {"permissions": ["a"]}, "/router/own": {"permissions": "b"}}
    allowed["/router/inner/view"] = allowed["/router/view"]
    for url, claims in allowed.items():
        assert wsgi("get", f"/api{url}", bearer(sub="7", **claims)).content == b"7", url
        assert wsgi("get", f"/api{url}", bearer(sub="7", permissions=["c"])).status_code == 403
        assert wsgi("get", f"/api{url}").status_code == 401
    assert wsgi("get", "/api/public").json() == {}


def test_a_router_that_is_mounted_twice_has_the_guard_of_each_mount():
    router = Router()
    router.get("/view")(handler)
    api = NinjaAPI()
    api.add_router("/a", router, auth=BoltAuth(guards=[HasPermission("a")]), url_name_prefix="a")
    api.add_router("/b", router, auth=BoltAuth(guards=[HasPermission("b")]), url_name_prefix="b")
    mount(path("api/", api.urls))
    sent = bearer(sub="7", permissions=["a"])
    assert [wsgi("get", f"/api/{one}/view", sent).status_code for one in "ab"] == [200, 403]


def test_the_guard_is_evaluated_before_the_parameters_and_the_body():
    class Body(Schema):
        size: int

    def create(request, number: int, body: Body):
        return {"number": number, "size": body.size}

    api = NinjaAPI(auth=BoltAuth(guards=[IsStaff()]))
    api.post("/{number}")(create)
    mount(path("api/", api.urls))
    assert wsgi("post", "/api/x", body=b"{").status_code == 401
    assert wsgi("post", "/api/x", bearer(sub="7"), b"{").status_code == 403
    assert wsgi("post", "/api/x", bearer(sub="7", is_staff=True), {"size": 1}).status_code == 422
    assert wsgi("post", "/api/2", bearer(sub="7", is_staff=True), {"size": 1}).json() == {"number": 2, "size": 1}


@pytest.mark.parametrize("name", ["view", "request_id", "arguments"])
def test_a_path_parameter_may_have_any_name(name):
    scope = {}
    exec(f"def show(request, {name}: int):\n    return {name}", scope)
    api = NinjaAPI(auth=BoltAuth())
    api.get(f"/{{{name}}}")(scope["show"])
    mount(path("api/", api.urls))
    assert wsgi("get", "/api/3", bearer(sub="7")).json() == 3


def test_methods_and_paths_that_do_not_exist_are_those_of_ninja():
    site(BoltAuth(guards=[IsStaff()]))
    assert wsgi("post", "/api/view").status_code == 405
    assert wsgi("get", "/api/other").status_code == 404


# The user


class Out(Schema):
    name: str

    @staticmethod
    def resolve_name(data, context):
        return context["request"].user.username


@pytest.mark.parametrize("is_async", [False, True])
def test_the_user_and_the_context_are_set(ada, is_async):
    def show(request):
        assert request.auth is request.context
        return [request.user.username, request.context["permissions"]]

    async def ashow(request):
        assert request.auth is request.context
        return [request.user.username, (await request.auser()).username]

    site(BoltAuth(guards=[IsAuthenticated()]), ashow if is_async else show)
    second = "ada" if is_async else ["a"]
    assert call("get", "/api/view", bearer(sub=str(ada.pk), permissions=["a"])).json() == ["ada", second]


def test_reading_the_key_costs_no_query(ada):
    site(BoltAuth(guards=[IsAuthenticated()]), lambda request: request.user.pk)
    with CaptureQueriesContext(connection) as queries:
        assert get(bearer(sub=str(ada.pk))).json() == ada.pk
    assert len(queries) == 0


def swallow(request):
    try:
        return {"name": request.user.username}
    except Exception:
        return {"name": "swallowed"}


async def aswallow(request):
    try:
        return {"name": request.user.username}
    except Exception:
        return {"name": "swallowed"}


async def acrash(request):
    return {"name": request.user.username}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("view", "options"),
    [
        (swallow, {}),
        (aswallow, {}),
        (acrash, {}),
        (lambda request: {"name": request.user.username}, {}),
        (lambda request: {}, {"response": Out}),
        (lambda request: {"name": request.user.pk and "x"}, {"response": Out}),
    ],
    ids=["swallowed", "async swallowed", "async", "raised", "in a schema", "both"],
)
def test_a_missing_account_is_401_even_if_the_exception_is_caught(database, debug, view, options):
    site(BoltAuth(guards=[IsAuthenticated()]), view, **options)
    with override_settings(DEBUG=debug):
        response = call("get", "/api/view", bearer(sub="999999"))
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert response["WWW-Authenticate"].startswith('Bearer realm="api", error="invalid_token"')


# Exceptions


def crash(error):
    def show(request):
        raise error

    return show


def acrashing(error):
    async def show(request):
        raise error

    return show


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("kind", [crash, acrashing], ids=["sync", "async"])
@pytest.mark.parametrize(
    "error", [HTTPException(418, "short", {"X-A": "b"}), Forbidden(), PermissionDenied()], ids=["own", "403", "Django"]
)
def test_exceptions_of_an_operation_are_those_of_protect(debug, kind, error):
    view, auth = kind(error), [JWTAuthentication()]
    api = NinjaAPI()
    api.get("/view", auth=BoltAuth(auth=auth, guards=[AllowAny()]))(view)
    mount(path("api/", api.urls), path("view", protect(auth=auth, guards=[AllowAny()])(view)))
    with override_settings(DEBUG=debug):
        response = call("get", "/api/view")
        assert response.status_code in (418, 403)
        assert parts(response) == parts(call("get", "/view"))


def test_a_handler_of_the_site_for_these_exceptions_is_called():
    api = site(BoltAuth(guards=[AllowAny()]), crash(Forbidden()))
    api.exception_handler(HTTPException)(lambda request, error: api.create_response(request, ["own"], status=409))
    assert (get().status_code, get().json()) == (409, ["own"])


def test_other_exceptions_are_those_of_ninja():
    site(BoltAuth(guards=[AllowAny()]), crash(KeyError("x")))
    with pytest.raises(KeyError):
        Client().get("/api/view")
    assert get().status_code == 500


# Lists


class Other(APIKeyHeader):
    param_name = "X-Other"

    def authenticate(self, request, key):
        return f"other {key}" if key == "1" else None


def who(request):
    return request.auth if isinstance(request.auth, str) else request.auth["user_id"]


async def awho(request):
    return who(request)


@pytest.mark.parametrize("view", [who, awho], ids=["sync", "async"])
def test_other_callables_are_called_without_boltguard_credentials(view):
    site([BoltAuth(guards=[IsStaff()]), Other()], view)
    assert call("get", "/api/view", {"X-Other": "1"}).json() == "other 1"
    assert call("get", "/api/view", {"X-Other": "1", "Authorization": "Basic YTpi"}).json() == "other 1"
    # Credentials of Boltguard decide, whatever else is sent.
    assert call("get", "/api/view", {"X-Other": "1", **bearer(exp=1)}).json()["code"] == "token_expired"
    assert call("get", "/api/view", {"X-Other": "1", **bearer(sub="7")}).json()["code"] == "permission_denied"
    assert call("get", "/api/view", bearer(sub="7", is_staff=True)).json() == "7"


class Failing(Authentication):
    name = "failing"
    header = "x-failing"

    def authenticate(self, request):
        raise Unauthorized()


@pytest.mark.parametrize("view", [who, awho], ids=["sync", "async"])
@pytest.mark.parametrize(
    "sent",
    [
        {"X-Failing": "1"},
        {"X-API-Key": "unknown"},
        {"X-API-Key": "unknown", "Authorization": "Basic YTpi"},
        {"X-Failing": "1", "Authorization": "Basic YTpi"},
        bearer(sub="7", jti="revoked"),
        bearer("no.to.ken"),
        bearer(""),
        bearer(),
    ],
    ids=["custom", "key", "key and scheme", "custom and scheme", "revoked", "malformed", "empty", "no subject"],
)
def test_credentials_of_any_backend_that_are_invalid_are_not_left_to_others(view, sent):
    store = SingleTokens()
    store.revoke("revoked")
    auth = [JWTAuthentication(revocation_store=store), APIKeyAuthentication(api_keys={KEY}), Failing()]
    site([BoltAuth(auth=auth, guards=[IsAuthenticated()]), Other()], view)
    response = call("get", "/api/view", {"X-Other": "1", **sent})
    assert response.status_code == 401 and "WWW-Authenticate" in response


@pytest.mark.parametrize("view", [who, awho], ids=["sync", "async"])
@pytest.mark.parametrize("sent", [{}, {"X-Other": "2"}, {"Authorization": "Basic YTpi"}])
def test_if_no_callable_succeeds_the_response_is_that_of_protect(view, sent):
    api = NinjaAPI()
    api.get("/view", auth=[BoltAuth(guards=[IsStaff()]), Other()])(view)
    mount(path("api/", api.urls), path("view", protect(guards=[IsStaff()])(handler)))
    response = call("get", "/api/view", sent)
    assert response.status_code == 401 and parts(response) == parts(call("get", "/view", sent))


def test_a_response_for_the_caller_of_another_callable_is_not_shared():
    site([BoltAuth(guards=[IsStaff()]), Other()], who)
    response = get({"X-Other": "1"})
    assert (response["Vary"], response["Cache-Control"]) == ("Authorization", "private")


def test_an_exception_for_the_caller_of_another_callable_has_a_response():
    site([BoltAuth(guards=[IsStaff()]), Other()], crash(Forbidden()))
    assert (get({"X-Other": "1"}).status_code, get({"X-Other": "1"}).json()) == (403, {"detail": "Forbidden"})


# Wrong uses


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ([Other(), BoltAuth(guards=[IsStaff()])], "contains BoltAuth after another callable. Put it first"),
        ([BoltAuth(), BoltAuth()], "contains several BoltAuth. Pass all backends to one"),
        ([BoltAuth(guards=[AllowAny()]), Other()], "its guard allow_any allows anonymous callers"),
        (BoltAuth, r"contains the class BoltAuth. Use an instance: BoltAuth\(\)"),
        (JWTAuthentication(), r"contains JWTAuthentication, which Ninja can't use. Use BoltAuth\(auth=\[...\]\)"),
        (APIKeyAuthentication, "contains APIKeyAuthentication, which"),
        (IsStaff(), r"contains IsStaff, which Ninja can't use. Use BoltAuth\(guards=\[...\]\)"),
        ([BoltAuth(), IsStaff], "contains IsStaff"),
    ],
)
@pytest.mark.parametrize("place", ["api", "router", "mount", "operation"])
def test_wrong_values_are_errors_when_the_urls_are_created(auth, message, place):
    router = Router(**({"auth": auth} if place == "router" else {}))
    router.get("/view", **({"auth": auth} if place == "operation" else {}))(handler)
    api = NinjaAPI(**({"auth": auth} if place == "api" else {}))
    api.add_router("", router, **({"auth": auth} if place == "mount" else {}))
    with pytest.raises(ImproperlyConfigured, match=message):
        api.urls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"auth": []}, "auth is an empty list, so no one could be authenticated"),
        ({"auth": [], "guards": [IsStaff()]}, "auth is an empty list"),
        ({"auth": JWTAuthentication()}, "auth is a single backend"),
        ({"auth": [JWTAuthentication]}, "JWTAuthentication is a class. Use an instance"),
        ({"auth": [Other()]}, "not a backend"),
        ({"guards": []}, "guards is an empty list"),
        ({"guards": [IsStaff]}, "IsStaff"),
        ({"guards": IsStaff()}, "guards is"),
        ({"auth": [JWTAuthentication()], "guards": [ViaBackend("api_key")]}, "api_key"),
    ],
)
def test_wrong_arguments_are_errors(arguments, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        BoltAuth(**arguments)


def test_a_protected_function_is_an_error():
    api = NinjaAPI(auth=BoltAuth())
    api.get("/view")(protect(guards=[IsStaff()])(handler))
    with pytest.raises(ImproperlyConfigured, match="is already protected. Pass BoltAuth"):
        api.urls


def test_a_subclass_cannot_override_what_is_never_called():
    with pytest.raises(ImproperlyConfigured, match="Auth.authenticate is never used. Pass auth="):
        type("Auth", (BoltAuth,), {"authenticate": lambda self, request, token: "anyone"})
    with pytest.raises(ImproperlyConfigured, match="__call__ is never used"):
        type("Auth", (BoltAuth,), {"__call__": lambda self, request: "anyone"})


def test_an_async_check_of_a_sync_operation_is_an_error():
    async def check(request):
        return True

    api = NinjaAPI(auth=BoltAuth(guards=[Check(check)]))
    api.get("/view")(handler)
    with pytest.raises(ImproperlyConfigured, match="is sync, but the check 'check' is async"):
        api.urls


def test_other_code_cannot_call_it():
    auth = BoltAuth(guards=[AllowAny()])
    site(lambda request: auth(request))
    assert get(bearer(sub="7")).status_code == 500
    with pytest.raises(ImproperlyConfigured, match="BoltAuth can't be called by other code"):
        auth(HttpRequest())


@override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[])
def test_a_guard_without_backends_of_the_site_never_allows_anyone():
    site(BoltAuth(guards=[IsStaff()]))
    assert get(bearer(sub="7", is_staff=True)).status_code == 500
    with pytest.raises(ImproperlyConfigured, match="BOLTGUARD_AUTHENTICATION_CLASSES is empty"):
        Client().get("/api/view")


@override_settings(BOLTGUARD_DEFAULT_PERMISSION_CLASSES=[AllowAny()])
def test_a_default_guard_that_is_open_is_an_error_in_a_list():
    site([BoltAuth(), Other()])
    with pytest.raises(ImproperlyConfigured, match="allows anonymous callers"):
        Client().get("/api/view")


def test_the_settings_are_the_defaults_and_are_read_again():
    site(BoltAuth())
    with override_settings(BOLTGUARD_DEFAULT_PERMISSION_CLASSES=[IsStaff()]):
        assert get(bearer(sub="7")).status_code == 403
    with override_settings(BOLTGUARD_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated()]):
        assert get(bearer(sub="7")).status_code == 200


def test_the_repr_has_no_secret():
    shown = repr(BoltAuth(auth=[APIKeyAuthentication(api_keys={KEY}), JWTAuthentication(KEY * 2)], guards=[IsStaff()]))
    assert shown.startswith("BoltAuth(auth=[APIKey") and "guards=[staff]" in shown and KEY not in shown


# Cross-site request forgery


def logged_in(user, **options):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False, **options)
    client.force_login(user)
    return client


@pytest.mark.parametrize("view", [handler, ahandler, csrf_exempt(lambda request: HttpResponse("7"))])
def test_the_caller_of_a_session_or_a_cookie_must_pass_the_csrf_check(ada, view):
    auth = [JWTAuthentication(cookie="__Host-access"), SessionAuthentication()]
    site(BoltAuth(auth=auth, guards=[IsAuthenticated()]), view, "post")
    client = logged_in(ada)
    response = wsgi("post", "/api/view", client=client)
    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    anonymous = Client(enforce_csrf_checks=True)
    anonymous.cookies["__Host-access"] = bearer(sub=str(ada.pk))["Authorization"].partition(" ")[2]
    assert wsgi("post", "/api/view", client=anonymous).json()["code"] == "csrf_failed"
    # Browsers don't send a header automatically.
    assert wsgi("post", "/api/view", bearer(sub=str(ada.pk)), client=client).status_code == 200
    client.cookies["csrftoken"] = "a" * 32
    assert wsgi("post", "/api/view", {"X-CSRFToken": "a" * 32}, client=client).status_code == 200
    cross = {"X-CSRFToken": "a" * 32, "Origin": "https://evil.example"}
    assert wsgi("post", "/api/view", cross, client=client).status_code == 403


# Objects, transactions, caches, throttles


def test_a_guard_that_checks_objects():
    def show(request, owner: int, checks: bool = True):
        if checks:
            check_object(request, type("Note", (), {"owner_id": owner})())
        return {"owner": owner}

    api = NinjaAPI(auth=BoltAuth(guards=[Owner("owner_id")]))
    api.get("/{owner}")(show)
    mount(path("api/", api.urls))
    assert wsgi("get", "/api/7", bearer(sub="7")).json() == {"owner": 7}
    assert wsgi("get", "/api/8", bearer(sub="7")).status_code in (403, 404)
    assert wsgi("get", "/api/7?checks=false", bearer(sub="7")).status_code == 500


@pytest.mark.parametrize("view", [handler, ahandler], ids=["sync", "async"])
def test_a_throttle_distinguishes_callers(view):
    throttle = AuthRateThrottle("1/h")
    throttle.cache.clear()
    auth = [JWTAuthentication(), APIKeyAuthentication(api_keys={KEY})]
    site(BoltAuth(auth=auth, guards=[IsAuthenticated()]), view, throttle=throttle)
    sent = [bearer(sub="7"), bearer(sub="8"), bearer(sub="7"), {"X-API-Key": KEY}, {"X-API-Key": KEY}]
    assert [get(one).status_code for one in sent] == [200, 200, 429, 200, 429]


def test_a_throttle_sees_the_caller():
    class PerPermission(AuthRateThrottle):
        def get_cache_key(self, request):
            assert request.auth.is_authenticated and len(request.auth) == len(list(request.auth))
            return request.auth["permissions"][0]

    throttle = PerPermission("1/h")
    throttle.cache.clear()
    site(BoltAuth(guards=[IsAuthenticated()]), throttle=throttle)
    sent = [bearer(sub="7", permissions=["a"]), bearer(sub="8", permissions=["a"])]
    assert [get(one).status_code for one in sent] == [200, 429]


@pytest.mark.parametrize("kind", [AnonRateThrottle, AuthRateThrottle, UserRateThrottle])
def test_a_throttle_distinguishes_anonymous_callers_by_their_address(kind):
    throttle = kind("1/h")
    throttle.cache.clear()
    site(BoltAuth(guards=[AllowAny()]), throttle=throttle)
    statuses = [get(REMOTE_ADDR=address).status_code for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1")]
    assert statuses == [200, 200, 429]


def test_a_decorator_of_the_view_is_outside_of_the_gate():
    seen = []

    def note(run):
        def call_it(request, **arguments):
            response = run(request, **arguments)
            seen.append(response.status_code)
            return response

        return call_it

    api = NinjaAPI(auth=BoltAuth(guards=[IsStaff()]))
    api.get("/view")(decorate_view(note)(lambda request: "7"))
    mount(path("api/", api.urls))
    assert get().status_code == 401 and seen == [401]
    assert get(bearer(sub="7", is_staff=True)).status_code == 200 and seen == [401, 200]


@pytest.mark.parametrize("auth", [BoltAuth(guards=[IsStaff()]), [BoltAuth(guards=[IsStaff()]), Other()]])
def test_the_transaction_of_a_request_is_only_around_the_operation(monkeypatch, auth):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    seen = []

    def check(request):
        seen.append(connection.in_atomic_block)
        return True

    def show(request):
        return connection.in_atomic_block

    site(auth, show)
    assert get(bearer(sub="7", is_staff=True)).json() is True
    if isinstance(auth, list):
        assert get({"X-Other": "1"}).json() is True
    site(BoltAuth(guards=[Check(check)]), show)
    assert get(bearer(sub="7")).json() is True and seen == [False]


def test_an_async_operation_with_atomic_requests_is_an_error_as_in_django(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    site(BoltAuth(guards=[AllowAny()]), ahandler)
    with pytest.raises(RuntimeError, match="You cannot use ATOMIC_REQUESTS with async views"):
        Client().get("/api/view")


MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
MIDDLEWARE += ["django.contrib.auth.middleware.AuthenticationMiddleware"]


@override_settings(MIDDLEWARE=[*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"])
def test_the_guard_replaces_the_login_page():
    site(BoltAuth(guards=[IsStaff()]))
    assert get().status_code == 401
    assert get(bearer(sub="7", is_staff=True)).content == b"7"


# Documentation and logs


class Custom(Authentication):
    name = "custom"

    def authenticate(self, request):
        return Identity("custom") if "X-Custom" in request.headers else None


def test_the_openapi_document_describes_the_backends():
    both, guards = [JWTAuthentication(cookie="__Host-a"), APIKeyAuthentication(api_keys={KEY})], [IsAuthenticated()]
    api = NinjaAPI(auth=BoltAuth(auth=both, guards=guards))
    api.get("/both")(handler)
    api.get("/session", auth=BoltAuth(auth=[SessionAuthentication(), Custom()], guards=guards))(ahandler)
    api.get("/other", auth=[BoltAuth(auth=[JWTAuthentication(header="x-token")], guards=[IsStaff()]), Other()])(who)
    api.get("/open", auth=BoltAuth(auth=[JWTAuthentication(cookie="__Host-a")], guards=[AllowAny()]))(awho)
    api.get("/public", auth=None)(crash(KeyError()))
    mount(path("api/", api.urls))
    document = wsgi("get", "/api/openapi.json").json()
    assert document["components"]["securitySchemes"] == {
        "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "jwt_cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-a"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        "jwt_2": {"type": "apiKey", "in": "header", "name": "X-Token"},
        "Other": {"type": "apiKey", "in": "header", "name": "X-Other"},
    }
    security = {url: one["get"].get("security") for url, one in document["paths"].items()}
    assert security == {
        "/api/both": [{"jwt": []}, {"jwt_cookie": []}, {"api_key": []}],
        "/api/session": [{"session": []}],
        "/api/other": [{"jwt_2": []}, {"Other": []}],
        "/api/open": [{"jwt": []}, {"jwt_cookie": []}, {}],
        "/api/public": None,
    }


def test_the_page_of_the_documentation_sends_a_csrf_token_if_a_cookie_is_read():
    assert BoltAuth(auth=[SessionAuthentication()]).csrf and BoltAuth(auth=[JWTAuthentication(cookie="a")]).csrf
    assert not BoltAuth(auth=[JWTAuthentication()]).csrf


class Bearer(HttpBearer):
    def authenticate(self, request, token):
        return None


def test_no_credentials_are_logged_with_debug(caplog):
    site([BoltAuth(guards=[IsStaff()]), Bearer()])
    caplog.set_level(logging.DEBUG)
    with override_settings(DEBUG=True):
        assert get({"Authorization": "Basic a-secret-of-somebody"}).status_code == 401
        assert get(bearer(exp=1)).status_code == 401
    assert "Unexpected auth" in caplog.messages
    assert "a-secret" not in caplog.text and bearer(exp=1)["Authorization"][-20:] not in caplog.text


# Ninja's test clients


def test_ninjas_test_client(ada):
    api = site(BoltAuth(guards=[IsAuthenticated()]), lambda request: request.user.username)
    client = TestClient(api)
    assert client.get("/view").status_code == 401
    assert client.get("/view", headers=bearer(exp=1)).json()["code"] == "token_expired"
    assert client.get("/view", headers=bearer(sub=str(ada.pk))).json() == "ada"
    # A user of the client isn't a credential.
    assert client.get("/view", user=ada).status_code == 401


def test_ninjas_test_client_with_a_router_a_cookie_and_a_body():
    router = Router(auth=BoltAuth(auth=[JWTAuthentication(cookie="access")], guards=[IsAuthenticated()]))
    router.post("/view")(who)
    cookies = {"access": bearer(sub="7")["Authorization"].partition(" ")[2]}
    assert TestClient(router).post("/view", json={}, COOKIES=cookies).json() == "7"
    assert TestClient(router).post("/view", json={}).status_code == 401


def test_ninjas_async_test_client(ada):
    async def show(request):
        return request.user.username

    api = site(BoltAuth(guards=[IsAuthenticated()]), show)

    async def responses():
        client = TestAsyncClient(api)
        sent = [{}, bearer(exp=1), bearer(sub=str(ada.pk))]
        return [await client.get("/view", headers=one) for one in sent]

    assert [one.status_code for one in asyncio.run(responses())] == [401, 401, 200]
