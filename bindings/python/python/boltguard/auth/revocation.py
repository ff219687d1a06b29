"""Stores of revoked tokens: in memory, in a Django cache, in a table, or one of your own.

`revoke` and `is_revoked` do their work when they are called; `arevoke` and `ais_revoked` are their async twins.
"""

from __future__ import annotations

from collections.abc import Hashable

from boltguard import _rust
from boltguard.auth.cache_store import DjangoCacheRevocation
from boltguard.auth.stores import (
    MARGIN,
    RevocationStore,
    Ttl,
    ask,
    bool_or_error,
    checked_jti,
    ttl_seconds,
)
from boltguard.auth.table_store import DjangoORMRevocation
from boltguard.auth.token_ids import encodable
from boltguard.auth.twins import Done

__all__ = [
    "MARGIN",
    "DjangoCacheRevocation",
    "DjangoORMRevocation",
    "Done",
    "InMemoryRevocation",
    "RevocationStore",
    "Ttl",
    "ask",
    "bool_or_error",
    "checked_jti",
    "ttl_seconds",
]


class InMemoryRevocation(RevocationStore):
    """Kept in this process, in Rust: fast, bounded, gone when the process ends, and unknown to other processes."""

    def __init__(self, max_entries: int = 1_000_000) -> None:
        self.memory = _rust.MemoryRevocation(max_entries)

    def revoke(self, jti: str, ttl: Ttl = None) -> Done:
        self.memory.revoke(encodable(checked_jti(jti)), ttl_seconds(ttl))
        return Done()

    def is_revoked(self, jti: str) -> bool:
        return self.memory.is_revoked(encodable(jti))

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        InMemoryRevocation.revoke(self, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return self.memory.is_revoked(encodable(jti))

    def bind_leeway(self, leeway: float) -> None:
        self.leeway = max(self.leeway, leeway)
        self.memory.bind_leeway(leeway)

    @property
    def place(self) -> Hashable:
        return InMemoryRevocation, id(self)
