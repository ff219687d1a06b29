"""The processes of the soak: a Redis server, which loses its data when told so, those of the site, and a service."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from soak.children import Children
from soak.errors import SoakError
from soak.http_client import Server
from soak.ports import free_port

BENCHES = Path(__file__).resolve().parent.parent
TIME_LIMIT = 60.0


class RedisServer:
    """A server on a port of the loopback interface, with its files in `directory`."""

    def __init__(self, children: Children, program: str, directory: Path) -> None:
        self._children, self._program, self._directory = children, program, directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port, socket_timeout=10)
        self.forget()
        self.start()

    def start(self) -> None:
        """Starts the server with the data of the last snapshot, if there is one."""
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no --logfile redis-server.log --save".split()
        self._process = self._children.start(
            self._program, *options, "", log=self._directory / "redis.log", cwd=self._directory
        )
        end = time.monotonic() + TIME_LIMIT
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise SoakError(f"Redis doesn't start; see {self._directory / 'redis-server.log'}.")
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """Deletes the snapshot."""
        (self._directory / "dump.rdb").unlink(missing_ok=True)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        with stopped(self._process):
            yield

    def _is_ready(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


class ServerProcess:
    """A process that serves on a free port, which is the end of the first line that it prints."""

    def __init__(
        self,
        children: Children,
        server: Server,
        command: list[str],
        environment: dict[str, str],
        log: Path,
    ) -> None:
        self._process = children.start(*command, log=log, env=environment, cwd=BENCHES, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._log = log
        port = self._process.stdout.readline().strip().rpartition(":")[2]
        if not port:
            raise SoakError(f"The {server.name} process doesn't start; see {log}.")
        self.server = server._replace(port=int(port))

    @contextmanager
    def stopped(self) -> Iterator[None]:
        with stopped(self._process):
            yield

    def check(self) -> None:
        """Raises an error if the process has ended."""
        if self._process.poll() is not None:
            raise SoakError(f"The {self.server.name} process has ended; see {self._log}.")


@contextmanager
def stopped(process: subprocess.Popen[str]) -> Iterator[None]:
    """A process that doesn't run for a while, and then continues without knowing."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def site(children: Children, kind: str, environment: dict[str, str], log: Path) -> ServerProcess:
    """Starts a process of the site."""
    return ServerProcess(children, Server(kind, 0), _serve(kind), environment, log)


def service(children: Children, program: str, site: Server, environment: dict[str, str], log: Path) -> ServerProcess:
    """Starts the Rust service, which reads the complete list from a process of the site."""
    variables = {
        "FLEET_SITE_URL": f"http://127.0.0.1:{site.port}",
        "FLEET_SERVICE_PORT": "0",
        "FLEET_REDIS_URL": environment["BOLTGUARD_SOAK_REDIS_URL"],
        "FLEET_MAX_STALENESS": environment["BOLTGUARD_SOAK_BOUND"],
        "FLEET_TOKEN_SECRET": environment["BOLTGUARD_SOAK_TOKEN_SECRET"],
        "FLEET_SERVICE_KEY": environment["BOLTGUARD_SOAK_SERVICE_KEY"],
        "FLEET_GUARD": "authenticated",
    }
    server = Server("rust", 0, is_of_site=False)
    return ServerProcess(children, server, [program], {**os.environ, **variables}, log)


def environment(database_url: str, redis_url: str, bound: float, follower: str, demo: Path) -> dict[str, str]:
    """The environment of the processes of the site. The demo has the view that the service requests."""
    return {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(demo),
        "BOLTGUARD_SOAK_SECRET": secrets.token_urlsafe(64),
        "BOLTGUARD_SOAK_TOKEN_SECRET": secrets.token_urlsafe(64),
        "BOLTGUARD_SOAK_SERVICE_KEY": secrets.token_urlsafe(64),
        "BOLTGUARD_SOAK_DATABASE_URL": database_url,
        "BOLTGUARD_SOAK_REDIS_URL": redis_url,
        "BOLTGUARD_SOAK_BOUND": str(bound),
        "BOLTGUARD_SOAK_FOLLOWER": follower,
    }


def prepare(children: Children, accounts: int, environment: dict[str, str], log: Path) -> None:
    """Creates the tables and the accounts of the site."""
    process = children.start(*_serve("prepare"), str(accounts), log=log, env=environment, cwd=BENCHES)
    if process.wait() != 0:
        raise SoakError(f"The site can't be prepared; see {log}.")


def _serve(command: str) -> list[str]:
    return [sys.executable, "-m", "soak.serve", command]
