"""`InMemoryRevocation`: revoked tokens in the memory of a process."""

from __future__ import annotations

from collections.abc import Hashable

from boltguard import _rust
from boltguard.auth.stores import RevocationStore, Ttl, ttl_seconds
from boltguard.auth.sync_async import AwaitableNone
from boltguard.auth.token_ids import checked_jti, encodable


class InMemoryRevocation(RevocationStore):
    """Stored in the memory of this process, for at most `max_entries` tokens.

    Other processes don't see the entries, and a restart loses them.
    """

    def __init__(self, max_entries: int = 1_000_000) -> None:
        self.memory = _rust.MemoryRevocation(max_entries)

    def revoke(self, jti: str, ttl: Ttl = None) -> AwaitableNone:
        self.memory.revoke(encodable(checked_jti(jti)), ttl_seconds(ttl))
        return AwaitableNone()

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
