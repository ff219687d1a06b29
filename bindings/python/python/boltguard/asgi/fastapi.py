"""`Authenticated`: a dependency for FastAPI, which is also described in its OpenAPI document."""

# Without `from __future__ import annotations`, because FastAPI reads the annotations of `__call__`.
from collections.abc import Iterable
from typing import Any

from fastapi.exceptions import HTTPException, WebSocketException
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.requests import HTTPConnection
from fastapi.security.base import SecurityBase

from boltguard import _rust
from boltguard.asgi.gate import Gate, run_checks
from boltguard.asgi.middleware import ENTRY, refuse_object_checks
from boltguard.asgi.refusals import CLOSE_CODES, report
from boltguard.auth.arguments import refuse
from boltguard.auth.backends import Authentication
from boltguard.auth.evaluation import refuse_absent_backends
from boltguard.auth.guards import Guard, IsAuthenticated, check_guards, conjunction
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.optional import ImproperlyConfigured


class Authenticated(SecurityBase):
    """A dependency that returns the context of the caller, if the guards allow it. Requires `AuthMiddleware`.

    The default of `guards` is `[IsAuthenticated()]`. Otherwise, the dependency raises FastAPI's `HTTPException` with
    401 or 403, or for a WebSocket `WebSocketException` with 4401 or 4403. `backend` is the backend that the OpenAPI
    document describes; the default is a bearer token. `scheme_name` is its name there.
    """

    def __init__(
        self,
        *,
        guards: Iterable[Guard] | None = None,
        backend: Authentication | None = None,
        scheme_name: str | None = None,
        description: str | None = None,
    ) -> None:
        self._guard = conjunction(check_guards([IsAuthenticated()] if guards is None else guards))
        refuse_object_checks(self._guard, "Authenticated")
        if backend is not None and not isinstance(backend, Authentication):
            refuse("Authenticated: backend must be a backend of AuthMiddleware, such as JWTAuthentication().")
        self.model = _model(backend, description)
        self.scheme_name = scheme_name or ("bearer" if backend is None else backend.name)
        self._compiled: tuple[Gate, _rust.Gate] | None = None

    async def __call__(self, connection: HTTPConnection) -> _rust.AuthContext:
        entry = connection.scope.get(ENTRY)
        if entry is None:
            raise ImproperlyConfigured("Authenticated requires AuthMiddleware around the application.")
        gate, known = entry
        step = self._gate_for(gate).check_caller(known.context)
        if isinstance(step, _rust.GuardChecks):
            step = await run_checks(known, self._guard, step)
        if isinstance(step, _rust.AuthContext):
            return step
        await report(known, step.status, step.reason, step.claim)
        if connection.scope["type"] == "websocket":
            raise WebSocketException(CLOSE_CODES[step.status], step.code)
        headers = None if step.challenge is None else {"WWW-Authenticate": step.challenge}
        raise HTTPException(step.status, step.detail, headers)

    def _gate_for(self, gate: Gate) -> _rust.Gate:
        """The guard with the backends of a middleware, which are in the challenge."""
        compiled = self._compiled
        if compiled is None or compiled[0] is not gate:
            refuse_absent_backends(self._guard, gate.backends)
            self._compiled = compiled = (gate, _rust.Gate(gate.rust, self._guard.rust))
        return compiled[1]

    def __repr__(self) -> str:
        return f"Authenticated(guards=[{self._guard}])"


def _model(backend: Authentication | None, description: str | None) -> Any:
    """The security scheme of OpenAPI."""
    if backend is None or _is_bearer(backend):
        return HTTPBearer(bearerFormat="JWT", description=description)
    if backend.header is None:
        refuse("Authenticated: backend has no header, so that it can't be described in OpenAPI.")
    return APIKey.model_validate({"in": APIKeyIn.header, "name": backend.header.title(), "description": description})


def _is_bearer(backend: Authentication) -> bool:
    is_token = isinstance(backend, JWTAuthentication) and backend.schemes[0].lower() == "bearer"
    return is_token and (backend.header or "").lower() == "authorization"
