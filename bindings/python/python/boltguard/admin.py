"""The admin pages of revoked tokens and levels, and the action "Log out everywhere" of users.

The pages are read-only: without its entry, a token would be valid again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from boltguard import _rust, clock
from boltguard.auth.token_ids import row_ids
from boltguard.auth.watermark_table import row_key
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.user_admin import LogoutEverywhereMixin, add_to_users

__all__ = ["LogoutEverywhereMixin"]


class StatusFilter(admin.SimpleListFilter):
    """In effect or expired."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", str(_("In effect"))), ("expired", str(pgettext_lazy("revocation", "Expired")))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        expired = Q(expires_at__lte=clock.now())
        return {"active": queryset.exclude(expired), "expired": queryset.filter(expired)}.get(
            self.value() or "", queryset
        )


class LevelFilter(admin.SimpleListFilter):
    """The kind of a level."""

    title = _("level")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, capfirst(str(label))) for kind, label in KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(key__startswith=f"{self.value()}:") if self.value() in KINDS else queryset


class RevocationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows entries, and changes none. `boltguard_prune` deletes those that have expired."""

    ordering = ("-revoked_at",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        condition = self.condition(search_term.strip())
        return (queryset.filter(condition) if search_term.strip() else queryset), False

    def condition(self, term: str) -> Q:
        """The condition for a search term."""
        raise NotImplementedError


@admin.register(RevokedToken)
class RevokedTokenAdmin(RevocationAdmin):
    """Revoked tokens, which can be searched by the beginning of their ID."""

    list_display = ("jti", "revoked_at", "expires_at")
    list_filter = (StatusFilter, "revoked_at")
    search_fields = ("jti",)
    search_help_text = _("The ID of a token (jti), or its beginning.")

    def condition(self, term: str) -> Q:
        # Long IDs are stored as digests.
        stored = row_ids(term, MOST_ROOM, is_exact=True)
        return Q(jti__in=stored) if "\0" in term else Q(jti__startswith=term) | Q(jti__in=stored)


@admin.register(RevocationWatermark)
class RevocationWatermarkAdmin(RevocationAdmin):
    """Revoked levels, whose values are only stored as digests. They are found by the value."""

    list_display = ("key", "issued_until", "revoked_at", "expires_at")
    list_filter = (LevelFilter, StatusFilter, "revoked_at")
    search_fields = ("key",)
    search_help_text = _("The ID of a session, user or key, or an issuer, exactly.")
    fields = ("key", "before", "issued_until", "revoked_at", "expires_at")

    @admin.display(description=_("issued at or before"), ordering="before")
    def issued_until(self, row: RevocationWatermark) -> Any:
        try:
            return datetime.fromtimestamp(row.before / 1000, tz=timezone.get_current_timezone())
        except (OverflowError, ValueError, OSError):
            # A session is revoked for all times.
            return _("all tokens")

    def condition(self, term: str) -> Q:
        keys = [row_key(level) for level in _levels(term)]
        return Q(key__in=keys) if "\0" in term else Q(key__in=keys) | Q(key__startswith=term)


def _levels(value: str) -> list[_rust.RevocationLevel]:
    """The levels with this value."""
    level = _rust.RevocationLevel
    return [level.session(value), level.subject(value), level.issuer(value), level.key(value)] if value else []


MOST_ROOM = 255
KINDS = {
    "session": _("session"),
    "subject": pgettext_lazy("revocation", "subject"),
    "issuer": pgettext_lazy("revocation", "issuer"),
    "key": pgettext_lazy("revocation", "key"),
}

# At the end, because it imports the admin module of the user model's app, which may import the mixin from here.
add_to_users(admin.site)
