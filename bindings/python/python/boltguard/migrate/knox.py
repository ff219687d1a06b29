"""`KnoxAuthentication`: the tokens of django-rest-knox."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, NamedTuple

from boltguard import clock
from boltguard.auth.accounts import is_active
from boltguard.auth.arguments import refuse
from boltguard.auth.backends import Authentication
from boltguard.auth.identity import Identity, identity_of
from boltguard.exceptions import Unauthorized
from boltguard.messages import kind_of
from boltguard.migrate.credentials import after_scheme, one_scheme
from boltguard.migrate.tables import ReadsTables, Table

if TYPE_CHECKING:
    from django.http import HttpRequest

OWNER = "KnoxAuthentication"


class KnoxAuthentication(ReadsTables, Authentication):
    """The tokens of django-rest-knox: `Authorization: Token <token>`.

    `settings` is the dict `REST_KNOX`; without it, the defaults of knox apply. Settings that can't be followed raise
    `ImproperlyConfigured`. The caller is the user of the token, with the permissions of the user and their groups.
    Inactive users and expired tokens result in 401, and an unavailable database in 503. Each request makes the queries
    for the token and the permissions. With `AUTO_REFRESH`, it extends the expiry of the token as knox does.

    The table contains digests of the tokens. The token of a request is hashed as current versions of knox hash it, and
    as earlier ones did, and its row is found by the digest, so that the time of the query says nothing about other
    tokens. The digest that is found is compared again in constant time. No query, and no variable while the database is
    queried, contains the token.
    """

    name = "knox"
    header: str = "Authorization"
    scheme: str

    def __init__(self, settings: Mapping[str, Any] | None = None, *, name: str | None = None) -> None:
        self._rename(name)
        if settings is not None and not isinstance(settings, Mapping):
            refuse(f"{OWNER}: settings is {kind_of(settings)}. It must be a dict, such as REST_KNOX.")
        known = {**DEFAULTS, **(settings or {})}
        self.scheme = one_scheme(f"{OWNER}: AUTH_HEADER_PREFIX", known["AUTH_HEADER_PREFIX"])
        self._algorithm = _algorithm(known["SECURE_HASH_ALGORITHM"])
        self._renewal = Renewal.of(known)
        fields = ("digest", "user", "created", "expiry")
        self._table = Table(OWNER, known["TOKEN_MODEL"], fields, "knox")
        self.tables = (self._table,)

    def authenticate(self, request: HttpRequest) -> Identity | None:
        """The user of the token."""
        digests = self._digests(request)
        if digests is None:
            return None
        row = self._table.rows.filter(digest__in=digests).select_related("user").first()
        if row is None or not any(compare_digest(row.digest.encode(), one.encode()) for one in digests):
            raise Unauthorized
        if row.expiry is not None and row.expiry <= clock.now():
            raise Unauthorized
        if self._renewal is not None and is_active(row.user):
            self._renewal.renew(row, self._table)
        return identity_of(row.user)

    def _digests(self, request: HttpRequest) -> list[str] | None:
        """The digest of the token and, if it is hexadecimal, that of its bytes, which earlier versions stored."""
        token = after_scheme(request, self.header, self.scheme)
        if token is None:
            return None
        preimages = [token.encode()]
        with suppress(ValueError):
            preimages.append(bytes.fromhex(token))
        return [hashlib.new(self._algorithm, preimage).hexdigest() for preimage in preimages]


class Renewal(NamedTuple):
    """How `AUTO_REFRESH` extends the expiry of a token that is used."""

    lifetime: timedelta
    longest: timedelta | None
    interval: timedelta

    @staticmethod
    def of(settings: Mapping[str, Any]) -> Renewal | None:
        """The renewal of these settings; `None` without `AUTO_REFRESH`."""
        if settings["AUTO_REFRESH"] is False:
            return None
        if settings["AUTO_REFRESH"] is not True:
            refuse(f"{OWNER}: AUTO_REFRESH is {kind_of(settings['AUTO_REFRESH'])}. It must be True or False.")
        lifetime, longest = settings["TOKEN_TTL"], settings["AUTO_REFRESH_MAX_TTL"]
        interval = settings["MIN_REFRESH_INTERVAL"]
        _require_time("TOKEN_TTL", lifetime)
        if longest is not None:
            _require_time("AUTO_REFRESH_MAX_TTL", longest)
        if isinstance(interval, bool) or not isinstance(interval, (int, float)) or not 0 <= interval < MOST_SECONDS:
            refuse(f"{OWNER}: MIN_REFRESH_INTERVAL is {kind_of(interval)}. It must be a number of seconds.")
        return Renewal(lifetime, longest, timedelta(seconds=interval))

    def renew(self, row: Any, table: Table) -> None:
        """Extends the expiry of a row by one statement, unless another request has changed it, or it is recent."""
        if row.expiry is None:
            return
        expiry = clock.now() + self.lifetime
        if self.longest is not None:
            expiry = min(expiry, row.created + self.longest)
        if expiry - row.expiry > self.interval:
            table.rows.filter(pk=row.pk, expiry=row.expiry).update(expiry=expiry)


def _algorithm(path: Any) -> str:
    """The name for `hashlib`. Its digests have a fixed length of at least 256 bits."""
    module, _, name = path.rpartition(".") if isinstance(path, str) else ("", "", "")
    if module != "hashlib" or name not in ALGORITHMS:
        known = ", ".join(f"'hashlib.{one}'" for one in ALGORITHMS)
        shown = repr(path) if isinstance(path, str) else kind_of(path)
        refuse(f"{OWNER}: SECURE_HASH_ALGORITHM is {shown}, which isn't supported. It must be one of {known}.")
    return name


def _require_time(name: str, value: Any) -> None:
    if not isinstance(value, timedelta) or value <= timedelta():
        refuse(f"{OWNER}: {name} is {kind_of(value)}. With AUTO_REFRESH, it must be a positive timedelta.")


ALGORITHMS = ("sha512", "sha3_512", "blake2b", "sha256", "sha3_256", "blake2s")
DEFAULTS = {
    "AUTH_HEADER_PREFIX": "Token",
    "AUTO_REFRESH": False,
    "AUTO_REFRESH_MAX_TTL": None,
    "MIN_REFRESH_INTERVAL": 60,
    "SECURE_HASH_ALGORITHM": "hashlib.sha512",
    "TOKEN_MODEL": "knox.AuthToken",
    "TOKEN_TTL": timedelta(hours=10),
}
MOST_SECONDS = 86_400_000
