"""Forks: a child process creates new locks for those that a thread of its parent may hold.

Only the thread that forks exists in the child. A lock that another thread held at that moment is never released there,
and the work of that thread is never finished.
"""

from __future__ import annotations

import logging
import os
from typing import Protocol
from weakref import WeakSet

logger = logging.getLogger("boltguard")


class Forkable(Protocol):
    """An object with locks, or with work in progress, that a child process can't take over."""

    def reset_after_fork(self) -> None:
        """Replaces the locks, and discards unfinished work of other threads. It must not block."""


def reset_in_child(thing: Forkable) -> None:
    """Calls `thing.reset_after_fork()` in each process that is forked from this one, as long as `thing` is alive."""
    _things.add(thing)


def _reset() -> None:
    for thing in list(_things):
        try:
            thing.reset_after_fork()
        except Exception:  # the others must still be reset
            logger.exception("%r can't be reset in a forked process", type(thing))


_things: WeakSet[Forkable] = WeakSet()

# When this module is imported, because locks also exist in projects without Django.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
