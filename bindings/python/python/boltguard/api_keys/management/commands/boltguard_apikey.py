"""`manage.py boltguard_apikey create|list|revoke|rotate`: API keys from the command line.

A new key is the only line on standard output, so that it can be piped or redirected. `create` and `rotate` write
everything else to standard error. The output isn't translated, like that of Django's own commands.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, OperationalError, ProgrammingError, connections, router, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from boltguard import conf
from boltguard.api_keys import why_not_installed
from boltguard.api_keys.fields import checked
from boltguard.api_keys.spans import parse_end, parse_span
from boltguard.terminal import printable

T = TypeVar("T")


class Command(BaseCommand):
    help = "Creates, lists, revokes and rotates API keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="create|list|revoke|rotate")
        create = actions.add_parser("create", help="create a key and print it once")
        create.add_argument("name", help="what the key is for")
        create.add_argument("--owner", help="the username of the owner")
        create.add_argument("--permission", action="append", default=[], help="blog.add_post, blog.* or *; repeatable")
        create.add_argument("--scope", action="append", default=[], help="an OAuth scope; repeatable")
        create.add_argument("--expires", help="90d, 12h, 2027-01-31 or 2027-01-31T18:00; default: never")
        listing = actions.add_parser("list", help="list keys, without their secrets")
        listing.add_argument("--owner", help="only keys of this user")
        listing.add_argument("--status", choices=["active", "expired", "revoked"], help="only keys with this status")
        revoke = actions.add_parser("revoke", help="revoke keys, immediately and permanently")
        revoke.add_argument("keys", nargs="+", metavar="key", help="the ID, or the key itself")
        rotate = actions.add_parser("rotate", help="replace a key with a new one, and print it once")
        rotate.add_argument("key", help="the ID, or the key itself")
        rotate.add_argument("--overlap", default="0", help="how long the old key stays valid: 30m, 12h, 7d; default: 0")
        for action in (create, listing, revoke, rotate):
            action.add_argument("--database", help="database alias; default: chosen by the routers")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = why_not_installed()
        if reason is not None:
            raise CommandError(reason)
        from boltguard.api_keys.models import APIKey

        options["database"] = using = options["database"] or router.db_for_write(APIKey)
        if using not in connections:
            raise CommandError(f"{using!r} is not an alias of DATABASES.")
        try:
            getattr(self, f"_{options['action']}")(options)
        except (OperationalError, ProgrammingError):
            if _is_migrated(using):
                raise
            raise CommandError(NOT_MIGRATED) from None

    def _create(self, options: dict[str, Any]) -> None:
        fields = {"name": options["name"], "owner": _user(options["owner"], options["database"])}
        granted = {"permissions": options["permission"], "scopes": options["scope"]}
        expires = options["expires"]
        end = None if expires is None else _checked(lambda: parse_end(expires))
        fields = _checked(lambda: checked(end, **fields, **granted))
        row, generated = _keys(options["database"]).issue(**fields)
        self.stderr.write(f"Created API key {row.id}. Copy it now; it won't be shown again:")
        self.stdout.write(generated.expose())

    def _list(self, options: dict[str, Any]) -> None:
        rows = _keys(options["database"]).all()
        if options["status"]:
            rows = getattr(rows, options["status"])()
        if options["owner"]:
            rows = rows.filter(owner=_user(options["owner"], options["database"], active=False))
        table = [HEADINGS, *(_line(row) for row in rows.select_related("owner"))]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            self.stdout.write("  ".join(map(str.ljust, line, widths)).rstrip())

    def _revoke(self, options: dict[str, Any]) -> None:
        using = options["database"]
        with transaction.atomic(using=using):
            rows = [_row(text, using) for text in options["keys"]]
            for row in rows:
                row.revoke()
        for row in rows:
            self.stdout.write(f"Revoked API key {row.id} ({printable(row.name)}).")

    def _rotate(self, options: dict[str, Any]) -> None:
        row = _row(options["key"], options["database"])
        overlap = _checked(lambda: parse_span(options["overlap"]))
        successor, generated = _checked(lambda: row.replace(overlap))
        end = f"expires at {_date(row.expires_at)}" if overlap else "has expired"
        self.stderr.write(f"Created API key {successor.id}, which replaces {row.id}. The old key {end}.")
        self.stderr.write("Copy the new key now; it won't be shown again:")
        self.stdout.write(generated.expose())


def _keys(using: str) -> Any:
    from boltguard.api_keys.models import APIKey

    return APIKey.objects.db_manager(using)


def _is_migrated(using: str) -> bool:
    """Whether the tables exist. Also true if that can't be determined, because the database is unavailable."""
    try:
        executor = MigrationExecutor(connections[using])
        return not executor.migration_plan(executor.loader.graph.leaf_nodes("boltguard_api_keys"))
    except DatabaseError:
        return True


def _row(text: str, using: str) -> Any:
    """The row of an ID, or of a key, which error messages don't repeat."""
    try:
        key_id = conf.current().api_key_format.parse(text)
    except ValueError:
        key_id = text
    try:
        return _keys(using).get(pk=key_id)
    except ObjectDoesNotExist:
        named = f"the ID {key_id!r}" if len(key_id) <= 32 else "this ID"
        raise CommandError(f"No API key has {named}. `boltguard_apikey list` shows the IDs.") from None


def _user(name: str | None, using: str, *, active: bool = True) -> Any:
    if name is None:
        return None
    model = get_user_model()
    try:
        user = model._default_manager.db_manager(using).get_by_natural_key(name)
    except ObjectDoesNotExist:
        raise CommandError(f"No user has the {model.USERNAME_FIELD} {name!r}.") from None
    if active and not getattr(user, "is_active", True):
        raise CommandError(f"The user {name!r} is inactive, so the key would be rejected.")
    return user


def _checked(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:
        raise CommandError(str(error)) from None


def _line(row: Any) -> tuple[str, ...]:
    owner = "" if row.owner is None else row.owner.get_username()
    granted = " ".join([*row.permissions, *(f"scope:{scope}" for scope in row.scopes)])
    current, *old = [secret.id for secret in conf.current().api_key_secrets]
    known = "" if row.secret_id == current else ", old secret" if row.secret_id in old else ", lost secret"
    status = row.status + known
    dates = (_date(row.created_at), _date(row.expires_at), _date(row.last_used_at))
    return (row.id, printable(row.name), printable(owner), status, *dates, printable(granted))


def _date(date: datetime | None) -> str:
    if date is None:
        return "-"
    return (timezone.localtime(date) if timezone.is_aware(date) else date).strftime("%Y-%m-%d %H:%M")


NOT_MIGRATED = (
    "The tables of API keys don't exist or are out of date. Run `python manage.py migrate boltguard_api_keys`."
)
HEADINGS = ("ID", "NAME", "OWNER", "STATUS", "CREATED", "EXPIRES", "LAST USED", "GRANTED")
