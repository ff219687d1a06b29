"""What a subclass of `RevocationStore` must be, checked when it is defined."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import iscoroutinefunction, signature
from typing import TYPE_CHECKING, Any

from boltguard._rust import RevocationQuery
from boltguard.auth.sync_async import found
from boltguard.optional import ImproperlyConfigured, async_to_sync

if TYPE_CHECKING:
    from boltguard.auth.stores import RevocationStore

# The methods, how Boltguard calls them, and how a definition of them looks. Each has an async variant.
METHODS: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "revoke": (("jti", None), {}, "(self, jti, ttl=None)"),
    "is_revoked": (("jti",), {}, "(self, jti)"),
    "check": ((None,), {}, "(self, query)"),
    "revoke_level": ((None, 0, None), {}, "(self, level, before, ttl=None)"),
    "revoke_session": (("id",), {"ttl": None}, "(self, session_id, ttl=None)"),
    "revoke_subject": (("id", None), {"issuer": None, "ttl": None}, "(self, subject, before=None, *, issuer, ttl)"),
    "revoke_issuer": (("id", None), {"ttl": None}, "(self, issuer, before=None, *, ttl=None)"),
    "revoke_key": (("id", None), {"ttl": None}, "(self, key_id, before=None, *, ttl=None)"),
}


def check_methods(cls: type[RevocationStore], base: type[RevocationStore]) -> None:
    """Raises `ImproperlyConfigured` for a method with wrong arguments, or for levels that wouldn't be checked."""
    for name, (args, kwargs, form) in METHODS.items():
        for variant in (name, f"a{name}"):
            if owner(cls, variant) is not base:
                _check_signature(cls, variant, args, kwargs, form)
    revokes = any(owner(cls, name) is not base for name in ("revoke_level", "arevoke_level"))
    if revokes and all(owner(cls, name) is base for name in ("check", "acheck")):
        raise ImproperlyConfigured(
            f"{cls.__name__} defines revoke_level but not check, so revoked levels would have no effect. "
            "Define check(self, query)."
        )


def owner(cls: type, name: str) -> type:
    """The class that defines a method."""
    return next(base for base in cls.__mro__ if name in vars(base))


def _check_signature(cls: type, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], form: str) -> None:
    method = found(cls, name)[1]
    bound = method.__get__(object(), cls) if hasattr(method, "__get__") else method
    if isinstance(method, property):
        return
    if not callable(bound):
        raise ImproperlyConfigured(f"{cls.__name__}.{name} must be a method {name}{form}.")
    try:
        signature(bound).bind(*args, **kwargs)
    except TypeError:
        raise ImproperlyConfigured(f"{cls.__name__}.{name} must accept the arguments of {name}{form}.") from None
    except ValueError:  # a built-in function
        pass


def check_both(cls: type[RevocationStore]) -> None:
    """Makes `check` of a class whose `is_revoked` overrides that of a store with levels call both."""

    def check(self: RevocationStore, query: RevocationQuery) -> bool:
        inherited: Any = super(cls, self)
        return ask(self.is_revoked, query.token_id) or ask(inherited.check, query)

    async def acheck(self: RevocationStore, query: RevocationQuery) -> bool:
        inherited: Any = super(cls, self)
        is_revoked = bool_or_error(await self.ais_revoked(query.token_id), "is_revoked")
        return is_revoked or bool_or_error(await inherited.acheck(query))

    for method in (check, acheck):
        method.__qualname__, method.__module__ = f"{cls.__qualname__}.{method.__name__}", cls.__module__
        setattr(cls, method.__name__, method)


def ask(method: Callable[[Any], Any], argument: object) -> bool:
    """The result of `check` or `is_revoked`, for sync code."""
    call = async_to_sync(method) if iscoroutinefunction(method) else method
    return bool_or_error(call(argument), getattr(method, "__name__", "check"))


def bool_or_error(result: object, name: str = "check") -> bool:
    """The bool itself. Any other value, such as a coroutine, raises `TypeError`."""
    if isinstance(result, bool):
        return result
    if asyncio.iscoroutine(result):
        result.close()
    raise TypeError(f"{name} must return a bool, not {type(result).__name__}.")
