"""Snapshots: the keys of one table, as Rust looks them up, and how they are refreshed."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from inspect import getattr_static
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connections

from boltguard import _rust, conf, forks
from boltguard.api_keys import Problem
from boltguard.api_keys.places import Place, search_path
from boltguard.api_keys.usage import Usage

if TYPE_CHECKING:
    from boltguard.api_keys.changes import Version

logger = logging.getLogger("boltguard")


class Rules:
    """The attributes that all snapshots of a store share."""

    def __init__(
        self, current: conf.Conf, model: Any, format: _rust.ApiKeyFormat, intervals: tuple[float, float]
    ) -> None:
        self.conf = current
        self.model = model
        self.format = format
        self.refresh_interval, self.reload_interval = intervals

    def new_store(self) -> _rust.ApiKeyStore:
        """A store in Rust, without keys."""
        peppers = [secret.pepper for secret in self.conf.api_key_secrets]
        return _rust.ApiKeyStore(self.format, peppers, refresh_interval=self.refresh_interval)


class Snapshot:
    """The keys of one place, and the latest change of the table that they include."""

    def __init__(self, rules: Rules, place: Place, usage: Usage) -> None:
        self.place = place
        self.rust = usage.rust
        self.usage = usage
        self.used_at = monotonic()
        self._rules = rules
        self._lock = Lock()
        self._read: Version | None = None
        self._barred: set[str] = set()
        self._reload_at = 0.0
        self._notes = 0
        self._uncommitted: Uncommitted | None = None
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Called in a forked process, in which the threads that were refreshing don't exist."""
        self._lock = Lock()
        self._read = self._uncommitted = None
        self.note_change()

    @property
    def was_read(self) -> bool:
        """Whether there are keys to use while the table can't be read."""
        return self._read is not None

    def note_change(self) -> None:
        """Prevents a read that is in progress from being treated as current."""
        self._notes += 1
        self.rust.note_change()

    def refresh(self) -> None:
        """Reads the changes since the last read. The connection must be at the place of this snapshot."""
        with self._lock:
            # The thread that held the lock may have refreshed the snapshot.
            if not self.rust.is_current:
                self._refresh(self.place.using)

    def _refresh(self, using: str) -> None:
        from boltguard.api_keys.changes import current_version, pending_changes

        connection = connections[using]
        until = monotonic() + self._rules.refresh_interval
        seen = Uncommitted(connection, pending_changes(connection), self._notes, until)
        if self._uncommitted is not None and self._uncommitted.still_holds(seen):
            return
        begun = self.rust.begin_refresh()
        version = current_version(using)
        barred = set(self._rows(using, **_of_inactive_owner()).values_list("pk", flat=True))
        self._load(using, version, barred)
        self._barred = barred
        self.usage.search_path = search_path(self.place)
        if seen.changes:
            # The transaction may be rolled back, as in tests, so other threads can't use the keys read in it.
            self._read, self._uncommitted = None, seen
            return
        # A transaction may not see what others have changed since it began, as in MySQL.
        is_older = connection.in_atomic_block and self._read is not None and version.version < self._read.version
        self._read, self._uncommitted = version, None
        if not is_older:
            self.rust.finish_refresh(begun)

    def _load(self, using: str, version: Version, barred: set[str]) -> None:
        read, now = self._read, monotonic()
        if read is None or now >= self._reload_at or not version.continues(read):
            self.rust.replace(key for key in _stored(self._rows(using)) if key.id not in barred)
            # Random, so that not all processes read at the same time.
            self._reload_at = now + self._rules.reload_interval * random.uniform(0.8, 1.0)
            return
        changed = [] if version == read else list(_stored(self._rows(using, stamp__gt=read.version)))
        readmitted = self._barred - barred
        if readmitted:
            changed.extend(_stored(self._rows(using, pk__in=readmitted)))
        if changed or barred != self._barred:
            self.rust.update(changed, sorted(barred))

    def _rows(self, using: str, **conditions: Any) -> Any:
        return self._rules.model._base_manager.using(using).filter(**conditions)


class Uncommitted:
    """The uncommitted changes of a connection when it read the keys."""

    def __init__(self, connection: Any, changes: list[Any], notes: int, until: float) -> None:
        self.connection = connection
        self.changes = changes
        self.notes = notes
        self.until = until

    def still_holds(self, now: Uncommitted) -> bool:
        """Whether reading the table again would have the same result."""
        return (
            self.connection is now.connection
            and self.notes == now.notes
            and len(self.changes) == len(now.changes)
            and all(one is other for one, other in zip(self.changes, now.changes, strict=True))
            and monotonic() < self.until
        )


def why_activity_unknown() -> Problem | None:
    """Why the database can't distinguish keys of inactive owners."""
    from django.contrib.auth import get_user_model

    model = get_user_model()
    # Without a field, it may be True for all users, as in `AbstractBaseUser`.
    if _is_field(model, "is_active") or getattr_static(model, "is_active", True) is True:
        return None
    return Problem(f"{model.__name__}.is_active isn't a field, so keys of inactive owners can't be refused.", FIELD)


def _of_inactive_owner() -> dict[str, Any]:
    """The condition for inactive owners. No row matches it if users are never inactive."""
    from django.contrib.auth import get_user_model

    if (reason := why_activity_unknown()) is not None:
        raise ImproperlyConfigured(str(reason))
    return {"owner__is_active": False} if _is_field(get_user_model(), "is_active") else {"pk__in": []}


def _is_field(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _stored(rows: Any) -> Iterator[_rust.StoredApiKey]:
    for row in rows.values_list(*COLUMNS).iterator():
        try:
            yield _one(row)
        except (TypeError, ValueError) as error:
            logger.error("The API key %r can't be read and is refused: %s", row[0], error)


def _one(row: tuple[Any, ...]) -> _rust.StoredApiKey:
    key, digest, owner, permissions, scopes, *dates = row
    created_at, expires_at, revoked_at = (None if date is None else date.timestamp() for date in dates)
    return _rust.StoredApiKey(
        key,
        bytes(digest),
        owner=None if owner is None else str(owner),
        permissions=permissions,
        scopes=scopes,
        created_at=created_at or 0.0,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


COLUMNS = ("pk", "digest", "owner_id", "permissions", "scopes", "created_at", "expires_at", "revoked_at")
FIELD = "Make it a BooleanField."
