"""Watermarks in one of Django's caches.

In Django's Redis cache, a script keeps the later one of two times. Other caches have no such command. There, a level
has several keys, its *slots*, and its time is the latest of those in its slots. A writer reserves a slot, so that no
other one writes to it, and a reservation never expires: a writer that stalls at any point can't overwrite what another
one has written since. If a writer is killed, or doesn't know whether its write may still arrive, its slot stays
reserved, and others use the next one.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from boltguard import clock
from boltguard.exceptions import RevocationUnavailable

if TYPE_CHECKING:
    from django.core.cache.backends.base import BaseCache


def raise_level(cache: BaseCache, key: str, before: int, lifetime: int | None) -> str:
    """Moves the watermark of a level forward and extends it, or adds it. Returns the key in which it is."""
    client = _redis(cache, key)
    if client is not None:
        client.eval(RAISE, 1, cache.make_and_validate_key(key), before, lifetime or 0)
        return key
    slot = _reserve(cache, keys_of(cache, key))
    try:
        value, timeout = _raised(cache.get(slot), before, lifetime)
    except BaseException:
        cache.delete(slot + RESERVED)
        raise
    cache.set(slot, value, timeout=timeout)
    if cache.get(slot) != value:
        # It may still arrive, so the slot stays reserved.
        raise RevocationUnavailable(NOT_KEPT)
    cache.delete(slot + RESERVED)
    return slot


def keys_of(cache: BaseCache, key: str) -> list[str]:
    """The keys of a level: those of its slots."""
    return [key] if _redis(cache, key) is not None else [key, *(f"{key}:{slot}" for slot in range(1, SLOTS))]


def latest(found: list[Any]) -> int | None:
    """The latest one of the watermarks that were found. Raises `RevocationUnavailable` for another value."""
    return max((_parse(value)[0] for value in found), default=None)


def _reserve(cache: BaseCache, slots: list[str]) -> str:
    """Reserves one of these slots. Raises `RevocationUnavailable` if none is free for too long."""
    end = time.monotonic() + LONGEST_WAIT
    while True:
        for slot in slots:
            if cache.add(slot + RESERVED, 1, timeout=None):
                return slot
        if time.monotonic() > end:
            raise RevocationUnavailable(BUSY.format(", ".join(slot + RESERVED for slot in slots)))
        time.sleep(0.002)


def _raised(held: Any, before: int, lifetime: int | None) -> tuple[str, int | None]:
    """The value of a slot with the later time and the longer lifetime, and for how many seconds to keep it."""
    now = clock.time()
    end = 0 if lifetime is None else math.ceil(now) + lifetime
    if held is not None:
        held_before, held_end = _parse(held)
        before = max(before, held_before)
        end = 0 if 0 in (end, held_end) else max(end, held_end)
    return f"{before}:{end}", None if end == 0 else max(math.ceil(end - now), 1)


def _parse(value: Any) -> tuple[int, int]:
    """The time of a watermark, and until when it is kept; 0 means forever."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, 0
    try:
        before, end = str(value).split(":")
        return int(before), int(end)
    except ValueError:
        raise RevocationUnavailable(MALFORMED) from None


def _redis(cache: BaseCache, key: str) -> Any:
    """The client of Django's Redis cache, if it writes integers as they are."""
    try:
        from django.core.cache.backends.redis import RedisCache, RedisSerializer
    except ImportError:
        return None
    if not isinstance(cache, RedisCache) or type(cache._cache._serializer) is not RedisSerializer:  # type: ignore[attr-defined]
        return None
    return cache._cache.get_client(key, write=True)


# The script of `RedisRevocation` in Rust: keeps the later time and the longer lifetime.
RAISE = """
local ttl, before = tonumber(ARGV[2]) * 1000, ARGV[1]
local kept, current = redis.call('PTTL', KEYS[1]), redis.call('GET', KEYS[1])
if current and tonumber(current) and tonumber(current) > tonumber(before) then before = current end
if kept == -1 or (ttl > 0 and kept >= ttl) then redis.call('SET', KEYS[1], before, 'KEEPTTL')
elseif ttl == 0 then redis.call('SET', KEYS[1], before)
else redis.call('SET', KEYS[1], before, 'PX', string.format('%.0f', ttl)) end
"""
# More than the processes that are killed while they write to the same level.
SLOTS = 3
RESERVED = ":reserved"
# The end of the longest key of a slot.
LONGEST_SUFFIX = len(":0" + RESERVED)
LONGEST_WAIT = 10.0
BUSY = (
    "several processes are writing the same entry to the cache for too long, or were killed meanwhile: nothing is "
    "revoked. If they don't run any more, delete the keys {}"
)
NOT_KEPT = "the cache did not keep the watermark: nothing is revoked"
MALFORMED = "the cache contains a watermark that Boltguard didn't write"
