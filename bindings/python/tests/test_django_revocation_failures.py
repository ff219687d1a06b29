"""A view that can't revoke a token: the response is 503, and the reason is logged."""

import asyncio
import logging

import pytest
from django.test import override_settings
from django.urls import path
from rest_framework.views import APIView

from boltguard import logs, protect
from boltguard.asgi import AuthMiddleware
from boltguard.auth import AllowAny, DjangoCacheRevocation, IsAuthenticated, JWTAuthentication, RevocationStore
from boltguard.drf import BoltguardAuthentication
from boltguard.exceptions import RevocationUnavailable
from boltguard.signals import request_refused
from test_django_revocation_caches import free_port

from asgi_support import request as send
from support import asgi, bearer, mount, wsgi

BACKENDS = [JWTAuthentication()]


def fail():
    raise RevocationUnavailable("The server of this site is down.")


def sync_view(request):
    fail()


async def async_view(request):
    fail()


class RestView(APIView):
    authentication_classes = [BoltguardAuthentication]

    def get(self, request):
        fail()


async def application(scope, receive, send):
    fail()


def by_view(view, call):
    def respond():
        mount(path("view", view))
        return call("/view")

    return respond


WAYS = {
    "sync": by_view(
        protect(auth=BACKENDS, guards=[IsAuthenticated()])(sync_view),
        lambda url: wsgi("get", url, bearer(sub="1")),
    ),
    "async": by_view(
        protect(auth=BACKENDS, guards=[IsAuthenticated()])(async_view),
        lambda url: asyncio.run(asgi("get", url, bearer(sub="1"))),
    ),
    "rest framework": by_view(RestView.as_view(), lambda url: wsgi("get", url, bearer(sub="1"))),
    "asgi": lambda: send(AuthMiddleware(application, auth=BACKENDS, guards=[AllowAny()]), bearer(sub="1")),
}


@pytest.mark.parametrize("way", WAYS)
def test_failed_revocation_in_a_view_is_logged_and_reported(way, caplog):
    caplog.set_level(logging.INFO, "boltguard")
    received = []

    def receive(status, reason, **arguments):
        received.append((status, reason))

    request_refused.connect(receive)
    try:
        response = WAYS[way]()
    finally:
        request_refused.disconnect(receive)
    assert response.json()["code"] == "revocation_unavailable"
    assert "is down" not in str(response.json())
    assert received == [(503, "revocation_unavailable")]
    (failure,) = [record for record in caplog.records if record.levelno == logging.ERROR and record.name == "boltguard"]
    assert "The server of this site is down." in str(failure.exc_info[1])
    (refusal,) = [record for record in caplog.records if hasattr(record, "reason")]
    assert refusal.status == 503


def errors(caplog):
    """Whether each error was logged with a traceback."""
    found = [record for record in caplog.records if record.levelno == logging.ERROR and record.name == "boltguard"]
    caplog.clear()
    return [record.exc_info is not None for record in found]


class Down(RevocationStore):
    """A store that is unavailable."""

    error = ConnectionError

    def revoke(self, jti, ttl=None):
        raise self.error

    def is_revoked(self, jti):
        raise self.error


def checked_by(store):
    return protect(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])(sync_view)


@pytest.mark.parametrize("way", [*WAYS, "check"])
def test_traceback_of_an_outage_is_logged_once_per_minute(way, caplog, monkeypatch):
    at = 1000.0
    monkeypatch.setattr(logs, "clock", lambda: at)
    if way == "check":
        mount(path("view", checked_by(Down())))
        ask = lambda: wsgi("get", "/view", bearer(sub="1", jti="j"))  # noqa: E731
    else:
        ask = WAYS[way]
    for _ in range(4):
        ask()
    assert errors(caplog) == [True, False, False, False]
    at += logs.TRACEBACK_INTERVAL
    ask()
    ask()
    assert errors(caplog) == [True, False]


def test_traceback_of_another_error_is_logged_at_once(caplog):
    store = Down()
    mount(path("view", checked_by(store)))
    for error in (ConnectionError, ConnectionError, TypeError, TypeError, ConnectionError):
        store.error = error
        wsgi("get", "/view", bearer(sub="1", jti="j"))
    assert [record.getMessage() for record in caplog.records if record.name == "boltguard"][1:2] == [
        "Revocation store Down is unavailable. (ConnectionError again; a traceback was logged before)"
    ]
    assert errors(caplog) == [True, False, True, False, False]


def test_memory_for_tracebacks_is_bounded(monkeypatch):
    monkeypatch.setattr(logs, "MOST_KINDS", 10)
    for number in range(100):
        logs.log_failure(f"{number} is unavailable.", ConnectionError())
        assert len(logs._tracebacks._logged) <= 10


CLOSED = {
    "django": "django.core.cache.backends.redis.RedisCache",
    "django-redis": "django_redis.cache.RedisCache",
    "memcached": "django.core.cache.backends.memcached.PyMemcacheCache",
}


@pytest.mark.parametrize("client", CLOSED)
@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.revoke("j", 600),
        lambda store: store.revoke_session("s", 600),
        lambda store: asyncio.run(store.arevoke("j", 600)),
        lambda store: store.accept_loss(),
    ],
    ids=["token", "session", "async", "accept_loss"],
)
def test_view_that_revokes_in_a_cache_without_its_server_responds_with_503(client, write):
    port = free_port()
    location = f"127.0.0.1:{port}" if client == "memcached" else f"redis://127.0.0.1:{port}"
    store = DjangoCacheRevocation("closed")

    def view(request):
        write(store)

    mount(path("view", protect(auth=BACKENDS, guards=[IsAuthenticated()])(view)))
    with override_settings(CACHES={"closed": {"BACKEND": CLOSED[client], "LOCATION": location}}):
        response = wsgi("get", "/view", bearer(sub="1"))
        assert response.status_code == 503 and response.json()["code"] == "revocation_unavailable"
        with pytest.raises(RevocationUnavailable, match="'closed'|did not keep"):
            write(store)
