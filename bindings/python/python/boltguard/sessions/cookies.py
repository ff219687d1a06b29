"""The cookies of `TokenSessions(cookies=True)`, which scripts can't read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.encoding import escape_uri_path

from boltguard import _rust
from boltguard.auth.secret_box import SecretBox

if TYPE_CHECKING:
    from boltguard.sessions.token_pair import TokenPair

# Only the view that refreshes receives its token, so the name can't have the prefix `__Host-`, which requires `Path=/`.
ACCESS, REFRESH = "__Host-access", "__Secure-refresh"
# The views with bodies have the name of the application, so that a site can have both.
NAMESPACE = "boltguard_cookie_sessions"
# Without a domain, so that only the host that has set a cookie receives it.
ATTRIBUTES: dict[str, Any] = {"secure": True, "httponly": True, "samesite": "Lax"}


def refresh_token(request: HttpRequest) -> SecretBox[str | None]:
    """The refresh token, or `None` if the request has no such cookie, or two of them."""
    return SecretBox(_rust.find_cookie(request.META.get("HTTP_COOKIE", ""), REFRESH))


def store(response: HttpResponseBase, pair: TokenPair, refresh_path: str) -> None:
    """Sets both cookies. Each expires with its token."""
    _set(response, ACCESS, SecretBox(pair.access_token), pair.expires_in, "/")
    _set(response, REFRESH, SecretBox(pair.refresh_token), pair.refresh_expires_in, refresh_path)


def clear(response: HttpResponseBase, refresh_path: str) -> None:
    """Deletes both cookies."""
    _set(response, ACCESS, SecretBox(""), 0, "/")
    _set(response, REFRESH, SecretBox(""), 0, refresh_path)


def refresh_path(request: HttpRequest, route: str) -> str:
    """The path of the view that refreshes, for a request to the view with this route."""
    return escape_uri_path(request.path.removesuffix(route)) + "token/refresh"


def mounted_refresh_path() -> str:
    """The path of the view that refreshes, in the URLconf."""
    try:
        # Only views with cookies have this name.
        path = reverse("boltguard_sessions:csrf", current_app=NAMESPACE)
    except NoReverseMatch:
        raise ImproperlyConfigured(
            "The path of the refresh cookie is unknown, because the URLconf doesn't contain the views of a "
            "TokenSessions with cookies=True. Add path('auth/', sessions.urls) to urlpatterns, not in a namespace."
        ) from None
    return path.removesuffix("csrf") + "token/refresh"


def _set(response: HttpResponseBase, name: str, value: SecretBox[str], max_age: int, path: str) -> None:
    response.set_cookie(name, value.value, max_age=max_age, path=path, **ATTRIBUTES)
