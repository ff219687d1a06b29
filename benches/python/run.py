"""Benchmarks of the Python package and other libraries: `run.py [--quick] [name…]`.

Requires the packages in `requirements/bench.txt`. The results are written to the directory in `BOLTGUARD_BENCH_DIR`,
for the report.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tokens
import whole_requests
from contest import FULL, QUICK, Contest, Remote, measure

HERE = Path(__file__).parent
OLDER = HERE.parents[1] / "bindings/python/requirements/bench-older.txt"
REFRESH = "python/refresh"
PEERS = (
    "Django",
    "PyJWT",
    "boltguard",
    "cryptography",
    "django-ninja",
    "django-ninja-jwt",
    "djangorestframework",
    "djangorestframework-simplejwt",
    "joserfc",
    "oxyjwt",
    "psycopg",
    "webtoken",
)


def main(arguments: list[str]) -> None:
    names = [argument for argument in arguments if not argument.startswith("-")]
    effort = QUICK if "--quick" in arguments else FULL
    directory = Path(os.environ.get("BOLTGUARD_BENCH_DIR", "."))
    omitted: list[str] = []
    older, engine = start_older(directory), start_engine(directory, omitted)
    sessions = start_sessions(names, omitted)
    start = time.perf_counter()
    contests = []
    for path, prepare in plans(older, engine, sessions):
        if not names or any(name in path for name in names):
            contests.append(measure(prepare(), effort))
            show(contests[-1])
    results = {
        "language": "Python",
        "method": effort.method,
        "seconds": time.perf_counter() - start,
        "versions": versions(),
        "omitted": omitted,
        "contests": contests,
        "figures": [],
    }
    (directory / "python.json").write_text(json.dumps(results, indent=2))
    for remote in filter(None, (older, engine, sessions)):
        remote.close()


def plans(older: Remote, engine: Remote | None, sessions: Remote | None) -> Iterator[tuple[str, Callable[[], Contest]]]:
    yield from tokens.plans(older, engine)
    yield from whole_requests.plans()
    if sessions is not None:
        yield REFRESH, lambda: refresh(sessions)


def refresh(sessions: Remote) -> Contest:
    contest = Contest(REFRESH)
    for name in ("empty UPDATE", "boltguard", "Django, the same statements"):
        contest.timed(name, sessions.entrant(REFRESH, name))
    return contest


def start_older(directory: Path) -> Remote:
    """Install the older PyJWT into a separate directory, and start it."""
    target = directory / "older"
    if not (target / "jwt").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(target), "-r", str(OLDER)], check=True)
    path = os.pathsep.join([str(target), str(HERE)])
    return Remote([sys.executable, str(HERE / "older.py")], {**os.environ, "PYTHONPATH": path})


def start_engine(directory: Path, omitted: list[str]) -> Remote | None:
    """Start the Rust benchmarks, which measure the raw primitives."""
    note = directory / "engine.path"
    program = note.read_text().strip() if note.is_file() else ""
    if not Path(program).is_file():
        omitted.append("comparisons of Python calls with Rust, because the Rust benchmarks are not built")
        return None
    return Remote([program, "--serve"])


def start_sessions(names: list[str], omitted: list[str]) -> Remote | None:
    """Start the site with sessions, if they are measured and there is a server for it."""
    if names and not any(name in REFRESH for name in names):
        return None
    url = os.environ.get("BOLTGUARD_TEST_POSTGRES_URL", "")
    if not url:
        omitted.append(f"{REFRESH}, because there is no PostgreSQL server")
        return None
    return Remote([sys.executable, str(HERE / "refresh.py"), url])


def versions() -> list[tuple[str, str]]:
    older = OLDER.read_text().split("==")[-1].strip()
    installed = [(name, importlib.metadata.version(name)) for name in PEERS]
    return [("Python", platform.python_version()), *installed, ("PyJWT 2.13", older)]


def show(result: dict[str, Any]) -> None:
    print(f"\n{result['path']}")
    for entrant in result["entrants"]:
        print(f"  {entrant['name']:32} {entrant['nanoseconds'] / 1000:10.2f} µs {entrant['ratio']:8.3f} x", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
