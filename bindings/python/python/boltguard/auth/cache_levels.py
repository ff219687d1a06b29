"""Watermarks in one of Django's caches."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from boltguard.exceptions import RevocationUnavailable

if TYPE_CHECKING:
    from django.core.cache.backends.base import BaseCache


def raise_level(cache: BaseCache, key: str, lock_key: str, before: int, lifetime: int | None) -> None:
    """Moves the watermark of this key forward and extends it, or adds it.

    In Django's Redis cache, a script does that, and the value is the one that Rust reads and writes. Other caches have
    no such command, so writers exclude each other by a lock.
    """
    client = _redis(cache, key)
    if client is not None:
        client.eval(RAISE, 1, cache.make_and_validate_key(key), before, lifetime or 0)
        return
    with locked(cache, lock_key):
        _raise(cache, key, before, lifetime)


def latest(found: list[Any]) -> int | None:
    """The latest one of the watermarks that were found. Raises `RevocationUnavailable` for another value."""
    return max((_parse(value)[0] for value in found), default=None)


@contextmanager
def locked(cache: BaseCache, lock_key: str) -> Iterator[None]:
    """Waits until no other process or thread has this lock."""
    token, end = secrets.token_hex(16), time.monotonic() + LONGEST_WAIT
    while not cache.add(lock_key, token, timeout=LOCK_TIMEOUT):
        if time.monotonic() > end:
            raise RevocationUnavailable(BUSY)
        time.sleep(0.002)
    began = time.monotonic()
    try:
        yield
        if time.monotonic() - began >= LOCK_TIMEOUT:
            raise RevocationUnavailable(BUSY)
    finally:
        if cache.get(lock_key) == token:
            cache.delete(lock_key)


def _raise(cache: BaseCache, key: str, before: int, lifetime: int | None) -> None:
    now = time.time()
    end = 0 if lifetime is None else math.ceil(now) + lifetime
    if (held := cache.get(key)) is not None:
        held_before, held_end = _parse(held)
        before = max(before, held_before)
        end = 0 if 0 in (end, held_end) else max(end, held_end)
    value = f"{before}:{end}"
    cache.set(key, value, timeout=None if end == 0 else max(math.ceil(end - now), 1))
    if cache.get(key) != value:
        raise RevocationUnavailable(NOT_KEPT)


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
# Seconds. A process that was killed keeps a lock for this long; others wait for longer.
LOCK_TIMEOUT = 5
LONGEST_WAIT = 10.0
BUSY = "another process is writing the same entry to the cache for too long: nothing is revoked"
NOT_KEPT = "the cache did not keep the watermark: nothing is revoked"
MALFORMED = "the cache contains a watermark that Boltguard didn't write"
