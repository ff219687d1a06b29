"""Algorithm objects with the interface of PyJWT's: they read keys, sign bytes and verify signatures.

The set is closed. Each call passes the algorithms that it allows; there is no registry for the process.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NoReturn, overload

from boltguard._rust import ALGORITHMS, SYMMETRIC_ALGORITHMS, Key
from boltguard.exceptions import InvalidKeyError
from boltguard.jwt.foreign import curve_of, has_crypto, is_foreign, to_foreign
from boltguard.jwt.types import HashlibHash, JWKDict
from boltguard.jwt.utils import base64url_decode, base64url_encode, force_bytes

__all__ = [
    "Algorithm",
    "ECAlgorithm",
    "HMACAlgorithm",
    "NoneAlgorithm",
    "OKPAlgorithm",
    "RSAAlgorithm",
    "RSAPSSAlgorithm",
    "get_algorithm_by_name",
    "get_default_algorithms",
    "has_crypto",
    "register_algorithm",
    "requires_cryptography",
    "unregister_algorithm",
]

#: Empty: all algorithms are built in. In PyJWT, it contains those that require the package `cryptography`.
requires_cryptography: frozenset[str] = frozenset()


class Algorithm:
    """A signature algorithm."""

    kty: ClassVar[str | None] = None
    #: The prefix of its name.
    family: ClassVar[str] = ""
    #: The exception that `prepare_key` raises for an object of another type.
    _mistyped: ClassVar[type[Exception]] = TypeError
    hash_alg: HashlibHash | None = None
    name: str

    def prepare_key(self, key: Any) -> Any:
        """Reads a key, and returns it as an object of the package `cryptography` if that is installed."""
        read = self._read(key)
        return key if is_foreign(key) or isinstance(key, Key) else to_foreign(read)

    def sign(self, msg: bytes | str, key: Any) -> bytes:
        """Returns the signature of ``msg``."""
        return self._read(key).sign(self.name, force_bytes(msg))

    def verify(self, msg: bytes | str, key: Any, sig: bytes | str) -> bool:
        """Whether ``sig`` is a valid signature of ``msg`` with the key."""
        read = self._read(key)
        # As in PyJWT, a private key verifies with its public key.
        public = read.public_key() if read.kind == "private" else read
        return public.verify(self.name, force_bytes(msg), force_bytes(sig))

    def compute_hash_digest(self, bytestr: bytes) -> bytes:
        """Returns the hash of these bytes; raises `NotImplementedError` if the algorithm has no hash."""
        if self.hash_alg is None:
            raise NotImplementedError(f"{type(self).__name__} has no hash")
        return hashlib.new(f"sha{_bits(self.hash_alg)}", bytestr).digest()

    def check_crypto_key_type(self, key: Any) -> None:
        """Raises `InvalidKeyError` unless the key has the algorithm's type, `ValueError` if there is no such type."""
        if self.kty in (None, "oct"):
            raise ValueError(f"{type(self).__name__} has no keys of the package cryptography")
        try:
            self._read(key)
        except TypeError as error:
            raise InvalidKeyError(str(error)) from None

    def check_key_length(self, key: Any) -> str | None:
        """A message about a key that is too short, or `None`."""
        return None

    @classmethod
    def from_jwk(cls, jwk: str | JWKDict) -> Any:
        """Reads a JSON Web Key, a mapping or a JSON string."""
        return to_foreign(cls._from_jwk(jwk))

    @overload
    @staticmethod
    def to_jwk(key_obj: Any, as_dict: Literal[True]) -> JWKDict: ...
    @overload
    @staticmethod
    def to_jwk(key_obj: Any, as_dict: Literal[False] = False) -> str: ...
    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> JWKDict | str:
        """The JSON Web Key of a public key; for a private key, only the public part."""
        return _jwk(_key(key_obj).to_jwk(), as_dict)

    @classmethod
    def _from_jwk(cls, jwk: str | JWKDict) -> Key:
        if _members(jwk).get("kty") != cls.kty:
            raise InvalidKeyError(f"not a JSON Web Key of type {cls.kty}")
        return Key.from_jwk(jwk)

    def _read(self, key: Any) -> Key:
        is_readable = isinstance(key, (str, bytes, Key, Mapping)) or is_foreign(key) or hasattr(key, "algorithm_name")
        if not is_readable:
            raise self._mistyped(f"{type(self).__name__} requires a key, not {type(key).__name__}")
        read = Key.read(key, self.name)
        if not self._serves(read):
            raise InvalidKeyError(f"the key is for {' or '.join(read.algorithms) or 'nothing'}, not for {self.name}")
        return read

    def _serves(self, key: Key) -> bool:
        return self.name in key.algorithms

    def __repr__(self) -> str:
        return f"<Algorithm {self.name}>"


