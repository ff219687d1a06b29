"""`PyJWKClient`: a client for a JWKS URL, with the interface of PyJWT's."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Mapping
from threading import Lock
from typing import Any

from boltguard import forks
from boltguard._rust import FetchPermit, KeySet, unverified_header
from boltguard.exceptions import (
    ConfigurationError,
    InvalidKeyError,
    PyJWKClientConnectionError,
    PyJWKClientError,
    PyJWKSetError,
    PyJWTError,
)
from boltguard.jwt.api_jwk import PyJWK, PyJWKSet
from boltguard.jwt.fetching import FetchError
from boltguard.jwt.remote import RemoteKeySet

logger = logging.getLogger("boltguard")


class PyJWKClient:
    """Fetches a JWK Set, one thread at a time, and caches it for `lifespan` seconds.

    Unlike PyJWT's client:

    - `http:` requires `allow_http=True`.
    - A response can't be larger than `max_bytes`.
    - Secrets in the set are ignored, and a set with a private key is rejected.
    - While the server fails, the previous keys are used for another `stale` seconds.
    - Keys are always cached with their set, and removed with it. `cache_keys` therefore has no effect and requires
      `cache_jwk_set`, and `max_cached_keys` isn't supported.
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
            del uri, headers  # local variables, which an error page would show
            raise PyJWKClientError(str(error).replace("RemoteKeySet", "PyJWKClient", 1)) from None

        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Called in a forked process, in which the thread that holds the lock doesn't exist."""
        self._lock = Lock()

    def fetch_data(self) -> Any:
        """Fetches the JWK Set and returns it as a dict, without reading or changing the cache."""
        try:
            response = self._remote.fetch()
        except FetchError as error:
            # The local variables in the traceback of the cause contain the request.
            raise PyJWKClientConnectionError(f"Fail to fetch data from the url: {error}{error.detail}") from None
        if response.status != 200:
            raise PyJWKClientConnectionError(f"Fail to fetch data from the url: status {response.status}")
        try:
            KeySet.from_jwks(response.body.decode(), log_skipped=False)  # logged by `log_skipped`
        except (InvalidKeyError, UnicodeDecodeError) as error:
            raise _set_error(response.body, error) from None
        return json.loads(response.body)

    def get_jwk_set(self, refresh: bool = False) -> PyJWKSet:
        """The current public keys. With `refresh=True`, they are fetched."""
        if not self._is_cached:
            return _public(self.fetch_data())
        return self._current(force=refresh)

    def get_signing_keys(self, refresh: bool = False) -> list[PyJWK]:
        """The keys of the set that have a `kid` and are for signatures."""
        return self._signing_keys(self.get_jwk_set(refresh))

    def get_signing_key(self, kid: str) -> PyJWK:
        """The key with this `kid`. If there is none, the set is fetched again, at most once per cooldown."""
        found = self.match_kid(self.get_signing_keys(), kid)
        if found is None and self._is_cached:
            found = self.match_kid(self._signing_keys(self._current(unknown_kid=True)), kid)
        if found is None:
            raise PyJWKClientError(f"Unable to find a signing key that matches: {kid!r}")
        return found

    def get_signing_key_from_jwt(self, token: str | bytes) -> PyJWK:
        """The key with the token's `kid`. The token isn't verified."""
        kid = unverified_header(token).get("kid")
        if not isinstance(kid, str):
            raise PyJWKClientError("The token has no kid, which is required to find its key.")
        return self.get_signing_key(kid)

    def _current(self, *, unknown_kid: bool = False, force: bool = False) -> PyJWKSet:
        permit = self._remote.rust.begin_fetch(unknown_kid=unknown_kid, force=force)
        if permit is not None:
            try:
                self._take(permit)
            except PyJWTError as error:
                if force or not self._remote.rust.is_usable:
                    raise
                logger.warning("the keys of %s can't be fetched: %s", self._remote.rust.shown_url, error)
        with self._lock:
            if self._jwk_set is None:
                raise PyJWKClientConnectionError("the issuer's keys are unavailable")
            return self._jwk_set

    def _take(self, permit: FetchPermit) -> None:
        try:
            data = self.fetch_data()
            keys = _public(data)
        except BaseException:
            permit.fail("connection")
            raise
        # A thread that finds the keys up to date must also find them here.
        with self._lock:
            problem = permit.succeed(200, json.dumps(data).encode())
            self._remote.log_skipped(permit)
            if problem is not None:
                raise PyJWKClientError(problem)
            self._jwk_set = keys

    @staticmethod
    def match_kid(signing_keys: list[PyJWK], kid: str) -> PyJWK | None:
        """The first key with this `kid`."""
        return next((key for key in signing_keys if key.key_id == kid), None)

    @staticmethod
    def _signing_keys(jwk_set: PyJWKSet) -> list[PyJWK]:
        keys = [key for key in jwk_set if key.public_key_use in SIGNING and key.key_id]
        if not keys:
            raise PyJWKClientError("The JWKS endpoint did not contain any signing keys")
        return keys

    def __repr__(self) -> str:
        return f"PyJWKClient({self._remote.rust.shown_url!r})"


# `jwt-svid` is from SPIFFE.
SIGNING = ("sig", "jwt-svid", None)


def _public(data: object) -> PyJWKSet:
    if not isinstance(data, dict):
        raise PyJWKClientError("The JWKS endpoint did not return a JSON object")
    jwk_set = PyJWKSet.from_dict(data)
    jwk_set.keys = [key for key in jwk_set if key._boltguard_key.kind == "public"]
    if not jwk_set.keys:
        raise PyJWKSetError("The JWK Set has no usable public keys.")
    return jwk_set


def _set_error(body: bytes, error: Exception) -> PyJWTError:
    try:
        is_object = isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        is_object = False
    if is_object:
        return PyJWKSetError(f"The JWK Set is invalid: {error}")
    return PyJWKClientError("The JWKS endpoint did not return a JSON object")


def _check_caches(cache_keys: object, max_cached_keys: object, cache_jwk_set: object) -> None:
    for name, value in (("cache_keys", cache_keys), ("cache_jwk_set", cache_jwk_set)):
        if not isinstance(value, bool):
            raise PyJWKClientError(f"PyJWKClient: {name} must be True or False, not {type(value).__name__}.")
    if cache_keys and not cache_jwk_set:
        raise PyJWKClientError(
            "PyJWKClient: cache_keys requires cache_jwk_set, because keys are cached with their set."
        )
    if max_cached_keys != MAX_CACHED_KEYS:
        raise PyJWKClientError(
            "PyJWKClient: max_cached_keys isn't supported, because sets are cached as a whole. Omit it."
        )


#: PyJWT's default.
MAX_CACHED_KEYS = 16
