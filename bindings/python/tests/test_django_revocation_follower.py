"""The thread of `ReplicatedRevocation`, with a server that is a class."""

import threading
import time
from itertools import pairwise

import pytest
from django.db import OperationalError
from django.test import override_settings

from boltguard import _rust
from boltguard.auth import DjangoORMRevocation, replica_follower, replica_truth
from boltguard.auth.replica_follower import ReplicaThread
from boltguard.auth.replica_stream import ServerError

TIME_LIMIT = 60.0
BOUND = 0.4


def wait_for(condition):
    end = time.monotonic() + TIME_LIMIT
    while not condition():
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.005)


class Server:
    """A stream in memory. `error` is raised by each command."""

    def __init__(self):
        self.rows, self.error, self.run_id, self.epoch, self.is_closed = [], None, "r", None, False

    def query(self, query):
        if self.error is not None:
            raise self.error
        self.epoch = self.epoch or query.new_epoch
        after = int(query.after.split("-")[0])
        return _rust.StreamResponse(
            entries_added=len(self.rows),
            last_id=f"{len(self.rows)}-0",
            rows=self.rows[after : after + query.limit],
            epoch=self.epoch,
            run_id=self.run_id,
            replication_id="p",
            is_primary=True,
        )

    def append(self, fields, is_awaited=True):
        if self.error is not None:
            raise self.error
        row = [(name.encode(), value.encode()) for name, value in fields]
        self.rows.append((f"{len(self.rows) + 1}-0", row))

    def close(self):
        self.is_closed = True


class List:
    def __init__(self):
        self.entries, self.error, self.reads = [], None, 0

    def __call__(self, expired_at):
        self.reads += 1
        if self.error is not None:
            raise self.error
        yield list(self.entries)


@pytest.fixture
def parts():
    server, truth, replica = Server(), List(), _rust.RevocationReplica(1000, retry_in=1)
    follower = ReplicaThread(replica, truth, server, BOUND)
    yield follower, replica, server, truth
    follower.stop(TIME_LIMIT)


def entry(jti):
    return _rust.RevocationEntry.token(jti, time.time() + 600)


def is_revoked(replica, jti):
    try:
        return replica.check(_rust.RevocationQuery(jti))
    except Exception:
        return None


def test_list_and_stream_are_read(parts):
    follower, replica, server, truth = parts
    truth.entries.append(entry("a"))
    assert (replica.state, follower.is_running) == ("never_synced", False)
    follower.start()
    wait_for(lambda: replica.state == "current")
    assert is_revoked(replica, "a") and is_revoked(replica, "b") is False
    server.append(entry("b").fields())
    wait_for(lambda: is_revoked(replica, "b"))
    assert dict(follower.losses) == {"start": 1}
    assert follower.rest_of_first_wait == 0.0


def test_progress_of_the_first_synchronization_alone_is_logged(parts, caplog, monkeypatch):
    monkeypatch.setattr(replica_follower, "PROGRESS", 2)
    follower, replica, server, truth = parts
    truth.entries.extend(map(entry, "abc"))
    with caplog.at_level("INFO", "boltguard"):
        follower.start()
        wait_for(lambda: replica.state == "current")
        server.run_id = "restarted"
        wait_for(lambda: truth.reads > 1 and replica.state == "current")
    assert [record.args for record in caplog.records if "so far" in record.message] == [(3,)]


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("a bug"), RuntimeError("a bug")], ids=repr)
@pytest.mark.parametrize("part", ["server", "list"])
def test_thread_outlives_every_error(parts, error, part):
    follower, replica, server, truth = parts
    broken = server if part == "server" else truth
    broken.error = error
    follower.start()
    time.sleep(BOUND)
    assert follower.is_running and replica.state == "never_synced"
    broken.error = None
    wait_for(lambda: replica.state == "current")
    server.error = error
    wait_for(lambda: replica.state == "stale")
    server.error = None
    wait_for(lambda: replica.state == "current")


