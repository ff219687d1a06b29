"""Limiting logins and refreshes with the function of the site, `TokenSessions(throttle=...)`."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from inspect import iscoroutine, iscoroutinefunction, signature
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.translation import ngettext

from boltguard.events import report_refusal
from boltguard.exceptions import HTTPException
from boltguard.messages import kind_of

Throttle = Callable[[HttpRequest], float | timedelta | None]


class Throttled(HTTPException):
    """429: the site allows no further request for some time."""

    code = "throttled"


def checked(throttle: Any) -> Throttle | None:
    """The function, or `ImproperlyConfigured`."""
    if throttle is None:
        return None
    if not callable(throttle) or isinstance(throttle, type):
        raise ImproperlyConfigured(
            f"TokenSessions: throttle is {kind_of(throttle)}. It must be a function of the request."
        )
    if iscoroutinefunction(throttle) or iscoroutinefunction(getattr(throttle, "__call__", None)):  # noqa: B004
        raise ImproperlyConfigured(
            "TokenSessions: throttle is an async function. It must be sync; under ASGI, it is called in a thread."
        )
    try:
        signature(throttle).bind(None)
    except TypeError:
        raise ImproperlyConfigured("TokenSessions: throttle must accept exactly one argument, request.") from None
    except ValueError:  # a built-in function
        pass
    return throttle  # type: ignore[no-any-return]


def refuse_throttled(throttle: Throttle | None, request: HttpRequest) -> None:
    """Raises `Throttled` unless the function allows the request."""
    wait = None if throttle is None else throttle(request)
    if wait is None:
        return
    seconds = _whole_seconds(wait)
    report_refusal(request, 429, "throttled")
    detail = ngettext(
        "Too many requests. Try again in %(count)d second.",
        "Too many requests. Try again in %(count)d seconds.",
        seconds,
    )
    raise Throttled(429, detail % {"count": seconds}, {"Retry-After": str(seconds)})


def _whole_seconds(wait: Any) -> int:
    """The value of `Retry-After`, RFC 9110 §10.2.3."""
    seconds = wait.total_seconds() if isinstance(wait, timedelta) else wait
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not abs(seconds) < 1e9:
        if iscoroutine(wait):
            wait.close()
        raise TypeError(
            f"TokenSessions: throttle returned a value {kind_of(wait)}. It must return the seconds to wait, or None."
        )
    return max(math.ceil(seconds), 1)
