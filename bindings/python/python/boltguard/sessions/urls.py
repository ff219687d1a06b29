"""The views of `TokenSessions.urls`: plain Django views, with JSON in and out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext

from boltguard.auth import AllowAny, IsAuthenticated
from boltguard.decorators import protect
from boltguard.events import report_refusal
from boltguard.exceptions import SessionsUnavailable
from boltguard.gate import csrf
from boltguard.gate.responses import json_response
from boltguard.sessions.bodies import has_no_token
from boltguard.sessions.cookie_views import CookieViews
from boltguard.sessions.refusals import available
from boltguard.sessions.views import SessionViews
from boltguard.transactions import take_over

if TYPE_CHECKING:
    from boltguard.sessions.sessions import TokenSessions

View = Callable[..., HttpResponse]


def patterns(sessions: TokenSessions) -> list[URLPattern]:
    """The URL patterns of these sessions."""
    return with_cookies(sessions) if sessions.uses_cookies else with_bodies(sessions)


def with_bodies(sessions: TokenSessions) -> list[URLPattern]:
    """The URL patterns if the tokens are in bodies."""
    views = SessionViews(sessions)
    anybody, caller = protect(auth=[], guards=[AllowAny()]), _caller(sessions)
    logout = _by_body(anybody(_plain(views.logout_by_token)), caller(_plain(views.logout)))
    return [
        path("token", _endpoint("POST", anybody(_plain(views.token))), name="token"),
        path("token/refresh", _endpoint("POST", anybody(_plain(views.refresh))), name="refresh"),
        path("logout", _endpoint("POST", logout), name="logout"),
        *_of_callers(views, caller),
    ]


def with_cookies(sessions: TokenSessions) -> list[URLPattern]:
    """The URL patterns if the tokens are in cookies.

    The gate checks requests of callers. The others have no caller, but change the cookies: another site must not log
    its visitors in, and the token of a refresh is a cookie.
    """
    views = CookieViews(sessions)
    anybody, caller = protect(auth=[], guards=[AllowAny()]), _caller(sessions)
    anybody_or_caller = protect(auth=[sessions.jwt_auth], guards=[AllowAny()])
    return [
        path("csrf", _endpoint("GET", anybody(_plain(views.csrf))), name="csrf"),
        path("token", _endpoint("POST", _not_forged(anybody_or_caller(_plain(views.token)))), name="token"),
        path("token/refresh", _endpoint("POST", _not_forged(anybody(_plain(views.refresh)))), name="refresh"),
        path("logout", _endpoint("POST", caller(_plain(views.logout))), name="logout"),
        *_of_callers(views, caller),
    ]


def public(method: str, view: View) -> View:
    """A view of another module that begins or continues sessions, for callers with a credential in the body."""
    return _endpoint(method, protect(auth=[], guards=[AllowAny()])(_plain(view)))


def _of_callers(views: SessionViews, caller: Callable[[View], View]) -> list[URLPattern]:
    return [
        path("logout/all", _endpoint("POST", caller(_plain(views.logout_all))), name="logout_all"),
        path("sessions", _endpoint("GET", caller(_plain(views.list))), name="list"),
        path("sessions/<str:session_id>", _endpoint("DELETE", caller(_plain(views.end))), name="end"),
    ]


def _caller(sessions: TokenSessions) -> Callable[[View], View]:
    return protect(auth=[sessions.jwt_auth], guards=[IsAuthenticated()])


def _not_forged(view: View) -> View:
    """A view that always requires Django's CSRF check."""

    @wraps(view)
    def checked(request: HttpRequest, **path: Any) -> Any:
        rejected = csrf.enforce(request)
        return view(request, **path) if rejected is None else rejected

    return checked


def _by_body(with_token: View, without: View) -> View:
    """The first view if the body has a refresh token, so that no access token is necessary."""

    @wraps(without)
    def choose(request: HttpRequest) -> HttpResponse:
        return (without if has_no_token(request) else with_token)(request)

    return choose


def _endpoint(method: str, guarded: View) -> View:
    """A view for one method. Nothing caches the response."""

    @wraps(guarded)
    def respond(request: HttpRequest, **path: Any) -> HttpResponse:
        if request.method == method or (method == "GET" and request.method == "HEAD"):
            response = guarded(request, **path)
        else:
            response = _other_method(request, method)
        response["Cache-Control"] = "no-store"
        return response

    return respond


def _plain(view: View) -> View:
    """A function, which can have attributes: those of views that need no CSRF check and no transaction.

    If the database is unavailable, the response is 503. Those that use cookies are checked by the gate or by
    `_not_forged`. A transaction would undo the end of a session when the response is an error.
    """

    @wraps(view)
    def plain(request: HttpRequest, **path: Any) -> HttpResponse:
        try:
            with available():
                return view(request, **path)
        except SessionsUnavailable as error:
            report_refusal(request, error.status_code, error.code)
            raise

    plain.csrf_exempt = True  # type: ignore[attr-defined]
    take_over(plain)
    return plain


def _other_method(request: HttpRequest, method: str) -> HttpResponse:
    allow = ", ".join(sorted({method, "OPTIONS", *(["HEAD"] if method == "GET" else [])}))
    if request.method == "OPTIONS":
        return HttpResponse(headers={"Allow": allow, "Content-Length": "0"})
    detail = gettext('Method "%(method)s" not allowed.') % {"method": request.method}
    return json_response({"detail": detail, "code": "method_not_allowed"}, 405, {"Allow": allow})
