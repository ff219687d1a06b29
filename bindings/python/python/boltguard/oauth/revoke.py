"""Token revocation, RFC 7009."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest, HttpResponse

from boltguard import _rust
from boltguard.auth.evaluation import Identified
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.stores import RevocationStore
from boltguard.exceptions import InvalidRefreshToken
from boltguard.logs import log_failure
from boltguard.oauth.endpoint import aendpoint, check_revocable, endpoint
from boltguard.oauth.forms import TokenForm
from boltguard.oauth.presented import aevaluate_revocable, evaluate_revocable
from boltguard.oauth.responses import NOT_CACHED, error, unavailable
from boltguard.sessions import TokenSessions


def revocation_view(
    backend: JWTAuthentication, *, auth: Any, guards: Any, sessions: TokenSessions | None = None
) -> Any:
    """A view for `POST token=…`, which revokes a token of `backend` in its revocation store.

    With `sessions`, it also accepts their refresh tokens: it ends the session, and revokes its access tokens.

    `auth` and `guards` are those of its callers, as in `protect`. Raises `ImproperlyConfigured` if the guards allow
    anonymous callers, or the backend has no revocation store. With `sessions`, the store isn't required: their refresh
    tokens can be revoked without one.
    """
    check_revocable("revocation_view", backend, sessions)

    def revoke(request: HttpRequest, form: TokenForm) -> HttpResponse:
        if not form.may_be_token:
            return _done()
        try:
            if sessions is not None and sessions.has_issued(form.token.value):
                # Whatever the hint says, RFC 7009 §2.1.
                with suppress(InvalidRefreshToken):
                    sessions.end_by_token(form.token.value)
                return _done()
            target = _target(backend, evaluate_revocable(backend, request, form))
            if isinstance(target, HttpResponse):
                return target
            _revoke(target)
        except Exception as error:
            return _failed(backend, error)
        return _done()

    return endpoint("revocation_view", revoke, auth, guards)


def arevocation_view(
    backend: JWTAuthentication, *, auth: Any, guards: Any, sessions: TokenSessions | None = None
) -> Any:
    """`revocation_view`, as an async view."""
    check_revocable("arevocation_view", backend, sessions)

    async def revoke(request: HttpRequest, form: TokenForm) -> HttpResponse:
        if not form.may_be_token:
            return _done()
        try:
            if sessions is not None and sessions.has_issued(form.token.value):
                with suppress(InvalidRefreshToken):
                    await sessions.aend_by_token(form.token.value)
                return _done()
            target = _target(backend, await aevaluate_revocable(backend, request, form))
            if isinstance(target, HttpResponse):
                return target
            await target.store.arevoke(target.jti, target.ttl)
        except Exception as error:
            return _failed(backend, error)
        return _done()

    return aendpoint("arevocation_view", revoke, auth, guards)


@dataclass(frozen=True, slots=True, repr=False)
class _Target:
    """A genuine token, and the store that has to know that it is revoked."""

    store: RevocationStore
    jti: str
    ttl: float | None


def _target(backend: JWTAuthentication, found: Identified) -> _Target | HttpResponse:
    if isinstance(found, _rust.Refusal) and found.status == 503:
        return unavailable(found.retry_after)
    # A token that isn't valid doesn't need to be revoked, RFC 7009 §2.2. Neither does one without an ID, which a
    # backend with a store doesn't accept.
    if not isinstance(found, _rust.AuthContext):
        return _done()
    if backend.revocation_store is None:
        return error("unsupported_token_type", "Tokens of this kind can't be revoked.")
    return _Target(backend.revocation_store, found.jti, found.expires_in) if found.jti else _done()


def _revoke(target: _Target) -> None:
    revoke = target.store.revoke
    if iscoroutinefunction(revoke):
        revoke = async_to_sync(revoke)
    revoke(target.jti, target.ttl)


def _failed(backend: JWTAuthentication, error: Exception) -> HttpResponse:
    log_failure(f"{backend.store_name} is unavailable.", error)
    return unavailable()


def _done() -> HttpResponse:
    return HttpResponse(headers=NOT_CACHED)
