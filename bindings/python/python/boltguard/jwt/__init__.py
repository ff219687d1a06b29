"""JSON Web Tokens with the interface of PyJWT, so that existing code only has to change the import.

``decode`` and ``encode`` are implemented in Rust. Some defaults are stricter than PyJWT's; options and arguments relax
them individually. See the page "Coming from PyJWT".

>>> from boltguard import jwt
>>> token = jwt.encode({"sub": "42", "exp": 4102444800}, "a secret that is thirty-two bytes", algorithm="HS256")
>>> jwt.decode(token, "a secret that is thirty-two bytes", algorithms=["HS256"])
{'sub': '42', 'exp': 4102444800}
"""

from __future__ import annotations

from boltguard._rust import Key, KeySet
from boltguard._rust import jwt_decode as decode
from boltguard._rust import jwt_decode_complete as decode_complete
from boltguard._rust import jwt_encode as encode
from boltguard._rust import unverified_header as get_unverified_header
from boltguard.jwt.algorithms import get_algorithm_by_name, register_algorithm, unregister_algorithm
from boltguard.jwt.api_jwk import PyJWK, PyJWKSet
from boltguard.jwt.api_jws import PyJWS
from boltguard.jwt.api_jwt import PyJWT
from boltguard.jwt.exceptions import (
    DecodeError,
    ExpiredSignatureError,
    ImmatureSignatureError,
    InsecureKeyLengthWarning,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuedAtError,
    InvalidIssuerError,
    InvalidJTIError,
    InvalidKeyError,
    InvalidSignatureError,
    InvalidSubjectError,
    InvalidTokenError,
    MissingCryptographyError,
    MissingRequiredClaimError,
    PyJWKClientConnectionError,
    PyJWKClientError,
    PyJWKError,
    PyJWKSetError,
    PyJWTError,
    UnsupportedAlgorithmError,
)
from boltguard.jwt.jwks_client import PyJWKClient
from boltguard.jwt.remote import RemoteKeySet

__all__ = [
    "DecodeError",
    "ExpiredSignatureError",
    "ImmatureSignatureError",
    "InsecureKeyLengthWarning",
    "InvalidAlgorithmError",
    "InvalidAudienceError",
    "InvalidIssuedAtError",
    "InvalidIssuerError",
    "InvalidJTIError",
    "InvalidKeyError",
    "InvalidSignatureError",
    "InvalidSubjectError",
    "InvalidTokenError",
    "Key",
    "KeySet",
    "MissingCryptographyError",
    "MissingRequiredClaimError",
    "PyJWK",
    "PyJWKClient",
    "PyJWKClientConnectionError",
    "PyJWKClientError",
    "PyJWKError",
    "PyJWKSet",
    "PyJWKSetError",
    "PyJWS",
    "PyJWT",
    "PyJWTError",
    "RemoteKeySet",
    "UnsupportedAlgorithmError",
    "decode",
    "decode_complete",
    "encode",
    "get_algorithm_by_name",
    "get_unverified_header",
    "register_algorithm",
    "unregister_algorithm",
]
