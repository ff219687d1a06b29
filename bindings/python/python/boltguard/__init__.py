"""Boltguard: authentication and authorisation of requests, decided in Rust.

`BoltAPI` is a thin router based on Django's; `boltguard.decorators.protect` and `boltguard.middleware` serve plain
Django views; `boltguard.jwt` and `boltguard.jws` have the interface of PyJWT and don't require Django.
"""

from __future__ import annotations

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
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
