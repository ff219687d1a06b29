"""What the Django-free modules use of Django and asgiref, and replacements for projects without them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

HAS_DJANGO = find_spec("django") is not None

if TYPE_CHECKING or HAS_DJANGO:
    from asgiref.sync import async_to_sync as async_to_sync
    from asgiref.sync import iscoroutinefunction as iscoroutinefunction
    from asgiref.sync import sync_to_async as sync_to_async
    from django.conf import settings as settings
    from django.core.exceptions import FieldDoesNotExist as FieldDoesNotExist
    from django.core.exceptions import ImproperlyConfigured as ImproperlyConfigured
    from django.core.exceptions import MultipleObjectsReturned as MultipleObjectsReturned
    from django.core.exceptions import ObjectDoesNotExist as ObjectDoesNotExist
    from django.core.exceptions import SynchronousOnlyOperation as SynchronousOnlyOperation
    from django.core.exceptions import ValidationError as ValidationError
    from django.core.signals import setting_changed as setting_changed
    from django.db import DatabaseError as DatabaseError
    from django.db import InterfaceError as InterfaceError
    from django.db import OperationalError as OperationalError
    from django.db import connections as connections
    from django.dispatch import Signal as Signal
else:
    import asyncio
    from functools import partial
    from inspect import iscoroutinefunction as iscoroutinefunction

    class ImproperlyConfigured(Exception):
        """The configuration is invalid."""

    class SynchronousOnlyOperation(Exception):
        """A sync function was called from async code."""

    class FieldDoesNotExist(Exception):
        """Never raised."""

    class MultipleObjectsReturned(Exception):
        """Never raised."""

    class ObjectDoesNotExist(Exception):
        """Never raised."""

    class ValidationError(Exception):
        """Never raised."""

    class DatabaseError(Exception):
        """Never raised."""

    class InterfaceError(Exception):
        """Never raised."""

    class OperationalError(Exception):
        """Never raised."""

    class Signal:
        """A signal that has no receivers."""

        def has_listeners(self, sender=None):
            return False

        def connect(self, receiver, **options):
            raise ImproperlyConfigured("Signals have no receivers, because Django isn't installed.")

    class _Settings:
        configured = False

        def __getattr__(self, name):
            raise ImproperlyConfigured(
                f"The setting {name} can't be read, because Django isn't installed. Pass the value as an argument, "
                "such as secret=."
            )

    class _Connections:
        settings: dict = {}

        def all(self, initialized_only=False):
            return []

    settings, setting_changed, connections = _Settings(), Signal(), _Connections()
    # Never sent.
    setting_changed.connect = lambda receiver, **options: None

    def sync_to_async(function):
        return partial(asyncio.to_thread, function)

    def async_to_sync(function):
        def call(*args, **kwargs):
            return asyncio.run(function(*args, **kwargs))

        return call


# All errors of a query. Drivers raise `InterfaceError`, which isn't a `DatabaseError`, for a connection that is closed.
DATABASE_ERRORS = (DatabaseError, InterfaceError)
# A database is unavailable, or has ended the connection. Other errors, such as a missing column, have other classes.
DATABASE_UNAVAILABLE = (InterfaceError, OperationalError)


def has_settings() -> bool:
    """Whether Django is installed and its settings can be read."""
    return HAS_DJANGO and (settings.configured or "DJANGO_SETTINGS_MODULE" in os.environ)


def open_connections() -> Sequence[Any]:
    """The open database connections of this thread; none without Django's settings."""
    return connections.all(initialized_only=True) if has_settings() else []
