"""`RevocationStore`: the base class of revocation stores."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Hashable
from datetime import timedelta
from inspect import iscoroutinefunction, isfunction
from typing import Any

from boltguard.auth import leeways
from boltguard.auth.journal import noted
from boltguard.auth.sync_async import acall, pair
from boltguard.messages import kind_of
from boltguard.optional import async_to_sync

# The clocks of two machines differ. If an entry expired too early, its token would be accepted again.
CLOCK_SKEW_MARGIN = 60.0

Ttl = float | timedelta | None


class RevocationStore:
    """The base class of revocation stores. Define `revoke` and `is_revoked`, or their async variants, or both.

    If a subclass overrides only the sync or only the async variant of a method, sync and async code both use it.

    `ttl` is the remaining lifetime of the token, in seconds or as a `timedelta`; without it, the entry is kept forever.
    `lifetime(ttl)` returns how long to keep an entry. If `is_revoked` raises an exception, or returns anything but
    `True` or `False`, the response is 503.
    """

    leeway: float = 0.0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("revoke", "is_revoked"):
            pair(cls, name)
        # A revocation persists even if the view fails, see `boltguard.auth.journal`.
        for name in ("revoke", "arevoke"):
            owner = next(base for base in cls.__mro__ if name in vars(base))
            # Also that of a mixin; methods of other stores are wrapped already.
            if isfunction(method := vars(owner)[name]) and (owner is cls or not issubclass(owner, RevocationStore)):
                setattr(cls, name, noted(method))

    def revoke(self, jti: str, ttl: Ttl = None) -> Any:
        """Revokes the token with this id. `await store.revoke(jti)` works too."""
        raise NotImplementedError(f"{type(self).__name__} doesn't define revoke.")

    def is_revoked(self, jti: str) -> bool:
        """Whether the token with this id is revoked."""
        raise NotImplementedError(f"{type(self).__name__} doesn't define is_revoked.")

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        """`revoke`, for async code."""
        await acall(self.revoke, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        """`is_revoked`, for async code."""
        return bool_or_error(await acall(self.is_revoked, jti))

    @property
    def place(self) -> Hashable:
        """Identifies where the entries are stored. By default, all stores of a class share their entries."""
        # The last one is `RevocationStore` itself; the one before it defines where the entries are.
        kinds: list[Any] = [kind for kind in type(self).__mro__ if issubclass(kind, RevocationStore)]
        base: Hashable = kinds[-2] if len(kinds) > 1 else kinds[-1]
        return base

    def bind_leeway(self, leeway: float) -> None:
        """Called with the leeway of each backend that uses this store; entries are kept longer by the largest one.

        This includes backends with another store in the same place. Call it yourself if a service outside of this
        site uses the same entries.
        """
        self.leeway = max(self.leeway, leeway)
        leeways.note(self.place, leeway)

    def lifetime(self, ttl: Ttl) -> float | None:
        """How many seconds to keep an entry: until its token could no longer be accepted anywhere."""
        seconds = ttl_seconds(ttl)
        if seconds is None:
            return None
        return max(seconds, 0.0) + max(self.leeway, leeways.largest(self.shares_entries)) + CLOCK_SKEW_MARGIN

    def shares_entries(self, place: Hashable) -> bool:
        """Whether a store in this place has the same entries as this one."""
        return place == self.place


def ask(store: RevocationStore, jti: str) -> bool:
    """The result of `is_revoked`, for sync code."""
    if iscoroutinefunction(store.is_revoked):
        return bool_or_error(async_to_sync(store.is_revoked)(jti))
    return bool_or_error(store.is_revoked(jti))


def bool_or_error(result: object) -> bool:
    """The bool itself. Any other value, such as a coroutine, raises `TypeError`."""
    if isinstance(result, bool):
        return result
    if asyncio.iscoroutine(result):
        result.close()
    raise TypeError(f"is_revoked must return a bool, not {type(result).__name__}.")


def ttl_seconds(ttl: Ttl) -> float | None:
    """The seconds of a `ttl`."""
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        raise ValueError(
            f"ttl is {kind_of(ttl)}. It must be the remaining lifetime of the token in seconds, a timedelta or None."
        )
    return float(seconds)


NAME_AREVOKE = "revoke() can't wait for the database in async code. Use `await store.arevoke(jti)`."
