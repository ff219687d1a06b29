"""Ending sessions, in the table and in the revocation store of their access tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from boltguard.auth.journal import note_other
from boltguard.auth.session_managers import SessionManager
from boltguard.sessions import rollbacks, rows
from boltguard.sessions.accounts import auth_hash
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from boltguard.sessions.models import TokenSessionQuerySet
    from boltguard.sessions.sessions import TokenSessions


def end(sessions: TokenSessions, session_id: str) -> bool:
    """Ends a session. Returns whether it hadn't ended before."""
    row = rows.find(session_id)
    if row is None:
        return False
    ended = _end(sessions, [row.pk], rows.rows().filter(pk=row.pk))
    _revoke_session(sessions, row.pk)
    return ended == 1


def end_all(sessions: TokenSessions, user: Any, keep: str | None) -> int:
    """Ends the sessions of a user, except `keep`. Returns how many hadn't ended before."""
    store = sessions.jwt_auth.revocation_store
    ids, ended = _end_all(sessions, user, keep)
    if keep is None:
        if store is not None:
            store.revoke_subject(str(user.pk), ttl=sessions.access_lifetime)
        return ended
    for session_id in ids:
        _revoke_session(sessions, session_id)
    return ended


class SessionTable(SessionManager):
    """Ends sessions in the table. What revokes their access tokens is not its concern."""

    def end(self, session_id: str) -> bool:
        row = rows.find(session_id)
        return row is not None and _end(self, [row.pk], rows.rows().filter(pk=row.pk)) == 1

    async def aend(self, session_id: str) -> bool:
        return await in_thread(self.end)(session_id)

    def end_all(self, user: Any, keep: str | None = None) -> int:
        return _end_all(self, user, keep)[1]


def _end_all(manager: SessionManager, user: Any, keep: str | None) -> tuple[Sequence[str], int]:
    """The IDs of the sessions that were active, and how many have been ended."""
    concerned = rows.rows().of(user).exclude(pk=keep) if keep is not None else rows.rows().of(user)
    ids = list(concerned.filter(ended_at=None).values_list("pk", flat=True))
    ended = _end(manager, ids, concerned)
    if keep is not None:
        # Otherwise, the session would end with the next refresh if the password was changed.
        rows.rows().of(user).filter(pk=keep).update(auth_hash=auth_hash(user))
    return ids, ended


def _end(manager: SessionManager, ids: Sequence[str], concerned: TokenSessionQuerySet) -> int:
    ended = rows.end(concerned)
    for session_id in ids:
        note_other(EndedSessions, session_id)
    rollbacks.watch(manager, ids)
    return ended


def _revoke_session(sessions: TokenSessions, session_id: str) -> None:
    """Revokes the access tokens of a session for as long as one can be valid."""
    store = sessions.jwt_auth.revocation_store
    if store is not None:
        store.revoke_session(session_id, ttl=sessions.access_lifetime)


class EndedSessions:
    """Ends a session again if a view that ended it was rolled back. For the journal of revocations."""

    @staticmethod
    def revoke(session_id: str, ttl: float | None = None) -> None:
        """Ends the session in the table."""
        rows.end(rows.rows().filter(pk=session_id))

    @staticmethod
    async def arevoke(session_id: str, ttl: float | None = None) -> None:
        """`revoke`, for async code."""
        await in_thread(EndedSessions.revoke)(session_id)
