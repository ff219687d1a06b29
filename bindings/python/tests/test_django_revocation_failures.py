"""A view that can't revoke a token: the response is 503, and the reason is logged."""

import asyncio
import logging

import pytest
from django.urls import path
from rest_framework.views import APIView

from boltguard import protect
from boltguard.asgi import AuthMiddleware
from boltguard.auth import AllowAny, IsAuthenticated, JWTAuthentication
from boltguard.drf import BoltguardAuthentication
from boltguard.exceptions import RevocationUnavailable
from boltguard.signals import request_refused

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
