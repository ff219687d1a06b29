"""`FakeIssuer`: an issuer of tokens on this machine, with a JWK Set and a discovery document."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from unittest import mock

from boltguard import jwt
from boltguard._rust import ALGORITHMS, SYMMETRIC_ALGORITHMS
from boltguard.jwt import Key, KeySet
from boltguard.messages import shown_algorithm
from boltguard.testing.claims import Lifetime, issued_now, without_none


class FakeIssuer:
    """An HTTP server on the loopback interface that publishes keys, as a context manager.

    - `algorithm`: the algorithm of its keys, such as `"ES256"`, `"EdDSA"` or `"RS256"`. RSA keys require the package
      `cryptography`.
    - `claims`: claims of all its tokens, such as `{"aud": "shop"}`.

    Its URLs start with `http:`, so `RemoteKeySet` requires `allow_http=True`.
    """

    def __init__(self, algorithm: str = "ES256", *, claims: Mapping[str, Any] | None = None) -> None:
        if algorithm not in ALGORITHMS or algorithm in SYMMETRIC_ALGORITHMS:
            public = ", ".join(name for name in ALGORITHMS if name not in SYMMETRIC_ALGORITHMS)
            raise ValueError(
                f"FakeIssuer: algorithm is {shown_algorithm(algorithm)}. An issuer publishes keys for one of {public}."
            )
        self.algorithm = algorithm
        self.claims = dict(claims or {})
        self.paths: list[str] = []
        self._status = 200
        self._key = _generate(algorithm)
        self._published = [self._key]
        self._running: ExitStack | None = None
        self._port = 0

    def __enter__(self) -> FakeIssuer:
        if self._running is not None:
            raise RuntimeError("This FakeIssuer is already running.")
        self._running = ExitStack()
        self._port = self._running.enter_context(_serving(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None

    @property
    def url(self) -> str:
        """The identifier of the issuer, which is the `iss` of its tokens."""
        if self._running is None:
            raise RuntimeError("This FakeIssuer isn't running. Use `with FakeIssuer() as issuer:`.")
        return f"http://127.0.0.1:{self._port}"

    @property
    def jwks_url(self) -> str:
        """The URL of the JWK Set."""
        return f"{self.url}/jwks.json"

    @property
    def key_ids(self) -> list[str]:
        """The `kid` of each published key; the last one signs."""
        return [_kid(key) for key in self._published]

    def token(self, sub: str | None = "42", *, expires_in: Lifetime = 3600, **claims: Any) -> str:
        """A token of this issuer: `iss`, `sub`, `iat`, `exp`, `jti`, its `claims`, and those that are passed.

        A claim that is `None` is omitted. With a negative `expires_in`, the token has expired.
        """
        return self.sign({"iss": self.url, "sub": sub, **issued_now(expires_in), **self.claims, **claims})

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        """A token with exactly these claims, without those that are `None`, signed with the current key."""
        kid = _kid(self._key)
        return jwt.encode(without_none(claims), self._key, self.algorithm, headers={"kid": kid, **(headers or {})})

    def rotate(self, *, keep: bool = True) -> None:
        """Generates a new key, which signs from now on. With `keep=False`, the old ones aren't published any more."""
        self._key = _generate(self.algorithm)
        self._published = [*(self._published if keep else []), self._key]

    @contextmanager
    def outage(self, status: int = 503) -> Iterator[None]:
        """Responds to all requests with this status. Tokens can still be signed."""
        before, self._status = self._status, status
        try:
            yield
        finally:
            self._status = before

    def _document(self, path: str) -> dict[str, Any] | None:
        if path == "/jwks.json":
            return KeySet([key.public_key() for key in self._published]).to_jwks()
        return self._metadata() if path == "/.well-known/openid-configuration" else None

    def _metadata(self) -> dict[str, Any]:
        """What OpenID Connect Discovery 1.0 §3 requires."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": self.jwks_url,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
        }

    def _respond(self, path: str) -> tuple[int, bytes]:
        self.paths.append(path)
        if self._status != 200:
            return self._status, b""
        document = self._document(path)
        return (404, b"") if document is None else (200, json.dumps(document).encode())

    def __repr__(self) -> str:
        return f"<FakeIssuer: {self.algorithm}, {'stopped' if self._running is None else self.url}>"


@contextmanager
def _serving(issuer: FakeIssuer) -> Iterator[int]:
    """Serves the issuer on a free port, and yields it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = issuer._respond(self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        # The machine's proxy doesn't know this server.
        with mock.patch.dict(os.environ, {"no_proxy": _unproxied()}):
            yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that has disconnected


def _unproxied() -> str:
    hosts = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    return ",".join([*filter(None, [hosts]), "localhost", "127.0.0.1"])


def _generate(algorithm: str) -> Key:
    kid = secrets.token_urlsafe(6)
    if algorithm[:2] not in ("RS", "PS"):
        return Key.generate(algorithm, kid=kid)
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError as error:
        raise ImportError(f"FakeIssuer({algorithm!r}) generates RSA keys with the package cryptography.") from error
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Key.from_pem(pem, kid=kid)


def _kid(key: Key) -> str:
    assert key.kid is not None
    return key.kid
