"""The account of a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.utils.crypto import constant_time_compare

from boltguard.auth.accounts import UserUnavailable, find_by_key

if TYPE_CHECKING:
    from boltguard.sessions.models import TokenSession


def auth_hash(user: Any) -> str:
    """Django's hash for sessions, which changes with the password. Empty if the user model has none."""
    method = getattr(user, "get_session_auth_hash", None)
    return "" if method is None else str(method())


def account(row: TokenSession) -> Any:
    """The active account of a session, or `None` if it is missing, inactive, or has another password."""
    try:
        # A replica may not have the current password.
        user = find_by_key(row.subject, is_current=True)
    except UserUnavailable:
        return None
    return user if _has_same_password(row, user) else None


def auth_hashes(user: Any) -> Iterator[str]:
    """The hashes of sessions that began with the password of a user, also with the keys in SECRET_KEY_FALLBACKS."""
    yield auth_hash(user)
    yield from getattr(user, "get_session_auth_fallback_hash", lambda: ())()


def _has_same_password(row: TokenSession, user: Any) -> bool:
    return any(constant_time_compare(row.auth_hash, known) for known in auth_hashes(user))
