"""What the endpoints have in common: their callers are authenticated, and they accept POST only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from boltguard.auth.guards import check_guards, conjunction
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.decorators import protect
from boltguard.messages import kind_of
from boltguard.oauth.forms import TokenForm, read_form
from boltguard.oauth.responses import InvalidRequest, invalid
from boltguard.sessions import TokenSessions


def endpoint(name: str, respond: Callable[[HttpRequest, TokenForm], HttpResponse], auth: Any, guards: Any) -> Any:
    """A sync view for callers that these guards allow."""
    check_callers(name, auth, guards)

    def view(request: HttpRequest) -> HttpResponse:
        try:
            form = read_form(request)
        except InvalidRequest as refused:
            return invalid(refused)
        return respond(request, form)

    return _hardened(name, view, auth, guards)


def aendpoint(
    name: str, respond: Callable[[HttpRequest, TokenForm], Awaitable[HttpResponse]], auth: Any, guards: Any
) -> Any:
    """`endpoint`, for an async view."""
    check_callers(name, auth, guards)

    async def view(request: HttpRequest) -> HttpResponse:
        try:
            form = read_form(request)
        except InvalidRequest as refused:
            return invalid(refused)
        return await respond(request, form)

    return _hardened(name, view, auth, guards)


def check_backend(name: str, backend: Any) -> JWTAuthentication:
    """The backend whose tokens are meant, or `ImproperlyConfigured`."""
    if not isinstance(backend, JWTAuthentication):
        raise ImproperlyConfigured(f"{name}: backend is {kind_of(backend)}. It must be a JWTAuthentication.")
    return backend


def check_sessions(name: str, sessions: Any) -> TokenSessions | None:
    """The sessions whose refresh tokens are meant, too, or `ImproperlyConfigured`."""
    if sessions is not None and not isinstance(sessions, TokenSessions):
        raise ImproperlyConfigured(f"{name}: sessions is {kind_of(sessions)}. It must be a TokenSessions.")
    return sessions


def check_revocable(name: str, backend: Any, sessions: Any) -> None:
    """`ImproperlyConfigured` if no token could be revoked."""
    check_sessions(name, sessions)
    if check_backend(name, backend).revocation_store is None and sessions is None:
        raise ImproperlyConfigured(
            f"{name}: the backend has no revocation store, so no token could be revoked. Give it one, as in "
            "JWTAuthentication(revocation_store=DjangoORMRevocation())."
        )


def check_callers(name: str, auth: Any, guards: Any) -> None:
    """`ImproperlyConfigured` if anonymous callers would be allowed: they could test stolen or guessed tokens."""
    if not auth:
        raise ImproperlyConfigured(f"{name}: auth must be a list of backends, such as [APIKeyAuthentication(...)].")
    if guards is None or conjunction(check_guards(guards)).rust.allows_anonymous:
        raise ImproperlyConfigured(
            f"{name}: the guards must require an authenticated caller, as in "
            'guards=[HasPermission("tokens.introspect")].'
        )


def _hardened(name: str, view: Any, auth: Any, guards: Any) -> Any:
    view.__name__ = view.__qualname__ = name
    # Error reports of Django include the parameters of a request.
    return sensitive_post_parameters()(require_POST(protect(auth=auth, guards=guards)(view)))
