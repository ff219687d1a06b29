"""What a site has built, remembered weakly, so that the system checks can look at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar
from weakref import WeakSet

from django.urls import get_resolver

T = TypeVar("T")

_built: WeakSet[object] = WeakSet()


def remember(thing: object) -> None:
    """Adds a backend or a store to those that the checks look at, for as long as it lives."""
    _built.add(thing)


def instances(kind: type[T]) -> Iterator[T]:
    """Those still alive."""
    # A copy, made at once: threads build backends too. From Python 3.14 on, iterating over a `WeakSet` makes one.
    references = _built.data.copy()  # type: ignore[attr-defined]
    return (thing for thing in [reference() for reference in references] if isinstance(thing, kind))


def import_views() -> None:
    """Imports the URLconf, so that the backends, stores and guards of all views exist."""
    with suppress(Exception):  # Django's own checks report what is wrong with the URLs
        get_resolver().url_patterns  # noqa: B018
