"""System checks of the tables of revocations, sessions and results of shadow mode.

They query the database: with `check --database default`, and before each `migrate`, which is why they aren't errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router

from boltguard import registry
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.replicated_store import ReplicatedRevocation
from boltguard.auth.stores import RevocationStore
from boltguard.auth.table_store import DjangoORMRevocation
from boltguard.checks.backends import backends
from boltguard.checks.middleware import is_in_shadow_mode
from boltguard.checks.sessions import APP
from boltguard.models import ShadowResult
from boltguard.registry import import_views
from boltguard.sessions import TokenSessions

Message = checks.CheckMessage


def check_revocation_tables(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[Message]:
    """Whether the tables of the stores of all backends exist."""
    stores = [backend.revocation_store for backend in backends(JWTAuthentication)]
    models = {model._meta.label: model for store in stores if store is not None for model in _models(store)}
    message = "The table of {}, in which revocations are stored, doesn't exist in the database {!r}."
    return [
        checks.Warning(message.format(model._meta.label, using), remedy, obj=model, id="boltguard.W204")
        for model, using, remedy in _missing((models[label] for label in sorted(models)), databases)
    ]


def check_session_table(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[Message]:
    """Whether the table of sessions exists."""
    import_views()
    if not apps.is_installed(APP) or not any(registry.instances(TokenSessions)):
        return []
    from boltguard.sessions.models import TokenSession

    message = "The table in which TokenSessions stores sessions doesn't exist in the database {!r}."
    return [
        checks.Warning(message.format(using), remedy, obj=model, id="boltguard.W602")
        for model, using, remedy in _missing([TokenSession], databases)
    ]


def check_shadow_table(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[Message]:
    """Whether the table of the results of shadow mode exists."""
    if not is_in_shadow_mode():
        return []
    message = "The table in which the results of shadow mode are counted doesn't exist in the database {!r}."
    return [
        checks.Warning(message.format(using), remedy, obj=model, id="boltguard.W009")
        for model, using, remedy in _missing([ShadowResult], databases)
    ]


def has_table(model: Any, using: str) -> bool:
    """Whether the database has the table of a model."""
    return model._meta.db_table in connections[using].introspection.table_names()


def _models(store: RevocationStore) -> Iterator[Any]:
    table = store.truth if isinstance(store, ReplicatedRevocation) else store
    if not isinstance(table, DjangoORMRevocation):
        return
    try:
        yield from (model for model in (table.model, table.watermark_model) if model is not None)
    except ImproperlyConfigured:
        return  # `check_stores` reports it


def _missing(models: Iterable[Any], databases: Sequence[str] | None) -> Iterator[tuple[Any, str, str]]:
    """The models whose tables don't exist, with their databases and the remedies."""
    for model in models:
        using = router.db_for_write(model)
        if using in (databases or ()) and not has_table(model, using):
            option = "" if using == DEFAULT_DB_ALIAS else f" --database {using}"
            yield model, using, f"Run `python manage.py migrate {model._meta.app_label}{option}`."
