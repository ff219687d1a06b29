"""System checks of views: whether their guards and their backends fit together."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from boltguard import conf, registry
from boltguard.checks.settings import read_defaults
from boltguard.gate.gate import Gatekeeper
from boltguard.registry import import_views
from boltguard.routes.collect import callbacks

Message = checks.CheckMessage


def check_views(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the guards and the backends of each view, defaults included, fit together."""
    current = conf.current()
    try:
        read_defaults(current)
    except ImproperlyConfigured:
        return []  # `check_settings` says so
    import_views()
    asynchronous = {text for keeper in registry.instances(Gatekeeper) for text in keeper.async_defaults(current)}
    return [
        *(checks.Error(message, id="boltguard.E301") for message in sorted(_misfits(current))),
        *(checks.Error(message, id="boltguard.E302") for message in sorted(asynchronous)),
    ]


def check_drf_views(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether what stands in the lists of each view of Django REST framework is of use there, and fits together."""
    try:
        read_defaults(conf.current())
    except ImproperlyConfigured:
        return []  # `check_settings` says so
    views = []
    with suppress(Exception):  # Django's own checks report what is wrong with the URLs
        views = [view for _, view in callbacks() if hasattr(view, "initkwargs")]
    if "rest_framework.views" not in sys.modules or not views:
        return []
    from boltguard.drf.checks import check_view

    return list({message.msg: message for view in views for message in check_view(view)}.values())


def _misfits(current: conf.Conf) -> set[str]:
    found = set()
    for keeper in registry.instances(Gatekeeper):
        try:
            keeper.parts(current)
        except ImproperlyConfigured as error:
            found.add(str(error))
    return found
