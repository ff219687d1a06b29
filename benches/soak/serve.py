"""A process of the site: `python -m soak.serve prepare ACCOUNTS`, or `wsgi` or `asgi`, which print their port."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

import django

HOST = "127.0.0.1"


def main(command: str, *arguments: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "soak.settings"
    os.environ["BOLTGUARD_SOAK_SERVER"] = command
    django.setup()
    commands: dict[str, Callable[..., None]] = {"prepare": prepare, "wsgi": wsgi, "asgi": asgi}
    commands[command](*arguments)


def prepare(accounts: str) -> None:
    """Creates the tables, the accounts and the first entries of the lists."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password
    from django.core.management import call_command

    from boltguard.auth import DjangoCacheRevocation
    from soak.tenants import PASSWORD, STORED, username
    from soak.urls import ACCESS_LIFETIME, store

    call_command("migrate", verbosity=0)
    users = get_user_model()
    password = make_password(PASSWORD)
    users.objects.bulk_create(users(username=username(number), password=password) for number in range(int(accounts)))
    cache = DjangoCacheRevocation("revocations")
    for jti in STORED:
        store.revoke(jti, ACCESS_LIFETIME)
        cache.revoke(jti, ACCESS_LIFETIME)


def wsgi() -> None:
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    class Handler(WSGIRequestHandler):
        # Nagle's algorithm delays the second part of a small response by 40 ms.
        disable_nagle_algorithm = True

        def log_message(self, *args: object) -> None:
            """Doesn't log requests."""

    class Server(ThreadedWSGIServer):
        # While the process is suspended, connections wait.
        request_queue_size = BACKLOG

    server = Server((HOST, 0), Handler)
    server.daemon_threads = True
    server.set_app(WSGIHandler())
    print(server.server_port, flush=True)
    server.serve_forever()


def asgi() -> None:
    import uvicorn
    from django.core.handlers.asgi import ASGIHandler

    # Only with the protocol, asyncio turns off Nagle's algorithm.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((HOST, 0))
    listener.listen(BACKLOG)
    config = uvicorn.Config(ASGIHandler(), lifespan="off", log_level="warning", timeout_keep_alive=3600)
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[listener])


BACKLOG = 128

if __name__ == "__main__":
    main(*sys.argv[1:])
