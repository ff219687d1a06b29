"""A client of the servers, which never repeats a request, and notes when it was sent and answered."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, NamedTuple


class Server(NamedTuple):
    """A process that accepts the tokens of the site. One that isn't of the site only has the route `/me`."""

    name: str
    port: int
    is_of_site: bool = True

    def me(self, tenant: int) -> str:
        """The path that requires a token of this tenant."""
        return f"/{tenant}/me" if self.is_of_site else "/me"


class Response(NamedTuple):
    """`status` is `None` if there was no response. The body may contain tokens, so it is never shown."""

    server: str
    sent: float
    received: float
    status: int | None
    body: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


class Client:
    """The connections of one thread, one to each server."""

    def __init__(self, servers: list[Server], timeout: float) -> None:
        self._connections = {
            server.name: http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout) for server in servers
        }

    def request(
        self, server: str, method: str, path: str, *, token: str | None = None, body: dict[str, Any] | None = None
    ) -> Response:
        connection = self._connections[server]
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        content = None if body is None else json.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        sent = time.monotonic()
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return Response(server, sent, time.monotonic(), None, {})
        received = time.monotonic()
        return Response(server, sent, received, response.status, _json(data))

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
