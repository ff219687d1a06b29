"""What the client of a refused refresh token reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext

from boltguard.exceptions import InvalidRefreshToken, SessionsUnavailable
from boltguard.logs import log_failure
from boltguard.optional import DATABASE_UNAVAILABLE


class AccountChanged(ValueError):
    """The account was changed while its user logged in."""


def refused(code: str) -> InvalidRefreshToken:
    """The exception for a reason code."""
    details = {
        "refresh_token_expired": gettext("The refresh token has expired."),
        "refresh_token_reused": gettext("The refresh token was used before, so the session was ended."),
        "session_ended": gettext("The session has ended."),
    }
    return InvalidRefreshToken(details.get(code) or gettext("The refresh token is invalid."), code=code)


def unavailable() -> SessionsUnavailable:
    """The exception if the database is unavailable, or repeatedly refuses a change that it allowed before."""
    return SessionsUnavailable(gettext("Sessions are unavailable."))


@contextmanager
def available() -> Iterator[None]:
    """Logs that the database is unavailable, and raises `SessionsUnavailable` then."""
    try:
        yield
    except DATABASE_UNAVAILABLE as error:
        log_failure("The database of the sessions is unavailable.", error)
        raise unavailable() from error
