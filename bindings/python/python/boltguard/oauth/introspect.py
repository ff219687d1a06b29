"""Token introspection, RFC 7662."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from boltguard import _rust
from boltguard.auth.guards import IsAuthenticated
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.gate.view_gate import ViewGate
from boltguard.logs import log_failure
from boltguard.oauth.endpoint import aendpoint, check_backend, check_sessions, endpoint
from boltguard.oauth.forms import TokenForm
from boltguard.oauth.presented import Found, aevaluate, evaluate
from boltguard.oauth.responses import unavailable, uncached
from boltguard.sessions import TokenSessions


def introspection_view(
    backend: JWTAuthentication, *, auth: Any, guards: Any, sessions: TokenSessions | None = None
) -> Any:
    """A view for `POST token=…`, which says whether a token of `backend` is active, and to whom it belongs.

    With `sessions`, it also describes their refresh tokens, whose `token_type` isn't `Bearer`.

    `auth` and `guards` are those of its callers, as in `protect`. Raises `ImproperlyConfigured` if the guards allow
    anonymous callers.
    """
    view_gate = _view_gate("introspection_view", backend)
    check_sessions("introspection_view", sessions)

    def introspect(request: HttpRequest, form: TokenForm) -> HttpResponse:
        if not form.may_be_token:
            return uncached(INACTIVE)
        if sessions is not None and sessions.has_issued(form.token.value):
            try:
                return uncached(sessions.introspect(form.token.value) or INACTIVE)
            except Exception as error:
                return _failed(error)
        return _response(evaluate(view_gate.gate, request, form))

    return endpoint("introspection_view", introspect, auth, guards)


def aintrospection_view(
    backend: JWTAuthentication, *, auth: Any, guards: Any, sessions: TokenSessions | None = None
) -> Any:
    """`introspection_view`, as an async view."""
    view_gate = _view_gate("aintrospection_view", backend)
    check_sessions("aintrospection_view", sessions)

    async def introspect(request: HttpRequest, form: TokenForm) -> HttpResponse:
        if not form.may_be_token:
            return uncached(INACTIVE)
        if sessions is not None and sessions.has_issued(form.token.value):
            try:
                return uncached(await sessions.aintrospect(form.token.value) or INACTIVE)
            except Exception as error:
                return _failed(error)
        return _response(await aevaluate(view_gate.gate, request, form))

    return aendpoint("aintrospection_view", introspect, auth, guards)


def _view_gate(name: str, backend: Any) -> ViewGate:
    return ViewGate([check_backend(name, backend)], [IsAuthenticated()])


def _response(found: Found) -> HttpResponse:
    if isinstance(found, _rust.Refusal) and found.status == 503:
        return unavailable(found.retry_after)
    response = found.introspection() if isinstance(found, _rust.AuthContext) else None
    return uncached(INACTIVE if response is None else response)


def _failed(error: Exception) -> HttpResponse:
    log_failure("The sessions are unavailable.", error)
    return unavailable()


# It doesn't say why, RFC 7662 §2.2.
INACTIVE = {"active": False}
