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
        """Doesn't log requests: refusals are in Boltguard's log, and the page shows the responses."""


def listen(port: int) -> ThreadedWSGIServer:
    """A server that listens on the port; 0 selects a free one."""
    server = ThreadedWSGIServer((HOST, port), QuietHandler)
    server.daemon_threads = True
    server.set_app(WSGIHandler())
    return server


def address(server: ThreadedWSGIServer) -> str:
    return f"http://{HOST}:{server.server_port}"


@contextmanager
def served(port: int = 0) -> Iterator[str]:
    """Serves the site in a thread, by default on a free port, and yields its address."""
    server = listen(port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield address(server)
    finally:
        server.shutdown()
        server.server_close()
