"""The guard `FreshAuth` decides the same wherever a site evaluates guards."""

import asyncio
import time
from typing import Annotated

import pytest
from django.http import JsonResponse
from ninja import NinjaAPI

from boltguard import BoltAPI, protect
from boltguard._rust import AuthContext
from boltguard.asgi import Authenticated, AuthMiddleware
from boltguard.auth import AllowAny, FreshAuth, IsAuthenticated, JWTAuthentication
from boltguard.ninja import BoltAuth

from asgi_support import arequest
from support import asgi, bearer, mount, mount_view, token, wsgi

GUARDS = [IsAuthenticated(), FreshAuth(300)]
CODE = "insufficient_user_authentication"


def claims(seconds):
    return {"sub": "1", "auth_time": int(time.time()) - seconds}


def has_challenge(text):
    return f'error="{CODE}"' in text and 'max_age="300"' in text


@pytest.fixture
def no_accounts(monkeypatch):
    monkeypatch.setattr("boltguard.asgi.users.has_accounts", lambda: False)


def assert_decides(send):
    """`send` returns the status, the header with the challenge and the code of a request."""
    assert send(bearer(**claims(100)))[0] == 200
    status, challenge, code = send(bearer(**claims(400)))
    assert (status, code) == (401, CODE) and has_challenge(challenge)
    assert send({})[2] == "not_authenticated"


def sent(response):
    content = {} if response.status_code == 200 else response.json()
    return response.status_code, response.get("WWW-Authenticate", ""), content.get("code")


def test_async_views():
    @protect(auth=[JWTAuthentication()], guards=GUARDS)
    async def view(request):
        return JsonResponse({})

    mount_view(view)
    assert_decides(lambda headers: sent(asyncio.run(asgi("get", "/view", headers))))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_routes(is_async):
    api = BoltAPI()

    async def asynchronous(request):
        return {}

    api.get("/view", auth=[JWTAuthentication()], guards=GUARDS)(asynchronous if is_async else lambda request: {})
    mount(api=api)
    assert_decides(lambda headers: sent(wsgi("get", "/view", headers)))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_operations_of_ninja(is_async):
    from django.urls import path

    api = NinjaAPI(urls_namespace=f"fresh-{is_async}")

    async def asynchronous(request):
        return {}

    auth = BoltAuth(auth=[JWTAuthentication()], guards=GUARDS)
    api.get("/view", auth=auth)(asynchronous if is_async else lambda request: {})
    mount(path("ninja/", api.urls))
    assert_decides(lambda headers: sent(wsgi("get", "/ninja/view", headers)))


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def test_the_middleware_of_asgi(no_accounts):
    app = AuthMiddleware(application, auth=[JWTAuthentication()], guards=GUARDS)

    def send(headers):
        answer = asyncio.run(arequest(app, headers))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, headers.get("www-authenticate", ""), answer.json().get("code")

    assert_decides(send)


def test_fastapi_and_its_websockets(no_accounts):
    pytest.importorskip("fastapi")
    from fastapi import Depends, FastAPI, WebSocket
    from fastapi.testclient import TestClient
    from starlette.websockets import WebSocketDisconnect

    fresh = Depends(Authenticated(guards=GUARDS))
    app = FastAPI()
    app.add_middleware(AuthMiddleware, auth=[JWTAuthentication()], guards=[AllowAny()])

    @app.get("/view", dependencies=[fresh])
    def view():
        return {}

    async def socket(websocket: WebSocket, caller: Annotated[AuthContext, fresh]):
        await websocket.accept()
        await websocket.send_text(caller.user_id or "")

    app.websocket("/socket")(socket)
    client = TestClient(app)
    assert client.get("/view", headers=bearer(**claims(100))).status_code == 200
    refused = client.get("/view", headers=bearer(**claims(400)))
    assert refused.status_code == 401 and has_challenge(refused.headers["www-authenticate"])
    with client.websocket_connect("/socket", subprotocols=["bearer", token(**claims(100))]) as open_socket:
        assert open_socket.receive_text() == "1"
    with pytest.raises(WebSocketDisconnect) as closed:
        with client.websocket_connect("/socket", subprotocols=["bearer", token(**claims(400))]):
            pass
    assert closed.value.code == 4401
