"""Revocations outlive the transaction in which they were made.

A view that logs its caller out and then answers with an error, under `ATOMIC_REQUESTS` or in an `atomic` block of its
own, has its transaction rolled back, and with it an entry in a table; yet the client is told that the token is gone. So
each revocation is noted, and once the transaction is over it is made again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar

from asgiref.sync import async_to_sync

from boltguard.exceptions import RevocationUnavailable

if TYPE_CHECKING:
    from boltguard.auth.stores import RevocationStore

logger = logging.getLogger("boltguard")

F = TypeVar("F", bound=Callable[..., Any])
# A store, a token id, and when the token ends by the monotonic clock.
Entry = tuple["RevocationStore", str, "float | None"]

_entries: ContextVar[list[Entry] | None] = ContextVar("boltguard_revocations", default=None)

# Called where a request enters a view: `open_journal([])`.
open_journal = _entries.set


def noted(revoke: F) -> F:
    """A store's `revoke` or `arevoke`, which also notes what it was called with."""
    if iscoroutinefunction(revoke):

        @wraps(revoke)
        async def anoting(*args: Any, **kwargs: Any) -> Any:
            result = await revoke(*args, **kwargs)
            _note(*args, **kwargs)
            return result

        return anoting  # type: ignore[return-value]

    @wraps(revoke)
    def noting(*args: Any, **kwargs: Any) -> Any:
        result = revoke(*args, **kwargs)
        _note(*args, **kwargs)
        return result

    return noting  # type: ignore[return-value]


def _note(store: RevocationStore, jti: Any, ttl: Any = None, *args: Any, **kwargs: Any) -> None:
    entries = _entries.get()
    if entries is not None and len(entries) < MOST:
        seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
        entries.append((store, jti, None if seconds is None else time.monotonic() + seconds))


def journal() -> list[Entry]:
    """What was noted in this request."""
    return list(_entries.get() or ())


def repeat(entries: list[Entry]) -> None:
    """Makes these revocations again, which changes nothing where they still stand."""
    token = _entries.set(None)
    try:
        for store, jti, end in entries:
            revoke = async_to_sync(store.revoke) if iscoroutinefunction(store.revoke) else store.revoke
            revoke(jti, None if end is None else max(end - time.monotonic(), 0.0))
    finally:
        _entries.reset(token)


async def arepeat(entries: list[Entry]) -> None:
    """`repeat`, for async code."""
    token = _entries.set(None)
    try:
        for store, jti, end in entries:
            await store.arevoke(jti, None if end is None else max(end - time.monotonic(), 0.0))
    finally:
        _entries.reset(token)


def keep_revocations(error: Exception) -> Exception:
    """The exception that a view raised, once the revocations that were rolled back with it are made again."""
    try:
        repeat(journal())
    except Exception:
        logger.exception(NOT_KEPT)
        return RevocationUnavailable(NOT_KEPT)
    return error


async def akeep_revocations(error: Exception) -> Exception:
    """`keep_revocations`, for async code."""
    try:
        await arepeat(journal())
    except Exception:
        logger.exception(NOT_KEPT)
        return RevocationUnavailable(NOT_KEPT)
    return error


# More than any view revokes; code that runs on in the context of a request must not fill the memory.
MOST = 10_000
NOT_KEPT = "A revocation was rolled back with its view, and could not be made again."
