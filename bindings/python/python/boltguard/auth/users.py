"""`request.user`: set by a gate, and loaded by it or by the view.

Async code can't wait for the database. If the code of a view refers to `user`, the account is loaded before the view is
called. Otherwise, reading it raises `SynchronousOnlyOperation`, unless `await request.auser()` was called before.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from boltguard import _rust
from boltguard.auth.accounts import lookup_of
from boltguard.auth.backends import IDENTITY
from boltguard.auth.external import ExternalUser
from boltguard.auth.identity import Identity
from boltguard.auth.lazy_users import VISIT, LazyUser
from boltguard.auth.linked_users import LinkedUser, UnknownUser
from boltguard.exceptions import Unauthorized


def attach(request: Any, context: _rust.AuthContext, gate: Any) -> None:
    """Sets `request.context`, `request.user` and `request.auser`. `gate` authenticated the caller."""
    request.context = request._boltguard_seen = context
    request._boltguard_gate = gate
    note_gate(request, gate)
    subject = context.account
    if subject is not None:
        request.user = user = LazyUser(subject, request.__dict__.get(VISIT))
        request.auser = MethodType(_aload, user)
    else:
        _attach_other(request, context)


def note_gate(request: Any, gate: Any) -> None:
    """Records for caches that the response may depend on what this gate read."""
    state = request.__dict__
    gates = state.get(GATES, ())
    if gate not in gates:
        state[GATES] = (*gates, gate)


def _attach_other(request: Any, context: _rust.AuthContext) -> None:
    """For a caller whose credentials don't contain the primary key of an account."""
    subject, source, visit = context.user_id, context.account_source, request.__dict__.get(VISIT)
    lookup = None if source is None else lookup_of(source)
    user: Any
    identity: Identity | None = request.__dict__.get(IDENTITY)
    if identity is not None and context.is_custom:
        _attach_identity(request, context, identity)
        return
    if not context.has_token or subject is None:
        request.user, request.auser = SimpleLazyObject(_anonymous), _aanonymous
        return
    if source is None:
        user = UnknownUser(subject, visit)
    elif lookup is not None:
        user = LinkedUser(subject, visit, lookup, context)
    else:
        request.user = user = ExternalUser(context)
        request.auser = MethodType(_aself, user)
        return
    request.user = user
    request.auser = MethodType(_aload, user)


def _attach_identity(request: Any, context: _rust.AuthContext, identity: Identity) -> None:
    """For a caller whom a custom backend identified."""
    request.user = user = ExternalUser(context) if identity.user is None else identity.user
    request.auser = MethodType(_aself, user)


_aload = LazyUser.aload


async def _aself(user: Any) -> Any:
    return user


def verify(request: Any) -> None:
    """Loads the account of a token, and raises if it is missing."""
    user = request.user
    if issubclass(type(user), LazyUser) and request._boltguard_seen.has_token:
        user._loaded()


async def averify(request: Any) -> None:
    """`verify`, for async code."""
    await prefetch(request)
    verify(request)


def is_missing(request: Any) -> bool:
    """Whether the account is known to be missing, outside of a protected view."""
    user = request.user
    return issubclass(type(user), LazyUser) and user._is_absent()


def needs_account(request: Any) -> bool:
    """Whether the primary key of the user is unknown until the account is loaded."""
    return type(request.__dict__.get("user")) is LinkedUser


async def prefetch(request: Any) -> None:
    """Loads the account of `request.user`, if it is lazy and not loaded yet. A missing one raises when it is read."""
    user: Any = getattr(request, "user", None)
    if issubclass(type(user), LazyUser):
        await user.prefetch()


def load(request: Any) -> None:
    """`prefetch`, for sync code."""
    user: Any = getattr(request, "user", None)
    if issubclass(type(user), LazyUser):
        user._find()


def get_auth_context(request: Any) -> _rust.AuthContext | None:
    """`request.context`, or `None` if Boltguard hasn't authenticated the request."""
    context = getattr(request, "context", None)
    return context if isinstance(context, _rust.AuthContext) else None


def get_current_user(request: Any) -> Any:
    """The account of the caller; 401 if it is missing. For `Depends(get_current_user)`."""
    user = request.user
    return _authenticated(user._loaded() if issubclass(type(user), LazyUser) else user)


async def aget_current_user(request: Any) -> Any:
    """`get_current_user` for async code; `Depends(get_current_user)` selects it automatically."""
    user = request.user
    return _authenticated(await (user.aload() if issubclass(type(user), LazyUser) else request.auser()))


get_current_user.asynchronous = aget_current_user  # type: ignore[attr-defined]


def _authenticated(user: Any) -> Any:
    if not user.is_authenticated:
        raise Unauthorized(gettext("A user account is required."), {"WWW-Authenticate": 'Bearer realm="api"'})
    return user


def _anonymous() -> Any:
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


async def _aanonymous() -> Any:
    return _anonymous()


# Where `attach` keeps the context for caches, which a view can't replace as it can `request.context`.
SEEN = "_boltguard_seen"
# The gates that a request has reached, for caches.
GATES = "_boltguard_gates"
