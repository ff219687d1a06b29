"""`Gate`: evaluates the credentials of a scope, once for a request and again while a WebSocket is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from boltguard import _rust, conf
from boltguard._rust import AuthContext
from boltguard.asgi.connection import Connection, Scope, add
from boltguard.asgi.users import attach_caller, averify_account, refresh_connections
from boltguard.auth.backends import Authentication
from boltguard.auth.evaluation import aresume
from boltguard.auth.guards import Guard
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.secret_box import SecretBox
from boltguard.logs import explains, log_explanation

Evaluated = AuthContext | _rust.Refusal
# Error reporters send the local variables of each frame.
Credentials: TypeAlias = SecretBox[dict[str, str]]
NO_TOKEN: SecretBox[str | None] = SecretBox(None)


class Gate:
    """The compiled backends and guard of a middleware."""

    def __init__(self, backends: list[Authentication], guard: Guard) -> None:
        self.conf = conf.current()
        self.backends = backends
        self.guard = guard
        self.rust = [backend.rust for backend in backends]
        gate = _rust.Gate(self.rust, guard.rust)
        self._check: Callable[[dict[str, Any]], Any] = gate.check
        self.verifies = any(isinstance(backend, JWTAuthentication) and backend.verify_user for backend in backends)
        names = sorted({name for backend in backends for name in backend.headers})
        self.vary = ", ".join(name.title() for name in names)
        self._keys = {name.encode("latin-1"): f"HTTP_{name.upper().replace('-', '_')}" for name in names}
        tokens = [backend for backend in backends if isinstance(backend, JWTAuthentication)]
        # How a token that isn't in a header would be written in each header for tokens.
        self._schemes = {
            self._keys[one.header.lower().encode()]: one.schemes[0]
            for one in reversed(tokens)
            if one.header is not None
        }
        self.sent_headers = {backend.name: backend.header for backend in backends if not backend.is_ambient}
        self.leeways = {backend.name: backend.leeway for backend in reversed(tokens)}
        self._same_credentials: dict[str, tuple[list[Authentication], _rust.Gate]] = {}

    def read(self, scope: Scope, token: SecretBox[str | None] = NO_TOKEN) -> Credentials:
        """The headers that the backends read, by their names in CGI. A token apart from them takes precedence."""
        keys, meta = self._keys, {}  # type: dict[bytes, str], dict[str, str]
        for name, value in scope["headers"]:
            key = keys.get(name)
            if key is not None:
                add(meta, key, value.decode("latin-1"), "HTTP_COOKIE")
        if token.value is not None:
            meta.update({key: f"{scheme} {token.value}" for key, scheme in self._schemes.items()})
        return SecretBox(meta)

    async def evaluate(self, connection: Connection, credentials: Credentials) -> Evaluated:
        """The caller, who is attached to the connection, or a refusal. Raises `UserUnavailable`."""
        step: Any = self._check(credentials.value)
        if type(step) is not AuthContext:
            await refresh_connections()
            step = await aresume(self.backends, connection, step)
        if isinstance(step, _rust.GuardChecks):
            step = await self._run_checks(connection, step)
        elif isinstance(step, _rust.Refusal):
            await self._explain(connection, step)
        else:
            await self._attach(connection, step)
        evaluated: Evaluated = step
        return evaluated

    async def evaluate_again(
        self, scope: Scope, credentials: Credentials, context: AuthContext, timeout: float
    ) -> Evaluated:
        """Whether the credentials of a caller are still valid, whatever the guard. Raises `UserUnavailable`."""
        connection = Connection(scope)
        backends, gate = self._gate_for(context.auth_backend or "")
        step = gate.check(credentials.value)
        if type(step) is not AuthContext:
            await refresh_connections()
        step = await aresume(backends, connection, step, timeout)
        assert not isinstance(step, _rust.GuardChecks)
        if isinstance(step, AuthContext) and self.verifies:
            attach_caller(connection, step, self)
            await averify_account(connection)
        return step

    def _gate_for(self, name: str) -> tuple[list[Authentication], _rust.Gate]:
        """The backends with this name, and a gate for them that requires an authenticated caller."""
        found = self._same_credentials.get(name)
        if found is None:
            same = [backend for backend in self.backends if backend.name == name]
            gate = _rust.Gate([backend.rust for backend in same], _rust.Guard.authenticated())
            self._same_credentials[name] = found = (same, gate)
        return found

    async def _run_checks(self, connection: Connection, checks: _rust.GuardChecks) -> Evaluated:
        """Runs the checks that the decision depends on for this caller."""
        await self._attach(connection, checks.context)
        return await run_checks(connection, self.guard, checks)

    async def _explain(self, connection: Connection, refusal: _rust.Refusal) -> None:
        caller = refusal.context if self.verifies or explains() else None
        if self.verifies and caller is not None:
            await self._attach(connection, caller)
        request: Any = connection
        log_explanation(self.guard, request, refusal, caller)

    async def _attach(self, connection: Connection, context: AuthContext) -> None:
        """Sets the caller. The code of a WebSocket is often async, which can't wait for the account to be loaded."""
        attach_caller(connection, context, self)
        if self.verifies or connection.scope["type"] == "websocket":
            await averify_account(connection)


async def run_checks(connection: Connection, guard: Guard, checks: _rust.GuardChecks) -> Evaluated:
    """The decision, after the checks of a guard that it depends on."""
    request: Any = connection
    results: dict[str, bool] = {}
    while (check := guard.next_check(checks, results, about_object=False)) is not None:
        results[check.name] = await check.arun(connection)
    decided = checks.finish(results)
    if isinstance(decided, _rust.Refusal):
        log_explanation(guard, request, decided, checks.context, results)
    return decided
