"""`logout`: revokes the token of a request for its remaining lifetime."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, NamedTuple

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.utils.translation import gettext

from boltguard import _rust
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.stores import RevocationStore
from boltguard.auth.sync_async import AwaitableNone
from boltguard.event_loop import in_event_loop
from boltguard.exceptions import Unauthorized


def logout(request: Any) -> AwaitableNone:
    """Revokes the token that authenticated this request, in the store of the backend that accepted it.

    The entry is kept for the remaining lifetime of the token; without `exp`, permanently. Django's signal
    `user_logged_out` is sent. In async code use `await alogout(request)`.

    Raises `Unauthorized` if the request has no valid token, `ValueError` if an API key authenticated it, and
    `ImproperlyConfigured` if the backend has no revocation store.
    """
    for token in _tokens(request):
        _revoke(token)
    if (signal := _signal(request)) is not None:
        signal.send(**_sent(request))
    return AwaitableNone()


async def alogout(request: Any) -> None:
    """`logout`, for async code."""
    for token in _tokens(request):
        await token.store.arevoke(token.jti, token.ttl)
    if (signal := _signal(request)) is not None:
        await signal.asend(**_sent(request))


class _Token(NamedTuple):
    store: RevocationStore
    jti: str
    ttl: float | None


def _revoke(token: _Token) -> None:
    revoke = token.store.revoke
    if iscoroutinefunction(revoke) and in_event_loop():
        raise SynchronousOnlyOperation(USE_ALOGOUT)
    try:
        done = async_to_sync(revoke)(*token[1:]) if iscoroutinefunction(revoke) else revoke(*token[1:])
    except SynchronousOnlyOperation as error:
        raise SynchronousOnlyOperation(USE_ALOGOUT) from error
    if iscoroutine(done):
        done.close()
        raise TypeError(f"{type(token.store).__name__}.revoke returned a coroutine. Define it with `async def`.")


def _tokens(request: Any) -> list[_Token]:
    """The token of a request, once for each store in which it must be revoked."""
    context: _rust.AuthContext | None = getattr(request, "_boltguard_seen", None)
    if context is None or not context.is_authenticated:
        raise Unauthorized(gettext("The request has no token to revoke."))
    if not context.has_token:
        raise ValueError(NOT_A_TOKEN.format(context.auth_backend))
    jti = context.jti
    stores = [backend.revocation_store for backend in _accepting(request._boltguard_gate.backends, request.META, jti)]
    if not jti or any(store is None for store in stores):
        raise ImproperlyConfigured(NO_STORE)
    return [_Token(store, jti, context.expires_in) for store in stores if store is not None]


def _accepting(backends: list[Any], meta: dict[str, Any], jti: str | None) -> list[JWTAuthentication]:
    """The backend that accepted the token: the first one that accepts it now. All of them if none does, because the
    token may have expired in the meantime."""
    known = [backend for backend in backends if isinstance(backend, JWTAuthentication)]
    return list(_again(known, meta, jti))[:1] or known if len(known) > 1 else known


def _again(backends: list[JWTAuthentication], meta: dict[str, Any], jti: str | None) -> Iterator[JWTAuthentication]:
    for backend in backends:
        outcome = _rust.Gate([backend.rust], _rust.Guard.allow_any()).check(meta)
        is_this = isinstance(outcome, (_rust.AuthContext, _rust.RevocationCheck)) and outcome.jti == jti
        is_revoked = isinstance(outcome, _rust.AuthContext) and outcome.get("auth_error") == "token_revoked"
        if (jti is not None and is_this) or is_revoked:
            yield backend


def _signal(request: Any) -> Any:
    """`user_logged_out`, if the site has users and receivers are connected."""
    from django.apps import apps

    if not apps.is_installed("django.contrib.auth"):
        return None
    from django.contrib.auth.signals import user_logged_out

    return user_logged_out if user_logged_out.receivers else None


def _sent(request: Any) -> dict[str, Any]:
    user = request.user
    return {"sender": user.__class__, "request": request, "user": user}


NOT_A_TOKEN = 'logout() revokes the token of a request, but "{}" authenticated this one. Revoke its credential instead.'
NO_STORE = (
    "logout() requires a revocation store. Give one to the backend, as in "
    "JWTAuthentication(revocation_store=DjangoCacheRevocation())."
)
USE_ALOGOUT = "logout() can't wait for the revocation store in async code. Use `await alogout(request)`."
