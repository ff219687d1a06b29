"""Creating tokens for users, and reading tokens as objects with named claims."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any
from uuid import uuid4

from boltguard import _rust, clock, conf, jwt
from boltguard.auth.django_bolt import refuse_arguments, refuse_arguments_of
from boltguard.auth.remedies import DEFAULT_ALGORITHM, named_for
from boltguard.auth.renewed_revocation import note_issued
from boltguard.auth.secret_box import SecretBox
from boltguard.auth.signing_keys import SigningKeys
from boltguard.exceptions import ConfigurationError, PyJWTError
from boltguard.messages import kind_of

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
    `extra_claims={"permissions": [...]}`. `SigningKeys` sign with the key of the time.
    """
    secret = SecretBox(secret)
    subject, seconds = subject_of(user), _lifetime(expires_in)
    claims = claims_of(user, issuer, audience, {} if extra_claims is None else extra_claims)
    note_issued(subject)
    return _minter(secret, algorithm, kid, seconds).mint(subject, seconds, claims)


@refuse_arguments
@dataclass(frozen=True, kw_only=True, repr=False)
class Token:
    """The claims of a token as attributes; all other claims are in `extras`.

    Dates outside of the range of `datetime` are its minimum or maximum.
    """

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
    extras: Mapping[str, Any] = field(default_factory=dict)

    # Error reporters show it, so it contains no claims except the subject.
    def __repr__(self) -> str:
        return f"Token(sub={self.sub!r})"

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Token:
        """Creates it from verified claims, such as `request.context["auth_claims"]`."""
        named = {name: claims[name] for name in _FIELDS if name in claims}
        named.update({name: _date(named[name]) for name in _DATES if name in named})
        # As in the engine: a value that isn't a bool is false, and one that isn't a list of strings grants nothing.
        named.update({name: named[name] is True for name in _FLAGS if name in named})
        if "permissions" in named:
            named["permissions"] = _strings(named["permissions"])
        return cls(**named, extras={name: value for name, value in claims.items() if name not in _FIELDS})

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Token | None:
        """Creates it from `request.context` of a caller with a token."""
        claims = context.get("auth_claims")
        return None if claims is None else cls.from_claims(claims)

    @classmethod
    @refuse_arguments_of("Token.create")
    def create(
        cls,
        sub: str,
        expires_delta: timedelta | None = None,
        issuer: str | None = None,
        audience: str | list[str] | None = None,
        *,
        is_staff: bool = False,
        is_superuser: bool = False,
        permissions: Iterable[str] = (),
        **extra_claims: Any,
    ) -> Token:
        """A token with these claims and a random `jti`, for `encode`; by default, it is valid for an hour."""
        seconds = _lifetime(timedelta(hours=1) if expires_delta is None else expires_delta)
        _refuse_replaced(extra_claims, ("aud", "exp", "iat", "iss", "jti"))
        now = clock.time()
        return cls(
            sub=_text("sub", sub),
            exp=_date(now + seconds),
            iat=_date(now),
            iss=None if issuer is None else _text("issuer", issuer),
            aud=None if audience is None else _audience(audience),
            jti=str(uuid4()),
            is_staff=is_staff,
            is_superuser=is_superuser,
            permissions=list(permissions or ()),
            extras=extra_claims,
        )

    @classmethod
    @refuse_arguments_of("Token.decode")
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
        key = SecretBox(_secret_keys() if secret is None else secret)
        del secret
        return cls.from_claims(
            jwt.decode(token, key.value, algorithms, audience=audience, issuer=issuer, leeway=leeway)
        )

    def encode(self, secret: Any = None, algorithm: str = "HS256", headers: Mapping[str, Any] | None = None) -> str:
        """Signs the claims."""
        key = SecretBox(conf.current().secrets[0] if secret is None else secret)
        del secret
        return jwt.encode(self.claims, key.value, algorithm=algorithm, headers=headers)

    @property
    def claims(self) -> dict[str, Any]:
        """The claims as a dict, as in a token."""
        named = {name: getattr(self, name) for name in _FIELDS}
        named.update({name: named[name].timestamp() for name in _DATES if named[name] is not None})
        return {**self.extras, **{name: value for name, value in named.items() if value not in (None, False, [])}}

    def to_dict(self) -> dict[str, Any]:
        """The claims as a dict, as in a token."""
        return self.claims


def subject_of(user: Any) -> str:
    """The `sub` of the tokens of a user: the primary key. Raises `ValueError` for a user who isn't saved."""
    if isinstance(user, type) or not hasattr(user, "pk"):
        raise ValueError(f"The user is {kind_of(user)}. It must be a saved user.")
    if _flag(user, "is_anonymous") or user.pk is None:
        raise ValueError("The user is anonymous or not saved. A token requires a user with a primary key.")
    if getattr(getattr(user, "_state", None), "adding", False):
        raise ValueError("The user is not saved. Save it before you create a token.")
    subject = "" if callable(user.pk) else str(user.pk)
    if not subject:
        raise ValueError(f"{_model(user)}.pk is {kind_of(user.pk)}. A token requires a user with a primary key.")
    return subject


