"""Weak references to the backends, stores and view gates of a site, for system checks."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import TypeVar
from weakref import WeakSet

from boltguard.optional import ImproperlyConfigured, settings

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
    """Imports the URLconf and the ASGI application, as far as possible: Django's own checks report their errors."""
    for step in (_import_urlconf, _import_application):
        with suppress(Exception):
            step()


def require_views() -> bool:
    """Imports the URLconf and the ASGI application, so that the backends, stores and guards of all views exist.

    Raises `ImproperlyConfigured` if that fails. Returns whether there is a URLconf: a process that only runs tasks may
    have none.
    """
    for what, step in (("URLconf", _import_urlconf), (ASGI_APPLICATION, _import_application)):
        try:
            step()
        except Exception as error:
            raise ImproperlyConfigured(NO_VIEWS.format(what, type(error).__name__, error)) from error
    return _has_urlconf()


def _has_urlconf() -> bool:
    return getattr(settings, "ROOT_URLCONF", None) is not None


def _import_urlconf() -> None:
    if _has_urlconf():
        from django.urls import get_resolver

        get_resolver().url_patterns  # noqa: B018


def _import_application() -> None:
    path = getattr(settings, ASGI_APPLICATION, None)
    if path is None or (module := path.rpartition(".")[0]) in sys.modules:
        return
    # Its `django.setup()` configures logging again, which can disable the loggers that were created since the start.
    enabled = [one for one in list(logging.Logger.manager.loggerDict.values()) if not getattr(one, "disabled", True)]
    try:
        import_module(module)
    finally:
        for logger in enabled:
            logger.disabled = False  # type: ignore[union-attr]


ASGI_APPLICATION = "ASGI_APPLICATION"
NO_VIEWS = (
    "The {0} can't be imported, so it isn't known in which stores its backends look up revoked tokens ({1}: {2}). "
    "Tokens can only be revoked in a process that can import it."
)
