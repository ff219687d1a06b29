"""Custom backends, `SessionAuthentication`, and the names of backends."""

import asyncio
import base64
import hashlib
import logging
from datetime import date
from decimal import Decimal
from urllib.parse import quote
from uuid import UUID

import pytest
from asgiref.sync import markcoroutinefunction
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Permission, User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import _get_new_csrf_string
from django.test import AsyncClient, AsyncRequestFactory, Client, override_settings
from django.test.utils import isolate_apps
from django.views.decorators.csrf import csrf_exempt
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import BoltAPI, _rust, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Authentication,
    ClientCertificate,
    ExternalUser,
    HasPermission,
    Identity,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    SessionAuthentication,
    ViaBackend,
    logout,
)
from boltguard.drf import BoltguardAuthentication, GuardPermission
from boltguard.drf.exceptions import exception_handler
from boltguard.exceptions import ConfigurationError, Forbidden, HTTPException, Unauthorized

from support import bearer, call, get, mount, mount_view, token, wsgi

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
LOGGED_IN = [IsAuthenticated()]


def identity_of(request):
    user = request.headers.get("X-User")
    if user is None:
        return None
    if user == "bad":
        raise Unauthorized("This message isn't sent.")
    if user == "forbidden":
        raise Forbidden("Not from here.")
    if user == "broken":
        raise ZeroDivisionError
    if user == "busy":
        raise HTTPException(429, "Try again later.")
    return Identity(user, permissions=["blog.*"], is_staff=user == "ada", claims={"team": "red"})


class ByHeader(Authentication):
    name = "gateway"
    header = "X-User"
    scheme = "Gateway"

    def authenticate(self, request):
        return identity_of(request)


class ByHeaderAsync(ByHeader):
    async def authenticate(self, request):
        await asyncio.sleep(0)
        return identity_of(request)


class Ambient(Authentication):
    name = "ambient"
    reads = ("Cookie",)

    def authenticate(self, request):
        return Identity("7") if "who" in request.COOKIES else None


def show(request):
    context = request.context
    return JsonResponse({
        "user_id": context.user_id,
        "backend": context.auth_backend,
        "claims": context.get("auth_claims"),
        "user": str(request.user) if context.is_custom else None,
        "permissions": context.permissions,
        "error": context.get("auth_error"),
    })  # fmt: skip


async def ashow(request):
    if request.context.is_custom:
        assert await request.auser() is request.user
    return show(request)


class Shown(APIView):
    def get(self, request):
        return Response({"user_id": request.auth.user_id, "backend": request.auth.auth_backend})

    post = get


def drf_view(*chosen, guard=IsAuthenticated()):  # noqa: B008
    class Authenticated(BoltguardAuthentication):
        backends = list(chosen)

    class View(Shown):
        authentication_classes = [Authenticated]
        permission_classes = [GuardPermission.of(guard)]

    return View.as_view()


def views(backend, guards=LOGGED_IN):
    for view in (show, ashow):
        yield protect(auth=[JWTAuthentication(), backend], guards=guards)(view)
    api = BoltAPI()
    api.get("/view", auth=[JWTAuthentication(), backend], guards=guards)(show)
    yield api


def serve(view):
    mount(api=view) if isinstance(view, BoltAPI) else mount_view(view)


@pytest.mark.parametrize("backend", [ByHeader, ByHeaderAsync])
def test_a_custom_backend_identifies_callers_in_every_kind_of_view(backend):
    for view in views(backend()):
        serve(view)
        found = get(x_user="ada").json()
        assert found == {
            "user_id": "ada",
            "backend": "gateway",
            "claims": {"team": "red"},
            "user": "ada",
            "permissions": ["blog.*"],
            "error": None,
        }
        # The backend before it is tried first.
        assert get(**bearer(sub="1"), x_user="ada").json()["backend"] == "jwt"
    mount_view(drf_view(JWTAuthentication(), backend()))
    assert call("get", "/view", {"X-User": "ada"}).json() == {"user_id": "ada", "backend": "gateway"}


