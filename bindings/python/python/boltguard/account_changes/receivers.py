"""Connects the receivers, to the models of accounts and groups alone: a receiver of all models would slow down every
`QuerySet.delete()`."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.signals import setting_changed
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from boltguard.account_changes import groups, users
from boltguard.account_changes.accounts import is_account_model
from boltguard.auth.accounts import user_model


def connect(**kwargs: Any) -> None:
    """Connects the receivers of the user model; again if a test changes it. Another call has no effect."""
    setting_changed.connect(_reconnect, dispatch_uid=UID)
    if not apps.is_installed("django.contrib.auth"):
        return
    for model in apps.get_models():
        if is_account_model(model):
            pre_save.connect(users.before_save, sender=model, dispatch_uid=UID)
            post_save.connect(users.after_save, sender=model, dispatch_uid=UID)
            pre_delete.connect(users.before_delete, sender=model, dispatch_uid=UID)
    from django.contrib.auth.models import Group

    m2m_changed.connect(groups.before_group_permissions, sender=Group.permissions.through, dispatch_uid=UID)
    pre_delete.connect(groups.before_group_delete, sender=Group, dispatch_uid=UID)
    model = user_model()
    for name, receiver in ("groups", groups.before_groups), ("user_permissions", groups.before_permissions):
        through = getattr(getattr(model, name, None), "through", None)
        if through is not None:
            m2m_changed.connect(receiver, sender=through, dispatch_uid=UID)


def _reconnect(*, setting: str, **kwargs: Any) -> None:
    if setting == "AUTH_USER_MODEL":
        connect()


UID = "boltguard.account_changes"
