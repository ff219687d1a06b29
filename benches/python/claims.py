"""The claims and keys of all tokens in the benchmarks, which are the same as in `engine/claims.rs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

KEYS = Path(__file__).parents[2] / "crates/boltguard-testing/keys"
SECRET = "test-only-secret-test-only-secret-test-only-secret-test-only-abc"
ISSUER = "https://id.example.com"
NAMES = {"RS256": "rsa", "ES256": "p256", "ES512": "p521", "EdDSA": "ed25519"}

ACTIONS = ("add", "change", "delete", "view")
APPS = ("blog", "shop", "stock")


def permission(number: int) -> str:
    """Return the name of a permission, as in Django."""
    return f"{APPS[number % 3]}.{ACTIONS[number % 4]}_model{number:03}"


def claims(permissions: int = 10) -> dict[str, Any]:
    return {
        "sub": "42",
        "iss": ISSUER,
        "iat": 1_760_000_000,
        "exp": 4_102_444_800,
        "jti": "0190f5a2-7c3e-7b1d-9f00-4d6c0e5b7a21",
        "is_staff": False,
        "is_superuser": False,
        "username": "ada",
        "permissions": [permission(number) for number in range(permissions)],
    }


def private_pem(algorithm: str) -> str:
    return _pem(f"{NAMES[algorithm]}.private.pem")


def public_pem(algorithm: str) -> str:
    return _pem(f"{NAMES[algorithm]}.public.pem")


def _pem(name: str) -> str:
    # Some parsers reject the line before the PEM.
    pem = (KEYS / name).read_text()
    return pem[pem.index("-----BEGIN") :]
