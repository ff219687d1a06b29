"""`DjangoCacheRevocation`: revoked tokens in one of Django's caches."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import SynchronousOnlyOperation

from boltguard import _rust
from boltguard.auth.stores import NAME_AREVOKE, RevocationStore, Ttl
from boltguard.auth.sync_async import AwaitableNone
from boltguard.auth.token_ids import MARK, cache_key, checked_jti, hashed_key
from boltguard.exceptions import RevocationUnavailable
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from django.core.cache.backends.base import BaseCache


class DjangoCacheRevocation(RevocationStore):
    """Kept in one of Django's caches, which must be shared by all processes and must not evict.

    Every look-up also reads a mark, without which the cache can't tell that a token is *not* revoked: a cache that
    ignores its errors looks like an empty one, and so does a server that was emptied. After a loss of entries
    that still matter the store is unavailable until these would have expired, or until `accept_loss()`.
    """

    def __init__(self, cache_alias: str = "default", key_prefix: str = "revoked_tokens:") -> None:
        self.cache_alias = cache_alias
        self.key_prefix = key_prefix
        self._sentinel = _rust.RevocationSentinel()
        self._settings: object = None

    def revoke(self, jti: str, ttl: Ttl = None) -> AwaitableNone:
        key, lifetime = self.key(checked_jti(jti)), self._kept_for(ttl)
        try:
            self._write(key, lifetime)
        except SynchronousOnlyOperation as error:
            raise SynchronousOnlyOperation(NAME_AREVOKE) from error
        return AwaitableNone()

    def is_revoked(self, jti: str) -> bool:
        key, mark_key, cache = self.key(jti), self.key_prefix + MARK, self.cache
        for attempt in range(ATTEMPTS):
            found = cache.get_many((key, mark_key))
            if key in found:
                return True
            state, mark = self.sentinel.examine(_mark(found.get(mark_key)))
            if state == "intact":
                return False
            if state == "lost":
                raise RevocationUnavailable(LOST.format(self.cache_alias))
            if state == "missing" and attempt:
                break
            write = cache.add if state == "missing" else cache.set
            write(mark_key, mark, timeout=None)
        raise RevocationUnavailable(NO_MARK.format(self.cache_alias))

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        await in_thread(DjangoCacheRevocation.revoke)(self, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return await in_thread(DjangoCacheRevocation.is_revoked)(self, jti)

    def accept_loss(self) -> AwaitableNone:
        """Accepts the loss of entries in all processes: the tokens of lost entries are accepted again."""
        mark_key, cache = self.key_prefix + MARK, self.cache
        mark = self.sentinel.accepting_loss(_mark(cache.get(mark_key)))
        cache.set(mark_key, mark, timeout=None)
        if cache.get(mark_key) != mark:
            raise RevocationUnavailable(NO_MARK.format(self.cache_alias))
        return AwaitableNone()

    async def aaccept_loss(self) -> None:
        """`accept_loss`, for async code."""
        await in_thread(self.accept_loss)()

    @property
    def cache(self) -> BaseCache:
        """The cache. Django has one for each thread and task."""
        from django.core.cache import caches

        return caches[self.cache_alias]

    @property
    def sentinel(self) -> _rust.RevocationSentinel:
        """The state of the cache, until its settings change."""
        from django.core.cache import caches

        if self._settings is not caches.settings:
            self._settings, self._sentinel = caches.settings, _rust.RevocationSentinel()
        return self._sentinel

    @property
    def place(self) -> Hashable:
        return DjangoCacheRevocation, self.cache_alias, self.key_prefix

    def key(self, jti: str) -> str:
        """The cache key: the ID itself if every cache supports it, otherwise its digest."""
        cache = self.cache
        key = cache_key(self.key_prefix, jti, is_exact=not _is_table(cache))
        # Memcached counts the prefix of the cache, too.
        return key if len(cache.make_key(key).encode()) <= LONGEST_KEY else hashed_key(self.key_prefix, jti)

    def _write(self, key: str, lifetime: int | None) -> None:
        mark_key, cache = self.key_prefix + MARK, self.cache
        end = 0 if lifetime is None else math.ceil(time.time()) + lifetime
        # Each round writes one value and reads both, until both are as they should be.
        for attempt in range(ATTEMPTS):
            found: Mapping[str, Any] = cache.get_many((key, mark_key))
            if key in found and not _is_date(found[key]):
                # Its lifetime is unknown, so this one is stored without expiry.
                end, lifetime = 0, None
            if not found and attempt:
                break
            if not _is_kept(found.get(key), end):
                # Another writer's entry may last longer; what is there is looked at again.
                write = cache.set if key in found else cache.add
                write(key, end, timeout=lifetime)
                continue
            mark = _mark(found.get(mark_key))
            state, new = self.sentinel.examine(mark)
            if new is None and mark is not None:
                new = self.sentinel.mark_for(mark, lifetime)
            if new is None:
                return
            write = cache.add if state == "missing" else cache.set
            write(mark_key, new, timeout=None)
        raise RevocationUnavailable(NOT_KEPT)

    def _kept_for(self, ttl: Ttl) -> int | None:
        lifetime = self.lifetime(ttl)
        return None if lifetime is None or lifetime > LONGEST_LIFE else math.ceil(lifetime)


def _is_kept(held: Any, end: int) -> bool:
    """Whether an entry is valid until this time; 0 means forever."""
    return _is_date(held) and (held == 0 or (end != 0 and held >= end))


def _is_date(held: Any) -> bool:
    # A service that shares the entries may write another value, such as 1.
    return isinstance(held, int) and not isinstance(held, bool) and (held == 0 or held > EARLIEST)


def _mark(found: Any) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 1 << 128 else None


def _is_table(cache: BaseCache) -> bool:
    from django.core.cache.backends.db import BaseDatabaseCache

    return isinstance(cache, BaseDatabaseCache)


ATTEMPTS = 6
# Memcached's.
LONGEST_KEY = 250
EARLIEST = 1_000_000_000
# A hundred years; some caches don't support later dates.
LONGEST_LIFE = 100 * 365.25 * 24 * 3600
NOT_KEPT = "the cache did not keep the entry: the token is not revoked"
NO_MARK = "The cache {!r} is unavailable, or stores nothing."
LOST = (
    "the cache {!r} was emptied or has evicted entries, so revoked tokens can't be told from others; until the lost "
    "entries would have expired nothing is accepted. To accept the loss, call accept_loss() of the store"
)
