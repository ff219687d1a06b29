"""How the public signals about API keys are sent."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from boltguard.events import send


def announce(signal: Signal, api_key: Any, **others: Any) -> None:
    """Sends a signal about a row, and further ones, in their current state, once the transaction is committed.

    Within a transaction, a failed query of a receiver would break the transaction.
    """
    sender = type(api_key)
    if signal.has_listeners(sender):
        rows = {name: _copy(row) for name, row in {"api_key": api_key, **others}.items()}
        transaction.on_commit(partial(send, signal, sender, **rows), using=api_key._state.db)


def _copy(row: Any) -> Any:
    """The row without other attributes of the object, such as the generated key."""
    names = [field.attname for field in row._meta.concrete_fields]
    return type(row).from_db(row._state.db, names, [getattr(row, name) for name in names])
