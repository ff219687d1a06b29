"""`AuthMiddleware` in Starlette and FastAPI, behind uvicorn with real WebSockets, and in Channels."""

import asyncio
import json
import time
from typing import Annotated

import pytest
from django.core.exceptions import ImproperlyConfigured

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("channels")

from channels.generic.websocket import JsonWebsocketConsumer
from django.contrib.auth import get_user_model
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from boltguard._rust import AuthContext
from boltguard.asgi import Authenticated, AuthMiddleware
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Check,
    HasPermission,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    Owner,
    ViaBackend,
)

from asgi_support import assert_echoes_until, served
from asgi_support import connect as between_queues
from support import bearer, token


@pytest.fixture(autouse=True)
def _no_accounts(request, monkeypatch):
    if "database" not in request.fixturenames:
        monkeypatch.setattr("boltguard.asgi.users.has_accounts", lambda: False)


# Starlette


def starlette(**options):
    async def me(request):
        return JSONResponse({"name": request.user.display_name, "known": request.user.is_authenticated})

    async def echo(websocket):
        await websocket.accept()
        echo.closed = None
        try:
            async for text in websocket.iter_text():
                await websocket.send_text(text)
            echo.closed = "disconnected"
        except WebSocketDisconnect as error:
            echo.closed = error.code

    options = {"auth": [JWTAuthentication()], "guards": [IsAuthenticated()], **options}
    routes = [Route("/me", me), WebSocketRoute("/echo", echo)]
    return Starlette(routes=routes, middleware=[Middleware(AuthMiddleware, **options)])


def test_starlette():
    client = TestClient(starlette())
    assert client.get("/me", headers=bearer(sub="7")).json() == {"name": "7", "known": True}
    refused = client.get("/me")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="api"')
    with client.websocket_connect("/echo", headers=bearer(sub="7")) as socket:
        socket.send_text("a")
        assert socket.receive_text() == "a"
    with client.websocket_connect("/echo", subprotocols=["bearer", token(sub="7")]) as socket:
        assert socket.accepted_subprotocol == "bearer"
    with client.websocket_connect("/echo", headers=bearer(sub="7", exp=time.time() + 0.3)) as socket:
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert (closed.value.code, closed.value.reason) == (4401, "token_expired")


# FastAPI

Caller = Annotated[AuthContext, Depends(Authenticated())]


def fastapi(guards=None, **options):
    app = FastAPI()
    options = {"auth": [JWTAuthentication(), APIKeyAuthentication(api_keys={"k" * 40})], **options}
    app.add_middleware(AuthMiddleware, guards=[AllowAny()], **options)

    @app.get("/public")
    async def public():
        return {}

    @app.get("/me")
    async def me(caller: Caller):
        return {"user_id": caller.user_id}

    reports = Authenticated(guards=[HasPermission("reports.view")])

    @app.get("/reports", dependencies=[Depends(reports)])
    def read_reports():
        return {}

    async def tenant(connection):
        return connection.headers.get("x-tenant") == "7"

    @app.get("/tenant", dependencies=[Depends(Authenticated(guards=[Check(tenant)]))])
    def read_tenant():
        return {}

    key = Authenticated(guards=[ViaBackend("api_key")], backend=options["auth"][-1], scheme_name="key")

    @app.get("/key", dependencies=[Depends(key)])
    def read_key():
        return {}

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, caller: Annotated[AuthContext, Depends(reports)]):
        await websocket.accept()
        await websocket.send_text(caller.user_id or "")
        await websocket.receive_text()

    return app


def test_the_dependency_returns_the_context_or_raises():
    client = TestClient(fastapi())
    assert client.get("/public").status_code == 200
    assert client.get("/me", headers=bearer(sub="7")).json() == {"user_id": "7"}
    for headers, code in [({}, None), (bearer(sub="7", exp=1), 'error="invalid_token"')]:
        refused = client.get("/me", headers=headers)
        assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Bearer")
        assert code is None or code in refused.headers["www-authenticate"]
        assert "Authorization" in refused.headers["vary"]
    assert client.get("/me", headers=bearer(sub="7", exp=1)).json() == {"detail": "The token has expired."}
    refused = client.get("/reports", headers=bearer(sub="7"))
    assert refused.status_code == 403 and 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert client.get("/reports", headers=bearer(sub="7", permissions=["reports.view"])).status_code == 200
    assert client.get("/reports").status_code == 401
    assert client.get("/tenant", headers={**bearer(sub="7"), "X-Tenant": "7"}).status_code == 200
    assert client.get("/tenant", headers={**bearer(sub="7"), "X-Tenant": "8"}).status_code == 403
    assert client.get("/key", headers={"X-API-Key": "k" * 40}).status_code == 200
    assert client.get("/key", headers=bearer(sub="7")).status_code == 403


