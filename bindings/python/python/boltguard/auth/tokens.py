"""Tokens: minted for a user, or read as an object with named claims."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from boltguard import _rust, conf, jwt
from boltguard.auth.backends import Sealed
from boltguard.auth.remedies import DEFAULT_ALGORITHM, named_for
from boltguard.exceptions import ConfigurationError, PyJWTError

RESERVED = ("sub", "exp", "iat", "jti")


def create_jwt_for_user(
    user: Any,
    expires_in: float | timedelta = 3600,
    extra_claims: Mapping[str, Any] | None = None,
    *,
    secret: Any = None,
    algorithm: str = "HS256",
    issuer: str | None = None,
    audience: str | Iterable[str] | None = None,
    kid: str | None = None,
) -> str:
    """A token for `user`: `sub`, `is_staff`, `is_superuser`, `username`, `exp`, `iat`, `jti`, and the extra claims.

    Without `secret`, Django's `SECRET_KEY` signs. Permissions are not included; pass them as
    `extra_claims={"permissions": [...]}`.
    """
    secret = Sealed(secret)
    subject, seconds = _subject(user), _lifetime(expires_in)
    claims = _claims(user, issuer, audience, extra_claims or {})
    return _minter(secret, algorithm, kid).mint(subject, seconds, claims)


@dataclass(frozen=True, kw_only=True)
class Token:
    """The claims of a token by name; those without a name of their own are in `extras`."""

    sub: str | None = None
    exp: datetime | None = None
    iat: datetime | None = None
    nbf: datetime | None = None
    iss: str | None = None
    aud: str | list[str] | None = None
    jti: str | None = None
    is_staff: bool = False
    is_superuser: bool = False
    permissions: list[str] = field(default_factory=list)
    extras: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Token:
        """From the claims of a token that was verified, such as `request.context["auth_claims"]`."""
        named = {name: claims[name] for name in _FIELDS if name in claims}
        named.update({name: datetime.fromtimestamp(named[name], timezone.utc) for name in _DATES if name in named})
        return cls(**named, extras={name: value for name, value in claims.items() if name not in _FIELDS})

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Token | None:
        """From `request.context`, where a token identified the caller."""
        claims = context.get("auth_claims")
        return None if claims is None else cls.from_claims(claims)

    @classmethod
    def decode(
        cls,
        token: str,
        secret: Any = None,
        algorithms: Iterable[str] = ("HS256",),
        *,
        audience: str | Iterable[str] | None = None,
        issuer: str | Iterable[str] | None = None,
        leeway: float | timedelta = 0,
    ) -> Token:
        """Verifies a token and reads it. Raises the errors of `boltguard.jwt`."""
        key = Sealed(_secret_keys() if secret is None else secret)
        del secret
        return cls.from_claims(
            jwt.decode(token, key.value, list(algorithms), audience=audience, issuer=issuer, leeway=leeway)
        )

    def encode(self, secret: Any = None, algorithm: str = "HS256", headers: Mapping[str, Any] | None = None) -> str:
        """Signs the claims as they are."""
        key = Sealed(conf.current().secrets[0] if secret is None else secret)
        del secret
        return jwt.encode(self.claims, key.value, algorithm=algorithm, headers=headers)

    @property
    def claims(self) -> dict[str, Any]:
        """The claims, as they stand in a token."""
        named = {name: getattr(self, name) for name in _FIELDS}
        named.update({name: named[name].timestamp() for name in _DATES if named[name] is not None})
        return {**self.extras, **{name: value for name, value in named.items() if value not in (None, False, [])}}


def _subject(user: Any) -> str:
    if isinstance(user, type) or not hasattr(user, "pk"):
        raise ValueError(f"a token is for a user; this is {type(user).__name__}")
    if getattr(user, "is_anonymous", False) or user.pk is None:
        raise ValueError("this user is anonymous or not saved; a token needs a user with a primary key")
    if getattr(getattr(user, "_state", None), "adding", False):
        raise ValueError("this user is not saved yet; save it, then mint its token")
    return str(user.pk)


def _lifetime(expires_in: float | timedelta) -> float:
    seconds = expires_in.total_seconds() if isinstance(expires_in, timedelta) else expires_in
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise ValueError(f"expires_in is {expires_in!r}; give seconds above zero, or a timedelta")
    return float(seconds)


def _claims(
    user: Any, issuer: str | None, audience: str | Iterable[str] | None, extra: Mapping[str, Any]
) -> dict[str, Any]:
    replaced = [name for name in RESERVED if name in extra]
    if replaced:
        raise ValueError(f"extra_claims would replace {', '.join(replaced)}")
    for name, value in (("issuer", issuer), ("audience", audience)):
        if isinstance(value, (bytes, bytearray)):
            raise ValueError(f"{name} is of type {type(value).__name__}; give a text")
    claims: dict[str, Any] = {
        "is_staff": bool(getattr(user, "is_staff", False)),
        "is_superuser": bool(getattr(user, "is_superuser", False)),
    }
    if hasattr(user, "get_username"):
        claims["username"] = str(user.get_username())
    if issuer is not None:
        claims["iss"] = issuer
    if audience is not None:
        claims["aud"] = audience if isinstance(audience, str) else list(audience)
    return {**claims, **extra}


def _minter(secret: Sealed[Any], algorithm: str, kid: str | None) -> _rust.Minter:
    if secret.value is None:
        if not algorithm.startswith("HS"):
            raise ValueError(f"{algorithm} needs secret=, a private key; Django's SECRET_KEY serves HS256 and the like")
        secret = Sealed(conf.current().secrets[0])
    try:
        if isinstance(secret.value, Hashable):
            return _cached_minter(_Same(secret.value), algorithm, kid)
        return _rust.Minter(secret.value, algorithm, kid=kid)
    except (ConfigurationError, PyJWTError) as error:
        is_default = algorithm == DEFAULT_ALGORITHM
        remedy = named_for([secret.value], "algorithm={!r}") if is_default else ""
        raise ValueError(f"{error}{remedy}") from None


class _Same(Sealed[Any]):
    """A sealed key that a cache can look up."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and type(self.value) is type(other.value) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(self.value)


# Parsing a private key takes longer than signing with it.
@lru_cache(maxsize=64)
def _cached_minter(secret: _Same, algorithm: str, kid: str | None) -> _rust.Minter:
    return _rust.Minter(secret.value, algorithm, kid=kid)


def _secret_keys() -> _rust.KeySet:
    return _rust.KeySet([_rust.Key.from_secret(secret) for secret in conf.current().secrets])


_DATES = ("exp", "iat", "nbf")
_FIELDS = ("sub", "exp", "iat", "nbf", "iss", "aud", "jti", "is_staff", "is_superuser", "permissions")
