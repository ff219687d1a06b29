"""Views for other services: token introspection (RFC 7662), token revocation (RFC 7009) and the JWK Set (RFC 7517)."""

from boltguard.oauth.introspect import aintrospection_view, introspection_view
from boltguard.oauth.jwks import jwks_view
from boltguard.oauth.revoke import arevocation_view, revocation_view

__all__ = ["aintrospection_view", "arevocation_view", "introspection_view", "jwks_view", "revocation_view"]