@pytest.mark.parametrize("part", ["query", "response", "append", "list"])
def test_error_of_a_program_is_logged_as_what_it_is(parts, caplog, part):
    follower, replica, server, truth = parts
    query, error = server.query, TypeError("a bug")

    def fail(*arguments, **options):
        raise error

    if part == "list":
        truth.error = error
    elif part == "append":
        server.append = fail
        follower.append_later(entry("a"))
    else:
        server.query = fail if part == "query" else lambda query: "not a response"
    follower.start()
    wait_for(lambda: [record for record in caplog.records if record.exc_info])
    time.sleep(BOUND)
    records = [record for record in caplog.records if record.name == "boltguard"]
    assert [record.levelname for record in records] == ["ERROR"] * len(records)
    assert [record.exc_info is not None for record in records] == [True] + [False] * (len(records) - 1)
    assert records[0].message == replica_follower.FAILED and records[0].exc_info[0] is TypeError
    assert "unavailable" not in caplog.text
    # What can't be appended is in the complete list.
    assert replica.state == ("current" if part == "append" else "never_synced")
    server.query, truth.error = query, None
    wait_for(lambda: replica.state == "current")


@pytest.mark.parametrize("part", ["server", "list"])
def test_unavailable_server_is_logged_once_without_a_traceback(parts, caplog, part):
    follower, replica, server, truth = parts
    broken = server if part == "server" else truth
    broken.error = ServerError("ConnectionError") if part == "server" else OperationalError("gone")
    follower.start()
    wait_for(lambda: caplog.records)
    time.sleep(BOUND)
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None) and "can't be followed" in record.message
    assert replica.state == "never_synced"


def test_restart_of_the_server_reads_the_list_again(parts):
    follower, replica, server, truth = parts
    follower.start()
    wait_for(lambda: replica.state == "current")
    truth.entries.append(entry("a"))
    server.run_id = "another"
    wait_for(lambda: is_revoked(replica, "a"))
    assert follower.losses["restarted"] == 1 and truth.reads == 2


def test_own_entry_takes_effect_before_the_thread_starts_and_afterwards(parts):
    follower, replica, *_ = parts
    follower.insert(entry("a"))
    assert is_revoked(replica, "a") and replica.state == "never_synced" and not follower.is_running
    follower.start()
    wait_for(lambda: replica.state == "current")
    follower.insert(entry("b"))
    assert is_revoked(replica, "a") and is_revoked(replica, "b") and is_revoked(replica, "c") is False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_that_ended_is_replaced(parts):
    follower, replica, server, truth = parts
    server.error = SystemExit()
    follower.start()
    wait_for(lambda: not follower.is_running)
    server.error = None
    follower.start()
    wait_for(lambda: replica.state == "current")
    assert dict(follower.losses) == {"start": 1} and truth.reads == 1


def test_unsent_entries_are_appended_later(parts):
    follower, replica, server, truth = parts
    server.error = OSError("gone")
    follower.append_later(entry("a"))
    assert follower.is_running and follower.unsent == 1
    time.sleep(BOUND)
    assert follower.unsent == 1
    server.error = None
    wait_for(lambda: follower.unsent == 0)
    assert len(server.rows) == 1


def test_stream_is_queried_while_many_unsent_entries_are_appended(parts):
    follower, _, server, _ = parts
    query, lengths = server.query, []
    server.query = lambda action: (lengths.append(len(server.rows)), query(action))[1]
    for number in range(250):
        follower.append_later(entry(str(number)))
    wait_for(lambda: follower.unsent == 0)
    appended = [after - before for before, after in pairwise([*lengths, 250])]
    assert len(server.rows) == 250 and max(appended) <= 100


def test_several_threads_start_one_follower(parts):
    follower = parts[0]
    start = threading.Barrier(8)
    threads = [threading.Thread(target=lambda: (start.wait(), follower.start())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(thread is follower._thread for thread in threading.enumerate()) == 1
    assert follower.is_running


def test_stopped_follower_closes_the_connection(parts):
    follower, _, server, _ = parts
    follower.start()
    follower.stop(TIME_LIMIT)
    assert server.is_closed and not follower.is_running
    follower.start()
    assert not follower.is_running


@pytest.mark.parametrize("has_zones", [True, False])
def test_table_is_read_in_any_time_zone(ada, has_zones):
    table = DjangoORMRevocation()
    with override_settings(USE_TZ=has_zones, TIME_ZONE="America/New_York"):
        table.revoke("kept", 3600)
        [[entry], *_] = replica_truth.pages(table, time.time())
        assert "kept" in dict(entry.fields()).values()
        assert not any(replica_truth.pages(table, time.time() + 2 * 86400))
