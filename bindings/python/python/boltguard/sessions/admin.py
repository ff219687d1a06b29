"""The admin pages of sessions: who is logged in, and an action that ends sessions. They show no secrets."""

from __future__ import annotations

import logging
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename, get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from boltguard.sessions import ending
from boltguard.sessions.clock import current
from boltguard.sessions.models import TokenSession

logger = logging.getLogger("boltguard")


class StatusFilter(admin.SimpleListFilter):
    """Active, ended or expired."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, capfirst(str(label))) for name, label in STATUSES.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen: dict[str, dict[str, Any]] = {
            "active": {"ended_at": None, "expires_at__gt": current()},
            "ended": {"ended_at__isnull": False},
            "expired": {"ended_at": None, "expires_at__lte": current()},
        }
        return queryset.filter(**chosen.get(self.value() or "", {}))


@admin.register(TokenSession)
class TokenSessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows sessions, and ends them together with their access tokens."""

    actions = ("end_selected",)
    fields = readonly_fields = (
        "id",
        "user",
        "status",
        "created_at",
        "last_used_at",
        "expires_at",
        "ended_at",
        "user_agent",
        "ip_address",
    )
    list_display = ("id", "user", "status", "created_at", "last_used_at", "expires_at", "user_agent", "ip_address")
    list_filter = (StatusFilter, "created_at", "last_used_at")
    list_select_related = ("user",)
    ordering = ("-last_used_at",)
    show_full_result_count = False

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("id", f"user__{get_user_model().USERNAME_FIELD}", "ip_address", "user_agent")

    @admin.display(description=_("status"), ordering="expires_at")
    def status(self, row: TokenSession) -> Any:
        return STATUSES["ended" if row.ended_at is not None else "active" if row.is_active else "expired"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Of the action only.
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only together with the user: the access tokens of a deleted session would stay valid."""
        users, deleter = get_user_model()._meta, cast(Any, request.user)
        is_own = request.resolver_match is None or (request.resolver_match.url_name or "").startswith(ROUTES)
        permission = f"{users.app_label}.{get_permission_codename('delete', users)}"
        return not is_own and bool(deleter.has_perm(permission))

    @admin.action(description=_("End selected sessions"), permissions=["change"])
    def end_selected(self, request: HttpRequest, queryset: QuerySet[TokenSession]) -> None:
        ended, failed = 0, []
        for row in queryset:
            try:
                # Also if it has ended before: its access tokens may not have been revoked.
                ending.end(row.pk)
            except Exception:
                # A store can raise anything. The row has ended, but its access tokens may be accepted.
                logger.exception("The access tokens of session %s couldn't be revoked.", row.pk)
                failed.append(row.pk)
            else:
                ended += 1
                # The history is stored in one language for all its readers, as Django stores its own entries.
                self.log_change(request, row, "Ended.")
        if ended:
            message = ngettext("Ended %(count)d session.", "Ended %(count)d sessions.", ended)
            self.message_user(request, message % {"count": ended}, messages.SUCCESS)
        if failed:
            message = ngettext(
                "The access tokens of %(count)d session couldn't be revoked. Try again: %(ids)s",
                "The access tokens of %(count)d sessions couldn't be revoked. Try again: %(ids)s",
                len(failed),
            )
            self.message_user(request, message % {"count": len(failed), "ids": ", ".join(failed)}, messages.ERROR)


ROUTES = "boltguard_sessions_tokensession"
STATUSES = {
    "active": pgettext_lazy("session", "active"),
    "ended": pgettext_lazy("session", "ended"),
    "expired": pgettext_lazy("session", "expired"),
}
