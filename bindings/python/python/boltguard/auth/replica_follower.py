"""The thread of `ReplicatedRevocation` that keeps the replica of a process current."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

from boltguard import _rust
from boltguard.auth.replica_stream import ServerError
from boltguard.logs import log_failure
from boltguard.optional import DATABASE_UNAVAILABLE, connections

logger = logging.getLogger("boltguard")

ReadTruth = Callable[[float], Iterable[list[_rust.RevocationEntry]]]


class ReplicaThread:
    """Carries out what a `RevocationSynchronizer` decides, in a daemon thread that `start` starts.

    `stream` has the methods of `RevocationStream`, or is `None` if only the complete list is read. `read_truth` returns
    that list in pages. It is called in another thread, so that the stream is followed meanwhile.
    """

    def __init__(
        self, replica: _rust.RevocationReplica, read_truth: ReadTruth, stream: Any | None, max_staleness: float
    ) -> None:
        self._replica, self._read_truth, self._stream = replica, read_truth, stream
        self._interval = max_staleness / 4
        # One for the copy: two would remove expired entries without knowing of each other's reads.
        self._synchronizer = _rust.RevocationSynchronizer(replica, max_staleness, is_polling=stream is None)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._wake, self._is_synced = threading.Event(), threading.Event()
        self._is_stopped = self._is_full = False
        # What is unavailable: the server of the stream, or the complete list.
        self._failing: set[str] = set()
        self._first_deadline = 0.0
        self._outbox: deque[_rust.RevocationEntry] = deque(maxlen=MOST_UNSENT)
        self._counted = 0
        self.losses: Counter[str] = Counter()

    def start(self) -> None:
        """Starts the thread, unless it is running."""
        if self.is_running or self._is_stopped:
            return
        with self._lock:
            if self.is_running:
                return
            if self._thread is None:
                self._first_deadline = time.monotonic() + FIRST_WAIT
            self._thread = threading.Thread(target=self._run, name="boltguard-revocation", daemon=True)
            self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the thread is running in this process."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def unsent(self) -> int:
        """The number of entries that couldn't be appended to the stream yet."""
        return len(self._outbox)

    @property
    def rest_of_first_wait(self) -> float:
        """For how many seconds a check waits for the first synchronization; zero once there was one."""
        return 0.0 if self._is_synced.is_set() else max(self._first_deadline - time.monotonic(), 0.0)

    def wait(self, seconds: float) -> None:
        """Waits for the first synchronization, at most so many seconds."""
        self._is_synced.wait(seconds)

    def insert(self, entry: _rust.RevocationEntry) -> None:
        """Makes an entry that is in the complete list take effect in this process, also if the thread isn't running.

        If the copy is full, the follower finds out, too, and the process stops accepting tokens.
        """
        self._synchronizer.insert(entry)

    def append_later(self, entry: _rust.RevocationEntry) -> None:
        """Appends an entry to the stream once its server is available."""
        self._outbox.append(entry)
        self.start()

    def stop(self, timeout: float = 0.0) -> None:
        """Ends the thread, and waits for it if `timeout` is positive."""
        self._is_stopped = True
        self._wake.set()
        thread = self._thread
        if timeout > 0 and thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        while not self._is_stopped:
            try:
                self._step()
            except Exception as error:
                log_failure(FAILED, error)
                self._wake.wait(self._interval)
        if self._stream is not None:
            self._stream.close()

    def _step(self) -> None:
        action = self._synchronizer.next()
        self._count_losses()
        self._report_full()
        if isinstance(action, _rust.StreamQuery):
            self._query(action)
        elif isinstance(action, _rust.TruthRead):
            self._begin_read(action)
        else:
            # Not longer, because the clock of a suspended machine goes on.
            self._wake.wait(min(action, self._interval))
            self._wake.clear()

    def _query(self, query: _rust.StreamQuery) -> None:
        assert self._stream is not None
        try:
            self._synchronizer.handle_response(query.number, self._stream.query(query))
        except Exception as error:
            self._synchronizer.query_failed(query.number)
            self._report(SERVER, error, error)
            return
        self._after_result()
        self._failing.discard(SERVER)
        self._send()

    def _begin_read(self, read: _rust.TruthRead) -> None:
        try:
            threading.Thread(target=self._read, args=(read,), name="boltguard-revocation-list", daemon=True).start()
        except BaseException:
            # No other read begins before its result.
            self._synchronizer.truth_failed(read.number)
            raise

    def _read(self, read: _rust.TruthRead) -> None:
        try:
            # Everything, also where new entries would suffice: a transaction may take any time to commit, so no time
            # or key tells which entries are new.
            count = 0
            for page in self._read_truth(read.expired_at):
                self._synchronizer.handle_truth(read.number, page)
                count += len(page)
                self._report_progress(count, len(page))
            self._synchronizer.truth_complete(read.number)
        except BaseException as error:
            self._synchronizer.truth_failed(read.number)
            self._report(LIST, type(error).__name__, error)
        else:
            self._after_result()
            self._failing.discard(LIST)
        finally:
            connections.close_all()
            self._wake.set()

    def _report_progress(self, count: int, new: int) -> None:
        """Logs how many entries were read for the first synchronization, which can take minutes."""
        if not self._is_synced.is_set() and count // PROGRESS > (count - new) // PROGRESS:
            logger.info("Reading the revocation list for the first time: %d entries so far.", count)

    def _after_result(self) -> None:
        self._count_losses()
        if self._replica.state == "current":
            self._is_synced.set()

    def _count_losses(self) -> None:
        with self._lock:
            new, self._counted = self._synchronizer.losses - self._counted, self._synchronizer.losses
            if new > 0:
                self.losses[self._synchronizer.last_loss] += new

    def _report_full(self) -> None:
        """Logs once that the list has too many entries: nothing but a larger copy ends that state."""
        was_full, self._is_full = self._is_full, self._replica.state == "full"
        if self._is_full and not was_full:
            logger.error(FULL, len(self._replica))

    def _send(self) -> None:
        """Appends entries that couldn't be appended before."""
        for _ in range(min(len(self._outbox), MOST_APPENDED)):
            assert self._stream is not None
            try:
                self._stream.append(self._outbox[0].fields(), is_awaited=False)
            except Exception as error:
                self._report(SERVER, error, error)
                return
            self._outbox.popleft()

    def _report(self, problem: str, reason: object, error: BaseException) -> None:
        """Logs once that a server is unavailable. Any other exception is an error of a program, or a wrong setting."""
        if not isinstance(error, (ServerError, *DATABASE_UNAVAILABLE)):
            log_failure(FAILED, error)
        elif problem not in self._failing:
            self._failing.add(problem)
            logger.warning("The revocation list can't be followed: %s (%s).", problem, reason)


SERVER, LIST = "its server is unavailable", "the complete list can't be read"
FAILED = "The follower of the revocation list failed. It continues, but the copy isn't current meanwhile."
FULL = (
    "The revocation list has more than max_entries entries, so this process refuses all tokens with 503. Increase "
    "max_entries of ReplicatedRevocation, in which %d entries fit, and run boltguard_prune."
)
# The number of entries after which the first synchronization reports its progress.
PROGRESS = 100_000
# How long a check waits for the first synchronization of a process, so that its first requests aren't refused.
FIRST_WAIT = 2.0
# How many entries are appended after a query, so that the next one isn't late.
MOST_APPENDED = 100
# Entries that couldn't be appended. They are also in the database, which every process reads once per minute.
MOST_UNSENT = 10_000
