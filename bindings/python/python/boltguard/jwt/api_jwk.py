"""`PyJWK` and `PyJWKSet`: JSON Web Keys with the interface of PyJWT's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from boltguard._rust import Key
from boltguard.exceptions import InvalidKeyError, PyJWKError, PyJWKSetError, PyJWTError
from boltguard.jwt.algorithms import Algorithm, HMACAlgorithm, get_algorithm_by_name
from boltguard.jwt.foreign import to_foreign

__all__ = ["PyJWK", "PyJWKSet"]


class PyJWK:
    """A JSON Web Key for one algorithm: the argument, or its ``alg``, or the first one that its type supports."""

    def __init__(self, jwk_data: Mapping[str, Any], algorithm: str | None = None) -> None:
        # The engine finds the key by this name.
        self._boltguard_key = Key.from_jwk(jwk_data)
        served = self._boltguard_key.algorithms
        if not served or (algorithm is not None and algorithm not in served):
            raise PyJWKError(
                "no algorithm for this key: its `alg` is for another use, or algorithm is for another type of key"
            )
        self.algorithm_name: str = algorithm or served[0]
        self._jwk_data = dict(jwk_data)

    @staticmethod
    def from_dict(obj: Mapping[str, Any], algorithm: str | None = None) -> PyJWK:
        """Reads a mapping."""
        return PyJWK(obj, algorithm)

    @staticmethod
    def from_json(data: str, algorithm: str | None = None) -> PyJWK:
        """Reads a JSON string."""
        return PyJWK(_object(data, InvalidKeyError), algorithm)

    @property
    def key(self) -> Any:
        """The bytes of a secret, or an object of the package `cryptography`, or a `Key` without that package."""
        if self._boltguard_key.kind == "secret":
            return HMACAlgorithm.from_jwk(self._jwk_data)
        return to_foreign(self._boltguard_key)

    @property
    def key_type(self) -> str | None:
        """``kty``."""
        return self._jwk_data.get("kty")

    @property
    def public_key_use(self) -> str | None:
        """``use``."""
        return self._jwk_data.get("use")

    @property
    def key_id(self) -> str | None:
        """``kid``."""
        return self._boltguard_key.kid

    @property
    def Algorithm(self) -> Algorithm:
        """The algorithm that the key is for."""
        return get_algorithm_by_name(self.algorithm_name)

    def __repr__(self) -> str:
        return f"<PyJWK {self.key_id!r} for {self.algorithm_name}>"


class PyJWKSet:
    """A set of JSON Web Keys. Unsupported keys are ignored."""

    def __init__(self, keys: list[Mapping[str, Any]]) -> None:
        if not isinstance(keys, list) or not keys:
            raise PyJWKSetError("a JWK Set must have a list of keys")
        read = [_read(jwk) for jwk in keys]
        self.keys = [key for key in read if isinstance(key, PyJWK)]
        if not self.keys:
            reasons = "; ".join(f"key {index}: {reason}" for index, reason in enumerate(read[:MAX_REASONS]))
            raise PyJWKSetError(f"the JWK Set has no usable key: {reasons}")

    @staticmethod
    def from_dict(obj: Mapping[str, Any]) -> PyJWKSet:
        """Reads a mapping with the list ``keys``."""
        return PyJWKSet(obj.get("keys", []))

    @staticmethod
    def from_json(data: str) -> PyJWKSet:
        """Reads a JSON string."""
        return PyJWKSet.from_dict(_object(data, PyJWKSetError))

    def __getitem__(self, kid: str) -> PyJWK:
        for key in self.keys:
            if key.key_id == kid:
                return key
        raise KeyError(f"the set has no key with the kid {kid!r}")

    def __iter__(self) -> Iterator[PyJWK]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)


MAX_REASONS = 10


def _read(jwk: object) -> PyJWK | str:
    """The key, or why it can't be used."""
    try:
        return PyJWK(jwk) if isinstance(jwk, Mapping) else "not an object"
    except PyJWTError as error:
        return str(error)


def _object(data: str, refusal: type[PyJWTError]) -> dict[str, Any]:
    try:
        read = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise refusal("not JSON") from error
    if not isinstance(read, dict):
        raise refusal("not a JSON object")
    return read
