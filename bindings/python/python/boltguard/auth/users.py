"""`request.user`: the account of the caller, loaded when an attribute other than its primary key is read.

In a protected view, reading an account that is deleted or inactive results in a 401. Elsewhere (in middleware, in a
template that is rendered after the view, in an error page), such a user behaves like Django's `AnonymousUser`, like the
user of a session whose account was deleted.

Async code can't wait for the database. If the code of a view refers to `user`, the account is loaded before the view is
called. Otherwise, reading it raises `SynchronousOnlyOperation`, unless `await request.auser()` was called before.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from types import MethodType
from typing import Any

from django.core.exceptions import SynchronousOnlyOperation
from django.utils.functional import LazyObject, SimpleLazyObject, empty
from django.utils.translation import gettext

from boltguard import _rust
from boltguard.auth.accounts import Lookup, UserUnavailable, find_by_key, lookup_of, primary_key, user_model
from boltguard.auth.backends import IDENTITY
from boltguard.auth.external import ExternalUser
from boltguard.auth.identity import Identity
from boltguard.event_loop import in_event_loop
from boltguard.exceptions import Unauthorized
from boltguard.threads import in_thread


class Visit:
    """A request behind its gates, and the missing account that was read there."""

    # How many gates the request is behind; class attributes, because one is made for every request.
    depth = 1
    failure: UserUnavailable | None = None
    # Converts the error for the framework that calls the view.
    translate: Callable[[UserUnavailable], Exception] | None = None

    @staticmethod
    def begin(request: Any) -> Visit:
        """Enters a gate. The caller must decrement `depth` after the view."""
        state = request.__dict__
        visit: Visit | None = state.get(VISIT)
        if visit is None or not visit.depth:
            state[VISIT] = visit = Visit()
        else:
            visit.depth += 1
        return visit


class LazyUser(LazyObject):  # type: ignore[type-arg]
    """A user that is loaded when an attribute other than `pk` and `id` is read."""

    # `LazyObject` would set it, by a detour, in each of them: this runs for every request.
    _wrapped: Any = empty
    # Why the account is missing, once that is known.
    _failure: UserUnavailable | None = None

    def __init__(self, subject: str, visit: Visit | None = None) -> None:
        own = _get(self, "__dict__")
        own["_subject"] = subject
        own["_visit"] = OUTSIDE if visit is None else visit

    # That of `LazyObject` first makes sure that the attribute is none of its own methods.
    def __getattribute__(self, name: str) -> Any:
        return _get(self, name) if name in OWN else super().__getattribute__(name)

    @property
    def is_authenticated(self) -> bool:
        """True, unless the account is known to be missing and the view has returned."""
        return not self._is_nobody()

    @property
    def is_anonymous(self) -> bool:
        """The opposite."""
        return self._is_nobody()

    @property
    def pk(self) -> Any:
        """The primary key, converted by the user model."""
        if self._wrapped is not empty:
            return self._wrapped.pk
        if self._visit.depth:
            return self._key() if self._may_exist() else self._refuse()
        return None if self._is_nobody() else self._key()

    @property
    def id(self) -> Any:
        """The primary key, if the field has this name."""
        return self.pk if user_model()._meta.pk.attname == "id" else self._loaded().id

    def _is_pk_set(self, meta: Any = None) -> bool:
        """What the ORM asks of an object in a filter."""
        return self.pk is not None

    async def aload(self) -> Any:
        """The account, loaded without blocking the event loop."""
        await self.prefetch()
        return self._loaded()

    async def prefetch(self) -> None:
        """Loads the account. If it is missing, reading it later raises the error."""
        if self._wrapped is empty and self._failure is None and self._may_exist():
            self._keep(await self._afetch())

    def _key(self) -> Any:
        """The primary key; `None` if the subject can't be one."""
        own = _get(self, "__dict__")
        if "_pk" not in own:
            try:
                own["_pk"] = primary_key(self._subject)
            except UserUnavailable as failure:
                own["_pk"], own["_failure"] = None, failure
        return own["_pk"]

    def _may_exist(self) -> bool:
        return self._key() is not None

    def _fetch(self) -> Any:
        """The account, or why it is missing."""
        try:
            return find_by_key(self._subject)
        except UserUnavailable as unavailable:
            return unavailable

    async def _afetch(self) -> Any:
        return await in_thread(self._fetch)()

    def _is_nobody(self) -> bool:
        """Whether the user is anonymous, as far as is known without a query."""
        if self._wrapped is not empty:
            return type(self._wrapped) is _stand_in_class()
        return not self._visit.depth and (self._failure is not None or not self._may_exist())

    def _find(self) -> None:
        if self._wrapped is empty and self._failure is None and self._may_exist():
            if query_would_block():
                raise SynchronousOnlyOperation(CANT_WAIT)
            self._keep(self._fetch())

    def _setup(self) -> None:
        self._find()
        if self._failure is not None:
            if self._visit.depth:
                self._refuse()
            self._wrapped = _stand_in_class()()

    def _keep(self, outcome: Any) -> None:
        if isinstance(outcome, UserUnavailable):
            self.__dict__["_failure"] = outcome
        else:
            self._wrapped = outcome

    def _refuse(self) -> Any:
        """Raises the error, which results in a 401 even if the view catches it."""
        failure = self._failure
        assert failure is not None
        visit = self._visit
        visit.failure = failure
        raise failure.with_traceback(None) if visit.translate is None else visit.translate(failure)

    def _loaded(self) -> Any:
        if self._wrapped is empty:
            self._setup()
        return self._wrapped

    def __getattr__(self, name: str) -> Any:
        if self._wrapped is empty:
            model = user_model()
            if name == "_meta":
                return model._meta
            if name in EXPRESSION or (name.startswith("__") and not hasattr(model, name)):
                raise AttributeError(name)
            if name == model._meta.pk.attname:
                return self.pk
        return getattr(self._loaded(), name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return _stand_in_class() if self._is_nobody() else user_model()

    # `request.user and request.user.is_authenticated` is a common question, and a model is true.
    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: Any) -> bool:
        if self._is_nobody():
            return bool(getattr(other, "is_anonymous", False))
        key = other._known_key() if issubclass(type(other), LazyUser) else getattr(other, "pk", None)
        return other is self or (isinstance(other, user_model()) and key is not None and key == self._known_key())

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._known_key())

    def _known_key(self) -> Any:
        return self._key() if self._wrapped is empty else self._wrapped.pk

    def __repr__(self) -> str:
        return f"<LazyUser: {self._wrapped!r}>" if self._wrapped is not empty else f"<LazyUser: {self._subject!r}>"

    # Django's templates try `user["name"]` before `user.name`, which is no reason to load a user.
    def __getitem__(self, key: Any) -> Any:
        return self._subscripted("__getitem__")[key]

    def __iter__(self) -> Any:
        return iter(self._subscripted("__iter__"))

    def __len__(self) -> int:
        return len(self._subscripted("__len__"))

    def __contains__(self, item: object) -> bool:
        return item in self._subscripted("__contains__")

    def _subscripted(self, method: str) -> Any:
        model = user_model()
        if not hasattr(model, method):
            raise TypeError(f"'{model.__name__}' object doesn't support {method}")
        return self._loaded()

    def __copy__(self) -> Any:
        return type(self)(self._subject, self._visit) if self._wrapped is empty else super().__copy__()

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self)(self._subject, self._visit) if self._wrapped is empty else super().__deepcopy__(memo)


