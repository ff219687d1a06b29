"""JSON Web Signatures over any payload.

``sign`` and ``verify`` are functions of the engine. `PyJWS`, ``encode`` and ``decode`` have PyJWT's shape.

>>> from boltguard import jws
>>> token = jws.sign(b"any bytes", "a secret that is thirty-two bytes", "HS256")
>>> jws.verify(token, "a secret that is thirty-two bytes", ["HS256"])
b'any bytes'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from boltguard._rust import ALGORITHMS, jws_verify_complete, unverified_header
from boltguard._rust import jws_sign as sign
from boltguard._rust import jws_verify as verify

__all__ = [
    "PyJWS",
    "decode",
    "decode_complete",
    "encode",
    "get_unverified_header",
    "sign",
    "verify",
]


class PyJWS:
    """Signs and verifies with some of the algorithms, or with all."""

    def __init__(self, algorithms: Iterable[str] | None = None, options: Mapping[str, Any] | None = None) -> None:
        self._algorithms = list(ALGORITHMS if algorithms is None else algorithms)
        self.options: dict[str, Any] = dict(options or {})

    def get_algorithms(self) -> list[str]:
        """The algorithms that this object knows."""
        return list(self._algorithms)

    def encode(
        self,
        payload: bytes,
        key: Any,
        algorithm: str | None = None,
        headers: Mapping[str, Any] | None = None,
        json_encoder: object = None,
        is_payload_detached: bool = False,
        sort_headers: bool = True,
    ) -> str:
        """Signs ``payload``; a detached one is left out of the token, RFC 7515 appendix F."""
        token = sign(payload, key, algorithm, headers)
        if not is_payload_detached:
            return token
        header, _, signature = token.split(".")
        return f"{header}..{signature}"

    def decode(
        self,
        jwt: str | bytes,
        key: Any = None,
        algorithms: Iterable[str] | None = None,
        options: Mapping[str, Any] | None = None,
        detached_payload: bytes | None = None,
    ) -> bytes:
        """Verifies a token and returns its payload."""
        payload: bytes = self.decode_complete(jwt, key, algorithms, options, detached_payload)["payload"]
        return payload

    def decode_complete(
        self,
        jwt: str | bytes,
        key: Any = None,
        algorithms: Iterable[str] | None = None,
        options: Mapping[str, Any] | None = None,
        detached_payload: bytes | None = None,
    ) -> dict[str, Any]:
        """Verifies a token and returns its ``header``, its ``payload`` and its ``signature``."""
        if algorithms is not None:
            algorithms = [name for name in _names(algorithms) if name in self._algorithms]
        return jws_verify_complete(jwt, key, algorithms, detached_payload, {**self.options, **(options or {})})

    def get_unverified_header(self, jwt: str | bytes) -> dict[str, Any]:
        """The header of a token, which nobody vouches for."""
        return unverified_header(jwt)


def _names(algorithms: Iterable[str]) -> Iterable[str]:
    return [algorithms] if isinstance(algorithms, str) else algorithms


_jws = PyJWS()
encode = _jws.encode
decode = _jws.decode
decode_complete = _jws.decode_complete
get_unverified_header = unverified_header
