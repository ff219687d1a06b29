"""Whether a handler reads `request.user`, determined from its code when it is registered.

The functions that a handler names in its module or closes over are included. Reading `user.id` or `user.pk` is ignored,
because it makes no query. Async code that reads the user in a way that isn't detected must await `request.auser()`
first.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import lru_cache, partial
from inspect import unwrap
from itertools import pairwise
from types import CodeType, FunctionType, MethodType
from typing import Any

FREE = {"pk", "id", "is_authenticated", "is_anonymous"}


def wants_user(handler: Any) -> bool:
    """Whether `handler`, or a function whose name it contains, reads more of a `user` than its key."""
    return any(_reads_user(code) for function in _reachable(handler, set()) for code in _nested(function.__code__))


@lru_cache(maxsize=1024)
def class_wants_user(view: Any) -> bool:
    """The same for the handlers of a class-based view."""
    names = getattr(view, "http_method_names", ())
    return any(wants_user(handler) for handler in (getattr(view, name, None) for name in names) if handler is not None)


@lru_cache(maxsize=1024)
def view_wants_user(view: Any) -> bool:
    """The same for the callback of a URL pattern."""
    view_class = getattr(view, "view_class", None)
    return wants_user(view) if view_class is None else class_wants_user(view_class)


def _reachable(thing: Any, seen: set[Any]) -> Iterator[FunctionType]:
    function = _function(thing)
    if function is None or function.__code__ in seen:
        return
    seen.add(function.__code__)
    yield function
    for name in {name for code in _nested(function.__code__) for name in code.co_names}:
        neighbour = function.__globals__.get(name)
        if getattr(neighbour, "__module__", None) == function.__module__:
            yield from _reachable(neighbour, seen)
    for cell in function.__closure__ or ():
        try:
            yield from _reachable(cell.cell_contents, seen)
        except ValueError:  # a name that is bound later
            continue


def _function(thing: Any) -> FunctionType | None:
    while isinstance(thing, (partial, MethodType)):
        thing = thing.func if isinstance(thing, partial) else thing.__func__
    if not callable(thing):
        return None
    function = unwrap(thing)
    return function if isinstance(function, FunctionType) else None


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _reads_user(code: CodeType) -> bool:
    if "user" not in code.co_names:
        return False
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG", "RESUME")]
    return any(_is_read(step) and not _is_free(following) for step, following in pairwise([*steps, None]) if step)


def _is_read(step: dis.Instruction) -> bool:
    return step.argval == "user" and step.opname.startswith(("LOAD_ATTR", "LOAD_METHOD"))


def _is_free(step: dis.Instruction | None) -> bool:
    return step is not None and step.opname.startswith("LOAD_ATTR") and step.argval in FREE
