"""Accounts that are deactivated or deleted, or get another password or other flags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction

from boltguard.account_changes.accounts import changed_account, is_account_model, stored_account
from boltguard.account_changes.revoking import is_revoked_on, renew, revoke
from boltguard.auth.login_password import is_hash_of_login
from boltguard.auth.session_managers import session_table
from boltguard.conf import current


def before_save(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Iterable[str] | None, **kwargs: Any
) -> None:
    """Revokes the tokens of an account that will be inactive, or will have another password or other flags."""
    state, is_rehash = vars(instance._state), _may_be_rehash(instance, update_fields)
    state.pop(REVOCATION, None)
    is_login = update_fields is not None and set(update_fields) <= {"last_login"}
    if raw or is_login or instance.pk is None or not is_account_model(sender):
        return
    if not is_revoked_on("deactivate", "password", "permissions") and not (is_rehash and session_table() is not None):
        return
    stored = stored_account(sender, instance, using)
    if is_rehash and stored is not None and _is_outdated(stored.password):
        if _replace_hash(stored, changed_account(stored, sender, instance, update_fields), using):
            return
        stored = stored_account(sender, instance, using)
    if stored is None:
        return
    if is_rehash and is_hash_of_login(stored.password):
        # Another login was faster. Its session has begun with the hash that it stored.
        instance.password = stored.password
        return
    after = changed_account(stored, sender, instance, update_fields)
    if changes := set(_changes(stored, after)) & current().revoke_on:
        ends_sessions = changes != {"permissions"}
        state[REVOCATION] = revoke(stored, ends_sessions=ends_sessions, changed=after)


def after_save(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Revokes again what was issued before the change was committed."""
    revocation = vars(instance._state).pop(REVOCATION, None)
    if revocation is not None:
        renew(revocation, using)


def before_delete(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Revokes the tokens of an account that will be deleted."""
    if not is_account_model(sender) or not is_revoked_on("delete"):
        return
    stored = stored_account(sender, instance, using)
    if stored is not None:
        renew(revoke(stored, ends_sessions=True), using)


def _changes(stored: Any, after: Any) -> Iterator[str]:
    if _is_active(stored) and not _is_active(after):
        yield "deactivate"
    if _value(stored, "password") != _value(after, "password"):
        yield "password"
    if any(_value(stored, flag) != _value(after, flag) for flag in FLAGS):
        yield "permissions"


def _value(user: Any, name: str) -> Any:
    return getattr(user, name, None)


def _is_active(user: Any) -> bool:
    return bool(getattr(user, "is_active", True))


def _may_be_rehash(instance: Any, update_fields: Iterable[str] | None) -> bool:
    """Whether `check_password` stores the same password with a better hash at a login, if the old one is outdated.

    It sets `_password` to `None`, which `set_password` never does, and saves only the password.
    """
    is_only_password = update_fields is not None and set(update_fields) == {"password"}
    return is_only_password and vars(instance).get("_password", "") is None


def _replace_hash(stored: Any, after: Any, using: str) -> bool:
    """Stores the better hash and continues the sessions, which would end with their next refresh, in one transaction.

    Returns `False` if the stored hash has changed in the meantime.
    """
    table, model = session_table(), type(stored)._meta.get_field("password").model
    if table is None:
        return True
    rows = model._base_manager.using(using).filter(pk=getattr(stored, model._meta.pk.attname))
    with transaction.atomic(using=using):
        is_replaced: bool = rows.filter(password=stored.password).update(password=after.password) == 1
        if is_replaced:
            table.continue_all(stored, after)
    return is_replaced


def _is_outdated(encoded: str) -> bool:
    from django.contrib.auth.hashers import get_hasher, identify_hasher

    try:
        hasher, preferred = identify_hasher(encoded), get_hasher("default")
    except (ValueError, TypeError):
        return False
    return bool(hasher.algorithm != preferred.algorithm or preferred.must_update(encoded))


# The claims of a token that are fields of the account.
FLAGS = ("is_staff", "is_superuser")
# An attribute of `instance._state` during a save.
REVOCATION = "boltguard_revocation"
