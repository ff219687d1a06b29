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
from boltguard.gate.responses import json_response
from boltguard.sessions.bodies import has_no_token
from boltguard.sessions.views import SessionViews
from boltguard.transactions import take_over

if TYPE_CHECKING:
    from boltguard.sessions.sessions import TokenSessions

View = Callable[..., HttpResponse]


def patterns(sessions: TokenSessions) -> list[URLPattern]:
    """The URL patterns of these sessions."""
    views = SessionViews(sessions)
    anybody = protect(auth=[], guards=[AllowAny()])
    caller = protect(auth=[sessions.jwt_auth], guards=[IsAuthenticated()])
    return [
        path("token", _endpoint("POST", anybody(_plain(views.token))), name="token"),
        path("token/refresh", _endpoint("POST", anybody(_plain(views.refresh))), name="refresh"),
        path(
            "logout",
            _endpoint("POST", _by_body(anybody(_plain(views.logout_by_token)), caller(_plain(views.logout)))),
            name="logout",
        ),
        path("logout/all", _endpoint("POST", caller(_plain(views.logout_all))), name="logout_all"),
        path("sessions", _endpoint("GET", caller(_plain(views.list))), name="list"),
        path("sessions/<str:session_id>", _endpoint("DELETE", caller(_plain(views.end))), name="end"),
    ]


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

    No view reads a cookie. A transaction would undo the end of a session when the response is an error.
    """

    @wraps(view)
    def plain(request: HttpRequest, **path: Any) -> HttpResponse:
        return view(request, **path)

    plain.csrf_exempt = True  # type: ignore[attr-defined]
    take_over(plain)
    return plain


def _other_method(request: HttpRequest, method: str) -> HttpResponse:
    allow = ", ".join(sorted({method, "OPTIONS", *(["HEAD"] if method == "GET" else [])}))
    if request.method == "OPTIONS":
        return HttpResponse(headers={"Allow": allow, "Content-Length": "0"})
    detail = gettext('Method "%(method)s" not allowed.') % {"method": request.method}
    return json_response({"detail": detail, "code": "method_not_allowed"}, 405, {"Allow": allow})
