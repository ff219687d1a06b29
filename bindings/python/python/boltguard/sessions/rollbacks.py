"""Sessions that ended in a transaction stay ended if it is rolled back.

A view that calls `TokenSessions.refresh` responds with an error if the token was used before. Under `ATOMIC_REQUESTS`,
its transaction is rolled back, and with it the end of the session, so that the thief could continue it. Behind a gate,
the journal of revocations repeats the end before the response is sent. For other views, this module does it after the
request.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.signals import request_finished
from django.db import connections

from boltguard.auth.journal import Watch, is_recorded
from boltguard.auth.session_managers import SessionManager

logger = logging.getLogger("boltguard")


def connect() -> None:
    """Repeats what was rolled back after each request."""
    request_finished.connect(repeat, dispatch_uid="boltguard.sessions.rollbacks")


def watch(sessions: SessionManager, ids: Iterable[str]) -> None:
    """Notes that these sessions ended in the open transactions."""
    if not is_recorded():
        return
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            watch = Watch(connection)
            connection.__dict__.setdefault(NOTED, []).extend((watch, sessions, session_id) for session_id in ids)


def repeat(**kwargs: Any) -> None:
    """Ends the sessions again whose transaction was rolled back."""
    for connection in connections.all(initialized_only=True):
        noted = connection.__dict__.pop(NOTED, ())
        lost = [(sessions, session_id) for watch, sessions, session_id in noted if watch.is_lost]
        for sessions, session_id in lost:
            try:
                sessions.end(session_id)
            except Exception:
                logger.exception("The end of session %s was rolled back, and couldn't be repeated.", session_id)
        if lost:
            # Django's own receiver did this before.
            connection.close_if_unusable_or_obsolete()


# An attribute of a connection.
NOTED = "_boltguard_ended_sessions"
