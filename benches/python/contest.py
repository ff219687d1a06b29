"""Contests: measurements of entrants that do the same work.

In each round, every entrant runs for a short slice. A ratio is the median of the ratios within each round, in which the
conditions are similar for all entrants. The garbage collector is disabled during a round.
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
            f"{self.rounds} rounds, in each of which every entrant runs for {self.slice * 1000:.0f} ms, with the "
            "garbage collector disabled; a ratio is the median of the ratios within each round"
        )


QUICK = Effort(slice=0.002, rounds=40)
FULL = Effort(slice=0.004, rounds=200)


@dataclass
class Contest:
    """Entrants that do the same work. They are compared with the first one."""

    path: str
    entrants: list[tuple[str, SECONDS]] = field(default_factory=list)

    def add(self, name: str, statement: str, **names: Any) -> Contest:
        """Add an entrant that runs `statement` with these names as globals."""
        timer = Timer(statement, globals=names)
        timer.timeit(1)
        return self.timed(name, timer.timeit)

    def timed(self, name: str, run: SECONDS) -> Contest:
        """Add an entrant that does the work a number of times, and returns the seconds."""
        self.entrants.append((name, run))
        return self


class Remote:
    """A process that receives lines of path, entrant and number of times, and responds with nanoseconds."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
        )

    def entrant(self, path: str, name: str) -> SECONDS:
        def run(times: int) -> float:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(f"{path}\t{name}\t{times}\n")
            response = self._process.stdout.readline().strip()
            if not response.isdigit():
                raise LookupError(f"{path}: {name}: {response}")
            return int(response) / 1e9

        run(1)
        return run

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)


def measure(contest: Contest, effort: Effort) -> dict[str, Any]:
    """Measure a contest, and return the results in the format of the report."""
    runs = [run for _, run in contest.entrants]
    gc.collect()
    gc.disable()
    try:
        times = [_times_within(effort.slice, run) for run in runs]
        durations: list[list[float]] = [[] for _ in runs]
        order, random = list(range(len(runs))), Random(0)
        for number in range(effort.rounds):
            # In random order, so that periodic noise affects all entrants equally.
            random.shuffle(order)
            for index in order:
                durations[index].append(runs[index](times[index]) / times[index] * 1e9)
            if number % 10 == 9:
                gc.collect()
    finally:
        gc.enable()
    entrants = [_result(name, own, durations[0]) for (name, _), own in zip(contest.entrants, durations, strict=True)]
    return {"path": contest.path, "entrants": entrants}


def _times_within(slice: float, run: SECONDS) -> int:
    times = 1
    while True:
        # The minimum of several runs, because noise in a single one could result in slices that are too short.
        seconds = max(min(run(times) for _ in range(4)), 1e-9)
        if seconds >= slice / 4 or times > 1 << 26:
            return max(1, int(times * slice / seconds))
        times *= 2


def _result(name: str, durations: list[float], base: list[float]) -> dict[str, Any]:
    ratios = sorted(own / other for own, other in zip(durations, base, strict=True))
    ordered = sorted(durations)
    return {
        "name": name,
        # Noise only increases durations, so the lower quartile is closest to the actual cost.
        "nanoseconds": _at(ordered, 0.25),
        "upper_nanoseconds": _at(ordered, 0.75),
        "ratio": _at(ratios, 0.5),
        "lower_ratio": _at(ratios, 0.25),
        "upper_ratio": _at(ratios, 0.75),
    }


def _at(ordered: list[float], quantile: float) -> float:
    return ordered[round((len(ordered) - 1) * quantile)]
