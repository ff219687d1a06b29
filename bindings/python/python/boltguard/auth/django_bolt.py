"""The names and arguments of django-bolt: what they are here, or an error that says what to use instead.

`docs/migration/django-bolt.md` is the guide. The tables contain the names of versions 0.4 to 0.6 and 0.13.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from inspect import signature
from typing import Any, NoReturn, TypeVar

from boltguard import clock
from boltguard.auth.secret_box import SecretBox
from boltguard.messages import kind_of
from boltguard.optional import ImproperlyConfigured

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)


def find(module: str, name: str) -> Any:
    """The equivalent of a name of django-bolt. Raises an error for a name that has none.

    It is an `ImportError` if the name is known, because `from … import` hides the message of an `AttributeError`.
    """
    if name in EQUIVALENTS:
        target, _, attribute = EQUIVALENTS[name].partition(":")
        return getattr(import_module(target), attribute)
    if name in REPLACED:
        raise ImportError(f"{module}.{name} of django-bolt doesn't exist in Boltguard. {REPLACED[name]}")
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def refuse_arguments(cls: C) -> C:
    """A class decorator: arguments of django-bolt that the class doesn't have raise an error with the replacement."""
    replaced = ARGUMENTS[cls.__name__]
    init: Any = cls.__init__  # type: ignore[misc]
    cls.__init__ = _refusing(init, cls.__name__, replaced)  # type: ignore[misc]
    return cls


def refuse_arguments_of(name: str) -> Callable[[F], F]:
    """`refuse_arguments`, for a function."""
    return lambda function: _refusing(function, name, ARGUMENTS[name])


def _refusing(function: F, name: str, replaced: Mapping[str, str]) -> F:
    assert replaced.keys().isdisjoint(signature(function).parameters), name
    translate = TRANSLATIONS.get(name)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        # Error pages show the variables of each frame, and the arguments may be secrets.
        box, named = SecretBox(args), SecretBox(kwargs)
        del args, kwargs
        if translate is not None:
            translate(named)
        if not replaced.keys().isdisjoint(named.value):
            unknown = next(argument for argument in replaced if argument in named.value)
            raise ImproperlyConfigured(f"{name} has no argument {unknown}. {replaced[unknown]}")
        return function(*box.value, **named.value)

    return call  # type: ignore[return-value]


def _translate_jwt_backend(named: SecretBox[dict[str, Any]]) -> None:
    """Replaces the arguments of `JWTAuthentication` that only have another name here."""
    for name in ("jwks", "public_key"):
        if named.value.get(name) is None:
            named.value.pop(name, None)
        elif named.value.get("secret") is not None:
            raise ImproperlyConfigured(f"JWTAuthentication: secret and {name} can't be used together.")
        else:
            named.value["secret"] = named.value.pop(name)
    if named.value.get("csrf") is True:
        del named.value["csrf"]
    if named.value.pop("require_jti", False):
        named.value["required_claims"] = [*named.value.get("required_claims", ["exp"]), "jti"]
    token_type = named.value.pop("token_type", None)
    if token_type is not None:
        named.value["claims"] = {**(named.value.get("claims") or {}), "typ": token_type}


def refuse_method(store: object, name: str) -> NoReturn:
    """Raises the `AttributeError` for an attribute that a revocation store doesn't have."""
    replaced = f" {METHODS[name]}" if name in METHODS else ""
    raise AttributeError(f"{type(store).__name__!r} object has no attribute {name!r}.{replaced}")


def explain_request_items(error: AttributeError | TypeError) -> None:
    """Adds what to use instead to the error of `request["context"]` and `request.get("context")`."""
    if _REQUEST_ITEM.fullmatch(str(error)):
        error.args = (f'{error}. Use request.context instead of request["context"].',)


