"""The judge of `cargo xtask soak`, and the processes of its driver. Times are invented, except where a process ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

BENCHES = Path(__file__).resolve().parents[3] / "benches"
sys.path.append(str(BENCHES))

from soak import history, report  # noqa: E402
from soak.account import LATEST_EFFECT, AccessToken, LiveSession  # noqa: E402
from soak.clients import Revoker, User  # noqa: E402
from soak.http_client import Response, Server  # noqa: E402
from soak.judge import (  # noqa: E402
    ACCEPTED_REVOKED,
    CONTINUED_ENDED,
    DIFFERENT_PAIRS,
    LOST_SESSION,
    NEVER,
    REFUSED_VALID,
    UNEXPECTED,
    Call,
    Credential,
    Fault,
    Log,
    Outage,
    Refresh,
    Revocation,
    Session,
    Twins,
    Use,
    judge,
)

BOUND = 1.0
IDS = {"token": "t", "session": "s", "subject": "1", "issuer": "i", "key": "k"}
TOKEN = Credential(IDS, requested=10.0, received=11.0)
SESSION = Session("s", "1", requested=5.0, received=6.0)
TIME_LIMIT = 60.0


def revoked(level="token", sent=20.0, done=21.0, is_acknowledged=True, *, ends_sessions=False, value=None):
    return Revocation(level, value or IDS[level], sent, done, is_acknowledged, ends_sessions)


def used(sent, status, token=TOKEN, took=0.1, server="wsgi"):
    return Use(token, server, sent, sent + took, status)


def refreshed(sent, status, session=SESSION):
    return Refresh(session, "asgi", sent, sent + 0.1, status, "a_code")


def kinds(*events):
    log = Log()
    lists = {Use: log.uses, Refresh: log.refreshes, Revocation: log.revocations, Call: log.calls, Twins: log.twins}
    for event in events:
        lists[type(event)].append(event)
    return [violation.kind for violation in judge(log, BOUND).violations]


def verdict(*events):
    log = Log()
    log.uses = [event for event in events if isinstance(event, Use)]
    log.revocations = [event for event in events if isinstance(event, Revocation)]
    log.outages = [event for event in events if isinstance(event, Outage)]
    return judge(log, BOUND)


# A revoked token


@pytest.mark.parametrize("level", IDS)
def test_token_that_is_accepted_later_than_the_bound(level):
    assert kinds(revoked(level), used(22.001, 200)) == [ACCEPTED_REVOKED]


@pytest.mark.parametrize("level", IDS)
@pytest.mark.parametrize("status", [401, 503, None])
def test_token_that_is_not_accepted_later_than_the_bound(level, status):
    assert kinds(revoked(level), used(22.001, status)) == []


def test_token_that_is_accepted_within_the_bound():
    assert kinds(revoked(), used(21.999, 200)) == []


def test_request_counts_when_it_is_sent_however_long_it_takes():
    assert kinds(revoked(), used(21.9, 200, took=5.0)) == []


def test_first_acknowledgement_counts():
    assert kinds(revoked(done=40.0), revoked("session", done=21.0), used(23.0, 200)) == [ACCEPTED_REVOKED]


def test_revocation_without_acknowledgement_is_not_judged():
    found = verdict(revoked(is_acknowledged=False), used(30.0, 200), used(31.0, 401))
    assert found.violations == [] and found.undecided == 2 and found.unknown == 1


def test_revocation_of_another_token_does_not_matter():
    assert kinds(revoked(value="another"), used(30.0, 200)) == []


@pytest.mark.parametrize("level", ["subject", "issuer", "key"])
def test_token_that_was_requested_after_the_revocation_of_a_level_is_valid(level):
    later = Credential(IDS, requested=21.5, received=21.6)
    assert kinds(revoked(level), used(23.0, 200, later)) == []
    assert kinds(revoked(level), used(23.0, 401, later)) == [REFUSED_VALID]


@pytest.mark.parametrize("level", ["subject", "issuer", "key"])
def test_token_that_was_issued_at_the_same_time_is_not_judged(level):
    simultaneous = Credential(IDS, requested=19.0, received=20.5)
    assert kinds(revoked(level), used(23.0, 200, simultaneous), used(23.0, 401, simultaneous)) == []


def test_token_of_an_ended_session_is_revoked_whenever_it_was_issued():
    later = Credential(IDS, requested=21.5, received=21.6)
    assert kinds(revoked("session"), used(23.0, 200, later)) == [ACCEPTED_REVOKED]


def test_expired_token_is_not_judged():
    expired = TOKEN._replace(expires=22.0)
    found = verdict(revoked(), used(23.0, 401, expired))
    assert found.violations == [] and found.revoked.total() == 0


def test_copy_that_never_changes_is_found_on_the_process_that_has_it():
    """As with `--follower plain`: one process has lost a row, and accepts the token from then on."""
    process = [
        Use(TOKEN, name, 22.5 + number, 22.6 + number, status)
        for name, status in (("wsgi", 401), ("asgi", 200))
        for number in range(3)
    ]
    found = verdict(revoked(), *process)
    assert found.counts() == Counter({ACCEPTED_REVOKED: 3})
    assert found.revoked == {("wsgi", "refused"): 3, ("asgi", "accepted"): 3}
    assert all("asgi" in violation.what for violation in found.violations)


# A valid token


def test_valid_token_that_is_refused():
    assert kinds(used(12.0, 401)) == [REFUSED_VALID]


def test_valid_token_while_the_list_is_stale():
    found = verdict(used(12.0, 503), used(13.0, None), used(14.0, 200))
    counts = {("wsgi", "unavailable"): 1, ("wsgi", "no response"): 1, ("wsgi", "accepted"): 1}
    assert found.violations == [] and found.valid == counts


def test_valid_token_during_an_outage_of_the_database():
    outage = Outage(13.0, 15.0)
    found = verdict(outage, *[used(sent, 200, server="rust") for sent in (12.9, 13.0, 14.9, 15.0)], used(14.0, 503))
    assert found.during_outages == {("rust", "accepted"): 2, ("wsgi", "unavailable"): 1} and found.valid.total() == 5
    revoked_then = verdict(outage, revoked(sent=13.5, done=13.6), used(14.0, 200))
    assert revoked_then.during_outages.total() == 0


def test_token_that_is_refused_before_its_revocation_was_sent():
    assert kinds(revoked(), used(19.0, 401)) == [REFUSED_VALID]
    assert kinds(revoked(), used(19.95, 401)) == []


@pytest.mark.parametrize("status", [500, 502, 400, 404, 302])
def test_unexpected_status(status):
    assert kinds(used(12.0, status)) == [UNEXPECTED]
    assert kinds(refreshed(12.0, status)) == [UNEXPECTED]
    assert kinds(Call("a login", "wsgi", status)) == [UNEXPECTED]


def test_call_may_have_its_own_statuses():
    assert kinds(Call("a login", "wsgi", 204), Call("a login", "wsgi", 503), Call("a login", "wsgi", None)) == []
    assert kinds(Call("a login", "wsgi", 401)) == [UNEXPECTED]
    assert kinds(Call("a stolen token", "wsgi", 401, (401,))) == []
    assert kinds(Call("a stolen token", "wsgi", 200, (401,))) == [UNEXPECTED]


# Sessions


def test_session_that_is_lost():
    assert kinds(refreshed(12.0, 401)) == [LOST_SESSION]


@pytest.mark.parametrize("status", [200, 503, None])
def test_session_that_continues(status):
    assert kinds(refreshed(12.0, status)) == []


@pytest.mark.parametrize("level", ["session", "subject"])
def test_session_that_was_ended(level):
    end = revoked(level, ends_sessions=True)
    assert kinds(end, refreshed(22.0, 401)) == []
    assert kinds(end, refreshed(22.0, 200)) == [CONTINUED_ENDED]
    assert kinds(end, refreshed(20.5, 200), refreshed(20.5, 401)) == []
    assert kinds(end, refreshed(19.0, 401)) == [LOST_SESSION]


def test_session_whose_end_is_unknown():
    end = revoked("session", is_acknowledged=False, ends_sessions=True)
    assert kinds(end, refreshed(22.0, 401), refreshed(23.0, 200)) == []


def test_session_continues_after_the_revocation_of_its_access_tokens():
    assert kinds(revoked("subject"), refreshed(22.0, 200)) == []
    assert kinds(revoked("subject"), refreshed(22.0, 401)) == [LOST_SESSION]


def test_session_that_began_after_all_of_the_account_were_ended():
    later = SESSION._replace(requested=22.0, received=22.1)
    end = revoked("subject", ends_sessions=True)
    assert kinds(end, refreshed(23.0, 200, later)) == []
    assert kinds(end, refreshed(23.0, 401, later)) == [LOST_SESSION]


def test_simultaneous_refreshes():
    assert kinds(Twins(SESSION, are_equal=True)) == []
    assert kinds(Twins(SESSION, are_equal=False)) == [DIFFERENT_PAIRS]


# The report


FAULTS = [Fault("redis flushed", 1.0, 2.0)] * 20
OUTAGE = Outage(12.0, 14.0)
ENOUGH = [*[revoked()] * 100, *[used(30.0, 401)] * 300, *[used(12.0, 200)] * 900]


def shortfalls(*events, faults=FAULTS, servers=("wsgi",)):
    outages = [event for event in events if isinstance(event, Outage)]
    return report.shortfalls(verdict(*events), Log(faults=faults, outages=outages), servers, seconds=60, bound=BOUND)


def test_too_few_judged_requests_are_a_failure():
    nothing = shortfalls(OUTAGE, faults=[])
    assert len(nothing) == 5 and all("at least" in shortfall for shortfall in nothing)
    assert shortfalls(OUTAGE, *ENOUGH) == []


def test_each_server_must_be_judged():
    """Otherwise, one that always responds with 503 would go unnoticed."""
    missing = shortfalls(OUTAGE, *ENOUGH, servers=("wsgi", "rust"))
    assert len(missing) == 3 and all("on rust" in shortfall for shortfall in missing)


def test_site_that_is_always_unavailable_is_a_failure():
    missing = shortfalls(*[revoked()] * 100, *[used(30.0, 503)] * 300, *[used(12.0, 503)] * 900)
    assert len(missing) == 2


def test_server_that_requires_the_database_is_a_failure():
    before, meanwhile = [used(11.0, 200)] * 900, [used(13.0, 503)] * 900
    (missing,) = shortfalls(OUTAGE, *[revoked()] * 100, *[used(30.0, 401)] * 300, *before, *meanwhile)
    assert "during outages of the database" in missing


def test_load_has_a_row_for_each_server():
    log = Log(uses=[used(1.0 + number, 200, server="rust") for number in range(10)])
    lines = report.load(log, ["wsgi", "rust"]).splitlines()
    assert len(lines) == 3 and "nan" in lines[1]
    assert lines[2].split() == ["rust", "10", "10", "0", "0", "0", "100.00", "100.00"]


def test_violations_show_ids():
    shown = report.violations(verdict(revoked(), *[used(30.0, 200)] * 9))
    assert "9  revoked tokens accepted later than the bound" in shown and "session s" in shown
    assert shown.count("9.000 s after the acknowledgement") == report.SHOWN


def test_history_has_the_events_of_the_accounts_concerned(tmp_path):
    log, other = Log(), Credential({**IDS, "token": "u", "session": "r", "subject": "2"}, 10.0, 11.0)
    log.uses = [used(12.0, 401), used(12.5, 200, other)]
    log.refreshes = [refreshed(11.5, 200)]
    log.revocations = [revoked("session"), revoked("session", value="r"), revoked("issuer", sent=14.0, done=14.5)]
    log.faults = [Fault("redis flushed", 11.9, 12.1)]
    history.write(log, judge(log, BOUND), tmp_path / "events.log")
    lines = (tmp_path / "events.log").read_text().splitlines()
    events = ("refresh of session s", "fault: redis flushed", "use of t, session s, on wsgi: 401")
    events = (*events, "revocation of issuer i: acknowledged", "revocation of session s: acknowledged")
    assert len(lines) == len(events) and all(event in line for event, line in zip(events, lines, strict=True))
    assert lines[1].startswith("    0.400     0.600  fault")


def test_tokens_are_not_shown():
    access = AccessToken(TOKEN, 0, "hunter2")
    live = LiveSession(SESSION, 0, access, "hunter2", older=["hunter2"])
    assert "hunter2" not in repr(live) and TOKEN.expires == NEVER


# Clients


class FakeClient:
    """Responds to each request with the same status, and notes the paths."""

    def __init__(self, status):
        self.status, self.paths, self.servers = status, [], set()

    def request(self, server, method, path, **options):
        self.paths.append(path)
        self.servers.add((server, path))
        return Response(server, 30.0, 30.1, self.status, {"code": "token_revoked"})


def live_session(settled_at, begun=None):
    return LiveSession(SESSION, 0, AccessToken(TOKEN, 0, "a"), "r", begun=begun, settled_at=settled_at)


def revoker(status):
    client = Revoker(0, [Server("wsgi", 1), Server("asgi", 2)], Log(), 0, threading.Event(), 1.0)
    client.client = client.other = FakeClient(status)
    with ThreadPoolExecutor(1) as client.executor:
        yield client


@pytest.mark.parametrize("act", [Revoker.refresh, Revoker.log_out_during_refresh])
@pytest.mark.parametrize("settled_at, is_sent", [(NEVER, False), (0.0, True)])
def test_client_waits_while_a_server_may_execute_an_earlier_refresh(act, settled_at, is_sent):
    """Otherwise, the token of the earlier request is two generations old, and the server ends the session."""
    for client in revoker(401):
        act(client, live_session(settled_at))
    assert any(path.endswith("/token/refresh") for path in client.client.paths) is is_sent


def test_refresh_without_a_response_is_repeated_at_once():
    live = live_session(0.0)
    live.continue_with([Response("wsgi", 50.0, 51.0, None, {})])
    assert live.is_refreshable(52.0) and live.begun == 50.0
    live.begun = None
    assert not live.is_refreshable(52.0) and live.is_refreshable(50.0 + LATEST_EFFECT)


def test_service_only_receives_access_tokens():
    servers = [Server("wsgi", 1), Server("asgi", 2), Server("rust", 3, is_of_site=False)]
    client = User(0, servers, Log(), 0, threading.Event(), 1.0)
    client.client = client.other = FakeClient(503)
    live = live_session(0.0)
    with ThreadPoolExecutor(1) as client.executor:
        for _ in range(100):
            client.use(live.access)
            client.login()
            client.refresh(live)
    used = {(server, path) for server, path in client.client.servers if path.endswith("/me")}
    assert used == {("wsgi", "/0/me"), ("asgi", "/0/me"), ("rust", "/me")}
    assert {server for server, _ in client.client.servers - used} == {"wsgi", "asgi"}


def test_refused_logout_is_not_a_revocation():
    for client in revoker(401):
        client.log_out(live_session(0.0))
    assert client.log.revocations == [] and [use.status for use in client.log.uses] == [401]


def test_revocation_without_a_response_may_be_executed_later():
    for client in revoker(None):
        client.log_out(live_session(0.0))
    (revocation,) = client.log.revocations
    assert not revocation.is_acknowledged and revocation.done == 30.0 + LATEST_EFFECT


# Processes

PARENT = """
import sys, time
from pathlib import Path
from soak.children import Children
children = Children()
for _ in range(2):
    print(children.start("sleep", "1000", log=Path(sys.argv[1])).pid, flush=True)
if sys.argv[2] == "close":
    children.close()
    print("closed", flush=True)
time.sleep(1000)
"""


@pytest.mark.skipif(os.name != "posix", reason="requires process groups")
@pytest.mark.parametrize("how", ["kill", "close"])
def test_children_end_with_their_parent_even_if_they_are_stopped(tmp_path, how):
    environment = {**os.environ, "PYTHONPATH": str(BENCHES), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log"), how]
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    children = [int(parent.stdout.readline()) for _ in range(2)]
    try:
        if how == "kill":
            os.kill(children[0], signal.SIGSTOP)
            parent.kill()
        else:
            assert parent.stdout.readline() == "closed\n"
        end = time.monotonic() + TIME_LIMIT
        while any(is_alive(child) for child in children):
            assert time.monotonic() < end, "a child is still running"
            time.sleep(0.05)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def is_alive(pid):
    """Whether a process is running. One that has ended may still be a zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")
