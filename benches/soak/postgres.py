"""The PostgreSQL server of the soak, which is stopped and killed, and started again with the same data."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from soak.children import Children
from soak.errors import SoakError
from soak.ports import free_port

TIME_LIMIT = 60.0
# A user without privileges on Linux, because PostgreSQL refuses to run as root.
UNPRIVILEGED = 65534


class PostgresServer:
    """A server on a port of the loopback interface. Every user must be able to reach `files`, in which its data is."""

    def __init__(self, children: Children, program: str, files: str, log: Path) -> None:
        self._children, self._program, self._files, self._log = children, program, files, log
        self._user = UNPRIVILEGED if os.getuid() == 0 else None
        if self._user is not None:
            os.chown(files, self._user, self._user)
        self.port = free_port()
        self.url = f"postgres://boltguard@127.0.0.1:{self.port}/postgres"
        self._create()
        self.start()

    def start(self) -> None:
        """Starts the server with its data, and waits until it accepts connections."""
        end = time.monotonic() + TIME_LIMIT
        self._process = self._begin()
        while not self._is_ready():
            if time.monotonic() > end:
                raise SoakError(f"PostgreSQL doesn't start; see {self._log}.")
            if self._process.poll() is not None:
                # Processes of a killed server may not have ended yet.
                self._process = self._begin()
            time.sleep(0.02)

    def stop(self) -> None:
        """Stops the server, which ends the connections of its clients."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def kill(self) -> None:
        """Kills the server. Its other processes notice this, and end."""
        self._process.kill()
        self._process.wait()

    def _create(self) -> None:
        options = "-D data -A trust -U boltguard -E UTF8 --locale=C --no-sync"
        if self._run("initdb", *options.split()).wait() != 0:
            raise SoakError(f"PostgreSQL can't create its files; see {self._log}.")

    def _begin(self) -> subprocess.Popen[str]:
        options = f"-D data -h 127.0.0.1 -p {self.port} -F -k"
        return self._run(Path(self._program).name, *options.split(), "")

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        program = str(Path(self._program).with_name(name))
        return self._children.start(
            program, *arguments, log=self._log, user=self._user, cwd=self._files, stdout=subprocess.DEVNULL
        )

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True
