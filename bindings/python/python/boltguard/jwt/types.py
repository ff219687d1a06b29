"""Types of arguments, with the names of ``jwt.types``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

__all__ = ["FullOptions", "HashlibHash", "JWKDict", "Options", "SigOptions"]

JWKDict = dict[str, Any]
HashlibHash = Callable[..., Any]


class SigOptions(TypedDict, total=False):
    """Options of `PyJWS`."""

    verify_signature: bool
    enforce_minimum_key_length: bool


class Options(SigOptions, total=False):
    """Options of `boltguard.jwt.decode` and `PyJWT`; ``typ`` is an addition of Boltguard."""

    require: list[str]
    strict_aud: bool
    typ: str
    verify_aud: bool
    verify_exp: bool
    verify_iat: bool
    verify_iss: bool
    verify_jti: bool
    verify_nbf: bool
    verify_sub: bool


class FullOptions(TypedDict):
    """All options of PyJWT, the type of `PyJWT.options`."""

    verify_signature: bool
    enforce_minimum_key_length: bool
    require: list[str]
    strict_aud: bool
    verify_aud: bool
    verify_exp: bool
    verify_iat: bool
    verify_iss: bool
    verify_jti: bool
    verify_nbf: bool
    verify_sub: bool
