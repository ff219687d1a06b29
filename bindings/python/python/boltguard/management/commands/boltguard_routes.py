"""`manage.py boltguard_routes [--check FILE | --write FILE] [--json] [--exclude PREFIX]`: lists routes with guards.

`--check` fails if a route is weaker than in the file, accepts new credentials, or isn't in the file. Guards are
compared by their meaning. `--shadow` lists the results of shadow mode instead.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from boltguard.middleware import BoltguardMiddleware, middleware_classes
from boltguard.routes.collect import Route, collect
from boltguard.routes.lock import UnreadableLock, compare, read, write
from boltguard.routes.results import SWITCHED, results_of
from boltguard.terminal import printable


class Command(BaseCommand):
    help = "Lists every route and method with its backends and its guard, and compares them with a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        files = parser.add_mutually_exclusive_group()
        files.add_argument("--check", type=Path, metavar="routes.lock", help="fail if a route has become weaker")
        files.add_argument(
            "--write", type=Path, metavar="routes.lock", help="write the file that --check compares with"
        )
        files.add_argument(
            "--shadow", action="store_true", help="list the results of shadow mode: which routes can be switched"
        )
        parser.add_argument("--json", action="store_true", help="list the routes as JSON")
        parser.add_argument(
            "--exclude", action="append", default=[], metavar="PREFIX", help="omit routes below this path; repeatable"
        )
        parser.add_argument("--urlconf", help="the module of the routes; default: ROOT_URLCONF")

    def handle(self, *args: Any, **options: Any) -> None:
        excluded = _prefixes(options["exclude"])
        try:
            routes = [one for one in collect(options["urlconf"]) if not _is_below(one.path, excluded)]
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if options["write"]:
            options["write"].write_text(write(routes), "utf-8")
            self.stdout.write(f"Wrote {len(routes)} routes to {options['write']}.")
        elif options["check"]:
            self._check(options["check"], routes, excluded)
        elif options["shadow"]:
            self._list_results(routes, as_json=options["json"])
        elif options["json"]:
            self.stdout.write(json.dumps([_plain(route) for route in routes], indent=2, ensure_ascii=False))
        else:
            self._list(routes)

    def _check(self, path: Path, routes: list[Route], excluded: list[str]) -> None:
        try:
            old = {key: one for key, one in read(path).items() if not _is_below(key.partition(" ")[2], excluded)}
            changes = compare(old, routes)
        except FileNotFoundError:
            raise CommandError(f"{path} doesn't exist. Create it: manage.py boltguard_routes --write {path}") from None
        except (OSError, UnreadableLock) as error:
            raise CommandError(f"{error}") from None
        for note in changes.notes:
            self.stdout.write(f"note: {printable(note)}")
        if changes.failures:
            accept = f"If this is intended, accept it: manage.py boltguard_routes --write {path}"
            raise CommandError("\n".join([*changes.failures, accept]))
        self.stdout.write(f"Checked {len(routes)} routes. None is weaker than in {path}.")

    def _list(self, routes: list[Route]) -> None:
        self._write_table([HEADINGS, *map(_line, routes)])
        is_open = sum(route.is_open for route in routes)
        unprotected = sum(not route.is_protected for route in routes)
        self.stdout.write(f"\n{len(routes)} routes: {is_open} open to everyone, {unprotected} unprotected.")
        if unprotected and _has_middleware():
            self.stdout.write("BoltguardMiddleware identifies callers of unprotected routes, but doesn't deny access.")

    def _list_results(self, routes: list[Route], *, as_json: bool) -> None:
        try:
            found = results_of(routes)
        except DatabaseError as error:
            raise CommandError(f"{NO_RESULTS} ({error})") from error
        if as_json:
            self.stdout.write(json.dumps([one.as_json() for one in found], indent=2, ensure_ascii=False))
            return
        self._write_table([RESULT_HEADINGS, *(one.line for one in found)])
        ready = sum(one.can_be_switched for one in found)
        switched = sum(one.verdict == SWITCHED for one in found)
        self.stdout.write(f"\n{len(found)} routes: {switched} switched, {ready} can be switched.")

    def _write_table(self, table: list[tuple[str, ...]]) -> None:
        table = [tuple(map(printable, line)) for line in table]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            self.stdout.write("  ".join(map(str.ljust, line, widths)).rstrip())


def _prefixes(given: list[str]) -> list[str]:
    """Whole path segments: `/admin` doesn't exclude `/administrators`."""
    prefixes = [f"/{one.strip('/')}" for one in given]
    if "/" in prefixes:
        raise CommandError("--exclude / would omit every route.")
    return prefixes


def _is_below(path: str, prefixes: list[str]) -> bool:
    return any(f"{path}/".startswith(f"{prefix}/") for prefix in prefixes)


def _has_middleware() -> bool:
    return any(issubclass(one, BoltguardMiddleware) for one in middleware_classes())


def _line(route: Route) -> tuple[str, ...]:
    mark = "open" if route.is_open else "" if route.is_protected else "unprotected"
    return (mark, route.method, route.path, " ".join(route.backends) or "-", route.requirements or "-")


def _plain(route: Route) -> dict[str, Any]:
    return {
        "method": route.method,
        "path": route.path,
        "view": route.view,
        "backends": list(route.backends),
        "guard": None if route.guard is None else str(route.guard),
        "others": list(route.others),
        "open": route.is_open,
        "protected": route.is_protected,
    }


RESULT_HEADINGS = ("SWITCH", "METHOD", "PATH", "REQUESTS", "RESULTS")
NO_RESULTS = "The results of shadow mode can't be read. Run `python manage.py migrate boltguard`."
HEADINGS = ("", "METHOD", "PATH", "BACKENDS", "GUARD")
