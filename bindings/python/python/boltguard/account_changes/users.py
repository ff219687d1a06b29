"""Accounts that are deactivated or deleted, or get another password or other flags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from boltguard.account_changes.accounts import changed_account, is_account_model, stored_account
from boltguard.account_changes.revoking import is_revoked_on, renew, revoke
from boltguard.conf import current


def before_save(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Iterable[str] | None, **kwargs: Any
) -> None:
    """Revokes the tokens of an account that will be inactive, or will have another password or other flags."""
    vars(instance._state).pop(REVOCATION, None)
    is_login = update_fields is not None and set(update_fields) <= {"last_login"}
    if raw or is_login or instance.pk is None or not is_account_model(sender):
        return
    if not is_revoked_on("deactivate", "password", "permissions"):
        return
    stored = stored_account(sender, instance, using)
    if stored is None:
        return
    after = changed_account(stored, sender, instance, update_fields)
    changes = set(_changes(stored, after)) & current().revoke_on
    if changes == {"password"} and _is_rehashed(stored, instance, update_fields):
        return
    if changes:
        ends_sessions = changes != {"permissions"}
        vars(instance._state)[REVOCATION] = revoke(stored, ends_sessions=ends_sessions, changed=after)


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


def _is_rehashed(stored: Any, instance: Any, update_fields: Iterable[str] | None) -> bool:
    """Whether `check_password` stores the same password with a better hash, at a login.

    It sets `_password` to `None`, which `set_password` never does, and saves only the password.
    """
    is_only_password = update_fields is not None and set(update_fields) == {"password"}
    return is_only_password and vars(instance).get("_password", "") is None and _is_outdated(stored.password)


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
