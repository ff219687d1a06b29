"""The account of a session."""

from __future__ import annotations

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


def _has_same_password(row: TokenSession, user: Any) -> bool:
    if constant_time_compare(row.auth_hash, auth_hash(user)):
        return True
    # With the keys in SECRET_KEY_FALLBACKS.
    fallbacks = getattr(user, "get_session_auth_fallback_hash", lambda: ())()
    return any(constant_time_compare(row.auth_hash, old) for old in fallbacks)
