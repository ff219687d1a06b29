"""System checks of the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from boltguard import conf, registry
from boltguard.auth.backends import check_backends
from boltguard.auth.guards import check_guards
from boltguard.gate.view_gate import ViewGate
from boltguard.misspelt import misspelt
from boltguard.registry import import_views

Message = checks.CheckMessage


def check_settings(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the settings are valid, and whether views rely on default guards that aren't set."""
    current = conf.current()
    if invalid := list(_invalid_settings(current)):
        return invalid
    if current.names_guards or not _any_view_relies_on_defaults():
        return []
    hint = f"Set {conf.PERMISSIONS} to [IsAuthenticated()], or to [AllowAny()] if these views are public."
    message = f"{conf.PERMISSIONS} isn't set, so views without guards are public."
    return [checks.Warning(message, hint, obj=conf.PERMISSIONS, id="boltguard.W003")]


def check_names(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether a setting is misspelled, so that it has no effect."""
    message = "The setting {} doesn't exist, so it has no effect."
    return [
        checks.Warning(message.format(name), _hint(meant), obj=name, id="boltguard.W002")
        for name, meant in misspelt(dir(settings))
    ]


def has_invalid_defaults(current: conf.Conf) -> bool:
    """Whether the default backends or guards are invalid, which `check_settings` reports."""
    others = {conf.written(name) for name in (conf.API_KEY_PREFIX, conf.REVOKE_ON, conf.MIDDLEWARE_MODE)}
    return any(message.obj not in others for message in _invalid_settings(current))


def _invalid_settings(current: conf.Conf) -> Iterator[Message]:
    for name, read in READERS.items():
        try:
            read(current)
        except ImproperlyConfigured as error:
            setting = conf.written(name)
            hint = f"Correct {setting}, or remove it to use the default."
            yield checks.Error(str(error), hint, obj=setting, id="boltguard.E001")


def _hint(meant: str | None) -> str:
    return f"Did you mean {meant}?" if meant else f"Boltguard's settings are {', '.join(conf.ALIASES)}."


def _any_view_relies_on_defaults() -> bool:
    import_views()
    return any(view_gate.has_default_guards for view_gate in registry.instances(ViewGate))


READERS: dict[str, Callable[[conf.Conf], object]] = {
    conf.AUTHENTICATION: lambda current: check_backends(current.authentication, conf.written(conf.AUTHENTICATION)),
    conf.PERMISSIONS: lambda current: check_guards(current.guards, conf.written(conf.PERMISSIONS)),
    conf.API_KEY_PREFIX: lambda current: current.api_key_format,
    conf.REVOKE_ON: lambda current: current.revoke_on,
    conf.MIDDLEWARE_MODE: lambda current: current.middleware_mode,
}
