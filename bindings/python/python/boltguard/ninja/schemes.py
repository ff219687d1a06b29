"""The security schemes of operations in the OpenAPI document of Ninja."""

from __future__ import annotations

from typing import Any

from boltguard.auth.openapi import security_schemes, unique_name
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
    return unique_name(name, lambda one: known.setdefault(one, scheme) != scheme)