def _flag(user: Any, name: str) -> bool:
    """A bool attribute. Any other value, such as a method, would be true for all users."""
    value = getattr(user, name, False)
    if not isinstance(value, bool):
        raise ValueError(
            f"{_model(user)}.{name} is {kind_of(value)}. It must be True or False (a field or a property)."
        )
    return value


def username_of(user: Any) -> str | None:
    """The username, or `None` if the user model has none."""
    get_username = getattr(user, "get_username", None)
    if get_username is None:
        return None
    if not callable(get_username):
        raise ValueError(f"{_model(user)}.get_username is {kind_of(get_username)}. It must be a method.")
    name = get_username()
    if callable(name):
        raise ValueError(f"{_model(user)}.get_username() returned a value {kind_of(name)}. It must return a string.")
    return None if name is None else str(name)


def _model(user: Any) -> str:
    # Not `type(user)`, which is the wrapper if the user is lazy.
    return str(user.__class__.__name__)


def _lifetime(expires_in: float | timedelta) -> float:
    seconds = expires_in.total_seconds() if isinstance(expires_in, timedelta) else expires_in
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        secret = " To pass a secret, use secret=." if isinstance(expires_in, (str, bytes)) else ""
        raise ValueError(
            f"expires_in is {kind_of(expires_in)}. It must be a positive number of seconds or a timedelta.{secret}"
        )
    return float(seconds)


def claims_of(
    user: Any, issuer: str | None, audience: str | Iterable[str] | None, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The claims of a token for `user`, without `sub`, `iat`, `exp` and `jti`. Raises `ValueError`."""
    claims: dict[str, Any] = {name: _flag(user, name) for name in _FLAGS}
    username = username_of(user)
    if username is not None:
        claims["username"] = username
    if issuer is not None:
        claims["iss"] = _text("issuer", issuer)
    if audience is not None:
        claims["aud"] = _audience(audience)
    return {**claims, **_extra(extra, claims)}


def _extra(extra: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(extra, Mapping):
        raise ValueError(f"extra_claims is {kind_of(extra)}. It must be a dict of claims.")
    named = [name for name in ("iss", "aud") if name in claims]
    _refuse_replaced(extra, (*RESERVED, *named))
    for name in _FLAGS:
        if not isinstance(extra.get(name, False), bool):
            raise ValueError(f"extra_claims[{name!r}] is {kind_of(extra[name])}. It must be True or False.")
    return extra


def _refuse_replaced(extra: Mapping[str, Any], names: Iterable[str]) -> None:
    replaced = [name for name in names if name in extra]
    if replaced:
        remedy = " Each token has a random jti already." if "jti" in replaced else ""
        raise ValueError(f"extra_claims can't replace {', '.join(replaced)}.{remedy}")


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{what} is {kind_of(value)}. It must be a string.")
    return value


def _audience(audience: Any) -> str | list[str]:
    if isinstance(audience, (str, bytes, bytearray, Mapping)) or not isinstance(audience, Iterable):
        return _text("audience", audience)
    names = [_text("audience", name) for name in audience]
    if not names:
        raise ValueError("audience is empty. It must be a string or a list of strings.")
    return names


def _minter(secret: SecretBox[Any], algorithm: str, kid: str | None, seconds: float) -> _rust.Minter:
    if isinstance(secret.value, SigningKeys):
        if kid is not None or algorithm != DEFAULT_ALGORITHM:
            raise ValueError("SigningKeys determine the algorithm and the kid. Omit algorithm= and kid=.")
        return secret.value.rust.minter(seconds)
    if not isinstance(algorithm, str):
        raise ValueError(f"algorithm is {kind_of(algorithm)}. It must be a name, such as {DEFAULT_ALGORITHM!r}.")
    if kid is not None:
        _text("kid", kid)
    if secret.value is None:
        symmetric = _rust.SYMMETRIC_ALGORITHMS
        if algorithm in _rust.ALGORITHMS and algorithm not in symmetric:
            only = f"SECRET_KEY is only for {', '.join(symmetric)}"
            raise ValueError(f"{algorithm} requires a private key as secret=. {only}.")
        secret = SecretBox(conf.current().secrets[0])
    try:
        if isinstance(secret.value, Hashable):
            return _cached_minter(_Same(secret.value), algorithm, kid)
        return _rust.Minter(secret.value, algorithm, kid=kid)
    except (ConfigurationError, PyJWTError) as error:
        is_default = algorithm == DEFAULT_ALGORITHM
        remedy = named_for([secret.value], "algorithm={!r}") if is_default else ""
        raise ValueError(f"{error}.{remedy}") from None


class _Same(SecretBox[Any]):
    """A key in a `SecretBox` that can be the key of a cache."""

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


def _date(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return (datetime.max if seconds > 0 else datetime.min).replace(tzinfo=timezone.utc)


def _strings(permissions: Any) -> list[str]:
    return [name for name in permissions if isinstance(name, str)] if isinstance(permissions, list) else []


_DATES = ("exp", "iat", "nbf")
_FLAGS = ("is_staff", "is_superuser")
_FIELDS = ("sub", "exp", "iat", "nbf", "iss", "aud", "jti", "is_staff", "is_superuser", "permissions")
