"""`RemoteKeySet`: the keys of another issuer, from the address where it publishes them.

Rust says when to fetch and reads what came; here it is fetched.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from asyncio import AbstractEventLoop, Future
from collections.abc import Mapping
from datetime import timedelta
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from boltguard import forks
from boltguard._rust import FetchTurn, KeySet, RemoteKeys
from boltguard.exceptions import ConfigurationError, PyJWKClientConnectionError
from boltguard.jwt.fetching import Answer, NoAnswer, Request, fetch
from boltguard.messages import kind_of
from boltguard.overriding import refuse_overrides
from boltguard.stop_iteration import without_stop_iteration

logger = logging.getLogger("boltguard")

Seconds = float | timedelta


class RemoteKeySet:
    """The public keys of another issuer, fetched at the first need: `JWTAuthentication(RemoteKeySet("https://…"), …)`.

    - `ttl`: so long they are current; the server's `max-age` may shorten it, to `cooldown` at the least.
    - `cooldown`: so long after the end of a fetch none begins for a token whose key is not among them. It is also the
      longest pause after a fetch that failed; the first is a second, and each further one twice as long.
    - `stale`: so long they serve beyond their time while no others can be had. Then requests are answered 503.
    - `timeout`: of a whole fetch, in seconds, which one request at a time waits for.
    - `max_bytes`: the longest answer that is read.
    - `allow_http`: `http:` is refused otherwise, for this machine too.
    - `headers`, `ssl_context`: for the request. Neither is ever shown.

    What can't be meant raises `ConfigurationError` here.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_overrides(
            cls, ConfigurationError, "Redefine fetch() to change how the keys are fetched.", called=["fetch"]
        )

    def __init__(
        self,
        url: str,
        *,
        ttl: Seconds = 300,
        cooldown: Seconds = 30,
        stale: Seconds = 3600,
        timeout: Seconds = 5,
        max_bytes: int = 512 * 1024,
        allow_http: bool = False,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._request = Request(url, headers)
        del url, headers  # from the variables of this frame, which an error page would show
        self._timeout = _positive("timeout", timeout)
        self._ssl_context = ssl_context
        for name in self._request.unsound:
            raise ConfigurationError(f"RemoteKeySet: the header {name!r} can't be sent; give texts of one line")
        # Only then is a fetch given up, and another may begin: to look up the name of the server takes its own time.
        lock_timeout = 2 * self._timeout + 10
        try:
            self.rust = RemoteKeys(
                self._request.url,
                allow_http=allow_http,
                ttl=ttl,
                cooldown=cooldown,
                stale=stale,
                lock_timeout=lock_timeout,
                max_bytes=max_bytes,
            )
        except (TypeError, ValueError, OverflowError) as error:  # a ConfigurationError is a ValueError
            raise ConfigurationError(f"RemoteKeySet: {error}") from None
        self._skipped: list[str] = []
        self._forget_flights()
        forks.reset_in_child(self)

    def _forget_flights(self) -> None:
        self._flights: WeakKeyDictionary[AbstractEventLoop, dict[object, Future[None]]] = WeakKeyDictionary()
        self._lock = Lock()

    def reset_after_fork(self) -> None:
        """Called in a forked process, where no other thread fetches and none releases a lock."""
        self._forget_flights()
        self.rust.reset_after_fork()

    def keys(self) -> KeySet:
        """The keys of now, fetched where there are none or they are out of date.

        Raises `PyJWKClientConnectionError` where none can be had.
        """
        self.refresh()
        return self.rust.keys

    def keys_for(self, token: str | bytes) -> KeySet:
        """The keys of now, fetched anew if none has the token's `kid`, unless that was done within the cooldown.

        For a token without `kid` they are fetched anew if none of them has signed it. While another thread fetches, a
        few wait, and the others get the keys at hand. They are for `jwt.decode`, which verifies; whether the token's
        key is among them is not said here.
        """
        self.refresh()
        if self.rust.lacks_key_of(_text(token)):
            self.refresh(unknown=True)
        return self.rust.keys

    def refresh(self, *, unknown: bool = False, anew: bool = False) -> None:
        """Brings the keys up to date, or waits for another thread that does, or does nothing.

        With `unknown`, a token's key is not among them; with `anew`, you know that they have changed. Raises
        `PyJWKClientConnectionError` where there are none that may be used.
        """
        turn = self.rust.turn(unknown=unknown, anew=anew)
        if turn is None:
            return
        problem = self._take(turn)
        if problem is not None:
            logger.warning("the keys of %s can't be fetched: %s", self.rust.shown_url, problem)
            if not self.rust.is_usable:
                raise PyJWKClientConnectionError(f"the issuer's keys are unavailable: {problem}")

    async def akeys(self) -> KeySet:
        """`keys`, for async code."""
        await self.arefresh()
        return self.rust.keys

    async def akeys_for(self, token: str | bytes) -> KeySet:
        """`keys_for`, for async code."""
        await self.arefresh()
        if self.rust.lacks_key_of(_text(token)):
            await self.arefresh(unknown=True)
        return self.rust.keys

    async def arefresh(self, *, unknown: bool = False, anew: bool = False) -> None:
        """`refresh`, for async code: in a thread, one for all tasks of a loop that have the same need."""
        loop, need = asyncio.get_running_loop(), (unknown, anew)
        with self._lock:
            flights = self._flights.setdefault(loop, {})
        flight = flights.get(need)
        if flight is None or flight.done():
            refresh = without_stop_iteration(self.refresh)
            flight = loop.run_in_executor(None, lambda: refresh(unknown=unknown, anew=anew))
            flights[need] = flight
        # A task that is cancelled must not take the others' keys away.
        await asyncio.shield(flight)

    def fetch(self) -> Answer:
        """Asks the server now, whatever the times say, and keeps nothing. Raises `NoAnswer`."""
        return fetch(
            self._request,
            timeout=self._timeout,
            max_bytes=self.rust.max_bytes,
            ssl_context=self._ssl_context,
        )

    def _take(self, turn: FetchTurn) -> str | None:
        try:
            answer = self.fetch()
        except NoAnswer as error:
            return f"{turn.fail(error.why)}{error.detail}"
        problem = turn.succeed(answer.status, answer.body, answer.cache_control)
        self.note_skipped(turn)
        return problem

    def note_skipped(self, turn: FetchTurn) -> None:
        """Logs each key of the issuer that is skipped, and not again as long as the same ones are."""
        skipped = turn.skipped
        if skipped != self._skipped:
            self._skipped = skipped
            for key in skipped:
                logger.warning("a key of %s is skipped: %s", self.rust.shown_url, key)

    def __repr__(self) -> str:
        return f"RemoteKeySet({self.rust.shown_url!r})"


def _text(token: str | bytes) -> str:
    # What is not ASCII is no token, and Rust says so.
    return token.decode("ascii", "replace") if isinstance(token, bytes) else token


def _positive(what: str, value: Seconds) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= 3600:
        raise ConfigurationError(f"RemoteKeySet: {what} is {kind_of(value)}; give seconds above zero, at most an hour")
    return float(seconds)
