"""Weak references to the backends, stores and view gates of a site, for system checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar
from weakref import WeakSet

T = TypeVar("T")

_built: WeakSet[object] = WeakSet()


def remember(thing: object) -> None:
    """Adds an object, without keeping it alive."""
    _built.add(thing)


def instances(kind: type[T]) -> Iterator[T]:
    """The objects of a class that are still alive."""
    # A copy, because other threads may add objects. Since Python 3.14, iterating over a `WeakSet` makes one.
    references = _built.data.copy()  # type: ignore[attr-defined]
    return (thing for thing in [reference() for reference in references] if isinstance(thing, kind))


def import_views() -> None:
    """Imports the URLconf, so that the backends, stores and guards of all views exist."""
    from django.urls import get_resolver

    with suppress(Exception):  # Django's own checks report errors in the URLs
        get_resolver().url_patterns  # noqa: B018
