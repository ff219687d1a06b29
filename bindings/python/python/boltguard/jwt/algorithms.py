"""The algorithms as objects, in the shape of PyJWT's: they read keys, sign bytes and verify signatures.

They are a closed set. What a call may use is named in that call, not in a registry of the process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NoReturn, overload

from boltguard._rust import ALGORITHMS, Key
from boltguard.exceptions import InvalidKeyError


class Algorithm:
    """A signature algorithm by its name."""

    kty: str | None = None

    def __init__(self, name: str) -> None:
        if name not in ALGORITHMS:
            raise NotImplementedError(f"there is no algorithm {name!r}")
        self.name = name

    def prepare_key(self, key: Any) -> Key:
        """Reads a key in any of the forms that `boltguard.jwt.decode` takes."""
        return Key.read(key, self.name)

    def sign(self, msg: bytes, key: Any) -> bytes:
        """The signature of ``msg``."""
        return self.prepare_key(key).sign(self.name, msg)

    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
        """Whether ``sig`` is the key's for ``msg``."""
        return self.prepare_key(key).verify(self.name, msg, sig)

    @classmethod
    def from_jwk(cls, jwk: str | Mapping[str, Any]) -> Key:
        """Reads a JSON Web Key, a mapping or its text."""
        members = json.loads(jwk) if isinstance(jwk, str) else jwk
        if cls.kty is not None and (not isinstance(members, Mapping) or members.get("kty") != cls.kty):
            raise InvalidKeyError(f"not a JSON Web Key of type {cls.kty}")
        return Key.from_jwk(jwk)

    @overload
    @staticmethod
    def to_jwk(key_obj: Any, as_dict: Literal[True]) -> dict[str, Any]: ...
    @overload
    @staticmethod
    def to_jwk(key_obj: Any, as_dict: Literal[False] = False) -> str: ...
    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> dict[str, Any] | str:
        """The JSON Web Key of a public key; of a private one no more than its public part."""
        key = key_obj if isinstance(key_obj, Key) else Key.read(key_obj)
        return key.to_jwk() if as_dict else json.dumps(key.to_jwk())

    def __repr__(self) -> str:
        return f"<Algorithm {self.name}>"


class HMACAlgorithm(Algorithm):
    """HS256, HS384 and HS512."""

    kty = "oct"


class RSAAlgorithm(Algorithm):
    """RS256, RS384 and RS512."""

    kty = "RSA"


class RSAPSSAlgorithm(RSAAlgorithm):
    """PS256, PS384 and PS512."""


class ECAlgorithm(Algorithm):
    """ES256, ES384 and ES512."""

    kty = "EC"


class OKPAlgorithm(Algorithm):
    """EdDSA, with Ed25519."""

    kty = "OKP"


_FAMILIES: dict[str, type[Algorithm]] = {
    "HS": HMACAlgorithm,
    "RS": RSAAlgorithm,
    "PS": RSAPSSAlgorithm,
    "ES": ECAlgorithm,
    "Ed": OKPAlgorithm,
}


def get_default_algorithms() -> dict[str, Algorithm]:
    """All algorithms by their names."""
    return {name: _FAMILIES[name[:2]](name) for name in ALGORITHMS}


def get_algorithm_by_name(alg_name: str) -> Algorithm:
    """The algorithm of this name; `NotImplementedError` where there is none, as in PyJWT."""
    return _FAMILIES.get(str(alg_name)[:2], Algorithm)(alg_name)


def register_algorithm(alg_id: str, alg_obj: object) -> NoReturn:
    """Not possible: the algorithms are a closed set."""
    raise NotImplementedError(f"{alg_id!r} can't be added: the algorithms are a closed set")


def unregister_algorithm(alg_id: str) -> NoReturn:
    """Not possible, and not needed: each call names the algorithms that it allows."""
    raise NotImplementedError(f"{alg_id!r} can't be taken out for all: name the allowed algorithms in each call")
