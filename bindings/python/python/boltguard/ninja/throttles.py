"""The throttles of Django Ninja, which identify callers by `str(request.auth)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ninja.throttling import BaseThrottle

from boltguard._rust import AuthContext


class PerCaller(BaseThrottle):
    """A throttle for which the caller has a unique string form. The one of a context is for logs, without IDs."""

    def __init__(self, throttle: BaseThrottle) -> None:
        self._throttle = throttle

    def allow_request(self, request: Any) -> bool:
        """Whether the throttle allows the request."""
        caller = request.auth
        if not isinstance(caller, AuthContext):
            return self._throttle.allow_request(request)
        request.auth = CallerKey(caller)
        try:
            return self._throttle.allow_request(request)
        finally:
            request.auth = caller

    def wait(self) -> float | None:
        """The seconds until the next request."""
        return self._throttle.wait()


class CallerKey(Mapping[str, Any]):
    """A context whose string form identifies the caller."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    def __getitem__(self, name: str) -> Any:
        return self._context[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._context)

    def __len__(self) -> int:
        return len(self._context)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def __str__(self) -> str:
        return repr((self._context.auth_backend, self._context.issuer, self._context.user_id))
