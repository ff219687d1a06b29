"""The action "Log out everywhere" in the admin of users."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from boltguard.auth.account_tokens import has_stores
from boltguard.auth.everywhere import logout_everywhere

logger = logging.getLogger("boltguard")


class LogoutEverywhereMixin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A mixin for the admin of users that adds the action "Log out everywhere".

    The action calls `boltguard.auth.logout_everywhere` for each selected user. It requires the permission to change
    them, and is only offered if a backend has a revocation store. A subclass with `actions` must list
    `"log_out_everywhere"`.
    """

    actions: Any = ("log_out_everywhere",)

    def has_log_out_everywhere_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and has_stores()

    @admin.action(description=_("Log out everywhere"), permissions=["log_out_everywhere"])
    def log_out_everywhere(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        done, failed, denied = [], [], []
        for user in queryset:
            if not self.has_change_permission(request, user):
                denied.append(user)
            elif _is_logged_out(user):
                # The history is stored in one language for all its readers, as Django stores its own entries.
                self.log_change(request, user, "Logged out everywhere.")
                done.append(user)
            else:
                failed.append(user)
        for level, users, text in (
            (messages.SUCCESS, done, _logged_out),
            (messages.ERROR, failed, _not_logged_out),
            (messages.ERROR, denied, _not_permitted),
        ):
            if users:
                values = {"count": len(users), "users": ", ".join(map(str, users))}
                self.message_user(request, text(len(users)) % values, level)


def _is_logged_out(user: Any) -> bool:
    try:
        logout_everywhere(user)
    except Exception:
        # A store can raise anything. What could be revoked is revoked, and the action can be repeated.
        logger.exception("The tokens of a user couldn't be revoked in the admin.")
        return False
    return True


def _logged_out(count: int) -> str:
    return ngettext("Logged out %(count)d user everywhere.", "Logged out %(count)d users everywhere.", count)


def _not_logged_out(count: int) -> str:
    return ngettext(
        "%(count)d user may still be logged in, because tokens couldn't be revoked. Try again: %(users)s",
        "%(count)d users may still be logged in, because tokens couldn't be revoked. Try again: %(users)s",
        count,
    )


def _not_permitted(count: int) -> str:
    return ngettext(
        "You don't have permission to log out %(count)d user: %(users)s",
        "You don't have permission to log out %(count)d users: %(users)s",
        count,
    )


def add_to_users(site: admin.AdminSite) -> None:
    """Adds the action to the admin of users, if it's exactly Django's `UserAdmin`."""
    if not apps.is_installed("django.contrib.auth"):
        return
    from django.contrib.auth.admin import UserAdmin

    users = get_user_model()
    _register(apps.get_app_config(users._meta.app_label))
    registered = site._registry.get(users)
    if registered is None or type(registered) is not UserAdmin:
        return
    extended = (*(registered.actions or ()), *LogoutEverywhereMixin.actions)

    class UserAdminWithLogout(LogoutEverywhereMixin, UserAdmin):  # type: ignore[type-arg]
        actions = extended

    site.unregister(users)
    site.register(users, UserAdminWithLogout)


def _register(app: Any) -> None:
    """Registers the admin of an app, which is otherwise registered later if the app is listed after Boltguard."""
    if module_has_submodule(app.module, "admin"):
        import_module(f"{app.name}.admin")