@pytest.mark.parametrize("backend", [ByHeader, ByHeaderAsync])
def test_bad_credentials_are_refused_and_the_next_backend_is_tried(backend):
    for view in views(backend()):
        serve(view)
        for response in (get(x_user="bad"), get()):
            assert response.status_code == 401
        refused = get(x_user="bad")
        assert refused.json() == {"detail": "The credentials are invalid.", "code": "invalid_credentials"}
        assert refused["WWW-Authenticate"] == 'Bearer realm="api", Gateway realm="api"'
        assert "X-User" in refused["Vary"] and "Authorization" in refused["Vary"]
        assert get(x_user="forbidden").status_code == 403
        assert get(x_user="broken").status_code == 500
    mount_view(protect(auth=[backend(), JWTAuthentication()], guards=LOGGED_IN)(show))
    assert get(**bearer(sub="1"), x_user="bad").json()["backend"] == "jwt"
    mount_view(drf_view(backend()))
    refused = call("get", "/view", {"X-User": "bad"})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")
    assert call("get", "/view").status_code == 401


@pytest.mark.parametrize("backend", [ByHeader, ByHeaderAsync])
def test_error_of_a_backend_is_the_middleware_response(backend):
    middleware = ["boltguard.middleware.BoltguardMiddleware"]
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[backend()], MIDDLEWARE=middleware):
        for view in (show, ashow):
            mount_view(view)
            for user, status in (("busy", 429), ("forbidden", 403)):
                response = get(x_user=user)
                assert response.status_code == status and "detail" in response.json()


def test_guards_see_what_a_custom_backend_grants():
    for guard, allows in [
        (HasPermission("blog.add"), True),
        (HasPermission("shop.add"), False),
        (IsStaff(), True),
        (ViaBackend("gateway"), True),
        (ViaBackend("jwt"), False),
    ]:
        mount_view(protect(auth=[JWTAuthentication(), ByHeader()], guards=[guard])(show))
        assert get(x_user="ada").status_code == (200 if allows else 403)
        mount_view(drf_view(ByHeader(), JWTAuthentication(), guard=guard))
        assert call("get", "/view", {"X-User": "ada"}).status_code == (200 if allows else 403)


def test_an_open_view_tells_why_credentials_failed():
    mount_view(protect(auth=[ByHeader()], guards=[AllowAny()])(show))
    assert get(x_user="bad").json()["error"] == "credentials_invalid"
    assert get().json()["user_id"] is None


def test_backend_with_a_header_requires_the_header():
    called = []

    class Counting(ByHeader):
        def authenticate(self, request):
            called.append(request.headers.get("X-User"))
            return super().authenticate(request)

    mount_view(protect(auth=[Counting()], guards=[AllowAny()])(show))
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"X-User": "ada"}):
        assert wsgi("get", "/view", headers).status_code == 200
    assert called == ["ada"]


def test_a_refused_caller_is_authenticated_once():
    called = []

    class Once(ByHeader):
        def authenticate(self, request):
            called.append(request)
            return super().authenticate(request)

    logger = logging.getLogger("boltguard.guards")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        with override_settings(DEBUG=True):
            mount_view(protect(auth=[Once()], guards=[HasPermission("shop.add")])(show))
            assert wsgi("get", "/view", {"X-User": "ada"}).status_code == 403
    finally:
        logger.setLevel(level)
    assert len(called) == 1


