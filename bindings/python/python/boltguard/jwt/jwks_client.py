"""`PyJWKClient`: the keys at an address, in the shape of PyJWT's client."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Mapping
from threading import Lock
from typing import Any

from boltguard import forks
from boltguard._rust import FetchTurn, KeySet, unverified_header
from boltguard.exceptions import (
    ConfigurationError,
    InvalidKeyError,
    PyJWKClientConnectionError,
    PyJWKClientError,
    PyJWKSetError,
    PyJWTError,
)
from boltguard.jwt.api_jwk import PyJWK, PyJWKSet
from boltguard.jwt.fetching import NoAnswer
from boltguard.jwt.remote import RemoteKeySet

logger = logging.getLogger("boltguard")


class PyJWKClient:
    """Fetches a JWK Set and keeps it for `lifespan` seconds; one thread at a time fetches.

    Other than with PyJWT's, `http:` needs `allow_http=True`, an answer has at most `max_bytes`, secrets in it are
    passed over, one with a private key is none, and while the server fails, the keys from before serve for `stale`
    seconds more. `cache_keys` is what happens anyway: the keys of a set are read once and kept with it, and one that is
    not published any more is not found. So `max_cached_keys` is refused, and `cache_keys` without `cache_jwk_set`.
    """

    def __init__(
        self,
        uri: str,
        cache_keys: bool = False,
        max_cached_keys: int = 16,
        cache_jwk_set: bool = True,
        lifespan: float = 300,
        headers: Mapping[str, Any] | None = None,
        timeout: float = 30,
        ssl_context: ssl.SSLContext | None = None,
        cooldown_duration: float = 30,
        *,
        allow_http: bool = False,
        stale: float = 3600,
        max_bytes: int = 512 * 1024,
    ) -> None:
        _check_caches(cache_keys, max_cached_keys, cache_jwk_set)
        self.uri = uri
        self.headers = dict(headers or {})
        self.timeout = timeout
        self.ssl_context = ssl_context
        self._is_cached = cache_jwk_set
        self._jwk_set: PyJWKSet | None = None
        self.reset_after_fork()
        try:
            self._remote = RemoteKeySet(
                uri,
                ttl=lifespan,
                cooldown=cooldown_duration,
                stale=stale,
                timeout=timeout,
                max_bytes=max_bytes,
                allow_http=allow_http,
                headers=self.headers,
                ssl_context=ssl_context,
            )
        except ConfigurationError as error:
            del uri, headers  # from the variables of this frame, which an error page would show
            raise PyJWKClientError(str(error).replace("RemoteKeySet", "PyJWKClient", 1)) from None

        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Called in a forked process, where no other thread releases the lock."""
        self._lock = Lock()

    def fetch_data(self) -> Any:
        """Fetches the JWK Set, whatever is kept, and gives it as a dict. It is not kept."""
        try:
            answer = self._remote.fetch()
        except NoAnswer as error:
            # What was sent is in the variables of the cause.
            raise PyJWKClientConnectionError(f"Fail to fetch data from the url: {error}{error.detail}") from None
        if answer.status != 200:
            raise PyJWKClientConnectionError(f"Fail to fetch data from the url: status {answer.status}")
        try:
            KeySet.from_jwks(answer.body.decode(), log_skipped=False)  # `note_skipped` logs them
        except (InvalidKeyError, UnicodeDecodeError) as error:
            raise _no_set(answer.body, error) from None
        return json.loads(answer.body)

    def get_jwk_set(self, refresh: bool = False) -> PyJWKSet:
        """The public keys of now; with `refresh`, fetched now."""
        if not self._is_cached:
            return _public(self.fetch_data())
        return self._current(anew=refresh)

    def get_signing_keys(self, refresh: bool = False) -> list[PyJWK]:
        """Those keys of the set that have a name and are for signatures."""
        return self._signing_keys(self.get_jwk_set(refresh))

    def get_signing_key(self, kid: str) -> PyJWK:
        """The key of this name; the set is fetched anew where it has none, unless that was done within the cooldown."""
        found = self.match_kid(self.get_signing_keys(), kid)
        if found is None and self._is_cached:
            found = self.match_kid(self._signing_keys(self._current(unknown=True)), kid)
        if found is None:
            raise PyJWKClientError(f"Unable to find a signing key that matches: {kid!r}")
        return found

    def get_signing_key_from_jwt(self, token: str | bytes) -> PyJWK:
        """The key that the token's `kid` names. It verifies nothing yet."""
        kid = unverified_header(token).get("kid")
        if not isinstance(kid, str):
            raise PyJWKClientError("the token has no kid, so no key can be found by it")
        return self.get_signing_key(kid)

    def _current(self, *, unknown: bool = False, anew: bool = False) -> PyJWKSet:
        turn = self._remote.rust.turn(unknown=unknown, anew=anew)
        if turn is not None:
            try:
                self._take(turn)
            except PyJWTError as error:
                if anew or not self._remote.rust.is_usable:
                    raise
                logger.warning("the keys of %s can't be fetched: %s", self._remote.rust.shown_url, error)
        with self._lock:
            if self._jwk_set is None:
                raise PyJWKClientConnectionError("the issuer's keys are unavailable")
            return self._jwk_set

    def _take(self, turn: FetchTurn) -> None:
        try:
            data = self.fetch_data()
            keys = _public(data)
        except BaseException:
            turn.fail("connection")
            raise
        # Whoever finds the keys current must find them here.
        with self._lock:
            problem = turn.succeed(200, json.dumps(data).encode())
            self._remote.note_skipped(turn)
            if problem is not None:
                raise PyJWKClientError(problem)
            self._jwk_set = keys

    @staticmethod
    def match_kid(signing_keys: list[PyJWK], kid: str) -> PyJWK | None:
        """The first of the keys that has this name."""
        return next((key for key in signing_keys if key.key_id == kid), None)

    @staticmethod
    def _signing_keys(jwk_set: PyJWKSet) -> list[PyJWK]:
        keys = [key for key in jwk_set if key.public_key_use in SIGNING and key.key_id]
        if not keys:
            raise PyJWKClientError("The JWKS endpoint did not contain any signing keys")
        return keys

    def __repr__(self) -> str:
        return f"PyJWKClient({self._remote.rust.shown_url!r})"