class NoneAlgorithm(Algorithm):
    """The algorithm ``none``, which can't sign or verify."""

    name = "none"

    def prepare_key(self, key: Any) -> None:
        """Raises an error, because the algorithm has no keys."""
        if key not in (None, ""):
            raise InvalidKeyError("the algorithm none has no key")

    def sign(self, msg: bytes | str, key: Any) -> NoReturn:
        """Not supported, because unsigned tokens can't be authenticated."""
        raise NotImplementedError("the algorithm none signs nothing")

    def verify(self, msg: bytes | str, key: Any, sig: bytes | str) -> bool:
        """Always false."""
        return False

    @classmethod
    def from_jwk(cls, jwk: str | JWKDict) -> NoReturn:
        """Not possible."""
        raise NotImplementedError("the algorithm none has no keys")

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> NoReturn:
        """Not possible."""
        raise NotImplementedError("the algorithm none has no keys")


class _Hashed(Algorithm):
    SHA256: ClassVar[HashlibHash] = hashlib.sha256
    SHA384: ClassVar[HashlibHash] = hashlib.sha384
    SHA512: ClassVar[HashlibHash] = hashlib.sha512

    def __init__(self, hash_alg: Any) -> None:
        self.hash_alg = hash_alg
        self.name = f"{self.family}{_bits(hash_alg)}"


class HMACAlgorithm(_Hashed):
    """HS256, HS384 and HS512: ``HMACAlgorithm(HMACAlgorithm.SHA256)``."""

    kty = "oct"
    family = "HS"

    def prepare_key(self, key: Any) -> Any:
        """Reads a secret, and returns its bytes."""
        self._read(key)
        return force_bytes(key) if isinstance(key, (str, bytes)) else key

    def check_key_length(self, key: Any) -> str | None:
        """A message about a secret that is shorter than the hash, or `None`."""
        if not self._read(key).is_weak_for(self.name):
            return None
        size = SYMMETRIC_ALGORITHMS[self.name]
        return f"the HMAC secret is below {size} bytes, the length of the hash of {self.name}: RFC 7518 §3.2"

    @classmethod
    def from_jwk(cls, jwk: str | JWKDict) -> bytes:
        """Reads a JSON Web Key, and returns the bytes of its secret."""
        cls._from_jwk(jwk)
        return base64url_decode(_members(jwk)["k"])

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> Any:
        """The JSON Web Key of a secret, which must not be published."""
        Key.from_secret(key_obj)
        return _jwk({"k": base64url_encode(force_bytes(key_obj)).decode(), "kty": "oct"}, as_dict)


class RSAAlgorithm(_Hashed):
    """RS256, RS384 and RS512: ``RSAAlgorithm(RSAAlgorithm.SHA256)``."""

    kty = "RSA"
    family = "RS"

    def check_key_length(self, key: Any) -> str | None:
        """A message about an object of the package `cryptography` that is too short, or `None`."""
        bits = getattr(key, "key_size", 2048)
        return None if bits >= 2048 else f"the RSA key has {bits} bits, below 2048: it is refused"

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> Any:
        """The JSON Web Key of a public key; for a private key, only the public part."""
        return _jwk({**_key(key_obj).to_jwk(), "key_ops": ["verify"]}, as_dict)


class RSAPSSAlgorithm(RSAAlgorithm):
    """PS256, PS384 and PS512: ``RSAPSSAlgorithm(RSAPSSAlgorithm.SHA256)``."""

    family = "PS"


