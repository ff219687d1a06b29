"""The revocation stores: where they are, whether they are available, and the bound of a revocation."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from boltguard import clock, conf
from boltguard._rust import RevocationQuery
from boltguard.auth.cache_store import DjangoCacheRevocation
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.memory_store import InMemoryRevocation
from boltguard.auth.replicated_store import ReplicatedRevocation
from boltguard.auth.store_classes import ask
from boltguard.auth.stores import RevocationStore
from boltguard.auth.table_store import DjangoORMRevocation
from boltguard.auth.watermark_table import has_expiry
from boltguard.checks.backends import backends
from boltguard.checks.stores import check_store
from boltguard.checks.tables import has_table
from boltguard.doctor import redis_server
from boltguard.doctor.report import Section, shown_error, shown_url

IMMEDIATELY = "immediately: each request queries the store"


def examine() -> Iterator[Section]:
    """A section for each store of a backend, and one for the backends without a store."""
    used = backends(JWTAuthentication)
    for store in _stores().values():
        yield _examine(store)
    without = [backend for backend in used if backend.revocation_store is None]
    if without:
        section = Section("Tokens without revocation", {"backends": len(without)})
        section.facts["of BOLTGUARD_AUTHENTICATION_CLASSES"] = _count_of_settings(without)
        section.facts["bound of a revocation"] = "none: tokens are valid until they expire"
        yield section


def names() -> dict[Hashable, str]:
    """The name of each store, by its place. Stores of one class are numbered."""
    stores = _stores()
    of_class: dict[str, list[Hashable]] = {}
    for place, store in stores.items():
        of_class.setdefault(type(store).__name__, []).append(place)
    return {
        place: name if len(places) == 1 else f"{name} ({number} of {len(places)})"
        for name, places in of_class.items()
        for number, place in enumerate(places, 1)
    }


def _stores() -> dict[Hashable, RevocationStore]:
    """The stores of the backends, by their places."""
    found = (backend.revocation_store for backend in backends(JWTAuthentication))
    return {store.place: store for store in found if store is not None}


def _users(store: RevocationStore) -> str:
    """The names of the backends with a store."""
    used = backends(JWTAuthentication)
    return ", ".join(
        sorted({one.name for one in used if one.revocation_store and one.revocation_store.place == store.place})
    )


def _count_of_settings(found: list[JWTAuthentication]) -> int:
    """How many of these backends are those of the setting, or its default."""
    with suppress(ImproperlyConfigured):
        return sum(any(backend is one for one in conf.current().authentication) for backend in found)
    return 0


def _examine(store: RevocationStore) -> Section:
    section = Section(f"Revocation store {names()[store.place]}")
    section.facts["backends"] = _users(store)
    section.facts["leeway"] = f"{store.leeway:g} s"
    for kind, examine in _KINDS.items():
        if isinstance(store, kind):
            examine(store, section)
            break
    else:
        section.facts["kind"] = f"custom: {type(store).__module__}.{type(store).__qualname__}"
        section.facts["bound of a revocation"] = "that of the store"
    for message in check_store(store):
        section.problem(str(message.msg), str(message.hint))
    _ask(store, section)
    return section


def _ask(store: RevocationStore, section: Section) -> None:
    """Asks the store what each request asks it."""
    query = _query()
    began = time.perf_counter()
    try:
        ask(store.check, query)
    except Exception as error:
        section.facts["reachable"] = False
        text = f"The store is unavailable ({shown_error(error)}), so tokens are refused with 503."
        section.problem(text, "Start the server, and check its address and credentials.")
        return
    section.facts["reachable"] = True
    section.facts["round trip"] = f"{(time.perf_counter() - began) * 1000:.2f} ms"


def _query() -> Any:
    return RevocationQuery("boltguard-doctor", subject="boltguard-doctor", session_id="boltguard-doctor")


def _memory(store: Any, section: Section) -> None:
    section.facts["kind"] = "memory of each process"
    section.facts["entries of this process"] = len(store.memory)
    _examine_room(len(store.memory), store.max_entries, MEMORY_FULL, section)
    section.facts["bound of a revocation"] = "immediately in the process that revokes, never in others"


def _table(store: Any, section: Section) -> None:
    section.facts["kind"] = "database"
    _tables_of(store, section)
    section.facts["bound of a revocation"] = IMMEDIATELY


def _replicated(store: Any, section: Section) -> None:
    section.facts["kind"] = "database, with a copy in the memory of each process"
    entries = _tables_of(store.truth, section)
    section.facts["max_entries"] = store.max_entries
    _examine_room(entries, store.max_entries, COPY_FULL, section)
    section.facts["bound of a revocation"] = f"{store.max_staleness:g} s after it was acknowledged and committed"
    older = "503" if store.on_stale == "deny" else "queries the database"
    section.facts["if the copy may be older"] = older
    if store.url is None:
        section.facts["announced by"] = "nothing: each process reads the tables repeatedly"
        return
    section.facts["announced by"] = shown_url(store.url.value)
    section.facts["prefix"] = store.prefix
    redis_server.examine_stream(redis_server.client_for(store.url), store.wait_replicas, section)


def _model(store: Any, name: str, section: Section) -> Any:
    try:
        return getattr(store, name)
    except ImproperlyConfigured as error:
        section.problem(str(error), "Correct the model of the store.")
        return None


def _tables_of(table: Any, section: Section) -> int:
    """Adds the tables, and returns how many entries they have that haven't expired."""
    models = (_model(table, "model", section), _model(table, "watermark_model", section))
    return sum(_table_of(model, section) for model in models if model is not None)


