"""`TokenSessions(throttle=...)`, and packages that limit failed logins."""

import json
import logging
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import JsonResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils import translation

from boltguard.auth import JWTAuthentication
from boltguard.sessions import TokenSessions
from boltguard.signals import request_refused

from support import call, mount, wsgi

ADA = {"username": "ada", "password": "correct horse"}
BACKENDS = [f"{__name__}.LockingBackend", "django.contrib.auth.backends.ModelBackend"]


class Limit:
    """Allows requests until `wait` is set, and counts them."""

    def __init__(self, wait=None):
        self.wait = wait
        self.requests = []

    def __call__(self, request):
        self.requests.append((request.resolver_match.url_name, request.body))
        return self.wait


def serve(throttle, **options):
    sessions = TokenSessions(JWTAuthentication(**options.pop("backend", {})), throttle=throttle, **options)
    mount(path("auth/", sessions.urls))
    return sessions


@pytest.mark.parametrize(
    ("wait", "seconds"), [(30, 30), (0.2, 1), (59.5, 60), (0, 1), (-1, 1), (timedelta(minutes=2), 120)]
)
@pytest.mark.parametrize("route", ["token", "token/refresh"])
def test_throttled_request_says_how_long_to_wait(ada, wait, seconds, route):
    sessions = serve(Limit(wait))
    body = ADA if route == "token" else {"refresh_token": sessions.create(ada).refresh_token}
    response = call("post", f"/auth/{route}", body=body)
    assert (response.status_code, response["Retry-After"]) == (429, str(seconds))
    assert response.json()["code"] == "throttled" and f" {seconds} second" in response.json()["detail"]
    assert response["Cache-Control"] == "no-store" and "WWW-Authenticate" not in response


def test_throttled_login_does_not_verify_the_password(ada, monkeypatch):
    monkeypatch.setattr("django.contrib.auth.authenticate", None)
    serve(Limit(1))
    assert wsgi("post", "/auth/token", body=ADA).status_code == 429


def test_throttled_refresh_does_not_use_the_token(ada):
    limit = Limit()
    sessions = serve(limit, reuse_grace=0)
    pair = sessions.create(ada)
    limit.wait = 1
    body = {"refresh_token": pair.refresh_token}
    assert wsgi("post", "/auth/token/refresh", body=body).status_code == 429
    limit.wait = None
    assert wsgi("post", "/auth/token/refresh", body=body).status_code == 200


def test_allowed_request_is_processed(ada):
    limit = Limit()
    serve(limit)
    tokens = wsgi("post", "/auth/token", body=ADA).json()
    body = {"refresh_token": tokens["refresh_token"]}
    assert wsgi("post", "/auth/token/refresh", body=body).status_code == 200
    assert wsgi("post", "/auth/token", body={**ADA, "password": "wrong"}).status_code == 401
    assert [name for name, _ in limit.requests] == ["token", "refresh", "token"]
    assert json.loads(limit.requests[2][1])["username"] == "ada"


def test_only_logins_and_refreshes_are_limited(ada):
    limit = Limit(1)
    sessions = serve(limit)
    pair, other = sessions.create(ada), sessions.create(ada)
    headers = {"Authorization": f"Bearer {pair.access_token}"}
    assert wsgi("get", "/auth/sessions", headers).status_code == 200
    assert wsgi("post", "/auth/logout", body={"refresh_token": other.refresh_token}).status_code == 204
    assert wsgi("post", "/auth/logout", headers).status_code == 204
    assert limit.requests == []


def test_invalid_body_is_refused_before(ada):
    limit = Limit(1)
    serve(limit)
    assert wsgi("post", "/auth/token", body={"username": "ada"}).status_code == 422
    assert limit.requests == []


def test_request_of_another_site_uses_up_nothing(ada):
    limit = Limit(1)
    serve(limit, backend={"cookie": "__Host-access"}, cookies=True)
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    forged = client.post("/auth/token", ADA, content_type="application/json", secure=True)
    assert (forged.status_code, limit.requests) == (403, [])
    token = client.get("/auth/csrf", secure=True).json()["csrf_token"]
    headers = {"X-CSRFToken": token, "Origin": "https://testserver"}
    for route in ("token", "token/refresh"):
        options = {"content_type": "application/json", "secure": True, "headers": headers}
        response = client.post(f"/auth/{route}", ADA, **options)
        assert (response.status_code, response.json()["code"]) == (429, "throttled")
        assert "__Host-access" not in response.cookies


def test_throttled_request_is_reported(ada, caplog):
    caplog.set_level(logging.INFO, "boltguard")
    sent = []

    def receive(status, reason, **arguments):
        sent.append((status, reason))

    request_refused.connect(receive)
    try:
        serve(Limit(1))
        wsgi("post", "/auth/token", body=ADA)
    finally:
        request_refused.disconnect(receive)
    assert sent == [(429, "throttled")]
    (record,) = [record for record in caplog.records if getattr(record, "reason", None) == "throttled"]
    assert record.status == 429 and "correct horse" not in caplog.text


def test_message_is_translated(ada):
    serve(Limit(1))
    with translation.override("de"):
        assert "1 Sekunde erneut." in wsgi("post", "/auth/token", body=ADA).json()["detail"]


@pytest.mark.parametrize("wait", [True, False, "30", float("nan"), float("inf"), [], object()])
def test_function_that_returns_no_time_refuses_all_requests(ada, wait):
    serve(Limit(wait))
    client = Client()
    with pytest.raises(TypeError, match="throttle returned a value .* It must return the seconds to wait, or None"):
        client.post("/auth/token", ADA, content_type="application/json")
    assert wsgi("post", "/auth/token", body=ADA).status_code == 500


def test_function_that_fails_refuses_all_requests(ada):
    def throttle(request):
        raise ConnectionError("the cache is down")

    serve(throttle)
    assert wsgi("post", "/auth/token", body=ADA).status_code == 500


async def asynchronous(request):
    return None


class AsyncCall:
    async def __call__(self, request):
        return None


@pytest.mark.parametrize(
    ("throttle", "says"),
    [
        (30, "throttle is 30. It must be a function of the request"),
        ("10/m", "throttle is of type str"),
        (Limit, "throttle is of type type"),
        (asynchronous, "throttle is an async function. It must be sync"),
        (AsyncCall(), "throttle is an async function"),
        (lambda: None, "exactly one argument, request"),
        (lambda request, view: None, "exactly one argument, request"),
    ],
)
def test_invalid_function_is_an_error_at_startup(throttle, says):
    with pytest.raises(ImproperlyConfigured, match="TokenSessions: ") as error:
        TokenSessions(JWTAuthentication(), throttle=throttle)
    assert says in str(error.value)


class LockingBackend:
    """Refuses locked users in the way of django-axes: with an exception, and a flag for its middleware."""

    seen = None

    def authenticate(self, request, username=None, password=None):
        type(self).seen = (username, request.path)
        request.is_locked_out = True
        raise PermissionDenied


def lock_out(get_response):
    def middleware(request):
        response = get_response(request)
        if getattr(request, "is_locked_out", False):
            return JsonResponse({"code": "throttled"}, status=429)
        return response

    return middleware


def test_backend_and_middleware_that_lock_users_out_have_an_effect(ada):
    serve(None)
    with override_settings(AUTHENTICATION_BACKENDS=BACKENDS):
        assert wsgi("post", "/auth/token", body=ADA).status_code == 401
        with override_settings(MIDDLEWARE=[f"{__name__}.lock_out"]):
            assert wsgi("post", "/auth/token", body=ADA).status_code == 429
    assert LockingBackend.seen == ("ada", "/auth/token")
