"""`AuthMiddleware`: authentication and guards for an ASGI application."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from boltguard import _rust, conf
from boltguard._rust import AuthContext
from boltguard.asgi.connection import Connection, Scope
from boltguard.asgi.gate import NO_TOKEN, Credentials, Gate
from boltguard.asgi.origins import is_forgeable, is_sent_by_browsers, origin_policy
from boltguard.asgi.refusals import (
    Message,
    Receive,
    Response,
    Send,
    deny,
    of_account,
    of_error,
    of_forgery,
    of_refusal,
    report,
    send_response,
    with_headers,
)
from boltguard.asgi.users import leave, missing_account
from boltguard.asgi.websocket import Socket
from boltguard.auth.accounts import UserUnavailable
from boltguard.auth.arguments import refuse
from boltguard.auth.backends import Authentication, check_backends
from boltguard.auth.evaluation import refuse_absent_backends
from boltguard.auth.guards import Guard, check_guards, conjunction
from boltguard.auth.secret_box import SecretBox
from boltguard.exceptions import HTTPException, RevocationError
from boltguard.logs import log_failed_revocation, log_failure, log_refusal
from boltguard.messages import kind_of

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AuthMiddleware:
    """Authenticates HTTP requests and WebSockets, and calls the application for callers that the guards allow.

    The scope of the application has `user` and `auth`, the context of the caller. The response to another caller is the
    same as in Django. A WebSocket is refused before it is accepted, and closed with 4401 when its token expires or is
    revoked.

    `websocket_protocol` is the subprotocol before a token in `Sec-WebSocket-Protocol`, or `None` to accept none there.
    `revocation_interval` is how often the credentials of an open WebSocket are checked again, in seconds; the default
    is 5. `allowed_origins` are the origins of pages that may use credentials that browsers send automatically, in
    addition to the origin of the request itself.
    """

    def __init__(
        self,
        app: Application,
        *,
        auth: Iterable[Authentication],
        guards: Iterable[Guard],
        websocket_protocol: str | None = "bearer",
        revocation_interval: float | timedelta = 5.0,
        allowed_origins: Iterable[str] = (),
    ) -> None:
        self.app = app
        self._backends = check_backends(auth)
        self._guard = conjunction(check_guards(guards))
        refuse_absent_backends(self._guard, self._backends)
        refuse_object_checks(self._guard, "AuthMiddleware")
        self._protocol = _protocol(websocket_protocol)
        self._interval = _interval(revocation_interval)
        self._origins = origin_policy(allowed_origins)
        # Here, so that an invalid configuration is an error at startup.
        self._gate = Gate(self._backends, self._guard)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        elif kind == "lifespan":
            await self.app(scope, receive, send)
        else:
            raise ValueError(f"AuthMiddleware can't authenticate a connection of type {kind!r}.")

    @property
    def gate(self) -> Gate:
        """The gate for the current settings of Django."""
        if self._gate.conf is not conf._current:
            self._gate = Gate(self._backends, self._guard)
        return self._gate

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate = self.gate
        connection = Connection(scope)
        entry = await self._enter(gate, connection, gate.read(scope))
        if isinstance(entry, Response):
            entry = entry._replace(headers=with_headers(entry.headers, gate.vary, entry.status == 403))
            await send_response(send, entry)
            return
        responder = Responder(send, gate.vary, connection, entry.context.is_authenticated)
        try:
            await self.app(entry.scope, receive, responder.send)
        except Exception as error:
            failure = missing_account(connection) or error
            if responder.is_started or not isinstance(failure, HANDLED_EXCEPTIONS):
                raise
            await responder.replace(failure)
        finally:
            leave(connection)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate = self.gate
        token, scope = self._token(scope)
        credentials = gate.read(scope, token)
        connection = Connection(scope)
        entry = await self._enter(gate, connection, credentials)
        if isinstance(entry, Response):
            await deny(scope, send, entry)
            return
        context = entry.context
        async with Socket(scope, receive, send, None if token.value is None else self._protocol) as socket:
            if context.is_authenticated and not context.is_custom:
                self._limit(gate, socket, entry, credentials)
            try:
                await self.app(entry.scope, socket.receive, socket.send)
            except HANDLED_EXCEPTIONS as error:
                socket.end(await _response_to(connection, error))
            finally:
                leave(connection)

    def _limit(self, gate: Gate, socket: Socket, entry: Entry, credentials: Credentials) -> None:
        """Ends a WebSocket when its token or API key is no longer valid."""
        context = entry.context
        left = context.expires_in

        async def check() -> Response | None:
            return await self._check_again(gate, entry.scope, credentials, context)

        if left is not None:
            leeway = gate.leeways.get(context.auth_backend or "", 0.0)
            socket.end_in(left + leeway, EXPIRED)
        socket.watch(check, self._interval)

    async def _check_again(
        self, gate: Gate, scope: Scope, credentials: Credentials, context: AuthContext
    ) -> Response | None:
        """The response if the credentials of an open WebSocket are no longer valid."""
        connection = Connection(scope)
        try:
            evaluated = await gate.evaluate_again(scope, credentials, context, CHECK_TIMEOUT)
        except UserUnavailable as error:
            return await _response_to(connection, error)
        except Exception as error:
            log_failure("The credentials of a WebSocket can't be checked again.", error)
            return UNAVAILABLE
        if isinstance(evaluated, _rust.Refusal):
            return await _refused(connection, evaluated)
        return None

    async def _enter(self, gate: Gate, connection: Connection, credentials: Credentials) -> Entry | Response:
        """The scope for the application, or the response to a caller who isn't allowed."""
        try:
            evaluated = await gate.evaluate(connection, credentials)
        except HANDLED_EXCEPTIONS as error:
            return await _response_to(connection, error)
        if isinstance(evaluated, _rust.Refusal):
            return await _refused(connection, evaluated)
        request: Any = connection
        if evaluated.is_authenticated and self._is_forged(gate, connection, evaluated):
            log_refusal(request, 403, "csrf_failed")
            return of_forgery()
        added = {"user": connection.user, "auth": evaluated, ENTRY: (gate, connection)}
        return Entry({**connection.scope, **added}, evaluated)

    def _is_forged(self, gate: Gate, connection: Connection, context: AuthContext) -> bool:
        """Whether a page of another site may have used credentials that browsers send automatically."""
        if context.is_from_cookie:
            return is_forgeable(connection, self._origins)
        if not context.is_custom:
            return False
        header = gate.sent_headers.get(context.auth_backend or "")
        return is_sent_by_browsers(connection, header) and is_forgeable(connection, self._origins)

    def _token(self, scope: Scope) -> tuple[SecretBox[str | None], Scope]:
        """The token in `Sec-WebSocket-Protocol`, and a scope whose `subprotocols` don't contain it."""
        offered = list(scope.get("subprotocols") or ())
        if self._protocol is None or len(offered) < 2 or offered[0] != self._protocol:
            return NO_TOKEN, scope
        return SecretBox(offered[1]), {**scope, "subprotocols": offered[2:]}


