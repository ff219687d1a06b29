"""The views of `TokenSessions.urls`, through the WSGI and the ASGI handler."""

import asyncio
import json

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import include, path, reverse

from boltguard import protect
from boltguard.auth import (
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    create_jwt_for_user,
)
from boltguard.sessions import TokenSessions, clock
from boltguard.sessions.models import TokenSession

from support import asgi, bearer, claims_of, mount, wsgi

PASSWORD = "correct horse"


@pytest.fixture(params=[wsgi, lambda *args, **options: asyncio.run(asgi(*args, **options))], ids=["wsgi", "asgi"])
def send(request):
    return request.param


@pytest.fixture
def sessions():
    sessions = TokenSessions(JWTAuthentication())
    mount(path("auth/", sessions.urls))
    return sessions


def login(send=wsgi, username="ada", password=PASSWORD):
    return send("post", "/auth/token", body={"username": username, "password": password})


def assert_refused(response, status, code):
    assert response.status_code == status, response.content
    body = response.json()
    assert body.keys() == {"detail", "code"} and body["code"] == code
    assert response["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in response) == (status == 401)
    assert body["detail"].endswith(".") or status in (404, 422)


def received(signal, function):
    calls = []

    def receive(sender, **arguments):
        calls.append((sender, arguments))

    signal.connect(receive)
    try:
        function()
    finally:
        signal.disconnect(receive)
    return calls


def test_login_returns_tokens(ada, sessions, send):
    response = login(send)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["access_token", "refresh_token", "token_type", "expires_in"]
    assert body["token_type"] == "Bearer" and 890 <= body["expires_in"] <= 900
    assert claims_of(body["access_token"])["sub"] == str(ada.pk)
    assert response["Cache-Control"] == "no-store" and response["Content-Type"] == "application/json"
    assert not response.cookies


def test_login_sends_the_signal_and_sets_last_login(ada, sessions, send):
    assert ada.last_login is None
    ((sender, arguments),) = received(user_logged_in, lambda: login(send))
    assert sender is get_user_model()
    assert arguments["user"] == ada and arguments["request"].path == "/auth/token"
    ada.refresh_from_db()
    assert ada.last_login is not None


def test_wrong_password_is_refused(ada, sessions, send):
    calls = received(user_login_failed, lambda: assert_refused(login(send, password="x"), 401, "invalid_credentials"))
    assert calls[0][1]["credentials"]["username"] == "ada" and PASSWORD not in str(calls)
    assert_refused(login(send, username="unknown"), 401, "invalid_credentials")
    ada.is_active = False
    ada.save()
    assert_refused(login(send), 401, "invalid_credentials")
    with override_settings(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.AllowAllUsersModelBackend"]):
        assert_refused(login(send), 401, "invalid_credentials")
    assert not TokenSession.objects.filter(user=ada).exists()


@pytest.mark.parametrize("url", ["/auth/token", "/auth/token/refresh", "/auth/logout"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 422, "invalid_body"),
        (b"[]", 422, "invalid_body"),
        (b'{"refresh_token": 7, "username": 7}', 422, "invalid_body"),
        (b"\xff", 422, "invalid_body"),
        (b"[" * 9000, 422, "invalid_body"),
        (b'{"refresh_token": "' + b"x" * 17_000 + b'"}', 413, "body_too_large"),
    ],
)
def test_bad_bodies_are_refused(sessions, send, url, body, status, code):
    assert_refused(send("post", url, body=body), status, code)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_limit_of_the_site_holds(sessions, send):
    assert_refused(send("post", "/auth/token", body=b" " * 200), 413, "body_too_large")


def test_other_content_types_are_refused(ada, sessions):
    response = Client().post("/auth/token", {"username": "ada", "password": PASSWORD})
    assert_refused(response, 415, "unsupported_media_type")
    body = json.dumps({"username": "ada", "password": PASSWORD})
    response = Client().post("/auth/token", body, content_type="text/plain")
    assert_refused(response, 415, "unsupported_media_type")
    response = Client().post("/auth/token", body, content_type="application/json; charset=utf-8")
    assert response.status_code == 200


def test_missing_member_is_named(sessions, send):
    response = send("post", "/auth/token", body={"username": "ada"})
    assert_refused(response, 422, "invalid_body")
    assert "password" in response.json()["detail"]


def test_other_methods_are_refused(sessions, send):
    for url, method, allow in (
        ("token", "get", "OPTIONS, POST"),
        ("sessions", "post", "GET, HEAD, OPTIONS"),
        ("sessions/abc", "get", "DELETE, OPTIONS"),
    ):
        response = send(method, f"/auth/{url}")
        assert_refused(response, 405, "method_not_allowed")
        assert response["Allow"] == allow
        assert send("options", f"/auth/{url}")["Allow"] == allow


def test_refresh_returns_the_successor(ada, sessions, send):
    first = login().json()
    refresh = {"refresh_token": first["refresh_token"]}
    second = send("post", "/auth/token/refresh", body=refresh)
    assert second.status_code == 200 and second.json().keys() == first.keys()
    assert second.json()["refresh_token"] != first["refresh_token"]
    again = send("post", "/auth/token/refresh", body=refresh).json()
    assert {**again, "expires_in": 0} == {**second.json(), "expires_in": 0}


def test_refused_refresh_tokens_have_a_code(ada, sessions, send, monkeypatch):
    def refresh(token):
        return send("post", "/auth/token/refresh", body={"refresh_token": token})

    one, other, third = (login().json()["refresh_token"] for _ in range(3))
    assert_refused(refresh("x"), 401, "refresh_token_invalid")
    sessions.end_by_token(other)
    assert_refused(refresh(other), 401, "session_ended")
    refresh(one)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 60)
    assert_refused(refresh(one), 401, "refresh_token_reused")
    monkeypatch.setattr(clock, "now", lambda: now + 15 * 86400)
    assert_refused(refresh(third), 401, "refresh_token_expired")


