"""What token introspection says about a refresh token, RFC 7662 §2.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boltguard.auth.tokens import username_of
from boltguard.sessions.clock import timestamp

if TYPE_CHECKING:
    from boltguard.sessions.models import TokenSession


def described(row: TokenSession, user: Any) -> dict[str, Any]:
    """The response for the current refresh token of a session, in the form of that for an access token."""
    username = username_of(user)
    return {
        "active": True,
        "token_type": TOKEN_TYPE,
        **({} if username is None else {"username": username}),
        "exp": int(timestamp(row.expires_at)),
        "iat": row.stamp // 1_000_000,
        "sub": row.subject,
        "sid": row.pk,
    }


# It isn't an access token, RFC 8693 §2.2.1. A resource server that requires "Bearer" refuses it.
TOKEN_TYPE = "N_A"
