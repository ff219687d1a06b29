"""The tokens of simplejwt and ninja-jwt: their settings, users and blacklist."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from hmac import compare_digest
from typing import Any

from boltguard import clock, conf, jwt
from boltguard.auth.accounts import find, typed
from boltguard.auth.arguments import flag, header_name, refuse, schemes
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.secret_box import SecretBox
from boltguard.exceptions import Unauthorized
from boltguard.messages import kind_of
from boltguard.migrate.tables import Table, UserField


class SimpleJWTTokens:
    """Reads the tokens of a site according to `SIMPLE_JWT`, without importing simplejwt."""

    def __init__(self, owner: str, settings: Mapping[str, Any], *, blacklist: bool) -> None:
        if not isinstance(settings, Mapping):
            refuse(f"{owner}: settings is {kind_of(settings)}. It must be a dict, such as SIMPLE_JWT.")
        flag("blacklist", blacklist)
        self._owner = owner
        self._all = SecretBox({**DEFAULTS, **settings})
        self._refuse_unsupported()
        self.header = _header(owner, self._setting("AUTH_HEADER_NAME"))
        self.schemes = tuple(schemes(owner, self._setting("AUTH_HEADER_TYPES")))
        self.access_types = frozenset(self._access_types())
        self._check_key()
        self._field = UserField(owner, self._setting("USER_ID_FIELD"))
        self.blacklist = Blacklist(owner) if blacklist else None
        self.tables = (self._field, *(self.blacklist.tables if self.blacklist else ()))

    def claims_of(self, token: str, types: Collection[str]) -> dict[str, Any]:
        """The claims of a token of one of these types, or `InvalidTokenError`. It may be in the blacklist."""
        type_claim, id_claim = self._setting("TOKEN_TYPE_CLAIM"), self._setting("JTI_CLAIM")
        claims = jwt.decode(
            token,
            self._key(),
            [self._setting("ALGORITHM")],
            audience=self._setting("AUDIENCE"),
            issuer=self._setting("ISSUER"),
            leeway=self._setting("LEEWAY") or 0,
            # The type of the user ID is checked below; before version 5.5 of simplejwt, it was a number.
            options={"require": ["exp"], "verify_aud": self._setting("AUDIENCE") is not None, "verify_sub": False},
        )
        if claims.get(type_claim) not in types or not isinstance(claims.get(id_claim), str):
            raise jwt.InvalidTokenError("the token has another type or no ID")
        return claims

    def user_of(self, claims: Mapping[str, Any]) -> Any:
        """The active user of a token, or `Unauthorized` if there is none or the token is in the blacklist."""
        if self.blacklist is not None and self.blacklist.contains(self.id_of(claims)):
            raise Unauthorized
        value = claims.get(self._setting("USER_ID_CLAIM"))
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise Unauthorized
        field = self._field.field
        user = find(field, typed(field, str(value)))
        if self._setting("CHECK_REVOKE_TOKEN"):
            self._check_password(user, claims)
        self._check_rule(user)
        return user

    def id_of(self, claims: Mapping[str, Any]) -> str:
        """The ID of a token."""
        return str(claims[self._setting("JTI_CLAIM")])

    def _setting(self, name: str) -> Any:
        return self._all.value[name]

    def _key(self) -> Any:
        if not self._setting("ALGORITHM").startswith("HS"):
            return self._setting("VERIFYING_KEY")
        # By default, simplejwt signs with the secret key, and doesn't use SECRET_KEY_FALLBACKS.
        return self._setting("SIGNING_KEY") or conf.current().secrets[0]

    def _refuse_unsupported(self) -> None:
        owner = self._owner
        if self._setting("JWK_URL"):
            refuse(f"{owner}: with JWK_URL, another issuer signs the tokens. Use JWTAuthentication(RemoteKeySet(url)).")
        for name in ("TOKEN_TYPE_CLAIM", "JTI_CLAIM", "USER_ID_CLAIM"):
            if not isinstance(self._setting(name), str) or not self._setting(name):
                refuse(f"{owner}: {name} is {kind_of(self._setting(name))}. It must be the name of a claim.")
        if not isinstance(self._setting("ALGORITHM"), str):
            refuse(
                f"{owner}: ALGORITHM is {kind_of(self._setting('ALGORITHM'))}. It must be a string, such as 'HS256'."
            )

    def _check_key(self) -> None:
        """Raises `ImproperlyConfigured` for an unknown algorithm, or a key that can't verify it."""
        algorithm = self._setting("ALGORITHM")
        key = SecretBox(self._setting("SIGNING_KEY" if algorithm.startswith("HS") else "VERIFYING_KEY") or None)
        if key.value is None and not algorithm.startswith("HS"):
            refuse(f"{self._owner}: ALGORITHM is {algorithm!r}, which requires the public key in VERIFYING_KEY.")
        JWTAuthentication(
            key.value,
            [algorithm],
            audience=self._setting("AUDIENCE"),
            issuer=self._setting("ISSUER"),
            leeway=self._setting("LEEWAY") or 0,
        )

    def _access_types(self) -> list[str]:
        classes = self._setting("AUTH_TOKEN_CLASSES")
        if isinstance(classes, str) or not classes:
            refuse(f"{self._owner}: AUTH_TOKEN_CLASSES is {kind_of(classes)}. It must be a list of dotted paths.")
        for one in classes:
            if str(one).rpartition(".")[2] not in TYPES:
                refuse(
                    f"{self._owner}: AUTH_TOKEN_CLASSES contains {one!r}. Only AccessToken and SlidingToken are "
                    "supported. Pass a dict with the one whose token type these tokens have."
                )
        return [TYPES[str(one).rpartition(".")[2]] for one in classes]

    def _check_password(self, user: Any, claims: Mapping[str, Any]) -> None:
        """Refuses a token that was issued before the password was changed, as with CHECK_REVOKE_TOKEN."""
        claim = claims.get(self._setting("REVOKE_TOKEN_CLAIM"))
        digest = hashlib.md5(user.password.encode(), usedforsecurity=False).hexdigest().upper()
        if not isinstance(claim, str) or not compare_digest(claim.encode(), digest.encode()):
            raise Unauthorized

    def _check_rule(self, user: Any) -> None:
        from django.utils.module_loading import import_string

        rule = self._setting("USER_AUTHENTICATION_RULE")
        if rule in DEFAULT_RULES:
            return
        if not (import_string(rule) if isinstance(rule, str) else rule)(user):
            raise Unauthorized


