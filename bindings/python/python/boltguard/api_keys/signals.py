"""The signals that the app receives, connected when it is ready.

They cover changes of keys that don't go through a method of the model: deletions, fixtures, and deleted users. They
also observe connections, and write uses at the end of requests and of the process.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_delete, post_save

from boltguard import registry
from boltguard.api_keys import keys_changed, notices
from boltguard.api_keys.announcements import announce
from boltguard.api_keys.changes import changing, note_change
from boltguard.api_keys.models import APIKey
from boltguard.api_keys.store import APIKeyStore
from boltguard.signals import api_key_created

logger = logging.getLogger("boltguard")


def connect() -> None:
    """Connects all receivers. Another call has no effect."""
    post_delete.connect(_deleted, APIKey, dispatch_uid="boltguard.api_keys.deleted")
    post_save.connect(_saved, APIKey, dispatch_uid="boltguard.api_keys.saved")
    post_save.connect(_user_saved, settings.AUTH_USER_MODEL, dispatch_uid="boltguard.api_keys.user_saved")
    keys_changed.connect(_note_change, dispatch_uid="boltguard.api_keys.keys_changed")
    connection_created.connect(_created, dispatch_uid="boltguard.api_keys.notices")
    for connection in connections.all(initialized_only=True):
        _created(connection)
    connect_uses()


def connect_uses() -> None:
    """Writes uses after requests, and when the process exits."""
    request_finished.connect(_write_due, dispatch_uid="boltguard.api_keys.usage")
    atexit.unregister(_write_all)
    atexit.register(_write_all)


def _deleted(using: str, **kwargs: Any) -> None:
    with changing(using, unstamped=True):
        pass


def _saved(instance: APIKey, created: bool, using: str, raw: bool, **kwargs: Any) -> None:
    # Fixtures are saved without the model's `save` method.
    if raw:
        with changing(using, unstamped=True):
            pass
    elif created:
        announce(api_key_created, instance)


def _user_saved(created: bool, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    # Without a query: other processes check the owners whenever they check the keys.
    if not created and (update_fields is None or "is_active" in update_fields):
        note_change()


def _note_change(**kwargs: Any) -> None:
    for store in _stores():
        store.note_change()


def _created(connection: Any, **kwargs: Any) -> None:
    if any(store.was_read_elsewhere(connection) for store in _stores()):
        notices.note_place(connection.alias, notices.databases)
    notices.watch(connection)


def _write_due(**kwargs: Any) -> None:
    for store in _stores():
        store.write_uses(due=True)


def _write_all() -> None:
    for store in _stores():
        try:
            store.write_uses()
        except Exception as error:  # the process ends
            logger.debug("The last uses of API keys were not written: %s", error)


def _stores() -> Iterator[APIKeyStore]:
    return registry.instances(APIKeyStore)
