"""`ReplicatedRevocation`: a copy of the revocation list in the memory of each process."""

from __future__ import annotations

import asyncio
import atexit
import math
import weakref
from collections.abc import Hashable
from datetime import timedelta
from typing import Any

from django.db import connections, router, transaction

from boltguard import _rust, clock
from boltguard.auth import replica_truth
from boltguard.auth.arguments import refuse
from boltguard.auth.failures import available_for_writes
from boltguard.auth.replica_follower import ReplicaThread
from boltguard.auth.replica_stream import RevocationStream, ServerError, TooFewReplicas, checked_url, server_of
from boltguard.auth.revocation_arguments import Ttl
from boltguard.auth.secret_box import SecretBox
from boltguard.auth.stores import RevocationStore
from boltguard.auth.sync_async import AwaitableNone
from boltguard.auth.table_store import DjangoORMRevocation
from boltguard.auth.token_ids import checked_jti, encodable
from boltguard.event_loop import in_event_loop
from boltguard.exceptions import RevocationNotAnnounced, RevocationUnavailable
from boltguard.forks import reset_in_child
from boltguard.messages import kind_of
from boltguard.threads import in_thread


class ReplicatedRevocation(RevocationStore):
    """Stored in the database, with a copy in the memory of each process, so that a check needs no query.

    `url` is that of a Redis (7 or later) or Valkey server, whose stream tells all processes of new revocations. With
    `None`, each process reads the tables repeatedly instead, four times in `max_staleness`.

    Once a revocation has returned and is committed, no process accepts the token later than `max_staleness` seconds, by
    default 5. A process whose copy may be older responds with 503 and `Retry-After`; with `on_stale="ask"`, it queries
    the database, for at most 250 ms. A revocation raises `RevocationNotAnnounced` if it is in the database but couldn't
    be announced: it takes effect in the other processes at the latest after about a minute.

    `truth` is the `DjangoORMRevocation` with the complete list, by default that of Boltguard's tables. `prefix` is that
    of the keys on the server. `wait_replicas` is the number of replicas of the server that must have received a
    revocation. `max_entries` is the size of the copy; if the list is larger, all requests are refused.
    """

    # Also in the `repr` of one whose arguments are invalid, which error reports show.
    _url: SecretBox[str] | None = None
    max_staleness: float = 5.0
    on_stale: str = "deny"

    def __init__(
        self,
        url: str | None,
        *,
        max_staleness: float | timedelta = 5.0,
        on_stale: str = "deny",
        truth: DjangoORMRevocation | None = None,
        prefix: str = "boltguard:revocations:",
        wait_replicas: int = 0,
        max_entries: int = 1_000_000,
        stream_rows: int = 100_000,
    ) -> None:
        box = SecretBox(url)
        del url
        self.max_staleness = _seconds(max_staleness)
        if on_stale not in ("ask", "deny"):
            refuse('ReplicatedRevocation: on_stale must be "deny" or "ask".')
        self.on_stale = on_stale
        self.truth = _table(truth)
        if not isinstance(prefix, str) or not prefix:
            refuse(f"ReplicatedRevocation: prefix is {kind_of(prefix)}. It must be a string that isn't empty.")
        self.prefix = prefix
        self.wait_replicas = _count("wait_replicas", wait_replicas, 0)
        self.stream_rows = _count("stream_rows", stream_rows, 1)
        self.max_entries = _count("max_entries", max_entries, 1)
        self.replica = _rust.RevocationReplica(self.max_entries, retry_in=max(self.max_staleness, 1.0))
        self._url = None if box.value is None else checked_url(box)
        self._begin()
        self._server = None if self._url is None else server_of(self._url)
        reset_in_child(self)

    def _begin(self) -> None:
        """Creates the follower of this process. It is started by the first check."""
        # Two streams, because that of the follower is closed by its thread.
        self._stream, followed = self._connect(), self._connect()
        truth = self.truth
        self._follower = ReplicaThread(
            self.replica, lambda expired_at: replica_truth.pages(truth, expired_at), followed, self.max_staleness
        )
        self._stop = weakref.finalize(self, self._follower.stop)
        self._stop.atexit = False
        _followers.add(self._follower)

    def _connect(self) -> RevocationStream | None:
        if self._url is None:
            return None
        # A query, or a row and its replicas, in less than the time between two queries.
        timeout = min(self.max_staleness / 5, LONGEST_TIMEOUT)
        return RevocationStream(
            self._url, self.prefix, timeout, rows=self.stream_rows, wait_replicas=self.wait_replicas
        )

    def reset_after_fork(self) -> None:
        """Starts afresh in a forked process, which has no follower."""
        self._stop.detach()
        self.replica.reset()
        replica_truth.reset_after_fork()
        self._begin()

    def close(self) -> None:
        """Stops the follower. Afterwards, the store becomes stale."""
        self._follower.stop(timeout=self.max_staleness)

    def revoke(self, jti: str, ttl: Ttl = None) -> AwaitableNone:
        self._check_transaction(self.truth.model)
        self.truth.revoke(checked_jti(jti), ttl)
        self._announce(_rust.RevocationEntry.token(encodable(jti), self._until(ttl)), self.truth.model)
        return AwaitableNone()

    def revoke_level(self, level: _rust.RevocationLevel, before: int, ttl: Ttl = None) -> AwaitableNone:
        self._check_transaction(self.truth.watermark_model)
        self.truth.revoke_level(level, before, ttl)
        self._announce(_rust.RevocationEntry.level(level, before, self._until(ttl)), self.truth.watermark_model)
        return AwaitableNone()

    def is_revoked(self, jti: str) -> bool:
        return ReplicatedRevocation.check(self, _rust.RevocationQuery(encodable(jti)))

    def check(self, query: _rust.RevocationQuery) -> bool:
        self._follower.start()
        try:
            return self.replica.check(query)
        except RevocationUnavailable:
            if (rest := self._follower.rest_of_first_wait) > 0:
                self._follower.wait(rest)
        return self._check_after_wait(query)

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        await in_thread(ReplicatedRevocation.revoke)(self, jti, ttl)

    async def arevoke_level(self, level: _rust.RevocationLevel, before: int, ttl: Ttl = None) -> None:
        await in_thread(ReplicatedRevocation.revoke_level)(self, level, before, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return await ReplicatedRevocation.acheck(self, _rust.RevocationQuery(encodable(jti)))

    async def acheck(self, query: _rust.RevocationQuery) -> bool:
        self._follower.start()
        try:
            return self.replica.check(query)
        except RevocationUnavailable:
            while self._follower.rest_of_first_wait > 0:
                await asyncio.sleep(0.01)
        if self.on_stale == "ask":
            return await in_thread(self._check_after_wait)(query)
        return self._check_after_wait(query)

    @property
    def url(self) -> SecretBox[str] | None:
        """The URL of the server, which may contain a password, or `None` for the database alone."""
        return self._url

    def describe(self) -> dict[str, Any]:
        """The state of this process, without secrets: for monitoring and for the health check of a service.

        `state` is `"current"`, `"never_synced"`, `"stale"`, `"full"` or `"clock_moved"`. `synced_before` is the age of
        the copy in seconds, or `None`. `losses` is how often the complete list had to be read again, by reason.
        `unsent` is the number of entries that are in the database but couldn't be announced yet.
        """
        remaining = self.replica.remaining
        return {
            "engine": "database" if self._url is None else "stream",
            "state": self.replica.state,
            "max_staleness": self.max_staleness,
            "on_stale": self.on_stale,
            "synced_before": None if remaining is None else max(self.max_staleness - remaining, 0.0),
            "entries": len(self.replica),
            "max_entries": self.max_entries,
            "losses": dict(self._follower.losses),
            "unsent": self._follower.unsent,
            "is_running": self._follower.is_running,
            "wait_replicas": self.wait_replicas,
        }

    def bind_leeway(self, leeway: float) -> None:
        super().bind_leeway(leeway)
        self.truth.bind_leeway(leeway)
        self.replica.bind_leeway(leeway)

    def lifetime(self, ttl: Ttl) -> float | None:
        return self.truth.lifetime(ttl)

    @property
    def supports_levels(self) -> bool:
        return self.truth.supports_levels

    @property
    def in_rust(self) -> _rust.RevocationReplica:
        return self.replica

    @property
    def place(self) -> Hashable:
        # The processes that follow another server must be told, too.
        return ReplicatedRevocation, self.truth.place, self._server, self.prefix

    def shares_entries(self, place: Hashable) -> bool:
        return place == self.place or self.truth.shares_entries(place)

    def _until(self, ttl: Ttl) -> float | None:
        lifetime = self.lifetime(ttl)
        return None if lifetime is None else clock.time() + lifetime

    def _check_after_wait(self, query: _rust.RevocationQuery) -> bool:
        try:
            return self.replica.check(query)
        except RevocationUnavailable:
            if self.on_stale == "deny":
                raise
        return replica_truth.revocation_in_time(self.truth, query, ASK_DEADLINE)

    def _check_transaction(self, model: Any) -> None:
        """Raises an exception if the end of the open transaction isn't known, after which an entry is announced."""
        if self._stream is None or model is None or in_event_loop():
            return
        connection = connections[router.db_for_write(model)]
        with available_for_writes():  # it connects
            is_automatic = connection.commit_on_exit if connection.in_atomic_block else connection.get_autocommit()
        if not is_automatic:
            raise transaction.TransactionManagementError(MANUAL_TRANSACTION)

    def _announce(self, entry: _rust.RevocationEntry, model: Any) -> None:
        """Makes a revocation that is in the database take effect in this process and in the others."""
        self._follower.insert(entry)
        if self._stream is None:
            return
        connection = connections[router.db_for_write(model)]
        if connection.in_atomic_block:
            # A process that loses the stream before the commit reads the list without this entry.
            transaction.on_commit(lambda: self._append_again(entry), using=connection.alias)
        try:
            self._stream.append(entry.fields())
        except TooFewReplicas:
            raise RevocationNotAnnounced(NOT_REPLICATED) from None
        except ServerError as error:
            self._follower.append_later(entry)
            raise RevocationNotAnnounced(NOT_ANNOUNCED.format(error)) from None

    def _append_again(self, entry: _rust.RevocationEntry) -> None:
        try:
            self._stream.append(entry.fields(), is_awaited=False)  # type: ignore[union-attr]
        except ServerError:
            self._follower.append_later(entry)

    def __repr__(self) -> str:
        kind = None if self._url is None else self._url
        return f"ReplicatedRevocation({kind!r}, max_staleness={self.max_staleness!r}, on_stale={self.on_stale!r})"


def _stop_at_exit() -> None:
    for follower in (followers := list(_followers)):
        follower.stop()
    for follower in followers:
        follower.stop(timeout=1.0)


def _seconds(value: Any) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and math.isfinite(seconds)
    if not is_number or not SHORTEST <= seconds <= LONGEST:
        refuse(
            f"ReplicatedRevocation: max_staleness is {kind_of(value)}. It must be a number of seconds from "
            f"{SHORTEST:g} to {LONGEST:g}, or a timedelta."
        )
    return float(seconds)


def _count(name: str, value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        refuse(f"ReplicatedRevocation: {name} is {kind_of(value)}. It must be an integer of at least {least}.")
    return value


def _table(truth: Any) -> DjangoORMRevocation:
    if truth is None:
        return DjangoORMRevocation()
    if not isinstance(truth, DjangoORMRevocation):
        refuse(f"ReplicatedRevocation: truth is {kind_of(truth)}. It must be a DjangoORMRevocation.")
    own = vars(DjangoORMRevocation)
    for name in ("revoke", "is_revoked", "revoke_level", "check"):
        if vars(truth).get(name) or getattr(type(truth), name) is not own[name]:
            refuse(f"ReplicatedRevocation: {type(truth).__name__}.{name} of truth would be ignored by other processes.")
    return truth


_followers: weakref.WeakSet[ReplicaThread] = weakref.WeakSet()
# A daemon thread must not run while the interpreter is finalized.
atexit.register(_stop_at_exit)

SHORTEST, LONGEST = 0.1, 3600.0
# How long a query of the database may take where `on_stale` is "ask".
ASK_DEADLINE = 0.25
LONGEST_TIMEOUT = 2.0
MANUAL_TRANSACTION = (
    "ReplicatedRevocation can't revoke a token while autocommit is off, because the other processes must be told after "
    "the commit. Nothing was revoked. Use transaction.atomic() with autocommit, instead of set_autocommit(False) or "
    "AUTOCOMMIT = False in DATABASES."
)
NOT_REPLICATED = (
    "The revocation was stored and announced, but too few replicas of the server have received it. After a failover, "
    "it takes effect within about a minute."
)
NOT_ANNOUNCED = (
    "The revocation was stored, but the other processes couldn't be told ({}). It takes effect there once the server "
    "is available again, at the latest within about a minute."
)
