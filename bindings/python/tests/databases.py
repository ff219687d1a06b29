"""Further databases for tests: on a PostgreSQL or MariaDB server whose URL is in an environment variable."""

import asyncio
import os
from contextlib import contextmanager
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

POSTGRES = os.environ.get("BOLTGUARD_TEST_POSTGRES_URL", "")
MARIADB = os.environ.get("BOLTGUARD_TEST_MARIADB_URL", "")

needs_postgres = pytest.mark.skipif(not POSTGRES, reason="BOLTGUARD_TEST_POSTGRES_URL names no server")
needs_mariadb = pytest.mark.skipif(not MARIADB, reason="BOLTGUARD_TEST_MARIADB_URL names no server")

# For `pytest.mark.parametrize`: each server, skipped if it isn't available.
SERVERS = [
    pytest.param(POSTGRES, id="postgresql", marks=needs_postgres),
    pytest.param(MARIADB, id="mariadb", marks=needs_mariadb),
]

# Names each database once.
COUNT = count()


def django_database(url, **options):
    """The entry of `DATABASES` for `postgres://…` or `mysql://…`; SQLite in memory for an empty URL.

    Tests use a separate database on that server.
    """
    url = urlsplit(url)
    if not url.scheme:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", **options}
    if url.scheme in ("mysql", "mariadb"):
        import pymysql

        pymysql.install_as_MySQLdb()
        engine, unnamed = "mysql", ""
        test = {"CHARSET": "utf8mb4"}
    else:
        engine, unnamed, test = "postgresql", "postgres", {}
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": url.path.lstrip("/") or unnamed,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or parse_qs(url.query).get("host", [""])[0],
        "PORT": str(url.port or ""),
        "TEST": {"NAME": f"boltguard_test_django_{os.getpid()}", **test},
        **options,
    }


def end_other_sessions(connection):
    """Closes the connections of other threads, which would prevent dropping the database."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


@contextmanager
def database_on(url, alias, **options):
    """A further Django database with the tables of the installed apps, on this server.

    Within another one of that alias it takes its place.
    """
    from django.core.management import call_command
    from django.db import connections

    outer = (connections.settings[alias], connections[alias]) if alias in connections.settings else None
    _forget_in_async_code(alias)
    settings = django_database(url, **options)
    settings["TEST"] = {**settings.get("TEST", {}), "NAME": f"boltguard_{alias}_{os.getpid()}_{next(COUNT)}"}
    connections.settings[alias] = connections.configure_settings({"default": {}, alias: settings})[alias]
    connections[alias] = connection = connections.create_connection(alias)
    try:
        # Not `create_test_db`, which also creates the tables of `people`: those refer to tables of migrations.
        connection.settings_dict["NAME"] = connection.creation._create_test_db(verbosity=0, autoclobber=True)
        try:
            call_command("migrate", database=alias, verbosity=0)
            yield connection
        finally:
            end_other_sessions(connection)
            connection.close()
            connection.creation.destroy_test_db(settings["NAME"], verbosity=0)
    finally:
        _forget_in_async_code(alias)
        del connections.settings[alias]
        del connections[alias]
        if outer is not None:
            connections.settings[alias], connections[alias] = outer


def _forget_in_async_code(alias):
    """Does this in the thread in which async code runs."""
    from asgiref.sync import sync_to_async

    asyncio.run(sync_to_async(_forget)(alias))


def _forget(alias):
    """Removes the connection of this thread, so that the next one is to the database that has taken its place."""
    from django.db import connections

    if hasattr(connections._connections, alias):
        connections[alias].close()
        del connections[alias]
