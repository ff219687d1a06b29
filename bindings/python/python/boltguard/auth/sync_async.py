"""Sync and async variants of the methods of a store, of which a subclass can override one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, NoReturn

from boltguard.event_loop import in_event_loop
from boltguard.optional import SynchronousOnlyOperation, async_to_sync
from boltguard.threads import in_thread


class AwaitableNone(Coroutine[Any, Any, None]):
    """The result of a sync method, which can also be awaited, or passed to `asyncio.run`."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield

    def send(self, value: Any) -> NoReturn:
        raise StopIteration

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> NoReturn:
        raise typ if val is None else val

    def close(self) -> None:
        pass


def pair(cls: type, name: str) -> None:
    """Makes a class use the later definition of `name` and its async variant, whichever of them is called.

    The other one isn't looked up on the object, so that both can call `super()`.
    """
    variant = f"a{name}"
    (depth, method), (other_depth, other) = found(cls, name), found(cls, variant)
    if depth < other_depth:
        setattr(cls, variant, _to_async(cls, name, method))
    elif other_depth < depth:
        setattr(cls, name, _to_sync(cls, name, other))


async def acall(method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The result of a method that may be async."""
    if iscoroutinefunction(method):
        return await method(*arguments, **named)
    return await in_thread(method)(*arguments, **named)


def found(cls: type, name: str) -> tuple[int, Any]:
    """The position of the class in the MRO that defines a method, and the method."""
    return next((index, vars(base)[name]) for index, base in enumerate(cls.__mro__) if name in vars(base))


def _to_async(cls: type, name: str, method: Any) -> Callable[..., Any]:
    async def variant(self: Any, *arguments: Any, **named: Any) -> Any:
        result = await acall(_bound(method, self), *arguments, **named)
        # The results of `is_revoked` and `check` aren't awaited, because they must be bools.
        return await result if name.startswith("revoke") and iscoroutine(result) else result

    return _named(variant, cls, f"a{name}")


def _to_sync(cls: type, name: str, method: Any) -> Callable[..., Any]:
    def variant(self: Any, *arguments: Any, **named: Any) -> Any:
        if in_event_loop():
            raise SynchronousOnlyOperation(f"{name}() can't wait in async code. Use `await a{name}(...)`.")
        result = async_to_sync(_bound(method, self))(*arguments, **named)
        return AwaitableNone() if result is None else result

    return _named(variant, cls, name)


def _bound(method: Any, store: object) -> Callable[..., Any]:
    bound: Callable[..., Any] = method.__get__(store, type(store)) if hasattr(method, "__get__") else method
    return bound


def _named(variant: Any, cls: type, name: str) -> Callable[..., Any]:
    variant.__name__, variant.__qualname__, variant.__module__ = name, f"{cls.__qualname__}.{name}", cls.__module__
    return variant  # type: ignore[no-any-return]
