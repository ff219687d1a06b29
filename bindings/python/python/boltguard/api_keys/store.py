"""`APIKeyStore`: the keys of the table as Rust looks them up, brought up to date by the request that finds them old."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connections, router

from boltguard import _rust, conf, registry
from boltguard.api_keys import why_not_installed
from boltguard.api_keys.usage import Usage
from boltguard.exceptions import ConfigurationError
from boltguard.overriding import refuse_overrides
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from boltguard.api_keys.changes import Version

logger = logging.getLogger("boltguard")

REFRESH_INTERVAL = 5.0


class APIKeyStore:
    """The keys of `boltguard.models.APIKey`, for `APIKeyAuthentication(store=APIKeyStore(...))`.

    A change takes effect at once in the process that makes it, and within `refresh_interval` seconds in the others;
    that long, requests cost no query. Keys with `prefix` are accepted; without it, those with `BOLT_API_KEY_PREFIX`.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_overrides(cls, ImproperlyConfigured, "The keys are looked up in Rust; use Check(function) as a guard.")

    def __init__(self, *, refresh_interval: float = REFRESH_INTERVAL, prefix: str | None = None) -> None:
        from boltguard.api_keys import checks

        if isinstance(refresh_interval, bool) or not isinstance(refresh_interval, (int, float)) or refresh_interval < 0:
            raise ImproperlyConfigured(f"APIKeyStore: refresh_interval is {refresh_interval!r}; give seconds")
        self.refresh_interval = float(refresh_interval)
        self._format = None if prefix is None else _format(prefix)
        self._lock = Lock()
        self._snapshot: Snapshot | None = None
        checks.register()
        registry.remember(self)

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot, for the settings now in force."""
        snapshot, current = self._snapshot, conf.current()
        if snapshot is None or snapshot.conf is not current:
            with self._lock:
                if self._snapshot is None or self._snapshot.conf is not current:
                    self._snapshot = Snapshot(current, self._format or current.api_key_format, self.refresh_interval)
                snapshot = self._snapshot
        return snapshot

    def refresh(self) -> None:
        """Brings the keys up to date, unless another request just did."""
        self.snapshot.refresh()

    async def arefresh(self) -> None:
        """`refresh`, for async code."""
        await in_thread(self.snapshot.refresh)()

    def note_change(self) -> None:
        """Makes the next request look at the table. Call it after SQL of your own has changed keys."""
        if self._snapshot is not None:
            self._snapshot.note_change()

    def write_uses(self, *, due: bool = False) -> None:
        """Writes down when keys were last used; with `due`, only if it is time to."""
        if self._snapshot is not None:
            self._snapshot.usage.write(due=due)

    def __repr__(self) -> str:
        return f"APIKeyStore(refresh_interval={self.refresh_interval!r})"


class Snapshot:
    """The keys under some settings, and how far in the table's changes they have been read."""

    def __init__(self, current: conf.Conf, format: _rust.ApiKeyFormat, interval: float) -> None:
        self.conf = current
        self.model = _model()
        peppers = [secret.pepper for secret in current.api_key_secrets]
        self.rust = _rust.ApiKeyStore(format, peppers, refresh_interval=interval)
        self.usage = Usage(self.rust, self.model, current.api_key_secrets[0].id)
        self._interval = interval
        self._lock = Lock()
        self._read: Version | None = None
        self._barred: set[str] = set()
        self._notes = 0
        self._uncommitted: Uncommitted | None = None

    def note_change(self) -> None:
        """Keeps what is being read meanwhile from passing for current."""
        self._notes += 1
        self.rust.note_change()

    def refresh(self) -> None:
        """Reads what has changed since it was last read."""
        using = router.db_for_write(self.model)
        with self._lock:
            # Whoever had the lock may have done the work.
            if not self.rust.is_current:
                self._refresh(using)

    def _refresh(self, using: str) -> None:
        from boltguard.api_keys.changes import current_version, pending_changes

        connection = connections[using]
        seen = Uncommitted(connection, pending_changes(connection), self._notes, monotonic() + self._interval)
        if self._uncommitted is not None and self._uncommitted.still_holds(seen):
            return
        begun = self.rust.begin_refresh()
        version = current_version(using)
        barred = set(self._rows(using, **_of_inactive_owner()).values_list("pk", flat=True))
        self._load(using, version, barred)
        self._barred = barred
        self.usage.database = connection.settings_dict["NAME"]
        if seen.changes:
            # Read in a transaction that may be rolled back, as a test's always is: nobody else may rely on it.
            self._read, self._uncommitted = None, seen
        else:
            self._read, self._uncommitted = version, None
            self.rust.finish_refresh(begun)

    def _load(self, using: str, version: Version, barred: set[str]) -> None:
        read = self._read
        if read is None or read.epoch != version.epoch or not version.removed <= read.version <= version.version:
            self.rust.replace(key for key in _stored(self._rows(using)) if key.id not in barred)
            return
        changed = [] if version == read else list(_stored(self._rows(using, stamp__gt=read.version)))
        readmitted = self._barred - barred
        if readmitted:
            changed.extend(_stored(self._rows(using, pk__in=readmitted)))
        if changed or barred != self._barred:
            self.rust.update(changed, sorted(barred))

    def _rows(self, using: str, **conditions: Any) -> Any:
        return self.model._base_manager.using(using).filter(**conditions)


