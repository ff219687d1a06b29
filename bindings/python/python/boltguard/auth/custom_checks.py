"""Checks of a guard that Python functions evaluate: about the request, or about an object.

Rust decides which of them affect the result for a caller, and what the results mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import iscoroutine
from typing import Any

from boltguard.optional import ImproperlyConfigured
from boltguard.stop_iteration import stopped
from boltguard.threads import in_thread


@dataclass(frozen=True, slots=True)
class CustomCheck:
    """A check of a guard, and its function."""

    name: str
    function: Callable[..., Any]
    about_object: bool = False
    is_async: bool = False
    # Whether the function may wait, so that async code calls it in a thread.
    waits: bool = True

    def run(self, *about: Any) -> bool:
        """The result of the function."""
        if self.is_async:
            raise ImproperlyConfigured(f"The check {self.name!r} is async, but the view is sync. {ASYNC_REMEDY}")
        try:
            result = self.function(*about)
        except StopIteration as error:  # futures can't contain it
            raise stopped(self.function) from error
        return self._certain(result)

    async def arun(self, *about: Any) -> bool:
        """`run`, for async code."""
        if self.is_async:
            return self._certain(await self.function(*about))
        if self.waits:
            return self._certain(await in_thread(self.function)(*about))
        return self._certain(self.function(*about))

    # A coroutine or a Mock is true, and under `~` any false value would allow the caller.
    def _certain(self, result: Any) -> bool:
        if type(result) is bool:
            return result
        if iscoroutine(result):
            result.close()
            raise TypeError(f"The check {self.name!r} returned a coroutine. Define it with `async def`.")
        raise TypeError(f"The check {self.name!r} must return True or False, not {type(result).__name__}.")


def merge(many: Iterable[Mapping[str, CustomCheck]]) -> dict[str, CustomCheck]:
    """A dict of all checks. Raises `ImproperlyConfigured` if two different ones have the same name."""
    merged: dict[str, CustomCheck] = {}
    for checks in many:
        for name, check in checks.items():
            if merged.setdefault(name, check) != check:
                raise ImproperlyConfigured(
                    f"Two different checks have the name {name!r}. Pass another name= to one of them."
                )
    return merged


ASYNC_REMEDY = "Define the view with `async def`, or the check with `def`."