class Blacklist:
    """The tables of the app `token_blacklist`."""

    def __init__(self, owner: str) -> None:
        app = "rest_framework_simplejwt.token_blacklist"
        hint = "pass blacklist=False if the site doesn't have this app."
        self._outstanding = Table(owner, "token_blacklist.OutstandingToken", ("jti", "token", "user"), app, hint)
        self._blacklisted = Table(owner, "token_blacklist.BlacklistedToken", ("token",), app, hint)
        self.tables = (self._outstanding, self._blacklisted)

    @property
    def database(self) -> str:
        """The database that the blacklist is written to."""
        return self._blacklisted.database

    def contains(self, jti: str) -> bool:
        """Whether a token is in the blacklist."""
        return bool(self._blacklisted.rows.filter(token__jti=jti).exists())

    def add(self, jti: str, user: Any, expires: float) -> bool:
        """Adds a token, and returns whether it wasn't there before: `True` for only one of several requests."""
        defaults = {"user": user, "token": "", "created_at": clock.now(), "expires_at": clock.moment(expires)}
        row, _ = self._outstanding.rows.using(self.database).get_or_create(jti=jti, defaults=defaults)
        _, is_new = self._blacklisted.rows.get_or_create(token=row)
        return bool(is_new)


def _header(owner: str, name: Any) -> str:
    if not isinstance(name, str) or not name.startswith("HTTP_"):
        refuse(f"{owner}: AUTH_HEADER_NAME is {kind_of(name)}. It must begin with HTTP_, such as 'HTTP_AUTHORIZATION'.")
    return header_name(owner, name.removeprefix("HTTP_").replace("_", "-").title())


TYPES = {"AccessToken": "access", "SlidingToken": "sliding"}
# Those of both packages admit active users, which every backend requires.
DEFAULT_RULES = {
    "rest_framework_simplejwt.authentication.default_user_authentication_rule",
    "ninja_jwt.authentication.default_user_authentication_rule",
}
# The defaults of simplejwt, as far as they matter for reading tokens.
DEFAULTS: dict[str, Any] = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": None,
    "VERIFYING_KEY": None,
    "AUDIENCE": None,
    "ISSUER": None,
    "JWK_URL": None,
    "LEEWAY": 0,
    "AUTH_HEADER_TYPES": ("Bearer",),
    "AUTH_HEADER_NAME": "HTTP_AUTHORIZATION",
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "user_id",
    "USER_AUTHENTICATION_RULE": "rest_framework_simplejwt.authentication.default_user_authentication_rule",
    "AUTH_TOKEN_CLASSES": ("rest_framework_simplejwt.tokens.AccessToken",),
    "TOKEN_TYPE_CLAIM": "token_type",
    "JTI_CLAIM": "jti",
    "CHECK_REVOKE_TOKEN": False,
    "REVOKE_TOKEN_CLAIM": "hash_password",
}
