"""`RevocationStore`: the base class of revocation stores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from datetime import datetime
from inspect import iscoroutine, isfunction
from typing import TYPE_CHECKING, Any

from boltguard import _rust
from boltguard._rust import RevocationLevel, RevocationQuery
from boltguard.auth import leeways
from boltguard.auth.django_bolt import refuse_method
from boltguard.auth.journal import NOTED, noted
from boltguard.auth.revocation_arguments import (
    ALL_TOKENS,
    Ttl,
    issuer_level,
    key_level,
    milliseconds,
    rest_of_millisecond,
    session_level,
    subject_level,
    ttl_seconds,
)
from boltguard.auth.store_classes import METHODS, ask, bool_or_error, check_both, check_methods, owner
from boltguard.auth.sync_async import AwaitableNone, acall, found, pair
from boltguard.event_loop import in_event_loop
from boltguard.exceptions import RevocationNotAnnounced
from boltguard.optional import SynchronousOnlyOperation, async_to_sync
from boltguard.overriding import is_ours

# The clocks of two machines differ. If an entry expired too early, its token would be accepted again.
CLOCK_SKEW_MARGIN = 60.0


class RevocationStore:
    """The base class of revocation stores. Define `revoke` and `is_revoked`, or their async variants, or both.

    To revoke all tokens of a session, subject, issuer or key, also define `revoke_level` and `check`. Otherwise,
    `revoke_session` and the other methods for levels raise `NotImplementedError`.

    If a subclass overrides only the sync or only the async variant of a method, sync and async code both use it. A
    method with wrong arguments raises `ImproperlyConfigured` when the class is defined.

    `ttl` is the remaining lifetime of the token, in seconds or as a `timedelta`; without it, the entry is kept forever.
    For a level, it is the longest remaining lifetime of its tokens. `lifetime(ttl)` returns how long to keep an entry.
    If `check` raises an exception, or returns anything but `True` or `False`, the response is 503.
    """

    leeway: float = 0.0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_methods(cls, RevocationStore)
        for name in METHODS:
            pair(cls, name)
        # The stores of Boltguard call `is_revoked` in `check`.
        if not is_ours(owner(cls, "check")) and found(cls, "is_revoked")[0] < found(cls, "check")[0]:
            check_both(cls)
        # A revocation persists even if the view fails, see `boltguard.auth.journal`.
        for name, read in NOTED.items():
            base = owner(cls, name)
            # Also that of a mixin; methods of other stores are wrapped already.
            if isfunction(method := vars(base)[name]) and (base is cls or not issubclass(base, RevocationStore)):
                setattr(cls, name, noted(method, read))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            refuse_method(self, name)

    def revoke(self, jti: str, ttl: Ttl = None) -> Any:
        """Revokes the token with this id. `await store.revoke(jti)` works too, and `exp` instead of `ttl`."""
        raise NotImplementedError(f"{type(self).__name__} doesn't define revoke.")

    def is_revoked(self, jti: str) -> bool:
        """Whether the token with this id is revoked."""
        raise NotImplementedError(f"{type(self).__name__} doesn't define is_revoked.")

    def check(self, query: RevocationQuery) -> bool:
        """Whether a token is revoked, at any level. The gate calls this. By default, only the id is checked."""
        return ask(self.is_revoked, query.token_id)

    def revoke_level(self, level: RevocationLevel, before: int, ttl: Ttl = None) -> Any:
        """Revokes the tokens of a level that were issued at or before this time in Unix milliseconds.

        If the level has a watermark already, the later time and the longer lifetime are kept.
        """
        raise NotImplementedError(
            f"{type(self).__name__} revokes single tokens only. To revoke all tokens of a {level.kind}, "
            "it must define revoke_level(self, level, before, ttl=None) and check(self, query)."
        )

    def revoke_session(self, session_id: str, ttl: Ttl = None) -> Any:
        """Revokes all tokens of a session, regardless of when they were or will be issued: those with this `sid`.

        Like `revoke`, this and the following methods can be awaited.
        """
        return _revoke(self, "revoke_session", session_level(session_id), ALL_TOKENS, ttl)

    def revoke_subject(
        self, subject: str, before: datetime | None = None, *, issuer: str | None = None, ttl: Ttl = None
    ) -> Any:
        """Revokes the tokens of a subject that were issued at or before a time, by default now.

        They are those of one issuer, or of any issuer and of none. A token that is issued after the method returns is
        accepted, if its `jti` is a UUID of version 7, or its `iat` has a fraction or is in a later second.
        """
        return _revoke(self, "revoke_subject", subject_level(subject, issuer), before, ttl)

    def revoke_issuer(self, issuer: str, before: datetime | None = None, *, ttl: Ttl = None) -> Any:
        """Revokes the tokens of an issuer that were issued at or before a time, by default now."""
        return _revoke(self, "revoke_issuer", issuer_level(issuer), before, ttl)

    def revoke_key(self, key_id: str, before: datetime | None = None, *, ttl: Ttl = None) -> Any:
        """Revokes the tokens whose header has this `kid` that were issued at or before a time, by default now.

        Someone else who has the private key can omit `kid` or write any `iat`: remove such a key from the trusted keys.
        """
        return _revoke(self, "revoke_key", key_level(key_id), before, ttl)

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        """`revoke`, for async code."""
        await acall(self.revoke, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        """`is_revoked`, for async code."""
        return bool_or_error(await acall(self.is_revoked, jti), "is_revoked")

    async def acheck(self, query: RevocationQuery) -> bool:
        """`check`, for async code."""
        return bool_or_error(await self.ais_revoked(query.token_id), "is_revoked")

    async def arevoke_level(self, level: RevocationLevel, before: int, ttl: Ttl = None) -> None:
        """`revoke_level`, for async code."""
        await acall(self.revoke_level, level, before, ttl)

    async def arevoke_session(self, session_id: str, ttl: Ttl = None) -> None:
        """`revoke_session`, for async code."""
        await _arevoke(self, session_level(session_id), ALL_TOKENS, ttl)

    async def arevoke_subject(
        self, subject: str, before: datetime | None = None, *, issuer: str | None = None, ttl: Ttl = None
    ) -> None:
        """`revoke_subject`, for async code."""
        await _arevoke(self, subject_level(subject, issuer), before, ttl)

    async def arevoke_issuer(self, issuer: str, before: datetime | None = None, *, ttl: Ttl = None) -> None:
        """`revoke_issuer`, for async code."""
        await _arevoke(self, issuer_level(issuer), before, ttl)

    async def arevoke_key(self, key_id: str, before: datetime | None = None, *, ttl: Ttl = None) -> None:
        """`revoke_key`, for async code."""
        await _arevoke(self, key_level(key_id), before, ttl)

    @property
    def supports_levels(self) -> bool:
        """Whether the store can revoke all tokens of a session, subject, issuer or key."""
        return any(owner(type(self), name) is not RevocationStore for name in ("revoke_level", "arevoke_level"))

    @property
    def in_rust(self) -> _rust.MemoryRevocation | _rust.RevocationReplica | None:
        """The object that Rust checks without a call of `check`, in stores of Boltguard."""
        return None

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
        """How many seconds to keep an entry: until its tokens could no longer be accepted anywhere."""
        seconds = ttl_seconds(ttl)
        if seconds is None:
            return None
        return max(seconds, 0.0) + self.largest_leeway + CLOCK_SKEW_MARGIN

    @property
    def largest_leeway(self) -> float:
        """How long after its `exp` a backend with these entries may still accept a token, in seconds."""
        return max(self.leeway, leeways.largest(self.shares_entries))

    def shares_entries(self, place: Hashable) -> bool:
        """Whether a store in this place has the same entries as this one."""
        return place == self.place


def _revoke(store: RevocationStore, name: str, level: RevocationLevel, before: Any, ttl: Ttl) -> Any:
    until = before if before is ALL_TOKENS else milliseconds(before)
    pause = rest_of_millisecond if before is None else _no_pause
    try:
        result = store.revoke_level(level, until, ttl)
    except SynchronousOnlyOperation as error:
        raise SynchronousOnlyOperation(USE_ASYNC.format(name, name)) from error
    except RevocationNotAnnounced:
        time.sleep(pause(until))
        raise
    if iscoroutine(result):
        waiting = _finish(result, until, pause)
        return waiting if in_event_loop() else async_to_sync(_awaited)(waiting)
    time.sleep(pause(until))
    return AwaitableNone()


async def _arevoke(store: RevocationStore, level: RevocationLevel, before: Any, ttl: Ttl) -> None:
    until = before if before is ALL_TOKENS else milliseconds(before)
    pause = rest_of_millisecond if before is None else _no_pause
    await _finish(store.arevoke_level(level, until, ttl), until, pause)


async def _finish(revocation: Any, until: int, pause: Callable[[int], float]) -> None:
    try:
        await revocation
    finally:
        await asyncio.sleep(pause(until))


async def _awaited(waiting: Any) -> AwaitableNone:
    await waiting
    return AwaitableNone()


def _no_pause(until: int) -> float:
    return 0.0


USE_ASYNC = "{}() can't wait for the store in async code. Use `await store.a{}(...)`."
NAME_AREVOKE = "revoke() can't wait for the database in async code. Use `await store.arevoke(jti)`."
