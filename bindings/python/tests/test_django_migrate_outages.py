"""Backends that read the tables of other packages, while the database fails."""

import asyncio
import logging
from functools import partial

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.http import JsonResponse
from knox.models import AuthToken
from ninja import NinjaAPI
from rest_framework.authtoken.models import Token
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

from boltguard import protect
from boltguard.auth import IsAuthenticated, JWTAuthentication
from boltguard.drf import BoltguardAuthentication
from boltguard.migrate import AuthtokenAuthentication, KnoxAuthentication, SimpleJWTAuthentication
from boltguard.ninja import BoltAuth

from migrating import installed
from support import asgi, bearer, mount, mount_view, token, wsgi

UNAVAILABLE = (503, "backend_unavailable")


@pytest.fixture(scope="module", autouse=True)
def tables(database):
    with installed("rest_framework.authtoken", "rest_framework_simplejwt.token_blacklist", "knox"):
        yield


@pytest.fixture(params=["authtoken", "knox", "simplejwt"])
def old(request, ada):
    """A backend, and a request with credentials for it."""
    if request.param == "authtoken":
        return AuthtokenAuthentication(), {"Authorization": f"Token {Token.objects.create(user=ada).key}"}
    if request.param == "knox":
        return KnoxAuthentication(), {"Authorization": f"Token {AuthToken.objects.create(user=ada)[1]}"}
    return SimpleJWTAuthentication({}), bearer(str(AccessToken.for_user(ada)))


def fail(execute, sql, params, many, context, error=OperationalError):
    raise error(f"the connection is closed: {params}")


@pytest.fixture(params=[OperationalError, InterfaceError])
def outage(request):
    with connection.execute_wrapper(partial(fail, error=request.param)):
        yield request.param


def answered(response):
    return response.status_code, response.json().get("code")


def view(backends):
    return protect(auth=backends, guards=[IsAuthenticated()])(lambda request: JsonResponse({}))


def test_credentials_that_can_not_be_looked_up_are_503(old, outage, caplog):
    backend, headers = old
    mount_view(view([backend]))
    with caplog.at_level(logging.DEBUG):
        assert answered(wsgi("get", "/view", headers)) == UNAVAILABLE
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR and record.name == "boltguard")
    assert record.getMessage() == f"{type(backend).__name__} can't look up credentials: {outage.__name__}."
    # A traceback would have the credentials in its frames, and so would the error.
    assert record.exc_info is None
    secret = headers["Authorization"].split()[1]
    assert secret not in caplog.text and "connection is closed" not in caplog.text


def test_the_backends_before_still_answer(old, outage):
    backend, _ = old
    mount_view(view([JWTAuthentication(), backend]))
    assert answered(wsgi("get", "/view", bearer(token(sub="7")))) == (200, None)
    assert answered(wsgi("get", "/view")) == (401, "not_authenticated")


def test_async_views(old, monkeypatch):
    backend, headers = old
    monkeypatch.setattr(type(backend), "authenticate", lambda self, request: fail(None, "", (), False, {}))
    mount_view(view([backend]))
    assert answered(asyncio.run(asgi("get", "/view", headers))) == UNAVAILABLE


def test_rest_framework_and_ninja(old, outage):
    backend, headers = old

    class Old(BoltguardAuthentication):
        backends = (backend,)

    class View(APIView):
        authentication_classes = (Old,)

        def get(self, request):
            return Response({})

    mount_view(View.as_view())
    assert wsgi("get", "/view", headers).status_code == 503
    from django.urls import path

    api = NinjaAPI(urls_namespace=f"outage-{backend.name}")
    api.get("/view", auth=BoltAuth(auth=[backend], guards=[IsAuthenticated()]))(lambda request: {})
    mount(path("ninja/", api.urls))
    assert wsgi("get", "/ninja/view", headers).status_code == 503
