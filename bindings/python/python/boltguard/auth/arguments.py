"""Validates the arguments of backends. An error names the argument and what it must be."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from boltguard.auth.accounts import ByField, ByFunction, Lookup
from boltguard.auth.stores import RevocationStore
from boltguard.messages import kind_of
from boltguard.optional import ImproperlyConfigured

ClaimValue = str | int | bool
Rules = list[tuple[str, list[ClaimValue]]]


def backend_name(what: str, name: Any) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        refuse(f"{what}: name must be a string of letters, digits, '_', '-' and '.', such as 'partner'.")
    return name


def media_type(typ: str | None) -> str | None:
    if typ is not None and (not isinstance(typ, str) or not typ.strip()):
        refuse(f'JWTAuthentication: typ is {kind_of(typ)}. It must be a media type, such as "at+jwt".')
    return typ


def flag(what: str, value: bool) -> bool:
    if not isinstance(value, bool):
        refuse(f"JWTAuthentication: {what} is {kind_of(value)}. It must be True or False.")
    return value


def claim_values(claims: Mapping[str, Any] | None) -> list[tuple[str, list[ClaimValue]]] | None:
    if claims is None:
        return None
    if not isinstance(claims, Mapping) or not claims:
        refuse(f"JWTAuthentication: claims is {kind_of(claims)}. {CLAIMS}")
    return [(_name(name), _values(name, value)) for name, value in claims.items()]


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        refuse(f"JWTAuthentication: claims contains a name that is {kind_of(name)}. {CLAIMS}")
    if name == "aud":
        refuse("JWTAuthentication: claims contains 'aud', which may be a list. Use audience= instead.")
    return name


def _values(name: str, value: Any) -> list[ClaimValue]:
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray, Mapping))
    values = list(value) if several else [value]
    if not values:
        refuse(f"JWTAuthentication: claims contains an empty list for {name!r}, so no token could match. {CLAIMS}")
    for one in values:
        if not isinstance(one, (str, bool, int)):
            refuse(f"JWTAuthentication: claims contains a value for {name!r} that is {kind_of(one)}. {CLAIMS}")
        if isinstance(one, int) and not -(2**63) <= one < 2**63:
            refuse(f"JWTAuthentication: claims contains a number for {name!r} that doesn't fit into 64 bits. {CLAIMS}")
    return values


def with_verified_email(
    claims: Rules | None, user_field: str | None, user_id_claim: str, require_verified_email: bool
) -> Rules | None:
    """The required claims, including `email_verified` if accounts are looked up by email address."""
    has_email = user_field is not None and user_id_claim == "email"
    if not flag("require_verified_email", require_verified_email) and not has_email:
        refuse("JWTAuthentication: require_verified_email is False, but accounts aren't looked up by email address.")
    if not has_email or not require_verified_email or any(name == VERIFIED for name, _ in claims or ()):
        return claims
    return [*(claims or ()), (VERIFIED, [True])]


def lookup(user_field: str | None, get_user: Callable[[dict[str, Any]], Any] | None) -> Lookup | None:
    if user_field is not None and get_user is not None:
        refuse("JWTAuthentication: user_field and get_user can't be used together.")
    if user_field is not None:
        if not isinstance(user_field, str) or not user_field.isidentifier():
            refuse(f"JWTAuthentication: user_field is {kind_of(user_field)}. It must be the name of a unique field.")
        return ByField(user_field)
    if get_user is not None and not callable(get_user):
        refuse(f"JWTAuthentication: get_user is {kind_of(get_user)}. It must be a function that accepts the claims.")
    return None if get_user is None else ByFunction(get_user)


def schemes(what: str, scheme: str | Iterable[str]) -> list[str]:
    if isinstance(scheme, (bytes, bytearray, Mapping)) or not isinstance(scheme, Iterable):
        refuse(f"{what}: scheme is {kind_of(scheme)}. {SCHEMES}")
    listed = [scheme] if isinstance(scheme, str) else list(scheme)
    for one in listed:
        if not isinstance(one, str) or not TOKEN.fullmatch(one):
            refuse(f"{what}: scheme contains a value that is {kind_of(one)} and not a valid scheme. {SCHEMES}")
    if not listed:
        refuse(f"{what}: scheme is an empty list. {SCHEMES}")
    if len({one.lower() for one in listed}) != len(listed):
        refuse(f"{what}: scheme contains a duplicate. Schemes are case-insensitive.")
    return listed


def header_name(what: str, name: str) -> str:
    if not isinstance(name, str):
        refuse(f"{what}: header is {kind_of(name)}. It must be the name of a header.")
    # Browsers send cookies automatically, so other sites could forge requests.
    if name.lower() == "cookie":
        refuse(
            f"{what}: header={name!r} isn't supported, because browsers send cookies automatically (CSRF). {COOKIES}"
        )
    return name


def cookie_name(what: str, name: str | None) -> str | None:
    if name is not None and (not isinstance(name, str) or not TOKEN.fullmatch(name)):
        refuse(f"{what}: cookie is {kind_of(name)}. It must be the name of a cookie, such as '__Host-access'.")
    return name


def non_empty_list(what: str, names: Iterable[str], *, may_be_empty: bool = False) -> list[str]:
    if isinstance(names, (str, bytes, Mapping)) or not isinstance(names, Iterable):
        refuse(f"JWTAuthentication: {what} is {kind_of(names)}. It must be a list, such as [...].")
    listed = list(names)
    if not listed and not may_be_empty:
        refuse(f"JWTAuthentication: {what} is empty, so no token could be accepted.")
    return listed


def required_claim_names(claims: Iterable[str]) -> list[str]:
    names = non_empty_list("required_claims", claims, may_be_empty=True)
    for name in names:
        if not isinstance(name, str) or not name:
            refuse(
                f"JWTAuthentication: required_claims contains a value that is {kind_of(name)}. "
                "It must contain names of claims."
            )
    return names


def claim_name(what: str, value: str) -> str:
    if not isinstance(value, str) or not value:
        refuse(f"JWTAuthentication: {what} is {kind_of(value)}. It must be the name of a claim.")
    return value


def strings(what: str, value: str | Iterable[str] | None) -> list[str] | None:
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
        refuse(f"JWTAuthentication: {what} is {kind_of(value)}. {STRINGS}")
    texts = [value] if isinstance(value, str) else list(value)
    if not texts:
        refuse(f"JWTAuthentication: {what} is empty. {STRINGS}")
    for text in texts:
        if not isinstance(text, str) or not text:
            refuse(f"JWTAuthentication: {what} contains a value that is {kind_of(text)}. {STRINGS}")
    return texts


def claim_paths(what: str, value: Iterable[str] | None) -> list[str] | None:
    if value is None:
        return None
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        refuse(f"JWTAuthentication: {what} is {kind_of(value)}. {PATHS}")
    paths = list(value)
    if not paths:
        refuse(f"JWTAuthentication: {what} is empty. Omit it, or pass the path of a claim.")
    for number, path in enumerate(paths):
        if not isinstance(path, str):
            refuse(f"JWTAuthentication: {what} contains a value that is {kind_of(path)}. {PATHS}")
        if path in paths[:number]:
            twice = f"contains the same path at {paths.index(path)} and {number}"
            refuse(f"JWTAuthentication: {what} {twice}. Remove one of them.")
    return paths


def leeway_seconds(leeway: float | timedelta) -> float:
    seconds = leeway.total_seconds() if isinstance(leeway, timedelta) else leeway
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not (0 <= seconds < math.inf):
        refuse(
            f"JWTAuthentication: leeway is {kind_of(leeway)}. "
            "It must be a number of seconds, zero or more, or a timedelta."
        )
    return float(seconds)


def max_age_seconds(max_age: float | timedelta | None) -> float | None:
    if max_age is None:
        return None
    seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not (0 < seconds < math.inf):
        refuse(
            f"JWTAuthentication: max_age is {kind_of(max_age)}. "
            "It must be a positive number of seconds or a timedelta. Omit it to accept tokens of any age."
        )
    return float(seconds)


def token_count(what: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        refuse(f"JWTAuthentication: {what} is {kind_of(value)}. It must be a number of tokens, zero or more.")
    return value


def revocation_store_or_none(store: object) -> RevocationStore | None:
    if isinstance(store, type) and issubclass(store, RevocationStore):
        refuse(f"JWTAuthentication: revocation_store is a class. Use an instance: {store.__name__}().")
    if store is not None and not isinstance(store, RevocationStore):
        refuse(f"JWTAuthentication: revocation_store is {kind_of(store)}. It must be a RevocationStore.")
    if store is not None and type(store).is_revoked is RevocationStore.is_revoked:
        refuse(f"JWTAuthentication: revocation_store {type(store).__name__} doesn't define is_revoked or ais_revoked.")
    return store


def store_errors_allow(choice: str, what: str = "JWTAuthentication") -> bool:
    if choice not in ("deny", "allow"):
        refuse(f'{what}: on_store_error must be "deny" or "allow".')
    return choice == "allow"


def refuse(message: str) -> NoReturn:
    raise ImproperlyConfigured(message) from None


CLAIMS = 'Use names and values, such as {"token_type": "access"}. Values are strings, integers, booleans or lists.'
COOKIES = "To accept tokens in a cookie, use cookie= of JWTAuthentication."
# RFC 9110 §5.6.2.
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
SCHEMES = 'It must be a string, such as "Bearer", or a list of strings. Schemes have no spaces.'
VERIFIED = "email_verified"
PATHS = "It must be a list of names or paths of claims, such as ['roles', 'realm_access.roles']."
STRINGS = "It must be a string or a list of strings."
