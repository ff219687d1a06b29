"""`SessionAuthentication`: the user of a Django session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boltguard.auth.backends import Authentication
from boltguard.auth.identity import Identity

if TYPE_CHECKING:
    from django.http import HttpRequest


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

    def authenticate(self, request: HttpRequest) -> Identity | None:
        """The user of the session."""
        # Not at the top: `settings.py` may import this module.
        from django.contrib.auth import get_user

        if not hasattr(request, "session"):
            return None
        user: Any = get_user(request)
        if not user.is_authenticated or not user.is_active:
            return None
        return Identity(
            _primary_key(user),
            permissions=_permissions(user),
            is_staff=bool(getattr(user, "is_staff", False)),
            is_superuser=bool(getattr(user, "is_superuser", False)),
            user=user,
        )


def _primary_key(user: Any) -> Any:
    """The primary key as a string, as Django's serializers write it, so that any type of field is supported."""
    meta = getattr(user, "_meta", None)
    return user.pk if meta is None else meta.pk.value_to_string(user)


def _permissions(user: Any) -> list[str]:
    """The permissions of a user. Django has no wildcards, so a codename with `*` grants nothing else."""
    granted = user.get_all_permissions() if hasattr(user, "get_all_permissions") else ()
    return [name for name in granted if "*" not in name]
