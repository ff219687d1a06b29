"""Helpers for the tests of a project that uses Boltguard."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boltguard.testing.clients import AuthenticatedClient, assert_refused, authenticate
    from boltguard.testing.clock import Travel, python_clock, travel
    from boltguard.testing.issuer import FakeIssuer
    from boltguard.testing.matrix import auth_matrix
    from boltguard.testing.tokens import token_for

__all__ = [
    "AuthenticatedClient",
    "FakeIssuer",
    "Travel",
    "assert_refused",
    "auth_matrix",
    "authenticate",
    "python_clock",
    "token_for",
    "travel",
]


# Loaded on first use, because pytest loads the plugin in each run.
def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_MODULES = {
    "AuthenticatedClient": "clients",
    "FakeIssuer": "issuer",
    "Travel": "clock",
    "assert_refused": "clients",
    "auth_matrix": "matrix",
    "authenticate": "clients",
    "python_clock": "clock",
    "token_for": "tokens",
    "travel": "clock",
}
