"""The admin's pages: keys are made and shown once, changed, rotated and revoked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

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

from boltguard import _rust, conf
from boltguard.api_keys.forms import APIKeyForm, acts_for_all, may_replace
from boltguard.api_keys.models import APIKey, identity

Made = list[tuple[APIKey, _rust.GeneratedApiKey]]


class StatusFilter(admin.SimpleListFilter):
    """Active, expired or revoked."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, capfirst(name)) for name in ("active", "expired", "revoked")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return getattr(queryset, self.value() or "all")()


@admin.register(APIKey)
class APIKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Only the page that answers the making of a key shows it; nothing keeps it."""

    form = APIKeyForm
    actions = ("rotate_selected", "revoke_selected")
    list_display = ("name", "id", "owner", "status_mark", "last_used", "expires", "created")
    list_filter = (StatusFilter, "created", "last_used")
    list_select_related = ("owner",)
    ordering = ("-created",)
    readonly_fields = ("id", "status_mark", "created", "revoked", "last_used", "secret", "granted", "granted_scopes")

    class Media:
        css = {"all": ("boltguard/api_keys.css",)}

    # --- what is shown

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("id", "name", f"owner__{get_user_model().USERNAME_FIELD}")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            grants: tuple[str, ...] = ("granted", "granted_scopes")
        else:
            grants = ("permissions", "other_permissions", "scopes")
        about = (None, {"fields": ("name", "owner", "expires")})
        state = ("id", "status_mark", "created", "revoked", "last_used", "secret")
        return [about, ("Grants", {"fields": grants}), *([("State", {"fields": state})] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A key is in the hands of its owner; to give it to another would not take it away.
        return self.readonly_fields if obj is None else (*self.readonly_fields, "owner")

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        users = self.admin_site._registry.get(get_user_model())
        return ("owner",) if users and users.get_search_fields(request) and acts_for_all(request.user) else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change, **options)
        return type(form.__name__, (form,), {"editor": request.user})

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **options: Any) -> Any:
        if not options.get("change"):
            # The page after it shows the key, and a form would not.
            context.update(show_save_and_add_another=False, show_save_and_continue=False)
        return super().render_change_form(request, context, *args, **options)

    @admin.display(description="status", ordering="expires")
    def status_mark(self, key: APIKey) -> str:
        return format_html('<span class="boltguard-status boltguard-{0}">{0}</span>', key.status)

    @admin.display(description="permissions")
    def granted(self, key: APIKey) -> str:
        return "\n".join(key.permissions) or "-"

    @admin.display(description="scopes")
    def granted_scopes(self, key: APIKey) -> str:
        return " ".join(key.scopes) or "-"

    @admin.display(description="secret key")
    def secret(self, key: APIKey) -> str:
        first, *old = [secret.id for secret in conf.current().api_key_secrets]
        if key.secret_id == first:
            return "The current SECRET_KEY is the one that it needs."
        if key.secret_id in old:
            return "It needs one of SECRET_KEY_FALLBACKS, until it is used the next time."
        return "It was made with a SECRET_KEY that is no longer known, so it is refused."

    # --- who may do what

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.revoked is None)

    # --- making

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

    @admin.action(description="Rotate selected API keys", permissions=["change"])
    def rotate_selected(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> HttpResponse | None:
        return self._rotate(request, queryset, "rotate_selected")

    @admin.action(description="Revoke selected API keys", permissions=["change"])
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
            why = f"You can't have the successors of {', '.join(map(str, others))}." if others else NOTHING_ACTIVE
            self.message_user(request, why, messages.ERROR)
            return None
        if not _is_confirmed(request):
            return self._ask(request, "rotate", rows, action)
        overlap = _overlap(request.POST.get("overlap", ""))
        made: Made = []
        with transaction.atomic():
            for row in rows:
                successor, generated = row.replace(overlap)
                made.append((successor, generated))
                self.log_change(request, row, f"Rotated. Its successor is {successor.pk}.")
                self.log_addition(request, successor, f"The successor of {row.pk}.")
        return self._show(request, made)

    def _revoke(self, request: HttpRequest, keys: Iterable[APIKey], action: str = "") -> HttpResponse | None:
        rows = [key for key in keys if key.revoked is None]
        if not rows:
            self.message_user(request, NOTHING_TO_REVOKE, messages.ERROR)
            return None
        if not _is_confirmed(request):
            return self._ask(request, "revoke", rows, action)
        with transaction.atomic():
            for row in rows:
                row.revoke()
                self.log_change(request, row, "Revoked.")
        revoked = f"{len(rows)} API keys are" if len(rows) > 1 else f"{rows[0]} is"
        self.message_user(request, f"{revoked} revoked.", messages.SUCCESS)
        return None

    def _one(self, request: HttpRequest, object_id: str) -> list[APIKey]:
        key = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request) or key is None:
            raise PermissionDenied
        return [key]

    def _ask(self, request: HttpRequest, what: str, rows: list[APIKey], action: str) -> HttpResponse:
        context = {
            **self._context(request, f"{capfirst(what)} API key{'s' if len(rows) > 1 else ''}?"),
            "what": what,
            "rows": rows,
            "action": action,
            "overlaps": OVERLAPS,
        }
        return TemplateResponse(request, "admin/boltguard_api_keys/apikey/confirm.html", context)

    def _show(self, request: HttpRequest, made: Made) -> HttpResponse:
        """The one page with the keys. It answers the request that made them, so that no message has to hold them."""
        context = {
            **self._context(request, "Your new API keys" if len(made) > 1 else "Your new API key"),
            "made": made,
            "is_popup": IS_POPUP_VAR in request.POST,
        }
        return TemplateResponse(request, "admin/boltguard_api_keys/apikey/made.html", context)

    def _context(self, request: Any, title: str) -> dict[str, Any]:
        request.current_app = self.admin_site.name
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "media": self.media}

    def _back(self) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:{ROUTES}_changelist", current_app=self.admin_site.name))


def _is_confirmed(request: HttpRequest) -> bool:
    return request.method == "POST" and "confirmed" in request.POST


def _overlap(seconds: str) -> timedelta:
    known = {choice: timedelta(seconds=int(choice)) for choice, _ in OVERLAPS}
    return known.get(seconds, timedelta(0))


ROUTES = "boltguard_api_keys_apikey"
OVERLAPS = [
    ("0", "ends now"),
    ("3600", "lives on for an hour"),
    ("86400", "lives on for a day"),
    ("604800", "lives on for a week"),
    ("2592000", "lives on for 30 days"),
]
NOTHING_ACTIVE = "None of these API keys is active, so there is nothing to rotate. Add a new one."
NOTHING_TO_REVOKE = "These API keys were revoked before."