def test_what_a_backend_returns_must_be_an_identity():
    class Wrong(ByHeader):
        result = None

        def authenticate(self, request):
            return self.result() if callable(self.result) else self.result

    async def coroutine():
        return None

    backend = Wrong()
    mount_view(protect(auth=[backend], guards=[AllowAny()])(show))
    for result, said in [
        ({"user_id": 1}, "must return an Identity or None, not dict"),
        (True, "must return an Identity or None"),
        (coroutine, "Define it with `async def`"),
    ]:
        Wrong.result = staticmethod(result) if callable(result) else result
        with pytest.raises(TypeError, match=said):
            wsgi("get", "/view", {"X-User": "1"}, client=Client())


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"name": "x"}, r"must define authenticate\(self, request\)"),
        ({"authenticate": lambda self, request: None}, "name must be a string"),
        ({"authenticate": lambda self, request: None, "name": ""}, "name must be a string"),
        ({"authenticate": lambda self, request: None, "name": "a b"}, "name must be a string"),
        ({"authenticate": lambda self, request: (yield), "name": "x"}, "must be a method that returns"),
        ({"authenticate": None, "name": "x"}, "must be a method that returns"),
        ({"authenticate": lambda self: None, "name": "x"}, "must accept exactly one argument, request"),
        ({"authenticate": lambda self, request, view: None, "name": "x"}, "must accept exactly one argument"),
        ({"authenticate": lambda self, request: None, "name": "x", "rust": 1}, "rust is never used"),
        ({"authenticate": lambda self, request: None, "name": "x", "get_user": 1}, "get_user is never used"),
        ({"authenticate": lambda self, request: None, "name": "x", "authenticate_header": 1}, "is never used"),
    ],
)
def test_a_backend_that_could_not_work_is_refused_when_it_is_defined(members, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        type("Wrong", (Authentication,), members)


def test_wrong_settings_of_a_backend_are_refused_at_start():
    for settings, said in [
        ({"header": "a b"}, "header"),
        ({"reads": ["a b"]}, "header"),
        ({"scheme": "a b"}, "scheme"),
    ]:
        backend = type("Wrong", (ByHeader,), {"header": None, **settings})()
        with pytest.raises(ImproperlyConfigured, match=said):
            protect(auth=[backend], guards=LOGGED_IN)(show)


def reading(*headers):
    return type("Reading", (ByHeader,), {"header": None, "reads": headers, "name": f"reads-{len(headers)}"})()


def test_too_many_headers_are_refused_at_start():
    names = [f"X-{letter}" for letter in "abcdefg"]
    protect(auth=[reading(*names), JWTAuthentication()], guards=LOGGED_IN)(show)
    too_many = [reading(*names), JWTAuthentication(), APIKeyAuthentication({"sk-a-key-of-more-than-16-bytes"})]
    said = "9 different headers, and at most 8 are supported: Authorization, X-A, X-Api-Key, X-B, X-C"
    with pytest.raises(ImproperlyConfigured, match=said):
        protect(auth=too_many, guards=LOGGED_IN)(show)
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=too_many):
        (message,) = [message for message in run_checks() if message.id == "boltguard.E001"]
        assert said in message.msg
    # Each is counted once, and Rust counts them too.
    protect(auth=[reading(*names), reading("x-a", "X-B")], guards=LOGGED_IN)(show)
    with pytest.raises(ConfigurationError, match="read 9 different headers.*: .*x-api-key"):
        _rust.Gate([backend.rust for backend in too_many], _rust.Guard.authenticated())


def test_a_built_in_backend_still_refuses_authenticate():
    for base in (JWTAuthentication, APIKeyAuthentication):
        with pytest.raises(ImproperlyConfigured, match="authenticate is never used"):
            type("Wrong", (base,), {"authenticate": lambda self, request: None})


# --- forged requests --------------------------------------------------------------------------------------------------


def post(view, headers=None, cookies=None, *, csrf=False, mounted=True):
    """The statuses of a POST through both handlers, whose CSRF checks aren't switched off."""
    if mounted:
        mount_view(view)
    statuses = set()
    for kind in (Client, AsyncClient):
        client = kind(enforce_csrf_checks=True, raise_request_exception=False)
        for name, value in (cookies or {}).items():
            client.cookies[name] = value
        sent = dict(headers or {})
        if csrf:
            client.cookies["csrftoken"] = secret = _get_new_csrf_string()
            sent["X-CSRFToken"] = secret
        response = client.post("/view", headers=sent)
        response = asyncio.run(response) if asyncio.iscoroutine(response) else response
        statuses.add((response.status_code, response.content if response.status_code == 403 else b""))
    (status,) = statuses
    return status


