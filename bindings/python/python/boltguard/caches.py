"""Django's caches of whole answers, outside of a gate and inside.

Outside, `cache_page` and `UpdateCacheMiddleware` see the headers with which a gate seals an answer. Inside, they keep
the answer before these are set, and give it to the next caller whom the gate lets in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def note_caches_outside(request: Any) -> None:
    """Tells the mark of a cache outside from that of one inside, which will be a `bool` again."""
    request.__dict__[CACHED] = int(request.__dict__[CACHED])


def refuse_caches_inside(request: Any, response: Any, headers: Iterable[str]) -> None:
    """`ImproperlyConfigured` if an answer is kept inside for callers whom it does not tell apart by these headers."""
    inside = type(request.__dict__[CACHED]) is bool
    # A cache that keeps an answer says when it expires.
    if inside and "Expires" in response.headers and not _is_apart(response, headers):
        raise ImproperlyConfigured(CACHED_WITHIN.format(", ".join(map(repr, headers))))


def _is_apart(response: Any, headers: Iterable[str]) -> bool:
    vary, control = _words(response, "Vary"), _words(response, "Cache-Control")
    return not control.isdisjoint(EXPLICIT) or "*" in vary or {name.lower() for name in headers} <= vary


def _words(response: Any, header: str) -> set[str]:
    return {word.strip().lower() for word in response.headers.get(header, "").split(",")}


# What Django's caches set on a request, to know later whether to keep the answer.
CACHED = "_cache_update_cache"
# Not kept, or kept for everybody because the view says so.
EXPLICIT = {"private", "public"}
CACHED_WITHIN = (
    "a cache inside the guard, such as cache_page, would give the answer for one caller to another; put it outside of "
    "the guard, or let the view say below it what the answer depends on: @vary_on_headers({}), or "
    "@cache_control(public=True) if it is the same for every caller"
)
