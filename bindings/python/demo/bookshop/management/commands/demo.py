"""`manage.py demo`: prepares the site, and serves or tests it."""

from __future__ import annotations

import errno
import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bookshop import people, server, story
from bookshop.http import Failed


class Command(BaseCommand):
    help = "Serves the demo on 127.0.0.1, or tests it over HTTP with --check."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the port to serve on; 0 selects a free one")
        parser.add_argument("--check", action="store_true", help="test the demo over HTTP, and report failures")
        parser.add_argument(
            "--data", metavar="DIR", help="the directory of the database; default: a temporary directory"
        )

    def handle(self, *args: Any, port: int, check: bool, **options: Any) -> None:
        people.prepare()
        self.check_story() if check else self.serve(port)

    def check_story(self) -> None:
        logging.getLogger("boltguard").setLevel(logging.WARNING)  # the steps include refused requests
        with server.served() as address:
            try:
                for step in story.run(address):
                    self.stdout.write(f"  ok  {step}")
            except Failed as failure:
                raise CommandError(f"the demo failed: {failure}") from None
        self.stdout.write(self.style.SUCCESS("The demo works."))

    def serve(self, port: int) -> None:
        try:
            site = server.listen(port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            taken = "is taken" if error.errno == errno.EADDRINUSE else "isn't permitted"
            raise CommandError(f"port {port} {taken}; choose another one with --port") from None
        self.stdout.write(f"\n  Open {self.style.SUCCESS(server.address(site) + '/')}  (Ctrl-C stops it)\n\n")
        for name, person in settings.PEOPLE.items():
            self.stdout.write(f"  {name:8} password: {person['password']}\n")
        for key, permissions in settings.API_KEYS.items():
            self.stdout.write(f"  API key  {key}  may {', '.join(sorted(permissions))}\n")
        self.stdout.write("\n")
        self.stdout.flush()
        try:
            site.serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("stopped")
