"""`AuthMiddleware` in Litestar, behind uvicorn with real requests and WebSockets."""

import asyncio
import json
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("litestar")
pytest.importorskip("uvicorn")

from litestar import Litestar, Request, WebSocket, get, websocket
from litestar.middleware import DefineMiddleware
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from boltguard.asgi import AuthMiddleware
from boltguard.auth import HasPermission, InMemoryRevocation, IsAuthenticated, JWTAuthentication

from asgi_support import assert_echoes_until, served
from support import bearer, token


@pytest.fixture(autouse=True)
def _no_accounts(monkeypatch):
    monkeypatch.setattr("boltguard.asgi.users.has_accounts", lambda: False)


def application(**options):
    options = {"auth": [JWTAuthentication()], "guards": [IsAuthenticated()], **options}

    @get("/me")
    async def me(request: Request) -> dict:
        return {"name": request.user.display_name, "user_id": request.auth["user_id"]}

    # The guards of a layer apply in addition to those of the layers around it.
    reports = DefineMiddleware(AuthMiddleware, auth=options["auth"], guards=[HasPermission("reports.view")])

    @get("/reports", middleware=[reports])
    async def read_reports() -> dict:
        return {}

    @websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_data():
            await socket.send_text(text)

    # By default, Litestar configures the loggers of the process, also for the tests after this one.
    middleware = [DefineMiddleware(AuthMiddleware, **options)]
    return Litestar([me, read_reports, echo], middleware=middleware, logging_config=None)


def answer(url, headers):
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return response.status, response.headers, json.loads(response.read())


def run(test, **options):
    async def main():
        async with served(application(**options)) as port:
            await test(f"127.0.0.1:{port}")

    asyncio.run(asyncio.wait_for(main(), 60))


def test_requests():
    async def test(host):
        async def get(path, **headers):
            return await asyncio.to_thread(answer, f"http://{host}{path}", headers)

        status, headers, body = await get("/me", **bearer(sub="7"))
        assert (status, body) == (200, {"name": "7", "user_id": "7"})
        assert "authorization" in headers["Vary"].lower() and headers["Cache-Control"] == "private"
        status, headers, body = await get("/me")
        assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
        assert body["code"] == "not_authenticated"
        assert (await get("/me", **bearer(sub="7", exp=1)))[2]["code"] == "token_expired"
        assert (await get("/reports", **bearer(sub="7")))[0] == 403
        assert (await get("/reports", **bearer(sub="7", permissions=["reports.view"])))[0] == 200

    run(test)


def test_websockets():
    store = InMemoryRevocation()

    async def test(host):
        url = f"ws://{host}/echo"
        with pytest.raises(InvalidStatus) as refused:
            await connect(url)
        assert refused.value.response.status_code == 401
        socket = await connect(url, subprotocols=["bearer", token(sub="7", jti="b", exp=time.time() + 0.7)])
        assert socket.subprotocol == "bearer"
        await assert_echoes_until(socket, "token_expired")
        socket = await connect(url, additional_headers=bearer(sub="7", jti="a"))
        await assert_echoes_until(socket, "token_revoked", end=lambda: store.revoke("a"))

    run(test, auth=[JWTAuthentication(revocation_store=store)], revocation_interval=0.05)
