"""`SessionAuthentication`: the user of a Django session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boltguard.auth.backends import Authentication
from boltguard.auth.django_bolt import refuse_arguments
from boltguard.auth.identity import Identity, identity_of

if TYPE_CHECKING:
    from django.http import HttpRequest


@refuse_arguments
class SessionAuthentication(Authentication):
    """The user who is logged in to a Django session, for pages of the same site.

    Requires `SessionMiddleware` and `django.contrib.auth`. In protected views, requests with an unsafe method must pass
    Django's CSRF check, even without `CsrfViewMiddleware` and with `csrf_exempt`; otherwise the response is 403 with
    the code `csrf_failed`. An inactive user isn't authenticated. The permissions are those of the user and their
    groups. Each request makes the queries for the session, the user and the permissions.
    """

    name = "session"
    reads = ("cookie",)

    def __init__(self, *, name: str | None = None) -> None:
        self._rename(name)

    @property
    def is_ambient(self) -> bool:
        """True, even if a subclass sets `header`."""
        return True

    @property
    def can_have_roles(self) -> bool:
        """Users of Django have no roles; a subclass can return an `Identity` that has."""
        return type(self).authenticate is not SessionAuthentication.authenticate

    def authenticate(self, request: HttpRequest) -> Identity | None:
        """The user of the session."""
        # Not at the top: `settings.py` may import this module.
        from django.contrib.auth import get_user

        if not hasattr(request, "session"):
            return None
        user: Any = get_user(request)
        if not user.is_authenticated or not user.is_active:
            return None
        return identity_of(user)
