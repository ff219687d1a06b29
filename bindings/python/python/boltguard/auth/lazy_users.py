"""`LazyUser`: the account of a caller, loaded when an attribute other than its primary key is read.

In a protected view, reading an account that is deleted or inactive results in a 401. Elsewhere (in middleware, in a
template that is rendered after the view, in an error page), such a user behaves like Django's `AnonymousUser`, like the
user of a session whose account was deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.core.exceptions import SynchronousOnlyOperation
from django.utils.functional import LazyObject, empty

from boltguard.auth.accounts import UserUnavailable, find_by_key, primary_key, user_model
from boltguard.event_loop import in_event_loop
from boltguard.threads import in_thread


class Visit:
    """The state of a request in its gates, and the missing account that was read there."""

    # The number of gates that the request is in. Class attributes, because an object is created for every request.
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

    # A class attribute, because `LazyObject.__init__` is too slow for every request.
    _wrapped: Any = empty
    # The error that explains why the account is missing.
    _failure: UserUnavailable | None = None

    def __init__(self, subject: str, visit: Visit | None = None) -> None:
        own = _get(self, "__dict__")
        own["_subject"] = subject
        own["_visit"] = OUTSIDE if visit is None else visit

    # Faster than `LazyObject.__getattribute__`, which first compares with its own methods.
    def __getattribute__(self, name: str) -> Any:
        return _get(self, name) if name in OWN else super().__getattribute__(name)

    @property
    def is_authenticated(self) -> bool:
        """True, unless the account is known to be missing and the view has returned."""
        return not self._is_absent()

    @property
    def is_anonymous(self) -> bool:
        """The opposite of `is_authenticated`."""
        return self._is_absent()

    @property
    def pk(self) -> Any:
        """The primary key, converted by the user model."""
        if self._wrapped is not empty:
            return self._wrapped.pk
        if self._visit.depth:
            return self._key() if self._may_exist() else self._refuse()
        return None if self._is_absent() else self._key()

    @property
    def id(self) -> Any:
        """The primary key, if the field has this name."""
        return self.pk if user_model()._meta.pk.attname == "id" else self._loaded().id

    def _is_pk_set(self, meta: Any = None) -> bool:
        """Whether the ORM can use the user in a filter; Django's `Model` has the same method."""
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
        """The account, or the error that explains why it is missing."""
        try:
            return find_by_key(self._subject)
        except UserUnavailable as unavailable:
            return unavailable

    async def _afetch(self) -> Any:
        return await in_thread(self._fetch)()

    def _is_absent(self) -> bool:
        """Whether the user is anonymous, as far as it can be determined without a query."""
        if self._wrapped is not empty:
            return type(self._wrapped) is _absent_user_class()
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
            self._wrapped = _absent_user_class()()

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
        return _absent_user_class() if self._is_absent() else user_model()

    # Without it, `request.user and request.user.is_authenticated` would load the account.
    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: Any) -> bool:
        if self._is_absent():
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

    # Django's templates try `user["name"]` before `user.name`; that alone doesn't load the account.
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


@lru_cache(maxsize=1)
def _absent_user_class() -> Any:
    from django.contrib.auth.models import AnonymousUser

    class AbsentUser(AnonymousUser):
        """An anonymous user with the fields of an account, empty.

        Code outside of a gate may have read `is_authenticated` before it was known that the account is missing.
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
# For users outside of protected views.
OUTSIDE = Visit()
OUTSIDE.depth = 0
VISIT = "_boltguard_visit"
CANT_WAIT = (
    "request.user isn't loaded yet, and loading it would block the event loop. Write `user = await request.auser()`."
)
# Attributes by which the ORM distinguishes expressions from values in filters.
EXPRESSION = {"as_sql", "conditional", "filterable", "get_source_expressions", "resolve_expression"}