class ECAlgorithm(_Hashed):
    """ES256, ES384 and ES512: ``ECAlgorithm(ECAlgorithm.SHA256)``; each requires a certain curve, RFC 7518 §3.4.

    `expected_curve` is a curve of the package `cryptography`. If it is set, `prepare_key` only accepts keys of that
    curve.
    """

    kty = "EC"
    family = "ES"

    def __init__(self, hash_alg: Any, expected_curve: Any = None) -> None:
        super().__init__(hash_alg)
        self._expected_curve = expected_curve
        self._takes_any_curve = expected_curve is None
        if expected_curve is not None and _CURVES.get(getattr(expected_curve, "name", "")) != self.name:
            name = getattr(expected_curve, "name", "of another kind")
            raise NotImplementedError(f"no algorithm has this hash and the curve {name}")

    @property
    def expected_curve(self) -> Any:
        """The curve that keys must have, as a class of the package `cryptography`; `None` for any."""
        if self._expected_curve is None and not self._takes_any_curve:
            return curve_of(self.name)
        return self._expected_curve

    def prepare_key(self, key: Any) -> Any:
        """Reads a key of the expected curve, or of any curve if none is set."""
        if not self._takes_any_curve or not _is_key(key):
            return super().prepare_key(key)
        read = Key.read(key)
        if not any(name.startswith("ES") for name in read.algorithms):
            raise InvalidKeyError("this is not a key of an elliptic curve")
        return key if is_foreign(key) or isinstance(key, Key) else to_foreign(read)


class OKPAlgorithm(Algorithm):
    """EdDSA, with Ed25519."""

    kty = "OKP"
    name = "EdDSA"
    _mistyped = InvalidKeyError


class OtherAlgorithm(Algorithm):
    """An algorithm for which PyJWT has no class. It supports the same types of keys as in Rust."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def _from_jwk(cls, jwk: str | JWKDict) -> Key:
        return Key.from_jwk(jwk)


def get_default_algorithms() -> dict[str, Algorithm]:
    """A dict from names to algorithms."""
    return {name: get_algorithm_by_name(name) for name in ALGORITHMS}


def get_algorithm_by_name(alg_name: str) -> Algorithm:
    """Returns the algorithm with this name; raises `NotImplementedError` if it doesn't exist, as in PyJWT."""
    if alg_name not in ALGORITHMS:
        raise NotImplementedError(f"unknown algorithm; the algorithms are {', '.join(ALGORITHMS)}")
    if alg_name == OKPAlgorithm.name:
        return OKPAlgorithm()
    kind, hash_alg = _FAMILIES.get(alg_name[:2]), getattr(_Hashed, f"SHA{alg_name[2:]}", None)
    if kind is None or hash_alg is None:
        return OtherAlgorithm(alg_name)
    found = kind(hash_alg)
    if isinstance(found, ECAlgorithm):
        found._takes_any_curve = False
    return found


def register_algorithm(alg_id: str, alg_obj: object) -> NoReturn:
    """Raises an error, because the set of algorithms is closed."""
    raise NotImplementedError("algorithms can't be added, because the set is closed")


def unregister_algorithm(alg_id: str) -> NoReturn:
    """Raises an error. It isn't necessary, because each call passes the algorithms that it allows."""
    raise NotImplementedError("algorithms can't be removed globally; pass the allowed ones to each call")


def __getattr__(name: str) -> Any:
    # PyJWT's aliases for annotations.
    if name in _ALIASES:
        return Any
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _bits(hash_alg: Any) -> int:
    """256, 384 or 512, for a function of `hashlib` or a class of the package `cryptography`."""
    if callable(hash_alg) and not hasattr(hash_alg, "name"):
        hash_alg = hash_alg()
    found = re.fullmatch("sha(256|384|512)", str(getattr(hash_alg, "name", "")))
    if found is None:
        raise NotImplementedError("only the hashes SHA256, SHA384 and SHA512 are supported")
    return int(found[1])


def _members(jwk: Any) -> Mapping[str, Any]:
    if isinstance(jwk, str):
        try:
            jwk = json.loads(jwk)
        except (ValueError, RecursionError):
            raise InvalidKeyError("the JSON Web Key is not JSON") from None
    if not isinstance(jwk, Mapping):
        raise InvalidKeyError(f"a JSON Web Key must be a mapping or a JSON string, not {type(jwk).__name__}")
    return jwk


def _is_key(key: object) -> bool:
    return isinstance(key, (str, bytes, Key, Mapping)) or is_foreign(key)


def _key(key_obj: Any) -> Key:
    return key_obj if isinstance(key_obj, Key) else Key.read(key_obj)


def _jwk(members: JWKDict, as_dict: bool) -> JWKDict | str:
    return members if as_dict else json.dumps(members)


_FAMILIES: dict[str, type[_Hashed]] = {
    kind.family: kind for kind in (HMACAlgorithm, RSAAlgorithm, RSAPSSAlgorithm, ECAlgorithm)
}
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_ALIASES = frozenset(
    ["AllowedECKeys", "AllowedKeys", "AllowedOKPKeys", "AllowedPrivateKeys", "AllowedPublicKeys", "AllowedRSAKeys"]
)
