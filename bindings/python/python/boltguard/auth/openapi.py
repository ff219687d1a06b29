"""The security schemes of OpenAPI that describe a backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boltguard.auth.api_key_backend import APIKeyAuthentication
from boltguard.auth.backends import Authentication
from boltguard.auth.certificate_backend import ClientCertificate
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.session_backend import SessionAuthentication
from boltguard.optional import settings


def security_schemes(backend: Authentication) -> dict[str, dict[str, Any]]:
    """A dict from names to security schemes. A client uses one of them.

    A custom backend without `header` has none, because what it reads isn't known to be credentials.
    """
    found = {}
    if backend.header is not None:
        found[backend.name] = _of_header(backend, backend.header)
    if isinstance(backend, JWTAuthentication) and backend.cookie is not None:
        name = f"{backend.name}_cookie" if found else backend.name
        found[name] = {"type": "apiKey", "in": "cookie", "name": backend.cookie}
    if isinstance(backend, SessionAuthentication):
        found[backend.name] = {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
    if isinstance(backend, ClientCertificate):
        found[backend.name] = {"type": "mutualTLS"}
    return found


def unique_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """The name of a scheme in a document; with a number if another scheme has the name."""
    number, unique = 1, name
    while is_taken(unique):
        number += 1
        unique = f"{name}_{number}"
    return unique


def _of_header(backend: Authentication, header: str) -> dict[str, Any]:
    if header.lower() == "authorization" and not isinstance(backend, APIKeyAuthentication):
        scheme = _first_scheme(backend)
        if scheme == "bearer" and isinstance(backend, JWTAuthentication):
            return {"type": "http", "scheme": scheme, "bearerFormat": "JWT"}
        if scheme:
            return {"type": "http", "scheme": scheme}
    return {"type": "apiKey", "in": "header", "name": header.title()}


def _first_scheme(backend: Authentication) -> str:
    if isinstance(backend, JWTAuthentication):
        return backend.schemes[0].lower()
    schemes = [backend.scheme] if isinstance(backend.scheme, str) else list(backend.scheme)
    return schemes[0].lower() if schemes else ""
