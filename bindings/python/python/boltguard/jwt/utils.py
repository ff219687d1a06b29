"""Bytes, base64url, integers and ECDSA signatures, with the interface of ``jwt.utils``.

They are for code that imports them from PyJWT; the engine doesn't use them.
"""

from __future__ import annotations

import base64
import re
from typing import Any

__all__ = [
    "base64url_decode",
    "base64url_encode",
    "bytes_from_int",
    "bytes_to_number",
    "der_to_raw_signature",
    "force_bytes",
    "from_base64url_uint",
    "is_pem_format",
    "is_ssh_key",
    "number_to_bytes",
    "raw_to_der_signature",
    "to_base64url_uint",
]


def force_bytes(value: bytes | str) -> bytes:
    """The bytes, or those of the string in UTF-8."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"expected str or bytes, not {type(value).__name__}")


def base64url_decode(input: bytes | str) -> bytes:
    """Decodes base64url, with or without padding."""
    data = force_bytes(input)
    return base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))


def base64url_encode(input: bytes) -> bytes:
    """Encodes as base64url without padding."""
    return base64.urlsafe_b64encode(input).rstrip(b"=")


def to_base64url_uint(val: int, *, bit_length: int | None = None) -> bytes:
    """Encodes a non-negative integer, RFC 7518 §2; with `bit_length`, in as many bytes as that many bits need."""
    if val < 0:
        raise ValueError("a negative number can't be encoded")
    return base64url_encode(bytes_from_int(val, bit_length=bit_length) or b"\0")


def from_base64url_uint(val: bytes | str) -> int:
    """Decodes an integer, RFC 7518 §2."""
    return bytes_to_number(base64url_decode(val))


def number_to_bytes(num: int, num_bytes: int) -> bytes:
    """Encodes an integer as `num_bytes` big-endian bytes."""
    return num.to_bytes(num_bytes, "big")


def bytes_to_number(string: bytes) -> int:
    """Decodes an integer from big-endian bytes."""
    return int.from_bytes(string, "big")


def bytes_from_int(val: int, *, bit_length: int | None = None) -> bytes:
    """Encodes an integer as big-endian bytes: as few as possible, or as many as `bit_length` bits need."""
    bits = val.bit_length() if bit_length is None else bit_length
    return number_to_bytes(val, (bits + 7) // 8)


def der_to_raw_signature(der_sig: bytes, curve: Any) -> bytes:
    """Converts an ECDSA signature from DER to the format of JWS, RFC 7518 §3.4; `curve` is from `cryptography`."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    size = (curve.key_size + 7) // 8
    return b"".join(number_to_bytes(number, size) for number in decode_dss_signature(der_sig))


def raw_to_der_signature(raw_sig: bytes, curve: Any) -> bytes:
    """Converts an ECDSA signature from the format of JWS to DER; `curve` is from `cryptography`."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    size = (curve.key_size + 7) // 8
    if len(raw_sig) != 2 * size:
        raise ValueError(f"a signature of this curve has {2 * size} bytes")
    return bytes(encode_dss_signature(bytes_to_number(raw_sig[:size]), bytes_to_number(raw_sig[size:])))


def is_pem_format(key: bytes) -> bool:
    """Whether the bytes contain a PEM block."""
    begun = {match[1]: match.end() for match in _BEGIN.finditer(key)}
    ends = {match[1]: match.start() for match in _END.finditer(key)}
    return any(ends.get(label, -1) >= start for label, start in begun.items())


def is_ssh_key(key: bytes) -> bool:
    """Whether this is a public key in the format of OpenSSH."""
    return key.startswith((b"ssh-", b"ecdsa-sha2-nistp"))


_BEGIN = re.compile(rb"----[- ]BEGIN ([A-Z0-9 ]+?)[- ]----")
_END = re.compile(rb"----[- ]END ([A-Z0-9 ]+?)[- ]----")
