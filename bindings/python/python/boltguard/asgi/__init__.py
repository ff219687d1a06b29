"""ASGI: a middleware for HTTP and WebSockets, and a dependency for FastAPI.

`AuthMiddleware` works with any ASGI application (Channels, Starlette, FastAPI, Litestar), and with or without Django.
The same engine decides as everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boltguard.asgi.connection import Connection
from boltguard.asgi.middleware import AuthMiddleware
from boltguard.asgi.users import CallerUser
from boltguard.asgi.websocket import ConnectionEnded

if TYPE_CHECKING:
    from boltguard.asgi.fastapi import Authenticated

__all__ = ["AuthMiddleware", "Authenticated", "CallerUser", "Connection", "ConnectionEnded"]


# Loaded on first use, because it requires FastAPI.
def __getattr__(name: str) -> Any:
    if name == "Authenticated":
        try:
            from boltguard.asgi.fastapi import Authenticated
        except ModuleNotFoundError as error:
            if error.name != "fastapi":
                raise
            raise ImportError("boltguard.asgi.Authenticated requires FastAPI: pip install fastapi") from error
        return Authenticated
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
