"""Authentication and authorization: backends, guards, revocation stores and tokens.

This package doesn't require loaded apps, so `settings.py` can import it.
"""

from boltguard.api_keys.store import APIKeyStore
from boltguard.auth.api_key_backend import APIKeyAuthentication
from boltguard.auth.backends import Authentication
from boltguard.auth.cache_store import DjangoCacheRevocation
from boltguard.auth.certificate_backend import ClientCertificate
from boltguard.auth.checks import Check, ObjectCheck, Owner
from boltguard.auth.external import ExternalUser
from boltguard.auth.guards import (
    AllowAny,
    DenyAll,
    Guard,
    HasAllPermissions,
    HasAnyPermission,
    HasClaim,
    HasPermission,
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
from boltguard.auth.session_backend import SessionAuthentication
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
    "Guard",
    "HasAllPermissions",
    "HasAnyPermission",
    "HasClaim",
    "HasPermission",
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
    "RevocationStore",
    "SessionAuthentication",
    "Token",
    "ViaBackend",
    "acheck_object",
    "alogout",
    "check_object",
    "create_jwt_for_user",
    "get_auth_context",
    "get_current_user",
    "logout",
]
