"""Django's response caches, outside and inside of a gate.

Outside, `cache_page` and `UpdateCacheMiddleware` see the headers that a gate sets. Inside, they store
the response before these are set, and would serve it to the next caller. So Django's cache calls `may_store` first: a
response to a request with credentials isn't stored inside, unless the view declares whom it is for.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.middleware.cache import UpdateCacheMiddleware
from django.utils.cache import get_max_age, has_vary_header, patch_vary_headers

from boltguard.auth.users import GATES, SEEN


def may_store(middleware: Any, request: Any, response: Any) -> bool:
    """Whether one of Django's caches may store a response, which then varies on every header that its gates read.

    Older versions of Django also store responses with `no-store` or `Vary: *`; here neither is stored. If a backend of
    these gates declares no headers, only public responses are stored, because another visitor may send the same
    headers.
    """
    gates = getattr(request, GATES, None)
    if not getattr(request, CACHED, False) or gates is None:
        return True
    control, vary = _words(response, "Cache-Control"), _words(response, "Vary")
    if "public" in control:
        return True
    is_known, never_shared = _is_known(request), any(gate.never_shared for gate in gates)
    headers = {name.lower() for gate in gates for name in gate.headers}
    sent = {name for name in headers if f"HTTP_{name.upper().replace('-', '_')}" in request.META}
    # Django's test client sends an empty header.
    if not request.COOKIES:
        sent.discard("cookie")
    allows = not never_shared and control.isdisjoint(UNSTORED) and "*" not in vary
    if allows and sent <= vary and (sent or not is_known):
        # Older versions of Django don't recognise a name with blanks around it.
        if vary:
            response["Vary"] = ", ".join(word.strip() for word in response["Vary"].split(","))
        patch_vary_headers(response, sorted(name.title() for name in headers))
        return True
    if (is_known or not never_shared) and _would_store(middleware, response, control | vary):
        request.__dict__[WITHHELD] = True
    return False


def note_caches_outside(request: Any) -> None:
    """Marks the request for caches outside, so that the mark of a cache inside, a `bool`, can be distinguished."""
    request.__dict__[CACHED] = int(request.__dict__[CACHED])


def refuse_caches_inside(request: Any, response: Any, headers: Iterable[str]) -> None:
    """Raises `ImproperlyConfigured` if a cache inside would have stored a response for a single caller."""
    inside = type(request.__dict__[CACHED]) is bool
    # A cache that stores a response sets its expiry.
    stored = request.__dict__.pop(WITHHELD, False) or (inside and "Expires" in response.headers)
    if stored and not _is_apart(response, headers):
        raise ImproperlyConfigured(CACHED_WITHIN.format(", ".join(map(repr, headers))))


def _is_apart(response: Any, headers: Iterable[str]) -> bool:
    vary, control = _words(response, "Vary"), _words(response, "Cache-Control")
    return not control.isdisjoint(EXPLICIT) or "*" in vary or {name.lower() for name in headers} <= vary


def _is_known(request: Any) -> bool:
    context = getattr(request, SEEN, None)
    return context is not None and context.is_authenticated


def _would_store(middleware: Any, response: Any, said: set[str]) -> bool:
    """Whether Django would have stored the response, so that an error is raised because it isn't stored."""
    expired = middleware.page_timeout is None and get_max_age(response) == 0
    of_a_session = response.cookies and has_vary_header(response, "Cookie")
    stored = response.status_code == 200 and not response.streaming and not expired and not of_a_session
    return stored and said.isdisjoint(UNSTORED | {"*"})


def _words(response: Any, header: str) -> set[str]:
    return {word.strip().lower() for word in response.headers.get(header, "").split(",") if word.strip()}


def install() -> None:
    """Patches Django's cache, which has no hook, so that it calls `may_store` first. Another call has no effect.

    The app `boltguard` calls it when it is ready. Since `protect` also works without the app, each new gate calls it,
    too.
    """
    store = UpdateCacheMiddleware.process_response
    if hasattr(store, PATCHED):
        return

    @wraps(store)
    def process_response(self: Any, request: Any, response: Any) -> Any:
        return store(self, request, response) if may_store(self, request, response) else response

    setattr(process_response, PATCHED, True)
    UpdateCacheMiddleware.process_response = process_response  # type: ignore[method-assign]


PATCHED = "_boltguard_patched"
# The attribute that Django's caches set on a request to record whether to store the response.
CACHED = "_cache_update_cache"
# Directives with which the response isn't stored, or is stored for all callers.
EXPLICIT = {"private", "public"}
UNSTORED = {"private", "no-cache", "no-store"}
# Set on a request whose response would have been stored by a cache inside.
WITHHELD = "_boltguard_withheld"
CACHED_WITHIN = (
    "A cache inside the guard, such as cache_page, would send the response for one caller to another one. Put it "
    "outside of the guard, or declare below the cache whom the response is for: @vary_on_headers({}), or "
    "@cache_control(public=True) if it is the same for every caller."
)
