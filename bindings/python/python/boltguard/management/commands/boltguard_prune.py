"""`manage.py boltguard_prune`: deletes expired revocations, and sessions that have expired or ended."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from boltguard import pruning
from boltguard.api_keys.spans import parse_span
from boltguard.pruning import ExpiredRows

# In seconds.
REPORT_INTERVAL = 5.0


class Command(BaseCommand):
    help = "Deletes expired revocations, and sessions that have expired or ended."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch-size", type=_size, default=1000, help="rows per transaction; default: 1000")
        parser.add_argument("--older-than", type=_span, default="0", help="keep rows this long: 12h, 30d; default: 0")
        parser.add_argument(
            "--api-keys", type=_span, help="also delete API keys that expired or were revoked this long ago"
        )
        parser.add_argument(
            "--longest-lifetime",
            type=_span,
            help="the longest lifetime of any token of the site: also delete levels without expiry that are older",
        )
        parser.add_argument(
            "--shadow", action="store_true", help="delete all results of shadow mode, to start counting again"
        )
        parser.add_argument("--dry-run", action="store_true", help="count the rows, but don't delete them")
        parser.add_argument("--database", help="database alias; default: chosen by the routers")

    def handle(self, *args: Any, **options: Any) -> None:
        self._verbosity, self._dry_run = options["verbosity"], options["dry_run"]
        total = 0
        for table in _tables(options):
            total += self._prune(table, options["batch_size"])
        if self._verbosity:
            self.stdout.write(f"{'Would delete' if self._dry_run else 'Deleted'} {_rows(total)} in total.")

    def _prune(self, table: ExpiredRows, batch_size: int) -> int:
        name = f"{table.model._meta.label} ({table.using})"
        try:
            count = table.count() if self._dry_run else self._delete(table, batch_size, name)
        except DatabaseError as error:
            if table.model._meta.db_table in connections[table.using].introspection.table_names():
                raise
            app = table.model._meta.app_label
            raise CommandError(f"The table of {name} doesn't exist. Run `python manage.py migrate {app}`.") from error
        if self._verbosity:
            self.stdout.write(f"{name}: {'would delete' if self._dry_run else 'deleted'} {_rows(count)}.")
        return count

    def _delete(self, table: ExpiredRows, batch_size: int, name: str) -> int:
        deleted, reported, of = 0, time.monotonic(), ""
        for batch in table.delete(batch_size):
            deleted += batch
            if self._verbosity and time.monotonic() - reported >= REPORT_INTERVAL:
                # Counted only now: on a large table, it takes as long as a batch.
                of = of or f" of about {deleted + table.count()}"
                self.stderr.write(f"{name}: deleted {deleted}{of} rows so far.")
                reported = time.monotonic()
        return deleted


def _tables(options: dict[str, Any]) -> list[ExpiredRows]:
    using = options["database"]
    if using is not None and using not in connections:
        raise CommandError(f"{using!r} is not an alias of DATABASES.")
    if options["api_keys"] is not None and (problem := pruning.why_no_api_keys()) is not None:
        raise CommandError(problem)
    try:
        return pruning.expired_rows(
            using=using,
            older_than=options["older_than"],
            api_keys_after=options["api_keys"],
            longest_lifetime=options["longest_lifetime"],
            all_shadow_results=options["shadow"],
        )
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise ArgumentTypeError(f"{text!r} is not a number between 1 and 100000.")
    return int(text)


def _span(text: str) -> timedelta:
    try:
        return parse_span(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
