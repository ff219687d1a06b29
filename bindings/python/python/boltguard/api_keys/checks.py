"""System checks of stores of API keys. A store registers them, since without the application nobody else would.

| id | what is wrong |
| --- | --- |
| boltguard.E009 | a store is used and `boltguard`, or the users' application, is not in `INSTALLED_APPS` |
| boltguard.W009 | a store is used and the tables are not there; with `--database`, and before `migrate` |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections, router

from boltguard import registry
from boltguard.api_keys import is_installed

Message = checks.CheckMessage


def register() -> None:
    """As often as you like."""
    checks.register(check_installed, checks.Tags.security)
    checks.register(check_migrated, checks.Tags.database)


def check_installed(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the tables have an application."""
    from boltguard.api_keys.store import NOT_INSTALLED

    if is_installed() or not _is_used():
        return []
    return [checks.Error(NOT_INSTALLED, id="boltguard.E009")]


def check_migrated(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[Message]:
    """Whether the tables are there. No error: `migrate` itself would not run."""
    if not is_installed() or not _is_used():
        return []
    from boltguard.models import APIKey, APIKeyChanges

    using = router.db_for_write(APIKey)
    if using not in (databases or ()):
        return []
    tables = connections[using].introspection.table_names()
    if {APIKey._meta.db_table, APIKeyChanges._meta.db_table} <= set(tables):
        return []
    message = f"APIKeyAuthentication(store=...) is used, and the database {using!r} has no table for API keys."
    return [checks.Warning(message, "Run `python manage.py migrate boltguard`.", id="boltguard.W009")]


def _is_used() -> bool:
    from boltguard.api_keys.store import APIKeyStore

    return any(True for _ in registry.instances(APIKeyStore))
