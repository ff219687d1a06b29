"""`Socket`: an open WebSocket, which is closed when its credentials are no longer valid.

Between server and application, it passes messages on until the credentials expire or are revoked. From then on, the
application receives `websocket.disconnect`, and can't send any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from boltguard.asgi.connection import Scope
from boltguard.asgi.refusals import Message, Receive, Response, Send, deny

logger = logging.getLogger("boltguard")


class ConnectionEnded(OSError):
    """The credentials of a WebSocket are no longer valid, so that the application can't send any more."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The WebSocket was closed with {code}.")
        self.code = code


class Socket:
    """The messages of one WebSocket. Use it as an async context manager around the application."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, subprotocol: str | None = None) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._subprotocol = subprotocol
        self._is_accepted = self._is_closed = False
        self._loop = asyncio.get_running_loop()
        # The response to the credentials, when they are no longer valid.
        self._ended: asyncio.Future[Response] = self._loop.create_future()
        self._next: asyncio.Task[Message] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def end_in(self, seconds: float, response: Response) -> None:
        """Ends the connection at a time, whatever stores and application do."""
        self._timer = self._loop.call_later(max(seconds, 0.0), self.end, response)

    def watch(self, check: Callable[[], Awaitable[Response | None]], interval: float) -> None:
        """Runs a check at an interval, and ends the connection with the response that it returns."""
        self._start(self._watch(check, interval))

    def end(self, response: Response) -> None:
        """Ends the connection, unless it has ended."""
        if self._ended.done():
            return
        self._ended.set_result(response)
        if not self._is_closed:
            self._closing = self._start(self._close(response))

    async def receive(self) -> Message:
        """The next message from the server, or the end of the connection."""
        if self._next is None and not self._ended.done():
            self._next = asyncio.ensure_future(self._receive())
        if not self._ended.done():
            assert self._next is not None
            # If the application cancels this, the message isn't lost: the next call returns it.
            waited: list[asyncio.Future[Any]] = [self._next, self._ended]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if self._ended.done():
            response = self._ended.result()
            return {"type": "websocket.disconnect", "code": response.close_code, "reason": response.code}
        received, self._next = self._next, None
        assert received is not None
        message = received.result()
        if message["type"] == "websocket.disconnect":
            self._is_closed = True
        return message

    async def send(self, message: Message) -> None:
        """Passes on a message of the application. Raises `ConnectionEnded` after the end of the connection."""
        kind = message["type"]
        if self._ended.done():
            if kind == "websocket.close":
                return
            raise ConnectionEnded(self._ended.result().close_code)
        if kind == "websocket.accept":
            self._is_accepted = True
            if self._subprotocol is not None and message.get("subprotocol") is None:
                message = {**message, "subprotocol": self._subprotocol}
        elif kind != "websocket.send":  # a close, or the response of an application that refuses
            self._is_closed = True
        await self._send(message)

    async def __aenter__(self) -> Socket:
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._ended.done():
            self._ended.cancel()
        elif self._closing is not None:
            await asyncio.wait({self._closing}, timeout=CLOSE_TIMEOUT)
        if self._next is not None:
            self._tasks.add(self._next)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT)
        for task in self._tasks:
            # Otherwise, asyncio would log that nothing has read the exception.
            if task.done() and not task.cancelled():
                task.exception()

    async def _watch(self, check: Callable[[], Awaitable[Response | None]], interval: float) -> None:
        while not self._ended.done():
            await asyncio.sleep(interval)
            response = await check()
            if response is not None:
                self.end(response)

    async def _close(self, response: Response) -> None:
        # The client may have gone, for which servers raise various exceptions.
        with suppress(Exception):
            if self._is_accepted:
                reason = response.code
                await self._send({"type": "websocket.close", "code": response.close_code, "reason": reason})
            else:
                await deny(self._scope, self._send, response)

    def _start(self, coroutine: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = self._loop.create_task(coroutine)
        self._tasks.add(task)
        return task

    _closing: asyncio.Task[Any] | None = None


# How long to wait for a client that doesn't read, in seconds.
CLOSE_TIMEOUT = 5.0