def kinds_of_view(backend):
    for view in (show, ashow, csrf_exempt(show)):
        yield protect(auth=[backend], guards=LOGGED_IN)(view)
    yield csrf_exempt(protect(auth=[backend], guards=LOGGED_IN)(show))
    yield drf_view(backend)


@pytest.mark.parametrize("middleware", [[SESSIONS, CSRF, AUTH], [SESSIONS], []])
def test_credentials_sent_automatically_require_csrf_check(middleware):
    with override_settings(MIDDLEWARE=middleware):
        for view in kinds_of_view(Ambient()):
            status, body = post(view, cookies={"who": "7"})
            assert status == 403 and b"csrf_failed" in body
            assert post(view, cookies={"who": "7"}, csrf=True)[0] == 200
            assert wsgi("get", "/view", {"Cookie": "who=7"}).status_code == 200


class Recorder:
    """The innermost middleware, which keeps the request."""

    sync_capable = async_capable = True
    requests = []

    def __init__(self, get_response):
        self.get_response = get_response
        if asyncio.iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request):
        self.requests.append(request)
        return self.get_response(request)


def test_the_caller_is_anonymous_after_a_failed_csrf_check(monkeypatch):
    seen = []

    def handler(error, context):
        request = context["request"]
        seen.append((request.auth, request.context, request._request.context))
        return exception_handler(error, context)

    monkeypatch.setattr(Shown, "get_exception_handler", lambda self: handler)
    monkeypatch.setattr(Recorder, "requests", [])
    with override_settings(MIDDLEWARE=[f"{__name__}.Recorder"]):
        for view in kinds_of_view(Ambient()):
            assert post(view, cookies={"who": "7"})[0] == 403
            for request in Recorder.requests:
                context = request.context
                assert not context.is_authenticated and context.user_id is None
                assert context["auth_error"] == "csrf_failed"
                assert request.user.is_anonymous
            Recorder.requests.clear()
    assert len(seen) == 2
    for auth, context, inner in seen:
        assert auth is None and context is inner and context["auth_error"] == "csrf_failed"


def test_a_header_that_browsers_do_not_send_needs_no_csrf_check():
    for view in kinds_of_view(ByHeader()):
        assert post(view, {"X-User": "ada"})[0] == 200


