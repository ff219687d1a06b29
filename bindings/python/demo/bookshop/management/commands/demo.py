"""`manage.py demo`: prepares the site, and serves or tests it."""

from __future__ import annotations

import errno
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bookshop import fleet_story, people, server, story
from bookshop.http import Failed


class Command(BaseCommand):
    help = (
        "Serves the demo on 127.0.0.1, or tests it over HTTP with --check. With the variables of a Rust service beside "
        "it, such as FLEET_SITE_URL, which determines the port, it stops when its standard input ends."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the port to serve on; 0 selects a free one")
        parser.add_argument("--check", action="store_true", help="test the demo over HTTP, and report failures")
        parser.add_argument(
            "--data", metavar="DIR", help="the directory of the database; default: a temporary directory"
        )

    def handle(self, *args: Any, port: int, check: bool, **options: Any) -> None:
        if not settings.FLEET:
            people.prepare()
            return self.check_story(0, story.run) if check else self.serve(port)
        with stopped_at_end_of_input():
            people.prepare()
            port = urlsplit(settings.FLEET.site_url).port or port
            if not check:
                return self.serve(port)
            steps = fleet_story.Story(settings.FLEET, settings.REVOCATION_STORE.max_staleness)
            return self.check_story(port, lambda address: steps.run())

    def check_story(self, port: int, steps: Callable[[str], Iterator[str]]) -> None:
        logging.getLogger("boltguard").setLevel(logging.WARNING)  # the steps include refused requests
        with server.served(port) as address:
            try:
                for step in steps(address):
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
        try:
            self.announce(server.address(site))
            site.serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("stopped")

    def announce(self, address: str) -> None:
        self.stdout.write(f"\n  Open {self.style.SUCCESS(address + '/')}  (Ctrl-C stops it)\n\n")
        if settings.FLEET:
            self.stdout.write(f"  The Rust service: {settings.FLEET.service_url}/me and /orders\n\n")
        for name, person in settings.PEOPLE.items():
            self.stdout.write(f"  {name:8} password: {person['password']}\n")
        for key, permissions in settings.API_KEYS.items():
            self.stdout.write(f"  API key  {key}  may {', '.join(sorted(permissions))}\n")
        self.stdout.write("\n")
        self.stdout.flush()


@contextmanager
def stopped_at_end_of_input() -> Iterator[None]:
    """Interrupts this process when the one that started it has ended."""
    # A shell lets programs in the background ignore this signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Thread(target=interrupt_at_end_of_input, daemon=True).start()
    try:
        yield
    finally:
        # Nothing interrupts the removal of the temporary files.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def interrupt_at_end_of_input() -> None:
    # Not `sys.stdin.read`, whose lock would be held when the interpreter ends.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGINT)
