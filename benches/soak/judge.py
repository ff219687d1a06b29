"""The judge: decides from the log of a soak whether a revoked token was accepted, or a valid one refused.

`judge` is a pure function of the log. It applies its own definition of what is revoked, without Boltguard: it only
knows the IDs in the tokens, and when each request was sent and its response received. All times are of the monotonic
clock, which the threads of the clients share.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

NEVER = math.inf
# These revoke all tokens with their value, whenever they are issued. The others revoke those that were issued before.
EXACT = ("token", "session")
OK = range(200, 300)
UNAUTHORIZED, UNAVAILABLE = 401, 503


class Credential(NamedTuple):
    """An access token, without the token itself. `values` has its ID for each level at which it can be revoked.

    `requested` is when the first request was sent whose response may have contained it.
    """

    values: dict[str, str]
    requested: float
    received: float
    expires: float = NEVER

    @property
    def id(self) -> str:
        return self.values["token"]


class Session(NamedTuple):
    """A session, and when the login was sent and its response received."""

    id: str
    subject: str
    requested: float
    received: float


class Revocation(NamedTuple):
    """A revocation of a level. Unless `is_acknowledged`, it is unknown whether it was executed.

    `done` is when its response was received. Without a response, it is the latest time of its execution.
    """

    level: str
    value: str
    sent: float
    done: float
    is_acknowledged: bool
    ends_sessions: bool = False


class Use(NamedTuple):
    """A request with an access token. Its `status` is `None` if there was no response."""

    credential: Credential
    server: str
    sent: float
    received: float
    status: int | None
    code: str = ""


class Refresh(NamedTuple):
    """A request with the current refresh token of a session, or with one of a session that has ended."""

    session: Session
    server: str
    sent: float
    received: float
    status: int | None
    code: str = ""


class Call(NamedTuple):
    """Any other request, and the status codes that it may have, besides 503."""

    name: str
    server: str
    status: int | None
    expected: Container[int] = OK


class Fault(NamedTuple):
    """A fault, which isn't judged, but may explain a violation."""

    name: str
    sent: float
    done: float


class Outage(NamedTuple):
    """A time during which the database was unavailable, and everything else was available."""

    start: float
    end: float


class Twins(NamedTuple):
    """Two simultaneous requests with one refresh token that both succeeded."""

    session: Session
    are_equal: bool


@dataclass
class Log:
    """What the clients sent and received. Several threads append to the lists."""

    uses: list[Use] = field(default_factory=list)
    refreshes: list[Refresh] = field(default_factory=list)
    revocations: list[Revocation] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    twins: list[Twins] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return len(self.uses) + len(self.refreshes) + len(self.calls)


class Violation(NamedTuple):
    """A response that must not occur, and the account that it concerns."""

    kind: str
    what: str
    subject: str | None = None


ACCEPTED_REVOKED = "revoked tokens accepted later than the bound"
CONTINUED_ENDED = "ended sessions continued"
DIFFERENT_PAIRS = "simultaneous refreshes with different results"
LOST_SESSION = "sessions wrongly ended"
REFUSED_VALID = "valid tokens refused with 401"
UNEXPECTED = "unexpected status codes"
KINDS = (ACCEPTED_REVOKED, CONTINUED_ENDED, DIFFERENT_PAIRS, LOST_SESSION, REFUSED_VALID, UNEXPECTED)


Counts = Counter[tuple[str, str]]


@dataclass
class Verdict:
    """The violations, and how many requests were judged. Uses are counted by server and result."""

    violations: list[Violation] = field(default_factory=list)
    # Uses of tokens whose revocation was acknowledged longer than the bound before.
    revoked: Counts = field(default_factory=Counter)
    # Uses of tokens that nothing can have revoked.
    valid: Counts = field(default_factory=Counter)
    # Those of them during an outage of the database.
    during_outages: Counts = field(default_factory=Counter)
    # Uses that are neither: within the bound, or the revocation is unknown.
    undecided: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    refreshed: int = 0
    compared: int = 0

    def counts(self) -> Counter[str]:
        return Counter(violation.kind for violation in self.violations)


