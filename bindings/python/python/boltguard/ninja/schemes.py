"""The security schemes of operations in the OpenAPI document of Ninja."""

from __future__ import annotations

from typing import Any

from boltguard.auth.openapi import security_schemes
from boltguard.ninja.operations import GuardedOperation


def describe(schema: Any, guarded: GuardedOperation, others: list[Any]) -> list[Any]:
    """The alternatives of an operation; each scheme is added to those of the document."""
    gate = guarded.view_gate.gate
    requirements: list[dict[str, list[str]]] = [
        {_name(schema.securitySchemes, name, scheme): []}
        for backend in gate.backends
        for name, scheme in security_schemes(backend).items()
    ]
    # An empty requirement means that credentials are optional.
    optional: list[Any] = [{}] if gate.guard.rust.allows_anonymous else []
    return [*requirements, *others, *optional]


def _name(known: dict[str, Any], name: str, scheme: dict[str, Any]) -> str:
    """The name of a scheme; with a number if another scheme has the name."""
    number, unique = 1, name
    while known.setdefault(unique, scheme) != scheme:
        number += 1
        unique = f"{name}_{number}"
    return unique
