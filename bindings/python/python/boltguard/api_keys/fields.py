"""Validates the fields of a key. Each function returns the value to save, or raises `ValueError`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from boltguard import _rust, clock


def checked(expires: datetime | timedelta | None, **fields: Any) -> dict[str, Any]:
    """The fields of a new key."""
    return {
        **fields,
        "name": checked_name(fields["name"]),
        "permissions": checked_permissions(fields["permissions"]),
        "scopes": checked_scopes(fields["scopes"]),
        "expires_at": checked_end(expires),
    }


def checked_name(name: str) -> str:
    """A name that describes the key."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError("An API key must have a name.")
    if len(name.strip()) > 200:
        raise ValueError("The name of an API key can't be longer than 200 characters.")
    return name.strip()


def checked_permissions(permissions: Iterable[str]) -> list[str]:
    """Granted permissions, each once: names, `blog.*`, or `*`."""
    return [_permission(text) for text in _texts("permissions", permissions)]


def checked_scopes(scopes: Iterable[str]) -> list[str]:
    """Granted OAuth scopes, each once."""
    return [_scope(text) for text in _texts("scopes", scopes)]


def checked_end(expires: datetime | timedelta | None) -> datetime | None:
    """The time at which the key expires."""
    end = clock.now() + expires if isinstance(expires, timedelta) else expires
    if end is None:
        return None
    if not isinstance(end, datetime):
        raise ValueError(f"expires must be a datetime, a timedelta or None, not {expires!r}.")
    if timezone.is_naive(end) and timezone.is_aware(timezone.now()):
        end = timezone.make_aware(end)
    if end <= clock.now():
        raise ValueError("expires must be in the future, because an expired key can't be used.")
    return end


def checked_overlap(overlap: timedelta) -> timedelta:
    """How long a key stays valid after it is rotated."""
    if not isinstance(overlap, timedelta) or overlap < timedelta(0):
        raise ValueError(f"overlap must be a timedelta that isn't negative, not {overlap!r}.")
    return overlap


def _texts(what: str, texts: Iterable[Any]) -> list[Any]:
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise ValueError(f"{what} must be a list, such as [{texts!r}], not {texts!r}.")
    # The keys of `{"blog.delete": False}` would be granted.
    if isinstance(texts, Mapping):
        raise ValueError(f"{what} must be a list, not a mapping.")
    return list(dict.fromkeys(texts))


def _permission(text: Any) -> str:
    # In Rust's reading, `*` is a wildcard alone or after a dot at the end, and part of no name.
    name = text if not isinstance(text, str) or text == "*" else text.removesuffix(".*")
    if name != "*":
        _checked(_rust.Guard.permission, text, name)
    return str(text)


def _scope(text: Any) -> str:
    _checked(_rust.Guard.scope, text, text)
    return str(text)


def _checked(build: Any, text: Any, name: Any) -> None:
    try:
        build(name)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{text!r} can't be granted: {error}") from None
