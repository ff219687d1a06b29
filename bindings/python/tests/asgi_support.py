"""What the ASGI tests share: calls of an application with and without a server, and WebSockets between two queues."""

import asyncio
import contextlib
import json

import pytest


def scope_of(kind="http", headers=(), **more):
    pairs = headers.items() if isinstance(headers, dict) else headers
    raw = [(name.lower().encode(), value.encode()) for name, value in pairs]
    scope = {"type": kind, "asgi": {"version": "3.0"}, "path": "/x", "headers": raw, **more}
    return {"method": "GET", **scope} if kind == "http" else {"subprotocols": [], **scope}


class Answer:
    """The response to a request."""

    def __init__(self, messages):
        start, *bodies = messages
        self.status = start["status"]
        self.raw = [(name.decode(), value.decode()) for name, value in start["headers"]]
        self.headers = dict(self.raw)
        self.body = b"".join(message.get("body", b"") for message in bodies)

    def json(self):
        return json.loads(self.body)


async def arequest(app, headers=(), **more):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope_of("http", headers, **more), receive, send)
    return Answer(sent)


def request(app, headers=(), **more):
    return asyncio.run(arequest(app, headers, **more))


class Client:
    """A WebSocket client without a server. `sent` is what the application has sent."""

    def __init__(self, app, headers=(), **more):
        self._incoming = asyncio.Queue()
        self._outgoing = asyncio.Queue()
        self.sent = []
        self.scope = scope_of("websocket", headers, **more)
        self.push({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(app(self.scope, self._incoming.get, self._send))

    async def _send(self, message):
        self.sent.append(message)
        await self._outgoing.put(message)

    def push(self, message):
        self._incoming.put_nowait(message)

    def text(self, text):
        self.push({"type": "websocket.receive", "text": text})

    async def next(self):
        """The next message of the application, or the exception that it raised."""
        get = asyncio.ensure_future(self._outgoing.get())
        await asyncio.wait({get, self.task}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        if get.done():
            return get.result()
        get.cancel()
        if self.task.done():
            self.task.result()
        raise AssertionError("the application sent nothing")

    async def finish(self):
        await asyncio.wait_for(self.task, 20)


def connect(test, app, headers=(), **more):
    """Runs `test(client)`; afterwards the application has returned, and no task is left."""

    async def run():
        before = asyncio.all_tasks()
        client = Client(app, headers, **more)
        try:
            await test(client)
        finally:
            client.push({"type": "websocket.disconnect", "code": 1001})
            with contextlib.suppress(OSError):
                await client.finish()
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - before
        assert not left, left
        return client

    return asyncio.run(asyncio.wait_for(run(), 60))


async def show(scope, receive, send):
    """Sends who the caller is."""
    body = json.dumps({"user_id": scope["auth"].user_id, "known": scope["user"].is_authenticated}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


async def echo(scope, receive, send):
    """Accepts, and sends each text back, until the disconnection, whose message it keeps in `echo.last`."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while True:
        echo.last = message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message["text"]})


@contextlib.asynccontextmanager
async def served(app):
    """The port of a server that runs an application."""
    import uvicorn

    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="auto", ws="websockets-sansio")
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def assert_echoes_until(socket, reason, end=lambda: None):
    """The WebSocket echoes. Then it is closed with this reason, by itself or because of `end`."""
    from websockets.exceptions import ConnectionClosed

    await socket.send("a")
    assert await socket.recv() == "a"
    end()
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, reason)
