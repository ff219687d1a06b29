"""The form of an API key in the admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.admin.widgets import AdminSplitDateTime, FilteredSelectMultiple
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from boltguard import clock
from boltguard.api_keys.fields import checked_end, checked_permissions, checked_scopes
from boltguard.api_keys.models import APIKey


class TwoBoxes(FilteredSelectMultiple):
    """Available and chosen permissions side by side, in the wrapper that the admin's script expects."""

    def render(self, *args: Any, **options: Any) -> SafeString:
        return format_html('<div class="related-widget-wrapper">{}</div>', super().render(*args, **options))


class ExpiryInput(AdminSplitDateTime):
    """A date and a time, with buttons that fill in usual lifetimes. The buttons are hidden without JavaScript."""

    def render(self, *args: Any, **options: Any) -> SafeString:
        return format_html(
            '<div class="boltguard-expiry">{}<div class="boltguard-presets" hidden>{}</div></div>',
            super().render(*args, **options),
            format_html_join("", PRESET, map(self._preset, LIFETIMES)),
        )

    def _preset(self, lifetime: tuple[timedelta | None, Any]) -> tuple[str, str, str]:
        span, label = lifetime
        if span is None:
            return "", "", capfirst(str(label))
        # In the formats and the time zone in which the form reads them.
        values = self.decompress((clock.now() + span).replace(microsecond=0))
        date, time = (str(part.format_value(value)) for part, value in zip(self.widgets, values, strict=True))
        return date, time, capfirst(str(label))


class APIKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key that `editor` creates or changes. Users can only grant permissions that they have."""

    editor: Any

    permissions = forms.MultipleChoiceField(
        label=_("Permissions"),
        required=False,
        widget=TwoBoxes(_("permissions"), is_stacked=False),
        help_text=_("Permissions that the apps of this site define."),
    )
    other_permissions = forms.CharField(
        label=_("Other permissions"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60, "spellcheck": "false"}),
        help_text=_(
            "One per line. <code>blog.*</code> grants all permissions that start with <code>blog.</code>, and "
            "<code>*</code> grants all permissions."
        ),
    )
    scopes = forms.CharField(
        label=_("Scopes"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "spellcheck": "false"}),
        help_text=_("OAuth scopes, separated by spaces."),
    )

    class Meta:
        model = APIKey
        fields = ("name", "owner", "expires_at", "permissions", "scopes")
        widgets = {"expires_at": ExpiryInput}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        granted = list(self.instance.permissions)
        field: Any = self.fields.get("permissions")
        if field is not None:
            choices = [choice for choice in site_permissions() if choice[0] in granted or self._may_grant(choice[0])]
            field.choices = choices
            known = {name for name, title in choices}
            self.initial["permissions"] = [name for name in granted if name in known]
            self.initial["other_permissions"] = "\n".join(name for name in granted if name not in known)
            self.initial["scopes"] = " ".join(self.instance.scopes)
        if "owner" in self.fields and not acts_for_all(self.editor):
            owner: Any = self.fields["owner"]
            owner.queryset = owner.queryset.filter(pk=self.editor.pk)

    def clean_other_permissions(self) -> list[str]:
        return _clean_each(checked_permissions, self.cleaned_data["other_permissions"], INVALID_PERMISSION)

    def clean_scopes(self) -> list[str]:
        scopes = _clean_each(checked_scopes, self.cleaned_data["scopes"], INVALID_SCOPE)
        # Users don't have scopes that they could grant.
        if not acts_for_all(self.editor) and not set(scopes) <= set(self.instance.scopes):
            raise ValidationError(_("Only superusers can grant scopes."))
        return scopes

    def clean_expires_at(self) -> datetime | None:
        end: datetime | None = self.cleaned_data["expires_at"]
        if "expires_at" in self.changed_data:
            end = _clean_end(end)
            # Extending a key has the same effect as rotating it, so it requires the same permission.
            if self._is_extended(end) and not may_replace(self.editor, self.instance):
                raise ValidationError(NOT_EXTENDED)
        return end

    def clean(self) -> dict[str, Any]:
        data = {**(super().clean() or {})}
        if "permissions" in data and "other_permissions" in data:
            granted = list(dict.fromkeys([*data["permissions"], *data["other_permissions"]]))
            added = [name for name in granted if name not in self.instance.permissions]
            refused = [name for name in added if not self._may_grant(name)]
            if refused:
                message = _("You can't grant permissions you don't have: %(permissions)s.")
                error = ValidationError(message, params={"permissions": ", ".join(refused)})
                self.add_error("other_permissions", error)
            data["permissions"] = granted
        return data

    def _is_extended(self, end: datetime | None) -> bool:
        before = self.instance.expires_at
        return not self.instance._state.adding and before is not None and (end is None or end > before)

    def _may_grant(self, name: str) -> bool:
        return bool(self.editor.has_perm(name))


def acts_for_all(user: Any) -> bool:
    """Whether the user may create keys for other owners. Requests with a key are made as its owner."""
    return bool(user.is_superuser)


def may_replace(user: Any, key: Any) -> bool:
    """Whether the user may rotate a key. They receive the new key, with all its grants."""
    if acts_for_all(user):
        return True
    return not key.scopes and key.owner_id in (None, user.pk) and all(map(user.has_perm, key.permissions))


def site_permissions() -> list[tuple[str, str]]:
    """Django's permissions, by the names that guards use."""
    if not apps.is_installed("django.contrib.auth"):
        return []
    from django.contrib.auth.models import Permission

    rows = Permission.objects.select_related("content_type")
    named = ((f"{row.content_type.app_label}.{row.codename}", row.name) for row in rows)
    return sorted((name, f"{name} ({title})") for name, title in named)


def _clean_each(check: Callable[[list[str]], list[str]], text: str, message: Any) -> list[str]:
    values = text.split()
    for value in values:
        try:
            check([value])
        except ValueError:
            raise ValidationError(message, "invalid", {"value": value}) from None
    return check(values)


def _clean_end(end: datetime | None) -> datetime | None:
    try:
        return checked_end(end)
    except ValueError:
        raise ValidationError(_("The expiry date is in the past.")) from None


INVALID_PERMISSION = _(
    "“%(value)s” is not a valid permission. Write the name of a permission, a prefix such as blog.*, or * for all."
)
INVALID_SCOPE = _("“%(value)s” is not a valid scope.")
NOT_EXTENDED = _("You can't extend the validity of this key, because you don't have permission to rotate it.")
PRESET = '<button type="button" data-boltguard-date="{}" data-boltguard-time="{}">{}</button>'
LIFETIMES = [
    (timedelta(days=30), pgettext_lazy("expiry", "in 30 days")),
    (timedelta(days=90), pgettext_lazy("expiry", "in 90 days")),
    (timedelta(days=365), pgettext_lazy("expiry", "in 1 year")),
    (None, pgettext_lazy("expiry", "never")),
]