def test_middleware_leaves_csrf_check_to_django():
    middleware = [CSRF, "boltguard.middleware.BoltguardMiddleware"]
    backends = [Ambient(), ByHeader()]
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=backends, MIDDLEWARE=middleware):
        assert post(show, cookies={"who": "7"})[0] == 403
        assert post(show, cookies={"who": "7"}, csrf=True)[0] == 200
        assert post(show, {"X-User": "ada"})[0] == 200


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ada():
    user = User.objects.create_user("ada", password="secret", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    yield user
    user.delete()


def logged_in(user, **options):
    client = Client(raise_request_exception=False, **options)
    client.force_login(user)
    return client


def test_the_user_of_a_session_is_authenticated(ada):
    client = logged_in(ada)
    for view in views(SessionAuthentication(), [HasPermission("auth.view_user"), IsStaff()]):
        serve(view)
        found = client.get("/view").json()
        assert (found["user_id"], found["backend"], found["user"]) == (str(ada.pk), "session", "ada")
        assert Client(raise_request_exception=False).get("/view").status_code == 401
        assert "Cookie" in client.get("/view")["Vary"]
        # A token takes precedence.
        assert client.get("/view", headers=bearer(sub="1")).status_code == 403
    for view in views(SessionAuthentication(), [HasPermission("auth.add_user")]):
        serve(view)
        assert client.get("/view").status_code == 403
    mount_view(drf_view(SessionAuthentication(), guard=HasPermission("auth.view_user")))
    assert client.get("/view").json()["backend"] == "session"


def test_a_permission_of_a_user_is_never_a_wildcard(ada):
    stars = [Permission.objects.get(codename="view_user"), Permission.objects.get(codename="add_user")]
    for permission, codename in zip(stars, ("*", "*_user"), strict=True):
        permission.pk, permission.codename = None, codename
        permission.save()
    ada.user_permissions.add(*stars)
    mount_view(protect(auth=[SessionAuthentication()], guards=[HasPermission("auth.delete_user")])(show))
    try:
        assert logged_in(ada).get("/view").status_code == 403
    finally:
        Permission.objects.filter(codename__contains="*").delete()


def test_an_inactive_user_of_a_session_is_not_authenticated(ada):
    client = logged_in(ada)
    mount_view(protect(auth=[SessionAuthentication()], guards=LOGGED_IN)(show))
    assert client.get("/view").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/view").status_code == 401


@pytest.mark.parametrize(
    ("field", "value", "written"),
    [
        (models.DecimalField(primary_key=True, max_digits=5, decimal_places=2), Decimal("7.50"), "7.50"),
        (models.DateField(primary_key=True), date(2026, 1, 2), "2026-01-02"),
        (models.UUIDField(primary_key=True), UUID(int=7), str(UUID(int=7))),
        (models.BinaryField(primary_key=True), b"key", "a2V5"),
    ],
)
@isolate_apps("django.contrib.auth")
def test_the_primary_key_of_a_user_of_a_session_may_have_any_type(monkeypatch, field, value, written):
    members = {"key": field, "__module__": __name__, "Meta": type("Meta", (), {"app_label": "auth"})}
    kind = type("Member", (AbstractBaseUser,), members)
    monkeypatch.setattr("django.contrib.auth.get_user", lambda request: kind(key=value))
    mount_view(protect(auth=[SessionAuthentication()], guards=LOGGED_IN)(lambda r: HttpResponse(r.context.user_id)))
    with override_settings(MIDDLEWARE=[SESSIONS]):
        assert Client().get("/view").content.decode() == written


def test_a_session_must_pass_the_csrf_check(ada):
    for view in kinds_of_view(SessionAuthentication()):
        mount_view(view)
        client = logged_in(ada, enforce_csrf_checks=True)
        refused = client.post("/view")
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        client.cookies["csrftoken"] = secret = _get_new_csrf_string()
        assert client.post("/view", headers={"X-CSRFToken": secret}).status_code == 200
        assert client.post("/view", headers={"X-CSRFToken": _get_new_csrf_string()}).status_code == 403


def test_without_sessions_no_one_is_authenticated_by_one():
    mount_view(protect(auth=[SessionAuthentication()], guards=LOGGED_IN)(show))
    assert get().status_code == 401


# --- names ------------------------------------------------------------------------------------------------------------


def test_two_backends_of_one_kind_have_names():
    own = JWTAuthentication(name="site")
    other = JWTAuthentication("another-secret-of-thirty-two-bytes!", name="partner")
    keys = APIKeyAuthentication({"sk-a-key-of-more-than-16-bytes"}, name="machines")
    backends = [own, other, keys]
    mount_view(protect(auth=backends, guards=[ViaBackend("partner")])(show))
    partner = {"Authorization": f"Bearer {token('another-secret-of-thirty-two-bytes!', sub='1')}"}
    assert get(**partner).json()["backend"] == "partner"
    assert get(**bearer(sub="1")).status_code == 403
    assert get(x_api_key="sk-a-key-of-more-than-16-bytes").status_code == 403
    with pytest.raises(ImproperlyConfigured, match="jwt"):
        protect(auth=backends, guards=[ViaBackend("jwt")])(show)


def test_a_name_stands_for_one_backend():
    named = JWTAuthentication(name="a")
    for backends in (
        [named, JWTAuthentication(name="a")],
        [JWTAuthentication(name="jwt"), JWTAuthentication()],
        [ByHeader(), ByHeader()],
        [ByHeader(), JWTAuthentication(name="gateway")],
    ):
        with pytest.raises(ImproperlyConfigured, match="two backends named"):
            protect(auth=backends, guards=LOGGED_IN)(show)
    protect(auth=[JWTAuthentication(), JWTAuthentication(), named], guards=LOGGED_IN)(show)
    for name in ("", "a b", 7):
        with pytest.raises(ImproperlyConfigured, match="name must be a string"):
            JWTAuthentication(name=name)


def test_a_named_backend_works_as_an_unnamed_one_does(ada):
    store = InMemoryRevocation()
    backend = JWTAuthentication(name="site", revocation_store=store, verify_user=True)

    def leave(request):
        logout(request)
        return HttpResponse(request.user.username)

    mount_view(protect(auth=[backend], guards=LOGGED_IN)(leave))
    headers = bearer(sub=str(ada.pk), jti="t-1")
    assert wsgi("get", "/view", headers).content == b"ada"
    assert wsgi("get", "/view", headers).json()["code"] == "token_revoked"
    User.objects.update(is_active=False)
    refused = wsgi("get", "/view", bearer(sub=str(ada.pk), jti="t-2"))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


# --- identities -------------------------------------------------------------------------------------------------------


def test_an_identity_without_a_user_has_no_account():
    seen = []

    def view(request):
        seen.append(request.user)
        return HttpResponse()

    mount_view(protect(auth=[ByHeader()], guards=LOGGED_IN)(view))
    wsgi("get", "/view", {"X-User": "ada"})
    (user,) = seen
    assert isinstance(user, ExternalUser) and (user.pk, user.subject, user.claims) == (None, "ada", {"team": "red"})
    assert user.has_perm("blog.add") and not user.has_perm("shop.add")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("",), ValueError),
        ((True,), TypeError),
        ((None,), TypeError),
        (({},), TypeError),
    ],
)
def test_an_identity_has_an_id(arguments, error):
    with pytest.raises(error):
        Identity(*arguments)


