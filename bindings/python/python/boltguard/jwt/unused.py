"""Subclasses of `PyJWT` and `PyJWS` that override methods that are never called."""

from __future__ import annotations

from collections.abc import Set


def refuse_unused_overrides(cls: type, base: type, unused: Set[str]) -> None:
    """Raises `TypeError` if a subclass defines one of these methods, which only PyJWT calls."""
    found = sorted(unused & set(vars(cls)))
    if found:
        raise TypeError(f"{cls.__name__} overrides {', '.join(found)} of PyJWT, which {base.__name__} never calls here")
