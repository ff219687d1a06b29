"""System checks of the order and the mode of middleware."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.middleware.cache import UpdateCacheMiddleware

from boltguard import conf
from boltguard.middleware import BoltguardMiddleware, middleware_classes
from boltguard.routes.collect import callbacks
from boltguard.shadow.views import names_of_declared_views

Message = checks.CheckMessage


def check_middleware(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether `BoltguardMiddleware` is in the right place in `MIDDLEWARE`."""
    kinds: list[Any] = []
    with suppress(Exception):  # Django reports middleware that can't be imported
        kinds = middleware_classes()
    return [*_check_session_order(kinds), *_check_cache_order(kinds)]


def check_shadow_mode(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the site is in shadow mode, which enforces nothing, and whether the mode has an effect."""
    if not is_in_shadow_mode():
        return [*_check_declared_views()]
    setting = conf.written(conf.MIDDLEWARE_MODE)
    kinds: list[Any] = []
    with suppress(Exception):
        kinds = middleware_classes()
    if _indexes(kinds, BoltguardMiddleware):
        hint = f"When all routes are switched, remove {setting}."
        return [checks.Warning(SHADOW_MODE, hint, obj=setting, id="boltguard.W007")]
    hint = f"Add boltguard.middleware.BoltguardMiddleware to MIDDLEWARE, or remove {setting}."
    return [checks.Warning(NO_MIDDLEWARE.format(setting), hint, obj=setting, id="boltguard.W008")]


def is_in_shadow_mode() -> bool:
    """Whether the setting is valid, and enables shadow mode."""
    try:
        return conf.current().middleware_mode == conf.SHADOW
    except ImproperlyConfigured:
        return False  # `check_settings` reports it


def _check_declared_views() -> Iterator[Message]:
    declared: list[str] = []
    with suppress(Exception):  # Django reports a URLconf that can't be imported
        declared = sorted({name for _, callback in callbacks() for name in names_of_declared_views(callback)})
    for name in declared:
        yield checks.Warning(DECLARED.format(name), DECLARED_HINT, obj=name, id="boltguard.W303")


def _check_session_order(kinds: list[Any]) -> Iterator[Message]:
    ours = _indexes(kinds, BoltguardMiddleware)
    # A site without users can't import it.
    auth = sys.modules.get("django.contrib.auth.middleware")
    djangos = _indexes(kinds, auth.AuthenticationMiddleware) if auth else []
    if ours and djangos and max(djangos) > min(ours):
        hint = "Put BoltguardMiddleware after AuthenticationMiddleware."
        yield checks.Error(ORDER, hint, obj="MIDDLEWARE", id="boltguard.E004")


def _check_cache_order(kinds: list[Any]) -> Iterator[Message]:
    ours, caches = _indexes(kinds, BoltguardMiddleware), _indexes(kinds, UpdateCacheMiddleware)
    if ours and caches and max(caches) > min(ours):
        message = CACHE_ORDER.format(kinds[max(caches)].__name__)
        hint = f"Put {kinds[max(caches)].__name__} first, before BoltguardMiddleware."
        yield checks.Error(message, hint, obj="MIDDLEWARE", id="boltguard.E005")


def _indexes(kinds: list[Any], kind: type) -> list[int]:
    return [index for index, one in enumerate(kinds) if issubclass(one, kind)]


SHADOW_MODE = "BoltguardMiddleware is in shadow mode: it compares decisions, but doesn't authenticate callers."
NO_MIDDLEWARE = "{} has no effect, because BoltguardMiddleware isn't in MIDDLEWARE."
DECLARED = "{} has shadow_protect, which doesn't protect it, and the site isn't in shadow mode."
DECLARED_HINT = "Replace shadow_protect with protect, or remove it."
ORDER = "BoltguardMiddleware is before AuthenticationMiddleware, which replaces the request.user that it sets."
CACHE_ORDER = (
    "{} is after BoltguardMiddleware, so it would store responses before their Vary and Cache-Control headers are set."
)
