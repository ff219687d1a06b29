"""System checks of stores of API keys. A store registers them, since without the application nobody else would.

| id | what is wrong |
| --- | --- |
| boltguard.E009 | a store is used and `boltguard`, or the users' application, is not in `INSTALLED_APPS` |
| boltguard.W009 | a store is used and the tables are not there |
| boltguard.W010 | keys need a secret key that is no longer known |

The last two ask the database: with `check --database default`, and before each `migrate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections, router

from boltguard import conf, registry
from boltguard.api_keys import is_installed

Message = checks.CheckMessage


def register() -> None:
    """As often as you like."""
    checks.register(check_installed, checks.Tags.security)
    checks.register(check_table, checks.Tags.database)


def check_installed(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the tables have an application."""
    from boltguard.api_keys.store import NOT_INSTALLED

    if is_installed() or not _is_used():
        return []
    return [checks.Error(NOT_INSTALLED, id="boltguard.E009")]


def check_table(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[Message]:
    """Whether the tables are there, and their keys of use. No error: `migrate` itself would not run."""
    if not is_installed() or not _is_used():
        return []
    from boltguard.models import APIKey, APIKeyChanges

    using = router.db_for_write(APIKey)
    if using not in (databases or ()):
        return []
    tables = connections[using].introspection.table_names()
    if not {APIKey._meta.db_table, APIKeyChanges._meta.db_table} <= set(tables):
        message = f"APIKeyAuthentication(store=...) is used, and the database {using!r} has no table for API keys."
        return [checks.Warning(message, "Run `python manage.py migrate boltguard`.", id="boltguard.W009")]
    known = [secret.id for secret in conf.current().api_key_secrets]
    lost = APIKey.objects.using(using).active().exclude(secret_id__in=known).count()
    message = f"{lost} active API keys were made with a SECRET_KEY that is not known any more, so they are refused."
    hint = "Add that SECRET_KEY to SECRET_KEY_FALLBACKS; `boltguard_apikey list` names the keys."
    return [checks.Warning(message, hint, id="boltguard.W010")] if lost else []


def _is_used() -> bool:
    from boltguard.api_keys.store import APIKeyStore

    return any(True for _ in registry.instances(APIKeyStore))
