"""Exceptions of Boltguard in Django REST framework, whose own handler would return 403 for `Unauthorized`."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.settings import DEFAULTS

from boltguard.exceptions import HTTPException
from boltguard.gate.errors import body_of, headers_of


class RaisedResponse(APIException):
    """An `HTTPException` as an exception of DRF."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(body_of(error), getattr(error, "code", None))
        self.status_code = error.status_code
        self.headers = headers_of(error)
        self.auth_header = self.headers.get("WWW-Authenticate")


class StoreUnavailable(APIException):
    """503: a store is unavailable, so the credentials can't be verified."""

    status_code = 503
    default_detail = _("The credentials can't be checked right now.")
    default_code = "revocation_unavailable"


def api_exception(status: int, detail: str, code: str) -> APIException:
    """A DRF exception whose response has the same body as in other views."""
    kind: type[APIException] = KINDS.get(status, AuthenticationFailed)
    return kind({"detail": detail, "code": code}, code)


def exception_handler(error: Exception, context: dict[str, Any]) -> Any:
    """DRF's own handler, extended to `HTTPException`. It is DRF's default once this package is imported."""
    from rest_framework import views

    error = RaisedResponse(error) if isinstance(error, HTTPException) else error
    response = views.exception_handler(error, context)
    if isinstance(error, RaisedResponse) and response is not None:
        for name, value in error.headers.items():
            response[name] = value
    return response


def install() -> None:
    """Replaces DRF's default handler, unless the site sets another one."""
    if DEFAULTS["EXCEPTION_HANDLER"] == "rest_framework.views.exception_handler":
        DEFAULTS["EXCEPTION_HANDLER"] = f"{__name__}.exception_handler"


# The exceptions whose status DRF doesn't change.
KINDS: dict[int, type[APIException]] = {403: PermissionDenied, 503: StoreUnavailable}
