"""`InMemoryRevocation`: revocations in the memory of a process."""

from __future__ import annotations

from collections.abc import Hashable

from boltguard import _rust
from boltguard.auth.revocation_arguments import Ttl, ttl_seconds
from boltguard.auth.stores import RevocationStore
from boltguard.auth.sync_async import AwaitableNone
from boltguard.auth.token_ids import checked_jti, encodable


class InMemoryRevocation(RevocationStore):
    """Stored in the memory of this process, for at most `max_entries` tokens and levels.

    Other processes don't see the entries, and a restart loses them.
    """

    def __init__(self, max_entries: int = 1_000_000) -> None:
        self.memory = _rust.MemoryRevocation(max_entries)
        self.max_entries = max_entries

    def revoke(self, jti: str, ttl: Ttl = None) -> AwaitableNone:
        self.memory.revoke(encodable(checked_jti(jti)), ttl_seconds(ttl))
        return AwaitableNone()

    def is_revoked(self, jti: str) -> bool:
        return self.memory.is_revoked(encodable(jti))

    def revoke_level(self, level: _rust.RevocationLevel, before: int, ttl: Ttl = None) -> AwaitableNone:
        self.memory.revoke_level(level, before, ttl_seconds(ttl))
        return AwaitableNone()

    def check(self, query: _rust.RevocationQuery) -> bool:
        # A test may replace `is_revoked` of the object.
        return self.is_revoked(query.token_id) or self.memory.check(query)

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        InMemoryRevocation.revoke(self, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return self.memory.is_revoked(encodable(jti))

    async def arevoke_level(self, level: _rust.RevocationLevel, before: int, ttl: Ttl = None) -> None:
        InMemoryRevocation.revoke_level(self, level, before, ttl)

    async def acheck(self, query: _rust.RevocationQuery) -> bool:
        return await self.ais_revoked(query.token_id) or self.memory.check(query)

    def bind_leeway(self, leeway: float) -> None:
        self.leeway = max(self.leeway, leeway)
        self.memory.bind_leeway(leeway)

    @property
    def in_rust(self) -> _rust.MemoryRevocation:
        return self.memory

    @property
    def place(self) -> Hashable:
        return InMemoryRevocation, id(self)
