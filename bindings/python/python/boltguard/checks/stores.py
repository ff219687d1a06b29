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

from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.revocation import DjangoCacheRevocation, DjangoORMRevocation, InMemoryRevocation, RevocationStore
from boltguard.checks.backends import backends

Message = checks.CheckMessage


def check_stores(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the stores of all backends keep what they are told."""
    stores = {
        id(store): store
        for store in (backend.revocation_store for backend in backends(JWTAuthentication))
        if store is not None
    }
    return [message for store in stores.values() for message in check_store(store)]


def check_store(store: RevocationStore) -> Iterator[Message]:
    if isinstance(store, InMemoryRevocation) and not settings.DEBUG:
        message = "InMemoryRevocation is used with DEBUG = False: each process has its own, lost at a restart."
        hint = "Use DjangoCacheRevocation or DjangoORMRevocation where more than one process serves the site."
        yield checks.Warning(message, hint, id="boltguard.W201")
    if isinstance(store, DjangoCacheRevocation):
        yield from _check_cache(store.cache_alias)
    if isinstance(store, DjangoORMRevocation):
        yield from _check_model(store)


def _check_cache(alias: str) -> Iterator[Message]:
    configured = settings.CACHES.get(alias)
    if configured is None:
        message = f"DjangoCacheRevocation names the cache {alias!r}, which is not in CACHES."
        yield checks.Error(message, id="boltguard.E202")
        return
    path = str(configured.get("BACKEND", ""))
    kind = path.rpartition(".")[2]
    if kind == "DummyCache":
        message = f"DjangoCacheRevocation uses the cache {alias!r}, which keeps nothing: no token is ever revoked."
        yield checks.Error(message, SHARED_CACHE, id="boltguard.E202")
    elif unable := _cant_tell(path, kind, configured):
        message = f"DjangoCacheRevocation uses the cache {alias!r}, {unable}: revoked tokens may be accepted."
        yield checks.Error(message, SHARED_CACHE, id="boltguard.E202")
    elif kind in _LOSSY and (kind not in _BOUNDED or _entries(configured) < ENOUGH):
        message = f"DjangoCacheRevocation uses the cache {alias!r}, {_LOSSY[kind]}: revoked tokens may come back."
        yield checks.Warning(message, SHARED_CACHE, id="boltguard.W202")


def _cant_tell(path: str, kind: str, configured: dict[str, Any]) -> str | None:
    """Why a cache can't tell that a token is not revoked, whatever it is asked."""
    location = configured.get("LOCATION", "")
    servers = re.split("[;,]", location) if isinstance(location, str) else list(location)
    if kind in _MEMCACHED and len([one for one in servers if one]) > 1:
        return "which has several Memcached servers and goes on without those that fail"
    if kind in _MEMCACHED and configured.get("OPTIONS", {}).get("ignore_exc"):
        return "whose option ignore_exc answers for a server that fails"
    if kind == "RedisCache" and len(servers) > 1:
        return "which reads from replicas that may not have heard of a revocation"
    if kind == "DatabaseCache" and _reads_replica(path, configured):
        return "whose table is read from a replica, by DATABASE_ROUTERS"
    return None


def _reads_replica(path: str, configured: dict[str, Any]) -> bool:
    model = import_string(path)(str(configured.get("LOCATION", "")), {}).cache_model_class
    return bool(router.db_for_read(model) != router.db_for_write(model))


def _entries(configured: dict[str, Any]) -> int:
    options = configured.get("OPTIONS", {})
    return int(options.get("MAX_ENTRIES", configured.get("MAX_ENTRIES", 300)))


def _check_model(store: DjangoORMRevocation) -> Iterator[Message]:
    try:
        jti = store.model._meta.get_field("jti")
    except ImproperlyConfigured as error:
        hint = 'Add "boltguard" to INSTALLED_APPS.' if store.model_label == "boltguard.RevokedToken" else None
        yield checks.Error(str(error), hint, id="boltguard.E203")
    except FieldDoesNotExist:
        yield checks.Error(f"DjangoORMRevocation: {store} has no field `jti`.", id="boltguard.E203")
    else:
        if not (jti.unique or jti.db_index):  # type: ignore[union-attr]
            message = f"DjangoORMRevocation: {store}.jti has no index, so each request reads the whole table."
            yield checks.Warning(message, "Give the field unique=True.", id="boltguard.W203")
        if (too_short := store.too_short) is not None:
            yield checks.Error(too_short, id="boltguard.E203")


# Past MAX_ENTRIES, which is 300 unless it is set, these caches drop a third of what they hold.
ENOUGH = 100_000
_MEMCACHED = ("PyLibMCCache", "PyMemcacheCache", "MemcachedCache")
_LOSSY = {
    "LocMemCache": "which each process has for itself and which drops entries when it is full",
    "FileBasedCache": "which drops entries past a small MAX_ENTRIES",
    "DatabaseCache": "which drops entries past a small MAX_ENTRIES",
    **dict.fromkeys(_MEMCACHED, "which drops entries when its memory is full, and all of them at a restart"),
}
_BOUNDED = ("DatabaseCache", "FileBasedCache")
SHARED_CACHE = "Use a cache on one Redis server that does not evict and writes to disk, or DjangoORMRevocation."
