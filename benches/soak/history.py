"""The events of the accounts that violations concern, in a file, to find their cause. It has IDs, but no tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from soak.judge import Log, Verdict

SHARED = ("issuer", "key")


def write(log: Log, verdict: Verdict, path: Path) -> None:
    """Writes the events in the order in which they began, each with the times in seconds since the first one."""
    subjects = {violation.subject for violation in verdict.violations}
    found = sorted(_events(log, subjects))
    start = found[0][0] if found else 0.0
    lines = (f"{sent - start:9.3f} {received - start:9.3f}  {what}\n" for sent, received, what in found)
    path.write_text("".join(lines))


def _events(log: Log, subjects: set[str | None]) -> Iterator[tuple[float, float, str]]:
    sessions = set()
    for use in log.uses:
        values = use.credential.values
        if values["subject"] in subjects:
            sessions.add(values["session"])
            what = f"use of {values['token']}, session {values['session']}, on {use.server}"
            yield use.sent, use.received, f"{what}: {use.status} {use.code}"
    for refresh in log.refreshes:
        if refresh.session.subject in subjects:
            what = f"refresh of session {refresh.session.id} on {refresh.server}"
            yield refresh.sent, refresh.received, f"{what}: {refresh.status} {refresh.code}"
    for revocation in log.revocations:
        if revocation.level in SHARED or revocation.value in subjects | sessions or revocation.level == "token":
            outcome = "acknowledged" if revocation.is_acknowledged else "unknown"
            yield revocation.sent, revocation.done, f"revocation of {revocation.level} {revocation.value}: {outcome}"
    for fault in log.faults:
        yield fault.sent, fault.done, f"fault: {fault.name}"
