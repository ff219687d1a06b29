"""Backends: where a credential stands in a request, and what makes it genuine. Rust checks both."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

from boltguard import _rust, conf, registry
from boltguard.api_keys.store import APIKeyStore, default_store
from boltguard.auth.accounts import Accounts
from boltguard.auth.arguments import Scalar, claim_values, flag, lookup, media_type, schemes, with_verified_email
from boltguard.auth.arguments import refuse as _refuse
from boltguard.auth.remedies import DEFAULT_ALGORITHM, named_for
from boltguard.auth.revocation import InMemoryRevocation, RevocationStore, ask, bool_or_error
from boltguard.exceptions import ConfigurationError, PyJWKClientConnectionError, PyJWTError
from boltguard.jwt.remote import RemoteKeySet
from boltguard.messages import kind_of, shown_algorithm
from boltguard.overriding import AS_BACKEND, is_ours, refuse_overrides
from boltguard.threads import in_thread
from boltguard.transactions import savepoints

logger = logging.getLogger("boltguard")
T = TypeVar("T")


class Authentication:
    """What `auth=[...]` takes: `JWTAuthentication` or `APIKeyAuthentication`.

    A subclass of one of these may have an `__init__` and helper methods of its own. It can't redefine how a request is
    authenticated, since Rust decides that.
    """

    # As guards name it: `ViaBackend("jwt")`.
    name: str
    header: str
    revocation_store: RevocationStore | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if Authentication in cls.__bases__ and not is_ours(cls):
            _refuse(f"{cls.__name__} can't be a subclass of Authentication itself. {AS_BACKEND}")
        refuse_overrides(cls, ImproperlyConfigured, AS_BACKEND)

    def __setattr__(self, name: str, value: Any) -> None:
        known = vars(self)
        is_setting = name == "name" or (name in known and not name.startswith("_"))
        # What Rust was given doesn't follow: a store would be set and never asked.
        if "_built" in known and is_setting and getattr(self, name) != value:
            _refuse(f"{type(self).__name__}.{name} is fixed once the backend is made; pass it to the constructor")
        super().__setattr__(name, value)

    @property
    def label(self) -> str:
        """What it takes, for the list of routes; no secret is in it."""
        raise _abstract(self, "label")

    @property
    def store_name(self) -> str:
        """What may have to be asked, for logs."""
        return f"the revocation store {type(self.revocation_store).__name__}"

    @property
    def rust(self) -> _rust.JwtBackend | _rust.ApiKeyBackend:
        """The backend that decides, for the settings now in force."""
        raise _abstract(self, "rust")

    def answer(self, pending: _rust.Pending) -> bool | _rust.ApiKeyBackend | None:
        """Asks the store or the issuer that has to be asked; `None` where there is no answer."""
        raise _abstract(self, "answer")

    async def aanswer(self, pending: _rust.Pending) -> bool | _rust.ApiKeyBackend | None:
        """`answer`, for async code."""
        raise _abstract(self, "aanswer")


class JWTAuthentication(Authentication):
    """A JSON Web Token in a header.

    `secret` is an HMAC secret, a public key as PEM text, a `boltguard.jwt.Key` or `KeySet`, a JWK or JWK Set as a dict,
    or a list of these; or a `RemoteKeySet` alone, for an issuer that publishes its keys. Without one, Django's
    `SECRET_KEY` and `SECRET_KEY_FALLBACKS` verify. A wrong configuration raises `ImproperlyConfigured` here, not at the
    first request.

    A token has to say whom it is about, in `sub` or the claim that `user_id_claim` names, unless `subject_required` is
    `False`. `claims` names claims and the exact value that each must have, or a list of such values:
    `claims={"token_type": "access"}`. A token that calls itself a refresh, ID, logout, offline or sliding token, in
    its header's `typ` or in the claim `token_type`, `token_use`, `typ` or `type`, is refused unless `typ` or `claims`
    decides about that very member.

    `scheme` is the authentication scheme, or a list of them, as in `scheme=["Bearer", "Token"]`. On the
    `Authorization` header, credentials of any other scheme are left to others.

    Tokens of our own keys are about the account whose primary key the token names, unless they name an issuer that
    `issuer` doesn't. Those of a `RemoteKeySet` are about users of another issuer: `request.user` is an `ExternalUser`.
    `user_field` names a unique field of the user model that has the value of `user_id_claim`, and `get_user` is a
    function of the claims, sync or async, that returns a user or `None`. With `user_id_claim="email"`, the claim
    `email_verified` has to be true, unless `require_verified_email` is `False`. `verify_user=True` loads the account at
    each request and refuses the token with 401 if it is missing or inactive.

    `cached_tokens` is how many tokens of public keys to keep once their signatures were found good, so that these need
    not be checked again; all else is checked at each request. None are kept by default.
    """

    name = "jwt"

    def __init__(
        self,
        secret: Any = None,
        algorithms: Iterable[str] = ("HS256",),
        header: str = "authorization",
        audience: str | Iterable[str] | None = None,
        issuer: str | Iterable[str] | None = None,
        *,
        leeway: float | timedelta = 0,
        revocation_store: RevocationStore | None = None,
        on_store_error: str = "deny",
        required_claims: Iterable[str] = ("exp",),
        user_id_claim: str = "sub",
        typ: str | None = None,
        claims: Mapping[str, Scalar | Iterable[Scalar]] | None = None,
        scheme: str | Iterable[str] = "Bearer",
        subject_required: bool = True,
        cached_tokens: int = 0,
        user_field: str | None = None,
        get_user: Callable[[dict[str, Any]], Any] | None = None,
        require_verified_email: bool = True,
        verify_user: bool = False,
    ) -> None:
        secret = Sealed(secret)
        self._remote = _remote(secret)
        self.header = _header("JWTAuthentication", header)
        self.algorithms = _names("algorithms", algorithms)
        if self._remote is not None and self.algorithms == [DEFAULT_ALGORITHM]:
            _refuse(f"JWTAuthentication: {NO_ALGORITHM_OF_ISSUER}")
        self.leeway = _seconds(leeway)
        self.revocation_store = _store(revocation_store)
        self.lookup = lookup(user_field, get_user)
        self.verify_user = flag("verify_user", verify_user)
        if verify_user and self._remote is not None and self.lookup is None:
            _refuse("JWTAuthentication: verify_user=True needs user_field= or get_user= for tokens of another issuer.")
        is_external = self._remote is not None or self.lookup is not None
        self._accounts = Accounts(self.lookup) if is_external else None
        self._settings: dict[str, Any] = {
            "algorithms": self.algorithms,
            "header": self.header,
            "audience": _texts("audience", audience),
            "issuer": _texts("issuer", issuer),
            "leeway": self.leeway,
            "required_claims": _required(required_claims),
            "user_id_claim": _text("user_id_claim", user_id_claim),
            "typ": media_type(typ),
            "claims": with_verified_email(claim_values(claims), user_field, user_id_claim, require_verified_email),
            "scheme": schemes("JWTAuthentication", scheme),
            "subject_required": flag("subject_required", subject_required),
            "cached_tokens": _count("cached_tokens", cached_tokens),
            "store_errors_allow": _on_store_error(on_store_error),
            "remote_keys": None if self._remote is None else self._remote.rust,
            "external_accounts": None if self._accounts is None else self._accounts.number,
            **_stores_in_rust(self.revocation_store),
        }
        self._own_keys = secret.value is not None
        self._built: tuple[conf.Conf | None, _rust.JwtBackend]
        if self._remote is not None:
            self._built = (None, self._build(Sealed([])))
        elif self._own_keys:
            self._built = (None, self._build(Sealed(_as_list(secret.value))))
        else:
            # The settings may not be loaded yet; everything but the secret can be checked.
            self._built = (None, self._build(Sealed([_rust.Key.generate("HS512")])))
        if self.revocation_store is not None:
            self.revocation_store.bind_leeway(self.leeway)
        registry.remember(self)

    @property
    def rust(self) -> _rust.JwtBackend:
        current = conf.current()
        if self._own_keys or self._built[0] is current:
            return self._built[1]
        self._built = (current, self._build(Sealed(list(current.secrets))))
        return self._built[1]

    @property
    def trusts_any_token_of(self) -> str | None:
        """The issuer's address, where neither `issuer` nor `audience` says which of its tokens are meant."""
        is_open = self._settings["issuer"] is None and self._settings["audience"] is None
        return self._remote.rust.shown_url if self._remote is not None and is_open else None

    @property
    def label(self) -> str:
        keys = ["own keys"] if self._own_keys else []
        if self._remote is not None:
            keys = [f"keys of {self._remote.rust.shown_url}"]
        store = self.revocation_store
        revocable = [] if store is None else [f"revocable by {type(store).__name__}"]
        claims = self._settings["claims"]
        settings = {**self._settings, "claims": None if claims is None else dict(claims), "user": self.lookup}
        settings["verify_user"] = self.verify_user
        return _label(self.name, [*self.algorithms, *keys, *revocable], settings, JWT_DEFAULTS)

    def answer(self, pending: _rust.Pending) -> bool | None:
        if pending.jti is None:
            with suppress(PyJWKClientConnectionError):  # it is in the log already
                self._remote.refresh(unknown=pending.unknown_key)  # type: ignore[union-attr]
                return False
            return None
        with savepoints(self._settings["store_errors_allow"]):
            return ask(self.revocation_store, str(pending.jti))  # type: ignore[arg-type]

    async def aanswer(self, pending: _rust.Pending) -> bool | None:
        if pending.jti is None:
            with suppress(PyJWKClientConnectionError):
                await self._remote.arefresh(unknown=pending.unknown_key)  # type: ignore[union-attr]
                return False
            return None
        return bool_or_error(await self.revocation_store.ais_revoked(str(pending.jti)))  # type: ignore[union-attr]

    def _build(self, keys: Sealed[list[Any]]) -> _rust.JwtBackend:
        try:
            return _rust.JwtBackend(keys=keys.value, **self._settings)
        except (ConfigurationError, PyJWTError, TypeError) as error:
            names = ", ".join(map(shown_algorithm, self.algorithms))
            _refuse(f"JWTAuthentication(algorithms=[{names}]): {error}{self._remedy(keys)}")

    def _remedy(self, keys: Sealed[list[Any]]) -> str:
        if self._own_keys and self.algorithms == [DEFAULT_ALGORITHM]:
            return named_for(keys.value, "algorithms=[{!r}]")
        keyless = not self._own_keys and set(self.algorithms) <= set(_rust.ALGORITHMS)
        return NO_KEY_GIVEN if keyless and not all(name.startswith("HS") for name in self.algorithms) else ""

    def __repr__(self) -> str:
        return f"JWTAuthentication(algorithms={self.algorithms!r}, header={self.header!r})"


