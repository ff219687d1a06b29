"""Measures an older PyJWT in a separate process, because only one version can be imported."""

from __future__ import annotations

import sys
from timeit import Timer

import jwt
from claims import SECRET, claims


def main() -> None:
    names = {
        "decode": jwt.decode,
        "encode": jwt.encode,
        "token": jwt.encode(claims(), SECRET, "HS256"),
        "claims": claims(),
        "secret": SECRET,
        "algorithms": ["HS256"],
    }
    timers = {
        "decode": Timer("decode(token, secret, algorithms=algorithms)", globals=names),
        "encode": Timer("encode(claims, secret, algorithm='HS256')", globals=names),
    }
    for line in sys.stdin:
        path, _, times = line.rstrip("\n").split("\t")
        timer = timers.get(path)
        print("unknown" if timer is None else round(timer.timeit(int(times)) * 1e9), flush=True)


if __name__ == "__main__":
    main()
