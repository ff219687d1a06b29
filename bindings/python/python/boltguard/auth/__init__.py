"""Authentication and authorization: backends, guards, revocation stores and tokens.

This package doesn't require loaded apps, so `settings.py` can import it. Tokens, guards and the in-memory store don't
require Django either.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from boltguard.optional import HAS_DJANGO

if TYPE_CHECKING:
    from boltguard._rust import RevocationLevel, RevocationQuery
    from boltguard.api_keys.store import APIKeyStore
    from boltguard.auth.api_key_backend import APIKeyAuthentication
    from boltguard.auth.backends import Authentication
    from boltguard.auth.cache_store import DjangoCacheRevocation
    from boltguard.auth.certificate_backend import ClientCertificate
    from boltguard.auth.checks import Check, ObjectCheck, Owner
    from boltguard.auth.everywhere import alogout_everywhere, logout_everywhere
    from boltguard.auth.external import ExternalUser
    from boltguard.auth.guards import (
        AllowAny,
        DenyAll,
        FreshAuth,
        Guard,
        HasAllPermissions,
        HasAnyPermission,
        HasAnyRole,
        HasClaim,
        HasPermission,
        HasRole,
        HasScope,
        IsAdminUser,
        IsAuthenticated,
        IsStaff,
        ViaBackend,
    )
    from boltguard.auth.identity import Identity
    from boltguard.auth.jwt_backend import JWTAuthentication
    from boltguard.auth.logging_out import alogout, logout
    from boltguard.auth.memory_store import InMemoryRevocation
    from boltguard.auth.objects import acheck_object, check_object
    from boltguard.auth.remote import RemoteKeySet
    from boltguard.auth.replicated_store import ReplicatedRevocation
    from boltguard.auth.session_backend import SessionAuthentication
    from boltguard.auth.session_managers import keep_session
    from boltguard.auth.signing_keys import SigningKey, SigningKeys
    from boltguard.auth.stores import RevocationStore
    from boltguard.auth.table_store import DjangoORMRevocation
    from boltguard.auth.tokens import Token, create_jwt_for_user
    from boltguard.auth.users import get_auth_context, get_current_user

__all__ = [
    "APIKeyAuthentication",
    "APIKeyStore",
    "AllowAny",
    "Authentication",
    "Check",
    "ClientCertificate",
    "DenyAll",
    "DjangoCacheRevocation",
    "DjangoORMRevocation",
    "ExternalUser",
    "FreshAuth",
    "Guard",
    "HasAllPermissions",
    "HasAnyPermission",
    "HasAnyRole",
    "HasClaim",
    "HasPermission",
    "HasRole",
    "HasScope",
    "Identity",
    "InMemoryRevocation",
    "IsAdminUser",
    "IsAuthenticated",
    "IsStaff",
    "JWTAuthentication",
    "ObjectCheck",
    "Owner",
    "RemoteKeySet",
    "ReplicatedRevocation",
    "RevocationLevel",
    "RevocationQuery",
    "RevocationStore",
    "SessionAuthentication",
    "SigningKey",
    "SigningKeys",
    "Token",
    "ViaBackend",
    "acheck_object",
    "alogout",
    "alogout_everywhere",
    "check_object",
    "create_jwt_for_user",
    "get_auth_context",
    "get_current_user",
    "keep_session",
    "logout",
    "logout_everywhere",
]


# Loaded on first use, because only some of them need Django.
def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        from boltguard.auth.django_bolt import find

        return find(__name__, name)
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if HAS_DJANGO:
            raise
        raise ImportError(f"boltguard.auth.{name} requires Django, which isn't installed.") from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_NAMES = {
    "boltguard._rust": ["RevocationLevel", "RevocationQuery"],
    "boltguard.api_keys.store": ["APIKeyStore"],
    "boltguard.auth.api_key_backend": ["APIKeyAuthentication"],
    "boltguard.auth.backends": ["Authentication"],
    "boltguard.auth.cache_store": ["DjangoCacheRevocation"],
    "boltguard.auth.certificate_backend": ["ClientCertificate"],
    "boltguard.auth.checks": ["Check", "ObjectCheck", "Owner"],
    "boltguard.auth.everywhere": ["alogout_everywhere", "logout_everywhere"],
    "boltguard.auth.external": ["ExternalUser"],
    "boltguard.auth.guards": [
        "AllowAny",
        "DenyAll",
        "FreshAuth",
        "Guard",
        "HasAllPermissions",
        "HasAnyPermission",
        "HasAnyRole",
        "HasClaim",
        "HasPermission",
        "HasRole",
        "HasScope",
        "IsAdminUser",
        "IsAuthenticated",
        "IsStaff",
        "ViaBackend",
    ],
    "boltguard.auth.identity": ["Identity"],
    "boltguard.auth.jwt_backend": ["JWTAuthentication"],
    "boltguard.auth.logging_out": ["alogout", "logout"],
    "boltguard.auth.memory_store": ["InMemoryRevocation"],
    "boltguard.auth.objects": ["acheck_object", "check_object"],
    "boltguard.auth.remote": ["RemoteKeySet"],
    "boltguard.auth.replicated_store": ["ReplicatedRevocation"],
    "boltguard.auth.session_backend": ["SessionAuthentication"],
    "boltguard.auth.session_managers": ["keep_session"],
    "boltguard.auth.signing_keys": ["SigningKey", "SigningKeys"],
    "boltguard.auth.stores": ["RevocationStore"],
    "boltguard.auth.table_store": ["DjangoORMRevocation"],
    "boltguard.auth.tokens": ["Token", "create_jwt_for_user"],
    "boltguard.auth.users": ["get_auth_context", "get_current_user"],
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}
