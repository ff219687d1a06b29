"""`Identity`: what a custom backend returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from boltguard import _rust


class Identity:
    """A caller and their grants, as a custom backend returns them from `authenticate`.

    `user_id` is a string, an integer or a UUID. `permissions` can contain wildcards. `claims` is a JSON object with
    anything else that the backend knows: it is `request.context["auth_claims"]`. `user` becomes `request.user`, and
    must be active, or the request is refused with 401; without it, `request.user` is an `ExternalUser`. Raises
    `TypeError` or `ValueError` for invalid arguments.
    """

    __slots__ = ("rust", "user")

    def __init__(
        self,
        user_id: str | int | UUID,
        *,
        permissions: Iterable[str] = (),
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        is_staff: bool = False,
        is_superuser: bool = False,
        claims: Mapping[str, Any] | None = None,
        user: Any = None,
    ) -> None:
        if isinstance(user_id, bool) or not isinstance(user_id, (str, int, UUID)):
            raise TypeError(f"Identity: user_id must be a string, an integer or a UUID, not {type(user_id).__name__}.")
        for name, value in (("is_staff", is_staff), ("is_superuser", is_superuser)):
            if not isinstance(value, bool):
                raise TypeError(f"Identity: {name} must be True or False, not {type(value).__name__}.")
        if user is not None and not getattr(user, "is_authenticated", False):
            raise ValueError("Identity: user must be an authenticated user.")
        self.rust = _rust.Identity(
            str(user_id),
            permissions=permissions,
            scopes=scopes,
            roles=roles,
            is_staff=is_staff,
            is_superuser=is_superuser,
            claims=None if claims is None else dict(claims),
        )
        self.user = user

    def __repr__(self) -> str:
        return "<Identity>"


def identity_of(user: Any) -> Identity:
    """The identity of an account, with the permissions of the user and their groups, which are queried.

    An inactive user is refused by the gate.
    """
    return Identity(
        _primary_key(user),
        permissions=_permissions(user),
        is_staff=bool(getattr(user, "is_staff", False)),
        is_superuser=bool(getattr(user, "is_superuser", False)),
        user=user,
    )


def _primary_key(user: Any) -> Any:
    """The primary key as a string, as Django's serializers write it, so that any type of field is supported."""
    meta = getattr(user, "_meta", None)
    return user.pk if meta is None else meta.pk.value_to_string(user)


def _permissions(user: Any) -> list[str]:
    """The permissions of a user. Django has no wildcards, so a codename with `*` grants nothing else."""
    granted = user.get_all_permissions() if hasattr(user, "get_all_permissions") else ()
    return [name for name in granted if "*" not in name]
