"""Subclasses of Boltguard's classes: members that would be ignored raise an error when the class is defined.

Rust decides, so most methods of these classes are never looked up on a request. A subclass that redefines one of them,
or has a hook method of another framework, would look as if it restricted access but wouldn't.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection


def refuse_overrides(cls: type, error: type[Exception], remedy: str, *, called: Collection[str] = ()) -> None:
    """Raises `error` if a subclass outside of Boltguard has members that are never used.

    These are the members of Boltguard's base classes except the methods in `called`, the names in `HOOKS`, and class
    attributes with the name of an argument of `__init__`.
    """
    bases = [base for base in cls.__mro__ if is_ours(base)]
    members = {name for base in bases for name in vars(base) if name in OPERATORS or not name.startswith("__")}
    unused = (members | HOOKS | _arguments(cls)) - set(called)
    for owner in cls.__mro__:
        if is_ours(owner) or owner.__module__ in FRAMEWORKS:
            continue
        for name in vars(owner):
            if name in unused:
                raise error(f"{cls.__name__}.{name} is never used. {remedy}")


def is_ours(cls: type) -> bool:
    """Whether a class is one of Boltguard's."""
    return cls.__module__.partition(".")[0] == "boltguard"


def _arguments(cls: type) -> set[str]:
    """The arguments of `__init__`, unless a subclass has its own, which can pass class attributes on."""
    inits = [base for base in cls.__mro__ if "__init__" in vars(base)]
    if not is_ours(inits[0]):
        return set()
    return {name for base in inits if is_ours(base) for name in inspect.signature(vars(base)["__init__"]).parameters}


# The names by which Django REST framework, simplejwt, Ninja, Django and django-bolt let a subclass decide.
HOOKS = {
    "__call__",
    "aauthenticate",
    "aget_user",
    "ahas_permission",
    "authenticate",
    "authenticate_credentials",
    "authenticate_header",
    "check_object_permissions",
    "check_permission",
    "check_permissions",
    "get_header",
    "get_raw_token",
    "get_user",
    "get_user_sync",
    "get_validated_token",
    "guard_name",
    "has_object_permission",
    "has_perm",
    "has_permission",
    "has_permissions",
    "has_perms",
    "keyword",
    "media_type",
    "message",
    "openapi_scheme",
    "param_name",
    "scheme_name",
    "test_func",
    "to_metadata",
    "validate",
    "validate_token",
    "verify_token",
    "www_authenticate_realm",
}
OPERATORS = {"__and__", "__bool__", "__eq__", "__hash__", "__invert__", "__or__", "__rand__", "__ror__", "__str__"}
FRAMEWORKS = {"builtins", "rest_framework.authentication", "rest_framework.permissions", "typing"}
AS_BACKEND = (
    "Use JWTAuthentication(...) or APIKeyAuthentication(...) with arguments, Check(function) among the guards for what "
    "they don't cover, or a subclass of Authentication with a method authenticate(self, request)."
)
AS_GUARD = (
    "Write Check(function) for a condition on the request, ObjectCheck(function) for one on an object, and combine "
    "guards with &, | and ~."
)
