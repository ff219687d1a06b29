"""The admin pages that create API keys, show each new key once, and change, rotate and revoke keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import django
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from boltguard import _rust, conf
from boltguard.api_keys.forms import APIKeyForm, acts_for_all, may_replace
from boltguard.api_keys.models import STATUSES, APIKey, identity

Made = list[tuple[APIKey, _rust.GeneratedApiKey]]


class StatusFilter(admin.SimpleListFilter):
    """Active, expired or revoked."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, capfirst(str(label))) for name, label in STATUSES.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return getattr(queryset, self.value() or "all")()


@admin.register(APIKey)
class APIKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows a new key on the page that creates it, and stores it nowhere."""

    form = APIKeyForm
    actions = ("rotate_selected", "revoke_selected")
    list_display = ("name_and_id", "status_mark", "expires_at", "last_used_at", "owner", "created_at")
    list_filter = (StatusFilter, "created_at", "last_used_at")
    list_select_related = ("owner",)
    ordering = ("-created_at",)
    readonly_fields = (
        "id",
        "status_mark",
        "created_at",
        "revoked_at",
        "last_used_at",
        "secret",
        "granted",
        "granted_scopes",
    )

    class Media:
        css = {"all": ("boltguard/api_keys.css",)}
        js = ("boltguard/api_keys.js",)

    # --- what the pages show

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("id", "name", f"owner__{get_user_model().USERNAME_FIELD}")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            grants: tuple[str, ...] = ("granted", "granted_scopes")
        else:
            grants = ("permissions", "other_permissions", "scopes")
        about = (None, {"fields": ("name", "owner", "expires_at")})
        state = ("id", "status_mark", "created_at", "revoked_at", "last_used_at", "secret")
        return [
            about,
            (_("Permissions and scopes"), {"fields": grants}),
            *([(_("Status"), {"fields": state})] if obj else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A new owner wouldn't stop the person who has the key from using it.
        return self.readonly_fields if obj is None else (*self.readonly_fields, "owner")

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        users = self.admin_site._registry.get(get_user_model())
        return ("owner",) if users and users.get_search_fields(request) and acts_for_all(request.user) else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change, **options)
        return type(form.__name__, (form,), {"editor": request.user})

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **options: Any) -> Any:
        if not options.get("change"):
            # The next page shows the key; a form wouldn't.
            context.update(show_save_and_add_another=False, show_save_and_continue=False)
        return super().render_change_form(request, context, *args, **options)

    @admin.display(description=_("name"), ordering="name")
    def name_and_id(self, key: APIKey) -> str:
        return format_html('{} <span class="boltguard-id">{}</span>', key.name, key.pk)

    @admin.display(description=_("status"), ordering="expires_at")
    def status_mark(self, key: APIKey) -> str:
        return format_html('<span class="boltguard-status boltguard-{}">{}</span>', key.status, STATUSES[key.status])

    @admin.display(description=_("permissions"))
    def granted(self, key: APIKey) -> str:
        return "\n".join(key.permissions) or "-"

    @admin.display(description=_("scopes"))
    def granted_scopes(self, key: APIKey) -> str:
        return " ".join(key.scopes) or "-"

    @admin.display(description=_("digest"))
    def secret(self, key: APIKey) -> str:
        first, *old = [secret.id for secret in conf.current().api_key_secrets]
        if key.secret_id == first:
            return gettext("Created with the current SECRET_KEY.")
        if key.secret_id in old:
            return gettext(
                "Created with a key in SECRET_KEY_FALLBACKS. It will be updated the next time the API key is used."
            )
        return gettext("Created with a SECRET_KEY that is no longer configured, so the API key is rejected.")

    # --- permissions

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.revoked_at is None)

    # --- creating

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.generated = conf.current().api_key_format.generate()
            for name, value in identity(obj.generated).items():
                setattr(obj, name, value)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._show(request, [(obj, obj.generated)])

    # --- rotating and revoking

    def get_urls(self) -> list[URLPattern]:
        views = {"rotate": self.rotate_view, "revoke": self.revoke_view}
        return [
            *(
                path(
                    f"<path:object_id>/{name}/",
                    self.admin_site.admin_view(view),
                    name=f"{ROUTES}_{name}",
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    @admin.action(description=_("Rotate selected API keys"), permissions=["change"])
    def rotate_selected(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> HttpResponse | None:
        return self._rotate(request, queryset, "rotate_selected")

    @admin.action(description=_("Revoke selected API keys"), permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> HttpResponse | None:
        return self._revoke(request, queryset, "revoke_selected")

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._rotate(request, self._one(request, object_id)) or self._back()

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._revoke(request, self._one(request, object_id)) or self._back()

    def _rotate(self, request: HttpRequest, keys: Iterable[APIKey], action: str = "") -> HttpResponse | None:
        if not self.has_add_permission(request):
            raise PermissionDenied
        rows = [key for key in keys if key.status == "active"]
        others = [key for key in rows if not may_replace(request.user, key)]
        if others or not rows:
            self.message_user(request, _why_not_rotated(others), messages.ERROR)
            return None
        if not _is_confirmed(request):
            return self._ask(request, "rotate", rows, action)
        overlap = _overlap(request.POST.get("overlap", ""))
        made: Made = []
        # The history is stored in one language for all its readers, as Django stores its own entries.
        with transaction.atomic():
            for row in rows:
                successor, generated = row.replace(overlap)
                made.append((successor, generated))
                self.log_change(request, row, f"Rotated. The new key is {successor.pk}.")
                self.log_addition(request, successor, f"Created by rotating {row.pk}.")
        return self._show(request, made)

    def _revoke(self, request: HttpRequest, keys: Iterable[APIKey], action: str = "") -> HttpResponse | None:
        keys = list(keys)
        rows = [key for key in keys if key.revoked_at is None]
        if not rows:
            message = ngettext(
                "This API key has already been revoked.", "These API keys have already been revoked.", len(keys)
            )
            self.message_user(request, message, messages.ERROR)
            return None
        if not _is_confirmed(request):
            return self._ask(request, "revoke", rows, action)
        with transaction.atomic():
            for row in rows:
                row.revoke()
                self.log_change(request, row, "Revoked.")
        message = ngettext("Revoked %(count)d API key: %(keys)s.", "Revoked %(count)d API keys: %(keys)s.", len(rows))
        self.message_user(request, message % {"count": len(rows), "keys": _names(rows)}, messages.SUCCESS)
        return None

    def _one(self, request: HttpRequest, object_id: str) -> list[APIKey]:
        key = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request) or key is None:
            raise PermissionDenied
        return [key]

    def _ask(self, request: HttpRequest, what: str, rows: list[APIKey], action: str) -> HttpResponse:
        context = {
            **self._context(request, _question(what, len(rows))),
            "what": what,
            "rows": rows,
            "action": action,
            "overlaps": OVERLAPS,
        }
        return TemplateResponse(request, "admin/boltguard_api_keys/apikey/confirm.html", context)

    def _show(self, request: HttpRequest, made: Made) -> HttpResponse:
        """The only page with the keys: the response to the request that creates them, so that they aren't stored."""
        context = {
            **self._context(request, ngettext("New API key", "New API keys", len(made))),
            "made": made,
            "is_popup": IS_POPUP_VAR in request.POST,
        }
        return TemplateResponse(request, "admin/boltguard_api_keys/apikey/made.html", context)

    def _context(self, request: Any, title: str) -> dict[str, Any]:
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "media": self.media,
            "breadcrumbs_are_a_list": django.VERSION >= (6, 1),
        }

    def _back(self) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:{ROUTES}_changelist", current_app=self.admin_site.name))


