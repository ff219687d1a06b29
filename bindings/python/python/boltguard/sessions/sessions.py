"""`TokenSessions`: creates, refreshes and ends sessions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern

from boltguard import _rust, conf, registry
from boltguard.auth.accounts import UserUnavailable, active
from boltguard.auth.failures import Failures
from boltguard.auth.issuing import AccessTokenIssuer, ExtraClaims
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.renewed_revocation import note_issued
from boltguard.auth.secret_box import SecretBox
from boltguard.auth.session_managers import SessionManager
from boltguard.auth.store_classes import owner
from boltguard.auth.stores import RevocationStore
from boltguard.auth.tokens import subject_of
from boltguard.events import send
from boltguard.exceptions import ConfigurationError
from boltguard.logs import log_failed_revocation
from boltguard.messages import kind_of
from boltguard.sessions import clock, cookies, ending, rows
from boltguard.sessions.accounts import account, auth_hash
from boltguard.sessions.introspection import described
from boltguard.sessions.refusals import AccountChanged, refused, unavailable
from boltguard.sessions.throttling import Throttle, checked
from boltguard.sessions.token_pair import TokenPair
from boltguard.signals import refresh_token_reused
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from boltguard.sessions.models import TokenSession

logger = logging.getLogger("boltguard")

Lifetime = float | timedelta


class TokenSessions(SessionManager):
    """Sessions: an access token that is valid for minutes, and a refresh token that is exchanged for the next pair.

    `jwt_auth` is the `JWTAuthentication` of the views, which accepts the access tokens. Its secret signs them, or its
    `SigningKeys`; if it has a public key, `signing_key` is the private key. If it has a revocation store, the access
    tokens of a session are revoked when the session ends; otherwise they stay valid until they expire.

    `access_lifetime` is how long an access token is valid, 15 minutes by default, but never longer than its session. A
    session expires if it isn't refreshed for `refresh_lifetime` (14 days), and in any case `session_lifetime` (90 days)
    after the login. For `reuse_grace` (10 seconds, at most a minute) after a refresh token was used, it returns the
    same pair again; later it ends the session. Durations are `timedelta`s or seconds.

    `max_sessions` is how many active sessions a user can have: a login ends the oldest ones. `claims` is a dict of
    additional claims of the access tokens, or a function of the user that returns one.

    With `cookies=True`, the views have the tokens in cookies that scripts can't read, instead of in bodies. The backend
    must be `JWTAuthentication(cookie="__Host-access")`. All requests with unsafe methods must then pass Django's CSRF
    check, and a check of their origin.

    `throttle` limits logins and refreshes: a function of the request that returns the seconds to wait, for a response
    with the status 429, or `None`.

    Invalid arguments raise `ImproperlyConfigured`.
    """

    def __init__(
        self,
        jwt_auth: JWTAuthentication,
        *,
        access_lifetime: Lifetime = timedelta(minutes=15),
        refresh_lifetime: Lifetime = timedelta(days=14),
        session_lifetime: Lifetime = timedelta(days=90),
        reuse_grace: Lifetime = timedelta(seconds=10),
        max_sessions: int | None = None,
        claims: ExtraClaims = None,
        signing_key: Any = None,
        cookies: bool = False,
        throttle: Throttle | None = None,
    ) -> None:
        signing_key = SecretBox(signing_key)
        if apps.apps_ready and not apps.is_installed("boltguard.sessions"):
            raise ImproperlyConfigured(NOT_INSTALLED)
        if max_sessions is not None and (type(max_sessions) is not int or max_sessions < 1):
            raise ImproperlyConfigured(
                f"TokenSessions: max_sessions is {kind_of(max_sessions)}. It must be a positive number or None."
            )
        self._durations = {
            "access_lifetime": _seconds("access_lifetime", access_lifetime),
            "refresh_lifetime": _seconds("refresh_lifetime", refresh_lifetime),
            "session_lifetime": _seconds("session_lifetime", session_lifetime),
            "reuse_grace": _seconds("reuse_grace", reuse_grace),
        }
        self._max_sessions = max_sessions
        self._built: tuple[conf.Conf, _rust.SessionEngine] | None = None
        self._engine()
        self._issuer = AccessTokenIssuer(
            "TokenSessions", jwt_auth, self._durations["access_lifetime"], claims, signing_key.value
        )
        _refuse_single_tokens(jwt_auth.revocation_store)
        self._uses_cookies = _checked_cookies(cookies, jwt_auth)
        self._throttle = checked(throttle)
        registry.remember(self)

    @property
    def jwt_auth(self) -> JWTAuthentication:
        """The backend that accepts the access tokens."""
        return self._issuer.backend

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token is valid."""
        return timedelta(seconds=self._durations["access_lifetime"])

    @property
    def revocation_store(self) -> RevocationStore | None:
        """The store of the backend, in which the access tokens are revoked."""
        return self.jwt_auth.revocation_store

    @property
    def policy(self) -> dict[str, float | None]:
        """The durations in seconds, and `max_sessions`."""
        return {**self._durations, "max_sessions": self._max_sessions}

    @property
    def uses_cookies(self) -> bool:
        """Whether the views have the tokens in cookies."""
        return self._uses_cookies

    @property
    def throttle(self) -> Throttle | None:
        """The function that limits logins and refreshes."""
        return self._throttle

    @property
    def urls(self) -> tuple[list[URLPattern], str, str]:
        """For `path("auth/", sessions.urls)`. The application namespace is `boltguard_sessions`."""
        return self._patterns, "boltguard_sessions", cookies.NAMESPACE if self._uses_cookies else "boltguard_sessions"

    def create(self, user: Any, request: HttpRequest | None = None) -> TokenPair:
        """Begins a session of a user who has just logged in. The user agent and IP address of the request are stored.

        Raises `ValueError` if the user isn't saved, is inactive, or was changed in the database in the meantime.
        """
        engine, subject = self._engine(), subject_of(user)
        try:
            active(user)
        except UserUnavailable:
            raise ValueError("The user is inactive. Only an active user can have a session.") from None
        note_issued(subject)
        state = engine.begin(subject, clock.now())
        expires, is_limited = engine.expires(state), self._max_sessions is not None
        row = rows.insert(state, user, expires, auth_hash(user), request, is_limited=is_limited)
        try:
            # The account may have been changed while the password was verified.
            if account(row) is None:
                raise AccountChanged(CHANGED)
            pair = self._issue(state, user)
            self._end_oldest(user)
        except BaseException:
            # No client has its tokens, so it must not count for `max_sessions`.
            self.end(row.pk)
            raise
        return pair

    async def acreate(self, user: Any, request: HttpRequest | None = None) -> TokenPair:
        """`create`, for async code."""
        return await in_thread(self.create)(user, request)

    def refresh(self, refresh_token: str, request: HttpRequest | None = None) -> TokenPair:
        """Exchanges a refresh token for the next pair of tokens.

        Raises `InvalidRefreshToken`, whose `code` is the reason. If the token was used before, the session is ended.
        Call it outside of a transaction that is rolled back when the exception is raised.
        """
        token = SecretBox(refresh_token)
        del refresh_token
        presented = self._verify(token)
        for _ in range(ATTEMPTS):
            pair = self._try_refresh(presented, request)
            if pair is not None:
                return pair
        raise unavailable()

    async def arefresh(self, refresh_token: str, request: HttpRequest | None = None) -> TokenPair:
        """`refresh`, for async code."""
        token = SecretBox(refresh_token)
        del refresh_token
        return await in_thread(lambda: self.refresh(token.value, request))()

    def end(self, session_id: str) -> bool:
        """Ends a session, and revokes its access tokens in the revocation stores of all `TokenSessions` of the site.

        Returns whether the session hadn't ended before.
        """
        return ending.end(session_id)

    async def aend(self, session_id: str) -> bool:
        """`end`, for async code."""
        return await in_thread(self.end)(session_id)

    def end_by_token(self, refresh_token: str) -> TokenSession:
        """Ends the session of a refresh token, also of one that was used before, and returns its row.

        Raises `InvalidRefreshToken` if the token isn't one of this site, or the session doesn't exist.
        """
        token = SecretBox(refresh_token)
        del refresh_token
        row = rows.find(self._verify(token).session_id)
        if row is None:
            raise refused("refresh_token_invalid")
        self.end(row.pk)
        return row

    async def aend_by_token(self, refresh_token: str) -> TokenSession:
        """`end_by_token`, for async code."""
        token = SecretBox(refresh_token)
        del refresh_token
        return await in_thread(lambda: self.end_by_token(token.value))()

    def has_issued(self, refresh_token: str) -> bool:
        """Whether this is a refresh token of this site, also one that was used, has expired or is of an ended session.

        It only verifies the token, without a query.
        """
        token = SecretBox(refresh_token)
        del refresh_token
        return self._presented(token) is not None

    def introspect(self, refresh_token: str) -> dict[str, Any] | None:
        """The response of token introspection (RFC 7662 §2.2) for a refresh token, or `None` if it isn't active.

        It is active if it is the current one of a session that can be continued. Introspection isn't a use: it changes
        nothing, also if the token was used before.
        """
        token = SecretBox(refresh_token)
        del refresh_token
        engine, presented = self._engine(), self._presented(token)
        row = None if presented is None else rows.find(presented.session_id)
        if presented is None or row is None or not row.is_active:
            return None
        if engine.decide(row.state, presented, clock.now()).kind != "rotate":
            return None
        user = account(row)
        return None if user is None else described(row, user)

    async def aintrospect(self, refresh_token: str) -> dict[str, Any] | None:
        """`introspect`, for async code."""
        token = SecretBox(refresh_token)
        del refresh_token
        return await in_thread(lambda: self.introspect(token.value))()

    def end_all(self, user: Any, keep: str | None = None) -> int:
        """Ends the sessions of a user and revokes all access tokens of the user issued until now. Returns their number.

        `keep` is the ID of a session that continues, also after the user has changed the password.
        """
        return ending.end_all(user, keep)

    async def aend_all(self, user: Any, keep: str | None = None) -> int:
        """`end_all`, for async code."""
        return await in_thread(self.end_all)(user, keep)

    def list(self, user: Any) -> Sequence[TokenSession]:
        """The active sessions of a user, those that were used last first."""
        return [*rows.rows().of(user).active()]

    async def alist(self, user: Any) -> Sequence[TokenSession]:
        """`list`, for async code."""
        return await in_thread(self.list)(user)

    def set_cookies(self, response: HttpResponseBase, pair: TokenPair) -> None:
        """Adds the cookies of a pair to the response of a custom view that creates a session, with `cookies=True`.

        `urls` must be part of the URLconf, in the namespace `boltguard_sessions`.
        """
        cookies.store(response, pair, self._refresh_path())

    def clear_cookies(self, response: HttpResponseBase) -> None:
        """Deletes the cookies of the session with the response of a custom view that ends it, with `cookies=True`."""
        cookies.clear(response, self._refresh_path())

    def __repr__(self) -> str:
        durations = ", ".join(f"{name}={seconds:g}" for name, seconds in self._durations.items())
        return f"TokenSessions({durations}, max_sessions={self._max_sessions!r}, cookies={self._uses_cookies!r})"

    @cached_property
    def _patterns(self) -> Any:
        from boltguard.sessions.urls import patterns

        return patterns(self)

    def _refresh_path(self) -> str:
        if not self._uses_cookies:
            raise ImproperlyConfigured("TokenSessions: only sessions with cookies=True have cookies.")
        return cookies.mounted_refresh_path()

    def _engine(self) -> _rust.SessionEngine:
        """The engine with the current secrets."""
        current = conf.current()
        if self._built is None or self._built[0] is not current:
            secrets = [SecretBox(secret) for secret in current.secrets]
            self._built = (current, _build(secrets, self._durations))
        return self._built[1]

    def _presented(self, token: SecretBox[Any]) -> _rust.PresentedRefreshToken | None:
        """The session and the generation of a refresh token of this site."""
        return self._engine().verify(token.value) if isinstance(token.value, str) else None

    def _verify(self, token: SecretBox[Any]) -> _rust.PresentedRefreshToken:
        presented = self._presented(token)
        if presented is None:
            raise refused("refresh_token_invalid")
        return presented

    def _try_refresh(self, presented: _rust.PresentedRefreshToken, request: HttpRequest | None) -> TokenPair | None:
        """The next pair, or `None` if another request changed the session in between."""
        engine, row = self._engine(), rows.find(presented.session_id)
        if row is None:
            raise refused("refresh_token_invalid")
        note_issued(row.subject)
        if row.ended_at is None and not row.is_active:
            # Another `TokenSessions` with a longer lifetime doesn't continue it.
            raise refused("refresh_token_expired")
        decision = engine.decide(row.state, presented, clock.now())
        if decision.kind == "reused":
            self._end_reused(row, request)
        if decision.kind == "ended":
            self._end_again(row.pk)
        if decision.code is not None:
            raise refused(decision.code)
        user = account(row)
        if user is None and rows.has_other_hash(row):
            return None
        if user is None:
            self._end_again(row.pk)
            raise refused("session_ended")
        if decision.next is None:
            return self._issue(row.state, user)
        following = decision.next
        if not rows.rotate(row, following, engine.expires(following), auth_hash(user)):
            return None
        return self._issue(following, user)

    def _end_oldest(self, user: Any) -> None:
        """Ends the sessions that are too many."""
        if self._max_sessions is None:
            return
        failures = Failures()
        # Also the new one, if newer ones began in the meantime. All simultaneous logins therefore keep the same ones.
        for session_id in rows.oldest(user, self._max_sessions):
            failures.catch(self.end, session_id)
        failures.raise_worst()

    def _end_again(self, session_id: str) -> None:
        """Ends a session that can't be continued. If a store is unavailable, the refresh is refused all the same."""
        try:
            self.end(session_id)
        except Exception as error:
            log_failed_revocation(error)

    def _end_reused(self, row: TokenSession, request: HttpRequest | None) -> None:
        try:
            self.end(row.pk)
        finally:
            logger.warning("A refresh token of session %s was used again. The session was ended.", row.pk)
            send(refresh_token_reused, type(row), session=row, request=request)

    def _issue(self, state: _rust.SessionState, user: Any) -> TokenPair:
        engine, now = self._engine(), clock.now()
        minter, claims = self._issuer.minter(state.last_used), self._issuer.claims(user, state.id)
        return TokenPair(
            access_token=engine.access_token(state, minter, claims),
            refresh_token=engine.refresh_token(state),
            expires_in=max(int(engine.access_expires(state) - now), 0),
            refresh_expires_in=max(int(engine.expires(state) - now), 0),
            session_id=state.id,
        )


