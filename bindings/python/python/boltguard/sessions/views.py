"""What the views do, behind their gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext

from boltguard.auth.login_password import logging_in
from boltguard.auth.secret_box import SecretBox
from boltguard.auth.users import get_current_user
from boltguard.events import report_refusal
from boltguard.exceptions import HTTPException, InvalidRefreshToken, Unauthorized
from boltguard.gate.responses import json_response
from boltguard.sessions import rows
from boltguard.sessions.bodies import Credentials, Refresh, read
from boltguard.sessions.clock import iso
from boltguard.sessions.refusals import AccountChanged, refused
from boltguard.sessions.throttling import refuse_throttled

if TYPE_CHECKING:
    from boltguard.sessions.models import TokenSession
    from boltguard.sessions.sessions import TokenSessions
    from boltguard.sessions.token_pair import TokenPair


class InvalidCredentials(Unauthorized):
    """401: the username or the password is wrong, or the account is inactive."""

    code = "invalid_credentials"


class NoSession(HTTPException):
    """400: the access token doesn't belong to a session."""

    code = "session_missing"


class SessionViews:
    """The views of a `TokenSessions`."""

    def __init__(self, sessions: TokenSessions) -> None:
        self._sessions = sessions

    def token(self, request: HttpRequest) -> HttpResponse:
        """`POST token`: logs a user in."""
        from django.contrib.auth import authenticate
        from django.contrib.auth.signals import user_logged_in

        body = read(request, Credentials)
        refuse_throttled(self._sessions.throttle, request)
        # No username contains a NUL, and PostgreSQL raises an exception for one.
        is_possible = "\0" not in body.username
        with logging_in(SecretBox(body.password)):
            user = authenticate(request, username=body.username, password=body.password) if is_possible else None
        if user is None or not user.is_active:
            raise _wrong(request)
        self._end_previous(request)
        try:
            pair = self._sessions.create(user, request)
        except AccountChanged:
            raise _wrong(request) from None
        user_logged_in.send(sender=user.__class__, request=request, user=user)
        return self._began(request, pair, "token")

    def refresh(self, request: HttpRequest) -> HttpResponse:
        """`POST token/refresh`: exchanges a refresh token."""
        token = self._refresh_token(request)
        refuse_throttled(self._sessions.throttle, request)
        try:
            return self._began(request, self._sessions.refresh(token.value, request), "token/refresh")
        except InvalidRefreshToken as error:
            report_refusal(request, 401, error.code)
            raise

    def logout(self, request: HttpRequest) -> HttpResponse:
        """`POST logout`: ends the session of the access token."""
        user, row = self._caller(request)
        self._sessions.end(row.pk)
        self._refuse_ended(request, row)
        _log_out(request, user)
        return self._ended(request, "logout")

    def logout_by_token(self, request: HttpRequest) -> HttpResponse:
        """`POST logout` with a refresh token: ends its session."""
        body = read(request, Refresh)
        row = self._sessions.end_by_token(body.refresh_token)
        _log_out(request, row.user)
        return HttpResponse(status=204)

    def logout_all(self, request: HttpRequest) -> HttpResponse:
        """`POST logout/all`: ends all sessions of the account."""
        user, row = self._caller(request)
        self._sessions.end_all(user)
        self._refuse_ended(request, row)
        _log_out(request, user)
        return self._ended(request, "logout/all")

    def list(self, request: HttpRequest) -> HttpResponse:
        """`GET sessions`: the active sessions of the account."""
        user, current = self._caller(request)
        self._refuse_ended(request, current)
        sessions = [_shown(row, current) for row in self._sessions.list(user)]
        return json_response({"sessions": sessions}, 200)

    def end(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """`DELETE sessions/<id>`: ends a session of the account."""
        user, current = self._caller(request)
        self._refuse_ended(request, current)
        row = rows.find(session_id)
        if row is None or row.user_id != user.pk:
            raise Http404
        # Also if it has ended: its access tokens weren't revoked if the store was unavailable.
        self._sessions.end(row.pk)
        if not row.is_active:
            raise Http404
        return self._ended(request, f"sessions/{session_id}") if row.pk == current.pk else HttpResponse(status=204)

    def _end_previous(self, request: Any) -> None:
        """Ends the session that the client had before a login. Without cookies, none is known."""

    def _refresh_token(self, request: HttpRequest) -> SecretBox[Any]:
        return SecretBox(read(request, Refresh).refresh_token)

    def _began(self, request: HttpRequest, pair: TokenPair, route: str) -> HttpResponse:
        """The response of the view with this route, after a session was created or refreshed."""
        return json_response(
            {
                "access_token": pair.access_token,
                "refresh_token": pair.refresh_token,
                "token_type": "Bearer",
                "expires_in": pair.expires_in,
            },
            200,
        )

    def _ended(self, request: HttpRequest, route: str) -> HttpResponse:
        """The response of the view with this route, after the session of the caller was ended."""
        return HttpResponse(status=204)

    def _caller(self, request: Any) -> tuple[Any, TokenSession]:
        """The account and the session of the access token. The session may have ended."""
        user = get_current_user(request)
        session_id = request.context.session_id
        row = None if session_id is None else rows.find(session_id)
        if row is None or row.user_id != user.pk:
            raise NoSession(400, gettext("The access token doesn't belong to a session."))
        return user, row

    def _refuse_ended(self, request: HttpRequest, row: TokenSession) -> None:
        """Refuses an access token whose session had ended before the request."""
        if not row.is_active:
            report_refusal(request, 401, "session_ended")
            raise refused("session_ended")


def _wrong(request: HttpRequest) -> InvalidCredentials:
    report_refusal(request, 401, "credentials_invalid")
    return InvalidCredentials(gettext("The username or the password is wrong."))


def _log_out(request: HttpRequest, user: Any) -> None:
    from django.contrib.auth.signals import user_logged_out

    user_logged_out.send(sender=user.__class__, request=request, user=user)


def _shown(row: TokenSession, current: TokenSession) -> dict[str, Any]:
    return {
        "id": row.pk,
        "created_at": iso(row.created_at),
        "last_used_at": iso(row.last_used_at),
        "expires_at": iso(row.expires_at),
        "user_agent": row.user_agent,
        "ip_address": row.ip_address,
        "current": row.pk == current.pk,
    }