class Uncommitted:
    """What a connection had changed and not committed when the keys were read with it."""

    def __init__(self, connection: Any, changes: list[Any], notes: int, until: float) -> None:
        self.connection = connection
        self.changes = changes
        self.notes = notes
        self.until = until

    def still_holds(self, now: Uncommitted) -> bool:
        """Whether a look at the table would find what it found then."""
        return (
            self.connection is now.connection
            and self.notes == now.notes
            and len(self.changes) == len(now.changes)
            and all(one is other for one, other in zip(self.changes, now.changes, strict=True))
            and monotonic() < self.until
        )


def default_store() -> APIKeyStore:
    """The store of `APIKeyAuthentication(store=True)`, one for all backends."""
    global _default
    if _default is None:
        _default = APIKeyStore()
    return _default


_default: APIKeyStore | None = None


def _model() -> Any:
    reason = why_not_installed()
    if reason is not None:
        raise ImproperlyConfigured(f"APIKeyAuthentication(store=...): {reason}")
    from boltguard.api_keys.models import APIKey

    return APIKey


def _format(prefix: str) -> _rust.ApiKeyFormat:
    try:
        return _rust.ApiKeyFormat(prefix)
    except (ConfigurationError, TypeError) as error:
        raise ImproperlyConfigured(f"APIKeyStore: prefix is {prefix!r}: {error}") from None


def _of_inactive_owner() -> dict[str, Any]:
    """The condition; one that no row meets where users are never inactive."""
    from django.contrib.auth import get_user_model

    try:
        get_user_model()._meta.get_field("is_active")
    except FieldDoesNotExist:
        return {"pk__in": []}
    return {"owner__is_active": False}


def _stored(rows: Any) -> Iterator[_rust.StoredApiKey]:
    for row in rows.values_list(*COLUMNS).iterator():
        try:
            yield _one(row)
        except (TypeError, ValueError) as error:
            logger.error("the API key %s can't be read and is refused: %s", row[0], error)


def _one(row: tuple[Any, ...]) -> _rust.StoredApiKey:
    key, digest, owner, permissions, scopes, *dates = row
    created, expires, revoked = (None if date is None else date.timestamp() for date in dates)
    return _rust.StoredApiKey(
        key,
        bytes(digest),
        owner=None if owner is None else str(owner),
        permissions=permissions,
        scopes=scopes,
        created=created or 0.0,
        expires=expires,
        revoked=revoked,
    )


COLUMNS = ("pk", "digest", "owner_id", "permissions", "scopes", "created", "expires", "revoked")
