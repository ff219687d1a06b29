"""The response to a refused request, and how a refused WebSocket is closed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

from boltguard import _rust
from boltguard.asgi.connection import Connection, Scope
from boltguard.auth.accounts import UserUnavailable
from boltguard.events import asend_refusals, report_refusal
from boltguard.exceptions import HTTPException, RevocationError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]

# Status codes of WebSockets: RFC 6455 section 7.4, and 4000 to 4999 for private use.
CLOSE_CODES = {401: 4401, 403: 4403, 503: 1013}
INTERNAL_ERROR = 1011


class Response(NamedTuple):
    """A response with a JSON body."""

    status: int
    code: str
    headers: RawHeaders
    body: bytes

    @property
    def close_code(self) -> int:
        """The status code with which a WebSocket is closed."""
        return CLOSE_CODES.get(self.status, INTERNAL_ERROR)


def of_refusal(refusal: _rust.Refusal) -> Response:
    """The response to a caller who isn't allowed."""
    headers = {} if refusal.challenge is None else {"WWW-Authenticate": refusal.challenge}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return _response(refusal.status, refusal.code, headers, refusal.body)


def of_error(error: HTTPException | RevocationError) -> Response:
    """The response to an exception of Boltguard that the application raised."""
    if isinstance(error, RevocationError):
        body = _json({"detail": STORE_UNAVAILABLE, "code": error.code})
        return _response(503, error.code, {}, body)
    headers = dict(error.headers)
    if error.status_code == 401 and "www-authenticate" not in map(str.lower, headers):
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    code = getattr(error, "code", None)
    body = _json({"detail": error.detail} if code is None else {"detail": error.detail, "code": code})
    return _response(error.status_code, code or "", headers, body)


def of_account(error: UserUnavailable, context: _rust.AuthContext | None) -> Response:
    """The response to credentials without an active account."""
    return of_error(error if context is None else error.for_context(context))


def of_forgery() -> Response:
    """The response to a request that a page of another site may have made."""
    return _response(403, FORGED["code"], {}, _json(FORGED))


async def report(connection: Connection, status: int, reason: str, claim: str | None = None) -> None:
    """Logs a refusal, and sends the signal `request_refused`."""
    request: Any = connection
    report_refusal(request, status, reason, claim)
    await asend_refusals(request)


async def send_response(send: Send, response: Response, kind: str = "http.response") -> None:
    """Sends a response; `kind` is the prefix of the types of messages."""
    await send({"type": f"{kind}.start", "status": response.status, "headers": response.headers})
    await send({"type": f"{kind}.body", "body": response.body})


async def deny(scope: Scope, send: Send, response: Response) -> None:
    """Refuses a WebSocket before it is accepted: with a response if the server can send one."""
    if DENIAL in (scope.get("extensions") or {}):
        await send_response(send, response, DENIAL)
    else:
        await send({"type": "websocket.close", "code": response.close_code, "reason": response.code})


def with_headers(headers: Iterable[tuple[bytes, bytes]], vary: str, is_known: bool) -> RawHeaders:
    """The headers with `Vary` and `Cache-Control`, so that shared caches don't send a response to another caller."""
    given = [(bytes(name), bytes(value)) for name, value in headers]
    names = {name.lower() for name, _ in given}
    if vary:
        varies = [value.decode("latin-1") for name, value in given if name.lower() == b"vary"]
        given = [header for header in given if header[0].lower() != b"vary"]
        given.append((b"vary", _merged(", ".join(varies), vary).encode("latin-1")))
    if is_known and b"cache-control" not in names:
        given.append((b"cache-control", b"private"))
    return given


def _merged(value: str, vary: str) -> str:
    known = [name.strip() for name in value.split(",") if name.strip()]
    if "*" in known:
        return "*"
    lower = {name.lower() for name in known}
    return ", ".join([*known, *(name for name in vary.split(", ") if name.lower() not in lower)])


def _response(status: int, code: str, headers: dict[str, str], body: bytes) -> Response:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    described = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return Response(status, code, [*described, *raw], body)


def _json(data: Any) -> bytes:
    # Translated strings are lazy.
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str).encode()


DENIAL = "websocket.http.response"
# Not translated, like the responses of Rust.
FORGED = {"detail": "The request comes from a page of another origin.", "code": "csrf_failed"}
STORE_UNAVAILABLE = "The revocation store is unavailable."
