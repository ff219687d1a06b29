"""Revocations persist even if the transaction in which they were made is rolled back.

If a view logs its caller out and then responds with an error, its transaction is rolled back under `ATOMIC_REQUESTS`
or in an `atomic` block, and with it the entry in a table. Therefore, each revocation is recorded and repeated after
the end of the transaction: all of them if the view failed, otherwise those whose transaction was rolled back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutine, iscoroutinefunction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from boltguard.auth.django_bolt import with_ttl
from boltguard.auth.failures import Failures
from boltguard.auth.revocation_arguments import checked_level, checked_milliseconds, date_of, ttl_seconds
from boltguard.auth.token_ids import checked_jti
from boltguard.events import asend, send
from boltguard.exceptions import RevocationNotAnnounced, RevocationUnavailable
from boltguard.optional import async_to_sync, open_connections
from boltguard.signals import token_revoked
from boltguard.stop_iteration import without_stop_iteration

if TYPE_CHECKING:
    from boltguard.auth.stores import RevocationStore

logger = logging.getLogger("boltguard")

F = TypeVar("F", bound=Callable[..., Any])


class Watch:
    """Whether an open transaction of a connection was committed, or was rolled back."""

    __slots__ = ("_connection", "_is_committed")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._is_committed = False
        connection.on_commit(self)

    def __call__(self) -> None:
        self._is_committed = True

    @property
    def is_lost(self) -> bool:
        """Whether it was rolled back: it isn't committed, and can't be any more."""
        return not self._is_committed and all(entry[1] is not self for entry in self._connection.run_on_commit)


@dataclass(slots=True, eq=False, repr=False)
class Entry:
    """A revocation, when its tokens expire (monotonic clock), and the transactions in which it was made.

    `method` is `revoke` with the ID of a token, or `revoke_level` with a level and a time.
    """

    store: RevocationStore
    method: str
    arguments: tuple[Any, ...]
    end: float | None
    watches: list[Watch]

    @property
    def ttl(self) -> float | None:
        """The remaining lifetime of the tokens."""
        return None if self.end is None else max(self.end - time.monotonic(), 0.0)


class Revocation(NamedTuple):
    """The arguments of a method that revokes."""

    store: RevocationStore
    method: str
    arguments: tuple[Any, ...]
    ttl: float | None
    shown: dict[str, Any]


_entries: ContextVar[list[Entry] | None] = ContextVar("boltguard_revocations", default=None)
_is_unrecorded: ContextVar[bool] = ContextVar("boltguard_unrecorded_revocations", default=False)
_is_silent: ContextVar[bool] = ContextVar("boltguard_silent_revocations", default=False)

# Called before a view: `open_journal([])`.
open_journal = _entries.set


def noted(revoke: F, read: Callable[..., Revocation]) -> F:
    """A method of a store that revokes, which also records its arguments and sends `token_revoked`."""
    if iscoroutinefunction(revoke):

        @wraps(revoke)
        async def anoting(*args: Any, **kwargs: Any) -> Any:
            kwargs = with_ttl(kwargs)
            revocation = read(*args, **kwargs)
            with _silent() as was_silent:
                result, not_announced = await _astored(revoke(*args, **kwargs))
            _note(revocation)
            if not was_silent:
                await asend(token_revoked, type(revocation.store), store=revocation.store, **revocation.shown)
            if not_announced is not None:
                raise not_announced
            return result

        return anoting  # type: ignore[return-value]

    @wraps(revoke)
    def noting(*args: Any, **kwargs: Any) -> Any:
        kwargs = with_ttl(kwargs)
        revocation = read(*args, **kwargs)
        with _silent() as was_silent:
            result, not_announced = _stored(lambda: without_stop_iteration(revoke)(*args, **kwargs))
        _note(revocation)
        # A coroutine hasn't revoked anything yet.
        if not was_silent and not iscoroutine(result):
            send(token_revoked, type(revocation.store), store=revocation.store, **revocation.shown)
        if not_announced is not None:
            raise not_announced
        return result

    return noting  # type: ignore[return-value]


def _stored(revoke: Callable[[], Any]) -> tuple[Any, RevocationNotAnnounced | None]:
    """The result of a revocation that is stored, or the exception if the other processes don't know of it yet."""
    try:
        return revoke(), None
    except RevocationNotAnnounced as error:
        return None, error


async def _astored(revocation: Awaitable[Any]) -> tuple[Any, RevocationNotAnnounced | None]:
    """`_stored`, for async code."""
    try:
        return await revocation, None
    except RevocationNotAnnounced as error:
        return None, error


@contextmanager
def _silent() -> Iterator[bool]:
    """Sends no signal inside, where a store calls another method or repeats a revocation."""
    token = _is_silent.set(True)
    try:
        yield token.old_value is True
    finally:
        _is_silent.reset(token)


