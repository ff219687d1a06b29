"""Detects changes of keys, also by SQL of the site, and changes of the schema that contains them.

After a connection's schema is switched by SQL, it uses other tables. Only the statement itself shows this, so after the
first such statement the stores determine the schema for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from boltguard import conf
from boltguard.api_keys import keys_changed

# The aliases of the connections whose schema has been switched, and of those that have led to several databases.
schemas: set[str] = set()
databases: set[str] = set()


@contextmanager
def unnoticed() -> Iterator[None]:
    """For changes of keys that don't affect snapshots."""
    _own.quiet = True
    try:
        yield
    finally:
        _own.quiet = False


def note_place(using: str, kind: set[str]) -> None:
    """Makes the stores determine the place of the keys for each request from now on."""
    if using not in kind:
        kind.add(using)
        conf.renew()


def watch(connection: Any) -> None:
    """Observes the statements of this connection from now on."""
    if _watch not in connection.execute_wrappers:
        # At the front, because `connection.execute_wrapper()` removes the last one.
        connection.execute_wrappers.insert(0, _watch)


def _watch(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    text = sql if type(sql) is str else repr(sql)
    if not text.startswith("SELECT"):
        if TABLES in text:
            return _changing(execute, sql, params, many, context)
        if text.lstrip()[:3].upper() in STATEMENTS:
            _look(text, context["connection"])
    if "earch_path" in text or "EARCH_PATH" in text:
        _look(text, context["connection"])
    return execute(sql, params, many, context)


def _changing(execute: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return execute(*arguments)
    finally:
        if not getattr(_own, "quiet", False):
            keys_changed.send(sender=None)


def _look(text: str, connection: Any) -> None:
    words = text.lower().split()
    if words[:1] == ["show"] or hasattr(connection, "schema_name"):
        return
    switching = any("search_path" in word for word in words) or words[:1] == ["use"]
    if switching or SCHEMA_WORDS & set(words[1:4]):
        note_place(connection.alias, schemas)


_own = local()
TABLES = "boltguard_api_keys_"
STATEMENTS = ("SET", "USE", "ALT")
SCHEMA_WORDS = {"schema", "role", "authorization", "current_schema"}
