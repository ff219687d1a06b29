"""System checks of the backends for the credentials of other packages."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from boltguard.auth.backends import Authentication
from boltguard.checks.backends import backends
from boltguard.migrate.tables import ReadsTables

Message = checks.CheckMessage


def check_migrating(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the tables that these backends read are installed and have the required fields."""
    found = {}
    for backend in backends(Authentication):
        for table in backend.tables if isinstance(backend, ReadsTables) else ():
            try:
                table.model  # noqa: B018  # finds the model
            except ImproperlyConfigured as error:
                found[str(error)] = checks.Error(str(error), HINT, obj=backend.label, id="boltguard.E801")
    return [found[text] for text in sorted(found)]


HINT = "The app of the old credentials stays in INSTALLED_APPS, with its tables, until the migration is finished."