@override_settings(MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"])
def test_no_csrf_token_is_necessary(ada, sessions):
    client = Client(enforce_csrf_checks=True)
    tokens = wsgi("post", "/auth/token", body={"username": "ada", "password": PASSWORD}, client=client).json()
    body = {"refresh_token": tokens["refresh_token"]}
    assert wsgi("post", "/auth/token/refresh", body=body, client=client).status_code == 200
    assert wsgi("post", "/auth/logout", bearer(tokens["access_token"]), client=client).status_code == 204


def test_logout_ends_the_session_of_the_access_token(ada, sessions, send):
    tokens = login().json()
    ((sender, arguments),) = received(
        user_logged_out,
        lambda: send("post", "/auth/logout", bearer(tokens["access_token"])),
    )
    assert sender is get_user_model() and arguments["user"] == ada
    assert sessions.list(ada) == []
    response = send("post", "/auth/logout", bearer(tokens["access_token"]))
    assert_refused(response, 401, "session_ended")


def test_logout_with_a_refresh_token_needs_no_access_token(ada, sessions, send):
    tokens, other = login().json(), login().json()
    body = {"refresh_token": tokens["refresh_token"]}
    assert send("post", "/auth/logout", body=body).status_code == 204
    assert send("post", "/auth/logout", body=body).status_code == 204
    assert [row.pk for row in sessions.list(ada)] == [claims_of(other["access_token"])["sid"]]
    assert_refused(send("post", "/auth/logout", body={"refresh_token": "x"}), 401, "refresh_token_invalid")
    assert_refused(send("post", "/auth/logout"), 401, "not_authenticated")


def test_logout_everywhere_ends_all_sessions(ada, sessions, send):
    tokens, other = login().json(), login().json()
    assert send("post", "/auth/logout/all", bearer(tokens["access_token"])).status_code == 204
    assert sessions.list(ada) == []
    response = send("post", "/auth/token/refresh", body={"refresh_token": other["refresh_token"]})
    assert_refused(response, 401, "session_ended")


def test_sessions_are_listed(ada, sessions, send):
    other = login().json()
    tokens = send("post", "/auth/token", {"User-Agent": "Firefox"}, {"username": "ada", "password": PASSWORD}).json()
    response = send("get", "/auth/sessions", bearer(tokens["access_token"]))
    assert response.status_code == 200 and response["Cache-Control"] == "no-store"
    first, second = response.json()["sessions"]
    assert list(first) == ["id", "created_at", "last_used_at", "expires_at", "user_agent", "ip_address", "current"]
    assert first["id"] == claims_of(tokens["access_token"])["sid"]
    assert (first["current"], first["user_agent"], first["ip_address"]) == (True, "Firefox", "127.0.0.1")
    assert first["created_at"] == first["last_used_at"] < first["expires_at"] and first["created_at"].endswith("Z")
    assert (second["id"], second["current"]) == (claims_of(other["access_token"])["sid"], False)


def test_session_of_another_device_is_ended(ada, sessions, send):
    tokens, other = login().json(), login().json()
    session_id = claims_of(other["access_token"])["sid"]
    headers = bearer(tokens["access_token"])
    assert send("delete", f"/auth/sessions/{session_id}", headers).status_code == 204
    for unknown in (session_id, "x", "%00", "ädä"):
        assert_refused(send("delete", f"/auth/sessions/{unknown}", headers), 404, "not_found")
    assert len(sessions.list(ada)) == 1


def test_session_of_another_account_is_not_found(ada, sessions, send):
    bob = get_user_model().objects.create_user("bob")
    try:
        pair = sessions.create(bob)
        headers = bearer(login().json()["access_token"])
        assert_refused(send("delete", f"/auth/sessions/{pair.session_id}", headers), 404, "not_found")
        sessions.refresh(pair.refresh_token)
    finally:
        bob.delete()


@pytest.mark.parametrize(
    ("method", "url"), [("get", "sessions"), ("post", "logout/all"), ("post", "logout"), ("delete", "sessions/x")]
)
def test_caller_must_have_an_active_session(ada, sessions, send, method, url):
    assert_refused(send(method, f"/auth/{url}"), 401, "not_authenticated")
    assert_refused(send(method, f"/auth/{url}", bearer("x")), 401, "invalid_token")
    response = send(method, f"/auth/{url}", bearer(create_jwt_for_user(ada)))
    assert_refused(response, 400, "session_missing")
    pair = sessions.create(ada)
    sessions.end(pair.session_id)
    assert_refused(send(method, f"/auth/{url}", bearer(pair.access_token)), 401, "session_ended")
    pair = sessions.create(ada)
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    assert_refused(send(method, f"/auth/{url}", bearer(pair.access_token)), 401, "invalid_token")


def test_refresh_token_is_no_access_token(ada, sessions, send):
    response = send("get", "/auth/sessions", bearer(login().json()["refresh_token"]))
    assert_refused(response, 401, "invalid_token")


def test_views_can_be_reversed(sessions):
    names = ["token", "refresh", "logout", "logout_all", "list"]
    assert [reverse(f"boltguard_sessions:{name}") for name in names] == [
        "/auth/token", "/auth/token/refresh", "/auth/logout", "/auth/logout/all", "/auth/sessions",
    ]  # fmt: skip
    mount(path("a/", include(sessions.urls[:2], namespace="one")))
    assert reverse("one:end", args=["abc"]) == "/a/sessions/abc"


def test_end_of_a_session_survives_atomic_requests(ada, sessions, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    first = login().json()
    second = wsgi("post", "/auth/token/refresh", body={"refresh_token": first["refresh_token"]}).json()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 60)
    response = wsgi("post", "/auth/token/refresh", body={"refresh_token": first["refresh_token"]})
    assert_refused(response, 401, "refresh_token_reused")
    response = wsgi("post", "/auth/token/refresh", body={"refresh_token": second["refresh_token"]})
    assert_refused(response, 401, "session_ended")


@pytest.mark.parametrize("kind", [InMemoryRevocation, DjangoCacheRevocation, DjangoORMRevocation])
def test_access_tokens_of_an_ended_session_are_revoked(ada, send, kind):
    backend = JWTAuthentication(revocation_store=kind())
    sessions = TokenSessions(backend)
    mount(path("auth/", sessions.urls), path("view", protect(auth=[backend], guards=[IsAuthenticated()])(hello)))
    one, other, third = (login().json()["access_token"] for _ in range(3))

    def status_of(token):
        return send("get", "/view", bearer(token)).status_code

    assert [status_of(token) for token in (one, other, third)] == [200, 200, 200]
    assert send("post", "/auth/logout", bearer(one)).status_code == 204
    assert [status_of(token) for token in (one, other, third)] == [401, 200, 200]
    sessions.end_all(ada, keep=claims_of(third)["sid"])
    assert [status_of(token) for token in (one, other, third)] == [401, 401, 200]
    unrelated = create_jwt_for_user(ada)
    assert send("post", "/auth/logout/all", bearer(third)).status_code == 204
    assert [status_of(token) for token in (one, other, third, unrelated)] == [401, 401, 401, 401]
    # After a new login within the same second.
    assert status_of(login().json()["access_token"]) == 200


def hello(request):
    return HttpResponse("hello")
