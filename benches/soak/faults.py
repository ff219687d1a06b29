"""The faults: what happens to Redis, to PostgreSQL and to the processes while they are in use."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from soak.judge import Fault, Log, Outage
from soak.postgres import PostgresServer
from soak.servers import RedisServer, ServerProcess
from soak.tenants import STREAMS


class Faults(threading.Thread):
    """Injects one fault after the other, in random order, until `stop` is set. Times are multiples of `bound`."""

    def __init__(
        self,
        server: RedisServer,
        database: PostgresServer,
        processes: list[ServerProcess],
        log: Log,
        bound: float,
        seed: int,
        stop: threading.Event,
    ) -> None:
        super().__init__(name="faults", daemon=True)
        self.server, self.database, self.processes, self.log = server, database, processes, log
        self.bound, self.stop = bound, stop
        self.random = random.Random(f"{seed} faults")
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                for fault in self.random.sample(FAULTS, len(FAULTS)):
                    self.wait(0.5, 1.5)
                    if self.stop.is_set():
                        return
                    start = time.monotonic()
                    fault(self)
                    self.log.faults.append(Fault(fault.__name__.replace("_", " "), start, time.monotonic()))
        except BaseException as error:
            self.error = error

    def wait(self, least: float, most: float) -> None:
        self.stop.wait(self.random.uniform(least, most) * self.bound)

    def redis_suspended(self) -> None:
        with self.server.stopped():
            self.wait(0.3, 2.0)

    def redis_restarted_empty(self) -> None:
        self.server.kill()
        self.server.forget()
        self.wait(0.0, 1.0)
        self.server.start()

    def redis_restarted_with_old_data(self) -> None:
        self.server.client.save()
        self.wait(0.5, 1.0)
        self.server.kill()
        self.wait(0.0, 1.0)
        self.server.start()
        self.server.forget()

    def redis_flushed(self) -> None:
        self.server.client.flushall()

    def stream_trimmed(self) -> None:
        for stream in STREAMS:
            self.server.client.xtrim(stream, maxlen=0, approximate=False)

    def stream_deleted(self) -> None:
        self.server.client.delete(*STREAMS)

    def postgresql_stopped(self) -> None:
        with self.outage(self.database.stop):
            self.wait(0.5, 3.0)

    def postgresql_killed(self) -> None:
        with self.outage(self.database.kill):
            self.wait(0.5, 3.0)

    def postgresql_killed_and_started_at_once(self) -> None:
        self.database.kill()
        self.database.start()

    @contextmanager
    def outage(self, stop: Callable[[], None]) -> Iterator[None]:
        """A time during which only PostgreSQL is unavailable."""
        stop()
        start = time.monotonic()
        try:
            yield
            self.log.outages.append(Outage(start, time.monotonic()))
        finally:
            self.database.start()

    def redis_restarted_while_postgresql_stopped(self) -> None:
        """Until the tables can be read again, no process can know what the stream has lost."""
        self.database.stop()
        self.redis_restarted_empty()
        self.wait(0.5, 1.5)
        self.database.start()

    def process_suspended(self) -> None:
        with self.random.choice(self.processes).stopped():
            self.wait(0.5, 3.0)

    def redis_flushed_while_process_suspended(self) -> None:
        with self.random.choice(self.processes).stopped():
            self.wait(0.3, 1.0)
            self.redis_flushed()
            self.wait(0.0, 1.0)

    def stream_trimmed_while_process_suspended(self) -> None:
        with self.random.choice(self.processes).stopped():
            self.wait(0.3, 1.0)
            self.stream_trimmed()
            self.wait(0.0, 1.0)

    def redis_restarted_while_process_suspended(self) -> None:
        with self.random.choice(self.processes).stopped():
            self.wait(0.3, 1.0)
            self.redis_restarted_empty()
            self.wait(0.0, 0.5)


FAULTS: list[Callable[[Faults], None]] = [
    Faults.redis_suspended,
    Faults.redis_restarted_empty,
    Faults.redis_restarted_with_old_data,
    Faults.redis_flushed,
    Faults.stream_trimmed,
    Faults.stream_deleted,
    Faults.postgresql_stopped,
    Faults.postgresql_killed,
    Faults.postgresql_killed_and_started_at_once,
    Faults.redis_restarted_while_postgresql_stopped,
    Faults.process_suspended,
    Faults.redis_flushed_while_process_suspended,
    Faults.stream_trimmed_while_process_suspended,
    Faults.redis_restarted_while_process_suspended,
]
