"""`scope["user"]`: the account of the caller where Django has accounts, otherwise a `CallerUser`."""

from __future__ import annotations

from typing import Any

from boltguard import _rust
from boltguard.auth.accounts import UserUnavailable
from boltguard.auth.backends import IDENTITY
from boltguard.optional import has_settings
from boltguard.threads import in_thread


class CallerUser:
    """The caller, in a project without accounts. It has the attributes of Starlette's users."""

    __slots__ = ("_context",)

    def __init__(self, context: _rust.AuthContext) -> None:
        self._context = context

    @property
    def is_authenticated(self) -> bool:
        """Whether a backend authenticated the caller."""
        return self._context.is_authenticated

    @property
    def is_anonymous(self) -> bool:
        """The opposite."""
        return not self._context.is_authenticated

    @property
    def identity(self) -> str | None:
        """The ID of the user, which is unique within the issuer alone."""
        return self._context.user_id

    @property
    def issuer(self) -> str | None:
        """The token's `iss`."""
        return self._context.issuer

    @property
    def display_name(self) -> str:
        """The ID of the user, or an empty string."""
        return self._context.user_id or ""

    def _key(self) -> tuple[str | None, str | None, str | None]:
        return self._context.auth_backend, self.issuer, self.identity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallerUser) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return self.display_name

    def __repr__(self) -> str:
        return "<CallerUser: authenticated>" if self.is_authenticated else "<CallerUser: anonymous>"


def has_accounts() -> bool:
    """Whether Django has accounts, and their models are loaded."""
    if not has_settings():
        return False
    from django.apps import apps

    return apps.ready and apps.is_installed("django.contrib.auth")


def attach_caller(connection: Any, context: _rust.AuthContext, gate: Any) -> None:
    """Sets `context` and `user` of a connection."""
    if has_accounts():
        # Not at the top, because it requires Django.
        from boltguard.auth.lazy_users import Visit
        from boltguard.auth.users import attach

        # In it, reading a missing account is an error.
        Visit.begin(connection)
        attach(connection, context, gate)
        return
    connection.context = context
    connection.user = getattr(connection.__dict__.get(IDENTITY), "user", None) if context.is_custom else None
    if connection.user is None:
        connection.user = CallerUser(context)


def missing_account(connection: Any) -> UserUnavailable | None:
    """The error of an account that the application read, and that is missing."""
    visit = connection.__dict__.get(VISIT)
    failure: UserUnavailable | None = None if visit is None else visit.failure
    return failure


def leave(connection: Any) -> None:
    """From now on, a user without an account is anonymous, as in Django after the view."""
    visit = connection.__dict__.get(VISIT)
    if visit is not None:
        visit.depth = 0


async def averify_account(connection: Any) -> None:
    """Loads the account of a token, and raises `UserUnavailable` if it is missing."""
    if has_accounts():
        from boltguard.auth.users import averify

        await refresh_connections()
        await averify(connection)


async def refresh_connections() -> None:
    """Closes database connections that are broken or too old, as Django does before a request."""
    if has_settings():
        from django.db import close_old_connections

        await in_thread(close_old_connections)()


# As in `boltguard.auth.lazy_users`, which requires Django.
VISIT = "_boltguard_visit"
