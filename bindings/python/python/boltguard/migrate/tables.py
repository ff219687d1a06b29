"""The tables of the packages that a site migrates from, found by the labels of their models."""

from __future__ import annotations

from typing import Any

from boltguard.auth.accounts import user_model
from boltguard.auth.arguments import refuse
from boltguard.messages import kind_of
from boltguard.optional import DATABASE_ERRORS, FieldDoesNotExist, ImproperlyConfigured

WHEN_DONE = "remove the backend when no client uses the old credentials."


class Table:
    """A model of another package, which is loaded when it is first used, after the apps are ready."""

    def __init__(self, owner: str, label: str, fields: tuple[str, ...], app: str, else_: str = WHEN_DONE) -> None:
        if not isinstance(label, str) or label.count(".") != 1:
            refuse(f"{owner}: model is {kind_of(label)}. It must be the label of a model, such as 'app.Model'.")
        self.label = label
        self._owner = owner
        self._fields = fields
        self._app = app
        self._else = else_

    @property
    def model(self) -> Any:
        """The model, or `ImproperlyConfigured` if it isn't installed or has other fields."""
        from django.apps import apps

        try:
            model = apps.get_model(self.label)
        except LookupError:
            raise ImproperlyConfigured(
                f"{self._owner} reads the table of {self.label}, which isn't installed. Add {self._app!r} to "
                f"INSTALLED_APPS, or {self._else}"
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
    def database(self) -> str:
        """The database that the table is written to."""
        from django.db import router

        return router.db_for_write(self.model)

    @property
    def rows(self) -> Any:
        """All rows, without the restrictions of a custom manager.

        Not from a replica, which may still have a credential that was deleted, or not yet one that was revoked.
        """
        return self.model._base_manager.using(self.database)


class UserField:
    """A field of the user model that identifies the user of a token."""

    def __init__(self, owner: str, name: Any) -> None:
        if not isinstance(name, str):
            refuse(f"{owner}: USER_ID_FIELD is {kind_of(name)}. It must be the name of a field.")
        self._owner = owner
        self._name = name

    @property
    def model(self) -> Any:
        """The user model, or `ImproperlyConfigured` if the field doesn't identify a user."""
        if not self.field.unique:
            raise ImproperlyConfigured(f"{self._owner}: USER_ID_FIELD {self._name!r} must be a unique field.")
        return user_model()

    @property
    def field(self) -> Any:
        """The field, or `ImproperlyConfigured` if it doesn't exist."""
        meta = user_model()._meta
        try:
            return meta.pk if self._name == "pk" else meta.get_field(self._name)
        except FieldDoesNotExist:
            raise ImproperlyConfigured(
                f"{self._owner}: the user model doesn't have the field {self._name!r}, which USER_ID_FIELD names."
            ) from None


class ReadsTables:
    """A backend with tables, which `manage.py check` examines. While the database fails, the response is 503."""

    tables: tuple[Table | UserField, ...] = ()
    _outages: tuple[type[Exception], ...] = DATABASE_ERRORS
