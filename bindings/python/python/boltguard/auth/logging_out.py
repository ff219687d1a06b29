"""`logout`: revokes the token of a request for its remaining lifetime, and ends its session."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, NamedTuple

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.utils.translation import gettext

from boltguard import _rust
from boltguard.auth.failures import Failures
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.revocation_arguments import Ttl
from boltguard.auth.session_managers import SessionTable, is_local, session_table
from boltguard.auth.stores import RevocationStore
from boltguard.auth.sync_async import AwaitableNone
from boltguard.event_loop import in_event_loop
from boltguard.exceptions import Unauthorized
from boltguard.threads import in_thread


def logout(request: Any, *, session_ttl: Ttl = None) -> AwaitableNone:
    """Revokes the token that authenticated this request, in the store of the backend that accepted it, and its session.

    The entry is kept for the remaining lifetime of the token; without `exp`, permanently. Django's signal
    `user_logged_out` is sent. In async code use `await alogout(request)`.

    If the token has a `sid`, its session ends: the one of `boltguard.sessions`, and all tokens with this `sid`.
    `session_ttl` is the longest lifetime of a token of the session, in seconds or as a `timedelta`. The default is that
    of `TokenSessions`; for other sessions, it is unknown, and the entry of the session is kept permanently.

    Raises `Unauthorized` if the request has no valid token, `ValueError` if an API key authenticated it,
    `ImproperlyConfigured` if the backend has no revocation store, and `NotImplementedError`, after the token was
    revoked, if the store can't revoke a session.
    """
    tokens, session = _tokens(request), _session(request)
    if in_event_loop() and any(_would_block(token.store, session) for token in tokens):
        raise SynchronousOnlyOperation(USE_ALOGOUT)
    if session is not None and session.is_foreign and is_local(session.id):
        session = None
    failures = Failures()
    # The session first: once the token is revoked, a request that repeats a failed logout is refused.
    if session is not None:
        lifetime = _end(session, failures)
        ttl = lifetime if session_ttl is None else session_ttl
        for token in tokens:
            failures.catch(token.store.revoke_session, session.id, ttl)
    for token in tokens:
        failures.catch(_revoke, token)
    failures.raise_worst()
    if (signal := _signal(request)) is not None:
        signal.send(**_sent(request))
    return AwaitableNone()


async def alogout(request: Any, *, session_ttl: Ttl = None) -> None:
    """`logout`, for async code."""
    tokens, session = _tokens(request), _session(request)
    if session is not None and session.is_foreign and await in_thread(is_local)(session.id):
        session = None
    failures = Failures()
    if session is not None:
        lifetime = await in_thread(_end)(session, failures)
        ttl = lifetime if session_ttl is None else session_ttl
        for token in tokens:
            await failures.acatch(token.store.arevoke_session(session.id, ttl))
    for token in tokens:
        await failures.acatch(token.store.arevoke(token.jti, token.ttl))
    failures.raise_worst()
    if (signal := _signal(request)) is not None:
        await signal.asend(**_sent(request))


class _Token(NamedTuple):
    store: RevocationStore
    jti: str
    ttl: float | None


class _Session(NamedTuple):
    id: str
    table: SessionTable | None
    is_foreign: bool


def _session(request: Any) -> _Session | None:
    """The session of the token of a request, and who can end it."""
    context = request._boltguard_seen
    if not context.session_id:
        return None
    # Another issuer must not end a session of this site, whose ID it may know. Watermarks of sessions have no issuer.
    is_foreign = context.account is None
    return _Session(context.session_id, None if is_foreign else session_table(), is_foreign)


def _end(session: _Session, failures: Failures) -> Ttl:
    """Ends a session. Returns how long its access tokens are valid, if it is in the table."""
    table = session.table
    if table is None:
        return None
    # Also if it has ended before, or a store fails.
    is_in_table = failures.catch(table.end, session.id) or failures.catch(table.has, session.id)
    return table.access_lifetime if is_in_table else None


def _would_block(store: RevocationStore, session: _Session | None) -> bool:
    """Whether a sync call couldn't revoke the session in an event loop; the token is revoked by `_revoke`."""
    if session is None:
        return False
    return session_table() is not None or iscoroutinefunction(store.revoke_level)


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