class UnknownUser(LazyUser):
    """A user of a token with an issuer that isn't in `issuer` of the backend."""

    def __init__(self, subject: str, visit: Visit | None = None) -> None:
        super().__init__(subject, visit)
        _get(self, "__dict__")["_failure"] = UserUnavailable("issuer_not_configured")

    def _key(self) -> Any:
        return None


class LinkedUser(LazyUser):
    """A user whose primary key isn't known before the account is loaded."""

    def __init__(self, subject: str, visit: Visit | None, lookup: Lookup, context: _rust.AuthContext) -> None:
        super().__init__(subject, visit)
        _get(self, "__dict__").update(_lookup=lookup, _context=context)

    @property
    def pk(self) -> Any:
        """The primary key. It loads the account; in async code, it is `None` until the account is loaded."""
        if self._wrapped is empty and not self._visit.depth and query_would_block():
            return None
        return self._loaded().pk

    def _key(self) -> Any:
        return None

    def _known_key(self) -> Any:
        if self._wrapped is empty and not query_would_block():
            self._find()
        return None if self._wrapped is empty else self._wrapped.pk

    def _may_exist(self) -> bool:
        return True

    def _fetch(self) -> Any:
        try:
            return self._lookup.find(self._context)
        except UserUnavailable as unavailable:
            return unavailable

    async def _afetch(self) -> Any:
        try:
            return await self._lookup.afind(self._context)
        except UserUnavailable as unavailable:
            return unavailable

    def __repr__(self) -> str:
        # The subject may be any claim, such as an email address.
        return super().__repr__() if self._wrapped is not empty else "<LazyUser: not loaded>"

    def __copy__(self) -> Any:
        return self if self._wrapped is empty else super().__copy__()

    def __deepcopy__(self, memo: Any) -> Any:
        return self if self._wrapped is empty else super().__deepcopy__(memo)