class APIKeyAuthentication(Authentication):
    """An API key in a header: one of a set, or one of a store.

    `api_keys` is a set of keys, and `key_permissions` the permissions of each; only their digests are kept. `store` is
    `True`, or an `APIKeyStore`, for the keys of `boltguard.models.APIKey`; where the table can't be read, requests with
    a key are answered 503, or with `on_store_error="allow"` by what was read before.

    A key is sent bare or behind the `scheme`, which is `ApiKey` or `Bearer` unless you name one or several. On the
    `Authorization` header, credentials of any other scheme are left to others.
    """

    name = "api_key"

    def __init__(
        self,
        api_keys: Iterable[str] | None = None,
        header: str = "x-api-key",
        key_permissions: Mapping[str, Iterable[str]] | None = None,
        *,
        store: APIKeyStore | bool | None = None,
        on_store_error: str = "deny",
        scheme: str | Iterable[str] | None = None,
    ) -> None:
        keys, permissions = Sealed(api_keys), Sealed(key_permissions)
        del api_keys, key_permissions
        self.header = _header("APIKeyAuthentication", header)
        self._scheme = None if scheme is None else schemes("APIKeyAuthentication", scheme)
        self.store = _key_store(store)
        self._store_errors_allow = _on_store_error(on_store_error, "APIKeyAuthentication")
        self._built: tuple[conf.Conf | None, _rust.ApiKeyBackend]
        if self.store is None:
            self._fixed = self._build(keys, permissions)
        elif keys.value is None and permissions.value is None:
            self._fixed = self._checked(
                lambda: _rust.ApiKeyBackend.stored(_store_of_nothing(), header=header, scheme=self._scheme)
            )
        else:
            _refuse("APIKeyAuthentication: give api_keys or store, not both; two backends take two kinds of keys")
        self._built = (None, self._fixed)
        registry.remember(self)

    @property
    def rust(self) -> _rust.ApiKeyBackend:
        current = conf.current()
        if self._built[0] is not current:
            self._built = (current, self._for(current))
        return self._built[1]

    @property
    def label(self) -> str:
        kind = "configured" if self.store is None else "stored"
        settings = {"header": self.header, "scheme": self._scheme, "store_errors_allow": self._store_errors_allow}
        return _label(self.name, [kind], settings, API_KEY_DEFAULTS)

    @property
    def weak_keys(self) -> int:
        """How many of the keys can be guessed."""
        return self._fixed.weak_keys

    @property
    def store_name(self) -> str:
        return "the table of API keys (is it migrated?)"

    def answer(self, pending: _rust.Pending) -> _rust.ApiKeyBackend:
        """The keys of the table that this request is for, up to date."""
        snapshot = self.store.snapshot  # type: ignore[union-attr]
        try:
            with savepoints(self._store_errors_allow):
                snapshot.refresh()
        except Exception:
            if not (self._store_errors_allow and snapshot.was_read):
                raise
            logger.exception("%s is unavailable; keys that were read before are accepted", self.store_name)
        return self._stored(snapshot.rust)

    async def aanswer(self, pending: _rust.Pending) -> _rust.ApiKeyBackend:
        # In the thread of the database connections, which may name the tenant.
        return await in_thread(self.answer)(pending)

    def _for(self, current: conf.Conf) -> _rust.ApiKeyBackend:
        if self.store is None:
            return self._fixed.with_id_key(current.api_key_id_key)
        return self._stored(self.store.snapshots.rust)

    def _stored(self, keys: _rust.ApiKeyStore) -> _rust.ApiKeyBackend:
        allow = self._store_errors_allow
        return _rust.ApiKeyBackend.stored(keys, header=self.header, store_errors_allow=allow, scheme=self._scheme)

    def _build(self, keys: Sealed[Any], permissions: Sealed[Any]) -> _rust.ApiKeyBackend:
        if keys.value is None:
            _refuse("APIKeyAuthentication: give a set of keys, api_keys={...}, or store=True for those of the table")
        if isinstance(keys.value, (str, bytes)):
            _refuse("APIKeyAuthentication: api_keys is one text; give a set of keys: api_keys={...}")
        if isinstance(keys.value, Mapping):
            _refuse("APIKeyAuthentication: api_keys is a mapping; give a set of keys, and their key_permissions={...}")
        if isinstance(keys.value, type) or not isinstance(keys.value, Iterable):
            _refuse(f"APIKeyAuthentication: api_keys is of type {type(keys.value).__name__}; give a set of keys")
        if permissions.value and any(isinstance(names, str) for names in permissions.value.values()):
            _refuse("APIKeyAuthentication: key_permissions gives one text for a key; give a set of permissions")
        # The names of `{"blog.delete": False}` would be granted.
        if permissions.value and any(isinstance(names, Mapping) for names in permissions.value.values()):
            _refuse("APIKeyAuthentication: key_permissions gives a mapping for a key; give a set of permissions")
        return self._checked(
            lambda: _rust.ApiKeyBackend(
                api_keys=keys.value, key_permissions=permissions.value, header=self.header, scheme=self._scheme
            )
        )

    def _checked(self, build: Callable[[], _rust.ApiKeyBackend]) -> _rust.ApiKeyBackend:
        try:
            return build()
        except (ConfigurationError, TypeError) as error:
            _refuse(f"APIKeyAuthentication: {error}")

    def __repr__(self) -> str:
        stored = "" if self.store is None else f", store={self.store!r}"
        return f"APIKeyAuthentication(header={self.header!r}{stored})"


