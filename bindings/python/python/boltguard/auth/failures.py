"""Revocations that fail: in one of several stores, or because the database is unavailable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from boltguard.exceptions import RevocationError, RevocationNotAnnounced, RevocationUnavailable
from boltguard.optional import DATABASE_UNAVAILABLE, SynchronousOnlyOperation


class Failures:
    """The exceptions of steps that are all taken, also if some of them fail."""

    def __init__(self) -> None:
        self._raised: list[Exception] = []

    def catch(self, step: Callable[..., Any], *args: Any) -> Any:
        """The result of a step, or `None` if it fails."""
        try:
            return step(*args)
        except Exception as error:
            self._raised.append(error)
            return None

    async def acatch(self, step: Awaitable[Any]) -> Any:
        """`catch`, for async code."""
        try:
            return await step
        except Exception as error:
            self._raised.append(error)
            return None

    def raise_worst(self) -> None:
        """Raises the first one of the most severe exceptions, if there is one."""
        if self._raised:
            raise max(self._raised, key=_severity)


def _severity(error: Exception) -> int:
    """How much the caller must not overlook an exception."""
    if isinstance(error, RevocationNotAnnounced):
        return 0  # everything is stored
    # By default, a store that only revokes single tokens doesn't prevent the change of an account.
    return 1 if isinstance(error, NotImplementedError) else 2


@contextmanager
def available_for_writes() -> Iterator[None]:
    """Raises `RevocationUnavailable` if the database is unavailable."""
    try:
        yield
    except DATABASE_UNAVAILABLE as error:
        raise RevocationUnavailable("The database is unavailable: nothing is revoked") from error


@contextmanager
def cache_for_writes(alias: str) -> Iterator[None]:
    """Raises `RevocationUnavailable` if the cache fails. Each client of a cache has its own exceptions."""
    try:
        yield
    except (RevocationError, SynchronousOnlyOperation):
        raise
    except Exception as error:
        raise RevocationUnavailable(f"Cache {alias!r} failed: it is unknown whether the token is revoked") from error
