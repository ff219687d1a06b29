"""Key objects of the package `cryptography`, for callers that use them. Without it, `Key` is used instead."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from boltguard._rust import Key

has_crypto = find_spec("cryptography") is not None


def is_foreign(key: object) -> bool:
    """Whether this is an object of that package."""
    return type(key).__module__.startswith("cryptography.")


def to_foreign(key: Key) -> Any:
    """The public or private key as an object of that package, or itself."""
    if not has_crypto:
        return key
    # Imported only here: the import is slow, and most programs don't need it.
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    pem = key.to_pem().encode()
    return load_pem_private_key(pem, password=None) if key.kind == "private" else load_pem_public_key(pem)


def curve_of(algorithm: str) -> Any:
    """The curve of ES256, ES384 or ES512 as a class of that package; `None` without it."""
    if not has_crypto:
        return None
    from cryptography.hazmat.primitives.asymmetric import ec

    return {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}[algorithm]
