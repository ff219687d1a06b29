"""`TokenPair`: the tokens of a session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, repr=False)
class TokenPair:
    """An access token and a refresh token.

    `expires_in` and `refresh_expires_in` are their remaining lifetimes in seconds.
    """

    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    session_id: str

    # Error pages and logs show it.
    def __repr__(self) -> str:
        return f"TokenPair(session_id={self.session_id!r}, expires_in={self.expires_in!r})"
