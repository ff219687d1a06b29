"""The responses to exceptions: those of views and checks, of missing accounts, and of unavailable stores."""

from __future__ import annotations

from inspect import iscoroutine
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from boltguard.auth.accounts import UserUnavailable
from boltguard.auth.objects import ObjectRefused, mark_final
from boltguard.events import report_refusal
from boltguard.exceptions import HTTPException, RevocationError
from boltguard.gate.responses import json_response
from boltguard.logs import log_failed_revocation


def error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """The response to an exception that a view or a check raised."""
    return mark_final(_error_response(request, error))


def _error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, Http404):
        return json_response({"detail": "Not Found", "code": "not_found"}, 404)
    if isinstance(error, RevocationError):
        log_failed_revocation(error)
        report_refusal(request, 503, error.code)
        return json_response({"detail": STORE_UNAVAILABLE, "code": error.code}, 503)
    if not isinstance(error, HTTPException):
        return json_response({"detail": "Forbidden", "code": "forbidden"}, 403)
    if isinstance(error, ObjectRefused):
        report_refusal(request, error.status_code, error.refusal.reason)
    if isinstance(error, UserUnavailable):
        report_refusal(request, error.status_code, error.reason)
        context = getattr(request, "context", None)
        error = error if context is None else error.for_context(context)
    return json_response(body_of(error), error.status_code, headers_of(error))


def invalid_response_error(request: HttpRequest, returned: Any) -> ValueError:
    """The error for a view that returned this value."""
    view = getattr(request.resolver_match, "_func_path", "function")
    if iscoroutine(returned):
        returned.close()
        return ValueError(f"The view {view} returned a coroutine. {HIDDEN_ASYNC}")
    kind = "None" if returned is None else f"a {type(returned).__name__}"
    return ValueError(f"The view {view} didn't return an HttpResponse object. It returned {kind} instead.")


def headers_of(error: HTTPException) -> dict[str, str]:
    """The headers of the response to an exception. A 401 always has a challenge."""
    headers = dict(error.headers)
    if error.status_code == 401 and "www-authenticate" not in map(str.lower, headers):
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return headers


def body_of(error: HTTPException) -> dict[str, Any]:
    """The body of the response to an exception."""
    extra = {name: getattr(error, name) for name in ("code", "loc") if hasattr(error, name)}
    return {"detail": error.detail, **extra}


# The exceptions that `error_response` converts.
HANDLED_EXCEPTIONS = (HTTPException, Http404, PermissionDenied, RevocationError)
HIDDEN_ASYNC = "A decorator between `protect` and an async view is sync. Put `protect` directly above the view."
STORE_UNAVAILABLE = _("The revocation store is unavailable.")
