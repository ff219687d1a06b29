"""Calls of sync code from async code, in a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from boltguard.optional import sync_to_async
from boltguard.stop_iteration import without_stop_iteration

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """`sync_to_async(function)`, for a function that may raise any exception."""
    return sync_to_async(without_stop_iteration(function))
