"""The report of a soak, and what a soak must reach so that its result means something."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable

from soak.judge import KINDS, Counts, Log, Verdict, outcome
from soak.measure import SETTINGS, Row

# Per second of the soak. A fraction of what a machine with two busy cores reaches; the first two for each server.
LEAST_REVOKED = 0.5
LEAST_VALID = 1.0
LEAST_ACKNOWLEDGED = 0.3
# Per second of an outage of the database, for each server.
LEAST_DURING_OUTAGE = 1.0
# Each fault takes at most five times the bound, with the pause after it.
LONGEST_FAULT = 6.0
SHOWN = 5


def shortfalls(verdict: Verdict, log: Log, servers: Iterable[str], seconds: float, bound: float) -> list[str]:
    """What there was too little of: then the soak fails even if nothing was wrong."""
    found: dict[str, tuple[int, float]] = {
        "acknowledged revocations": (sum(verdict.acknowledged.values()), LEAST_ACKNOWLEDGED * seconds),
        "faults": (len(log.faults), seconds / (LONGEST_FAULT * bound) - 1),
    }
    down = sum(outage.end - outage.start for outage in log.outages)
    for name in servers:
        refused, accepted = (name, "refused"), (name, "accepted")
        found |= {
            f"refused requests with a revoked token on {name}": (verdict.revoked[refused], LEAST_REVOKED * seconds),
            f"accepted requests with a valid token on {name}": (verdict.valid[accepted], LEAST_VALID * seconds),
            f"accepted requests with a valid token on {name}, during outages of the database": (
                verdict.during_outages[accepted],
                LEAST_DURING_OUTAGE * down,
            ),
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
        "with a token revoked longer than the bound": _of_all_servers(verdict.revoked),
        "with a token that nothing revoked": _of_all_servers(verdict.valid),
        "of these, during an outage of the database only": _of_all_servers(verdict.during_outages),
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


def load(log: Log, servers: Iterable[str]) -> str:
    """The requests with an access token to each server while there were faults, and how long their responses took."""
    lines = ["  server  requests  accepted  refused  unavailable  no response  median, ms  99 %, ms"]
    for name in servers:
        uses = [use for use in log.uses if use.server == name]
        results = Counter(outcome(use.status) for use in uses)
        times = [use.received - use.sent for use in uses if use.status is not None]
        cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [float("nan")] * 99
        lines.append(
            f"  {name:6}  {len(uses):8,}  {results['accepted']:8,}  {results['refused']:7,}"
            f"  {results['unavailable']:11,}  {results['no response']:11,}"
            f"  {cuts[49] * 1000:10.2f}  {cuts[98] * 1000:8.2f}"
        )
    return "\n".join(lines)


def _of_all_servers(counts: Counts) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, name), count in counts.items():
        found[name] += count
    return found


def _line(name: str, counts: Counter[str] | int) -> str:
    if isinstance(counts, int):
        return f"  {counts:7,}  {name}"
    return f"  {counts.total():7,}  {name}: {_results(counts)}"


def _results(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
