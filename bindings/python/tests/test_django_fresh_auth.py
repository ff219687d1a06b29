"""The guard `FreshAuth`."""

import logging
import time
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import protect
from boltguard.auth import (
    APIKeyAuthentication,
    Check,
    FreshAuth,
    Guard,
    HasPermission,
    IsAuthenticated,
    JWTAuthentication,
    RevocationStore,
    SessionAuthentication,
)
from boltguard.drf import BoltguardAuthentication, GuardPermission

from support import bearer, mount_view, wsgi

CHALLENGE = (
    'Bearer realm="api", error="insufficient_user_authentication", '
    'error_description="The user must authenticate again", max_age="300"'
)
BODY = {"detail": "The user must authenticate again.", "code": "insufficient_user_authentication"}


def ago(seconds, **claims):
    return bearer(sub="1", jti="1", auth_time=int(time.time()) - seconds, **claims)


def serve(*guards, **options):
    view = protect(auth=[JWTAuthentication(**options)], guards=list(guards))
    mount_view(view(lambda request: JsonResponse({})))


@pytest.mark.parametrize("max_age", [300, 300.0, timedelta(minutes=5)], ids=str)
def test_an_old_authentication_is_challenged(max_age, caplog):
    serve(IsAuthenticated(), FreshAuth(max_age))
    assert wsgi("get", "/view", ago(100)).status_code == 200
    with caplog.at_level(logging.INFO, "boltguard"):
        response = wsgi("get", "/view", ago(400, iat=int(time.time())))
    assert (response.status_code, response.json(), response["WWW-Authenticate"]) == (401, BODY, CHALLENGE)
    (record,) = (record for record in caplog.records if record.name == "boltguard")
    assert (record.reason, record.status) == ("authentication_insufficient", 401)
    assert wsgi("get", "/view").json()["code"] == "not_authenticated"


def test_a_class_of_authentication_is_required():
    serve(FreshAuth(300, acr=["gold", "silver"]))
    assert wsgi("get", "/view", ago(100, acr="silver")).status_code == 200
    response = wsgi("get", "/view", ago(100, acr="bronze"))
    assert response["WWW-Authenticate"] == CHALLENGE + ', acr_values="gold silver"'
    serve(FreshAuth(300, "gold"))
    assert wsgi("get", "/view", ago(100, acr="gold")).status_code == 200


def test_the_first_guard_that_fails_decides():
    serve(HasPermission("a.b"), FreshAuth(300))
    assert wsgi("get", "/view", ago(400)).status_code == 403
    assert wsgi("get", "/view", ago(400, permissions=["a.b"])).status_code == 401
    serve(HasPermission("a.b") | FreshAuth(300))
    assert wsgi("get", "/view", ago(400, permissions=["a.b"])).status_code == 200


def test_the_age_is_checked_again_after_a_slow_store(skip):
    class Slow(RevocationStore):
        def revoke(self, jti, ttl=None):
            raise NotImplementedError

        def is_revoked(self, jti):
            skip(250)
            return False

    serve(FreshAuth(300), revocation_store=Slow())
    assert wsgi("get", "/view", ago(10)).status_code == 200
    response = wsgi("get", "/view", ago(100))
    assert (response.status_code, response["WWW-Authenticate"]) == (401, CHALLENGE)


def test_the_age_is_checked_again_after_a_slow_check(skip):
    def slow(request):
        skip(250)
        return True

    serve(Check(slow) & FreshAuth(300))
    assert wsgi("get", "/view", ago(10)).status_code == 200
    response = wsgi("get", "/view", ago(100))
    assert (response.status_code, response["WWW-Authenticate"]) == (401, CHALLENGE)


def test_it_is_a_permission_of_rest_framework():
    class Tokens(BoltguardAuthentication):
        backends = (JWTAuthentication(),)

    class View(APIView):
        authentication_classes = (Tokens,)
        permission_classes = (GuardPermission.of(FreshAuth(300)),)

        def get(self, request):
            return Response({})

    mount_view(View.as_view())
    assert wsgi("get", "/view", ago(100)).status_code == 200
    response = wsgi("get", "/view", ago(400))
    assert (response.status_code, response.json(), response["WWW-Authenticate"]) == (401, BODY, CHALLENGE)


@pytest.mark.parametrize(
    "auth",
    [[], [APIKeyAuthentication(api_keys={"a-key-of-a-test"})], [SessionAuthentication()]],
    ids=["none", "API keys", "sessions"],
)
def test_a_view_without_tokens_is_an_error_at_start(auth):
    with pytest.raises(ImproperlyConfigured, match="requires a recent authentication, but only tokens can prove it"):
        protect(auth=auth, guards=[FreshAuth(300)])


def test_its_string_parses_back():
    for guard, text in (
        (FreshAuth(300), "fresh_auth(300)"),
        (FreshAuth(timedelta(hours=1), ["a", "b"]), 'fresh_auth(3600, acr=["a", "b"])'),
    ):
        assert str(guard) == text and Guard.parse(text) == guard == Guard.from_json(guard.to_json())
    assert FreshAuth(60).implies(FreshAuth(300)) and not FreshAuth(300).implies(FreshAuth(60))


@pytest.mark.parametrize("max_age", [0, -1, 1.5, True, "300", None, float("nan"), float("inf"), 2**32], ids=str)
def test_what_is_no_age_is_an_error_at_start(max_age):
    with pytest.raises(ImproperlyConfigured, match="max_age is .* positive number of whole seconds"):
        FreshAuth(max_age)


@pytest.mark.parametrize("acr", ["", "a b", 'a"b', [], [7], 7, {"a": 1}, ["a", "é"]], ids=str)
def test_what_is_no_class_of_authentication_is_an_error_at_start(acr):
    with pytest.raises(ImproperlyConfigured):
        FreshAuth(300, acr)
