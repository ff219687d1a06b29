"""`Vary` and `Cache-Control` of protected views: a shared cache doesn't serve responses to another caller."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import override_settings
from django.views import View

from boltguard import BoltAPI, protect
from boltguard.auth import APIKeyAuthentication, HasPermission, IsAuthenticated, JWTAuthentication, RevocationStore
from boltguard.exceptions import HTTPException

from support import bearer, get, mount, mount_view

KEY = "a-key-of-the-tests-which-is-long"


class OutOfOrder(RevocationStore):
    def is_revoked(self, jti):
        raise ConnectionError

    def revoke(self, jti, ttl=None):
        raise NotImplementedError


def backends():
    jwt = JWTAuthentication(revocation_store=OutOfOrder(), required_claims=[])
    return [jwt, APIKeyAuthentication(api_keys={KEY}, key_permissions={KEY: ["a.b"]}), JWTAuthentication(header="x-b")]


def respond(request):
    what = request.GET.get("what")
    if what == "account":
        request.user.is_staff  # read
    errors = {"missing": Http404(), "forbidden": PermissionDenied(), "teapot": HTTPException(418, "short and stout")}
    if what in errors:
        raise errors[what]
    return HttpResponse()


class Page(View):
    def get(self, request):
        return respond(request)


def by_api(handler):
    def serve(auth, guards):
        api = BoltAPI(auth=auth, guards=guards)
        api.get("/view")(handler)
        mount(api=api)

    return serve


def by_protect(view):
    def serve(auth, guards):
        made = protect(auth=auth, guards=guards)(type(view.__name__, (view,), {}) if isinstance(view, type) else view)
        mount_view(made.as_view() if isinstance(made, type) else made)

    return serve


def sync_handler(request):
    return respond(request)


async def async_handler(request):
    return respond(request)


KINDS = {
    "api": by_api(sync_handler),
    "async api": by_api(async_handler),
    "protect": by_protect(sync_handler),
    "async protect": by_protect(async_handler),
    "protected class": by_protect(Page),
}
KNOWN = {"X-B": bearer(sub="987654321", permissions=["a.b"])["Authorization"]}
WEAK = {"X-B": bearer(sub="1")["Authorization"]}
RESPONSES = [
    ("", KNOWN, 200, "private"),
    ("", {}, 401, None),
    ("", bearer("no.to.ken"), 401, None),
    ("", bearer(sub="1", jti="a"), 503, None),
    ("", WEAK, 403, "private"),
    ("missing", KNOWN, 404, "private"),
    ("forbidden", KNOWN, 403, "private"),
    ("teapot", KNOWN, 418, "private"),
    ("account", KNOWN, 401, "private"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("what", "sent", "status", "control"), RESPONSES)
def test_every_response_has_vary_and_cache_control(kind, what, sent, status, control):
    KINDS[kind](backends(), [IsAuthenticated(), HasPermission("a.b")])
    response = get(f"/view?what={what}", **sent)
    said = (response.status_code, response.get("Vary"), response.get("Cache-Control"))
    assert said == (status, "Authorization, X-Api-Key, X-B", control)


MIDDLEWARE = ["boltguard.middleware.BoltguardMiddleware"]


@pytest.mark.parametrize("view", [sync_handler, async_handler])
@pytest.mark.parametrize(
    ("what", "sent", "status", "control"),
    [
        ("", KNOWN, 200, "private"),
        ("", {}, 200, None),
        ("", bearer("no.to.ken"), 200, None),
        ("", bearer(sub="1", jti="a"), 503, None),
        ("missing", KNOWN, 404, "private"),
        ("forbidden", KNOWN, 403, "private"),
        ("teapot", KNOWN, 418, "private"),
        ("account", KNOWN, 200, "private"),
    ],
)
def test_every_response_through_the_middleware_has_vary(view, what, sent, status, control):
    mount_view(view)
    with override_settings(MIDDLEWARE=MIDDLEWARE, BOLT_AUTHENTICATION_CLASSES=backends()):
        response = get(f"/view?what={what}", **sent)
    said = (response.status_code, response.get("Vary"), response.get("Cache-Control"))
    assert said == (status, "Authorization, X-Api-Key, X-B", control)


def test_a_refusal_that_no_header_decides_may_be_kept():
    mount_view(protect(auth=[], guards=[IsAuthenticated()])(sync_handler))
    response = get()
    assert (response.status_code, response.get("Vary"), response.get("Cache-Control")) == (401, None, None)
