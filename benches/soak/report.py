"""The report of a soak, and what a soak must reach so that its result means something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from soak.judge import KINDS, Log, Verdict
from soak.measure import SETTINGS, Row

# Per second of the soak. A tenth of what a machine with two busy cores reaches.
LEAST_REVOKED = 3.0
LEAST_VALID = 10.0
LEAST_ACKNOWLEDGED = 0.3
# Each fault takes at most five times the bound, with the pause after it.
LONGEST_FAULT = 6.0
SHOWN = 5


def shortfalls(verdict: Verdict, faults: int, seconds: float, bound: float) -> list[str]:
    """What there was too little of: then the soak fails even if nothing was wrong."""
    found = {
        "refused requests with a revoked token": (verdict.revoked["refused"], LEAST_REVOKED * seconds),
        "accepted requests with a valid token": (verdict.valid["accepted"], LEAST_VALID * seconds),
        "acknowledged revocations": (sum(verdict.acknowledged.values()), LEAST_ACKNOWLEDGED * seconds),
        "faults": (faults, seconds / (LONGEST_FAULT * bound) - 1),
    }
    return [
        f"{count} {name}, at least {least:.0f} are necessary" for name, (count, least) in found.items() if count < least
    ]


def violations(verdict: Verdict) -> str:
    """The number of violations of each kind, and the first ones. They name IDs only."""
    counts = verdict.counts()
    lines = []
    for kind in KINDS:
        lines.append(f"  {counts[kind]:7,}  {kind}")
        first = [violation.what for violation in verdict.violations if violation.kind == kind][:SHOWN]
        lines.extend(f"           {what}" for what in first)
    return "\n".join(lines)


def judged(verdict: Verdict) -> str:
    """How many requests were judged, with their results."""
    lines: dict[str, Counter[str] | int] = {
        "with a token revoked longer than the bound": verdict.revoked,
        "with a token that nothing revoked": verdict.valid,
        "within the bound, or with a revocation whose outcome is unknown: not judged": verdict.undecided,
        "successful refreshes": verdict.refreshed,
        "pairs of simultaneous refreshes whose results were compared": verdict.compared,
        "acknowledged revocations": verdict.acknowledged,
        "revocations without an acknowledgement": verdict.unknown,
    }
    return "\n".join(_line(name, counts) for name, counts in lines.items())


def progress(log: Log) -> str:
    """What has happened so far."""
    return f"{log.requests:,} requests, {len(log.revocations):,} revocations, {len(log.faults)} faults"


def faults(log: Log, losses: dict[str, dict[str, int]]) -> str:
    """How often each fault occurred, and what the processes noticed."""
    counts = Counter(fault.name for fault in log.faults)
    lines = [f"  {count:7,}  {name}" for name, count in sorted(counts.items())]
    for server, found in losses.items():
        if found:
            lines.append(f"  complete list read again by the {server} process: {_results(Counter(found))}")
    return "\n".join(lines)


def measurements(rows: Iterable[Row]) -> str:
    lines = [f"  {'server':6}  {'revocation store':36}  requests/s  median, ms  99 %, ms"]
    lines += [
        f"  {row.server:6}  {SETTINGS[row.store]:36}  {row.per_second:10,.0f}"
        f"  {row.median * 1000:10.2f}  {row.p99 * 1000:8.2f}"
        for row in rows
    ]
    return "\n".join(lines)


def _line(name: str, counts: Counter[str] | int) -> str:
    if isinstance(counts, int):
        return f"  {counts:7,}  {name}"
    return f"  {counts.total():7,}  {name}: {_results(counts)}"


def _results(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