def with_ttl(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `revoke`, with the `ttl` that corresponds to `exp`, the date at which the token expires."""
    if "exp" not in arguments:
        return arguments
    rest = {name: value for name, value in arguments.items() if name != "exp"}
    exp = arguments["exp"]
    if exp is None:
        return rest
    if isinstance(exp, bool) or not isinstance(exp, (int, float)):
        raise TypeError(f"exp is {kind_of(exp)}. It must be the claim exp of the token, in seconds since the epoch.")
    if "ttl" in rest:
        raise TypeError("ttl and exp can't be used together.")
    return {**rest, "ttl": max(exp - clock.time(), 0.0)}


# By class or function.
TRANSLATIONS: dict[str, Callable[[SecretBox[dict[str, Any]]], None]] = {"JWTAuthentication": _translate_jwt_backend}
_REQUEST_ITEM = re.compile(r"'(ASGI|WSGI)Request' object (is not subscriptable|has no attribute 'get')")
# Names with the same meaning.
EQUIVALENTS = {
    "BaseAuthentication": "boltguard.auth.backends:Authentication",
    "BasePermission": "boltguard.auth.guards:Guard",
    "CurrentUser": "boltguard.api.current_user:CurrentUser",
    "Requires": "boltguard.auth.requires:Requires",
    "require_current_user": "boltguard.auth.users:aget_current_user",
    "require_current_user_sync": "boltguard.auth.users:get_current_user",
}

_LOGIN = "boltguard.sessions.TokenSessions"
_USER = "Use request.user, or await request.auser(), which is an AnonymousUser for anonymous callers."
_LOADING = "Pass get_user= or user_field= to JWTAuthentication, or return Identity(user=...) from your own backend."
_DEFAULTS = "Views without auth= or guards= use the settings."
REPLACED = {
    "AuthContext": "request.context is a read-only mapping; annotate it with Mapping[str, Any]. "
    "A custom backend returns an Identity.",
    "JWTAuthViews": f"Use path('auth/', {_LOGIN}(jwt_auth, cookies=True).urls).",
    "LoginCredentials": f"Use {_LOGIN}(jwt_auth).urls, whose login accepts a username and a password.",
    "OptionalCurrentUser": _USER,
    "TokenPair": f"Use boltguard.sessions.TokenPair, which {_LOGIN}.create() returns.",
    "TokenRotationError": "Use boltguard.exceptions.InvalidRefreshToken.",
    "create_revocation_handler": "Pass the store as JWTAuthentication(revocation_store=...).",
    "create_token_pair": f"Use {_LOGIN}(jwt_auth).create(user, request).",
    "extract_user_id_from_context": 'Use request.context["user_id"].',
    "get_current_user_sync": _USER,
    "get_default_authentication_classes": f"Read settings.BOLTGUARD_AUTHENTICATION_CLASSES. {_DEFAULTS}",
    "get_default_permission_classes": f"Read settings.BOLTGUARD_DEFAULT_PERMISSION_CLASSES. {_DEFAULTS}",
    "get_registered_backend": _LOADING,
    "load_user": _USER,
    "register_auth_backend": _LOADING,
    "rotate_refresh_token": f"Use {_LOGIN}(jwt_auth).refresh(refresh_token, request).",
    "set_token_cookies": f"Use {_LOGIN}(jwt_auth, cookies=True).set_cookies(response, pair).",
}

_CSRF = "Unsafe methods with a cookie always have to pass the CSRF check. Clients other than browsers use the header."
_ENTRIES = "An entry is kept as long as its token could be accepted: pass ttl= to revoke(), or use logout(request)."
_VERIFY = "Use boltguard.jwt.decode(token, key, algorithms, options={{'{}': False}})."
# By class or function.
ARGUMENTS: dict[str, dict[str, str]] = {
    "JWTAuthentication": {
        "csrf": _CSRF,
        "jwks_refresh_interval": "Use secret=RemoteKeySet(url, ttl=...).",
        "jwks_url": "Use secret=RemoteKeySet(url).",
        "oidc_issuer": "Use JWTAuthentication.discover(issuer, audience=...).",
        "revoked_token_handler": "Use revocation_store= with a subclass of RevocationStore that defines is_revoked, or "
        "check for the other claims.",
    },
    "SessionAuthentication": {
        "csrf": _CSRF,
        "login_url": "Use Django's login_required for pages that redirect to a login.",
    },
    "Requires": {
        "message": "The response is the same for all refused callers. For your own message, raise "
        "boltguard.exceptions.Forbidden(detail=...) in the view or in a dependency.",
    },
    "DjangoCacheRevocation": {"default_ttl": _ENTRIES},
    "DjangoORMRevocation": {"default_ttl": _ENTRIES},
    "Token": {"is_admin": "Use is_superuser=True, which IsAdminUser reads."},
    "Token.create": {
        "is_admin": "Use is_superuser=True, which IsAdminUser reads. is_staff=True doesn't include it.",
    },
    "Token.decode": {
        "algorithm": "Use algorithms=[...].",
        "encoded_token": "Use token=.",
        "verify_exp": _VERIFY.format("verify_exp"),
        "verify_nbf": _VERIFY.format("verify_nbf"),
    },
}

_FAMILY = "Use revoke_session(session_id), or end(session_id) of TokenSessions."
_VERSION = "Use logout_everywhere(user), or revoke_subject(user_id)."
# Of revocation stores.
METHODS = {
    "bump_user_version": _VERSION,
    "clear": "In tests, create a new store.",
    "consume": f"{_LOGIN} uses each refresh token once.",
    "get_user_version": _VERSION,
    "is_family_revoked": _FAMILY,
    "revoke_all": _VERSION,
    "revoke_family": _FAMILY,
}
