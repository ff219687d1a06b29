"""Responses to `Unauthorized` and `Forbidden` of unprotected views: 401, and Django's own 403.

Both are `PermissionDenied` exceptions, for which Django calls `handler403`. If a site doesn't set it,
`permission_denied` of this module replaces Django's default. A custom `handler403` can call it.
"""

from __future__ import annotations

from typing import Any

from django.conf import urls
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views import defaults

from boltguard.exceptions import Unauthorized
from boltguard.gate.errors import error_response

__all__ = ["permission_denied"]


def permission_denied(request: HttpRequest, exception: Exception, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """A 401 for `Unauthorized`, and Django's own response to any other exception."""
    if isinstance(exception, Unauthorized):
        return error_response(request, exception)
    return defaults.permission_denied(request, exception, *args, **kwargs)


def install() -> None:
    """Replaces Django's default, unless the site sets `handler403`."""
    if urls.handler403 is defaults.permission_denied:
        urls.handler403 = permission_denied  # type: ignore[assignment]