@pytest.mark.parametrize(
    "options",
    [
        {"permissions": "blog.add"},
        {"scopes": "read"},
        {"permissions": [1]},
        {"is_staff": 1},
        {"is_superuser": "yes"},
        {"claims": {"a": object()}},
        {"claims": {"a": [{"b": 2**64}]}},
        {"claims": {"a": -(2**63) - 1}},
        {"claims": {"a": float("nan")}},
        {"user": object()},
    ],
)
def test_wrong_arguments_of_an_identity_are_refused(options):
    with pytest.raises((TypeError, ValueError)):
        Identity("1", **options)


class WithUser(ByHeader):
    def authenticate(self, request):
        return Identity("7", user=User(pk=7, username="ada", is_active="X-Inactive" not in request.headers))


class WithUserAsync(WithUser):
    async def authenticate(self, request):
        await asyncio.sleep(0)
        return super().authenticate(request)


@pytest.mark.parametrize("backend", [WithUser, WithUserAsync])
def test_the_user_of_an_identity_must_be_active(backend, caplog):
    caplog.set_level("INFO", "boltguard")
    active, inactive = {"X-User": "ada"}, {"X-User": "ada", "X-Inactive": "1"}
    for view in [*views(backend()), drf_view(backend())]:
        serve(view)
        assert call("get", "/view", active).status_code == 200
        refused = call("get", "/view", inactive)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")
    assert "the user of the identity is inactive" in caplog.text
    # The next backend is tried.
    mount_view(protect(auth=[backend(), JWTAuthentication()], guards=LOGGED_IN)(show))
    assert wsgi("get", "/view", {**inactive, **bearer(sub="1")}).json()["backend"] == "jwt"
    middleware = ["boltguard.middleware.BoltguardMiddleware"]
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[backend()], MIDDLEWARE=middleware):
        for view in (show, ashow):
            mount_view(view)
            assert call("get", "/view", active).json()["user_id"] == "7"
            refused = call("get", "/view", inactive).json()
            assert (refused["user_id"], refused["error"]) == (None, "credentials_invalid")


def test_an_identity_shows_nothing_of_a_person():
    identity = Identity("hidden", permissions=["hidden"], claims={"hidden": "hidden"})
    assert "hidden" not in f"{identity!r} {identity.rust!r}"