class Sealed(Generic[T]):
    """A value that error pages, which print the variables of each frame, can't show."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<sealed>"


def _abstract(backend: Authentication, member: str) -> NotImplementedError:
    return NotImplementedError(f"{type(backend).__name__} doesn't define {member}")


def check_backends(backends: object, where: str = "auth") -> list[Authentication]:
    """The list of backends that a view is given, or `ImproperlyConfigured`. An empty one means none."""
    if isinstance(backends, Authentication):
        _refuse(f"{where} is one backend; give a list: [{backends!r}]")
    if not isinstance(backends, (list, tuple)):
        _refuse(f"{where} is {kind_of(backends)}; give a list of backends, such as [JWTAuthentication()]")
    for backend in backends:
        if isinstance(backend, type) and issubclass(backend, Authentication):
            _refuse(f"{where}: {backend.__name__} is a class; give an instance: {backend.__name__}(...)")
        if not isinstance(backend, Authentication):
            _refuse(f"{where}: what is {kind_of(backend)} is no backend; use the classes of boltguard.auth")
        if not hasattr(backend, "_built"):
            _refuse(f"{where}: {type(backend).__name__}.__init__ doesn't call super().__init__(...)")
    return list(backends)


def _label(name: str, words: list[str], settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    unusual = [f"{key}={settings[key]}" for key, default in defaults.items() if settings[key] != default]
    return f"{name}({', '.join([*words, *unusual])})"


def _remote(secret: Sealed[Any]) -> RemoteKeySet | None:
    if isinstance(secret.value, RemoteKeySet):
        return secret.value
    # A key vouches for its own issuer alone, RFC 8725 §3.8; beside others it would vouch for what `issuer` names.
    if any(isinstance(key, RemoteKeySet) for key in _as_list(secret.value)):
        _refuse("JWTAuthentication: a RemoteKeySet stands alone; give each issuer a backend, with its own issuer=")
    if any(hasattr(type(key), "get_signing_key_from_jwt") for key in _as_list(secret.value)):
        _refuse("JWTAuthentication: a PyJWKClient is no key; give RemoteKeySet(url), which fetches when it is needed")
    return None


def _as_list(secret: Any) -> list[Any]:
    return list(secret) if isinstance(secret, (list, tuple, set, frozenset)) else [secret]


def _header(what: str, name: str) -> str:
    if not isinstance(name, str):
        _refuse(f"{what}: header is {kind_of(name)}; give the name of a header")
    # A browser sends cookies by itself, which would bring back the request forgeries that a header keeps out.
    if name.lower() == "cookie":
        _refuse(f"{what}: header={name!r} would take credentials that a browser sends unasked; name another header")
    return name


def _names(what: str, names: Iterable[str], *, may_be_empty: bool = False) -> list[str]:
    if isinstance(names, (str, bytes, Mapping)) or not isinstance(names, Iterable):
        _refuse(f"JWTAuthentication: {what} is {kind_of(names)}; give a list, such as [...]")
    listed = list(names)
    if not listed and not may_be_empty:
        _refuse(f"JWTAuthentication: {what} is empty, so no token could pass")
    return listed


def _required(claims: Iterable[str]) -> list[str]:
    names = _names("required_claims", claims, may_be_empty=True)
    for name in names:
        if not isinstance(name, str) or not name:
            _refuse(f"JWTAuthentication: required_claims has a name that is {kind_of(name)}; give the names of claims")
    return names


def _text(what: str, value: str) -> str:
    if not isinstance(value, str) or not value:
        _refuse(f"JWTAuthentication: {what} is {kind_of(value)}; give the name of a claim")
    return value


def _texts(what: str, value: str | Iterable[str] | None) -> list[str] | None:
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
        _refuse(f"JWTAuthentication: {what} is {kind_of(value)}; {TEXTS}")
    texts = [value] if isinstance(value, str) else list(value)
    if not texts:
        _refuse(f"JWTAuthentication: {what} is empty; {TEXTS}")
    for text in texts:
        if not isinstance(text, str) or not text:
            _refuse(f"JWTAuthentication: {what} holds what is {kind_of(text)}; {TEXTS}")
    return texts


def _seconds(leeway: float | timedelta) -> float:
    seconds = leeway.total_seconds() if isinstance(leeway, timedelta) else leeway
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not (0 <= seconds < math.inf):
        _refuse(f"JWTAuthentication: leeway is {kind_of(leeway)}; give seconds, zero or more, or a timedelta")
    return float(seconds)


def _count(what: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        _refuse(f"JWTAuthentication: {what} is {kind_of(value)}; give a number of tokens, or 0 to keep none")
    return value


def _store(store: object) -> RevocationStore | None:
    if isinstance(store, type) and issubclass(store, RevocationStore):
        _refuse(f"JWTAuthentication: revocation_store is a class; give an instance: {store.__name__}()")
    if store is not None and not isinstance(store, RevocationStore):
        _refuse(f"JWTAuthentication: revocation_store is {kind_of(store)}; give a RevocationStore")
    if store is not None and type(store).is_revoked is RevocationStore.is_revoked:
        _refuse(f"JWTAuthentication: revocation_store {type(store).__name__} doesn't define is_revoked or ais_revoked")
    return store


def _stores_in_rust(store: RevocationStore | None) -> dict[str, Any]:
    memory = store.memory if isinstance(store, InMemoryRevocation) and _answers_in_rust(store) else None
    return {"memory_revocation": memory, "external_revocation": store is not None and memory is None}


def _answers_in_rust(store: InMemoryRevocation) -> bool:
    """Not so where a subclass, or the object, has a method of its own."""
    own = vars(InMemoryRevocation)
    return all(
        name not in vars(store) and getattr(type(store), name) is own[name] for name in ("is_revoked", "ais_revoked")
    )


def _key_store(store: object) -> APIKeyStore | None:
    if store is True:
        return default_store()
    if store is not None and not isinstance(store, APIKeyStore):
        _refuse(f"APIKeyAuthentication: store is {kind_of(store)}; give True, or an APIKeyStore(...)")
    return store


def _store_of_nothing() -> _rust.ApiKeyStore:
    # The settings may not be loaded yet; everything but the store can be checked.
    return _rust.ApiKeyStore(_rust.ApiKeyFormat("bg"), [bytes(32)], refresh_interval=0)


def _on_store_error(choice: str, what: str = "JWTAuthentication") -> bool:
    if choice not in ("deny", "allow"):
        _refuse(f'{what}: on_store_error is something else than "deny" or "allow"; give one of them')
    return choice == "allow"


NO_KEY_GIVEN = "; give secret=, a public key: without it there is Django's SECRET_KEY, for HS256, HS384 and HS512 alone"
NO_ALGORITHM_OF_ISSUER = (
    "name the algorithms that the issuer signs with, such as algorithms=['RS256']; HS256, the default, verifies with "
    "a secret, which no issuer publishes"
)
TEXTS = "give a text or a list of them, or leave it out"
JWT_DEFAULTS = {
    "audience": None,
    "claims": None,
    "header": "authorization",
    "issuer": None,
    "leeway": 0,
    "required_claims": ["exp"],
    "scheme": ["Bearer"],
    "store_errors_allow": False,
    "subject_required": True,
    "typ": None,
    "user": None,
    "user_id_claim": "sub",
    "verify_user": False,
}
API_KEY_DEFAULTS = {"header": "x-api-key", "scheme": None, "store_errors_allow": False}
