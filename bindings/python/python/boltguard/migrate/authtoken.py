"""`AuthtokenAuthentication`: the tokens of `rest_framework.authtoken`."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from boltguard.auth.arguments import header_name
from boltguard.auth.backends import Authentication
from boltguard.auth.identity import Identity, identity_of
from boltguard.exceptions import Unauthorized
from boltguard.migrate.credentials import after_scheme, one_scheme
from boltguard.migrate.tables import ReadsTables, Table

if TYPE_CHECKING:
    from django.http import HttpRequest


class AuthtokenAuthentication(ReadsTables, Authentication):
    """The tokens of `rest_framework.authtoken`: `Authorization: Token <key>`.

    `model` is the label of another model with the fields `key` and `user`; `scheme` is the `keyword` of a subclass of
    DRF's `TokenAuthentication`. The caller is the user of the token, with the permissions of the user and their groups.
    Inactive users result in 401, and an unavailable database in 503. Each request makes the queries for the token and
    the permissions.

    The table contains the keys in plain text, and the database compares them through its index, which isn't in constant
    time. The key that is found is compared again in constant time, so that a collation that ignores case accepts no
    other key.
    """

    name = "authtoken"
    header: str
    scheme: str

    def __init__(
        self,
        *,
        model: str = "authtoken.Token",
        scheme: str = "Token",
        header: str = "Authorization",
        name: str | None = None,
    ) -> None:
        self._rename(name)
        self.header = header_name("AuthtokenAuthentication", header)
        self.scheme = one_scheme("AuthtokenAuthentication", scheme)
        self._table = Table("AuthtokenAuthentication", model, ("key", "user"), "rest_framework.authtoken")
        self.tables = (self._table,)

    def authenticate(self, request: HttpRequest) -> Identity | None:
        """The user of the token."""
        key = after_scheme(request, self.header, self.scheme)
        if key is None:
            return None
        row = self._table.rows.filter(key=key).select_related("user").first()
        if row is None or not compare_digest(row.key.encode(), key.encode()):
            raise Unauthorized
        return identity_of(row.user)
