"""The credentials of a request, as the other packages read them from a header."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from boltguard.auth.arguments import refuse, schemes
from boltguard.exceptions import Unauthorized

# Visible ASCII characters. PostgreSQL refuses a NUL, and with it the rest of the transaction.
TOKEN = re.compile(r"[!-~]{1,16384}")


def after_scheme(request: Any, header: str, scheme: str) -> str | None:
    """The credentials after the scheme, or `None` for other schemes.

    Raises `Unauthorized` if they are missing, contain spaces or other characters that no token has, or are too long.
    """
    return after_any_scheme(request, header, (scheme,))


def after_any_scheme(request: Any, header: str, accepted: Collection[str]) -> str | None:
    """The credentials after one of these schemes; see `after_scheme`."""
    found, _, token = request.headers.get(header, "").strip().partition(" ")
    if found.lower() not in {scheme.lower() for scheme in accepted}:
        return None
    return well_formed(token.strip())


def well_formed(token: str) -> str:
    """The token itself, or `Unauthorized` if none of the packages creates such tokens."""
    if not TOKEN.fullmatch(token):
        raise Unauthorized
    return token


def one_scheme(owner: str, scheme: str) -> str:
    """A valid authentication scheme, or `ImproperlyConfigured`."""
    if not isinstance(scheme, str):
        refuse(f"{owner}: scheme must be a single string, such as 'Token'.")
    return schemes(owner, scheme)[0]
