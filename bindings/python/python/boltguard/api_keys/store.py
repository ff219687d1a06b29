"""`APIKeyStore`: the keys of the table, as Rust looks them up. A request that finds them stale refreshes them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from inspect import iscoroutinefunction
from threading import Lock, local
from time import monotonic
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from boltguard import _rust, conf, forks, registry
from boltguard.api_keys import places, why_not_installed
from boltguard.api_keys.places import Place, current_place
from boltguard.api_keys.snapshot import Rules, Snapshot
from boltguard.api_keys.usage import Usage
from boltguard.exceptions import ConfigurationError
from boltguard.overriding import refuse_overrides
from boltguard.threads import in_thread

REFRESH_INTERVAL = 5.0
RELOAD_INTERVAL = 300.0
# Snapshots of tenants without requests for this time are dropped.
IDLE = 3600.0


class APIKeyStore:
    """The keys of `boltguard.models.APIKey`, for `APIKeyAuthentication(store=APIKeyStore(...))`.

    A change takes effect immediately in the process that makes it, and within `refresh_interval` seconds in the others;
    until then, requests make no query. All keys are read again every `reload_interval` seconds, even if the table has
    no recorded changes. Keys with `prefix` are accepted; without it, those with `BOLTGUARD_API_KEY_PREFIX`.

    A key is only valid for the table that contains it: the one of a database behind a router, or of a tenant's schema.
    `using` is the database of the keys, instead of the routers' choice. `tenant` is a function without arguments that
    returns the tenant of the current request, if its table of keys can't be determined otherwise.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_overrides(cls, ImproperlyConfigured, "The keys are looked up in Rust; use Check(function) as a guard.")

    def __init__(
        self,
        *,
        refresh_interval: float = REFRESH_INTERVAL,
        reload_interval: float = RELOAD_INTERVAL,
        prefix: str | None = None,
        using: str | None = None,
        tenant: Callable[[], Hashable] | None = None,
    ) -> None:
        self.refresh_interval = _seconds("refresh_interval", refresh_interval)
        self.reload_interval = _seconds("reload_interval", reload_interval)
        self.using = _alias(using)
        self.tenant = _function(tenant)
        self._format = None if prefix is None else _format(prefix)
        self._lock = Lock()
        self._snapshots: Snapshots | None = None
        registry.remember(self)
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """For a child process, in which no other thread holds the lock."""
        self._lock = Lock()

    @property
    def snapshots(self) -> Snapshots:
        """The snapshots for the current settings."""
        snapshots, current = self._snapshots, conf.current()
        if snapshots is None or snapshots.conf is not current:
            with self._lock:
                if self._snapshots is None or self._snapshots.conf is not current:
                    self._snapshots = Snapshots(self, current, self._format or current.api_key_format)
                snapshots = self._snapshots
        return snapshots

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot of the place that this thread is at."""
        return self.snapshots.here()

    def refresh(self) -> None:
        """Refreshes the keys of this place, unless another request just did."""
        self.snapshot.refresh()

    async def arefresh(self) -> None:
        """`refresh`, for async code."""
        await in_thread(self.refresh)()

    def note_change(self) -> None:
        """Makes the next request read the table. Call it after you have changed keys with SQL."""
        if self._snapshots is not None:
            for snapshot in self._snapshots:
                snapshot.note_change()

    def was_read_elsewhere(self, connection: Any) -> bool:
        """Whether the keys used for requests are from another database than this connection's."""
        snapshots = self._snapshots
        if snapshots is None or snapshots.has_many_places:
            return False
        return any(snapshot.was_read and snapshot.place.leads_elsewhere(connection) for snapshot in snapshots)

    def write_uses(self, *, due: bool = False) -> None:
        """Writes the last uses of keys; with `due`, only if the write interval has passed."""
        if self._snapshots is not None:
            self._snapshots.write_uses(due)

    def __repr__(self) -> str:
        given = {"using": self.using, "tenant": self.tenant}
        more = "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)
        return f"APIKeyStore(refresh_interval={self.refresh_interval!r}{more})"


