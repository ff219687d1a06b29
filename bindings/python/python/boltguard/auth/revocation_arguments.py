"""The arguments of revocations: levels, times and lifetimes."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

from boltguard import clock
from boltguard._rust import RevocationLevel
from boltguard.messages import kind_of

Ttl = float | timedelta | None

# The watermark of an ended session: later than any token. It is `UnixMillis::MAX` in Rust.
ALL_TOKENS = (1 << 53) - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_DATE = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // _MILLISECOND


def session_level(session_id: object) -> RevocationLevel:
    """The level of a session."""
    return RevocationLevel.session(_text("session_id", session_id))


def subject_level(subject: object, issuer: object = None) -> RevocationLevel:
    """The level of a subject."""
    text = _text("subject", subject, "Use str(user.pk) for an account.")
    return RevocationLevel.subject(text, None if issuer is None else _text("issuer", issuer))


def issuer_level(issuer: object) -> RevocationLevel:
    """The level of an issuer."""
    return RevocationLevel.issuer(_text("issuer", issuer))


def key_level(key_id: object) -> RevocationLevel:
    """The level of a key."""
    return RevocationLevel.key(_text("key_id", key_id))


def _text(name: str, value: object, remedy: str = "") -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is {kind_of(value)}. It must be a string that isn't empty. {remedy}".strip())
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} contains a lone surrogate, which no token can have.")
    return value


def milliseconds(before: object) -> int:
    """The Unix milliseconds of `before`, which is now if it is `None`."""
    if before is None:
        return clock.time_ms()
    if not isinstance(before, datetime):
        raise ValueError(f"before is {kind_of(before)}. It must be an aware datetime, or None for now.")
    if before.utcoffset() is None:
        raise ValueError("before is a naive datetime. Use an aware one, such as django.utils.timezone.now().")
    return (before - _EPOCH) // _MILLISECOND


def date_of(before: int) -> datetime | None:
    """The time of a watermark, or `None` for all tokens."""
    return _EPOCH + before * _MILLISECOND if abs(before) <= _LAST_DATE else None


def rest_of_millisecond(before: int) -> float:
    """The seconds until the millisecond of a watermark has passed, at most one millisecond.

    A token that is issued in the same millisecond would be revoked, although its user has logged in again.
    """
    return max(0.0, min((before + 1.01) / 1000 - clock.time(), 0.0011))


def checked_level(level: object) -> RevocationLevel:
    """The level itself, or `ValueError`."""
    if isinstance(level, RevocationLevel):
        return level
    raise ValueError(f"level is {kind_of(level)}. It must be a RevocationLevel.")


def checked_milliseconds(before: object) -> int:
    """The time itself, or `ValueError`."""
    if isinstance(before, int) and not isinstance(before, bool):
        return before
    raise ValueError(f"before is {kind_of(before)}. It must be a time in Unix milliseconds.")


def ttl_seconds(ttl: Ttl) -> float | None:
    """The seconds of a `ttl`."""
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        raise ValueError(
            f"ttl is {kind_of(ttl)}. It must be the remaining lifetime of the token in seconds, a timedelta or None."
        )
    return float(seconds)