# The second is SPIFFE's.
SIGNING = ("sig", "jwt-svid", None)


def _public(data: object) -> PyJWKSet:
    if not isinstance(data, dict):
        raise PyJWKClientError("The JWKS endpoint did not return a JSON object")
    jwk_set = PyJWKSet.from_dict(data)
    jwk_set.keys = [key for key in jwk_set if key._boltguard_key.kind == "public"]
    if not jwk_set.keys:
        raise PyJWKSetError("the JWK Set holds no public key that can be used")
    return jwk_set


def _no_set(body: bytes, error: Exception) -> PyJWTError:
    try:
        is_object = isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        is_object = False
    if is_object:
        return PyJWKSetError(f"the JWK Set can't be used: {error}")
    return PyJWKClientError("The JWKS endpoint did not return a JSON object")


def _check_caches(cache_keys: object, max_cached_keys: object, cache_jwk_set: object) -> None:
    for name, value in (("cache_keys", cache_keys), ("cache_jwk_set", cache_jwk_set)):
        if not isinstance(value, bool):
            raise PyJWKClientError(f"PyJWKClient: {name} is of type {type(value).__name__}; give True or False")
    if cache_keys and not cache_jwk_set:
        raise PyJWKClientError("PyJWKClient: cache_keys needs cache_jwk_set: keys are kept with their set")
    if max_cached_keys != MAX_CACHED_KEYS:
        raise PyJWKClientError("PyJWKClient: max_cached_keys has no effect, a set is kept as a whole; omit it")


#: PyJWT's default.
MAX_CACHED_KEYS = 16
