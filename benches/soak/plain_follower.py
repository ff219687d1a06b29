"""A copy of the list without what makes `ReplicatedRevocation` safe, to show that the soak finds the difference."""

from __future__ import annotations

import threading
from typing import Any

import redis

from boltguard import _rust
from boltguard.auth import DjangoORMRevocation, RevocationStore
from boltguard.exceptions import RevocationUnavailable
from boltguard.models import RevocationWatermark, RevokedToken
from soak.tenants import STREAMS

STREAM = STREAMS[1]


class PlainFollower(RevocationStore):
    """Reads the tables once and then the stream, and believes its copy forever.

    It doesn't notice that the server lost rows, that a row was removed before it was read, or that the process was
    suspended: it never responds with 503.
    """

    def __init__(self, url: str, max_staleness: float) -> None:
        self._truth = DjangoORMRevocation()
        self._interval = max_staleness / 4
        self._client: Any = redis.Redis.from_url(url, socket_timeout=self._interval, decode_responses=True)
        self._tokens: set[str] = set()
        self._levels: dict[str, int] = {}
        self._lock = threading.Lock()
        self._is_started = False

    def revoke(self, jti: str, ttl: Any = None) -> None:
        self._truth.revoke(jti, ttl)
        self._append({"jti": jti})

    def revoke_level(self, level: _rust.RevocationLevel, before: int, ttl: Any = None) -> None:
        self._truth.revoke_level(level, before, ttl)
        self._append({"level": level.storage_key, "before": before})

    def is_revoked(self, jti: str) -> bool:
        return self.check(_rust.RevocationQuery(jti))

    def check(self, query: _rust.RevocationQuery) -> bool:
        self._start()
        if query.token_id in self._tokens:
            return True
        levels = [level.storage_key for level in query.levels()]
        return query.is_revoked_by(max((self._levels[key] for key in levels if key in self._levels), default=None))

    def _append(self, row: dict[str, Any]) -> None:
        self._apply(row)
        try:
            self._client.xadd(STREAM, row)
        except redis.RedisError as error:
            raise RevocationUnavailable("The revocation couldn't be announced.") from error

    def _apply(self, row: dict[str, Any]) -> None:
        if "jti" in row:
            self._tokens.add(row["jti"])
        else:
            self._levels[row["level"]] = max(int(row["before"]), self._levels.get(row["level"], 0))

    def _start(self) -> None:
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
            threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        self._tokens.update(RevokedToken.objects.values_list("jti", flat=True))
        self._levels.update(RevocationWatermark.objects.values_list("key", "before"))
        last, pause = "0", threading.Event()
        while True:
            try:
                for identifier, row in self._client.xrange(STREAM, f"({last}" if last != "0" else "-"):
                    self._apply(row)
                    last = identifier
            except redis.RedisError:
                pass
            pause.wait(self._interval)
