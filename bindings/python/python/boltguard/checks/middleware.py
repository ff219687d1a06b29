"""System checks of the order of middleware."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core import checks
from django.middleware.cache import UpdateCacheMiddleware

from boltguard.middleware import BoltguardMiddleware, middleware_classes

Message = checks.CheckMessage


def check_middleware(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether `BoltguardMiddleware` is in the right place in `MIDDLEWARE`."""
    kinds: list[Any] = []
    with suppress(Exception):  # Django reports middleware that can't be imported
        kinds = middleware_classes()
    return [*_check_session_order(kinds), *_check_cache_order(kinds)]


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


ORDER = "BoltguardMiddleware is before AuthenticationMiddleware, which replaces the request.user that it sets."
CACHE_ORDER = (
    "{} is after BoltguardMiddleware, so it would store responses before their Vary and Cache-Control headers are set."
)
