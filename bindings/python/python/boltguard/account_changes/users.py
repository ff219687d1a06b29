"""Accounts that are deactivated or deleted, or get another password or other flags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from boltguard.account_changes.accounts import changed_account, is_account_model, stored_account
from boltguard.account_changes.revoking import is_revoked_on, renew, revoke
from boltguard.auth.session_managers import session_table
from boltguard.conf import current


def before_save(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Iterable[str] | None, **kwargs: Any
) -> None:
    """Revokes the tokens of an account that will be inactive, or will have another password or other flags."""
    state, is_rehash = vars(instance._state), _may_be_rehash(instance, update_fields)
    state.pop(REVOCATION, None)
    state.pop(REHASH, None)
    is_login = update_fields is not None and set(update_fields) <= {"last_login"}
    if raw or is_login or instance.pk is None or not is_account_model(sender):
        return
    if not is_revoked_on("deactivate", "password", "permissions") and not (is_rehash and session_table() is not None):
        return
    stored = stored_account(sender, instance, using)
    if stored is None:
        return
    after = changed_account(stored, sender, instance, update_fields)
    if is_rehash and _is_outdated(stored.password):
        state[REHASH] = stored, after
    elif changes := set(_changes(stored, after)) & current().revoke_on:
        ends_sessions = changes != {"permissions"}
        state[REVOCATION] = revoke(stored, ends_sessions=ends_sessions, changed=after)


def after_save(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Revokes again what was issued before the change was committed. If the password only has another hash, the
    sessions continue, which would end with their next refresh."""
    revocation = vars(instance._state).pop(REVOCATION, None)
    if revocation is not None:
        renew(revocation, using)
    rehash = vars(instance._state).pop(REHASH, None)
    table = session_table()
    if rehash is not None and table is not None:
        table.continue_all(*rehash)


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


def _is_outdated(encoded: str) -> bool:
    from django.contrib.auth.hashers import get_hasher, identify_hasher

    try:
        hasher, preferred = identify_hasher(encoded), get_hasher("default")
    except (ValueError, TypeError):
        return False
    return bool(hasher.algorithm != preferred.algorithm or preferred.must_update(encoded))


# The claims of a token that are fields of the account.
FLAGS = ("is_staff", "is_superuser")
# Attributes of `instance._state` during a save.
REVOCATION, REHASH = "boltguard_revocation", "boltguard_rehash"
