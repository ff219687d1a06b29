"""Contests of entrants that do the same work, and how they are measured.

The entrants take turns in short slices, and a ratio is the median of those within one round, in which the machine was
the same for all. The garbage collector rests meanwhile.
"""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from timeit import Timer
from typing import Any

SECONDS = Callable[[int], float]


@dataclass(frozen=True)
class Effort:
    slice: float
    rounds: int

    @property
    def method(self) -> str:
        return (
            f"{self.rounds} rounds in which the entrants take turns of {self.slice * 1000:.0f} ms, the garbage "
            "collector at rest; a ratio is the median of those within one round"
        )


QUICK = Effort(slice=0.002, rounds=40)
FULL = Effort(slice=0.004, rounds=200)


@dataclass
class Contest:
    """Those who do the same work; the others are compared with the first."""

    path: str
    entrants: list[tuple[str, SECONDS]] = field(default_factory=list)

    def add(self, name: str, statement: str, **names: Any) -> Contest:
        """Adds one that runs `statement`, in which these names are known."""
        timer = Timer(statement, globals=names)
        timer.timeit(1)
        return self.timed(name, timer.timeit)

    def timed(self, name: str, run: SECONDS) -> Contest:
        """Adds one that does the work so many times, and says how many seconds that took."""
        self.entrants.append((name, run))
        return self


class Remote:
    """Another process that measures: it is told path, entrant and number of times, and answers with nanoseconds."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
        )

    def entrant(self, path: str, name: str) -> SECONDS:
        def run(times: int) -> float:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(f"{path}\t{name}\t{times}\n")
            answer = self._process.stdout.readline().strip()
            if not answer.isdigit():
                raise LookupError(f"{path}: {name}: {answer}")
            return int(answer) / 1e9

        run(1)
        return run

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)


def measure(contest: Contest, effort: Effort) -> dict[str, Any]:
    """The result, as the report reads it."""
    runs = [run for _, run in contest.entrants]
    gc.collect()
    gc.disable()
    try:
        times = [_times_within(effort.slice, run) for run in runs]
        taken: list[list[float]] = [[] for _ in runs]
        order, chance = list(range(len(runs))), Random(0)
        for number in range(effort.rounds):
            # By chance, so that nothing that comes and goes regularly always meets the same one.
            chance.shuffle(order)
            for turn in order:
                taken[turn].append(runs[turn](times[turn]) / times[turn] * 1e9)
            if number % 10 == 9:
                gc.collect()
    finally:
        gc.enable()
    entrants = [_result(name, own, taken[0]) for (name, _), own in zip(contest.entrants, taken, strict=True)]
    return {"path": contest.path, "entrants": entrants}


def _times_within(slice: float, run: SECONDS) -> int:
    times = 1
    while True:
        # The best of some, lest a moment's noise leave an entrant with slices of one cold run each.
        seconds = max(min(run(times) for _ in range(4)), 1e-9)
        if seconds >= slice / 4 or times > 1 << 26:
            return max(1, int(times * slice / seconds))
        times *= 2


def _result(name: str, taken: list[float], base: list[float]) -> dict[str, Any]:
    ratios = sorted(own / other for own, other in zip(taken, base, strict=True))
    ordered = sorted(taken)
    return {
        "name": name,
        # Noise only adds: the quiet half tells what the work costs.
        "nanoseconds": _at(ordered, 0.25),
        "upper_nanoseconds": _at(ordered, 0.75),
        "ratio": _at(ratios, 0.5),
        "lower_ratio": _at(ratios, 0.25),
        "upper_ratio": _at(ratios, 0.75),
    }


def _at(ordered: list[float], part: float) -> float:
    return ordered[round((len(ordered) - 1) * part)]
