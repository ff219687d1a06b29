"""What the views do if the tokens are in cookies, behind the CSRF check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token

from boltguard.gate import csrf
from boltguard.gate.responses import json_response
from boltguard.sessions import cookies, rows
from boltguard.sessions.views import SessionViews

if TYPE_CHECKING:
    from boltguard.auth.secret_box import SecretBox
    from boltguard.sessions.token_pair import TokenPair


class CookieViews(SessionViews):
    """The views of a `TokenSessions` with cookies.

    Only a login, a refresh and a logout that succeed change the cookies. Since the request was sent, another tab may
    have refreshed the session, or begun another one, and its cookies must stay.
    """

    def csrf(self, request: HttpRequest) -> HttpResponse:
        """`GET csrf`: the CSRF token, in the body and in Django's cookie."""
        holder = HttpResponse()
        csrf.set_token(request, holder)
        response = json_response({"csrf_token": get_token(request)}, 200)
        response.cookies.update(holder.cookies)
        return response

    def token(self, request: Any) -> HttpResponse:
        """`POST token`: logs a user in. A session that the browser had before ends."""
        response = super().token(request)
        # Someone may have known or set it before the login.
        csrf.replace_token(request, response)
        return response

    def _end_previous(self, request: Any) -> None:
        """Ends the session of the access token in the cookie, if it is one of the account that the token is about.

        It is replaced, so it must neither count for `max_sessions` nor fail to end after the new one has begun.
        """
        context = request.context
        if context.credential_source != "cookie" or context.session_id is None:
            return
        row = rows.find(context.session_id)
        # Another issuer must not end a session of this site, whose ID it may know.
        if row is not None and row.subject == context.account:
            self._sessions.end(row.pk)

    def _refresh_token(self, request: HttpRequest) -> SecretBox[Any]:
        return cookies.refresh_token(request)

    def _began(self, request: HttpRequest, pair: TokenPair, route: str) -> HttpResponse:
        response = json_response({"expires_in": pair.expires_in}, 200)
        cookies.store(response, pair, cookies.refresh_path(request, route))
        return response

    def _ended(self, request: HttpRequest, route: str) -> HttpResponse:
        response = super()._ended(request, route)
        cookies.clear(response, cookies.refresh_path(request, route))
        return response
