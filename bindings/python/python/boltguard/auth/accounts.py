"""Accounts: the row of the user model that credentials belong to."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from inspect import iscoroutine
from itertools import count
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from boltguard import _rust
from boltguard.exceptions import Unauthorized
from boltguard.messages import kind_of
from boltguard.optional import (
    FieldDoesNotExist,
    ImproperlyConfigured,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    ValidationError,
    async_to_sync,
    iscoroutinefunction,
)
from boltguard.stop_iteration import without_stop_iteration
from boltguard.threads import in_thread


class UserUnavailable(Unauthorized):
    """The credentials are valid, but don't belong to an active account. `reason` is only for logs."""

    code = "invalid_token"

    def __init__(self, reason: str = "user_not_found") -> None:
        self.reason = reason
        challenge = 'Bearer realm="api", error="invalid_token", error_description="The token is invalid"'
        # Not translated: the response must not differ from that to an invalid token, which Rust creates.
        super().__init__("The token is invalid.", {"WWW-Authenticate": challenge})

    def for_context(self, context: _rust.AuthContext) -> UserUnavailable:
        """The same error in the words for the caller's kind of credentials."""
        if context.api_key_id is not None:
            self.code, self.detail = "invalid_api_key", "The API key is invalid."
            self.headers = {"WWW-Authenticate": 'ApiKey realm="api"'}
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason,)


def user_model() -> Any:
    """The user model of the site."""
    from django.contrib.auth import get_user_model

    return get_user_model()


def primary_key(subject: str) -> Any:
    """The subject of credentials as a primary key, converted by the user model."""
    return typed(user_model()._meta.pk, subject)


def typed(field: Any, subject: str) -> Any:
    """The subject of credentials as a value of a field, or `UserUnavailable`."""
    # PostgreSQL refuses a NUL, and with it the rest of the transaction.
    if "\0" in subject:
        raise UserUnavailable
    try:
        value = field.to_python(subject)
        field.run_validators(value)
    except (ValidationError, ValueError, TypeError, OverflowError):
        raise UserUnavailable from None
    if not _is_written(value, subject):
        raise UserUnavailable
    return value


def subjects_of(value: Any) -> list[str]:
    """The subjects of the tokens of an account with this key: all strings that are accepted for it."""
    if not isinstance(value, UUID):
        return [str(value)]
    # Not in mixed case: there must be few, because each of them is revoked.
    return [str(value), value.hex, str(value).upper(), value.hex.upper()]


def _is_written(value: Any, subject: str) -> bool:
    """Whether a subject is the canonical string of the value: only "7" is user 7, although int("0_7") is 7, too."""
    if isinstance(value, UUID):
        return subject in subjects_of(value)
    return str(value) == subject if isinstance(value, (int, Decimal)) else True


def find_by_key(subject: str, *, is_current: bool = False) -> Any:
    """The active account with this primary key, or `UserUnavailable`.

    With `is_current`, it is read from the database that it is written to, never from a replica.
    """
    return find(user_model()._meta.pk, primary_key(subject), is_current=is_current)


def find(field: Any, value: Any, *, is_current: bool = False) -> Any:
    """The active account with exactly this value in a unique field, or `UserUnavailable`."""
    users = user_model()._default_manager
    if is_current:
        from django.db import router

        users = users.using(router.db_for_write(users.model))
    try:
        user = users.get(**{field.name: value})
    except (ObjectDoesNotExist, MultipleObjectsReturned, ValueError, TypeError, OverflowError):
        raise UserUnavailable from None
    # In the collation of a database, "ádmin" and "ADMIN" may be equal to "admin".
    if getattr(user, field.attname) != value:
        raise UserUnavailable
    return active(user)


def active(user: Any) -> Any:
    """The account itself, or `UserUnavailable` if it is inactive."""
    if not is_active(user):
        raise UserUnavailable("user_inactive")
    return user


def is_active(user: Any) -> bool:
    """Whether an account is active. Raises `ImproperlyConfigured` if its model doesn't say so."""
    state = getattr(user, "is_active", True)
    # Any other value, such as a method, would be true for all users.
    if not isinstance(state, (bool, int)) and state is not None:
        raise ImproperlyConfigured(f"{type(user).__name__}.is_active is {kind_of(state)}. {ACTIVE}")
    return bool(state)


