"""System checks of sessions."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core import checks

from boltguard import registry
from boltguard.registry import import_views
from boltguard.sessions import TokenSessions

Message = checks.CheckMessage


def check_sessions(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the table of sessions is installed. `TokenSessions` reports it itself if it is created later."""
    import_views()
    if apps.is_installed(APP) or not any(registry.instances(TokenSessions)):
        return []
    message = f"TokenSessions requires the app {APP!r}."
    return [checks.Error(message, REMEDY, obj="INSTALLED_APPS", id="boltguard.E601")]


APP = "boltguard.sessions"
REMEDY = f'Add "{APP}" to INSTALLED_APPS, and run `python manage.py migrate boltguard_sessions`.'
