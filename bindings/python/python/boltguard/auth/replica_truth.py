"""The complete list of revocations of `ReplicatedRevocation`: the tables of a `DjangoORMRevocation`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.models import Q, UUIDField

from boltguard._rust import RevocationEntry, RevocationQuery
from boltguard.auth.table_store import DjangoORMRevocation
from boltguard.auth.token_ids import MARKER
from boltguard.auth.watermark_table import has_expiry
from boltguard.exceptions import RevocationUnavailable


def pages(store: DjangoORMRevocation, expired_at: float) -> Iterator[list[RevocationEntry]]:
    """All entries that are kept for longer than `expired_at`, in seconds since the epoch.

    They are read from the database that is written to. An entry that was committed before is in one of the pages: its
    primary key doesn't change. One that is committed meanwhile may be missing, and is read by the next query.
    """
    if (problem := unusable(store)) is not None:
        raise ImproperlyConfigured(problem)
    for rows in _pages(store.model, expired_at, "jti"):
        yield [_token(jti, until) for _, jti, until in rows]
    if (model := store.watermark_model) is not None:
        for rows in _pages(model, expired_at, "key", "before"):
            yield [RevocationEntry.stored_level(key, before, until) for _, key, before, until in rows]


def unusable(store: DjangoORMRevocation) -> str | None:
    """Why the entries of a table can't be copied."""
    if isinstance(store.model._meta.get_field("jti"), UUIDField):
        # A UUID of a digest doesn't tell which token was revoked.
        return f"ReplicatedRevocation: {store}.jti is a UUIDField. It must be a CharField."
    return None


def revocation_in_time(store: DjangoORMRevocation, query: RevocationQuery, deadline: float) -> bool:
    """The result of `store.check`, or `RevocationUnavailable` if the database doesn't respond within `deadline` s.

    A query can't be interrupted, so it is left to its thread. Their number is limited.
    """
    if not _threads.acquire(blocking=False):
        raise RevocationUnavailable("Too many queries of the complete list are in progress.")
    found: list[bool] = []

    def ask() -> None:
        try:
            found.append(store.check(query))
        except Exception:
            found.clear()
        finally:
            connections.close_all()
            _threads.release()

    thread = threading.Thread(target=ask, name="boltguard-revocation-query", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        _threads.release()
        raise RevocationUnavailable("No thread can be started for a query of the complete list.") from error
    thread.join(deadline)
    if found:
        return found[0]
    raise RevocationUnavailable("The revocation list is stale, and the database didn't respond in time.")


def reset_after_fork() -> None:
    """Forgets the threads of the parent process."""
    global _threads
    _threads = threading.BoundedSemaphore(MOST_QUERIES)


def _pages(model: Any, expired_at: float, *fields: str) -> Iterator[list[tuple[Any, ...]]]:
    is_kept = has_expiry(model)
    rows = model._default_manager.db_manager(router.db_for_write(model)).order_by("pk")
    if is_kept:
        since = datetime.fromtimestamp(max(expired_at, 0.0), tz=timezone.utc if settings.USE_TZ else None)
        rows = rows.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=since))
    columns = ("pk", *fields, *(("expires_at",) if is_kept else ()))
    last: Any = None
    while True:
        later = rows if last is None else rows.filter(pk__gt=last)
        page = list(later.values_list(*columns)[:PAGE])
        yield [(*row[: len(fields) + 1], _timestamp(row[-1]) if is_kept else None) for row in page]
        if len(page) < PAGE:
            return
        last = page[-1][0]


def _timestamp(date: datetime | None) -> float | None:
    return None if date is None else date.timestamp()


def _token(jti: str | UUID, until: float | None) -> RevocationEntry:
    text = str(jti)
    # An ID that begins like this is always stored as its digest.
    if text.startswith(MARKER):
        return RevocationEntry.token_digest(text.removeprefix(MARKER), until)
    return RevocationEntry.token(text, until)


PAGE = 2000
MOST_QUERIES = 8
_threads = threading.BoundedSemaphore(MOST_QUERIES)
