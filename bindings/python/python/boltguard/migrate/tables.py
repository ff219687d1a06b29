"""The tables of the packages that a site migrates from, found by the labels of their models."""

from __future__ import annotations

from typing import Any

from boltguard.auth.arguments import refuse
from boltguard.messages import kind_of
from boltguard.optional import ImproperlyConfigured


class Table:
    """A model of another package, which is loaded when it is first used, after the apps are ready."""

    def __init__(self, owner: str, label: str, fields: tuple[str, ...], app: str) -> None:
        if not isinstance(label, str) or label.count(".") != 1:
            refuse(f"{owner}: model is {kind_of(label)}. It must be the label of a model, such as 'app.Model'.")
        self.label = label
        self._owner = owner
        self._fields = fields
        self._app = app

    @property
    def model(self) -> Any:
        """The model, or `ImproperlyConfigured` if it isn't installed or has other fields."""
        from django.apps import apps

        try:
            model = apps.get_model(self.label)
        except LookupError:
            raise ImproperlyConfigured(
                f"{self._owner} reads the table of {self.label}, which isn't installed. Add {self._app!r} to "
                "INSTALLED_APPS, or remove the backend when no client uses the old credentials."
            ) from None
        names = {field.name for field in model._meta.get_fields()}
        missing = [name for name in self._fields if name not in names]
        if missing:
            raise ImproperlyConfigured(
                f"{self._owner}: the model {self.label} doesn't have the field {missing[0]!r}. "
                f"Its fields must include {', '.join(self._fields)}."
            )
        return model

    @property
    def rows(self) -> Any:
        """All rows, without the restrictions of a custom manager."""
        return self.model._base_manager.all()


class ReadsTables:
    """A backend with tables, which `manage.py check` examines."""

    tables: tuple[Table, ...] = ()
