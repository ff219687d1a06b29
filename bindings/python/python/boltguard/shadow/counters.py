"""Counts results, and writes them to the table: after a request, at most every 10 seconds, and when the process exits.

There is one row for each method, route, outcome and reason. All of them are known in advance, except for those of
custom checks and backends, so that clients can't fill the table.
"""

from __future__ import annotations

import atexit
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from django.core.signals import request_finished
from django.db import IntegrityError, router, transaction
from django.db.models import F

from boltguard import clock, forks
from boltguard.logs import log_failure


class Row(NamedTuple):
    """What is counted in one row."""

    method: str
    route: str
    outcome: str
    reason: str

    @property
    def key(self) -> str:
        """A unique key, because some databases compare strings case-insensitively, or can't index long ones."""
        return sha256("\0".join(self).encode()).hexdigest()


class Counters:
    """The results of this process that aren't written yet."""

    def __init__(self) -> None:
        self._counts: dict[Row, list[Any]] = {}
        self._next = 0.0
        self._lock, self._writing = Lock(), Lock()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """For a child process: the parent writes its own results."""
        self._counts = {}
        self._lock, self._writing = Lock(), Lock()

    def add(self, row: Row) -> None:
        """Counts a result."""
        now = clock.now()
        with self._lock:
            # Only exceptions of custom code could reach the limit.
            if row not in self._counts and len(self._counts) >= MOST_ROWS:
                return
            count = self._counts.setdefault(row, [0, now, now])
            count[0] += 1
            count[2] = now

    def write(self, *, due: bool = False) -> None:
        """Writes the results; with `due`, only if the interval has passed. Those that fail are kept."""
        if (due and monotonic() < self._next) or not self._counts or not self._writing.acquire(blocking=False):
            return
        try:
            self._write()
        except Exception as error:  # this must not fail a request
            log_failure(NOT_STORED, error)
        finally:
            self._next = monotonic() + WRITE_INTERVAL
            self._writing.release()

    def _write(self) -> None:
        for row in sorted(self._counts):
            with self._lock:
                count, first, last = self._counts.pop(row)
            try:
                _store(row, count, first, last)
            except Exception:
                self._restore(row, count, first, last)
                raise

    def _restore(self, row: Row, count: int, first: Any, last: Any) -> None:
        with self._lock:
            since = self._counts.setdefault(row, [0, first, last])
            since[0] += count
            since[1] = first


def _store(row: Row, count: int, first: Any, last: Any) -> None:
    from boltguard.models import ShadowResult

    using = router.db_for_write(ShadowResult)
    stored = ShadowResult._base_manager.using(using)

    def increase() -> int:
        return int(stored.filter(key=row.key).update(count=F("count") + count, last_at=last))

    if increase():
        return
    try:
        with transaction.atomic(using=using):
            stored.create(key=row.key, **row._asdict(), count=count, first_at=first, last_at=last)
    except IntegrityError:  # another process has created it
        increase()


def connect() -> None:
    """Writes results after requests, and when the process exits. Another call has no effect."""
    request_finished.connect(_write_due, dispatch_uid="boltguard.shadow")
    atexit.unregister(counters.write)
    atexit.register(counters.write)


def _write_due(**kwargs: Any) -> None:
    counters.write(due=True)


# In seconds.
WRITE_INTERVAL = 10.0
MOST_ROWS = 10_000
NOT_STORED = "The results of shadow mode can't be stored."
counters = Counters()
