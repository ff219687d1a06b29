"""Boltguard: authentication and authorisation of requests, decided in Rust.

`BoltAPI` is a thin router based on Django's; `boltguard.decorators.protect` and `boltguard.middleware` serve plain
Django views; `boltguard.jwt` and `boltguard.jws` have the interface of PyJWT and don't require Django.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from boltguard._rust import __version__

if TYPE_CHECKING:
    from boltguard.api.params import Depends
    from boltguard.api.router import BoltAPI
    from boltguard.decorators import protect

__all__ = ["BoltAPI", "Depends", "__version__", "protect"]


# Loaded on first use, so that `boltguard.jwt` works where Django is not installed.
def __getattr__(name: str) -> Any:
    if name == "BoltAPI":
        from boltguard.api.router import BoltAPI

        return BoltAPI
    if name == "Depends":
        from boltguard.api.params import Depends

        return Depends
    if name == "protect":
        from boltguard.decorators import protect

        return protect
    if name in _OF_DJANGO_BOLT:
        return getattr(import_module("boltguard.auth"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# Names of `boltguard.auth` that django-bolt has in its main module, too.
_OF_DJANGO_BOLT = {
    "APIKeyAuthentication",
    "AllowAny",
    "AuthContext",
    "CurrentUser",
    "HasAllPermissions",
    "HasAnyPermission",
    "HasPermission",
    "IsAdminUser",
    "IsAuthenticated",
    "IsStaff",
    "JWTAuthentication",
    "OptionalCurrentUser",
    "Requires",
    "SessionAuthentication",
    "Token",
    "create_jwt_for_user",
    "extract_user_id_from_context",
    "get_auth_context",
    "get_current_user",
}
