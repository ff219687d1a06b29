"""Django's CSRF check, for requests without valid credentials in a header.

A caller with a cookie, or with other credentials that browsers send automatically, must always pass it (`enforce`).

A protected view is exempt from `CsrfViewMiddleware`, because browsers don't send credentials in a header automatically.
A request without such credentials may still have a session cookie. So the gate runs the check that the middleware
skipped, if the site has that middleware and the view isn't exempt otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware, get_token, rotate_token
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from boltguard._rust import OriginPolicy
from boltguard.browsers import SAFE_METHODS, is_origin, send_automatically
from boltguard.gate.responses import json_response
from boltguard.logs import log_refusal


def may_be_forged(request: HttpRequest, view: Any) -> bool:
    """Whether an unauthenticated request to a view must pass the check."""
    # A request without a resolved URL, such as one created by a test, hasn't passed the middleware.
    if request.method in SAFE_METHODS or request.resolver_match is None or _middleware() is None:
        return False
    if hasattr(view, SESSIONS_ONLY):
        return settings.SESSION_COOKIE_NAME in request.COOKIES
    return not _is_exempt(request, view)


def reject(request: HttpRequest, view: Any) -> HttpResponseBase | None:
    """The response of the site's middleware to a request that fails the check."""
    middleware = _middleware()
    assert middleware is not None
    check, sessions_only = middleware(_no_response), hasattr(view, SESSIONS_ONLY)
    if sessions_only and _is_of_this_site(check, request):
        return None
    rejected: HttpResponseBase | None = check.process_view(request, _no_response, (), {})
    return json_response(FAILED, 403) if rejected is not None and sessions_only else rejected


def enforce(request: HttpRequest) -> HttpResponseBase | None:
    """The response to a request that fails the check. Neither exemptions nor missing middleware matter."""
    # Another gate may have identified another caller, whose credentials browsers don't send automatically.
    withdraw_exemption(request)
    check = (_middleware() or CsrfViewMiddleware)(_no_response)
    check.process_request(request)
    rejected = check.process_view(request, _no_response, (), {})
    if rejected is None and comes_from_allowed_origin(request):
        return None
    return json_response(FORGED, 403, {"Cache-Control": "private"})


def comes_from_allowed_origin(request: HttpRequest) -> bool:
    """Whether `Origin` and `Sec-Fetch-Site` allow a request. Those with a safe method, or without both, are allowed.

    In addition to the origin of the site, those in `CSRF_TRUSTED_ORIGINS` are allowed.
    """
    if request.method in SAFE_METHODS:
        return True
    try:
        own = f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return False
    origin, fetch_site = (request.META.get(name) for name in ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE"))
    policy = _origin_policy(tuple(settings.CSRF_TRUSTED_ORIGINS))
    found = policy.classify(origin=origin, fetch_site=fetch_site, own=own)
    if found == "cross_origin":
        log_refusal(request, 403, "csrf_failed")
    return found != "cross_origin"


def set_token(request: HttpRequest, response: HttpResponseBase) -> None:
    """Sends the CSRF token of a request with its response, for scripts that send it with later requests."""
    check = (_middleware() or CsrfViewMiddleware)(_no_response)
    check.process_request(request)
    get_token(request)
    check.process_response(request, response)


def replace_token(request: HttpRequest, response: HttpResponseBase) -> None:
    """Sends a new CSRF token with the response, as Django does after a login."""
    rotate_token(request)
    (_middleware() or CsrfViewMiddleware)(_no_response).process_response(request, response)


def is_sent_by_browsers(request: HttpRequest) -> bool:
    """Whether browsers may send the credentials in `Authorization` automatically."""
    return send_automatically(request.META.get("HTTP_AUTHORIZATION", ""))


def exempt(request: HttpRequest) -> None:
    """Exempts a request whose credentials browsers don't send automatically, so that it can't be forged."""
    state = request.__dict__
    if not state.get(UNCHECKED):
        state[UNCHECKED] = state[EXEMPT] = True


def withdraw_exemption(request: HttpRequest) -> None:
    """Undoes `exempt`, but not the exemption of Django's test client."""
    state = request.__dict__
    if state.pop(EXEMPT, False):
        state[UNCHECKED] = state[PASSED] = False


def for_sessions_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view that also has clients without cookies, which can't send a CSRF token."""
    setattr(view, SESSIONS_ONLY, True)
    return view


def _is_of_this_site(check: Any, request: HttpRequest) -> bool:
    """Whether the browser declares that the request comes from a page of this site, or of a trusted one."""
    if "HTTP_ORIGIN" in request.META:
        return bool(check._origin_verified(request))
    return request.META.get("HTTP_SEC_FETCH_SITE") == "same-origin"


def _is_exempt(request: HttpRequest, view: Any) -> bool:
    """Whether `csrf_exempt` is below or above the gate."""
    match = request.resolver_match
    return bool(getattr(view, "csrf_exempt", False)) or (match is not None and _names_exemption(match.func))


def _names_exemption(view: Any) -> bool:
    dispatch = getattr(getattr(view, "view_class", None), "dispatch", None)
    return any(_exempts(layer) for root in (view, dispatch) for layer in _layers(root))


def _layers(view: Any) -> Iterator[Any]:
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)


def _exempts(layer: Any) -> bool:
    """Whether this was created by `csrf_exempt`, or by `method_decorator(csrf_exempt)`."""
    code = getattr(layer, "__code__", None)
    if code is not None and code.co_filename == csrf_exempt.__code__.co_filename:
        return True
    cells = [cell.cell_contents for cell in getattr(layer, "__closure__", None) or () if _is_bound(cell)]
    return any(one is csrf_exempt for cell in cells for one in (cell if isinstance(cell, (list, tuple)) else [cell]))


def _is_bound(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  # raises where it is empty
    except ValueError:
        return False
    return True


@lru_cache(maxsize=8)
def _origin_policy(trusted: tuple[str, ...]) -> OriginPolicy:
    # Of the others, Django's own check can't match any.
    return OriginPolicy([origin for origin in trusted if is_origin(origin)])


@lru_cache(maxsize=1)
def _middleware() -> type[CsrfViewMiddleware] | None:
    # Not in the `ready` method of the app, because a gate also works without the app.
    setting_changed.connect(_forget, dispatch_uid="boltguard.csrf")
    kinds = [import_string(path) for path in settings.MIDDLEWARE]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, CsrfViewMiddleware)), None)


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "MIDDLEWARE":
        _middleware.cache_clear()


def _no_response(request: HttpRequest) -> Any:
    raise AssertionError("the check calls no view")


# Django's attributes of requests that are exempt, and of those that have passed the check.
UNCHECKED, PASSED = "_dont_enforce_csrf_checks", "csrf_processing_done"
# Set if a gate has exempted the request.
EXEMPT = "_boltguard_csrf_exempt"
SESSIONS_ONLY = "_boltguard_csrf_for_sessions"
FORGED: dict[str, Any] = {"detail": _("CSRF verification failed."), "code": "csrf_failed"}
FAILED = {
    "detail": _("CSRF verification failed. The request has a session cookie, but no credentials and no CSRF token."),
    "code": "csrf_failed",
}
