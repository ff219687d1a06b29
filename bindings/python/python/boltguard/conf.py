"""The settings, read in one place: when they are first needed, and again after one of them changes.

| setting | default | meaning |
| --- | --- | --- |
| `BOLT_AUTHENTICATION_CLASSES` | `[JWTAuthentication()]` | backends of views that name none; objects or dotted paths |
| `BOLT_DEFAULT_PERMISSION_CLASSES` | `[AllowAny()]` | guards of views that name none; objects or dotted paths |
| `BOLT_API_KEY_PREFIX` | `"bg"` | what generated API keys begin with |
| `SECRET_KEY`, `SECRET_KEY_FALLBACKS` | Django's | the HMAC secrets of a `JWTAuthentication` that is given none; the |
|  |  | secrets of API keys are derived from them |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from boltguard import _rust
from boltguard.exceptions import ConfigurationError

AUTHENTICATION = "BOLT_AUTHENTICATION_CLASSES"
PERMISSIONS = "BOLT_DEFAULT_PERMISSION_CLASSES"
API_KEY_PREFIX = "BOLT_API_KEY_PREFIX"


class APIKeySecret(NamedTuple):
    """What keys the digests of API keys, and a name for it that can be written down."""

    pepper: bytes
    id: str

    def __repr__(self) -> str:
        return f"APIKeySecret({self.id!r})"


class Conf:
    """The settings as they are now. What was built from a `Conf` is built again when `current()` is another."""

    @cached_property
    def authentication(self) -> list[Any]:
        """The default backends; `boltguard.auth.backends` says whether they are any."""
        from boltguard.auth.backends import JWTAuthentication

        return self._instances(AUTHENTICATION) if hasattr(settings, AUTHENTICATION) else [JWTAuthentication()]

    @cached_property
    def guards(self) -> list[Any]:
        """The default guards; `boltguard.auth.guards` says whether they are any."""
        from boltguard.auth.guards import AllowAny

        return self._instances(PERMISSIONS) if self.names_guards else [AllowAny()]

    @property
    def names_guards(self) -> bool:
        """Whether the site says what guards a view that names none."""
        return hasattr(settings, PERMISSIONS)

    @property
    def secrets(self) -> list[str | bytes]:
        """`SECRET_KEY` first, then the fallbacks, which verify and never sign."""
        return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]

    @cached_property
    def api_key_format(self) -> _rust.ApiKeyFormat:
        """The form of the keys that are made from now on."""
        prefix = getattr(settings, API_KEY_PREFIX, "bg")
        try:
            return _rust.ApiKeyFormat(prefix)
        except (ConfigurationError, TypeError) as error:
            raise ImproperlyConfigured(f"{API_KEY_PREFIX} is {prefix!r}: {error}") from None

    @cached_property
    def api_key_secrets(self) -> list[APIKeySecret]:
        """One for each of `secrets`; the first one makes digests, and all are accepted."""
        return [APIKeySecret(_derive("pepper", secret), _derive("id", secret).hex()[:16]) for secret in self.secrets]

    @cached_property
    def api_key_id_key(self) -> bytes:
        """What the public ids of configured API keys are derived with."""
        return _derive("id_key", settings.SECRET_KEY)

    def _instances(self, name: str) -> list[Any]:
        value = getattr(settings, name)
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ImproperlyConfigured(f"{name} is {value!r}; give a list, such as [{_EXAMPLES[name]}]")
        return [_instance(name, item) for item in value]


def _derive(label: str, secret: str | bytes) -> bytes:
    return salted_hmac("boltguard.api_keys", label, secret, algorithm="sha256").digest()


def _instance(name: str, item: Any) -> Any:
    if not isinstance(item, str):
        return item
    try:
        found = import_string(item)
    except ImportError as error:
        remedy = (
            ""
            if "." in item and item.replace(".", "").isidentifier()
            else "; a guard in text is written Guard.parse(...)"
        )
        raise ImproperlyConfigured(f"{name} names {item!r}, which can't be imported: {error}{remedy}") from error
    try:
        return found() if isinstance(found, type) else found
    except TypeError as error:
        raise ImproperlyConfigured(f"{name} names {item!r}: {error}; give an instance") from error


_EXAMPLES = {AUTHENTICATION: "JWTAuthentication()", PERMISSIONS: "IsAuthenticated()"}
_NAMES = (AUTHENTICATION, PERMISSIONS, API_KEY_PREFIX)
# Routers decide from which tables API keys are read.
_OURS = {*_NAMES, "SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_ROUTERS"}
# `BOLT_PERMISSION_CLASSES` is as close; `BOLT_CACHE_PREFIX`, which may be another application's, is not.
CLOSE = 0.8
_current = Conf()


def current() -> Conf:
    """The settings now in force: the same object until one of them changes."""
    return _current


def renew() -> None:
    """Has all that was built from the settings built again, although none of them has changed."""
    global _current
    _current = Conf()


def misspelt(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Of the names of settings those that are close to one of ours, with that one."""
    for name in names:
        if name.startswith("BOLT_") and name not in _OURS:
            yield from ((name, meant) for meant in get_close_matches(name, _NAMES, n=1, cutoff=CLOSE))


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in _OURS:
        renew()


setting_changed.connect(_forget, dispatch_uid="boltguard.conf")
