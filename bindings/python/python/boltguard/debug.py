"""`ExceptionReporterFilter`: hides credentials in Django's error pages and error mails."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from boltguard import registry
from boltguard.auth.backends import Authentication
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.sessions.cookies import REFRESH

__all__ = ["ExceptionReporterFilter"]


class ExceptionReporterFilter(SafeExceptionReporterFilter):
    """Django's filter, which also hides the headers and cookies that contain the credentials of this site's backends.

    Set `DEFAULT_EXCEPTION_REPORTER_FILTER = "boltguard.debug.ExceptionReporterFilter"`, or to a subclass.
    """

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        """`request.META`, without credentials."""
        return self._hide(super().get_safe_request_meta(request), _meta_keys())

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        """`request.COOKIES`, without credentials."""
        return self._hide(super().get_safe_cookies(request), _cookie_names())

    def _hide(self, shown: dict[str, Any], secret: set[str]) -> dict[str, Any]:
        return {name: self.cleansed_substitute if name in secret else value for name, value in shown.items()}


def _meta_keys() -> set[str]:
    headers = {backend.header for backend in registry.instances(Authentication) if backend.header}
    return {f"HTTP_{header.upper().replace('-', '_')}" for header in headers}


def _cookie_names() -> set[str]:
    return {REFRESH, *(backend.cookie for backend in registry.instances(JWTAuthentication) if backend.cookie)}
