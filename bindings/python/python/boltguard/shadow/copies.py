"""Copies of requests, so that a decision can't change what the view receives, or its response."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest


def copied(request: HttpRequest) -> Any:
    """A copy for backends and checks: with another session object, and without the body unless it was read before."""
    copy = object.__new__(type(request))
    copy.__dict__.update(request.__dict__)
    copy.META = dict(request.META)
    copy.__dict__["_stream"] = _Unread()
    session = request.__dict__.get("session")
    if isinstance(session, SessionBase):
        copy.session = _SessionCopy(session)
    return copy


class _Unread:
    """The body of a request, which must be left for the view."""

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        raise RuntimeError(BODY)

    # `seekable` is the first one that Django 6.1 calls.
    readline = seekable = read

    def close(self) -> None:
        """Does nothing."""


class _SessionCopy(SessionBase):
    """A session that is loaded separately and never saved: that of the request sends `Vary: Cookie` once it is read."""

    def __init__(self, session: SessionBase) -> None:
        super().__init__(session.session_key)
        self._store = type(session)

    def load(self) -> dict[str, Any]:
        return dict(self._store(self.session_key).load())

    def exists(self, session_key: str) -> bool:
        return False

    def create(self) -> None:
        """Does nothing."""

    def save(self, must_create: bool = False) -> None:
        """Does nothing."""

    def delete(self, session_key: str | None = None) -> None:
        """Does nothing."""


BODY = "In shadow mode, backends and checks can't read the body of the request, because the view reads it later."
