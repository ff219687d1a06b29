"""What the present authentication of a site decided about a request."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.shortcuts import resolve_url
from django.utils.functional import LazyObject, empty


class Caller(Enum):
    """What is known about the caller."""

    UNKNOWN = "unknown"
    ANONYMOUS = "anonymous"
    AUTHENTICATED = "authenticated"


class Present(NamedTuple):
    """The present decision. `is_denied` is `None` if the status doesn't show it, such as that of an error."""

    status: int
    is_denied: bool | None
    caller: Caller
    account: str | None = None


def present_of(request: Any, response: Any) -> Present:
    """The present decision about a request that a view responded to."""
    return Present(response.status_code, _is_denied(response), *_caller(request))


def _is_denied(response: Any) -> bool | None:
    status = response.status_code
    if status in DENIED:
        return True
    if status in UNDECIDED or status >= 500:
        return None
    return 300 <= status < 400 and _is_login_page(response.headers.get("Location", ""))


def _is_login_page(location: str) -> bool:
    return bool(location) and urlsplit(location).path == urlsplit(resolve_url(settings.LOGIN_URL)).path


def _caller(request: Any) -> tuple[Caller, str | None]:
    """The caller, if the view or its authentication has read it: loading the user would read the session."""
    user = _user(request.__dict__)
    if user is None:
        return Caller.UNKNOWN, None
    if not getattr(user, "is_authenticated", True):
        return Caller.ANONYMOUS, None
    key = getattr(user, "pk", None)
    return Caller.AUTHENTICATED, None if key is None else str(key)


def _user(state: dict[str, Any]) -> Any:
    # Django Ninja stores the user that its callable returned. That of Django REST framework is a token.
    if hasattr(auth := state.get("auth"), "is_authenticated"):
        return auth
    user = state.get("user")
    if isinstance(user, LazyObject) and user._wrapped is empty:
        return state.get("_cached_user", state.get("_acached_user"))
    return user


DENIED = {401, 403}
# The method may be checked before the caller, and a rate limit after it.
UNDECIDED = {405, 429}
