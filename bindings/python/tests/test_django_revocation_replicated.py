"""`ReplicatedRevocation`: no process accepts a token later than the bound after its revocation returned.

All times are of the monotonic clock, and a check is judged by the time before it. So a slow machine makes the tests
slower, but a test can't fail because of that.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.db import connections, transaction

from boltguard import BoltAPI
from boltguard.auth import (
    DjangoORMRevocation,
    IsAuthenticated,
    JWTAuthentication,
    ReplicatedRevocation,
    RevocationQuery,
    replica_truth,
)
from boltguard.auth.secret_box import SecretBox
from boltguard.checks.stores import check_store as checks_of_store
from boltguard.exceptions import RevocationUnavailable
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.testing.revocation import check_store
from test_django_revocation_caches import free_port, redis

from children import in_child
from databases import SERVERS, database_on
from support import bearer, mount, wsgi

pytest.importorskip("redis")

HERE = Path(__file__).parent
BOUND = 0.6
# How long a test waits for something without a separate bound. It is never the time that is measured.
TIME_LIMIT = 60.0


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Tables in a file, because threads can't share an SQLite database in memory."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("tables"))
    try:
        with database_on("", "default", OPTIONS={"timeout": 20}) as connection:
            yield connection
    finally:
        os.chdir(before)


@pytest.fixture(autouse=True)
def _empty(table):
    yield
    RevokedToken.objects.all().delete()
    RevocationWatermark.objects.all().delete()


@pytest.fixture
def port():
    port = free_port()
    with redis(port):
        yield port


@pytest.fixture
def make():
    """Creates stores, which are independent of each other as if they were in different processes."""
    stores = []

    def make(port, **options):
        url = None if port is None else f"redis://:@127.0.0.1:{port}/0"
        stores.append(ReplicatedRevocation(url, **{"max_staleness": BOUND, **options}))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def wait_for(condition):
    end = time.monotonic() + TIME_LIMIT
    while not condition():
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.01)


def synced(store):
    """The store, once it is current."""
    with_errors(lambda: store.is_revoked("unknown"))
    wait_for(lambda: store.replica.state == "current")
    return store


def with_errors(function):
    try:
        return function()
    except RevocationUnavailable:
        return "unavailable"


class Fleet:
    """A process that revokes and another one that checks; which tokens were acknowledged, and when."""

    def __init__(self, revoking, checking):
        self.revoking, self.checking = revoking, checking
        self.acknowledged, self.count = {}, 0

    def revoke(self):
        self.count += 1
        jti = f"token-{self.count}"
        if with_errors(lambda: self.revoking.revoke(jti, 600)) != "unavailable":
            self.acknowledged[jti] = time.monotonic()
        return jti

    def check_all(self):
        """Checks all tokens. None that was acknowledged earlier than the bound may be accepted."""
        found = set()
        for jti, acknowledged in self.acknowledged.items():
            before = time.monotonic()
            result = with_errors(lambda jti=jti: self.checking.is_revoked(jti))
            found.add(result)
            late = before - acknowledged
            assert result is not False or late <= BOUND, f"{jti} was accepted {late:.3f} s after its revocation"
        return found

    def run(self, seconds, *, revokes=True):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if revokes:
                self.revoke()
            self.check_all()
            time.sleep(0.005)

    def recover(self):
        """Waits until a new revocation arrives, and no check fails any more."""

        def is_complete():
            jti = self.revoke()
            time.sleep(BOUND / 4)
            return jti in self.acknowledged and self.check_all() == {True}

        wait_for(is_complete)


@contextmanager
def paused(store):
    """Holds the thread of a store before its next query."""
    stream, go_on, is_held = store._follower._stream, threading.Event(), threading.Event()
    query = stream.query

    def hold(action):
        is_held.set()
        go_on.wait()
        return query(action)

    stream.query = hold
    try:
        assert is_held.wait(TIME_LIMIT)
        yield
    finally:
        stream.query = query
        go_on.set()


@pytest.fixture
def fleet(make, port):
    fleet = Fleet(synced(make(port)), synced(make(port)))
    fleet.run(BOUND)
    assert True in fleet.check_all()
    return fleet


def client(port):
    import redis

    return redis.Redis(port=port, socket_timeout=10)


# Faults


def test_server_that_is_stopped(fleet, port):
    pid = client(port).info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        fleet.run(BOUND)
        wait_for(lambda: fleet.checking.replica.state == "stale")
        assert with_errors(lambda: fleet.checking.is_revoked("unknown")) == "unavailable"
        assert fleet.check_all() == {True, "unavailable"} or fleet.check_all() == {True}
    finally:
        os.kill(pid, signal.SIGCONT)
    fleet.recover()


def test_server_that_is_killed_and_restarted_empty(make):
    port = free_port()
    with redis(port) as server:
        fleet = Fleet(synced(make(port)), synced(make(port)))
        fleet.run(BOUND)
        server.kill()
        fleet.run(BOUND / 2)
    with redis(port):
        fleet.run(BOUND)
        fleet.recover()
        assert fleet.checking.describe()["losses"]["restarted"] >= 1


def test_server_that_is_flushed(fleet, port):
    for _ in range(3):
        fleet.run(BOUND / 3)
        client(port).flushall()
        fleet.run(BOUND / 3)
    fleet.recover()


@pytest.mark.parametrize("command", ["FLUSHALL", "DEL boltguard:revocations:stream"])
def test_empty_stream_that_is_removed_between_two_queries(make, port, command):
    fleet = Fleet(synced(make(port)), synced(make(port)))
    with paused(fleet.checking):
        jti = fleet.revoke()
        assert jti in fleet.acknowledged
        client(port).execute_command(*command.split())
    wait_for(lambda: with_errors(lambda: fleet.checking.is_revoked(jti)) is True or fleet.check_all() == {False})
    fleet.run(2 * BOUND, revokes=False)
    fleet.recover()
    assert fleet.checking.describe()["losses"]["flushed"] >= 1


def test_stream_that_is_trimmed_behind_a_paused_follower(fleet, port):
    with paused(fleet.checking):
        for _ in range(5):
            fleet.revoke()
        client(port).xtrim("boltguard:revocations:stream", maxlen=1, approximate=False)
        fleet.run(BOUND, revokes=False)
    fleet.recover()
    assert fleet.checking.describe()["losses"]["missing_rows"] >= 1


def test_follower_that_is_paused(fleet):
    with paused(fleet.checking):
        fleet.run(2 * BOUND)
        assert fleet.checking.replica.state == "stale"
    fleet.recover()


class Proxy:
    """A TCP proxy whose connections can be cut off without being closed."""

    def __init__(self, port):
        self.target, self.is_cut = port, False
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                accepted, _ = self.server.accept()
                other = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            for ends in ((accepted, other), (other, accepted)):
                threading.Thread(target=self.copy, args=ends, daemon=True).start()

    def copy(self, source, target):
        try:
            while data := source.recv(65536):
                if not self.is_cut:
                    target.sendall(data)
        except OSError:
            pass
        finally:
            target.close()


def test_network_that_is_cut_off(make, port):
    proxy = Proxy(port)
    fleet = Fleet(synced(make(port)), synced(make(proxy.port)))
    fleet.run(BOUND)
    proxy.is_cut = True
    fleet.run(2 * BOUND)
    assert fleet.acknowledged and fleet.checking.replica.state == "stale"
    proxy.is_cut = False
    fleet.recover()
    proxy.server.close()


def test_primary_that_is_demoted(make, port):
    other = free_port()
    with redis(other):
        fleet = Fleet(synced(make(port)), synced(make(port)))
        fleet.run(BOUND)
        client(port).execute_command("REPLICAOF", "127.0.0.1", other)
        fleet.run(BOUND)
        wait_for(lambda: fleet.checking.replica.state == "stale")
        with pytest.raises(RevocationUnavailable, match="couldn't be told"):
            fleet.revoking.revoke("while it is a replica", 600)
        assert fleet.revoking.is_revoked("while it is a replica")
        client(port).execute_command("REPLICAOF", "NO", "ONE")
        fleet.recover()
        wait_for(lambda: with_errors(lambda: fleet.checking.is_revoked("while it is a replica")) is True)
        assert fleet.checking.describe()["losses"]["not_primary"] >= 1


def test_list_that_is_read_slowly(fleet, port, monkeypatch):
    pages, may_end = replica_truth.pages, threading.Event()

    def slow(*arguments):
        found = list(pages(*arguments))
        may_end.wait(TIME_LIMIT)
        return iter(found)

    monkeypatch.setattr(replica_truth, "pages", slow)
    client(port).flushall()
    fleet.run(3 * BOUND)
    assert fleet.checking.replica.state == "stale"
    may_end.set()
    fleet.recover()


def test_user_of_the_server_with_the_documented_permissions(make, port):
    words = "xadd xgroup|create xinfo xrange xtrim multi exec info wait".split()
    keys = "~boltguard:revocations:stream"
    client(port).execute_command("ACL", "SETUSER", "site", "on", ">secret", keys, *(f"+{word}" for word in words))
    url = f"redis://site:secret@127.0.0.1:{port}/0"
    with closing(ReplicatedRevocation(url, max_staleness=20)) as store:
        synced(store).revoke("a", 600)
        other = synced(make(port))
        assert other.is_revoked("a") and store.describe()["unsent"] == 0


# The database without a server


def test_polled_database(make):
    fleet = Fleet(synced(make(None)), synced(make(None)))
    fleet.run(2 * BOUND)
    fleet.recover()
    assert fleet.checking.describe()["engine"] == "database"


def test_polled_database_that_fails(make, monkeypatch):
    fleet = Fleet(synced(make(None)), synced(make(None)))

    def fail(*arguments):
        raise OSError("no database")

    with monkeypatch.context() as patch:
        patch.setattr(replica_truth, "pages", fail)
        fleet.run(2 * BOUND)
        assert fleet.checking.replica.state == "stale"
    fleet.recover()


# The contract


@pytest.mark.parametrize("has_stream", [True, False])
def test_contract(make, port, has_stream):
    check_store(lambda: make(port if has_stream else None, max_staleness=20), uses_threads=False)


@pytest.mark.parametrize("url", SERVERS)
def test_contract_on_a_server(make, port, url):
    with database_on(url, "default"):
        stores = []
        try:
            check_store(lambda: stores.append(make(port, max_staleness=20)) or stores[-1])
        finally:
            for store in stores:
                store.close()


def test_entries_of_the_table_and_of_the_stream_are_the_same(make, port):
    revoking, early, late = make(port), synced(make(port)), make(port)
    ids = ["a", "A", "ü", "x" * 300, "a\0b", "~a", "\n"]
    for jti in ids:
        revoking.revoke(jti, 600)
    revoking.revoke_session("s")
    revoking.revoke_subject("1", issuer="i", ttl=600)
    queries = [RevocationQuery(jti) for jti in ids] + [
        RevocationQuery("b", session_id="s"),
        RevocationQuery("b", subject="1", issuer="i"),
    ]
    others = [RevocationQuery("b"), RevocationQuery("X" * 300), RevocationQuery("b", subject="1", issuer="j")]
    wait_for(lambda: all(with_errors(lambda q=q: early.check(q)) is True for q in queries))
    for store in (early, synced(late)):
        assert [store.check(query) for query in queries] == [True] * len(queries)
        assert [store.check(query) for query in others] == [False] * len(others)


# Transactions


def test_revocation_in_a_transaction_is_announced_again_after_the_commit(make, port):
    store = make(port)
    with transaction.atomic():
        store.revoke("a", 600)
        assert client(port).xlen("boltguard:revocations:stream") == 1
    assert client(port).xlen("boltguard:revocations:stream") == 2


def test_revocation_that_is_rolled_back_is_made_again(make, port):
    api, store = BoltAPI(), make(port)

    @api.get("/end", auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])
    def end(request):
        with transaction.atomic():
            store.revoke("rolled back", 600)
            raise ValueError("a bug")

    mount(api=api)
    synced(store)
    assert wsgi("get", "/end", bearer(sub="1", jti="a")).status_code == 500
    assert RevokedToken.objects.filter(jti="rolled back").exists()
    assert client(port).xlen("boltguard:revocations:stream") >= 2


# The gate


def site(store, **options):
    api = BoltAPI()
    api.get("/x", auth=[JWTAuthentication(revocation_store=store, **options)], guards=[IsAuthenticated()])(lambda: {})
    mount(api=api)


def test_gate_checks_the_copy_without_a_call_of_python(make, port, monkeypatch):
    store = make(port, max_staleness=20)
    site(store)
    headers = bearer(sub="1", jti="a")
    assert wsgi("get", "/x", headers).status_code == 200
    for name in ("check", "acheck", "is_revoked"):
        monkeypatch.setattr(ReplicatedRevocation, name, lambda *_: pytest.fail("called"))
    assert wsgi("get", "/x", headers).status_code == 200
    store.revoke("a", 600)
    assert wsgi("get", "/x", headers).status_code == 401


def test_gate_refuses_with_503_while_the_copy_is_stale(make, port):
    store = make(port)
    site(store)
    with paused(synced(store)):
        wait_for(lambda: store.replica.state == "stale")
        response = wsgi("get", "/x", bearer(sub="1", jti="a"))
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert response.json()["code"] == "revocation_unavailable"
        store.revoke("b", 600)
        assert wsgi("get", "/x", bearer(sub="1", jti="b")).status_code == 401
    wait_for(lambda: wsgi("get", "/x", bearer(sub="1", jti="a")).status_code == 200)


def test_process_that_was_never_synced_refuses(make):
    store = make(free_port())
    site(store)
    assert wsgi("get", "/x", bearer(sub="1", jti="a")).status_code == 503
    assert store.describe()["state"] == "never_synced"
    assert store.describe()["synced_before"] is None


def test_stale_copy_with_ask_queries_the_database(make, monkeypatch):
    store = make(free_port(), on_stale="ask")
    site(store)
    DjangoORMRevocation().revoke("b", 600)
    statuses = [wsgi("get", "/x", bearer(sub="1", jti=jti)).status_code for jti in "ab"]
    # A slow machine may miss the deadline.
    assert statuses[0] in (200, 503) and statuses[1] in (401, 503)
    monkeypatch.setattr(replica_truth, "ASK_DEADLINE", TIME_LIMIT, raising=False)
    monkeypatch.setattr("boltguard.auth.replicated_store.ASK_DEADLINE", TIME_LIMIT)
    assert [wsgi("get", "/x", bearer(sub="1", jti=jti)).status_code for jti in "ab"] == [200, 401]
    assert asyncio.run(store.ais_revoked("b")) is True
    monkeypatch.setattr("boltguard.auth.replicated_store.ASK_DEADLINE", 0.05)
    monkeypatch.setattr(DjangoORMRevocation, "check", lambda *_: time.sleep(0.5))
    assert wsgi("get", "/x", bearer(sub="1", jti="a")).status_code == 503


# Processes


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_process_starts_afresh(make, port):
    store = synced(make(port))
    store.revoke("a", 600)

    def child():
        was_never_synced = store.replica.state == "never_synced" and len(store.replica) == 0
        return was_never_synced and not store.describe()["is_running"] and store.is_revoked("a")

    connections.close_all()
    assert in_child(child)
    assert store.is_revoked("a")


@pytest.mark.parametrize("has_stream", [True, False])
def test_processes_see_revocations_of_each_other(table, port, has_stream):
    url = f"redis://127.0.0.1:{port}/0" if has_stream else ""
    command = [sys.executable, str(HERE / "replicated_site.py"), table.settings_dict["NAME"], url, str(BOUND)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": os.getcwd()}
    processes = [subprocess.Popen(command, **pipes) for _ in range(2)]

    def run(process, *words):
        print(*words, file=process.stdin, flush=True)
        result, before, after = process.stdout.readline().split()
        return result, float(before), float(after)

    try:
        for process in processes:
            wait_for(lambda process=process: run(process, "check", "unknown")[0] == "False")
        for number in range(6):
            revoking, checking = processes[number % 2], processes[1 - number % 2]
            result, _, acknowledged = run(revoking, "revoke", f"t{number}")
            assert result == "done" and run(revoking, "check", f"t{number}")[0] == "True"
            while (found := run(checking, "check", f"t{number}"))[0] != "True":
                assert found[0] == "unavailable" or found[1] - acknowledged <= BOUND
                time.sleep(0.005)
    finally:
        for process in processes:
            process.stdin.close()
        # The follower ends with the interpreter.
        assert [process.wait(TIME_LIMIT) for process in processes] == [0, 0]


# Configuration


def test_secrets_of_the_url_are_not_shown(caplog):
    url = f"redis://user:hunter2@127.0.0.1:{free_port()}/0"
    store = ReplicatedRevocation(url, max_staleness=0.1)
    with pytest.raises(RevocationUnavailable) as raised:
        store.revoke("a", 600)
    with_errors(lambda: store.is_revoked("a"))
    wait_for(lambda: caplog.records)
    shown = [repr(store), str(raised.value), repr(raised.value.__context__), caplog.text, str(store.describe())]
    assert "hunter2" not in " ".join(shown) and "SecretBox" not in repr(store)
    store.close()
    for invalid in ("hunter2://x", "redis://:hunter2@[x", SecretBox("hunter2")):
        with pytest.raises(Exception, match="ReplicatedRevocation: url") as error:
            ReplicatedRevocation(invalid)
        assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        {"max_staleness": 0},
        {"max_staleness": "5"},
        {"max_staleness": float("nan")},
        {"on_stale": "allow"},
        {"truth": "a table"},
        {"prefix": ""},
        {"wait_replicas": -1},
        {"max_entries": 0},
        {"stream_rows": True},
    ],
    ids=str,
)
def test_invalid_options_are_refused(options):
    with pytest.raises(Exception, match=f"ReplicatedRevocation: {next(iter(options))}"):
        ReplicatedRevocation(None, **options)


def test_without_redis_py(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(Exception, match=r"boltguard\[redis\]"):
        ReplicatedRevocation("redis://localhost/0")
    ReplicatedRevocation(None)


def test_table_whose_methods_are_overridden_is_refused():
    class Own(DjangoORMRevocation):
        def is_revoked(self, jti):
            return False

    with pytest.raises(Exception, match="Own.is_revoked of truth"):
        ReplicatedRevocation(None, truth=Own())


def test_table_is_checked(make):
    store = make(None, truth=DjangoORMRevocation("boltguard.models.RevocationWatermark"))
    assert [message.id for message in checks_of_store(store)] == ["boltguard.E203"]
    assert [message.id for message in checks_of_store(make(None))] == []


def test_wait_for_replicas_that_do_not_exist(make, port):
    store = make(port, wait_replicas=1, max_staleness=20)
    with pytest.raises(RevocationUnavailable, match="too few replicas"):
        store.revoke("a", 600)
    assert client(port).xlen("boltguard:revocations:stream") == 1 and store.describe()["unsent"] == 0
