"""`JWTAuthentication`: JSON Web Tokens."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from boltguard import _rust, conf, registry
from boltguard.auth.accounts import Accounts
from boltguard.auth.arguments import (
    ClaimValue,
    claim_name,
    claim_paths,
    claim_values,
    cookie_name,
    flag,
    header_name,
    leeway_seconds,
    lookup,
    max_age_seconds,
    media_type,
    non_empty_list,
    refuse,
    required_claim_names,
    revocation_store_or_none,
    schemes,
    store_errors_allow,
    strings,
    token_count,
    with_verified_email,
)
from boltguard.auth.backends import Authentication, Need, Step, describe
from boltguard.auth.django_bolt import refuse_arguments
from boltguard.auth.remedies import DEFAULT_ALGORITHM, named_for
from boltguard.auth.secret_box import SecretBox
from boltguard.auth.signing_keys import check_verifier, in_rust
from boltguard.auth.store_classes import ask, bool_or_error
from boltguard.auth.stores import RevocationStore
from boltguard.exceptions import ConfigurationError, PyJWKClientConnectionError, PyJWTError
from boltguard.jwt.remote import RemoteKeySet
from boltguard.messages import shown_algorithm
from boltguard.transactions import savepoints

if TYPE_CHECKING:
    from typing_extensions import Self


@refuse_arguments
class JWTAuthentication(Authentication):
    """A JSON Web Token in a header or a cookie.

    `secret` is an HMAC secret, a public key as a PEM string, a `boltguard.jwt.Key` or `KeySet`, a JWK or JWK Set as a
    dict, or a list of these; or a single `RemoteKeySet`, for an issuer that publishes its keys. The default is Django's
    `SECRET_KEY` and `SECRET_KEY_FALLBACKS`. With `SigningKeys`, the published keys of this site verify. An invalid
    configuration raises `ImproperlyConfigured` immediately.

    A token must have a subject, in `sub` or the claim `user_id_claim`, unless `subject_required` is `False`. `claims`
    contains claims and the exact value that each must have, or a list of values: `claims={"token_type": "access"}`.
    A token that is a refresh, ID, logout, offline or sliding token, according to `typ` in its header or the claim
    `token_type`, `token_use`, `typ` or `type`, is refused unless `typ` or `claims` allows that value.

    `scheme` is the authentication scheme, or a list of them, as in `scheme=["Bearer", "Token"]`. On the
    `Authorization` header, credentials of other schemes are ignored.

    The subject of a token with a key of this site is the primary key of the account, unless the token has an issuer
    that isn't in `issuer`. For a `RemoteKeySet`, `request.user` is an `ExternalUser`. `user_field` is a unique field of
    the user model that has the value of `user_id_claim`, and `get_user` is a function of the claims, sync or async,
    that returns a user or `None`. With `user_id_claim="email"`, the claim `email_verified` must be true, unless
    `require_verified_email` is `False`. `verify_user=True` loads the account for each request and refuses the token
    with 401 if the account is missing or inactive.

    `cookie` is the name of a cookie with the token, such as `"__Host-access"`. A token in the header is used first,
    even if it is invalid; with `header=None`, only the cookie is read. Browsers send cookies automatically, so requests
    with an unsafe method must pass Django's CSRF check and a check of their origin: otherwise the response is 403 with
    the code `csrf_failed`, even without `CsrfViewMiddleware` and with `csrf_exempt`.

    `max_age` is the time for which a token is accepted after `iat`, which it must have, even if it expires later.

    `permissions_from`, `scopes_from` and `roles_from` are lists of claims with these grants, each a name or a dotted
    path such as `"realm_access.roles"`. By default, permissions are in `permissions`, scopes in `scope` and `scp`, and
    tokens have no roles.

    `name` is the name for guards and `request.context["auth_backend"]`, instead of `jwt`.

    `cached_tokens` is the number of tokens with public keys whose verified signatures are cached; everything else is
    checked on each request. The default is 0.
    """

    name = "jwt"

    def __init__(
        self,
        secret: Any = None,
        algorithms: Iterable[str] = ("HS256",),
        header: str | None = "authorization",
        audience: str | Iterable[str] | None = None,
        issuer: str | Iterable[str] | None = None,
        *,
        leeway: float | timedelta = 0,
        revocation_store: RevocationStore | None = None,
        on_store_error: str = "deny",
        required_claims: Iterable[str] = ("exp",),
        user_id_claim: str = "sub",
        typ: str | None = None,
        claims: Mapping[str, ClaimValue | Iterable[ClaimValue]] | None = None,
        scheme: str | Iterable[str] = "Bearer",
        subject_required: bool = True,
        cached_tokens: int = 0,
        user_field: str | None = None,
        get_user: Callable[[dict[str, Any]], Any] | None = None,
        require_verified_email: bool = True,
        verify_user: bool = False,
        name: str | None = None,
        cookie: str | None = None,
        max_age: float | timedelta | None = None,
        permissions_from: Iterable[str] | None = None,
        scopes_from: Iterable[str] | None = None,
        roles_from: Iterable[str] | None = None,
    ) -> None:
        self._rename(name)
        secret = SecretBox(secret)
        self._remote = _remote(secret)
        issuers = _with_discovered(self._remote, strings("issuer", issuer))
        self.cookie = cookie_name("JWTAuthentication", cookie)
        if header is None and cookie is None:
            refuse("JWTAuthentication: header=None requires cookie=, such as cookie='__Host-access'.")
        self.header = None if header is None else header_name("JWTAuthentication", header)
        self.algorithms = non_empty_list("algorithms", algorithms)
        if self._remote is not None and self.algorithms == [DEFAULT_ALGORITHM]:
            refuse(f"JWTAuthentication: {NO_ALGORITHM_OF_ISSUER}")
        self.leeway = leeway_seconds(leeway)
        self.revocation_store = revocation_store_or_none(revocation_store)
        self.lookup = lookup(user_field, get_user)
        self.verify_user = flag("verify_user", verify_user)
        if verify_user and self._remote is not None and self.lookup is None:
            refuse(
                "JWTAuthentication: verify_user=True requires user_field= or get_user= for tokens of another issuer."
            )
        is_external = self._remote is not None or self.lookup is not None
        self._accounts = Accounts(self.lookup) if is_external else None
        self.schemes = schemes("JWTAuthentication", scheme)
        self._settings: dict[str, Any] = {
            "algorithms": self.algorithms,
            "header": self.header,
            "cookie": self.cookie,
            "audience": strings("audience", audience),
            "issuer": issuers,
            "leeway": self.leeway,
            "max_age": max_age_seconds(max_age),
            "permissions_from": claim_paths("permissions_from", permissions_from),
            "scopes_from": claim_paths("scopes_from", scopes_from),
            "roles_from": claim_paths("roles_from", roles_from),
            "required_claims": required_claim_names(required_claims),
            "user_id_claim": claim_name("user_id_claim", user_id_claim),
            "typ": media_type(typ),
            "claims": with_verified_email(claim_values(claims), user_field, user_id_claim, require_verified_email),
            "scheme": self.schemes,
            "subject_required": flag("subject_required", subject_required),
            "cached_tokens": token_count("cached_tokens", cached_tokens),
            "store_errors_allow": store_errors_allow(on_store_error),
            "remote_keys": None if self._remote is None else self._remote.rust,
            "external_accounts": None if self._accounts is None else self._accounts.number,
            "name": name,
            **_stores_in_rust(self.revocation_store),
        }
        check_verifier(_as_list(secret.value), self.algorithms, self.leeway)
        self._own_keys = secret.value is not None
        self._secret = secret
        self._keys = SecretBox([] if self._remote is not None else [in_rust(key) for key in _as_list(secret.value)])
        self._revocable: tuple[tuple[conf.Conf | None, float], _rust.JwtBackend] | None = None
        self._built: tuple[conf.Conf | None, _rust.JwtBackend]
        if self._remote is not None or self._own_keys:
            self._built = (None, self._build(self._keys))
        else:
            # The settings may not be loaded yet, but everything except the secret can be checked.
            self._built = (None, self._build(SecretBox([_rust.Key.generate("HS512")])))
        if self.revocation_store is not None:
            self.revocation_store.bind_leeway(self.leeway)
        registry.remember(self)

    @classmethod
    def discover(
        cls,
        issuer: str,
        algorithms: Iterable[str] = ("RS256", "ES256", "EdDSA"),
        audience: str | Iterable[str] | None = None,
        *,
        metadata: str = "openid-configuration",
        ttl: float | timedelta = 300,
        cooldown: float | timedelta = 30,
        stale: float | timedelta = 3600,
        timeout: float | timedelta = 5,
        max_bytes: int = 512 * 1024,
        allow_http: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        **arguments: Any,
    ) -> Self:
        """Creates a backend for the tokens of an issuer, whose keys are found in its metadata.

        `issuer` is the exact `iss` of its tokens, which is required. The metadata is the OpenID Connect configuration,
        or that of RFC 8414 with `metadata="oauth-authorization-server"`. It is fetched with the first token and kept
        for a day; its list of algorithms isn't used. `ttl` to `ssl_context` are those of `RemoteKeySet`, and the other
        arguments those of `JWTAuthentication`.
        """
        try:
            keys = RemoteKeySet(
                issuer,
                metadata=metadata,
                ttl=ttl,
                cooldown=cooldown,
                stale=stale,
                timeout=timeout,
                max_bytes=max_bytes,
                allow_http=allow_http,
                ssl_context=ssl_context,
            )
        except ConfigurationError as error:
            refuse(str(error).replace("RemoteKeySet", "JWTAuthentication.discover", 1))
        return cls(keys, algorithms, audience=audience, **arguments)

    @property
    def rust(self) -> _rust.JwtBackend:
        current = conf.current()
        if self._own_keys or self._built[0] is current:
            return self._built[1]
        self._built = (current, self._build(SecretBox(list(current.secrets))))
        return self._built[1]

    def signing_keys(self) -> SecretBox[list[Any]]:
        """The keys with which tokens could be signed that this backend accepts. Public keys are among them."""
        if self._remote is not None:
            return SecretBox([])
        return SecretBox(_as_list(self._secret.value) if self._own_keys else [conf.current().secrets[0]])

    @property
    def remote(self) -> RemoteKeySet | None:
        """The keys of another issuer, if the backend uses such keys."""
        return self._remote

    @property
    def is_remote(self) -> bool:
        """Whether the keys are those of another issuer, so that a subject isn't a primary key of this site."""
        return self._remote is not None

    def setting(self, name: str) -> Any:
        """An argument, as it was checked."""
        return self._settings[name]

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers that the backend reads, in lower case."""
        names = [] if self.header is None else [self.header.lower()]
        return tuple(names if self.cookie is None else [*names, "cookie"])

    @property
    def revocable(self) -> _rust.JwtBackend:
        """The backend in Rust for tokens that are to be revoked: without its store, also before `nbf`, and at any age.

        Its leeway is the largest of all backends with the same store, because one of them may still accept the token.
        """
        store = self.revocation_store
        leeway = self.leeway if store is None else max(self.leeway, store.largest_leeway)
        state = (None if self._own_keys else conf.current(), leeway)
        if self._revocable is None or self._revocable[0] != state:
            keys = self._keys if self._own_keys else SecretBox(list(conf.current().secrets))
            self._revocable = (state, self._build(keys, **AS_REVOCABLE, leeway=leeway))
        return self._revocable[1]

    def meta_with(self, token: str) -> dict[str, str]:
        """The `META` of a request that has only this token."""
        if self.header is None:
            return {"HTTP_COOKIE": f"{self.cookie}={token}"}
        scheme = f"{self._settings['scheme'][0]} " if self.header.lower() == "authorization" else ""
        return {f"HTTP_{self.header.upper().replace('-', '_')}": scheme + token}

    @property
    def has_auth_time(self) -> bool:
        return True

    @property
    def can_have_roles(self) -> bool:
        return self._settings["roles_from"] is not None

    @property
    def trusts_any_token_of(self) -> str | None:
        """The URL of the issuer, if neither `issuer` nor `audience` restricts its tokens."""
        # A template accepts every tenant of the issuer.
        issuers = self._settings["issuer"] or ["{}"]
        is_open = self._settings["audience"] is None and any("{" in issuer for issuer in issuers)
        return self._remote.rust.shown_url if self._remote is not None and is_open else None

    @property
    def key_source(self) -> str:
        """Where the keys are from."""
        if self._remote is not None:
            found = "discovered " if self._remote.issuer is not None else ""
            return f"{found}keys of {self._remote.rust.shown_url}"
        return "own keys" if self._own_keys else "SECRET_KEY"

    @property
    def label(self) -> str:
        keys = [] if self.key_source == "SECRET_KEY" else [self.key_source]
        store = self.revocation_store
        revocable = [] if store is None else [f"revocable by {type(store).__name__}"]
        claims = self._settings["claims"]
        settings = {**self._settings, "claims": None if claims is None else dict(claims), "user": self.lookup}
        settings["verify_user"] = self.verify_user
        return describe(self.name, [*self.algorithms, *keys, *revocable], settings, JWT_DEFAULTS)

    def resume(self, need: Need) -> Step:
        if isinstance(need, _rust.KeyRefresh):
            try:
                self._remote.refresh(unknown_kid=need.unknown_kid)  # type: ignore[union-attr]
            except PyJWKClientConnectionError:  # which is logged already
                return need.unavailable()
            return need.done()
        assert isinstance(need, _rust.RevocationCheck)
        with savepoints(self._settings["store_errors_allow"]):
            revoked = ask(self.revocation_store.check, need.query)  # type: ignore[union-attr]
        return need.done(revoked)

    async def aresume(self, need: Need) -> Step:
        if isinstance(need, _rust.KeyRefresh):
            try:
                await self._remote.arefresh(unknown_kid=need.unknown_kid)  # type: ignore[union-attr]
            except PyJWKClientConnectionError:
                return need.unavailable()
            return need.done()
        assert isinstance(need, _rust.RevocationCheck)
        return need.done(bool_or_error(await self.revocation_store.acheck(need.query)))  # type: ignore[union-attr]

    def _build(self, keys: SecretBox[list[Any]], **changes: Any) -> _rust.JwtBackend:
        try:
            return _rust.JwtBackend(keys=keys.value, **{**self._settings, **changes})
        except (ConfigurationError, PyJWTError, TypeError) as error:
            names = ", ".join(map(shown_algorithm, self.algorithms))
            refuse(f"JWTAuthentication(algorithms=[{names}]): {error}.{self._remedy(keys)}")

    def _remedy(self, keys: SecretBox[list[Any]]) -> str:
        if self._own_keys and self.algorithms == [DEFAULT_ALGORITHM]:
            return named_for(keys.value, "algorithms=[{!r}]")
        keyless = not self._own_keys and set(self.algorithms) <= set(_rust.ALGORITHMS)
        return NO_KEY_GIVEN if keyless and not set(self.algorithms) <= set(_rust.SYMMETRIC_ALGORITHMS) else ""

    def __repr__(self) -> str:
        cookie = "" if self.cookie is None else f", cookie={self.cookie!r}"
        return f"JWTAuthentication(algorithms={self.algorithms!r}, header={self.header!r}{cookie})"


def _remote(secret: SecretBox[Any]) -> RemoteKeySet | None:
    if isinstance(secret.value, RemoteKeySet):
        return secret.value
    # A key vouches for its own issuer alone, RFC 8725 §3.8; beside others it would vouch for what `issuer` names.
    if any(isinstance(key, RemoteKeySet) for key in _as_list(secret.value)):
        refuse(
            "JWTAuthentication: a RemoteKeySet can't be combined with other keys. "
            "Use a backend with issuer= for each issuer."
        )
    if any(hasattr(type(key), "get_signing_key_from_jwt") for key in _as_list(secret.value)):
        refuse("JWTAuthentication: a PyJWKClient can't be used as a key. Use RemoteKeySet(url).")
    return None


def _with_discovered(remote: RemoteKeySet | None, issuers: list[str] | None) -> list[str] | None:
    """The accepted issuers: those of the argument, and the one whose metadata is used."""
    discovered = None if remote is None else remote.issuer
    return issuers if discovered is None or discovered in (issuers or ()) else [*(issuers or ()), discovered]


def _as_list(secret: Any) -> list[Any]:
    return list(secret) if isinstance(secret, (list, tuple, set, frozenset)) else [secret]


def _stores_in_rust(store: RevocationStore | None) -> dict[str, Any]:
    in_rust = None if store is None or not _answers_in_rust(store) else store.in_rust
    return {
        "memory_revocation": in_rust if isinstance(in_rust, _rust.MemoryRevocation) else None,
        "revocation_replica": in_rust if isinstance(in_rust, _rust.RevocationReplica) else None,
        "external_revocation": store is not None and in_rust is None,
    }


def _answers_in_rust(store: RevocationStore) -> bool:
    """Whether neither a subclass nor the object overrides a method of the class that is used directly by Rust."""
    own: Mapping[str, Any] = next((vars(base) for base in type(store).__mro__ if "in_rust" in vars(base)), {})
    return store.in_rust is not None and all(
        name not in vars(store) and getattr(type(store), name) is own[name]
        for name in ("is_revoked", "ais_revoked", "check", "acheck")
    )


NO_KEY_GIVEN = (
    " Pass a public key as secret=. The default, Django's SECRET_KEY, is only for "
    f"{', '.join(_rust.SYMMETRIC_ALGORITHMS)}."
)
NO_ALGORITHM_OF_ISSUER = (
    "Pass the algorithms of the issuer, such as algorithms=['RS256']. "
    "The default, HS256, verifies with a secret, which "
    "issuers don't publish."
)
AS_REVOCABLE = {
    "cached_tokens": 0,
    "external_revocation": False,
    "max_age": None,
    "memory_revocation": None,
    "not_before_ignored": True,
    "revocation_replica": None,
}
JWT_DEFAULTS = {
    "audience": None,
    "claims": None,
    "cookie": None,
    "header": "authorization",
    "issuer": None,
    "leeway": 0,
    "max_age": None,
    "permissions_from": None,
    "required_claims": ["exp"],
    "roles_from": None,
    "scheme": ["Bearer"],
    "scopes_from": None,
    "store_errors_allow": False,
    "subject_required": True,
    "typ": None,
    "user": None,
    "user_id_claim": "sub",
    "verify_user": False,
}
