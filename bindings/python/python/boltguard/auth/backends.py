"""Backends: where a credential stands in a request, and what makes it genuine. Rust checks both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Generic, NoReturn, TypeVar

from django.core.exceptions import ImproperlyConfigured

from boltguard import _rust, conf, registry
from boltguard.auth.revocation import InMemoryRevocation, RevocationStore
from boltguard.exceptions import ConfigurationError, PyJWTError

T = TypeVar("T")


class Authentication:
    """What `auth=[...]` takes: `JWTAuthentication` or `APIKeyAuthentication`."""

    header: str
    revocation_store: RevocationStore | None = None

    @property
    def rust(self) -> _rust.JwtBackend | _rust.ApiKeyBackend:
        """The backend that decides, for the settings now in force."""
        raise NotImplementedError


class JWTAuthentication(Authentication):
    """A JSON Web Token in a header.

    `secret` is an HMAC secret, a public key as PEM text, a `boltguard.jwt.Key` or `KeySet`, a JWK or JWK Set as a dict,
    or a list of these; without one, Django's `SECRET_KEY` and `SECRET_KEY_FALLBACKS` verify. A wrong configuration
    raises `ImproperlyConfigured` here, not at the first request.
    """

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
    ) -> None:
        secret = Sealed(secret)
        self.header = _header("JWTAuthentication", header)
        self.algorithms = _names("algorithms", algorithms)
        self.leeway = _seconds(leeway)
        self.revocation_store = _store(revocation_store)
        self._settings: dict[str, Any] = {
            "algorithms": self.algorithms,
            "header": self.header,
            "audience": _texts("audience", audience),
            "issuer": _texts("issuer", issuer),
            "leeway": self.leeway,
            "required_claims": _names("required_claims", required_claims, may_be_empty=True),
            "user_id_claim": _text("user_id_claim", user_id_claim),
            "typ": typ,
            "store_errors_allow": _on_store_error(on_store_error),
            **_stores_in_rust(self.revocation_store),
        }
        self._own_keys = secret.value is not None
        self._built: tuple[conf.Conf | None, _rust.JwtBackend]
        if self._own_keys:
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

    def _build(self, keys: Sealed[list[Any]]) -> _rust.JwtBackend:
        try:
            return _rust.JwtBackend(keys=keys.value, **self._settings)
        except (ConfigurationError, PyJWTError, TypeError) as error:
            _refuse(f"{self!r}: {error}{self._remedy()}")

    def _remedy(self) -> str:
        keyless = not self._own_keys and set(self.algorithms) <= set(_rust.ALGORITHMS)
        return NO_KEY_GIVEN if keyless and not all(name.startswith("HS") for name in self.algorithms) else ""

    def __repr__(self) -> str:
        return f"JWTAuthentication(algorithms={self.algorithms!r}, header={self.header!r})"


class APIKeyAuthentication(Authentication):
    """One of a set of API keys in a header, with the permissions of each. Only digests of the keys are kept."""

    def __init__(
        self,
        api_keys: Iterable[str],
        header: str = "x-api-key",
        key_permissions: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        keys, permissions = Sealed(api_keys), Sealed(key_permissions)
        del api_keys, key_permissions
        self.header = _header("APIKeyAuthentication", header)
        if isinstance(keys.value, (str, bytes)):
            _refuse("APIKeyAuthentication: api_keys is one text; give a set of keys: api_keys={...}")
        if isinstance(keys.value, type) or not isinstance(keys.value, Iterable):
            _refuse(f"APIKeyAuthentication: api_keys is of type {type(keys.value).__name__}; give a set of keys")
        self._built = self._build(keys, permissions)
        registry.remember(self)

    @property
    def rust(self) -> _rust.ApiKeyBackend:
        return self._built

    def _build(self, keys: Sealed[Iterable[str]], permissions: Sealed[Any]) -> _rust.ApiKeyBackend:
        if permissions.value and any(isinstance(names, str) for names in permissions.value.values()):
            _refuse("APIKeyAuthentication: key_permissions gives one text for a key; give a set of permissions")
        try:
            return _rust.ApiKeyBackend(api_keys=keys.value, key_permissions=permissions.value, header=self.header)
        except (ConfigurationError, TypeError) as error:
            _refuse(f"APIKeyAuthentication: {error}")

    def __repr__(self) -> str:
        return f"APIKeyAuthentication(header={self.header!r})"


class Sealed(Generic[T]):
    """A value that error pages, which print the variables of each frame, can't show."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<sealed>"


