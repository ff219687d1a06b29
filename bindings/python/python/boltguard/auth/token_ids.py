"""How token IDs are stored where not every string is supported."""

from __future__ import annotations

import hashlib
import re
import uuid


def digest(jti: str) -> str:
    """The SHA-256 digest of an ID, in hexadecimal."""
    return hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()


def cache_key(prefix: str, jti: str, *, is_exact: bool) -> str:
    """The key of an ID in a cache: the ID itself if every cache supports it, otherwise its digest.

    `is_exact` says whether the cache tells `ABC` from `abc`.
    """
    fits = len(jti) <= 128 and jti.isascii() and jti.isprintable() and " " not in jti and jti != MARK
    plain = fits and (is_exact or _SIMPLE.fullmatch(jti)) and not jti.startswith((HASHED, LEVEL))
    return prefix + jti if plain else hashed_key(prefix, jti)


def hashed_key(prefix: str, jti: str) -> str:
    """The key of an ID by its digest."""
    return prefix + HASHED + digest(jti)


def row_ids(jti: str, room: int, *, is_exact: bool) -> list[str]:
    """The values for an ID in a column of `room` characters, the preferred one first.

    Where the collation of the column may take two ids for one, such as `ABC` and `abc`, only those that no collation
    confuses are written as they are.
    """
    hashed = (MARKER + digest(jti))[:room]
    room = min(room, LONGEST)
    if len(jti) > room or "\0" in jti or jti.startswith(MARKER) or not _is_encodable(jti):
        return [hashed]
    return [jti, hashed] if is_exact or _SIMPLE.fullmatch(jti) else [hashed, jti]


def row_uuid(jti: str) -> uuid.UUID:
    """The value for an ID in a column of UUIDs: the ID itself, or a UUID of its digest."""
    try:
        same = uuid.UUID(jti)
    except ValueError:
        same = None
    # MariaDB supports no others.
    if same is not None and str(same) == jti and same.variant == uuid.RFC_4122:
        return same
    return uuid.UUID(digest(jti)[:32], version=5)


def encodable(jti: str) -> str:
    """The ID, or its digest if it has a lone surrogate, which no token can have."""
    return jti if _is_encodable(jti) else MARKER + digest(jti)


def _is_encodable(jti: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in jti)


HASHED = "sha256:"
MARK = "boltguard:mark"
# The beginning of the keys of levels. No token may have one of them.
LEVEL = "boltguard:level:"
MARKER = "~"
# A column of this size holds 128 bits of a digest, so that two ids don't meet in one by chance.
SHORTEST = len(MARKER) + 32
# An index of PostgreSQL takes no row of more than 2,704 bytes.
LONGEST = 255
_SIMPLE = re.compile(r"[0-9a-z][0-9a-z._:-]*")


def checked_jti(jti: object) -> str:
    """The ID of a token, or `ValueError`."""
    if isinstance(jti, str) and jti:
        return jti
    raise ValueError('A token is revoked by its "jti", which must be a string that isn\'t empty.')
