"""Places: where the keys of a request are, so that those of one tenant are never looked up for another.

A site may have several tables of keys: behind a database router, or in one schema for each tenant. The primary keys of
their users overlap, so a key accepted by another tenant would authenticate a different user. A place names one of these
tables: the database alias, the database, the schema of the connection, and the tenant of `APIKeyStore(tenant=...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router, transaction

from boltguard.api_keys import Problem, notices

if TYPE_CHECKING:
    from boltguard.api_keys.store import APIKeyStore


class Place(NamedTuple):
    """The location of a table of keys. `schema` is empty if connections of this alias always have the same one."""

    using: str
    database: tuple[str, ...]
    schema: str = ""
    tenant: Hashable = None

    def leads_elsewhere(self, connection: Any) -> bool:
        """Whether the connection with the alias of this place is to another database."""
        return self.using == connection.alias and self.database != _database(connection)


def current_place(store: APIKeyStore, model: Any) -> Place:
    """The place for the request that this thread serves, or for the command that it runs."""
    using = store.using or router.db_for_write(model)
    connection = connections[using]
    tenant = None if store.tenant is None else _tenant(store.tenant)
    return Place(using, _database(connection), "" if store.tenant else _schema(connection), tenant)


def has_many_places(store: APIKeyStore) -> bool:
    """Whether requests may have different places, so that the place is determined for each request with a key."""
    if store.tenant is not None or (store.using is None and settings.DATABASE_ROUTERS):
        return True
    switched = notices.schemas | notices.databases
    return any(alias in switched or _names_schema(alias) for alias in _aliases(store))


def why_unknown(store: APIKeyStore) -> Problem | None:
    """Why it can't be determined which table has the keys of a request."""
    if store.tenant is not None:
        return None
    aliases = _aliases(store)
    for alias in aliases:
        engine = str(connections.settings.get(alias, {}).get("ENGINE", ""))
        if any(word in engine.lower() for word in ("tenant", "schema")) and not _names_schema(alias):
            return Problem(UNKNOWN.format(f"The database {alias!r} has the engine {engine!r}"), TENANT)
    if store.using is not None or settings.DATABASE_ROUTERS or any(map(_names_schema, aliases)):
        return None
    for path in map(str, settings.MIDDLEWARE):
        if "tenant" in path.lower():
            return Problem(UNKNOWN.format(f"MIDDLEWARE contains {path!r}"), f"{TENANT} {ONE_TABLE}")
    return None


def _aliases(store: APIKeyStore) -> list[str]:
    """The databases that may have the keys of requests."""
    if store.using is not None:
        return [store.using]
    return list(connections.settings) if settings.DATABASE_ROUTERS else [DEFAULT_DB_ALIAS]


@contextmanager
def at(place: Place, store: APIKeyStore, schemas: str) -> Iterator[bool]:
    """A transaction in which the tables are those of this place, if this thread can select them."""
    connection = connections[place.using]
    # At the end of a test run, the settings name a database again that doesn't have these keys.
    if _database(connection) != place.database or not _is_of(place.tenant, store):
        yield False
        return
    is_there = store.tenant is not None or _schema(connection) == place.schema
    # In an outer transaction, it would stay selected afterwards.
    if not is_there and (not schemas or connection.in_atomic_block):
        yield False
        return
    with transaction.atomic(using=place.using):
        if not is_there:
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL search_path TO {schemas}")
        yield True


def _is_of(tenant: Hashable, store: APIKeyStore) -> bool:
    try:
        return store.tenant is None or _tenant(store.tenant) == tenant
    except Exception:  # outside of requests, the function may have no tenant to return
        return False


def search_path(place: Place) -> str:
    """The schemas in which PostgreSQL looks tables up at this place, as `SET search_path` takes them."""
    connection = connections[place.using]
    if not place.schema or connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(current_schemas(false))")
        return ", ".join(connection.ops.quote_name(name) for (name,) in cursor.fetchall())


def _schema(connection: Any) -> str:
    # django-tenants and similar packages provide it without a query.
    name = getattr(connection, "schema_name", None)
    if name is not None:
        return str(name)
    return _query_schema(connection) if connection.alias in notices.schemas else ""


def _query_schema(connection: Any) -> str:
    sql = CURRENT_SCHEMA.get(connection.vendor)
    if sql is None:
        return ""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return str(cursor.fetchone()[0])


def _names_schema(alias: str) -> bool:
    return hasattr(connections[alias], "schema_name")


def _database(connection: Any) -> tuple[str, ...]:
    configured = connection.settings_dict
    return tuple(str(configured.get(name) or "") for name in ("NAME", "HOST", "PORT"))


def _tenant(tenant: Callable[[], Hashable]) -> Hashable:
    found = tenant()
    try:
        hash(found)
    except TypeError:
        kind = type(found).__name__
        raise ImproperlyConfigured(f"APIKeyStore: tenant() returned a {kind}, which isn't hashable.") from None
    return found


CURRENT_SCHEMA = {
    "postgresql": "SELECT current_schemas(false)::text",
    "mysql": "SELECT DATABASE()",
    "oracle": "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL",
}
UNKNOWN = (
    "{}, so each tenant may have its own table of API keys, and APIKeyAuthentication(store=...) can't determine which "
    "one a request is for."
)
TENANT = "Use APIKeyStore(tenant=...) with a function that returns the current tenant."
ONE_TABLE = 'If all tenants share one table, use APIKeyStore(using="default").'
