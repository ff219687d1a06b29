"""System checks of views: whether their guards and their backends fit together."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from boltguard import conf, registry
from boltguard.checks.settings import has_invalid_defaults
from boltguard.gate.view_gate import ViewGate
from boltguard.registry import import_views
from boltguard.routes.collect import callbacks, guarded_views, path_view_of

Message = checks.CheckMessage


def check_views(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether each view has the backends that its guards require, and whether its default checks can run."""
    current = conf.current()
    if has_invalid_defaults(current):
        return []
    import_views()
    setting = conf.written(conf.PERMISSIONS)
    asynchronous = {text for view_gate in registry.instances(ViewGate) for text in view_gate.async_defaults(current)}
    return [
        *(checks.Error(message, BACKENDS, obj=view, id="boltguard.E301") for message, view in _misfits(current)),
        *(checks.Error(message, ASYNC, obj=setting, id="boltguard.E302") for message in sorted(asynchronous)),
    ]


def check_drf_views(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the lists of each view of Django REST framework contain what it can use."""
    if has_invalid_defaults(conf.current()):
        return []
    views = []
    with suppress(Exception):  # Django's own checks report errors in the URLs
        views = [view for _, view in callbacks() if hasattr(view, "initkwargs")]
    if "rest_framework.views" not in sys.modules or not views:
        return []
    from boltguard.drf.checks import check_view

    return list({message.msg: message for view in views for message in check_view(view)}.values())


def check_ninja_operations(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the operations of Django Ninja have what they can use, and whether some are public by mistake."""
    if has_invalid_defaults(conf.current()):
        return []
    found: list[Any] = []
    with suppress(Exception):  # as above
        found = [path_view for _, view in callbacks() if (path_view := path_view_of(view)) is not None]
    if not found:
        return []
    from boltguard.ninja.checks import check_operations

    return list({message.msg: message for message in check_operations(found)}.values())


def _misfits(current: conf.Conf) -> list[tuple[str, str]]:
    """The problem with the backends of a view, and the view's name, or `?` if no URL refers to it."""
    names: dict[ViewGate, str] = {}
    with suppress(Exception):  # as above
        names = {view_gate: view for view, view_gate in guarded_views()}
    found = set()
    for view_gate in registry.instances(ViewGate):
        try:
            view_gate.parts(current)
        except ImproperlyConfigured as error:
            found.add((str(error), names.get(view_gate, "?")))
    return sorted(found)


BACKENDS = "Add the backend to auth= of the view or to BOLTGUARD_AUTHENTICATION_CLASSES, or change the guards."
ASYNC = "Make the view async, or use a sync function for the check."
