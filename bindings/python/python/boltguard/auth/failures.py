"""`Failures`: the exceptions of steps that are all taken, such as revocations in several stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from boltguard.exceptions import RevocationNotAnnounced


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
