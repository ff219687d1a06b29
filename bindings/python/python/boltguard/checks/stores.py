"""System checks of the stores of revoked tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import router
from django.utils.module_loading import import_string

from boltguard.auth import watermark_table
from boltguard.auth.cache_store import DjangoCacheRevocation
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.memory_store import InMemoryRevocation
from boltguard.auth.replica_truth import unusable
from boltguard.auth.replicated_store import ReplicatedRevocation
from boltguard.auth.stores import RevocationStore
from boltguard.auth.table_store import DjangoORMRevocation
from boltguard.checks.backends import backends

Message = checks.CheckMessage


def check_stores(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the stores of all backends keep revocations until they expire."""
    stores = {
        id(store): store
        for store in (backend.revocation_store for backend in backends(JWTAuthentication))
        if store is not None
    }
    return [message for store in stores.values() for message in check_store(store)]


def check_store(store: RevocationStore) -> Iterator[Message]:
    """Whether a store keeps revocations until they expire."""
    if isinstance(store, InMemoryRevocation) and not settings.DEBUG:
        name = type(store).__name__
        message = f"{name} is used with DEBUG = False, but each process has its own entries and loses them on restart."
        hint = "Use DjangoCacheRevocation or DjangoORMRevocation if more than one process serves the site."
        yield checks.Warning(message, hint, obj=name, id="boltguard.W201")
    if isinstance(store, DjangoCacheRevocation):
        yield from _check_cache(store.cache_alias)
    if isinstance(store, DjangoORMRevocation):
        yield from _check_model(store)
        yield from _check_watermarks(store)
    if isinstance(store, ReplicatedRevocation):
        yield from _check_truth(store.truth)


def _check_truth(table: DjangoORMRevocation) -> Iterator[Message]:
    messages = [*_check_model(table), *_check_watermarks(table)]
    yield from messages
    if not any(message.is_serious() for message in messages) and (problem := unusable(table)) is not None:
        yield checks.Error(problem, JTI, obj=table.model, id="boltguard.E203")


def _check_cache(alias: str) -> Iterator[Message]:
    configured, obj = settings.CACHES.get(alias), f"CACHES[{alias!r}]"
    if configured is None:
        message = f"DjangoCacheRevocation uses the cache {alias!r}, which isn't in CACHES."
        yield checks.Error(message, f"Add {alias!r} to CACHES, or pass cache_alias=.", obj=obj, id="boltguard.E202")
        return
    path = str(configured.get("BACKEND", ""))
    kind = path.rpartition(".")[2]
    if kind == "DummyCache":
        message = f"DjangoCacheRevocation uses the cache {alias!r}, which stores nothing, so no token is ever revoked."
        yield checks.Error(message, SHARED_CACHE, obj=obj, id="boltguard.E202")
    elif unable := _cant_tell(path, kind, configured):
        message = f"DjangoCacheRevocation uses the cache {alias!r}, {unable}, so revoked tokens may be accepted."
        yield checks.Error(message, SHARED_CACHE, obj=obj, id="boltguard.E202")
    elif kind in _LOSSY and (kind not in _BOUNDED or _entries(configured) < ENOUGH):
        message = f"DjangoCacheRevocation uses the cache {alias!r}, {_LOSSY[kind]}, so revoked tokens may be accepted."
        yield checks.Warning(message, SHARED_CACHE, obj=obj, id="boltguard.W202")


def _cant_tell(path: str, kind: str, configured: dict[str, Any]) -> str | None:
    """Why a missing entry in a cache doesn't prove that a token isn't revoked."""
    location = configured.get("LOCATION", "")
    servers = re.split("[;,]", location) if isinstance(location, str) else list(location)
    if kind in _MEMCACHED and len([one for one in servers if one]) > 1:
        return "which has several Memcached servers and ignores those that fail"
    if kind in _MEMCACHED and configured.get("OPTIONS", {}).get("ignore_exc"):
        return "whose option ignore_exc hides the errors of a server"
    if kind == "RedisCache" and len(servers) > 1:
        return "which reads from replicas that may not have received a revocation yet"
    if kind == "DatabaseCache" and _reads_replica(path, configured):
        return "whose table is read from a replica because of DATABASE_ROUTERS"
    return None


def _reads_replica(path: str, configured: dict[str, Any]) -> bool:
    model = import_string(path)(str(configured.get("LOCATION", "")), {}).cache_model_class
    return bool(router.db_for_read(model) != router.db_for_write(model))


def _entries(configured: dict[str, Any]) -> int:
    options = configured.get("OPTIONS", {})
    return int(options.get("MAX_ENTRIES", configured.get("MAX_ENTRIES", 300)))


def _check_watermarks(store: DjangoORMRevocation) -> Iterator[Message]:
    try:
        model = store.watermark_model
    except ImproperlyConfigured as error:
        yield checks.Error(str(error), OWN_TABLE, obj=str(store), id="boltguard.E203")
        return
    if model is not None and (problem := watermark_table.problem(model)) is not None:
        yield checks.Error(f"DjangoORMRevocation: {problem}", WATERMARK, obj=model, id="boltguard.E203")


def _check_model(store: DjangoORMRevocation) -> Iterator[Message]:
    try:
        jti = store.model._meta.get_field("jti")
    except ImproperlyConfigured as error:
        hint = OWN_TABLE if store.model_label == "boltguard.RevokedToken" else OTHER_TABLE
        yield checks.Error(str(error), hint, obj=str(store), id="boltguard.E203")
    except FieldDoesNotExist:
        message = f"DjangoORMRevocation uses the model {store}, which doesn't have a field jti."
        yield checks.Error(message, JTI, obj=store.model, id="boltguard.E203")
    else:
        if not (jti.unique or jti.db_index):  # type: ignore[union-attr]
            message = f"{store}.jti doesn't have an index, so each request reads the whole table."
            yield checks.Warning(message, "Set unique=True on the field.", obj=store.model, id="boltguard.W203")
        if (too_short := store.too_short) is not None:
            yield checks.Error(too_short, JTI, obj=store.model, id="boltguard.E203")


# Above MAX_ENTRIES, by default 300, these caches drop a third of their entries.
ENOUGH = 100_000
_MEMCACHED = ("PyLibMCCache", "PyMemcacheCache", "MemcachedCache")
_LOSSY = {
    "LocMemCache": "which is local to each process and drops entries when it is full",
    "FileBasedCache": "which drops entries above a small MAX_ENTRIES",
    "DatabaseCache": "which drops entries above a small MAX_ENTRIES",
    **dict.fromkeys(_MEMCACHED, "which drops entries when its memory is full, and all of them on restart"),
}
_BOUNDED = ("DatabaseCache", "FileBasedCache")
SHARED_CACHE = (
    "Use a cache on a single Redis server that doesn't evict entries and writes to disk, or DjangoORMRevocation."
)
JTI = "Add a field jti: a CharField with unique=True and max_length=255, or a UUIDField."
WATERMARK = (
    "Use fields like those of boltguard.RevocationWatermark: key, a CharField with unique=True and max_length=160, "
    "before, a BigIntegerField, and expires_at, a DateTimeField with null=True."
)
OWN_TABLE = 'Add "boltguard" to INSTALLED_APPS.'
OTHER_TABLE = 'Set model= to an installed model, such as "myapp.RevokedToken".'
