"""The Python side beside PyJWT and oxyjwt: `run.py [--quick] [name…]`. Prints the best time of each and its ratio to ours."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from timeit import Timer

import jwt as pyjwt
import oxyjwt

from boltguard import _rust
from boltguard import jwt as ours

SECRET = "a secret of the benches that is as long as the longest hash of all"
CLAIMS = {
    "sub": "42",
    "exp": int(time.time()) + 100_000,
    "iat": int(time.time()),
    "jti": "0190f5a2-7c3e-7b1d-9f00-aabbccddeeff",
    "is_staff": False,
    "permissions": [f"app{i % 7}.permission_{i:03}" for i in range(10)],
}


def decode() -> dict[str, Callable[[], object]]:
    token = pyjwt.encode(CLAIMS, SECRET, algorithm="HS256")
    key = ours.Key.from_secret(SECRET)
    return {
        "boltguard": lambda: ours.decode(token, key, ["HS256"]),
        "PyJWT": lambda: pyjwt.decode(token, SECRET, algorithms=["HS256"]),
        "oxyjwt": lambda: oxyjwt.decode(token, SECRET, algorithms=["HS256"]),
    }


def encode() -> dict[str, Callable[[], object]]:
    key = ours.Key.from_secret(SECRET)
    return {
        "boltguard": lambda: ours.encode(CLAIMS, key, "HS256"),
        "PyJWT": lambda: pyjwt.encode(CLAIMS, SECRET, algorithm="HS256"),
        "oxyjwt": lambda: oxyjwt.encode(CLAIMS, SECRET, algorithm="HS256"),
    }


def gate() -> dict[str, Callable[[], object]]:
    """A request's META to a lazy context, with a guard and a deny-list, beside the mere decoding of the others."""
    token = pyjwt.encode(CLAIMS, SECRET, algorithm="HS256")
    store = _rust.MemoryRevocation()
    backend = _rust.JwtBackend(keys=[SECRET], algorithms=["HS256"], memory_revocation=store)
    check = _rust.Gate([backend], _rust.Guard.permission("app3.permission_003")).check
    meta = {"HTTP_AUTHORIZATION": f"Bearer {token}", "REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    return {
        "boltguard": lambda: check(meta),
        "PyJWT": lambda: pyjwt.decode(token, SECRET, algorithms=["HS256"]),
        "oxyjwt": lambda: oxyjwt.decode(token, SECRET, algorithms=["HS256"]),
    }


BENCHES = {"decode HS256": decode, "encode HS256": encode, "gate HS256": gate}


def measure(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The best time of each, in seconds. The candidates take turns, so that a noisy moment meets all of them."""
    timers = {name: Timer(call) for name, call in candidates.items()}
    numbers = {name: max(1, timer.autorange()[0] // 10) for name, timer in timers.items()}
    best = dict.fromkeys(timers, float("inf"))
    for _ in range(rounds):
        for name, timer in timers.items():
            best[name] = min(best[name], timer.timeit(numbers[name]) / numbers[name])
    return best


def main(arguments: list[str]) -> None:
    rounds = 20 if "--quick" in arguments else 100
    wanted = [word for word in arguments if not word.startswith("-")]
    results = {}
    gc.disable()
    for title, prepare in BENCHES.items():
        if wanted and not any(word in title for word in wanted):
            continue
        results[title] = best = measure(prepare(), rounds)
        for name, seconds in best.items():
            print(f"{title:14} {name:10} {seconds * 1e6:8.2f} µs {seconds / best['boltguard']:7.2f} x")
    folder = Path(os.environ.get("BOLTGUARD_BENCH_DIR", "."))
    (folder / "python.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
