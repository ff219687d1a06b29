"""Django's development server, without its reloader: a restart would empty the store of revoked tokens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

HOST = "127.0.0.1"


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Refusals are in Boltguard's own log; the rest is on the page."""


def listen(port: int) -> ThreadedWSGIServer:
    """A server that has the port; 0 takes a free one."""
    server = ThreadedWSGIServer((HOST, port), QuietHandler)
    server.daemon_threads = True
    server.set_app(WSGIHandler())
    return server


def address(server: ThreadedWSGIServer) -> str:
    return f"http://{HOST}:{server.server_port}"


@contextmanager
def served() -> Iterator[str]:
    """The address of the site, served on a free port by a thread."""
    server = listen(0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield address(server)
    finally:
        server.shutdown()
        server.server_close()
