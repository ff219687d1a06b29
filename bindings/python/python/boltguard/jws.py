"""JSON Web Signatures over any payload.

``sign`` and ``verify`` are implemented in Rust. `PyJWS`, ``encode`` and ``decode`` have the interface of PyJWT's.

>>> from boltguard import jws
>>> token = jws.sign(b"any bytes", "a secret that is thirty-two bytes", "HS256")
>>> jws.verify(token, "a secret that is thirty-two bytes", ["HS256"])
b'any bytes'
"""

from __future__ import annotations

from boltguard._rust import jws_sign as sign
from boltguard._rust import jws_verify as verify
from boltguard.jwt.api_jws import PyJWS, decode, decode_complete, encode, get_unverified_header

__all__ = [
    "PyJWS",
    "decode",
    "decode_complete",
    "encode",
    "get_unverified_header",
    "sign",
    "verify",
]
