"""Forged requests to views whose callers a custom backend authenticates."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client, override_settings
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import BoltAPI, protect
from boltguard.auth import (
    Authentication,
    ClientCertificate,
    Identity,
    IsAuthenticated,
    JWTAuthentication,
    SessionAuthentication,
)
from boltguard.drf import BoltguardAuthentication, GuardPermission

from support import bearer, mount, mount_view

CSRF = "django.middleware.csrf.CsrfViewMiddleware"
BOLTGUARD = "boltguard.middleware.BoltguardMiddleware"
LOGGED_IN = [IsAuthenticated()]


class ByCookie(Authentication):
    name = "cookie"
    reads = ("Cookie",)

    def authenticate(self, request):
        return Identity("7") if "who" in request.COOKIES else None


def show(request):
    return JsonResponse({"user_id": request.context.user_id})


class Shown(APIView):
    permission_classes = [GuardPermission.of(IsAuthenticated())]

    def post(self, request):
        return Response({"user_id": request.auth.user_id})


def mount_protected(backend):
    mount_view(protect(auth=[backend], guards=LOGGED_IN)(show))


def mount_api(backend):
    api = BoltAPI()
    api.post("/view", auth=[backend], guards=LOGGED_IN)(show)
    mount(api=api)


def mount_drf(backend):
    class Authenticated(BoltguardAuthentication):
        backends = [backend]

    class View(Shown):
        authentication_classes = [Authenticated]

    mount_view(View.as_view())


def mount_nested(backend):
    inner = protect(auth=[backend], guards=LOGGED_IN)(show)
    mount_view(protect(auth=[JWTAuthentication()], guards=LOGGED_IN)(lambda request: inner(request)))


MOUNTS = [mount_protected, mount_api, mount_drf]


def post(headers, *, csrf=False, cookie="who"):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies[cookie] = "7"
    if csrf:
        client.cookies["csrftoken"] = secret = _get_new_csrf_string()
        headers = {**headers, "X-CSRFToken": secret}
    return client.post("/view", headers=headers)


def assert_checked(headers):
    refused = post(headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    allowed = post(headers, csrf=True)
    assert (allowed.status_code, allowed.json()) == (200, {"user_id": "7"})


@pytest.mark.parametrize("middleware", [[BOLTGUARD], [CSRF, BOLTGUARD], [BOLTGUARD, CSRF]])
@pytest.mark.parametrize("mount_at_view", MOUNTS)
def test_a_token_for_the_middleware_does_not_exempt_the_callers_of_a_cookie(middleware, mount_at_view):
    with override_settings(MIDDLEWARE=middleware, BOLTGUARD_AUTHENTICATION_CLASSES=[JWTAuthentication()]):
        mount_at_view(ByCookie())
        assert_checked(bearer(sub="1"))


@pytest.mark.parametrize("middleware", [[], [CSRF]])
def test_a_token_for_an_outer_gate_does_not_exempt_the_callers_of_a_cookie(middleware):
    with override_settings(MIDDLEWARE=middleware):
        mount_nested(ByCookie())
        assert_checked(bearer(sub="1"))


def test_a_client_of_a_test_stays_exempt():
    mount_nested(ByCookie())
    client = Client()
    client.cookies["who"] = "7"
    assert client.post("/view", headers=bearer(sub="1")).status_code == 200


# --- what browsers send automatically ---------------------------------------------------------------------------------


class ByPassword(Authentication):
    name = "password"
    header = "Authorization"

    def authenticate(self, request):
        return Identity("7")


@pytest.mark.parametrize("mount_at_view", MOUNTS)
@pytest.mark.parametrize("scheme", ["Basic", "basic", "Digest", "Negotiate", "NTLM"])
def test_a_scheme_that_browsers_know_must_pass_the_csrf_check(mount_at_view, scheme):
    mount_at_view(ByPassword())
    assert_checked({"Authorization": f"{scheme} dXNlcjpwYXNz"})


@pytest.mark.parametrize("mount_at_view", MOUNTS)
def test_a_scheme_that_browsers_do_not_know_needs_no_csrf_check(mount_at_view):
    mount_at_view(ByPassword())
    assert post({"Authorization": "Signature dXNlcjpwYXNz"}).status_code == 200


def test_a_header_with_cookies_is_refused():
    class ByHeader(ByCookie):
        header = "cookie"

    with pytest.raises(ImproperlyConfigured, match="browsers send cookies automatically"):
        protect(auth=[ByHeader()])


@pytest.mark.parametrize(
    ("name", "value"), [("header", "X-User"), ("reads", ("X-User",)), ("scheme", "User"), ("name", "user")]
)
def test_a_backend_of_a_view_does_not_change(name, value):
    backend = ByCookie()
    protect(auth=[backend])
    with pytest.raises(ImproperlyConfigured, match=f"ByCookie.{name} can't be changed"):
        setattr(backend, name, value)
    mount_protected(backend)
    assert_checked({})


def test_a_name_that_changes_does_not_exempt_from_the_check():
    class Renamed(ByCookie):
        count = 0

        @property
        def name(self):
            self.__dict__["count"] = self.count + 1
            return f"cookie{self.count}"

    mount_protected(Renamed())
    assert_checked({})


def test_a_subclass_of_a_session_or_certificate_backend_must_pass_the_check():
    class Session(SessionAuthentication):
        header = "X-Session"

        def authenticate(self, request):
            return Identity("7")

    class Certificate(ClientCertificate):
        header = "X-Session"

        def authenticate(self, request):
            return Identity("7")

    for backend in (Session(), Certificate(header="X-Cert", clients={"00" * 32: "7"})):
        mount_protected(backend)
        assert_checked({"X-Session": "1"})
