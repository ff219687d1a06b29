"""`DjangoCacheRevocation`: revocations in one of Django's caches."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import SynchronousOnlyOperation

from boltguard import _rust, clock
from boltguard.auth import cache_levels
from boltguard.auth.django_bolt import refuse_arguments
from boltguard.auth.failures import cache_for_writes
from boltguard.auth.revocation_arguments import Ttl
from boltguard.auth.stores import NAME_AREVOKE, USE_ASYNC, RevocationStore
from boltguard.auth.sync_async import AwaitableNone
from boltguard.auth.token_ids import LEVEL, MARK, cache_key, checked_jti, digest, hashed_key
from boltguard.exceptions import RevocationUnavailable
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from django.core.cache.backends.base import BaseCache


@refuse_arguments
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
            with cache_for_writes(self.cache_alias):
                self._write(key, lifetime)
        except SynchronousOnlyOperation as error:
            raise SynchronousOnlyOperation(NAME_AREVOKE) from error
        return AwaitableNone()

    def is_revoked(self, jti: str) -> bool:
        return self._is_found([self.key(jti)])

    def revoke_level(self, level: _rust.RevocationLevel, before: int, ttl: Ttl = None) -> AwaitableNone:
        key, lifetime = self._level_key(level), self._kept_for(ttl)
        try:
            with cache_for_writes(self.cache_alias):
                self._update_mark(cache_levels.raise_level(self.cache, key, before, lifetime), lifetime)
        except SynchronousOnlyOperation as error:
            raise SynchronousOnlyOperation(USE_ASYNC.format("revoke_level", "revoke_level")) from error
        return AwaitableNone()

    def check(self, query: _rust.RevocationQuery) -> bool:
        if self._overrides_is_revoked:
            return self.is_revoked(query.token_id) or self._is_found([], query)
        return self._is_found([self.key(query.token_id)], query)

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        await in_thread(DjangoCacheRevocation.revoke)(self, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return await in_thread(DjangoCacheRevocation.is_revoked)(self, jti)

    async def arevoke_level(self, level: _rust.RevocationLevel, before: int, ttl: Ttl = None) -> None:
        await in_thread(DjangoCacheRevocation.revoke_level)(self, level, before, ttl)

    async def acheck(self, query: _rust.RevocationQuery) -> bool:
        return await in_thread(DjangoCacheRevocation.check)(self, query)

    def accept_loss(self) -> AwaitableNone:
        """Accepts the loss of entries in all processes: the tokens of lost entries are accepted again."""
        mark_key, cache = self.key_prefix + MARK, self.cache
        with cache_for_writes(self.cache_alias):
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

    def _level_key(self, level: _rust.RevocationLevel) -> str:
        key = self.key_prefix + level.storage_key
        fits = len(self.cache.make_key(key).encode()) <= LONGEST_KEY - cache_levels.LONGEST_SUFFIX
        # Not `hashed_key`: a token ID can have the same digest, but not this prefix.
        return key if fits else self.key_prefix + LEVEL + digest(level.storage_key)

    @property
    def _overrides_is_revoked(self) -> bool:
        own = DjangoCacheRevocation
        return any(
            name in vars(self) or getattr(type(self), name) is not getattr(own, name)
            for name in ("is_revoked", "ais_revoked")
        )

    def _is_found(self, keys: list[str], query: _rust.RevocationQuery | None = None) -> bool:
        """Whether there is an entry for one of these keys, or a watermark that revokes the token of the query."""
        mark_key, cache = self.key_prefix + MARK, self.cache
        queried = [] if query is None else [self._level_key(level) for level in query.levels()]
        levels = [key for level_key in queried for key in cache_levels.keys_of(cache, level_key)]
        for attempt in range(ATTEMPTS):
            found = cache.get_many((*keys, mark_key, *levels))
            if any(key in found for key in keys):
                return True
            latest = cache_levels.latest([found[key] for key in levels if key in found])
            if query is not None and query.is_revoked_by(latest):
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

    def _write(self, key: str, lifetime: int | None) -> None:
        """Adds an entry.

        A cache has no command that keeps the later one of two dates. If there is an entry that expires too early, it is
        kept forever: of writers that do this at once, none shortens the entry of another.
        """
        cache = self.cache
        end = 0 if lifetime is None else math.ceil(clock.time()) + lifetime
        longer = (0, None) if lifetime is None else (end + SLACK, lifetime + SLACK)
        if not cache.add(key, longer[0], timeout=longer[1]):
            held = cache.get(key)
            if not _is_kept(held, end):
                cache.set(key, 0, timeout=None)
            if held is not None and not _is_date(held):
                # It is unknown for how long its tokens are valid.
                lifetime = None
        self._update_mark(key, lifetime)

    def _update_mark(self, key: str, lifetime: int | None) -> None:
        """Writes the mark for an entry, until both are as they should be."""
        mark_key, cache = self.key_prefix + MARK, self.cache
        for _ in range(ATTEMPTS):
            found: Mapping[str, Any] = cache.get_many((key, mark_key))
            if key not in found:
                break
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
# Entries of tokens are kept for so many seconds longer, so that revoking the same token again doesn't extend them.
SLACK = 60
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
