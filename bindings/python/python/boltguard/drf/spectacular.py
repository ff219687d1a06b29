"""The extension for drf-spectacular, which describes the backends of `BoltguardAuthentication` in OpenAPI.

The app `boltguard` imports this module if `drf_spectacular` is installed.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.settings import spectacular_settings

from boltguard.auth.openapi import security_schemes, unique_name
from boltguard.drf.authentication import BoltguardAuthentication


class BoltguardScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes each backend as a security scheme with its name; a request uses one of them."""

    target_class = BoltguardAuthentication
    match_subclasses = True
    # Set for each view by the first method that drf-spectacular calls.
    name: list[str]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """The alternatives."""
        described = [_unique(auto_schema.registry, self.target, *one) for one in _schemes(self.target)]
        self.name = [name for name, _ in described]
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """The schemes, in the order of their names."""
        return [scheme for _, scheme in _schemes(self.target)]


def _schemes(authentication: BoltguardAuthentication) -> list[tuple[str, dict[str, Any]]]:
    found = [one for backend in authentication.known_backends() for one in security_schemes(backend).items()]
    # Introduced by OpenAPI 3.1.
    knows_mutual_tls = not str(spectacular_settings.OAS_VERSION).startswith("3.0")
    return [(name, scheme) for name, scheme in found if knows_mutual_tls or scheme["type"] != "mutualTLS"]


def _unique(registry: Any, authentication: Any, name: str, scheme: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return unique_name(name, lambda name: _is_taken(registry, authentication, name, scheme)), scheme


def _is_taken(registry: Any, authentication: Any, name: str, scheme: dict[str, Any]) -> bool:
    kind = ResolvedComponent.SECURITY_SCHEMA
    component: Any = ResolvedComponent(  # type: ignore[no-untyped-call]
        name=name, type=kind, object=type(authentication), schema=scheme
    )
    return component in registry and registry[component].schema != scheme


# Subclasses may have the same backend, and then the same scheme.
set_override(BoltguardAuthentication, "suppress_collision_warning", True)
