"""Backends for the credentials of other packages, while a site migrates from them.

They read the tables of these packages, whose apps stay in `INSTALLED_APPS` until no client uses the old credentials.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boltguard.migrate.authtoken import AuthtokenAuthentication
    from boltguard.migrate.knox import KnoxAuthentication
    from boltguard.migrate.simplejwt import SimpleJWTAuthentication
    from boltguard.migrate.simplejwt_refresh import simplejwt_refresh_view

__all__ = ["AuthtokenAuthentication", "KnoxAuthentication", "SimpleJWTAuthentication", "simplejwt_refresh_view"]

# The view requires loaded apps, and `settings.py` imports the backends.
_MODULES = {
    "AuthtokenAuthentication": "authtoken",
    "KnoxAuthentication": "knox",
    "SimpleJWTAuthentication": "simplejwt",
    "simplejwt_refresh_view": "simplejwt_refresh",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
