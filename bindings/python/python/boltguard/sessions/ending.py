"""Ending sessions, in the table and in the revocation stores of their access tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from boltguard import conf, registry
from boltguard.auth.account_tokens import place_of
from boltguard.auth.accounts import subjects_of
from boltguard.auth.failures import Failures
from boltguard.auth.journal import note_other
from boltguard.auth.session_managers import SessionManager, SessionTable
from boltguard.auth.stores import RevocationStore
from boltguard.sessions import clock, rollbacks, rows
from boltguard.sessions.accounts import auth_hash, auth_hashes
from boltguard.sessions.refusals import available
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from boltguard.sessions.models import TokenSessionQuerySet


def end(session_id: str) -> bool:
    """Ends a session, and revokes its access tokens. Returns whether it hadn't ended before.

    Its access tokens are also revoked if it had, because a store may have been unavailable then.
    """
    row = rows.find(session_id)
    if row is None:
        return False
    ended = rows.end(rows.rows().filter(pk=row.pk))
    _note([row.pk])
    _revoke_sessions([row.pk])
    return ended == 1


def end_all(user: Any, keep: str | None = None) -> int:
    """Ends the sessions of a user, except `keep`, and revokes their access tokens.

    Returns how many sessions hadn't ended before.
    """
    concerned = rows.rows().of(user).exclude(pk=keep) if keep is not None else rows.rows().of(user)
    ids = _with_valid_tokens(concerned)
    ended = rows.end_all(concerned)
    _note(ids)
    if keep is None:
        failures = Failures()
        failures.catch(_revoke_subjects, subjects_of(user.pk))
        failures.catch(_revoke_sessions, _with_future_tokens(concerned))
        failures.raise_worst()
        return ended
    # Otherwise, the session would end with the next refresh if the password was changed.
    rows.rows().of(user).filter(pk=keep).update(auth_hash=auth_hash(user))
    _revoke_sessions(ids)
    return ended


class Table(SessionTable):
    """The table of sessions, for `logout` and `logout_everywhere`."""

    @property
    def access_lifetime(self) -> timedelta | None:
        return _longest_lifetime()

    def has(self, session_id: str) -> bool:
        with available():
            return rows.find(session_id) is not None

    def end(self, session_id: str) -> bool:
        with available():
            return end(session_id)

    def end_all(self, user: Any, keep: str | None = None) -> int:
        with available():
            return end_all(user, keep)

    def continue_all(self, before: Any, after: Any) -> None:
        rows.replace_auth_hash(after, auth_hashes(before), auth_hash(after))


def _with_valid_tokens(sessions: TokenSessionQuerySet) -> Sequence[str]:
    """The IDs of sessions whose access tokens may be valid."""
    # The access tokens of a session that ended before weren't revoked if a store was unavailable.
    registry.import_views()
    lifetime = (_longest_lifetime() or timedelta()).total_seconds()
    recent = sessions.filter(ended_at__gt=clock.moment(clock.now() - lifetime))
    return [*sessions.filter(ended_at=None).values_list("pk", flat=True), *recent.values_list("pk", flat=True)]


def _with_future_tokens(sessions: TokenSessionQuerySet) -> Sequence[str]:
    """The IDs of sessions whose access token is from a server with a clock that is ahead of this one.

    It isn't revoked with those of its subject that were issued until now.
    """
    return [*sessions.filter(stamp__gt=int(clock.now() * 1_000_000)).values_list("pk", flat=True)]


def _note(ids: Sequence[str]) -> None:
    """Ensures that these sessions stay ended if the transaction is rolled back."""
    for session_id in ids:
        note_other(EndedSessions, session_id)
    rollbacks.watch(end, ids)


def _revoke_sessions(ids: Sequence[str]) -> None:
    """Revokes the access tokens of sessions for as long as one can be valid."""
    # First, because it creates all `TokenSessions` of the site, of which any may have the longest lifetime.
    stores = _stores()
    lifetime, failures = _longest_lifetime(), Failures()
    for store in stores:
        for session_id in ids:
            failures.catch(store.revoke_session, session_id, lifetime)
    failures.raise_worst()


def _revoke_subjects(subjects: Sequence[str]) -> None:
    failures = Failures()
    for store in _stores():
        for subject in subjects:
            # Without `ttl`, because tokens that don't belong to a session may be valid for longer.
            failures.catch(store.revoke_subject, subject)
    failures.raise_worst()


def _stores() -> Sequence[RevocationStore]:
    """The stores of all `TokenSessions` of the site, each of them once.

    Any of them may have issued an access token of the session, and the views of any may accept it.
    """
    conf.load_backends()
    stores = [one.revocation_store for one in registry.instances(SessionManager)]
    return [*{place_of(store): store for store in stores if store is not None}.values()]


def _longest_lifetime() -> timedelta | None:
    """The longest lifetime of an access token: any `TokenSessions` of the site may have issued it."""
    return max((one.access_lifetime for one in registry.instances(SessionManager)), default=None)


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
