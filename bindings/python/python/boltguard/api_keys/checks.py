"""System checks of stored API keys; `docs/reference/checks.md` lists them.

W505 and W506 query the database: with `check --database default`, and before each `migrate`. The app `boltguard`
registers the checks too, because a store may be used without `boltguard.api_keys`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import checks
from django.db import connections, router

from boltguard import conf, registry
from boltguard.api_keys import APP, is_installed, why_not_installed
from boltguard.api_keys.places import why_unknown
from boltguard.api_keys.store import APIKeyStore

Message = checks.CheckMessage


def register() -> None:
    """Registers the checks. Another call has no effect."""
    checks.register(check_installed, checks.Tags.security)
    checks.register(check_tenants, checks.Tags.security)
    checks.register(check_owners, checks.Tags.security)
    checks.register(check_table, checks.Tags.database)


def check_installed(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the app with the tables and the app with their owners are installed."""
    problem = why_not_installed()
    if problem is None:
        return []
    if _is_used():
        return [checks.Error(f"{USED} {problem.text}", problem.remedy, obj="INSTALLED_APPS", id="boltguard.E504")]
    if apps.is_installed(APP):
        return [checks.Error(problem.text, problem.remedy, obj="INSTALLED_APPS", id="boltguard.E501")]
    return []


def check_tenants(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether it can be determined which table has the keys of a request."""
    found = {problem: store for store in _stores() if (problem := why_unknown(store)) is not None}
    return [
        checks.Error(f"{USED} {problem.text}", problem.remedy, obj=found[problem], id="boltguard.E502")
        for problem in sorted(found)
    ]


def check_owners(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether keys of inactive owners can be refused."""
    if why_not_installed() is not None or not _is_used():
        return []
    from boltguard.api_keys.snapshot import why_activity_unknown

    problem = why_activity_unknown()
    if problem is None:
        return []
    return [checks.Error(f"{USED} {problem.text}", problem.remedy, obj=get_user_model(), id="boltguard.E503")]


def check_table(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[Message]:
    """Whether the tables exist, and whether their keys are valid. Not errors, because `migrate` would not run."""
    if not is_installed() or not _is_used():
        return []
    from boltguard.api_keys.models import APIKey, APIKeyChanges

    using = router.db_for_write(APIKey)
    if using not in (databases or ()):
        return []
    tables = connections[using].introspection.table_names()
    if not {APIKey._meta.db_table, APIKeyChanges._meta.db_table} <= set(tables):
        message = f"{USED} The database {using!r} doesn't have the tables of API keys."
        hint = "Run `python manage.py migrate boltguard_api_keys`."
        return [checks.Warning(message, hint, obj=APIKey, id="boltguard.W505")]
    known = [secret.id for secret in conf.current().api_key_secrets]
    lost = APIKey.objects.using(using).active().exclude(secret_id__in=known).count()
    message = f"{lost} active API keys were created with a SECRET_KEY that is no longer set, so they are refused."
    hint = "Add that SECRET_KEY to SECRET_KEY_FALLBACKS. `boltguard_apikey list` shows the keys."
    return [checks.Warning(message, hint, obj=APIKey, id="boltguard.W506")] if lost else []


def _is_used() -> bool:
    return bool(_stores())


def _stores() -> list[Any]:
    registry.import_views()
    return list(registry.instances(APIKeyStore))


USED = "APIKeyAuthentication(store=...) is used."
