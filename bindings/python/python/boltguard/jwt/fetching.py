"""Fetching a JWK Set over HTTP, by the standard library, so that its certificates and proxies are the ones used.

`urllib` follows redirects, opens files, and lets a server take its time for each byte; none of this is so here.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from boltguard._rust import __version__

C = TypeVar("C", bound=http.client.HTTPConnection)


class Answer(NamedTuple):
    """What a server answered, unexamined."""

    status: int
    body: bytes
    cache_control: str | None


class NoAnswer(Exception):
    """There is none. `why` is "connection", "encoded", "timeout" or "too_large"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    @property
    def detail(self) -> str:
        """What the system says of it, for logs."""
        cause = self.__cause__
        if cause is None:
            return ""
        # What is not of the system may quote what was sent.
        return f" ({cause})" if isinstance(cause, OSError) else f" ({type(cause).__name__})"


class Request:
    """What is asked for. Error pages, which print the variables of each frame, can't show what is in it."""

    __slots__ = ("headers", "url")

    def __init__(self, url: str, headers: Mapping[str, Any] | None = None) -> None:
        self.url = url
        self.headers = dict(headers or {})

    @property
    def unsound(self) -> list[object]:
        """The names of the headers that can't be sent."""
        return [name for name, value in self.headers.items() if not (_is_sound(name) and _is_sound(value))]

    def __repr__(self) -> str:
        return "<request>"


def fetch(request: Request, *, timeout: float, max_bytes: int, ssl_context: ssl.SSLContext | None) -> Answer:
    """Asks the server, for `timeout` seconds at most from the connection to the last byte. Raises `NoAnswer`."""
    sent = urllib.request.Request(request.url, headers={**HEADERS, **request.headers})
    try:
        response = _opener(time.monotonic() + timeout, ssl_context).open(sent, timeout=timeout)
        if response is None:
            raise NoAnswer("connection")  # through a proxy of a kind that is not known here
        with response:
            return _read(response, max_bytes)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer("timeout" if _is_timeout(error) else "connection") from error


def _read(response: Any, max_bytes: int) -> Answer:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NoAnswer("encoded")
    # What another status has to say is of no use.
    body = response.read(max_bytes + 1) if response.status == 200 else b""
    if len(body) > max_bytes:
        raise NoAnswer("too_large")
    if body and response.length:
        raise NoAnswer("connection")  # it broke off before the announced end
    control = response.headers.get_all("Cache-Control")
    return Answer(response.status, body, ",".join(control) if control else None)


def _opener(deadline: float, ssl_context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), _Http(deadline), _Https(deadline, ssl_context)):
        opener.add_handler(handler)
    return opener


class _Http(urllib.request.HTTPHandler):
    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connect(host: str, **options: Any) -> http.client.HTTPConnection:
            return _until(self._deadline, http.client.HTTPConnection(host, **options))

        return self.do_open(connect, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, deadline: float, context: ssl.SSLContext | None) -> None:
        context = context or ssl.create_default_context()
        super().__init__(context=context)
        self._deadline, self._trusted = deadline, context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connect(host: str, **options: Any) -> http.client.HTTPConnection:
            return _until(self._deadline, http.client.HTTPSConnection(host, context=self._trusted, **options))

        return self.do_open(connect, req)


def _until(deadline: float, connection: C) -> C:
    """The connection, whose answer has to be there by then. What comes before it has the time-out of the whole."""

    def response_class(sock: socket.socket, **options: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(_Hurried(sock, deadline), **options)  # type: ignore[arg-type]

    connection.response_class = response_class  # type: ignore[assignment]
    return connection


class _Hurried(io.RawIOBase):
    """A socket to read from, each time for no longer than there is left."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        super().__init__()
        self._sock, self._deadline = sock, deadline
        # Keeps the socket open after the connection has let go of it.
        self._kept = sock.makefile("rb", buffering=0)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What `HTTPResponse` asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._kept.readinto(buffer)

    def close(self) -> None:
        self._kept.close()
        super().close()


def _is_sound(text: object) -> bool:
    return isinstance(text, str) and bool(text) and text.isprintable() and text.isascii()


def _is_timeout(error: BaseException) -> bool:
    # `urllib` hides the time-out of a connection within an error of its own.
    return isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError)


HEADERS = {
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"boltguard/{__version__}",
}
