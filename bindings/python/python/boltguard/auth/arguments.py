"""Arguments of backends: a value is used as it is, or refused with its name and what to give instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured

from boltguard.auth.accounts import ByField, ByFunction, Lookup
from boltguard.messages import kind_of

Scalar = str | int | bool
Rules = list[tuple[str, list[Scalar]]]


def media_type(typ: str | None) -> str | None:
    if typ is not None and (not isinstance(typ, str) or not typ.strip()):
        refuse(f'JWTAuthentication: typ is {kind_of(typ)}; give a media type, such as "at+jwt", or omit it')
    return typ


def flag(what: str, value: bool) -> bool:
    if not isinstance(value, bool):
        refuse(f"JWTAuthentication: {what} is {kind_of(value)}; give True or False")
    return value


def claim_values(claims: Mapping[str, Any] | None) -> list[tuple[str, list[Scalar]]] | None:
    if claims is None:
        return None
    if not isinstance(claims, Mapping) or not claims:
        refuse(f"JWTAuthentication: claims is {kind_of(claims)}; {CLAIMS}")
    return [(_name(name), _values(name, value)) for name, value in claims.items()]


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        refuse(f"JWTAuthentication: claims has a name that is {kind_of(name)}; {CLAIMS}")
    if name == "aud":
        refuse("JWTAuthentication: claims has 'aud', which may be a list; give audience= instead")
    return name


def _values(name: str, value: Any) -> list[Scalar]:
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray, Mapping))
    values = list(value) if several else [value]
    if not values:
        refuse(f"JWTAuthentication: claims has an empty list for {name!r}, which matches no token; {CLAIMS}")
    for one in values:
        if not isinstance(one, (str, bool, int)):
            refuse(f"JWTAuthentication: claims has a value for {name!r} that is {kind_of(one)}; {CLAIMS}")
        if isinstance(one, int) and not -(2**63) <= one < 2**63:
            refuse(f"JWTAuthentication: claims has a number for {name!r} that doesn't fit into 64 bits; {CLAIMS}")
    return values


def with_verified_email(
    claims: Rules | None, user_field: str | None, user_id_claim: str, require_verified_email: bool
) -> Rules | None:
    """The claims that are required, of which `email_verified` is one where an email address finds the account."""
    has_email = user_field is not None and user_id_claim == "email"
    if not flag("require_verified_email", require_verified_email) and not has_email:
        refuse("JWTAuthentication: require_verified_email is False, but no email address finds the account.")
    if not has_email or not require_verified_email or any(name == VERIFIED for name, _ in claims or ()):
        return claims
    return [*(claims or ()), (VERIFIED, [True])]


def lookup(user_field: str | None, get_user: Callable[[dict[str, Any]], Any] | None) -> Lookup | None:
    if user_field is not None and get_user is not None:
        refuse("JWTAuthentication: user_field and get_user are two ways to find one user. Give one of them.")
    if user_field is not None:
        if not isinstance(user_field, str) or not user_field.isidentifier():
            refuse(f"JWTAuthentication: user_field is {kind_of(user_field)}. Give the name of a unique field.")
        return ByField(user_field)
    if get_user is not None and not callable(get_user):
        refuse(f"JWTAuthentication: get_user is {kind_of(get_user)}. Give a function of the claims.")
    return None if get_user is None else ByFunction(get_user)


def schemes(what: str, scheme: str | Iterable[str]) -> list[str]:
    if isinstance(scheme, (bytes, bytearray, Mapping)) or not isinstance(scheme, Iterable):
        refuse(f"{what}: scheme is {kind_of(scheme)}; {SCHEMES}")
    listed = [scheme] if isinstance(scheme, str) else list(scheme)
    for one in listed:
        if not isinstance(one, str) or not SCHEME.fullmatch(one):
            refuse(f"{what}: scheme has what is {kind_of(one)} and not an authentication scheme; {SCHEMES}")
    if not listed:
        refuse(f"{what}: scheme is an empty list; {SCHEMES}")
    if len({one.lower() for one in listed}) != len(listed):
        refuse(f"{what}: scheme has one twice; case makes no difference")
    return listed


def refuse(message: str) -> NoReturn:
    raise ImproperlyConfigured(message) from None


CLAIMS = 'give names and values, such as claims={"token_type": "access"}: strings, whole numbers, booleans or lists'
# RFC 9110 §5.6.2.
SCHEME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
SCHEMES = 'give a string such as "Bearer", or a list: letters, digits and hyphens, without spaces'
VERIFIED = "email_verified"