def attach(request: Any, context: _rust.AuthContext, gate: Any) -> None:
    """Sets `request.context`, `request.user` and `request.auser`. `gate` authenticated the caller."""
    request.context = request._boltguard_seen = context
    request._boltguard_gate = gate
    subject = context.account
    if subject is not None:
        request.user = user = LazyUser(subject, request.__dict__.get(VISIT))
        request.auser = MethodType(_aload, user)
    else:
        _attach_other(request, context)


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
    """Whether the user is known to have no account, outside of a protected view."""
    user = request.user
    return issubclass(type(user), LazyUser) and user._is_nobody()


def needs_account(request: Any) -> bool:
    """Whether not even the key of the user is known before the account is loaded."""
    return type(request.__dict__.get("user")) is LinkedUser


async def prefetch(request: Any) -> None:
    """Loads the account behind `request.user`, where there is one to load."""
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


@lru_cache(maxsize=1)
def _stand_in_class() -> Any:
    from django.contrib.auth.models import AnonymousUser

    class AbsentUser(AnonymousUser):
        """An anonymous user with the fields of an account, empty.

        Code outside of a gate may have asked `is_authenticated` before it was known that the account is missing.
        """

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return getattr(user_model()(), name)

        def __reduce__(self) -> tuple[Any, ...]:
            return AnonymousUser, ()

    return AbsentUser


def query_would_block() -> bool:
    """Whether a query would block an event loop."""
    return not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE") and in_event_loop()


_get = object.__getattribute__
OWN = {
    "id", "is_anonymous", "is_authenticated", "pk", "_failure", "_subject", "_visit", "_wrapped", "__dict__",
}  # fmt: skip
# Where `attach` keeps the context for the caches, whatever a view makes of `request.context`.
SEEN = "_boltguard_seen"
# For users outside of protected views.
OUTSIDE = Visit()
OUTSIDE.depth = 0
VISIT = "_boltguard_visit"
CANT_WAIT = (
    "request.user isn't loaded yet, and loading it would block the event loop. Write `user = await request.auser()`."
)
# Attributes by which the ORM distinguishes expressions from values in filters.
EXPRESSION = {"as_sql", "conditional", "filterable", "get_source_expressions", "resolve_expression"}
