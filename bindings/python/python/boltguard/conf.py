"""The settings. They are read when they are first needed, and again after one of them changes.

`docs/reference/settings.md` lists them.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import cache, cached_property
from typing import Any, NamedTuple

from boltguard import _rust, registry
from boltguard.exceptions import ConfigurationError
from boltguard.messages import kind_of
from boltguard.optional import ImproperlyConfigured, setting_changed, settings

AUTHENTICATION = "BOLTGUARD_AUTHENTICATION_CLASSES"
PERMISSIONS = "BOLTGUARD_DEFAULT_PERMISSION_CLASSES"
API_KEY_PREFIX = "BOLTGUARD_API_KEY_PREFIX"
REVOKE_ON = "BOLTGUARD_REVOKE_ON"
MIDDLEWARE_MODE = "BOLTGUARD_MIDDLEWARE_MODE"
AUTHENTICATE, SHADOW = "authenticate", "shadow"


class APIKeySecret(NamedTuple):
    """A secret for digests of API keys, and an ID of it that can be stored."""

    pepper: bytes
    id: str

    def __repr__(self) -> str:
        return f"APIKeySecret({self.id!r})"


class Conf:
    """The current settings. Objects that depend on them are created again if `current()` returns another `Conf`."""

    @cached_property
    def authentication(self) -> list[Any]:
        """The default backends; `boltguard.auth.backends` checks them."""
        return self._instances(AUTHENTICATION)

    @cached_property
    def guards(self) -> list[Any]:
        """The default guards; `boltguard.auth.guards` checks them."""
        return self._instances(PERMISSIONS)

    @property
    def names_guards(self) -> bool:
        """Whether the site sets the default guards."""
        return _is_set(PERMISSIONS)

    @property
    def secrets(self) -> list[str | bytes]:
        """`SECRET_KEY` first, then the fallbacks, which are only used to verify."""
        return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]

    @cached_property
    def api_key_format(self) -> _rust.ApiKeyFormat:
        """The format of new API keys."""
        prefix = _value(API_KEY_PREFIX) if _is_set(API_KEY_PREFIX) else "bg"
        try:
            return _rust.ApiKeyFormat(prefix)
        except (ConfigurationError, TypeError) as error:
            raise ImproperlyConfigured(f"{written(API_KEY_PREFIX)} is {prefix!r}, which is invalid: {error}.") from None

    @cached_property
    def api_key_secrets(self) -> list[APIKeySecret]:
        """One for each of `secrets`; new digests use the first one, and all are accepted."""
        return [APIKeySecret(_derive("pepper", secret), _derive("id", secret).hex()[:16]) for secret in self.secrets]

    @cached_property
    def api_key_id_key(self) -> bytes:
        """The key that the public IDs of configured API keys are derived with."""
        return _derive("id_key", settings.SECRET_KEY)

    @cached_property
    def revoke_on(self) -> frozenset[str]:
        """The changes of an account that revoke its tokens."""
        if not self.sets_revoke_on:
            return frozenset(DEFAULT_CHANGES)
        name, value = written(REVOKE_ON), _value(REVOKE_ON)
        if isinstance(value, str) or not isinstance(value, (Sequence, Set)):
            raise ImproperlyConfigured(f'{name} is {kind_of(value)}. It must be a list, such as ["password"].')
        for change in value:
            if change not in CHANGES:
                raise ImproperlyConfigured(
                    f"{name} contains {change!r}. It can contain {', '.join(map(repr, CHANGES))}."
                )
        return frozenset(value)

    @cached_property
    def middleware_mode(self) -> str:
        """Whether `BoltguardMiddleware` authenticates callers, or only compares (`SHADOW`)."""
        mode = _value(MIDDLEWARE_MODE) if _is_set(MIDDLEWARE_MODE) else AUTHENTICATE
        if mode not in (AUTHENTICATE, SHADOW):
            raise ImproperlyConfigured(
                f'{written(MIDDLEWARE_MODE)} is {mode!r}. It must be "{AUTHENTICATE}" or "{SHADOW}".'
            )
        return str(mode)

    @property
    def sets_revoke_on(self) -> bool:
        """Whether the site sets which changes revoke tokens."""
        return _is_set(REVOKE_ON)

    def _instances(self, name: str) -> list[Any]:
        if not _is_set(name):
            return [_instance(name, path) for path in DEFAULTS[name]]
        value = _value(name)
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ImproperlyConfigured(
                f"{written(name)} is {kind_of(value)}. It must be a list, such as [{_EXAMPLES[name]}]."
            )
        return [_instance(written(name), item) for item in value]


def written(name: str) -> str:
    """The name that the site uses for a setting."""
    alias = ALIASES[name]
    return alias if hasattr(settings, alias) and not hasattr(settings, name) else name


def _is_set(name: str) -> bool:
    return hasattr(settings, written(name))


def _value(name: str) -> Any:
    value, alias = getattr(settings, written(name)), ALIASES[name]
    if getattr(settings, alias, value) != value:
        raise ImproperlyConfigured(f"{name} and {alias} are both set, to different values. Remove {alias}.")
    return value


def _derive(label: str, secret: str | bytes) -> bytes:
    from django.utils.crypto import salted_hmac

    return salted_hmac("boltguard.api_keys", label, secret, algorithm="sha256").digest()


def _instance(name: str, item: Any) -> Any:
    if not isinstance(item, str):
        return item
    from django.utils.module_loading import import_string

    try:
        found = import_string(item)
    except ImportError as error:
        remedy = (
            ""
            if "." in item and item.replace(".", "").isidentifier()
            else " To use the string form of a guard, write Guard.parse(...)."
        )
        raise ImproperlyConfigured(f"{name} contains {item!r}, which can't be imported: {error}.{remedy}") from error
    try:
        return found() if isinstance(found, type) else found
    except TypeError as error:
        problem = f"{name} contains {item!r}, which can't be called without arguments: {error}."
        raise ImproperlyConfigured(f"{problem} Use an instance.") from error


CHANGES = ("deactivate", "delete", "password", "groups", "permissions")
DEFAULT_CHANGES = CHANGES[:3]
# Paths, because the modules of these classes import this one.
DEFAULTS = {
    AUTHENTICATION: ["boltguard.auth.JWTAuthentication"],
    PERMISSIONS: ["boltguard.auth.guards.AllowAny"],
}
_EXAMPLES = {AUTHENTICATION: "JWTAuthentication()", PERMISSIONS: "IsAuthenticated()"}
# For sites that migrate from django-bolt.
ALIASES = {
    name: name.replace("BOLTGUARD_", "BOLT_")
    for name in (AUTHENTICATION, PERMISSIONS, API_KEY_PREFIX, REVOKE_ON, MIDDLEWARE_MODE)
}
_NAMES = {*ALIASES, *ALIASES.values()}
# Routers decide from which tables API keys are read.
_OURS = {*_NAMES, "SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_ROUTERS"}
_current = Conf()


def current() -> Conf:
    """The current settings: the same object until one of them changes."""
    connect()
    return _current


def load_backends() -> bool:
    """Creates the backends of the settings, of the URLconf and of the ASGI application, unless they exist.

    Raises `ImproperlyConfigured` if that fails. Returns whether there is a URLconf.
    """
    current().authentication  # noqa: B018  # builds those of the settings
    return registry.require_views()


@cache
def connect() -> None:
    """Watches the settings. Another call has no effect.

    The app `boltguard` calls it when it is ready. Since `protect` also works without the app, `current()` and each new
    gate call it, too.
    """
    setting_changed.connect(_forget, dispatch_uid="boltguard.conf")


def renew() -> None:
    """Makes all objects that depend on the settings be created again, although no setting has changed."""
    global _current
    _current = Conf()


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in _OURS:
        renew()
