"""Ending sessions, in the table and in the revocation store of their access tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from boltguard.auth.accounts import subjects_of
from boltguard.auth.failures import Failures
from boltguard.auth.journal import note_other
from boltguard.auth.session_managers import SessionManager, session_managers
from boltguard.sessions import clock, rollbacks, rows
from boltguard.sessions.accounts import auth_hash
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from boltguard.sessions.models import TokenSessionQuerySet
    from boltguard.sessions.sessions import TokenSessions


def end(sessions: TokenSessions, session_id: str) -> bool:
    """Ends a session. Returns whether it hadn't ended before.

    Its access tokens are also revoked if it had, because the store may have been unavailable then.
    """
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
    failures = Failures()
    if keep is None:
        if store is not None:
            # Without `ttl`, because tokens that don't belong to a session may be valid for longer.
            for subject in subjects_of(user.pk):
                failures.catch(store.revoke_subject, subject)
    else:
        for session_id in ids:
            failures.catch(_revoke_session, sessions, session_id)
    failures.raise_worst()
    return ended


class SessionTable(SessionManager):
    """Ends sessions in the table. What revokes their access tokens is not its concern."""

    def has(self, session_id: str) -> bool:
        return rows.find(session_id) is not None

    def end(self, session_id: str) -> bool:
        row = rows.find(session_id)
        return row is not None and _end(self, [row.pk], rows.rows().filter(pk=row.pk)) == 1

    async def aend(self, session_id: str) -> bool:
        return await in_thread(self.end)(session_id)

    def end_all(self, user: Any, keep: str | None = None) -> int:
        return _end_all(self, user, keep)[1]


def _end_all(manager: SessionManager, user: Any, keep: str | None) -> tuple[Sequence[str], int]:
    """The IDs of the sessions whose access tokens may be valid, and how many sessions have been ended."""
    concerned = rows.rows().of(user).exclude(pk=keep) if keep is not None else rows.rows().of(user)
    # The access tokens of a session that ended before weren't revoked if the store was unavailable.
    recent = concerned.filter(ended_at__gt=clock.moment(clock.now() - _longest_lifetime().total_seconds()))
    ids = [*concerned.filter(ended_at=None).values_list("pk", flat=True), *recent.values_list("pk", flat=True)]
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
        store.revoke_session(session_id, ttl=_longest_lifetime())


def _longest_lifetime() -> timedelta:
    """The longest lifetime of an access token: another `TokenSessions` of the site may have issued it."""
    lifetimes = [manager.access_lifetime for manager in session_managers()]
    return max((lifetime for lifetime in lifetimes if lifetime is not None), default=timedelta())


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