def _table_of(model: Any, section: Section) -> int:
    label, using = model._meta.label, router.db_for_write(model)
    section.facts[f"{label}: database"] = f"{using} ({connections[using].vendor})"
    if router.db_for_read(model) != using:
        section.facts[f"{label}: read from"] = f"{using}, although DATABASE_ROUTERS has a replica"
    try:
        exists = has_table(model, using)
        rows = model._base_manager.using(using).all() if exists else None
        counts = {} if rows is None else _counts(rows, model)
    except Exception as error:
        text = f"The database {using!r} is unavailable ({shown_error(error)})."
        section.problem(text, "Start the server, and check DATABASES.")
        return 0
    if not exists:
        remedy = f"Run `python manage.py migrate {model._meta.app_label}`."
        section.problem(f"The table of {label} doesn't exist in the database {using!r}.", remedy)
    section.facts[f"{label}: rows"] = counts.get("rows")
    if "permanent" in counts:
        section.facts[f"{label}: rows without expiry"] = counts["permanent"]
    return counts.get("current", 0)


def _counts(rows: Any, model: Any) -> dict[str, int]:
    """How many rows there are, how many of them haven't expired, and how many never do."""
    total = rows.count()
    if not has_expiry(model):
        return {"rows": total, "current": total}
    permanent = rows.filter(expires_at=None).count()
    later = rows.filter(expires_at__gt=clock.now()).count()
    return {"rows": total, "current": permanent + later, "permanent": permanent}


def _examine_room(entries: int, max_entries: int, consequence: str, section: Section) -> None:
    """Adds a problem if a list is nearly as large as it can be."""
    if entries >= max_entries * NEARLY_FULL:
        text = f"{entries} of at most {max_entries} entries are in use. {consequence}"
        section.problem(text, "Increase max_entries, and run `python manage.py boltguard_prune` regularly.")


def _cache(store: Any, section: Section) -> None:
    alias = store.cache_alias
    configured = settings.CACHES.get(alias, {})
    section.facts["kind"] = str(configured.get("BACKEND", "")).rpartition(".")[2]
    section.facts["cache"] = alias
    section.facts["key_prefix"] = store.key_prefix
    location = configured.get("LOCATION", "")
    locations = [location] if isinstance(location, str) else list(location)
    section.facts["location"] = ", ".join(shown_url(one) for one in locations)
    if section.facts["kind"] in BOUNDED:
        options = configured.get("OPTIONS", {})
        section.facts["MAX_ENTRIES"] = int(options.get("MAX_ENTRIES", configured.get("MAX_ENTRIES", 300)))
    section.facts["bound of a revocation"] = IMMEDIATELY
    if (client := redis_server.client_of(store)) is not None:
        redis_server.examine(client, section)


NEARLY_FULL = 0.8
MEMORY_FULL = "Above that, tokens can't be revoked."
COPY_FULL = "Above that, all tokens are refused with 503."
BOUNDED = ("LocMemCache", "FileBasedCache", "DatabaseCache")
_KINDS: dict[type[RevocationStore], Callable[[Any, Section], None]] = {
    InMemoryRevocation: _memory,
    DjangoCacheRevocation: _cache,
    DjangoORMRevocation: _table,
    ReplicatedRevocation: _replicated,
}
