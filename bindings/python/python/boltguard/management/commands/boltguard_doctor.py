"""`manage.py boltguard_doctor`: examines the revocation stores, sessions and keys of the site, on the real servers."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boltguard.doctor import policy, stores
from boltguard.doctor.report import Section
from boltguard.terminal import printable

EXAMINATIONS = (stores.examine, policy.examine_sessions, policy.examine_keys, policy.examine_api_keys)


class Command(BaseCommand):
    help = "Examines the revocation stores, sessions and keys of the site. Fails if there is a problem."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        sections = [section for examine in EXAMINATIONS for section in examine()]
        if options["json"]:
            report = {"sections": [section.as_json() for section in sections]}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            for section in sections:
                self._print(section)
        count = sum(len(section.problems) for section in sections)
        if count:
            raise CommandError("Found 1 problem." if count == 1 else f"Found {count} problems.")

    def _print(self, section: Section) -> None:
        self.stdout.write(printable(section.title))
        width = max(map(len, section.facts), default=0)
        for name, value in section.facts.items():
            self.stdout.write(f"  {name.ljust(width)}  {printable(_shown(value))}")
        for text, remedy in section.problems:
            self.stdout.write(f"  PROBLEM: {printable(text)}")
            self.stdout.write(f"  REMEDY: {printable(remedy)}")
        self.stdout.write("")


def _shown(value: object) -> str:
    return "none" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
