"""`simplejwt_refresh_view`: exchanges the refresh tokens of simplejwt for sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from boltguard.auth.secret_box import SecretBox
from boltguard.events import report_refusal
from boltguard.exceptions import ExpiredSignatureError, InvalidRefreshToken, InvalidTokenError, Unauthorized
from boltguard.gate.responses import json_response
from boltguard.migrate.simplejwt_tokens import SimpleJWTTokens
from boltguard.sessions import TokenPair, TokenSessions
from boltguard.sessions.bodies import Body, read
from boltguard.sessions.refusals import AccountChanged, refused
from boltguard.sessions.throttling import refuse_throttled
from boltguard.sessions.urls import public


class OldRefresh(Body, frozen=True):
    """The body of a request, as simplejwt's clients send it."""

    refresh: str


class Exchange:
    """The view, with the sessions that it begins."""

    def __init__(self, sessions: TokenSessions, settings: Mapping[str, Any]) -> None:
        if not isinstance(sessions, TokenSessions) or sessions.uses_cookies:
            raise ImproperlyConfigured(
                "simplejwt_refresh_view: sessions must be a TokenSessions without cookies=True, because the tokens are "
                "in the bodies."
            )
        self._sessions = sessions
        self._tokens = SimpleJWTTokens("simplejwt_refresh_view", settings, blacklist=True)
        for table in self._tokens.tables:
            table.model  # noqa: B018  # raises if it isn't installed

    def refresh(self, request: HttpRequest) -> HttpResponse:
        """`POST {"refresh"}`: the next pair of tokens."""
        token = SecretBox(read(request, OldRefresh).refresh)
        refuse_throttled(self._sessions.throttle, request)
        try:
            pair = self._pair(token, request)
        except InvalidRefreshToken as error:
            report_refusal(request, 401, error.code)
            raise
        return json_response({"access": pair.access_token, "refresh": pair.refresh_token}, 200)

    def _pair(self, token: SecretBox[str], request: HttpRequest) -> TokenPair:
        if self._sessions.has_issued(token.value):
            return self._sessions.refresh(token.value, request)
        try:
            claims = self._tokens.claims_of(token.value, ["refresh"])
            return self._begin(claims, request)
        except ExpiredSignatureError:
            raise refused("refresh_token_expired") from None
        except (AccountChanged, InvalidTokenError, Unauthorized):
            raise refused("refresh_token_invalid") from None

    def _begin(self, claims: Mapping[str, Any], request: HttpRequest) -> TokenPair:
        """A new session. The refresh token is in the blacklist afterwards, unless the session couldn't be created."""
        user = self._tokens.user_of(claims)
        blacklist: Any = self._tokens.blacklist
        with transaction.atomic(using=blacklist.database):
            if not blacklist.add(self._tokens.id_of(claims), user, claims["exp"]):
                raise refused("refresh_token_invalid")
            return self._sessions.create(user, request)


def simplejwt_refresh_view(sessions: TokenSessions, settings: Mapping[str, Any]) -> Callable[..., HttpResponse]:
    """A view for the URL of simplejwt's `TokenRefreshView`: `{"refresh"}` in, `{"access", "refresh"}` out.

    A refresh token of simplejwt begins a session, once: it is then in the blacklist. Those that the view returns are of
    the `sessions`, and the view accepts them too, so that clients don't have to be changed if they store the new
    refresh token of each response. `settings` is the dict `SIMPLE_JWT`. Raises `ImproperlyConfigured` for settings that
    can't be followed, or without the app `token_blacklist`, in which the used tokens are stored.
    """
    return public("POST", Exchange(sessions, settings).refresh)