def _is_confirmed(request: HttpRequest) -> bool:
    return request.method == "POST" and "confirmed" in request.POST


def _why_not_rotated(forbidden: list[APIKey]) -> str:
    if forbidden:
        return gettext("You don't have permission to rotate %(keys)s.") % {"keys": _names(forbidden)}
    return gettext("There is nothing to rotate, because only active API keys can be rotated. Add a new key instead.")


def _question(what: str, count: int) -> str:
    if what == "rotate":
        return ngettext("Rotate API key?", "Rotate API keys?", count)
    return ngettext("Revoke API key?", "Revoke API keys?", count)


def _names(keys: list[APIKey]) -> str:
    return ", ".join(map(str, keys))


def _overlap(seconds: str) -> timedelta:
    known = {choice: timedelta(seconds=int(choice)) for choice, _ in OVERLAPS}
    return known.get(seconds, timedelta(0))


ROUTES = "boltguard_api_keys_apikey"
OVERLAPS = [
    ("0", pgettext_lazy("expiry", "immediately")),
    ("3600", pgettext_lazy("expiry", "in 1 hour")),
    ("86400", pgettext_lazy("expiry", "in 1 day")),
    ("604800", pgettext_lazy("expiry", "in 1 week")),
    ("2592000", pgettext_lazy("expiry", "in 30 days")),
]
