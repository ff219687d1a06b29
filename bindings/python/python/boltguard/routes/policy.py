"""The policy document of a site, from which Rust services create gates: `manage.py boltguard_policy export`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from boltguard import _rust
from boltguard.auth.api_key_backend import API_KEY_DEFAULTS, APIKeyAuthentication
from boltguard.auth.backends import Authentication
from boltguard.auth.jwt_backend import JWT_DEFAULTS, JWTAuthentication
from boltguard.auth.remote import RemoteKeySet
from boltguard.auth.signing_keys import in_rust
from boltguard.jwt import remote
from boltguard.routes import restrictions
from boltguard.routes.collect import ANY_METHOD, Route


class NotExpressible(Exception):
    """A backend or guard has no exact equivalent in a document. The message is the reason, a sentence."""


@dataclass(slots=True)
class Export:
    """A document. `omitted` contains the routes that it denies, with the reasons, and `variables` the environment
    variables that must contain the keys. Code of the `trusted` modules and packages doesn't restrict access.
    """

    trusted: Sequence[str] = ()
    backends: dict[str, Any] = field(default_factory=dict)
    routes: list[dict[str, Any]] = field(default_factory=list)
    omitted: dict[str, str] = field(default_factory=dict)
    variables: list[str] = field(default_factory=list)
    _ids: dict[int, str] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The document, as JSON-able data."""
        return {"version": VERSION, "backends": self.backends, "routes": self.routes}

    def add(self, route: Route) -> None:
        """Adds a route. One that has no exact equivalent denies all callers, so that it is never weaker."""
        methods = {} if route.method == ANY_METHOD else {"methods": [route.method]}
        entry = {"name": route.key, **methods, "path": route.path}
        try:
            _check_code(route, self.trusted)
            guard, backends = _guard(route), self._backends(route)
        except NotExpressible as reason:
            self.omitted[route.key] = str(reason)
            self.routes.append({**entry, "backends": [], "guard": DENY_ALL, "omitted": str(reason)})
        else:
            self.routes.append({**entry, "backends": backends, "guard": guard})

    def _backends(self, route: Route) -> list[str]:
        lists = [gate.backends for gate in route.gates]
        # A request passes each gate with its own backends, so a single list would accept other credentials.
        if any(list(map(id, one)) != list(map(id, lists[0])) for one in lists):
            raise NotExpressible("The view has several gates with different backends.")
        for backend in lists[0]:
            _check_type(backend)
        return [self._id(backend) for backend in lists[0]]

    def _id(self, backend: Authentication) -> str:
        if id(backend) not in self._ids:
            new = _unique(backend.name, self.backends)
            self.backends[new] = self._settings(backend, new)
            self._ids[id(backend)] = new
        return self._ids[id(backend)]

    def _settings(self, backend: Authentication, new: str) -> dict[str, Any]:
        if isinstance(backend, JWTAuthentication):
            return {"type": "jwt", "name": backend.name, "keys": self._keys(backend, new), **_jwt(backend)}
        assert isinstance(backend, APIKeyAuthentication)
        found = {"header": backend.header, "schemes": backend.schemes_or_none}
        defaults = {"header": API_KEY_DEFAULTS["header"], "schemes": None}
        return {"type": "api_key", "name": backend.name, **_changed(found, defaults)}

    def _keys(self, backend: JWTAuthentication, new: str) -> list[dict[str, str]]:
        if backend.remote is not None:
            return [{"jwks" if backend.remote.issuer is None else "discover": backend.remote.url}]
        if backend.key_source == "SECRET_KEY":
            fallbacks = range(1, len(settings.SECRET_KEY_FALLBACKS) + 1)
            names = ["SECRET_KEY", *(f"SECRET_KEY_FALLBACK_{number}" for number in fallbacks)]
            self.variables += [name for name in names if name not in self.variables]
        else:
            names = []
            for _ in backend.signing_keys().value:
                # Two backends with similar IDs must not share a variable, because they have different keys.
                names.append(_unique(re.sub(r"[^A-Z0-9]", "_", f"{new}_KEY".upper()), [*self.variables, *RESERVED]))
                self.variables.append(names[-1])
        return [{"env": name} for name in names]


def export(routes: Iterable[Route], trusted: Sequence[str] = ()) -> Export:
    """The document with these routes."""
    result = Export(trusted)
    for route in routes:
        result.add(route)
    return result


def _check_code(route: Route, trusted: Sequence[str]) -> None:
    """Refuses a view that something else than its guard may restrict, because everyone else would be allowed."""
    if restrictions.requires_login(route.callback):
        raise NotExpressible(LOGIN_REQUIRED)
    if modules := restrictions.untrusted(restrictions.modules_around(route), trusted):
        is_of_django = restrictions.is_below(modules[0], restrictions.RESTRICTING)
        raise NotExpressible((DJANGO_CHECK if is_of_django else OTHER_CODE).format(modules[0]))
    if classes := restrictions.of_rest_framework(route):
        raise NotExpressible(CUSTOM_CLASSES.format(", ".join(classes)))


