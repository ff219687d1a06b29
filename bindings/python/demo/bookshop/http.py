"""Requests of the stories, with the standard library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

# Loopback is never behind a proxy, regardless of the environment.
_opener = build_opener(ProxyHandler({}))


class Failed(Exception):
    """A step had an unexpected result."""


class Response:
    """A response."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(address: str, method: str, path: str, *, expect: int, **options: Any) -> Response:
    """A request with the options of `send`, whose response must have the status `expect`."""
    result = send(address, method, path, **options)
    if result.status != expect:
        raise Failed(f"{method} {path} returned {result.status}, expected {expect}: {result.body[:300]!r}")
    return result


def send(
    address: str,
    method: str,
    path: str,
    *,
    token: str | None = None,
    key: str | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A request, with any response."""
    request = Request(address + path, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    if key is not None:
        request.add_header("X-API-Key", key)
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with _opener.open(request, timeout=10) as response:
            return Response(response.status, response.headers, response.read())
    except HTTPError as error:
        return Response(error.code, error.headers, error.read())


def hold(what: str, held: Any) -> None:
    """Raises if a step had another result."""
    if not held:
        raise Failed(f"expected: {what}")
