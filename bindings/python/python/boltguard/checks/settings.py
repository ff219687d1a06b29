"""System checks of the settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from boltguard import conf, registry
from boltguard.auth.backends import check_backends
from boltguard.auth.guards import check_guards
from boltguard.gate.gate import Gatekeeper
from boltguard.misspelt import misspelt
from boltguard.registry import import_views

Message = checks.CheckMessage


def check_settings(app_configs: Any, **kwargs: Any) -> list[Message]:
    """The defaults of all views."""
    current = conf.current()
    try:
        read_defaults(current)
        current.api_key_format  # noqa: B018  # reads the prefix
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="boltguard.E001")]
    if current.names_guards or not _any_view_relies_on_defaults():
        return []
    hint = f"Set {conf.PERMISSIONS} = [IsAuthenticated()], or [AllowAny()] if that is what you want."
    message = f"{conf.PERMISSIONS} is not set: all views that name no guards are publicly accessible."
    return [checks.Warning(message, hint, id="boltguard.W003")]


def check_names(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether a setting is misspelt, so that it has no effect."""
    return [checks.Warning(_says_unknown(*found), id="boltguard.W002") for found in misspelt(dir(settings))]


def read_defaults(current: conf.Conf) -> None:
    check_backends(current.authentication, conf.written(conf.AUTHENTICATION))
    check_guards(current.guards, conf.written(conf.PERMISSIONS))


def _says_unknown(name: str, meant: str | None) -> str:
    known = ", ".join(conf.ALIASES)
    remedy = f"Did you mean {meant}?" if meant else f"Boltguard's settings are {known}."
    return f"The setting {name} does not exist, so it has no effect. {remedy}"


def _any_view_relies_on_defaults() -> bool:
    import_views()
    return any(keeper.has_default_guards for keeper in registry.instances(Gatekeeper))