@contextmanager
def unrecorded() -> Iterator[None]:
    """Doesn't repeat what is revoked inside if the view fails: it belongs to a change that is rolled back, too."""
    token = _is_unrecorded.set(True)
    try:
        yield
    finally:
        _is_unrecorded.reset(token)


def is_recorded() -> bool:
    """Whether revocations persist although their transaction is rolled back."""
    return not _is_unrecorded.get()


def _of_token(store: RevocationStore, jti: Any, ttl: Any = None, *args: Any, **kwargs: Any) -> Revocation:
    shown = {"jti": jti, "level": None, "before": None}
    return Revocation(store, "revoke", (checked_jti(jti),), ttl_seconds(ttl), shown)


def _of_level(
    store: RevocationStore, level: Any, before: Any, ttl: Any = None, *args: Any, **kwargs: Any
) -> Revocation:
    arguments = (checked_level(level), checked_milliseconds(before))
    shown = {"jti": None, "level": level, "before": date_of(before)}
    return Revocation(store, "revoke_level", arguments, ttl_seconds(ttl), shown)


# The methods that are recorded, and how their arguments are read.
NOTED: dict[str, Callable[..., Revocation]] = {
    "revoke": _of_token,
    "arevoke": _of_token,
    "revoke_level": _of_level,
    "arevoke_level": _of_level,
}


def _note(revocation: Revocation) -> None:
    entries = _entries.get()
    if entries is not None and is_recorded() and len(entries) < MOST:
        end = None if revocation.ttl is None else time.monotonic() + revocation.ttl
        watches = [Watch(one) for one in open_connections() if one.in_atomic_block]
        entries.append(Entry(revocation.store, revocation.method, revocation.arguments, end, watches))


def note_other(store: Any, name: str) -> None:
    """Records that `store.revoke(name)` ended something else than a token, which must persist in the same way."""
    _note(Revocation(store, "revoke", (name,), None, {}))


def journal() -> list[Entry]:
    """The revocations of this request."""
    return list(_entries.get() or ())


def lost() -> list[Entry]:
    """The revocations in transactions that were rolled back."""
    return [entry for entry in _entries.get() or () if any(watch.is_lost for watch in entry.watches)]


def repeat(entries: list[Entry]) -> None:
    """Makes these revocations again, which has no effect if they still exist, also if one of them fails."""
    token, failures = _entries.set(None), Failures()
    try:
        for entry in entries:
            failures.catch(_again, entry)
    finally:
        _entries.reset(token)
    failures.raise_worst()


async def arepeat(entries: list[Entry]) -> None:
    """`repeat`, for async code."""
    token, failures = _entries.set(None), Failures()
    try:
        for entry in entries:
            await failures.acatch(_aagain(entry))
    finally:
        _entries.reset(token)
    failures.raise_worst()


def _again(entry: Entry) -> None:
    revoke = getattr(entry.store, entry.method)
    call = async_to_sync(revoke) if iscoroutinefunction(revoke) else revoke
    with _silent():
        _, not_announced = _stored(lambda: call(*entry.arguments, entry.ttl))
    entry.watches = []
    if not_announced is not None:
        raise not_announced


async def _aagain(entry: Entry) -> None:
    """`_again`, for async code."""
    with _silent():
        _, not_announced = await _astored(getattr(entry.store, f"a{entry.method}")(*entry.arguments, entry.ttl))
    entry.watches = []
    if not_announced is not None:
        raise not_announced


def keep_revocations(error: Exception) -> Exception:
    """Makes the revocations of a view that failed again, and returns its exception."""
    try:
        repeat(journal())
    except RevocationNotAnnounced as not_announced:
        return not_announced
    except Exception:
        logger.exception(NOT_KEPT)
        return RevocationUnavailable(NOT_KEPT)
    return error


async def akeep_revocations(error: Exception) -> Exception:
    """`keep_revocations`, for async code."""
    try:
        await arepeat(journal())
    except RevocationNotAnnounced as not_announced:
        return not_announced
    except Exception:
        logger.exception(NOT_KEPT)
        return RevocationUnavailable(NOT_KEPT)
    return error


def restore() -> None:
    """Makes again what a view revoked and rolled back without an error, or raises `RevocationUnavailable`."""
    if entries := lost():
        try:
            repeat(entries)
        except RevocationNotAnnounced:
            raise
        except Exception as error:
            raise RevocationUnavailable(NOT_KEPT) from error


async def arestore() -> None:
    """`restore`, for async code."""
    if entries := lost():
        try:
            await arepeat(entries)
        except RevocationNotAnnounced:
            raise
        except Exception as error:
            raise RevocationUnavailable(NOT_KEPT) from error


# More than any view revokes; code that runs on in the context of a request must not fill the memory.
MOST = 10_000
NOT_KEPT = "A revocation was rolled back with the view, and couldn't be made again."
