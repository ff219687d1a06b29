"""The statements that read and change sessions. Each change of a session is one statement, so no locks are held.

Sessions are read from the database that they are written to, because a replica may have an old generation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from django.db import connections, router, transaction
from django.db.models import Max
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
    state: _rust.SessionState,
    user: Any,
    expires: float,
    auth_hash: str,
    request: HttpRequest | None,
    *,
    is_limited: bool,
) -> TokenSession:
    """Adds a session. If the number of sessions is limited, it is newer than those that exist."""
    queryset, created = rows(), moment(state.created)
    row: TokenSession = queryset.model(
        id=state.id,
        user_id=user.pk,
        generation=state.generation,
        created_at=_after_others(user, created) if is_limited else created,
        expires_at=moment(expires),
        auth_hash=auth_hash,
        user_agent=_user_agent(request),
        ip_address=_ip_address(request),
        **_last_use(state),
    )
    row.save(using=queryset.db, force_insert=True)
    return row


def oldest(user: Any, limit: int) -> Sequence[str]:
    """The IDs of the active sessions of a user except for the newest ones, of which there may be this many."""
    newest_first = rows().of(user).active().order_by("-created_at", "-id")
    return [*newest_first.values_list("pk", flat=True)[limit:]]


def find(session_id: str) -> TokenSession | None:
    """The session with exactly this ID."""
    # PostgreSQL refuses a NUL, and with it the rest of the transaction.
    if not (session_id.isascii() and session_id.isalnum()):
        return None
    # Not `first()`, which sorts.
    found = rows().filter(pk=session_id).order_by()
    # To the collation of a database, "abc" may be equal to "ABC".
    return next((row for row in found if row.pk == session_id), None)


def has_other_hash(row: TokenSession) -> bool:
    """Whether the hash of a session was replaced since the row was read, because the account has another one."""
    found = find(row.pk)
    return found is not None and found.auth_hash != row.auth_hash


def rotate(row: TokenSession, following: _rust.SessionState, expires: float, auth_hash: str) -> bool:
    """Stores the next generation, unless the session has ended, or another request has changed it since it was read."""
    previous = rows().filter(pk=row.pk, generation=following.generation - 1, ended_at=None, auth_hash=row.auth_hash)
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


def end_all(sessions: TokenSessionQuerySet) -> int:
    """`end`, for several sessions."""
    return _update(sessions.filter(ended_at=None), ended_at=current())


def replace_auth_hash(user: Any, known: Iterable[str], auth_hash: str) -> int:
    """Gives the sessions of a user with one of the known hashes another one, and returns their number."""
    return _update(rows().of(user).filter(ended_at=None, auth_hash__in=[*known]), auth_hash=auth_hash)


def _update(sessions: TokenSessionQuerySet, **changes: Any) -> int:
    """Changes several sessions. Statements that lock the same rows in different orders would wait for each other."""
    if not connections[sessions.db].features.has_select_for_update:  # SQLite, which locks no rows
        return sessions.update(**changes)
    with transaction.atomic(using=sessions.db):
        locked = sessions.select_for_update().order_by("pk")
        return rows().filter(pk__in=[*locked.values_list("pk", flat=True)]).update(**changes)


def _after_others(user: Any, date: datetime) -> datetime:
    """The date of a new session: the clock of the server that created the newest session may be ahead."""
    newest = rows().of(user).active().aggregate(newest=Max("created_at"))["newest"]
    return date if newest is None else max(date, newest + timedelta(microseconds=1))


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