class Snapshots:
    """The snapshots of a store under some settings: one, or one for each place in which keys were looked up."""

    def __init__(self, store: APIKeyStore, current: conf.Conf, format: _rust.ApiKeyFormat) -> None:
        model = _model(store)
        self.conf = current
        self._store = store
        self._rules = Rules(current, model, format, (store.refresh_interval, store.reload_interval))
        self._lock = Lock()
        self._at: dict[Place, Snapshot] = {}
        self._used: set[Snapshot] = set()
        # The snapshot that each thread used last.
        self._last = local()
        self.has_many_places = places.has_many_places(store)
        # Empty and never up to date, so that Rust requests the keys for each request.
        self._nowhere = self._rules.new_store()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """For a child process, in which no other thread holds the lock."""
        self._lock = Lock()

    @property
    def rust(self) -> _rust.ApiKeyStore:
        """The keys in Rust that a gate is compiled with."""
        return self._nowhere if self.has_many_places else self.here().rust

    def here(self) -> Snapshot:
        """The snapshot of the place that this thread is at."""
        place = current_place(self._store, self._rules.model)
        snapshot = self._at.get(place)
        if snapshot is None:
            with self._lock:
                self._drop_idle()
                snapshot = self._at.get(place) or self._add(place)
        snapshot.used_at = monotonic()
        self._used.add(snapshot)
        self._last.snapshot = snapshot
        return snapshot

    def write_uses(self, due: bool) -> None:
        """Writes the last uses of keys."""
        last = getattr(self._last, "snapshot", None)
        for snapshot in list(self._used) if due and self.has_many_places else self:
            # From another place, a query is necessary to find out that this one can't be selected.
            if not due or snapshot is last or snapshot.usage.can_be_written_anywhere:
                if snapshot.usage.write(due=due):
                    self._used.discard(snapshot)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(list(self._at.values()))

    def _add(self, place: Place) -> Snapshot:
        usage = Usage(self._rules, place, self._store, at_once=self.has_many_places)
        self._at[place] = snapshot = Snapshot(self._rules, place, usage)
        return snapshot

    def _drop_idle(self) -> None:
        since = monotonic() - IDLE
        self._at = {place: snapshot for place, snapshot in self._at.items() if snapshot.used_at > since}


def default_store() -> APIKeyStore:
    """The store of `APIKeyAuthentication(store=True)`, one for all backends."""
    global _default
    if _default is None:
        _default = APIKeyStore()
    return _default


_default: APIKeyStore | None = None


def _model(store: APIKeyStore) -> Any:
    reason = why_not_installed() or places.why_unknown(store)
    if reason is not None:
        raise ImproperlyConfigured(f"APIKeyAuthentication(store=...): {reason}")
    from boltguard.api_keys.models import APIKey

    return APIKey


def _format(prefix: str) -> _rust.ApiKeyFormat:
    try:
        return _rust.ApiKeyFormat(prefix)
    except (ConfigurationError, TypeError) as error:
        raise ImproperlyConfigured(f"APIKeyStore: prefix is {prefix!r}: {error}") from None


def _seconds(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ImproperlyConfigured(f"APIKeyStore: {name} is {value!r}. It must be a number of seconds, zero or more.")
    return float(value)


def _alias(using: str | None) -> str | None:
    if using is not None and (not isinstance(using, str) or not using):
        raise ImproperlyConfigured(f"APIKeyStore: using is {using!r}. It must be an alias of DATABASES.")
    return using


def _function(tenant: Callable[[], Hashable] | None) -> Callable[[], Hashable] | None:
    if tenant is None:
        return None
    if not callable(tenant) or iscoroutinefunction(tenant):
        raise ImproperlyConfigured(f"APIKeyStore: tenant is {tenant!r}. It must be a function that isn't async.")
    return tenant