def _build(secrets: list[SecretBox[str | bytes]], durations: dict[str, float]) -> _rust.SessionEngine:
    try:
        return _rust.SessionEngine([_bytes(secret) for secret in secrets], **durations)
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"TokenSessions: {error}.") from None


def _refuse_single_tokens(store: RevocationStore | None) -> None:
    if store is not None and owner(type(store), "revoke_level") is RevocationStore:
        name = type(store).__name__
        raise ImproperlyConfigured(
            f"TokenSessions: the revocation store {name} of the JWTAuthentication revokes single tokens only. Define "
            f"{name}.revoke_level(self, level, before, ttl=None) and {name}.check(self, query)."
        )


def _checked_cookies(uses: bool, jwt_auth: JWTAuthentication) -> bool:
    if not isinstance(uses, bool):
        raise ImproperlyConfigured(f"TokenSessions: cookies is {kind_of(uses)}. It must be True or False.")
    if uses and jwt_auth.cookie != cookies.ACCESS:
        raise ImproperlyConfigured(
            f"TokenSessions: cookies=True sets the cookie {cookies.ACCESS!r}, which the JWTAuthentication doesn't "
            f"accept. Use JWTAuthentication(cookie={cookies.ACCESS!r})."
        )
    return uses


def _bytes(secret: SecretBox[str | bytes]) -> bytes:
    return secret.value.encode() if isinstance(secret.value, str) else bytes(secret.value)


def _seconds(name: str, value: Lifetime) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not abs(seconds) < 1e11:
        raise ImproperlyConfigured(f"TokenSessions: {name} is {kind_of(value)}. It must be a timedelta or seconds.")
    return float(seconds)


NOT_INSTALLED = (
    'TokenSessions requires the app "boltguard.sessions". Add it to INSTALLED_APPS and run '
    "`python manage.py migrate boltguard_sessions`."
)
CHANGED = "The user was deactivated, deleted or given another password in the meantime."
# The second attempt succeeds, unless reads are stale.
ATTEMPTS = 4
