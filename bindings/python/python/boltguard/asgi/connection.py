"""`Connection`: an HTTP request or a WebSocket, as custom backends and checks see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from functools import cached_property
from typing import Any

from boltguard import _rust

Scope = MutableMapping[str, Any]


class Connection:
    """The request that custom backends and checks receive: a part of Django's `HttpRequest`.

    It has `scope`, `headers`, `META` (the headers only), `COOKIES`, `method` (`WEBSOCKET` for a WebSocket) and `path`,
    and for checks `context` and `user`. `session` is that of the scope.
    """

    context: _rust.AuthContext
    user: Any
    # Of Django's requests; Boltguard's log records have it.
    resolver_match = None

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    @property
    def method(self) -> str:
        """The method, in upper case."""
        return "WEBSOCKET" if self.scope["type"] == "websocket" else str(self.scope["method"])

    @property
    def path(self) -> str:
        """The path of the URL, percent-decoded."""
        return str(self.scope.get("path", ""))

    @property
    def session(self) -> Any:
        """The session, if a middleware for sessions is outside."""
        if "session" not in self.scope:
            raise AttributeError("The scope has no session. Put a middleware for sessions outside of AuthMiddleware.")
        return self.scope["session"]

    @cached_property
    def META(self) -> dict[str, str]:
        """The headers with their names in CGI."""
        return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}

    @cached_property
    def headers(self) -> Headers:
        """The headers. Their names are case-insensitive."""
        return Headers(self.scope)

    @cached_property
    def COOKIES(self) -> dict[str, str]:
        """The cookies; of several with one name, the last."""
        pairs = (pair.partition("=") for pair in self.headers.get("cookie", "").split(";"))
        return {name.strip(): value.strip() for name, equals, value in pairs if equals}

    def __repr__(self) -> str:
        return f"<Connection: {self.method}>"


class Headers(Mapping[str, str]):
    """The headers of a scope. Several values of one name are joined by commas, and cookies by semicolons."""

    def __init__(self, scope: Scope) -> None:
        self._values: dict[str, str] = {}
        for raw, value in scope["headers"]:
            # In `META`, a name with underscores would be that of another header.
            if b"_" not in raw:
                add(self._values, raw.decode("latin-1").lower(), value.decode("latin-1"), "cookie")

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Headers: {', '.join(self._values)}>"


def add(values: dict[str, str], name: str, value: str, cookie: str) -> None:
    """Adds a value of a header to those before, as RFC 9110 section 5.3 and RFC 6265 section 5.4 combine them."""
    if name in values:
        value = f"{values[name]}{'; ' if name == cookie else ','}{value}"
    values[name] = value