def check_backends(backends: object, where: str = "auth") -> list[Authentication]:
    """The list of backends that a view is given, or `ImproperlyConfigured`. An empty one means none."""
    if isinstance(backends, Authentication):
        _refuse(f"{where} is one backend; give a list: [{backends!r}]")
    if not isinstance(backends, (list, tuple)):
        _refuse(f"{where} is {backends!r}; give a list of backends, such as [JWTAuthentication()]")
    for backend in backends:
        if isinstance(backend, type) and issubclass(backend, Authentication):
            _refuse(f"{where}: {backend.__name__} is a class; give an instance: {backend.__name__}(...)")
        if not isinstance(backend, Authentication):
            _refuse(f"{where}: {backend!r} is no backend; use the classes of boltguard.auth")
    return list(backends)


def _refuse(message: str) -> NoReturn:
    raise ImproperlyConfigured(message) from None


def _as_list(secret: Any) -> list[Any]:
    return list(secret) if isinstance(secret, (list, tuple, set, frozenset)) else [secret]


def _header(what: str, name: str) -> str:
    # A browser sends cookies by itself, which would bring back the request forgeries that a header keeps out.
    if isinstance(name, str) and name.lower() == "cookie":
        _refuse(f"{what}: header={name!r} would take credentials that a browser sends unasked; name another header")
    return name


def _names(what: str, names: Iterable[str], *, may_be_empty: bool = False) -> list[str]:
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        _refuse(f"JWTAuthentication: {what} is {names!r}; give a list, such as [{names!r}]")
    listed = list(names)
    if not listed and not may_be_empty:
        _refuse(f"JWTAuthentication: {what} is empty, so no token could pass")
    return listed


def _text(what: str, value: str) -> str:
    if not isinstance(value, str) or not value:
        _refuse(f"JWTAuthentication: {what} is {value!r}; give the name of a claim")
    return value


def _texts(what: str, value: str | Iterable[str] | None) -> list[str] | None:
    if value is None:
        return None
    texts = [value] if isinstance(value, str) else list(value)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        _refuse(f"JWTAuthentication: {what} is {value!r}; give a text or a list of them, or leave it out")
    return texts


def _seconds(leeway: float | timedelta) -> float:
    seconds = leeway.total_seconds() if isinstance(leeway, timedelta) else leeway
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not (0 <= seconds < math.inf):
        _refuse(f"JWTAuthentication: leeway is {leeway!r}; give seconds, zero or more, or a timedelta")
    return float(seconds)


def _store(store: object) -> RevocationStore | None:
    if isinstance(store, type) and issubclass(store, RevocationStore):
        _refuse(f"JWTAuthentication: revocation_store is a class; give an instance: {store.__name__}()")
    if store is not None and not isinstance(store, RevocationStore):
        _refuse(f"JWTAuthentication: revocation_store is {store!r}; give a RevocationStore")
    return store


def _stores_in_rust(store: RevocationStore | None) -> dict[str, Any]:
    # A subclass with an answer of its own has to be asked for it.
    local = isinstance(store, InMemoryRevocation) and type(store).is_revoked is InMemoryRevocation.is_revoked
    memory = store.memory if isinstance(store, InMemoryRevocation) and local else None
    return {"memory_revocation": memory, "external_revocation": store is not None and not local}


def _on_store_error(choice: str) -> bool:
    if choice not in ("deny", "allow"):
        _refuse(f'JWTAuthentication: on_store_error is {choice!r}; give "deny" or "allow"')
    return choice == "allow"


NO_KEY_GIVEN = "; give secret=, a public key: without it there is Django's SECRET_KEY, for HS256, HS384 and HS512 alone"
