"""Dates as the engine has them, in seconds since the epoch, and as the database has them."""

from __future__ import annotations

from datetime import datetime, timezone

from django.conf import settings

from boltguard import _rust


def now() -> float:
    """The current time of the engine, in whole microseconds."""
    return _rust.SessionEngine.now()


def current() -> datetime:
    """The current time, for a comparison with a column."""
    return moment(now())


def moment(seconds: float) -> datetime:
    """The value of a column: with `USE_TZ`, an aware datetime; otherwise a naive one in local time."""
    return datetime.fromtimestamp(seconds, timezone.utc if settings.USE_TZ else None)


def timestamp(date: datetime) -> float:
    """The seconds since the epoch of the value of a column."""
    return date.timestamp()


def iso(date: datetime) -> str:
    """A value of a column in ISO 8601, in UTC."""
    return datetime.fromtimestamp(date.timestamp(), timezone.utc).isoformat().replace("+00:00", "Z")