def judge(log: Log, bound: float) -> Verdict:
    """Judges all requests of a log. `bound` is `max_staleness`, in seconds."""
    verdict, matching = Verdict(compared=len(log.twins)), _by_value(log.revocations)
    for revocation in log.revocations:
        if revocation.is_acknowledged:
            verdict.acknowledged[revocation.level] += 1
        else:
            verdict.unknown += 1
    times: dict[str, _Times] = {}
    for use in log.uses:
        if (known := times.get(use.credential.id)) is None:
            known = times[use.credential.id] = _times(use.credential, matching)
        verdict.violations.extend(_judge_use(use, known, bound, verdict))
        if _is_valid(use, known) and any(outage.start <= use.sent < outage.end for outage in log.outages):
            verdict.during_outages[use.server, outcome(use.status)] += 1
    for refresh in log.refreshes:
        verdict.refreshed += refresh.status in OK
        verdict.violations.extend(_judge_refresh(refresh, matching))
    for call in log.calls:
        if call.status not in call.expected and call.status not in (None, UNAVAILABLE):
            verdict.violations.append(_unexpected(call.name, call.server, call.status))
    for twins in log.twins:
        if not twins.are_equal:
            verdict.violations.append(Violation(DIFFERENT_PAIRS, f"session {twins.session.id}", twins.session.subject))
    return verdict


class _Times(NamedTuple):
    """When a token was certainly revoked, and when it was possibly revoked at the earliest."""

    certainly: float
    possibly: float


_ByValue = dict[tuple[str, str], list[Revocation]]


def _by_value(revocations: Iterable[Revocation]) -> _ByValue:
    found: _ByValue = defaultdict(list)
    for revocation in revocations:
        found[revocation.level, revocation.value].append(revocation)
    return found


def _times(credential: Credential, matching: _ByValue) -> _Times:
    certainly = possibly = NEVER
    for level in credential.values.items():
        for revocation in matching.get(level, ()):
            if _certainly_revokes(revocation, credential.received):
                certainly = min(certainly, revocation.done)
            if _possibly_revokes(revocation, credential.requested):
                possibly = min(possibly, revocation.sent)
    return _Times(certainly, possibly)


def _certainly_revokes(revocation: Revocation, received: float) -> bool:
    return revocation.is_acknowledged and (revocation.level in EXACT or received <= revocation.sent)


def _possibly_revokes(revocation: Revocation, requested: float) -> bool:
    return revocation.level in EXACT or requested <= revocation.done


def _is_valid(use: Use, times: _Times) -> bool:
    """Whether nothing can have revoked the token before the response."""
    return use.received < min(times.possibly, use.credential.expires)


def _judge_use(use: Use, times: _Times, bound: float, verdict: Verdict) -> Iterator[Violation]:
    if use.received >= use.credential.expires:
        return
    result = outcome(use.status)
    late = use.sent - times.certainly
    if late > bound:
        verdict.revoked[use.server, result] += 1
        if result == "accepted":
            what = f"{late:.3f} s after the acknowledgement, on {use.server}: {_ids(use.credential)}"
            yield Violation(ACCEPTED_REVOKED, what, use.credential.values["subject"])
    elif _is_valid(use, times):
        verdict.valid[use.server, result] += 1
        if result == "refused":
            what = f"on {use.server}: {_ids(use.credential)}"
            yield Violation(REFUSED_VALID, what, use.credential.values["subject"])
    else:
        verdict.undecided += 1
    if result == "unexpected":
        yield _unexpected("a request with an access token", use.server, use.status)


def _judge_refresh(refresh: Refresh, matching: _ByValue) -> Iterator[Violation]:
    session, result = refresh.session, outcome(refresh.status)
    ends = [
        revocation
        for level in (("session", session.id), ("subject", session.subject))
        for revocation in matching.get(level, ())
        if revocation.ends_sessions
    ]
    if result == "accepted" and any(
        _certainly_revokes(end, session.received) and end.done < refresh.sent for end in ends
    ):
        yield Violation(CONTINUED_ENDED, f"on {refresh.server}: session {session.id}", session.subject)
    if result == "refused" and not any(
        _possibly_revokes(end, session.requested) and end.sent <= refresh.received for end in ends
    ):
        yield Violation(LOST_SESSION, f"on {refresh.server}: session {session.id}, {refresh.code}", session.subject)
    if result == "unexpected":
        yield _unexpected("a refresh", refresh.server, refresh.status)


def outcome(status: int | None) -> str:
    """What a status code means for a token."""
    if status is None:
        return "no response"
    if status in OK:
        return "accepted"
    return {UNAUTHORIZED: "refused", UNAVAILABLE: "unavailable"}.get(status, "unexpected")


def _unexpected(name: str, server: str, status: int | None) -> Violation:
    return Violation(UNEXPECTED, f"{status} for {name} on {server}")


def _ids(credential: Credential) -> str:
    return ", ".join(f"{level} {value}" for level, value in credential.values.items())
