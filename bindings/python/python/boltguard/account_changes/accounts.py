"""The account that a row belongs to: the user model can be a parent, a child or a proxy of the model that is saved."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from boltguard.auth.accounts import user_model


def is_account_model(model: Any) -> bool:
    """Whether changing a row of this model can change an account."""
    account = user_model()._meta.concrete_model
    return issubclass(model, account) or model._meta.concrete_model in account._meta.get_parent_list()


def stored_account(sender: Any, instance: Any, using: str) -> Any:
    """The account of a row as it is in the database, or `None` if it doesn't exist yet."""
    account = user_model()._meta.concrete_model
    # A child has the primary key of the account, and the account has that of its parents.
    field = account._meta.pk if issubclass(sender, account) else sender._meta.pk
    key = getattr(instance, field.attname, None)
    if key is None:
        return None
    return account._base_manager.using(using).filter(**{field.name: key}).first()


def changed_account(stored: Any, sender: Any, instance: Any, update_fields: Iterable[str] | None) -> Any:
    """The account as it will be when the row is saved."""
    after = copy.copy(stored)
    written = None if update_fields is None else set(update_fields)
    for field in sender._meta.concrete_fields:
        is_written = written is None or field.name in written or field.attname in written
        if is_written and field.attname in vars(instance):
            setattr(after, field.attname, vars(instance)[field.attname])
    return after
