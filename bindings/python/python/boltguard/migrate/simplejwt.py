"""`SimpleJWTAuthentication`: the access tokens of simplejwt and ninja-jwt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from boltguard.auth.arguments import cookie_name
from boltguard.auth.backends import Authentication
from boltguard.auth.identity import Identity, identity_of
from boltguard.exceptions import InvalidTokenError, Unauthorized
from boltguard.migrate.credentials import after_any_scheme, well_formed
from boltguard.migrate.simplejwt_tokens import SimpleJWTTokens
from boltguard.migrate.tables import ReadsTables

if TYPE_CHECKING:
    from django.http import HttpRequest


class SimpleJWTAuthentication(ReadsTables, Authentication):
    """The access tokens of simplejwt, according to its settings.

    `settings` is the dict `SIMPLE_JWT`, or `NINJA_JWT` for ninja-jwt. Settings that can't be followed raise
    `ImproperlyConfigured`. The caller is the user of the token, with the permissions of the user and their groups.
    Missing and inactive users, and tokens in the blacklist, result in 401, and an unavailable database in 503. Each
    request makes the queries for the blacklist, the user and the permissions.

    `blacklist=False` is for sites that don't have the app `token_blacklist`.

    With `cookie`, the token is read from the cookie with this name, instead of the header, and requests with an unsafe
    method must pass Django's CSRF check.
    """

    name = "simplejwt"

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        blacklist: bool = True,
        cookie: str | None = None,
        name: str | None = None,
    ) -> None:
        self._rename(name)
        self._tokens = SimpleJWTTokens("SimpleJWTAuthentication", settings, blacklist=blacklist)
        self.tables = self._tokens.tables
        self.cookie = cookie_name("SimpleJWTAuthentication", cookie)
        self.scheme = () if cookie else self._tokens.schemes
        self.header = None if cookie else self._tokens.header
        self.reads = ("cookie",) if cookie else ()

    @property
    def is_ambient(self) -> bool:
        """Whether browsers send the token automatically."""
        return self.cookie is not None

    def authenticate(self, request: HttpRequest) -> Identity | None:
        """The user of the token."""
        claims = self._claims(request)
        return None if claims is None else identity_of(self._tokens.user_of(claims))

    def _claims(self, request: Any) -> dict[str, Any] | None:
        """The claims of a valid token, without a variable that contains the token while the database is queried."""
        token = self._token(request)
        if token is None:
            return None
        try:
            return self._tokens.claims_of(token, self._tokens.access_types)
        except InvalidTokenError:
            raise Unauthorized from None

    def _token(self, request: Any) -> str | None:
        if self.cookie is None:
            return after_any_scheme(request, self._tokens.header, self._tokens.schemes)
        token = request.COOKIES.get(self.cookie)
        return well_formed(token) if token else None
