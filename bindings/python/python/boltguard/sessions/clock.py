"""Dates as the engine has them, in seconds since the epoch, and as the database has them."""

from __future__ import annotations

from datetime import datetime, timezone

from boltguard.clock import moment as moment
from boltguard.clock import time_ns


def now() -> float:
    """The current time of the engine, in whole microseconds."""
    return time_ns() // 1000 / 1_000_000


def current() -> datetime:
    """The current time, for a comparison with a column."""
    return moment(now())


def timestamp(date: datetime) -> float:
    """The seconds since the epoch of the value of a column."""
    return date.timestamp()


def iso(date: datetime) -> str:
    """A value of a column in ISO 8601, in UTC."""
    return datetime.fromtimestamp(date.timestamp(), timezone.utc).isoformat().replace("+00:00", "Z")
