"""The clock of the engine, for Python code. `boltguard.testing` can move it."""

from __future__ import annotations

from datetime import datetime, timezone

from boltguard import _rust
from boltguard.optional import settings

time_ns = _rust.time_ns


def time() -> float:
    """The current time, in seconds since the epoch."""
    return time_ns() / 1e9


def time_ms() -> int:
    """The current time, in whole milliseconds since the epoch."""
    return time_ns() // 1_000_000


def now() -> datetime:
    """The current time for a column: with `USE_TZ`, an aware datetime; otherwise a naive one in local time."""
    return moment(time())


def moment(seconds: float) -> datetime:
    """The datetime of a number of seconds since the epoch, for a column."""
    return datetime.fromtimestamp(seconds, timezone.utc if settings.USE_TZ else None)