class Responder:
    """The response of an application: it gets headers for caches, or is replaced by an error response."""

    def __init__(self, send: Send, vary: str, connection: Connection, is_known: bool) -> None:
        self._send, self._vary, self._connection, self._is_known = send, vary, connection, is_known
        self.is_started = self._is_replaced = False

    async def send(self, message: Message) -> None:
        """Passes on a message of the application."""
        if self._is_replaced:
            return
        if message["type"] == "http.response.start":
            # Also if the application caught the exception that was raised when it read the account.
            failure = missing_account(self._connection)
            if failure is not None:
                await self.replace(failure)
                return
            self.is_started = True
            headers = with_headers(message.get("headers", ()), self._vary, self._is_known)
            message = {**message, "headers": headers}
        await self._send(message)

    async def replace(self, error: HTTPException | RevocationError) -> None:
        """Sends an error response instead of the application's."""
        if self._is_replaced:
            return
        self._is_replaced = True
        response = await _response_to(self._connection, error)
        headers = with_headers(response.headers, self._vary, self._is_known)
        await send_response(self._send, response._replace(headers=headers))


class Entry(NamedTuple):
    """The scope for the application, and the caller."""

    scope: Scope
    context: AuthContext


async def _refused(connection: Connection, refusal: _rust.Refusal) -> Response:
    await report(connection, refusal.status, refusal.reason, refusal.claim)
    return of_refusal(refusal)


async def _response_to(connection: Connection, error: HTTPException | RevocationError) -> Response:
    """The response to an exception of Boltguard."""
    if isinstance(error, UserUnavailable):
        await report(connection, error.status_code, error.reason)
        return of_account(error, connection.__dict__.get("context"))
    if isinstance(error, RevocationError):
        log_failed_revocation(error)
        await report(connection, 503, error.code)
    return of_error(error)


def refuse_object_checks(guard: Guard, where: str) -> None:
    """Raises `ImproperlyConfigured` for a guard that requires an object."""
    for check in guard.custom_checks.values():
        if check.about_object:
            refuse(f"{where}: the guard {guard} checks objects. Check them in the application instead.")


def _protocol(name: object) -> str | None:
    # RFC 6455 section 4.1: a token of RFC 9110.
    if name is not None and (not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)):
        refuse(f'AuthMiddleware: websocket_protocol is {kind_of(name)}. It must be a subprotocol, such as "bearer".')
    return name


def _interval(value: object) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        refuse(f"AuthMiddleware: revocation_interval is {kind_of(value)}. It must be a positive number of seconds.")
    return float(seconds)


HANDLED_EXCEPTIONS = (HTTPException, RevocationError)
# Where a scope has the gate and the connection, for `Authenticated`.
ENTRY = "boltguard"
# How long a store may take for an open WebSocket, in seconds.
CHECK_TIMEOUT = 10.0
EXPIRED = of_error(HTTPException(401, "The token has expired."))._replace(code="token_expired")
UNAVAILABLE = of_error(RevocationError())
