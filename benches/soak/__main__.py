"""The driver: `python -m soak [--seconds N] --postgres PROGRAM --redis-server PROGRAM --service PROGRAM …`.

`cargo xtask soak --help` describes what it does. `--demo` is the directory of the demo site, beside which the Rust
service usually runs, and `--directory` is for logs and the files of Redis.
It stops when its standard input ends, so that it ends with the program that started it.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from soak import history, report
from soak.children import Children
from soak.clients import Actor, Operator, Revoker, User
from soak.errors import SoakError
from soak.faults import Faults
from soak.http_client import Client
from soak.judge import Log, judge
from soak.measure import measure
from soak.postgres import PostgresServer
from soak.servers import RedisServer, environment, prepare, service, site

# `max_staleness` of the site: short, so that a soak contains many faults.
BOUND = 1.0
TIMEOUT = BOUND
USERS, REVOKERS = 4, 8
PROGRESS = 5.0


def main() -> int:
    arguments = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    threading.Thread(target=interrupt_at_end_of_input, daemon=True).start()
    try:
        # Not in `arguments.directory`, which the user that runs PostgreSQL may not be able to reach.
        with tempfile.TemporaryDirectory(prefix="boltguard-soak-") as files, closing(Children()) as children:
            return Soak(arguments, children, files).run()
    except SoakError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; all processes have been stopped.", file=sys.stderr)
        return 130


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--follower", choices=["replicated", "plain"], default="replicated")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--redis-server", required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--demo", type=Path, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    return parser.parse_args()


def interrupt_at_end_of_input() -> None:
    # Not `sys.stdin.read`, whose lock would be held when the interpreter ends.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGINT)


class Soak:
    """One run: prepares the site, measures it, and puts it under load while faults are injected."""

    def __init__(self, arguments: argparse.Namespace, children: Children, files: str) -> None:
        self.seconds, self.seed = arguments.seconds, arguments.seed
        self.directory: Path = arguments.directory
        self.redis = RedisServer(children, arguments.redis_server, self.directory)
        self.database = PostgresServer(children, arguments.postgres, files, self.new_log("postgres"))
        variables = environment(self.database.url, self.redis.url, BOUND, arguments.follower, arguments.demo)
        prepare(children, USERS + REVOKERS, variables, self.new_log("prepare"))
        self.processes = [site(children, kind, variables, self.new_log(kind)) for kind in ("wsgi", "asgi")]
        if arguments.follower == "replicated":
            # The stream of the other one is its own.
            first, log = self.processes[0].server, self.new_log("rust")
            self.processes.append(service(children, arguments.service, first, variables, log))
        self.servers = [process.server for process in self.processes]
        self.log, self.stop = Log(), threading.Event()

    def new_log(self, name: str) -> Path:
        path = self.directory / f"{name}.log"
        path.unlink(missing_ok=True)
        return path

    def run(self) -> int:
        slice_seconds = min(max(self.seconds / 300, 0.1), 1.0)
        print(f"A guarded request with each revocation store, without faults (seed {self.seed}):", flush=True)
        rows = list(measure(self.servers, slice_seconds, timeout=30.0))
        print(report.measurements(rows))
        print(f"\n{self.seconds:.0f} s of load with faults; the bound is {BOUND:g} s:", flush=True)
        self.load()
        losses = self.losses()
        verdict, names = judge(self.log, BOUND), [server.name for server in self.servers]
        print(f"\nFaults:\n{report.faults(self.log, losses)}")
        print(f"\nRequests with an access token:\n{report.load(self.log, names)}")
        print(f"\nRequests that were judged:\n{report.judged(verdict)}")
        print(f"\nViolations:\n{report.violations(verdict)}")
        missing = report.shortfalls(verdict, self.log, names, self.seconds, BOUND)
        for shortfall in missing:
            print(f"Too little for a result: {shortfall}.")
        if verdict.violations:
            history.write(self.log, verdict, self.directory / "events.log")
            print(f"The events of these accounts are in {self.directory / 'events.log'}.")
        has_failed = bool(verdict.violations or missing)
        print(f"\nThe soak has {'FAILED' if has_failed else 'passed'}. Logs of the site: {self.directory}", flush=True)
        return int(has_failed)

    def load(self) -> None:
        actors = self.actors()
        faults = Faults(self.redis, self.database, self.processes, self.log, BOUND, self.seed, self.stop)
        threads: list[Actor | Faults] = [*actors, faults]
        for thread in threads:
            thread.start()
        try:
            self.wait(threads)
        finally:
            self.stop.set()
        for thread in threads:
            thread.join()
        self.check(threads)

    def actors(self) -> list[Actor]:
        kinds: list[Callable[..., Actor]] = [User] * USERS + [Revoker] * REVOKERS + [Operator]
        return [
            kind(number, self.servers, self.log, self.seed, self.stop, TIMEOUT) for number, kind in enumerate(kinds)
        ]

    def wait(self, threads: list[Actor | Faults]) -> None:
        start = shown = time.monotonic()
        while (now := time.monotonic()) < start + self.seconds:
            self.check(threads)
            if now >= shown + PROGRESS:
                shown += PROGRESS
                print(f"  {now - start:4.0f} s: {report.progress(self.log)}", flush=True)
            time.sleep(min(0.2, max(start + self.seconds - now, 0.0)))

    def check(self, threads: list[Actor | Faults]) -> None:
        for process in self.processes:
            process.check()
        for thread in threads:
            if thread.error is not None:
                traceback.print_exception(thread.error)
                raise SoakError(f"The thread {thread.name} of the driver has failed, see above.")

    def losses(self) -> dict[str, dict[str, int]]:
        of_site = [server for server in self.servers if server.is_of_site]
        client = Client(of_site, timeout=30.0)
        responses = {server.name: client.request(server.name, "GET", "/status") for server in of_site}
        client.close()
        return {name: response.body.get("losses", {}) for name, response in responses.items()}


if __name__ == "__main__":
    sys.exit(main())