class Lookup:
    """How the accounts of the tokens of a backend are found."""

    def check(self) -> None:
        """Raises `ImproperlyConfigured` for errors that only show once the models are loaded."""

    def find(self, context: _rust.AuthContext) -> Any:
        """The active account, or `UserUnavailable`."""
        raise NotImplementedError

    async def afind(self, context: _rust.AuthContext) -> Any:
        """`find`, for async code."""
        return await in_thread(self.find)(context)


class ByKey(Lookup):
    """By the primary key, as for tokens with keys of this site."""

    def find(self, context: _rust.AuthContext) -> Any:
        subject = context.account
        if subject is None:
            raise UserUnavailable
        return find_by_key(subject)


class ByField(Lookup):
    """By a unique field of the user model."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"user_field:{self.name}"

    def find(self, context: _rust.AuthContext) -> Any:
        field = self.field
        subject = context.user_id
        if subject is None:
            raise UserUnavailable
        return find(field, typed(field, subject))

    def check(self) -> None:
        _ = self.field

    @property
    def field(self) -> Any:
        """The field, or `ImproperlyConfigured` if it doesn't identify a single user."""
        model = user_model()
        try:
            field = model._meta.get_field(model._meta.pk.name if self.name == "pk" else self.name)
        except FieldDoesNotExist:
            raise ImproperlyConfigured(f"user_field={self.name!r}: {model.__name__} has no such field.") from None
        if not getattr(field, "concrete", False) or field.is_relation or not _is_unique(model, field):
            raise ImproperlyConfigured(
                f"user_field={self.name!r}: {model.__name__}.{self.name} is not unique. {UNIQUE}"
            )
        return field


class ByFunction(Lookup):
    """By a function of the claims that finds or creates the account."""

    def __init__(self, function: Callable[[dict[str, Any]], Any]) -> None:
        self.function = function
        self.is_async = iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)

    def __repr__(self) -> str:
        return f"get_user:{getattr(self.function, '__qualname__', type(self.function).__qualname__)}"

    def find(self, context: _rust.AuthContext) -> Any:
        function: Any = async_to_sync(self.function) if self.is_async else self.function
        # Django may run the code that reads the account for an async server.
        return self._checked(without_stop_iteration(function)(context["auth_claims"]))

    async def afind(self, context: _rust.AuthContext) -> Any:
        if self.is_async:
            return self._checked(await self.function(context["auth_claims"]))
        return await super().afind(context)

    def _checked(self, user: Any) -> Any:
        name = getattr(self.function, "__qualname__", type(self.function).__qualname__)
        if iscoroutine(user):
            user.close()
            raise TypeError(f"get_user: {name} returned a coroutine. Define it with `async def`.")
        if user is None:
            raise UserUnavailable
        if not isinstance(user, user_model()) or user.pk is None:
            raise TypeError(f"get_user: {name} must return a saved user or None, not {type(user).__name__}.")
        return active(user)


class Accounts:
    """The accounts of tokens whose subject isn't a primary key, and the number that identifies them in Rust."""

    def __init__(self, lookup: Lookup | None) -> None:
        self.lookup = lookup
        self.number = next(_numbers)
        _known[self.number] = self


def lookup_of(number: int) -> Lookup | None:
    """How such an account is found; `None` if users of the issuer have no accounts on this site."""
    accounts = _known.get(number)
    return None if accounts is None else accounts.lookup


def _is_unique(model: Any, field: Any) -> bool:
    from django.db.models import UniqueConstraint

    constraints = (one for one in model._meta.constraints if isinstance(one, UniqueConstraint))
    alone = any(one.fields == (field.name,) and one.condition is None for one in constraints)
    return bool(field.unique) or alone


_numbers = count(1)
_known: WeakValueDictionary[int, Accounts] = WeakValueDictionary()
ACTIVE = "It must be True or False (a field or a property), so that inactive users can be rejected."
UNIQUE = "The field must be unique, so that a token identifies a single user."