# --- client certificates ----------------------------------------------------------------------------------------------


DER = b"the DER of a certificate"
FINGERPRINT = hashlib.sha256(DER).hexdigest()
PEM = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(DER).decode()}\n-----END CERTIFICATE-----\n"
FORMS = [f":{base64.b64encode(DER).decode()}:", quote(PEM), PEM.replace("\n", " "), base64.b64encode(DER).decode()]


def test_the_certificate_that_a_proxy_passes_identifies_a_service():
    for clients in ({FINGERPRINT: "billing"}, {FINGERPRINT.upper(): Identity("billing", permissions=["blog.*"])}):
        backend = ClientCertificate(header="Client-Cert", clients=clients)
        mount_view(protect(auth=[backend], guards=[ViaBackend("client_certificate")])(show))
        for value in FORMS:
            assert get(client_cert=value).json()["user_id"] == "billing"
        for value in ("", "AQID", "nonsense", "%"):
            assert get(client_cert=value).status_code == 401
        assert "Client-Cert" in get(client_cert=FORMS[0])["Vary"]
        assert post(show, {"Client-Cert": FORMS[0]}, mounted=False)[0] == 403
        assert post(show, {"Client-Cert": FORMS[0]}, csrf=True, mounted=False)[0] == 200


def test_a_function_may_identify_a_certificate():
    seen = []

    def identify(der):
        seen.append(der)
        return Identity("billing") if der == DER else None

    mount_view(protect(auth=[ClientCertificate(header="Client-Cert", identify=identify)], guards=LOGGED_IN)(show))
    assert wsgi("get", "/view", {"Client-Cert": FORMS[0]}).json()["user_id"] == "billing"
    assert wsgi("get", "/view", {"Client-Cert": "AQID"}).json()["code"] == "invalid_credentials"
    assert seen == [DER, b"\x01\x02\x03"]


@pytest.mark.parametrize(
    ("tls", "status"),
    [
        ({"client_cert_chain": [PEM]}, 200),
        ({"client_cert_chain": [PEM], "client_cert_error": "expired"}, 401),
        ({"client_cert_chain": []}, 401),
        ({}, 401),
        (None, 401),
    ],
)
def test_the_certificate_of_an_asgi_server(tls, status):
    backend = ClientCertificate(asgi_tls=True, clients={FINGERPRINT: "billing"})
    view = protect(auth=[backend], guards=LOGGED_IN)(ashow)
    # A header isn't a certificate of the connection.
    request = AsyncRequestFactory().get("/view", headers={"Client-Cert": FORMS[0]})
    request.scope["extensions"] = None if tls is None else {"tls": tls}
    assert asyncio.run(view(request)).status_code == status


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"header": "Client-Cert"},
        {"clients": {FINGERPRINT: "a"}},
        {"header": "Client-Cert", "asgi_tls": True, "clients": {FINGERPRINT: "a"}},
        {"header": "Client-Cert", "clients": {FINGERPRINT: "a"}, "identify": print},
        {"header": "Client-Cert", "clients": {}},
        {"header": "Client-Cert", "clients": [FINGERPRINT]},
        {"header": "Client-Cert", "clients": {"ab": "a"}},
        {"header": "Client-Cert", "clients": {f"{FINGERPRINT}:": "a"}},
        {"header": "Client-Cert", "clients": {FINGERPRINT: "a", FINGERPRINT.upper(): "b"}},
        {"header": "Client-Cert", "clients": {FINGERPRINT: None}},
        {"header": "Client-Cert", "clients": {FINGERPRINT: ""}},
        {"header": "Client-Cert", "identify": "print"},
        {"header": "cookie", "clients": {FINGERPRINT: "a"}},
        {"asgi_tls": 1, "clients": {FINGERPRINT: "a"}},
    ],
)
def test_a_wrong_configuration_of_client_certificates_is_refused(options):
    with pytest.raises(ImproperlyConfigured, match="ClientCertificate"):
        ClientCertificate(**options)
