"""Token introspection, RFC 7662."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from boltguard import _rust
from boltguard.auth.guards import IsAuthenticated
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.gate.view_gate import ViewGate
from boltguard.oauth.endpoint import aendpoint, check_backend, endpoint
from boltguard.oauth.forms import TokenForm
from boltguard.oauth.presented import Found, aevaluate, evaluate
from boltguard.oauth.responses import unavailable, uncached


def introspection_view(backend: JWTAuthentication, *, auth: Any, guards: Any) -> Any:
    """A view for `POST token=…`, which says whether a token of `backend` is active, and to whom it belongs.

    `auth` and `guards` are those of its callers, as in `protect`. Raises `ImproperlyConfigured` if the guards allow
    anonymous callers.
    """
    view_gate = _view_gate("introspection_view", backend)

    def introspect(request: HttpRequest, form: TokenForm) -> HttpResponse:
        return _response(evaluate(view_gate.gate, request, form) if form.may_be_token else None)

    return endpoint("introspection_view", introspect, auth, guards)


def aintrospection_view(backend: JWTAuthentication, *, auth: Any, guards: Any) -> Any:
    """`introspection_view`, as an async view."""
    view_gate = _view_gate("aintrospection_view", backend)

    async def introspect(request: HttpRequest, form: TokenForm) -> HttpResponse:
        return _response(await aevaluate(view_gate.gate, request, form) if form.may_be_token else None)

    return aendpoint("aintrospection_view", introspect, auth, guards)


def _view_gate(name: str, backend: Any) -> ViewGate:
    return ViewGate([check_backend(name, backend)], [IsAuthenticated()])


def _response(found: Found) -> HttpResponse:
    if isinstance(found, _rust.Refusal) and found.status == 503:
        return unavailable(found.retry_after)
    response = found.introspection() if isinstance(found, _rust.AuthContext) else None
    return uncached(INACTIVE if response is None else response)


# It doesn't say why, RFC 7662 §2.2.
INACTIVE = {"active": False}
