"""`RemoteKeySet`: the public keys of another issuer, fetched from its JWKS URL.

Rust schedules the requests and reads the responses; this module sends the requests.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import ssl
from asyncio import AbstractEventLoop, Future
from collections.abc import Mapping
from datetime import timedelta
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from boltguard import forks
from boltguard._rust import FetchPermit, KeySet, RemoteKeys
from boltguard.exceptions import ConfigurationError, PyJWKClientConnectionError
from boltguard.jwt.fetching import FetchedResponse, FetchError, Request, fetch
from boltguard.messages import kind_of
from boltguard.overriding import refuse_overrides
from boltguard.stop_iteration import without_stop_iteration

logger = logging.getLogger("boltguard")

Seconds = float | timedelta


class RemoteKeySet:
    """The public keys of another issuer, fetched when they are first required.

    Use it in place of a key: `JWTAuthentication(RemoteKeySet("https://…"), …)`.

    - `ttl`: how long keys are fresh. The `max-age` of the response may shorten this, but not below `cooldown`.
    - `cooldown`: the minimum time between the end of a fetch and the next fetch for a token with an unknown `kid`. Also
      the maximum delay after a failed fetch. The delay starts with one second and doubles with each failure.
    - `stale`: how long keys are used after `ttl` if they can't be fetched. Afterwards, the response is 503.
    - `timeout`: the timeout of a fetch in seconds. Only one request at a time waits for it.
    - `max_bytes`: the maximum size of a response.
    - `allow_http`: allows `http:` URLs, which are otherwise rejected, including those of localhost.
    - `headers`, `ssl_context`: used for the request. They are never logged or shown.
    - `metadata`: `"openid-configuration"` (OpenID Connect) or `"oauth-authorization-server"` (RFC 8414). `url` is then
      the issuer, exactly as in its tokens, and the URL of the keys is read from this metadata, which is kept for a day.

    Raises `ConfigurationError` if an argument is invalid.
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
        metadata: str | None = None,
    ) -> None:
        self._request = Request(url, headers)
        del url, headers  # local variables, which an error page would show
        if metadata is not None:
            self._check_discovery()
        self.metadata = metadata
        self._timeout = _positive("timeout", timeout)
        self._ssl_context = ssl_context
        for name in self._request.invalid_headers:
            raise ConfigurationError(f"RemoteKeySet: headers contains {name!r}, which isn't a valid header. {ONE_LINE}")
        # After this time, another fetch may begin. It is longer than the timeout, which doesn't limit the DNS lookup.
        # With metadata, there are two requests.
        lock_timeout = (2 if metadata is None else 4) * self._timeout + 10
        try:
            self.rust = RemoteKeys(
                self._request.url,
                metadata=metadata,
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
        self._reset_fetches()
        forks.reset_in_child(self)

    def _check_discovery(self) -> None:
        # The metadata can name the keys on any host, which must not receive the credentials for the issuer.
        if self._request.headers:
            raise ConfigurationError("RemoteKeySet: headers can't be combined with metadata. Pass the URL of the keys.")
        try:
            inspect.signature(self.fetch).bind("https://id.example.com")
        except TypeError:
            name = type(self).__name__
            raise ConfigurationError(f"RemoteKeySet: with metadata, {name}.fetch() must accept the URL.") from None

    @property
    def url(self) -> str:
        """The URL, with its query, which may contain a secret; or the issuer if the URL is read from its metadata."""
        return self._request.url

    @property
    def issuer(self) -> str | None:
        """The issuer, if the URL of its keys is read from its metadata."""
        return self.rust.issuer

    @property
    def has_own_connection(self) -> bool:
        """Whether requests have their own headers or `ssl_context`."""
        return bool(self._request.headers) or self._ssl_context is not None

    def _reset_fetches(self) -> None:
        self._fetches: WeakKeyDictionary[AbstractEventLoop, dict[object, Future[None]]] = WeakKeyDictionary()
        self._lock = Lock()

    def reset_after_fork(self) -> None:
        """Called in a forked process, in which the threads that fetch or hold a lock don't exist."""
        self._reset_fetches()
        self.rust.reset_after_fork()

    def keys(self) -> KeySet:
        """The current keys, fetched if there are none or they are stale.

        Raises `PyJWKClientConnectionError` if no keys are available.
        """
        self.refresh()
        return self.rust.keys

    def keys_for(self, token: str | bytes) -> KeySet:
        """The keys to verify a token with, fetched again if none has its `kid`, at most once per cooldown.

        If the token has no `kid`, they are fetched again if none of them verifies it. While another thread fetches, a
        few threads wait, and the others get the existing keys. Pass the result to `jwt.decode`, which verifies the
        token; it may not contain the token's key.
        """
        self.refresh()
        if self.rust.may_verify_with_missing_key(_string(token)):
            self.refresh(unknown_kid=True)
        return self.rust.keys

    def refresh(self, *, unknown_kid: bool = False, force: bool = False) -> None:
        """Fetches the keys if they are stale, or waits for another thread that fetches them.

        Pass `unknown_kid=True` for a token whose key isn't among them, and `force=True` if you know that they have
        changed. Raises `PyJWKClientConnectionError` if there are no keys that may be used.
        """
        permit = self.rust.begin_fetch(unknown_kid=unknown_kid, force=force)
        if permit is None:
            return
        problem = self._take(permit)
        if problem is not None:
            # Metadata that can't be used is a wrong configuration, here or of the issuer.
            level = logging.ERROR if permit.has_unusable_metadata else logging.WARNING
            logger.log(level, "the keys of %s can't be fetched: %s", self.rust.shown_url, problem)
            if not self.rust.is_usable:
                raise PyJWKClientConnectionError(f"the issuer's keys are unavailable: {problem}")

    async def akeys(self) -> KeySet:
        """`keys`, for async code."""
        await self.arefresh()
        return self.rust.keys

    async def akeys_for(self, token: str | bytes) -> KeySet:
        """`keys_for`, for async code."""
        await self.arefresh()
        if self.rust.may_verify_with_missing_key(_string(token)):
            await self.arefresh(unknown_kid=True)
        return self.rust.keys

    async def arefresh(self, *, unknown_kid: bool = False, force: bool = False) -> None:
        """`refresh`, for async code. Runs in one thread for all tasks of an event loop that pass the same arguments."""
        loop, arguments = asyncio.get_running_loop(), (unknown_kid, force)
        with self._lock:
            fetches = self._fetches.setdefault(loop, {})
        fetch = fetches.get(arguments)
        if fetch is None or fetch.done():
            refresh = without_stop_iteration(self.refresh)
            fetch = loop.run_in_executor(None, lambda: refresh(unknown_kid=unknown_kid, force=force))
            fetches[arguments] = fetch
        # Cancelling one task must not cancel the fetch of the others.
        await asyncio.shield(fetch)

    def fetch(self, url: str | None = None) -> FetchedResponse:
        """Fetches the response immediately, without storing it. Raises `FetchError`.

        With metadata, it is called with the URL of the metadata, and then with that of the keys.
        """
        return fetch(
            self._request if url is None else Request(url),
            timeout=self._timeout,
            max_bytes=self.rust.max_bytes,
            ssl_context=self._ssl_context,
        )

    def _take(self, permit: FetchPermit) -> str | None:
        problem: str | None = None
        while (url := permit.url) is not None:
            try:
                response = self.fetch() if self.issuer is None else self.fetch(url)
            except FetchError as error:
                return f"{permit.fail(error.why)}{error.detail}"
            problem = permit.succeed(response.status, response.body, response.cache_control)
        self.log_skipped(permit)
        return problem

    def log_skipped(self, permit: FetchPermit) -> None:
        """Logs the skipped keys of the issuer, unless they are the same as after the previous fetch."""
        skipped = permit.skipped
        if skipped != self._skipped:
            self._skipped = skipped
            for key in skipped:
                logger.warning("a key of %s is skipped: %s", self.rust.shown_url, key)

    def __repr__(self) -> str:
        return f"RemoteKeySet({self.rust.shown_url!r})"


def _string(token: str | bytes) -> str:
    # Rust rejects a token that isn't ASCII.
    return token.decode("ascii", "replace") if isinstance(token, bytes) else token


def _positive(what: str, value: Seconds) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= 3600:
        raise ConfigurationError(
            f"RemoteKeySet: {what} must be more than 0 and at most 3600 seconds, not {kind_of(value)}."
        )
    return float(seconds)


ONE_LINE = "Names and values must be single lines of printable ASCII characters."
