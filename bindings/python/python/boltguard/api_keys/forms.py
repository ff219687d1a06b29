"""The admin's form of a key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from boltguard.api_keys.fields import checked_end, checked_permissions, checked_scopes
from boltguard.api_keys.models import APIKey


class TwoBoxes(FilteredSelectMultiple):
    """Available and chosen, side by side, in the wrapper that the admin's script puts beside the label."""

    def render(self, *args: Any, **options: Any) -> SafeString:
        return format_html('<div class="related-widget-wrapper">{}</div>', super().render(*args, **options))


class APIKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key that `editor` makes or changes. Nobody can grant what they have not got themselves."""

    editor: Any

    permissions = forms.MultipleChoiceField(
        required=False,
        widget=TwoBoxes("permissions", is_stacked=False),
        help_text="Those of this site.",
    )
    other_permissions = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60, "spellcheck": "false"}),
        help_text="One a line. <code>blog.*</code> grants all that begins with <code>blog.</code>, "
        "and <code>*</code> everything.",
    )
    scopes = forms.CharField(required=False, help_text="OAuth scopes, separated by spaces.")

    class Meta:
        model = APIKey
        fields = ("name", "owner", "expires", "permissions", "scopes")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        granted = list(self.instance.permissions)
        field: Any = self.fields.get("permissions")
        if field is not None:
            choices = [choice for choice in site_permissions() if choice[0] in granted or self._may_grant(choice[0])]
            field.choices = choices
            known = {name for name, _ in choices}
            self.initial["permissions"] = [name for name in granted if name in known]
            self.initial["other_permissions"] = "\n".join(name for name in granted if name not in known)
            self.initial["scopes"] = " ".join(self.instance.scopes)
        if "owner" in self.fields and not acts_for_all(self.editor):
            owner: Any = self.fields["owner"]
            owner.queryset = owner.queryset.filter(pk=self.editor.pk)

    def clean_other_permissions(self) -> list[str]:
        permissions: list[str] = _clean(checked_permissions, self.cleaned_data["other_permissions"].split())
        return permissions

    def clean_scopes(self) -> list[str]:
        scopes: list[str] = _clean(checked_scopes, self.cleaned_data["scopes"].split())
        # No user has scopes that they could pass on.
        if not acts_for_all(self.editor) and not set(scopes) <= set(self.instance.scopes):
            raise ValidationError("Only a superuser can grant scopes.")
        return scopes

    def clean_expires(self) -> datetime | None:
        end: datetime | None = self.cleaned_data["expires"]
        if "expires" in self.changed_data:
            end = _clean(checked_end, end)
            # It would live on as its successor does, so it asks for the same right.
            if self._lives_longer(end) and not may_replace(self.editor, self.instance):
                raise ValidationError("You can't let this key live longer, since you could not rotate it.")
        return end

    def clean(self) -> dict[str, Any]:
        data = {**(super().clean() or {})}
        if "permissions" in data and "other_permissions" in data:
            granted = list(dict.fromkeys([*data["permissions"], *data["other_permissions"]]))
            added = [name for name in granted if name not in self.instance.permissions]
            refused = [name for name in added if not self._may_grant(name)]
            if refused:
                message = f"You can't grant what you have not got yourself: {', '.join(refused)}."
                self.add_error("other_permissions", message)
            data["permissions"] = granted
        return data

    def _lives_longer(self, end: datetime | None) -> bool:
        before = self.instance.expires
        return not self.instance._state.adding and before is not None and (end is None or end > before)

    def _may_grant(self, name: str) -> bool:
        return bool(self.editor.has_perm(name))


def acts_for_all(user: Any) -> bool:
    """Whether the user may make keys that speak for others: those with a key of somebody's are that somebody."""
    return bool(user.is_superuser)


def may_replace(user: Any, key: Any) -> bool:
    """Whether the user may have the successor of a key, and with it all that the key stands for."""
    if acts_for_all(user):
        return True
    return not key.scopes and key.owner_id in (None, user.pk) and all(map(user.has_perm, key.permissions))


def site_permissions() -> list[tuple[str, str]]:
    """Django's permissions, by the names that guards know them by."""
    if not apps.is_installed("django.contrib.auth"):
        return []
    from django.contrib.auth.models import Permission

    rows = Permission.objects.select_related("content_type")
    named = ((f"{row.content_type.app_label}.{row.codename}", row.name) for row in rows)
    return sorted((name, f"{name} ({title})") for name, title in named)


def _clean(check: Any, value: Any) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise ValidationError(str(error)) from None
