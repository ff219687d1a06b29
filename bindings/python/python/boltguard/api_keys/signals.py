"""Changes of keys that no method of the model's sees: deletions, fixtures, and users who leave."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models.signals import post_delete, post_save

from boltguard.api_keys.changes import changing
from boltguard.api_keys.models import APIKey
from boltguard.api_keys.notices import note_change


def connect() -> None:
    """Called once, when Django's applications are ready."""
    post_delete.connect(_deleted, APIKey, dispatch_uid="boltguard.api_keys.deleted")
    post_save.connect(_saved, APIKey, dispatch_uid="boltguard.api_keys.saved")
    post_save.connect(_user_saved, settings.AUTH_USER_MODEL, dispatch_uid="boltguard.api_keys.user_saved")


def _deleted(using: str, **kwargs: Any) -> None:
    with changing(using, unstamped=True):
        pass


def _saved(using: str, raw: bool, **kwargs: Any) -> None:
    # A fixture is saved past the model's own `save`.
    if raw:
        with changing(using, unstamped=True):
            pass


def _user_saved(created: bool, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    # Costs no query here. Other processes look at the owners of keys each time they look at the keys.
    if not created and (update_fields is None or "is_active" in update_fields):
        note_change()