def _guard(route: Route) -> str:
    if route.others:
        raise NotExpressible(
            f"The view has permissions of Django REST framework or Django Ninja: {', '.join(route.others)}."
        )
    if route.guard is None:
        raise NotExpressible("The view has no guard of Boltguard.")
    if names := sorted(route.guard.custom_checks):
        raise NotExpressible(f"The guard has custom checks: {', '.join(names)}.")
    return str(route.guard)


def _check_type(backend: Authentication) -> None:
    # A subclass may behave differently.
    if type(backend) is APIKeyAuthentication:
        return
    if type(backend) is not JWTAuthentication:
        raise NotExpressible(f"The backend {backend.name} is a {type(backend).__name__}.")
    if backend.lookup is not None:
        raise NotExpressible(f"The backend {backend.name} finds accounts with user_field= or get_user=.")
    if backend.verify_user:
        raise NotExpressible(f"The backend {backend.name} loads the account for each request (verify_user=True).")
    if (keys := backend.remote) is not None:
        _check_remote(backend, keys)
    elif any(isinstance(in_rust(key), _rust.SigningKeys) for key in backend.signing_keys().value):
        raise NotExpressible(f"The backend {backend.name} has SigningKeys, which change. Publish them as a JWK Set.")


def _check_remote(backend: JWTAuthentication, keys: remote.RemoteKeySet) -> None:
    if type(keys) not in (RemoteKeySet, remote.RemoteKeySet) or keys.has_own_connection:
        raise NotExpressible(f"The keys of the backend {backend.name} are fetched with your own code or settings.")
    # The query may contain a secret.
    if not keys.url.startswith("https://") or "?" in keys.url:
        raise NotExpressible(f"The URL of the keys of the backend {backend.name} isn't https: or has a query.")
    if keys.metadata not in (None, "openid-configuration"):
        raise NotExpressible(f"The backend {backend.name} reads metadata of OAuth, which a service can't.")
    if keys.issuer is not None and backend.setting("issuer") != [keys.issuer]:
        raise NotExpressible(f"The backend {backend.name} discovers one issuer and accepts others.")
    if backend.trusts_any_token_of is not None:
        raise NotExpressible(f"The backend {backend.name} requires issuer= or audience=.")


def _jwt(backend: JWTAuthentication) -> dict[str, Any]:
    setting = backend.setting
    found = {name: setting(name) for name in COPIED}
    found |= {"schemes": setting("scheme"), "header": setting("header") or JWT_DEFAULTS["header"]}
    defaults = {**JWT_DEFAULTS, "cached_tokens": 0, "schemes": JWT_DEFAULTS["scheme"]}
    if backend.cookie is not None:
        found["cookie"] = _cookie(backend)
        # Neither is used if only the cookie is read.
        if backend.header is None:
            found["schemes"] = defaults["schemes"]
    if setting("claims") is not None:
        found["claims"] = {name: list(values) for name, values in setting("claims")}
    document = {"algorithms": backend.algorithms, **_changed(found, defaults)}
    # Entries in the memory of this site aren't known to other processes.
    if backend.revocation_store is not None:
        document["revocation"] = "external"
        if setting("store_errors_allow"):
            document["on_store_error"] = "allow"
    return document


def _cookie(backend: JWTAuthentication) -> dict[str, Any]:
    origins = list(settings.CSRF_TRUSTED_ORIGINS)
    found = {"name": backend.cookie, "only": backend.header is None, "trusted_origins": origins}
    return {name: value for name, value in found.items() if value}


def _changed(found: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value != defaults[name]}


def _unique(name: str, others: Iterable[str]) -> str:
    taken, number, result = set(others), 1, name
    while result in taken:
        number += 1
        result = f"{name}_{number}"
    return result


VERSION = 1
DENY_ALL = "deny_all"
LOGIN_REQUIRED = (
    "Django's LoginRequiredMiddleware requires a login, because neither the view nor the site sets guards. Set the "
    "guards of the view, as in protect(guards=[...])."
)
DJANGO_CHECK = (
    "The view has a decorator or mixin of {}, which can't be exported. Replace it by a guard, such as IsAuthenticated, "
    "IsStaff or HasPermission."
)
OTHER_CODE = (
    "The view has a decorator, or a method such as dispatch, that is defined in {0}, and may refuse requests. Replace "
    "it by a guard, or use --trust {0} if the code of this module doesn't restrict access."
)
CUSTOM_CLASSES = (
    "The view of Django REST framework has classes that authenticate or check permissions with their own code: {}. Use "
    "only BoltguardAuthentication, and guards."
)
# The variables with Django's secrets.
RESERVED = ("SECRET_KEY",)
# The settings that have the same name in a document.
COPIED = (
    "audience",
    "cached_tokens",
    "issuer",
    "leeway",
    "max_age",
    "permissions_from",
    "required_claims",
    "roles_from",
    "scopes_from",
    "subject_required",
    "typ",
    "user_id_claim",
)
