"""Sessions that ended in a transaction stay ended if it is rolled back.

A view that calls `TokenSessions.refresh` responds with an error if the token was used before. Under `ATOMIC_REQUESTS`,
its transaction is rolled back, and with it the end of the session, so that the thief could continue it. Behind a gate,
the journal of revocations repeats the end before the response is sent. For other views, this module does it after the
request.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import connections

from boltguard.auth.journal import Watch, is_recorded

logger = logging.getLogger("boltguard")


def connect() -> None:
    """Repeats what was rolled back after each request."""
    request_started.connect(forget, dispatch_uid="boltguard.sessions.rollbacks")
    request_finished.connect(repeat, dispatch_uid="boltguard.sessions.rollbacks")


def watch(end: Callable[[str], object], ids: Iterable[str]) -> None:
    """Notes that these sessions ended in the open transactions, and how to end them again."""
    if not is_recorded():
        return
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            watch = Watch(connection)
            # Outside of requests, such as in a worker, no signal empties it.
            noted = connection.__dict__.setdefault(NOTED, deque(maxlen=MOST))
            noted.extend((watch, end, session_id) for session_id in ids)


def forget(**kwargs: Any) -> None:
    """Discards what was noted before the request."""
    for connection in connections.all(initialized_only=True):
        connection.__dict__.pop(NOTED, None)


def repeat(**kwargs: Any) -> None:
    """Ends the sessions again whose transaction was rolled back."""
    for connection in connections.all(initialized_only=True):
        noted = connection.__dict__.pop(NOTED, ())
        lost = [(end, session_id) for watch, end, session_id in noted if watch.is_lost]
        for end, session_id in lost:
            try:
                end(session_id)
            except Exception:
                logger.exception("The end of session %s was rolled back, and couldn't be repeated.", session_id)
        if lost:
            # Django's own receiver did this before.
            connection.close_if_unusable_or_obsolete()


# An attribute of a connection.
NOTED = "_boltguard_ended_sessions"
# More than a request ends in transactions that are rolled back.
MOST = 1000
