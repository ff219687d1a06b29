"""A Redis server that holds revocations: persistence, eviction, replicas and clock."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from boltguard.auth.secret_box import SecretBox
from boltguard.doctor.report import Section, shown_error

# In seconds. Entries are kept for a minute longer than necessary, because clocks differ.
LARGEST_CLOCK_DIFFERENCE = 5.0


def client_of(store: Any) -> Any:
    """The client of the server of Django's RedisCache or django-redis; `None` for other caches."""
    with suppress(Exception):
        cache = store.cache
        if hasattr(cache, "client") and hasattr(cache.client, "get_client"):
            return cache.client.get_client(write=True)
        return cache._cache.get_client(None, write=True)
    return None


def client_for(url: SecretBox[str]) -> Any:
    """A client for the server with this URL."""
    import redis

    return redis.Redis.from_url(url.value, socket_timeout=2, socket_connect_timeout=2)


def examine(client: Any, section: Section) -> None:
    """Adds the state of a server that holds all entries."""
    info = _info(client, section)
    if info is None:
        return
    _examine_persistence(client, info, section)
    _examine_eviction(info, section)
    if _count_replicas(client, info, section) and section.facts["Redis: min-replicas-to-write"] == 0:
        text = "A failover to a replica can lose the latest revocations, because writes don't wait for a replica."
        section.problem(text, "Set min-replicas-to-write 1, or use DjangoORMRevocation.")
    _examine_clock(client, section)


def examine_stream(client: Any, wait_replicas: int, section: Section) -> None:
    """Adds the state of a server that only announces entries, which are also in a table."""
    info = _info(client, section)
    if info is None:
        return
    _examine_eviction(info, section)
    if _count_replicas(client, info, section) and not wait_replicas:
        text = "After a failover, the latest revocations may take effect only after about a minute."
        section.problem(text, "Set wait_replicas=1, and min-replicas-to-write 1 on the server.")


def _info(client: Any, section: Section) -> dict[str, Any] | None:
    try:
        info: dict[str, Any] = client.info()
    except Exception as error:
        # The store reports that it is unavailable. A user without the permission for INFO isn't a problem.
        section.facts["Redis: INFO"] = f"not available ({shown_error(error)})"
        return None
    section.facts["Redis: version"] = str(info.get("redis_version", ""))
    section.facts["Redis: role"] = str(info.get("role", ""))
    if info.get("role") != "master":
        section.problem("The Redis server is a replica, so it may not have received a revocation yet.", USE_PRIMARY)
    return info


def _examine_persistence(client: Any, info: dict[str, Any], section: Section) -> None:
    appends, saves = bool(info.get("aof_enabled")), _setting(client, "save")
    section.facts["Redis: appendonly"] = "yes" if appends else "no"
    section.facts["Redis: save"] = "unknown" if saves is None else saves or "never"
    if not appends and saves == "":
        section.problem("Redis doesn't write to disk, so a restart loses all revocations.", "Set appendonly yes.")
    if info.get("rdb_last_bgsave_status", "ok") != "ok" or info.get("aof_last_write_status", "ok") != "ok":
        section.problem("Redis failed to write to disk.", "See the log of the server.")


def _examine_eviction(info: dict[str, Any], section: Section) -> None:
    policy, limit = str(info.get("maxmemory_policy", "unknown")), int(info.get("maxmemory", 0))
    section.facts["Redis: maxmemory-policy"] = policy
    section.facts["Redis: maxmemory"] = limit or "unlimited"
    section.facts["Redis: evicted keys"] = int(info.get("evicted_keys", 0))
    if policy not in ("noeviction", "unknown"):
        text = f"Redis evicts entries when its memory is full (maxmemory-policy {policy})."
        section.problem(text, "Set maxmemory-policy noeviction, or use a separate server for revocations.")


def _count_replicas(client: Any, info: dict[str, Any], section: Section) -> int:
    replicas, least = int(info.get("connected_slaves", 0)), _setting(client, "min-replicas-to-write")
    section.facts["Redis: replicas"] = replicas
    section.facts["Redis: min-replicas-to-write"] = "unknown" if least is None else int(least)
    return replicas


def _examine_clock(client: Any, section: Section) -> None:
    try:
        began = time.time()
        seconds, microseconds = client.time()
        middle = (began + time.time()) / 2
    except Exception as error:
        section.facts["Redis: clock"] = f"not available ({shown_error(error)})"
        return
    ahead = seconds + microseconds / 1e6 - middle
    section.facts["Redis: clock"] = f"{ahead:+.3f} s"
    if abs(ahead) > LARGEST_CLOCK_DIFFERENCE:
        text = f"The clock of the Redis server differs by {ahead:+.1f} s from that of this machine."
        section.problem(text, "Synchronize the clocks with NTP.")


def _setting(client: Any, name: str) -> str | None:
    """A setting of the server, or `None` if CONFIG isn't permitted, as on many managed servers."""
    with suppress(Exception):
        value = client.config_get(name).get(name)
        return None if value is None else str(value)
    return None


USE_PRIMARY = "Use the primary, or DjangoORMRevocation."
