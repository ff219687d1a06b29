"""`verify_user=True`: the account is loaded for each request, and a token without one is refused."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.views import View

from boltguard import BoltAPI, protect
from boltguard.auth import AllowAny, Check, HasPermission, IsAuthenticated, JWTAuthentication

from support import bearer, call, mount, mount_view, wsgi

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "boltguard.middleware.BoltguardMiddleware",
]
VERIFYING = [JWTAuthentication(verify_user=True)]


def view(request):
    return HttpResponse("read nothing")


async def aview(request):
    return HttpResponse("read nothing")


class Page(View):
    def get(self, request):
        return HttpResponse("read nothing")


KINDS = {"sync": lambda: view, "async": lambda: aview, "class": Page.as_view}
GUARDS = {
    "known": [IsAuthenticated()],
    "open": [AllowAny()],
    "forbidden": [HasPermission("a.b")],
    "check": [Check(lambda request: True, name="true")],
}


@pytest.fixture(params=["deleted", "inactive", "malformed", "foreign"])
def missing(request, ada):
    if request.param == "inactive":
        get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    claims = {
        "deleted": {"sub": "987654"},
        "inactive": {"sub": str(ada.pk)},
        "malformed": {"sub": "x"},
        "foreign": {"sub": str(ada.pk), "iss": "https://other.example"},
    }
    return bearer(**claims[request.param])


@pytest.mark.parametrize("guards", GUARDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_token_without_an_account_is_refused_at_the_gate(missing, kind, guards, caplog):
    caplog.set_level("INFO", "boltguard")
    mount_view(protect(auth=VERIFYING, guards=GUARDS[guards])(KINDS[kind]()))
    refused = call("get", "/view", missing)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    assert "Authorization" in refused["Vary"] and "(401)" in caplog.text


def test_an_account_that_is_there_passes(ada):
    for guards, status in (("known", 200), ("open", 200), ("forbidden", 403), ("check", 200)):
        for kind in KINDS.values():
            mount_view(protect(auth=VERIFYING, guards=GUARDS[guards])(kind()))
            assert call("get", "/view", bearer(sub=str(ada.pk))).status_code == status
    mount_view(protect(auth=VERIFYING, guards=[AllowAny()])(view))
    assert call("get", "/view").status_code == 200, "an anonymous caller has no account to verify"


def test_an_api_verifies_too(missing, ada):
    api = BoltAPI(auth=VERIFYING, guards=[IsAuthenticated()])

    @api.get("/sync")
    def sync():
        return {}

    @api.get("/async")
    async def asynchronous():
        return {}

    mount(api=api)
    for url in ("/sync", "/async"):
        assert call("get", url, missing).status_code == 401


def test_drf_verifies_too(missing):
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication

    class Verifying(BoltguardAuthentication):
        backends = VERIFYING

    class Open(APIView):
        authentication_classes = [Verifying]
        permission_classes = []

        def get(self, request):
            return Response({})

    mount_view(Open.as_view())
    assert call("get", "/view", missing).status_code == 401


def test_to_the_middleware_a_caller_without_an_account_is_anonymous(missing):
    def who(request):
        return JsonResponse({"user_id": request.context["user_id"], "in": request.user.is_authenticated})

    async def awho(request):
        return who(request)

    with override_settings(MIDDLEWARE=MIDDLEWARE, BOLT_AUTHENTICATION_CLASSES=VERIFYING):
        for one in (who, awho):
            mount_view(one)
            assert call("get", "/view", missing).json() == {"user_id": None, "in": False}


class Queries(TestCase):
    def test_one_query_a_request_and_none_more_for_reading_the_account(self):
        user = User.objects.create_user("grace", "grace@example.org")

        async def reads(request):
            return HttpResponse(request.user.email)

        for one in (view, lambda request: HttpResponse(request.user.email), reads):
            mount_view(protect(auth=VERIFYING, guards=[IsAuthenticated()])(one))
            with CaptureQueriesContext(connection) as captured:
                assert wsgi("get", "/view", bearer(sub=str(user.pk))).status_code == 200
            assert len(captured) == 1


def test_accounts_of_another_issuer_are_verified_as_they_are_found(issuer, remote, ada):
    backend = JWTAuthentication(
        remote, algorithms=["ES256"], issuer="https://i", user_field="username", verify_user=True
    )
    for one in (view, aview):
        mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(one))
        assert call("get", "/view", issuer.bearer("a", iss="https://i", sub="ada")).status_code == 200
        assert call("get", "/view", issuer.bearer("a", iss="https://i", sub="unknown")).status_code == 401


def test_there_has_to_be_an_account_to_verify(remote):
    with pytest.raises(ImproperlyConfigured, match="user_field= or get_user="):
        JWTAuthentication(remote, algorithms=["ES256"], verify_user=True)
    with pytest.raises(ImproperlyConfigured, match="verify_user is"):
        JWTAuthentication(verify_user="yes")
    assert "verify_user=True" in JWTAuthentication(verify_user=True).label
