"""`manage.py boltguard_policy export [--partial] [--output FILE]`: writes the policy document for Rust services."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from boltguard.management.commands.boltguard_routes import _is_below, _prefixes
from boltguard.routes import restrictions
from boltguard.routes.collect import Route, collect
from boltguard.routes.policy import Export, export
from boltguard.terminal import printable


class Command(BaseCommand):
    help = "Writes the backends and guards of all routes as a document, from which Rust services create gates."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["export"], help="what to do")
        parser.add_argument("--output", type=Path, metavar="FILE", help="the file to write; default: standard output")
        parser.add_argument("--indent", type=int, default=2, metavar="N", help="spaces per level; default: 2")
        parser.add_argument(
            "--partial", action="store_true", help="deny access to routes that can't be expressed, instead of failing"
        )
        parser.add_argument(
            "--exclude", action="append", default=[], metavar="PREFIX", help="omit routes below this path; repeatable"
        )
        parser.add_argument(
            "--trust",
            action="append",
            default=[],
            metavar="MODULE",
            help="a module or package whose middleware and decorators don't restrict access; repeatable",
        )
        parser.add_argument("--urlconf", help="the module of the routes; default: ROOT_URLCONF")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["indent"] < 0:
            raise CommandError("--indent must be zero or more.")
        try:
            _check_site(options)
            found = export(_routes(options), options["trust"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        reasons = [printable(f"{route}: {reason}") for route, reason in found.omitted.items()]
        if reasons and not options["partial"]:
            remedy = "Change them, omit them with --exclude, or deny access to them in the document with --partial."
            raise CommandError("\n".join(["These routes can't be expressed in a document:", *reasons, remedy]))
        self._write(found, options)
        for reason in reasons:
            self.stderr.write(f"denied: {reason}")

    def _write(self, found: Export, options: dict[str, Any]) -> None:
        content = json.dumps(found.document, indent=options["indent"], ensure_ascii=False)
        if options["output"] is None:
            self.stdout.write(content)
        else:
            options["output"].write_text(f"{content}\n", "utf-8")
            self.stdout.write(f"Wrote {len(found.routes)} routes to {options['output']}.")
        if found.variables:
            self.stderr.write(f"Environment variables that must contain the keys: {', '.join(found.variables)}")


def _check_site(options: dict[str, Any]) -> None:
    """Refuses an export if code that isn't part of a route may refuse its requests, also with `--partial`."""
    for trusted in options["trust"]:
        if restrictions.is_below(trusted, ["django"]) or not trusted:
            raise CommandError(f"--trust {trusted}: parts of Django that restrict access can't be trusted not to.")
    modules = restrictions.untrusted(restrictions.modules_of_site(options["urlconf"]), options["trust"])
    if modules:
        raise CommandError(SITE.format(", ".join(modules), modules[0]))


def _routes(options: dict[str, Any]) -> list[Route]:
    excluded = _prefixes(options["exclude"])
    return [route for route in collect(options["urlconf"]) if not _is_below(route.path, excluded)]


SITE = (
    "The site has middleware or URL patterns that may refuse requests which the guards allow, and aren't exported. "
    "They are defined in: {}. Use --trust, as in --trust {}, for each module whose code doesn't restrict access, and "
    "replace the others by guards."
)
