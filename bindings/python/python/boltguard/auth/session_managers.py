"""What `boltguard.sessions` provides for logging out, without importing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boltguard.auth.stores import RevocationStore


class SessionManager:
    """The base class of `TokenSessions`: what ending a session must know of all of them.

    Each instance calls `registry.remember(self)`.
    """

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token is valid at most."""
        raise NotImplementedError

    @property
    def revocation_store(self) -> RevocationStore | None:
        """The store in which the access tokens are revoked."""
        raise NotImplementedError


class SessionTable:
    """The base class of the table of sessions of the site, which has those of all `TokenSessions`."""

    @property
    def access_lifetime(self) -> timedelta | None:
        """How long an access token of a session is valid at most, if that is known."""
        raise NotImplementedError

    def has(self, session_id: str) -> bool:
        """Whether this is the ID of a session of this site, also of one that has ended."""
        raise NotImplementedError

    def end(self, session_id: str) -> bool:
        """Ends a session and revokes its access tokens. Returns whether the session hadn't ended before."""
        raise NotImplementedError

    def end_all(self, user: Any, keep: str | None = None) -> int:
        """Ends the sessions of a user, except the one with the ID `keep`, and revokes their access tokens."""
        raise NotImplementedError

    def continue_all(self, before: Any, after: Any) -> None:
        """Continues the sessions of a user although the password has another hash, as `before` and `after` have it."""
        raise NotImplementedError


def register_table(table: SessionTable) -> None:
    """Called by the app `boltguard.sessions`, again if it is loaded again."""
    global _table
    _table = table


def session_table() -> SessionTable | None:
    """The table of sessions, if the app is installed."""
    return _table


def is_local(session_id: str) -> bool:
    """Whether this is the ID of a session of this site."""
    return _table is not None and _table.has(session_id)


def session_id_of(session: Any) -> str:
    """The ID of a session: itself, the one of a row, or that of the token of a request. Raises `ValueError`."""
    context = getattr(session, "_boltguard_seen", None)
    if context is not None:
        found = context.session_id if context.is_authenticated else None
        if not found:
            raise ValueError("The token of the request doesn't belong to a session, so there is no session to keep.")
        return str(found)
    found = getattr(session, "pk", session)
    if not isinstance(found, str) or not found:
        raise ValueError("The session to keep must be the ID of a session, or a request with a token of a session.")
    return found


@contextmanager
def keep_session(session: Any) -> Iterator[None]:
    """Keeps a session in the code inside, although the tokens of its user are revoked because the account changes.

    `session` is a request with a token of the session, or the ID of the session. Its access tokens are revoked, too:
    its client gets the next one with its refresh token. Use it for users who change their own password:
    `with keep_session(request): user.save()`.
    """
    token = _kept.set(session_id_of(session))
    try:
        yield
    finally:
        _kept.reset(token)


def kept_session() -> str | None:
    """The ID of the session that `keep_session` keeps."""
    return _kept.get()


_table: SessionTable | None = None
_kept: ContextVar[str | None] = ContextVar("boltguard_kept_session", default=None)
