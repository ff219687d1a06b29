"""The gate in front of a view: one call into Rust, a store asked where needed, and the answer to a refused caller."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from boltguard import _rust, conf
from boltguard.auth.backends import Authentication, check_backends
from boltguard.auth.guards import Guard, check_guards, conjunction
from boltguard.exceptions import HTTPException
from boltguard.responses import json_response
from boltguard.users import UserUnavailable, attach

logger = logging.getLogger("boltguard")

Settled = _rust.AuthContext | _rust.Refusal | _rust.Conditional
Outcome = Settled | _rust.Pending


class Gatekeeper:
    """The backends and guards of one view; those not given are the site's defaults, whatever they are at the time."""

    __slots__ = ("_auth", "_gate", "_guards")

    def __init__(self, auth: Any = None, guards: Any = None) -> None:
        self._auth = None if auth is None else check_backends(auth)
        self._guards = None if guards is None else check_guards(guards)
        self._gate: Gate | None = None

    @property
    def gate(self) -> Gate:
        """The gate, for the settings now in force."""
        gate, current = self._gate, conf.current()
        if gate is None or gate.conf is not current:
            self._gate = gate = Gate(current, self._auth, self._guards)
        return gate


class Gate:
    """A compiled gate, and the backends behind it."""

    __slots__ = ("_backends", "_headers", "_vary", "check", "conf")

    def __init__(self, current: conf.Conf, auth: list[Authentication] | None, guards: list[Guard] | None) -> None:
        self.conf = current
        self._backends = check_backends(current.authentication, conf.AUTHENTICATION) if auth is None else auth
        guards = check_guards(current.guards, conf.PERMISSIONS) if guards is None else guards
        rust = _rust.Gate([backend.rust for backend in self._backends], conjunction(guards))
        # The one call into Rust for a request, with its META.
        self.check = rust.check
        self._headers = sorted({backend.header.title() for backend in self._backends})
        self._vary = ("Vary", ", ".join(self._headers))

    def admit(self, request: HttpRequest) -> HttpResponse | None:
        """Lets the caller in, or gives the answer that refuses them."""
        return settle(request, self.finish(self.check(request.META)))

    def finish(self, outcome: Outcome) -> Settled:
        """Asks the stores until what `check` left open is settled."""
        while isinstance(outcome, _rust.Pending):
            outcome = outcome.resume(self._ask(outcome))
        return outcome

    async def afinish(self, outcome: Outcome) -> Settled:
        """`finish`, for async code. It is called only where there is something to wait for."""
        while isinstance(outcome, _rust.Pending):
            outcome = outcome.resume(await self._aask(outcome))
        return outcome

    def seal(self, request: HttpRequest, response: Any) -> Any:
        """Keeps shared caches from giving one caller's answer to another."""
        if not self._headers:
            return response
        # Setting a header the public way costs as much as verifying a token.
        stored = response.headers._store
        if "vary" in stored:
            patch_vary_headers(response, self._headers)
        else:
            stored["vary"] = self._vary
        if "cache-control" not in stored and request.context.is_authenticated:  # type: ignore[attr-defined]
            stored["cache-control"] = PRIVATE
        return response

    def _ask(self, pending: _rust.Pending) -> bool | None:
        """The store's answer; `None` where it gave none."""
        backend = self._backends[pending.backend_index]
        try:
            return backend.answer(pending)
        except Exception:
            logger.exception(NO_ANSWER, backend.store_name)
            return None

    async def _aask(self, pending: _rust.Pending) -> bool | None:
        backend = self._backends[pending.backend_index]
        try:
            return await backend.aanswer(pending)
        except Exception:
            logger.exception(NO_ANSWER, backend.store_name)
            return None


def settle(request: HttpRequest, outcome: Settled) -> HttpResponse | None:
    """Attaches the caller to the request, or gives the answer that refuses them."""
    decided = decide(outcome)
    if isinstance(decided, _rust.Refusal):
        return refuse(request, decided)
    attach(request, decided)
    return None


def decide(outcome: Settled) -> _rust.AuthContext | _rust.Refusal:
    """The decision. A check that nobody answers holds for nobody."""
    return outcome.decide({}) if isinstance(outcome, _rust.Conditional) else outcome


def refuse(request: HttpRequest, refusal: _rust.Refusal) -> HttpResponse:
    """The answer to a caller who is not let in. The precise reason goes to the log."""
    log(request, refusal.status, refusal.reason)
    headers = {} if refusal.challenge is None else {"WWW-Authenticate": refusal.challenge}
    return json_response(refusal.body, refusal.status, headers)


def answer(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer that a view raised."""
    if isinstance(error, Http404):
        return json_response({"detail": "Not Found", "code": "not_found"}, 404)
    if isinstance(error, PermissionDenied):
        return json_response({"detail": "Forbidden", "code": "forbidden"}, 403)
    assert isinstance(error, HTTPException)
    if isinstance(error, UserUnavailable):
        log(request, error.status_code, error.reason)
        error = error.said_by(request.context.auth_backend)  # type: ignore[attr-defined]
    headers = dict(error.headers)
    if error.status_code == 401 and "www-authenticate" not in map(str.lower, headers):
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    extra = {name: getattr(error, name) for name in ("code", "loc") if hasattr(error, name)}
    return json_response({"detail": error.detail, **extra}, error.status_code, headers)


def roll_back() -> None:
    """Undoes what a view did under `ATOMIC_REQUESTS`, since the error that it raised becomes an answer."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


def log(request: HttpRequest, status: int, reason: str) -> None:
    """Notes a refusal; never what was sent."""
    logger.info("%s %s refused: %s (%d)", request.method, request.path, reason, status, extra={"reason": reason})


ANSWERS = (HTTPException, Http404, PermissionDenied)
NO_ANSWER = "%s gave no answer"
PRIVATE = ("Cache-Control", "private")