def test_the_dependency_of_a_websocket():
    client = TestClient(fastapi())
    with client.websocket_connect("/socket", headers=bearer(sub="7", permissions=["reports.*"])) as socket:
        assert socket.receive_text() == "7"
        socket.send_text("end")
    for headers, code in [({}, 4401), (bearer(sub="7"), 4403)]:
        with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/socket", headers=headers):
            pass
        assert refused.value.code == code


def test_the_openapi_document():
    document = fastapi().openapi()
    schemes = document["components"]["securitySchemes"]
    assert schemes["bearer"] == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert schemes["key"] == {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
    assert document["paths"]["/me"]["get"]["security"] == [{"bearer": []}]
    assert document["paths"]["/key"]["get"]["security"] == [{"key": []}]
    assert "security" not in document["paths"]["/public"]["get"]


def test_the_dependency_without_the_middleware_is_an_error():
    app = FastAPI()

    @app.get("/me")
    async def me(caller: Caller):
        return {}

    with pytest.raises(ImproperlyConfigured, match="requires AuthMiddleware"):
        TestClient(app).get("/me", headers=bearer(sub="7"))


def test_an_invalid_dependency_is_an_error_at_startup():
    for options, message in [
        ({"guards": []}, "empty list"),
        ({"guards": [Owner("user")]}, "checks objects"),
        ({"backend": "jwt"}, "must be a backend"),
    ]:
        with pytest.raises(ImproperlyConfigured, match=message):
            Authenticated(**options)


# uvicorn


def run(test, **options):
    async def main():
        before = asyncio.all_tasks()
        async with served(starlette(**options)) as port:
            await test(f"ws://127.0.0.1:{port}/echo")
        await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_server_refuses_with_a_response():
    async def test(url):
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=bearer(sub="7", exp=1))
        response = refused.value.response
        assert response.status_code == 401 and b'"token_expired"' in response.body
        assert response.headers["WWW-Authenticate"].startswith("Bearer")

    run(test)


def test_a_server_answers_the_subprotocol_and_closes_an_expired_connection():
    async def test(url):
        socket = await connect(url, subprotocols=["bearer", token(sub="7", exp=time.time() + 0.5)])
        assert socket.subprotocol == "bearer"
        await assert_echoes_until(socket, "token_expired")

    run(test)


def test_a_server_closes_a_revoked_connection_and_no_other():
    store = InMemoryRevocation()

    async def test(url):
        async with connect(url, additional_headers=bearer(sub="7", jti="b")) as other:
            socket = await connect(url, additional_headers=bearer(sub="7", jti="a"))
            await assert_echoes_until(socket, "token_revoked", end=lambda: store.revoke("a"))
            await other.send("b")
            assert await other.recv() == "b"

    run(test, auth=[JWTAuthentication(revocation_store=store)], revocation_interval=0.05)


# Channels


class Greeter(JsonWebsocketConsumer):
    closed = []

    def connect(self):
        self.accept()
        user = self.scope["user"]
        self.send_json({"username": user.username, "authenticated": user.is_authenticated, "pk": user.pk})

    def disconnect(self, code):
        type(self).closed.append(code)


@pytest.fixture
def in_table(database):
    user = get_user_model().objects.create_user("channels")
    yield user
    user.delete()


def communicate(test, headers, **options):
    options = {"auth": [JWTAuthentication()], "guards": [IsAuthenticated()], **options}
    between_queues(test, AuthMiddleware(Greeter.as_asgi(), **options), headers)


def test_a_consumer_of_channels_has_the_account(in_table):
    async def test(client):
        assert (await client.next())["type"] == "websocket.accept"
        greeting = json.loads((await client.next())["text"])
        assert greeting == {"username": "channels", "authenticated": True, "pk": in_table.pk}

    communicate(test, bearer(sub=str(in_table.pk)))


def test_a_consumer_of_channels_is_told_of_the_end(in_table):
    async def test(client):
        assert [(await client.next())["type"] for _ in range(2)] == ["websocket.accept", "websocket.send"]
        assert await client.next() == {"type": "websocket.close", "code": 4401, "reason": "token_expired"}
        await client.finish()

    Greeter.closed = []
    communicate(test, bearer(sub=str(in_table.pk), exp=time.time() + 1))
    assert Greeter.closed == [4401]


def test_a_consumer_of_channels_is_not_called_for_a_refused_caller(in_table):
    async def test(client):
        message = await client.next()
        assert (message["type"], message["code"]) == ("websocket.close", 4401)
        await client.finish()

    communicate(test, {})
    in_table.is_active = False
    in_table.save()
    communicate(test, bearer(sub=str(in_table.pk)))
