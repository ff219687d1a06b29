"""Fetches a JWK Set over HTTP with the standard library, so that its certificates and proxies are used.

Unlike `urllib.request.urlopen`, this follows no redirects, opens no files, and limits the time for the whole response.
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


class FetchedResponse(NamedTuple):
    """The response of a server. Its content hasn't been checked."""

    status: int
    body: bytes
    cache_control: str | None


class FetchError(Exception):
    """The fetch failed. `why` is "connection", "encoded", "timeout" or "too_large"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    @property
    def detail(self) -> str:
        """The error of the operating system, for logs."""
        cause = self.__cause__
        if cause is None:
            return ""
        # The message of any other exception may quote the request.
        return f" ({cause})" if isinstance(cause, OSError) else f" ({type(cause).__name__})"


class Request:
    """A request. Error pages, which print the local variables of each frame, don't show its URL and headers."""

    __slots__ = ("headers", "url")

    def __init__(self, url: str, headers: Mapping[str, Any] | None = None) -> None:
        self.url = url
        self.headers = dict(headers or {})

    @property
    def invalid_headers(self) -> list[object]:
        """The names of the headers that can't be sent."""
        return [name for name, value in self.headers.items() if not (_is_valid(name) and _is_valid(value))]

    def __repr__(self) -> str:
        return "<request>"


def fetch(request: Request, *, timeout: float, max_bytes: int, ssl_context: ssl.SSLContext | None) -> FetchedResponse:
    """Sends the request, and returns the response within `timeout` seconds. Raises `FetchError`."""
    sent = urllib.request.Request(request.url, headers={**HEADERS, **request.headers})
    try:
        response = _opener(time.monotonic() + timeout, ssl_context).open(sent, timeout=timeout)
        if response is None:
            raise FetchError("connection")  # the URL of a proxy has an unknown scheme
        with response:
            return _read(response, max_bytes)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError("timeout" if _is_timeout(error) else "connection") from error


def _read(response: Any, max_bytes: int) -> FetchedResponse:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError("encoded")
    # Bodies of other statuses aren't used.
    body = response.read(max_bytes + 1) if response.status == 200 else b""
    if len(body) > max_bytes:
        raise FetchError("too_large")
    if body and response.length:
        raise FetchError("connection")  # shorter than its `Content-Length`
    control = response.headers.get_all("Cache-Control")
    return FetchedResponse(response.status, body, ",".join(control) if control else None)


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
    """Limits the time for the response. Connecting and sending have the timeout of the whole fetch."""

    def response_class(sock: socket.socket, **options: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(_DeadlineSocket(sock, deadline), **options)  # type: ignore[arg-type]

    connection.response_class = response_class  # type: ignore[assignment]
    return connection


class _DeadlineSocket(io.RawIOBase):
    """A socket whose read timeout is the time that remains until the deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        super().__init__()
        self._sock, self._deadline = sock, deadline
        # Keeps the socket open after the connection has released it.
        self._file = sock.makefile("rb", buffering=0)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Called by `HTTPResponse`."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _is_valid(part: object) -> bool:
    return isinstance(part, str) and bool(part) and part.isprintable() and part.isascii()


def _is_timeout(error: BaseException) -> bool:
    # `urllib` wraps the timeout of a connection in its own error.
    return isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError)


HEADERS = {
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"boltguard/{__version__}",
}
