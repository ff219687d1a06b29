"""Accounts whose groups or permissions change.

Tokens contain permissions. Sessions continue: their next access token contains the new ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import FieldDoesNotExist

from boltguard.account_changes.revoking import is_revoked_on, renew, revoke
from boltguard.auth.accounts import user_model


def before_groups(
    instance: Any, action: str, reverse: bool, pk_set: set[Any] | None, using: str, **kwargs: Any
) -> None:
    """The members of groups."""
    if action in BEFORE and is_revoked_on("groups"):
        _revoke(_users("groups", instance, reverse, pk_set, using), using)


def before_permissions(
    instance: Any, action: str, reverse: bool, pk_set: set[Any] | None, using: str, **kwargs: Any
) -> None:
    """The permissions of users."""
    if action in BEFORE and is_revoked_on("permissions"):
        _revoke(_users("user_permissions", instance, reverse, pk_set, using), using)


def before_group_permissions(
    instance: Any, action: str, reverse: bool, pk_set: set[Any] | None, using: str, **kwargs: Any
) -> None:
    """The permissions of groups, and so of their members."""
    if action not in BEFORE or not is_revoked_on("permissions"):
        return
    if not reverse:
        members = _members([instance.pk], using) if pk_set is None or pk_set else []
    elif pk_set is None:
        members = _members(instance.group_set.using(using).values_list("pk", flat=True), using)
    else:
        members = _members(pk_set, using)
    _revoke(members, using)


def before_group_delete(instance: Any, using: str, **kwargs: Any) -> None:
    """The members of a group that will be deleted."""
    if is_revoked_on("groups"):
        _revoke(_members([instance.pk], using), using)


def _users(name: str, instance: Any, reverse: bool, pk_set: set[Any] | None, using: str) -> Iterable[Any]:
    """The users of a relation that changes, of which `instance` is one end; all of the others if `pk_set` is `None`."""
    if pk_set is not None and not pk_set:
        return []
    if not reverse:
        return _accounts(using, pk=instance.pk)
    return _accounts(using, **({name: instance.pk} if pk_set is None else {"pk__in": pk_set}))


def _members(groups: Iterable[Any], using: str) -> Iterable[Any]:
    from django.contrib.auth.models import Group

    try:
        relation = user_model()._meta.get_field("groups")
    except FieldDoesNotExist:
        return []
    return _accounts(using, groups__in=list(groups)) if relation.related_model is Group else []


def _accounts(using: str, **conditions: Any) -> Iterable[Any]:
    accounts: Iterable[Any] = user_model()._base_manager.using(using).filter(**conditions).distinct()
    return accounts


def _revoke(users: Iterable[Any], using: str) -> None:
    # All are read first, because some databases can't write while they read.
    for user in list(users):
        renew(revoke(user, ends_sessions=False), using)


# Before the rows are written, in the transaction that the relation opens.
BEFORE = {"pre_add", "pre_remove", "pre_clear"}
