"""`Unauthorized`, `Forbidden` and any other `HTTPException`, raised in unprotected views."""

import copy
import pickle
import subprocess
import sys

import pytest
from django.conf import urls
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.views import View, defaults

from boltguard import handlers, protect
from boltguard.auth import AllowAny, get_current_user
from boltguard.exceptions import Forbidden, HTTPException, Unauthorized

from people.models import Note
from support import bearer, call, mount_view, wsgi

OURS = "boltguard.middleware.BoltguardMiddleware"
SITES = {
    "django alone": [],
    "with ours": [OURS],
    "below another": ["test_django_exceptions.passes"],
}


def passes(get_response):
    return lambda request: get_response(request)


def raising(error):
    def view(request):
        raise error

    return view


def async_raising(error):
    async def view(request):
        raise error

    return view


def class_raising(error):
    return type("Raises", (View,), {"get": lambda self, request: raising(error)(request)}).as_view()


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", [raising, async_raising, class_raising])
def test_exceptions_of_unprotected_views_are_never_500(kind, site):
    with override_settings(MIDDLEWARE=SITES[site]):
        mount_view(kind(Unauthorized("log in")))
        refused = call("get", "/view")
        assert (refused.status_code, refused.json()) == (401, {"detail": "log in"})
        assert refused["WWW-Authenticate"] == 'Bearer realm="api"'
        mount_view(kind(Unauthorized(headers={"WWW-Authenticate": "Basic"})))
        assert call("get", "/view")["WWW-Authenticate"] == "Basic"
        mount_view(kind(Forbidden("not today")))
        assert call("get", "/view").status_code == 403


def test_current_user_in_a_view_without_a_gate_is_401():
    with override_settings(MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                                       "django.contrib.auth.middleware.AuthenticationMiddleware"]):  # fmt: skip
        mount_view(lambda request: HttpResponse(get_current_user(request)))
        assert call("get", "/view").status_code == 401


def test_a_forbidden_view_is_djangos_own_403():
    with override_settings(MIDDLEWARE=[]):
        mount_view(raising(PermissionDenied("x")))
        own = wsgi("get", "/view")
        mount_view(raising(Forbidden("x")))
        assert wsgi("get", "/view").content == own.content


def test_a_handler_of_the_site_can_call_the_default_one(monkeypatch):
    site = sys.modules["site_urls"]
    with override_settings(MIDDLEWARE=[]):
        monkeypatch.setattr(
            site, "handler403", lambda request, exception: HttpResponse("site", status=403), raising=False
        )
        mount_view(raising(Unauthorized()))
        assert wsgi("get", "/view").content == b"site"
        monkeypatch.setattr(site, "handler403", handlers.permission_denied)
        mount_view(raising(Unauthorized()))
        assert wsgi("get", "/view").status_code == 401


def test_only_the_default_handler_gives_way(monkeypatch):
    assert urls.handler403 is handlers.permission_denied
    monkeypatch.setattr(urls, "handler403", defaults.server_error)
    handlers.install()
    assert urls.handler403 is defaults.server_error
    assert handlers.permission_denied(RequestFactory().get("/"), PermissionDenied()).status_code == 403


def test_a_gate_handles_them():
    for error, status in ((Unauthorized("x"), 401), (Forbidden("x"), 403), (HTTPException(418, "x"), 418)):
        mount_view(protect(guards=[AllowAny()])(raising(error)))
        refused = call("get", "/view")
        assert (refused.status_code, refused.json()) == (status, {"detail": "x"})
    mount_view(protect(guards=[AllowAny()])(raising(PermissionDenied())))
    assert call("get", "/view").json() == {"detail": "Forbidden", "code": "forbidden"}


def test_they_are_permission_denied_and_copy_as_themselves():
    for kind in (Unauthorized, Forbidden):
        error = kind("x", {"X-Y": "z"})
        assert isinstance(error, (HTTPException, PermissionDenied))
        for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert (type(same), same.detail, same.headers, str(same)) == (kind, "x", {"X-Y": "z"}, str(error))
    assert not isinstance(HTTPException(404), PermissionDenied)


def test_without_django_they_are_plain_exceptions():
    code = (
        "import sys; sys.modules['django'] = None; from boltguard.exceptions import Forbidden, HTTPException; "
        "print(isinstance(Forbidden(), HTTPException))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def drf_view(error, **attributes):
    from rest_framework.response import Response
    from rest_framework.views import APIView

    import boltguard.drf  # noqa: F401  # in place of the application's `ready`

    class Raises(APIView):
        authentication_classes = []
        permission_classes = []

        def get(self, request):
            Note.objects.count()
            raise error

        def post(self, request):
            return Response()

    for name, value in attributes.items():
        setattr(Raises, name, value)
    return Raises.as_view()


def drf_kinds():
    from boltguard.drf import BoltguardAuthentication

    ours = {"authentication_classes": [BoltguardAuthentication]}
    return {
        "no authentication": (lambda error: drf_view(error), {}),
        "ours, anonymous": (lambda error: drf_view(error, **ours), {}),
        "ours, identified": (lambda error: drf_view(error, **ours), bearer(sub="1")),
        "inside of protect": (
            lambda error: protect(auth=[], guards=[AllowAny()])(drf_view(error)),
            {},
        ),
    }


@pytest.mark.parametrize("kind", ["no authentication", "ours, anonymous", "ours, identified", "inside of protect"])
@pytest.mark.parametrize("site", SITES)
def test_drf_handles_them(kind, site):
    make, headers = drf_kinds()[kind]
    with override_settings(MIDDLEWARE=SITES[site]):
        for error, status in (
            (Unauthorized("x"), 401),
            (Forbidden("x"), 403),
            (HTTPException(418, "x"), 418),
            (HTTPException(429, {"wait": [1]}, {"Retry-After": "7"}), 429),
        ):
            mount_view(make(error))
            refused = call("get", "/view", headers)
            assert refused.status_code == status
            detail = refused.json()["detail"]
            assert detail == "x" or detail.keys() == {"wait"}
            assert (status == 401) == ("WWW-Authenticate" in refused)
            assert refused.get("Retry-After") == error.headers.get("Retry-After")


def test_a_handler_of_the_site_for_drf_stays():
    from rest_framework.settings import api_settings

    with override_settings(REST_FRAMEWORK={"EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}):
        assert api_settings.EXCEPTION_HANDLER.__module__ == "rest_framework.views"
    assert api_settings.EXCEPTION_HANDLER.__module__ == "boltguard.drf.exceptions"
