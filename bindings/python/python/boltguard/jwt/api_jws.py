"""`PyJWS`: JSON Web Signatures over any payload, with the interface of ``jwt.api_jws``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json import JSONEncoder
from typing import Any, ClassVar, cast

from boltguard._rust import ALGORITHMS, jws_check_options, jws_sign, jws_verify_complete, unverified_header
from boltguard.exceptions import ConfigurationError, UnsupportedAlgorithmError
from boltguard.jwt.algorithms import Algorithm, get_algorithm_by_name, register_algorithm, unregister_algorithm
from boltguard.jwt.types import SigOptions
from boltguard.jwt.unused import refuse_unused_overrides

__all__ = [
    "PyJWS",
    "decode",
    "decode_complete",
    "encode",
    "get_algorithm_by_name",
    "get_unverified_header",
    "register_algorithm",
    "unregister_algorithm",
]


class PyJWS:
    """Signs and verifies with some of the algorithms, or with all."""

    header_typ: ClassVar[str] = "JWT"

    def __init__(self, algorithms: Iterable[str] | None = None, options: Mapping[str, Any] | None = None) -> None:
        known = ["none", *ALGORITHMS]
        self._algorithms = known if algorithms is None else list(_names(algorithms))
        if not set(self._algorithms) <= set(known):
            raise ConfigurationError(f"PyJWS: algorithms contains an unknown name. Known names: {', '.join(known)}")
        given = {} if options is None else dict(options)
        jws_check_options(given)
        self.options = cast(SigOptions, {**_DEFAULTS, **given})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        refuse_unused_overrides(cls, PyJWS, _UNUSED)

    def get_algorithms(self) -> list[str]:
        """The names of this object's algorithms. ``none`` never signs or verifies a token."""
        return list(self._algorithms)

    def get_algorithm_by_name(self, alg_name: str) -> Algorithm:
        """The algorithm with this name. Raises `NotImplementedError` if this object doesn't have it."""
        if alg_name not in self._algorithms:
            raise NotImplementedError("PyJWS: this object doesn't have this algorithm")
        return get_algorithm_by_name(alg_name)

    def register_algorithm(self, alg_id: str, alg_obj: Algorithm) -> None:
        """Adds a built-in algorithm that this object was created without. Other algorithms can't be added."""
        if alg_id in self._algorithms:
            raise ValueError("this object already has an algorithm with this name")
        if not isinstance(alg_obj, Algorithm):
            raise TypeError(f"alg_obj must be an Algorithm, not {type(alg_obj).__name__}")
        if alg_id != alg_obj.name or alg_id not in ("none", *ALGORITHMS):
            raise NotImplementedError("other algorithms can't be added, because the set is closed")
        self._algorithms.append(alg_id)

    def unregister_algorithm(self, alg_id: str) -> None:
        """Removes an algorithm from this object."""
        if alg_id not in self._algorithms:
            raise KeyError("this object has no algorithm with this name")
        self._algorithms.remove(alg_id)

    def encode(
        self,
        payload: bytes,
        key: Any,
        algorithm: str | None = None,
        headers: Mapping[str, Any] | None = None,
        json_encoder: type[JSONEncoder] | None = None,
        is_payload_detached: bool = False,
        sort_headers: bool = True,
    ) -> str:
        """Signs ``payload``; a detached payload is omitted from the token and isn't encoded, RFC 7797."""
        if self.header_typ != PyJWS.header_typ:
            headers = {"typ": self.header_typ, **dict(headers or {})}
        token = jws_sign(
            payload,
            key,
            algorithm,
            headers,
            json_encoder=json_encoder,
            sort_headers=sort_headers,
            is_payload_detached=is_payload_detached,
            enforce_minimum_key_length=self.options["enforce_minimum_key_length"],
        )
        if unverified_header(token)["alg"] not in self._algorithms:
            raise UnsupportedAlgorithmError("PyJWS: this object was made without the algorithm that the token has")
        return token

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
        decoded = jws_verify_complete(jwt, key, algorithms, detached_payload, {**self.options, **dict(options or {})})
        if algorithms is None and decoded["header"].get("alg") not in self._algorithms and self._verifies(options):
            raise UnsupportedAlgorithmError("PyJWS: this object was made without the algorithm that the token has")
        return decoded

    def get_unverified_header(self, jwt: str | bytes) -> dict[str, Any]:
        """The header of a token, which isn't verified."""
        return unverified_header(jwt)

    def _verifies(self, options: Mapping[str, Any] | None) -> bool:
        return bool({**self.options, **dict(options or {})}["verify_signature"])


def _names(algorithms: Iterable[str]) -> Iterable[str]:
    return [algorithms] if isinstance(algorithms, str) else algorithms


_DEFAULTS: SigOptions = {"verify_signature": True, "enforce_minimum_key_length": False}
_UNUSED = frozenset(["_load", "_validate_crit", "_validate_headers", "_validate_kid", "_verify_signature"])
_jws = PyJWS()
encode = _jws.encode
decode = _jws.decode
decode_complete = _jws.decode_complete
get_unverified_header = unverified_header
