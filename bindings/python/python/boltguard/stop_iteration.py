"""Converts `StopIteration` raised by custom code, so that it doesn't reach futures."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def without_stop_iteration(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with `StopIteration` raised as `RuntimeError`, as in Python's generators (PEP 479).

    A future can't hold a `StopIteration`: awaiting it would never return.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except StopIteration as error:
            raise stopped(function) from error

    return call


def stopped(function: object) -> RuntimeError:
    """The exception that is raised instead."""
    return RuntimeError(f"{getattr(function, '__qualname__', 'the function')} raised StopIteration")
