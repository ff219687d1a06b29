"""The statements that read and change sessions. Each change is one statement, so no locks are held.

Sessions are read from the database that they are written to, because a replica may have an old generation.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from django.db import router
from django.http import HttpRequest

from boltguard import _rust
from boltguard.sessions.clock import current, moment

if TYPE_CHECKING:
    from boltguard.sessions.models import TokenSession, TokenSessionQuerySet


def rows() -> TokenSessionQuerySet:
    """All sessions, in the database that they are written to."""
    # Not at the top: `boltguard.sessions` is imported before the models are loaded.
    from boltguard.sessions.models import TokenSession

    return TokenSession.objects.using(router.db_for_write(TokenSession))


def insert(
    state: _rust.SessionState, user: Any, expires: float, auth_hash: str, request: HttpRequest | None
) -> TokenSession:
    """Adds a session."""
    queryset = rows()
    row: TokenSession = queryset.model(
        id=state.id,
        user_id=user.pk,
        generation=state.generation,
        created_at=moment(state.created),
        expires_at=moment(expires),
        auth_hash=auth_hash,
        user_agent=_user_agent(request),
        ip_address=_ip_address(request),
        **_last_use(state),
    )
    row.save(using=queryset.db, force_insert=True)
    return row


def find(session_id: str) -> TokenSession | None:
    """The session with exactly this ID."""
    # PostgreSQL refuses a NUL, and with it the rest of the transaction.
    if not (session_id.isascii() and session_id.isalnum()):
        return None
    row = rows().filter(pk=session_id).first()
    # To the collation of a database, "abc" may be equal to "ABC".
    return row if row is not None and row.pk == session_id else None


def rotate(following: _rust.SessionState, expires: float, auth_hash: str) -> bool:
    """Stores the next generation, unless another request was faster or the session has ended."""
    previous = rows().filter(pk=following.id, generation=following.generation - 1, ended_at=None)
    changed = previous.update(
        generation=following.generation,
        expires_at=moment(expires),
        auth_hash=auth_hash,
        **_last_use(following),
    )
    return changed == 1


def end(sessions: TokenSessionQuerySet) -> int:
    """Ends sessions permanently, and returns how many had not ended before."""
    return sessions.filter(ended_at=None).update(ended_at=current())


def _last_use(state: _rust.SessionState) -> dict[str, Any]:
    return {"last_used_at": moment(state.last_used), "stamp": round(state.last_used * 1_000_000)}


def _user_agent(request: HttpRequest | None) -> str:
    sent = "" if request is None else str(request.META.get("HTTP_USER_AGENT", ""))
    return "".join(character for character in sent if character.isprintable())[:255]


def _ip_address(request: HttpRequest | None) -> str | None:
    try:
        # PostgreSQL refuses the zone of a link-local address, as in fe80::1%eth0.
        return None if request is None else str(ip_address(request.META.get("REMOTE_ADDR", ""))).partition("%")[0]
    except ValueError:  # of a Unix socket
        return None
