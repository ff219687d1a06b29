"""Moving Boltguard's clock in tests: `travel`, and `python_clock` for libraries that replace Python's clock."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from threading import Lock
from types import TracebackType

from boltguard import _rust
from boltguard.messages import kind_of

Time = datetime | timedelta | float


class Travel:
    """A time that Boltguard's clock was moved to, until the end of the `with` statement. See `travel`."""

    def __init__(self, to: Time) -> None:
        self._to = to
        self._shift = 0

    def __enter__(self) -> Travel:
        _require_test_run("travel")
        with _lock:
            self._move(self._to)
            _travels.append(self)
            _apply()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with _lock:
            if self in _travels:
                _travels.remove(self)
            _apply()

    @property
    def now(self) -> datetime:
        """The current time of Boltguard's clock."""
        return datetime.fromtimestamp(_rust.time_ns() / 1e9, timezone.utc)

    def move_to(self, to: Time) -> None:
        """Moves the clock to another time. A `timedelta` is relative to the current time of the clock."""
        with _lock:
            if self not in _travels:
                raise RuntimeError("The clock can only be moved inside of the with statement.")
            self._move(to)
            _apply()

    def shift(self, by: timedelta | float) -> None:
        """Moves the clock by a `timedelta` or a number of seconds."""
        self.move_to(by if isinstance(by, timedelta) else timedelta(seconds=by))

    def _move(self, to: Time) -> None:
        current = _rust.time_ns()
        self._shift = _nanoseconds(to, current) - (current - _shift())


def travel(to: Time) -> Travel:
    """Moves the clock of this process to `to` during a `with` statement.

    `to` is an aware `datetime`, a number of seconds since the epoch, or a `timedelta` from now. The clock runs on from
    there. It is the clock of Boltguard alone: tokens, API keys, sessions, revocations and the keys of issuers follow
    it; Python's `time` and `datetime`, the database and caches don't. All threads and tasks see the same time.

    Raises `RuntimeError` outside of a test run.
    """
    return Travel(to)


@contextmanager
def python_clock() -> Iterator[None]:
    """Makes Boltguard read Python's `time.time_ns()`, which freezegun and time-machine replace.

    The pytest plugin turns it on for the whole run. Raises `RuntimeError` outside of a test run.
    """
    _require_test_run("python_clock")
    _follow(1)
    try:
        yield
    finally:
        _follow(-1)


def _follow(change: int) -> None:
    global _followers
    with _lock:
        _followers += change
        _apply()


def _apply() -> None:
    _rust.set_test_clock(shift=_shift(), follow_python=_followers > 0)


def _shift() -> int:
    """The nanoseconds by which the clock is moved now."""
    return _travels[-1]._shift if _travels else 0


def _nanoseconds(to: Time, current: int) -> int:
    """The nanoseconds since the epoch."""
    if isinstance(to, timedelta):
        nanoseconds = current + to // timedelta(microseconds=1) * 1000
    elif isinstance(to, datetime):
        if to.utcoffset() is None:
            raise ValueError("to is a naive datetime. Use an aware one, such as datetime(2030, 1, 1, tzinfo=UTC).")
        nanoseconds = (to - _EPOCH) // timedelta(microseconds=1) * 1000
    elif isinstance(to, (int, float)) and not isinstance(to, bool):
        try:
            nanoseconds = int(to * 1_000_000_000)
        except (OverflowError, ValueError):
            raise ValueError(f"to is {to!r}. It must be a finite number of seconds since the epoch.") from None
    else:
        raise ValueError(f"to is {kind_of(to)}. It must be an aware datetime, a timedelta, or a number of seconds.")
    if not _FIRST <= nanoseconds <= _LAST:
        raise ValueError("to must be between the years 1970 and 2200.")
    return nanoseconds


def _require_test_run(name: str) -> None:
    # In a server, expired tokens would be accepted again.
    if not _in_test_run():
        raise RuntimeError(
            f"{name}() changes when tokens expire, so it is only available in a test run: with pytest, unittest or "
            f"Django's test runner. For another test runner, set the environment variable {VARIABLE}=1."
        )


def _in_test_run() -> bool:
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    return (
        "PYTEST_VERSION" in os.environ
        or "PYTEST_CURRENT_TEST" in os.environ
        or os.environ.get(VARIABLE) == "1"
        or getattr(main, "name", None) == "unittest.__main__"
        # What Django's `setup_test_environment()` stores.
        or hasattr(getattr(sys.modules.get("django.test.utils"), "_TestState", None), "saved_data")
    )


VARIABLE = "BOLTGUARD_TESTING"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST, _LAST = 0, 7_258_118_400_000_000_000
_lock = Lock()
_travels: list[Travel] = []
_followers = 0
