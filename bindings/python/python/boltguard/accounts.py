"""Accounts: the row of the user model that a credential is about."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist, ValidationError

from boltguard.exceptions import Unauthorized


class UserUnavailable(Unauthorized):
    """The credential is valid, but no active account belongs to it. `reason` says why, for logs alone."""

    code = "invalid_token"

    def __init__(self, reason: str = "user_not_found") -> None:
        self.reason = reason
        challenge = 'Bearer realm="api", error="invalid_token", error_description="The token is invalid"'
        super().__init__("The token is invalid.", {"WWW-Authenticate": challenge})

    def said_by(self, backend: str | None) -> UserUnavailable:
        """The same error in the words of the backend that verified the credential."""
        if backend == "api_key":
            self.code, self.detail = "invalid_api_key", "The API key is invalid."
            self.headers = {"WWW-Authenticate": 'ApiKey realm="api"'}
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason,)


def user_model() -> Any:
    """The site's user model."""
    from django.contrib.auth import get_user_model

    return get_user_model()


def primary_key(subject: str) -> Any:
    """The primary key that a credential's subject stands for, as the user model types it."""
    field = user_model()._meta.pk
    # PostgreSQL refuses a NUL, and with it the rest of the transaction.
    if "\0" in subject:
        raise UserUnavailable
    try:
        key = field.to_python(subject)
        field.run_validators(key)
    except (ValidationError, ValueError, TypeError, OverflowError):
        raise UserUnavailable from None
    # int(" 7 ") and int("0_7") are 7 too; only "7" names user 7.
    if isinstance(key, int) and str(key) != subject:
        raise UserUnavailable
    return key


def find_by_key(subject: str) -> Any:
    """The active account with this primary key, or `UserUnavailable`."""
    return find(user_model()._meta.pk, primary_key(subject))


def find(field: Any, value: Any) -> Any:
    """The active account with exactly this value in a unique field, or `UserUnavailable`."""
    try:
        user = user_model()._default_manager.get(**{field.name: value})
    except (ObjectDoesNotExist, MultipleObjectsReturned, ValueError, TypeError, OverflowError):
        raise UserUnavailable from None
    # To the collation of a database, "ádmin" and "ADMIN" may be equal to "admin".
    if getattr(user, field.attname) != value:
        raise UserUnavailable
    return active(user)


def active(user: Any) -> Any:
    """The account itself, or `UserUnavailable` if it is deactivated."""
    if not getattr(user, "is_active", True):
        raise UserUnavailable("user_inactive")
    return user
