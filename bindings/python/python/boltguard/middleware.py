"""`BoltguardMiddleware`: `request.context` and `request.user` for every view of a site.

It authenticates the caller with `BOLTGUARD_AUTHENTICATION_CLASSES`, but allows all requests: `protect`, `BoltAPI`, or
the view itself decides. Put it after `AuthenticationMiddleware`. If the request has no Boltguard credentials,
`request.user` is left unchanged.

With `BOLTGUARD_MIDDLEWARE_MODE = "shadow"`, it changes nothing, and only compares: see `boltguard.shadow`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from boltguard._rust import AuthContext, Refusal
from boltguard.api.endpoint import ENDPOINT
from boltguard.auth.guards import AllowAny
from boltguard.auth.journal import arestore, keep_revocations, open_journal, restore
from boltguard.auth.users import SEEN, attach, is_missing, load, needs_account, note_gate, prefetch
from boltguard.decorators import VIEW_GATES
from boltguard.events import UNSENT, asend_refusals
from boltguard.exceptions import HTTPException, RevocationError
from boltguard.gate import csrf
from boltguard.gate.caches import CACHED, note_caches_outside
from boltguard.gate.errors import error_response
from boltguard.gate.evaluation import Evaluated
from boltguard.gate.gate import Gate
from boltguard.gate.prefetch import view_wants_user
from boltguard.gate.view_gate import ViewGate
from boltguard.logs import log_refusal
from boltguard.overriding import refuse_overrides
from boltguard.shadow.observer import new_observer
from boltguard.threads import in_thread

__all__ = ["BoltguardMiddleware"]


class BoltguardMiddleware:
    """Authenticates the caller of each request, sync or async, or only compares in shadow mode."""

    sync_capable = True
    async_capable = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_overrides(cls, ImproperlyConfigured, AS_MIDDLEWARE, called=CALLED)
        for name in ("process_request", "process_response"):
            if hasattr(cls, name):
                raise ImproperlyConfigured(f"{cls.__name__}.{name} is never used. {AS_MIDDLEWARE}")

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._view_gate = ViewGate(None, [AllowAny()])
        self._observer = new_observer(self._view_gate)
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
            self.process_view = self._aprocess_view  # type: ignore[assignment,method-assign]

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self._acall(request)
        if self._observer is not None:
            response = self.get_response(request)
            self._observer.compare(request, response)
            return response
        open_journal([])
        gate = self._view_gate.gate
        try:
            refusal = self._identify(gate, request)
        except (HTTPException, RevocationError) as error:
            return error_response(request, error)
        if gate.verifies and refusal is None:
            load(request)
            self._verify(gate, request)
        return refusal or self._finalize(gate, request, self._respond(request))

    async def _acall(self, request: HttpRequest) -> Any:
        if self._observer is not None:
            response = await self.get_response(request)
            await self._observer.acompare(request, response)
            return response
        open_journal([])
        gate = self._view_gate.gate
        outcome = gate.check(request.META)
        try:
            evaluated = outcome if type(outcome) is AuthContext else await gate.afinish(request, outcome)
        except (HTTPException, RevocationError) as error:
            return error_response(request, error)
        refusal = self._attach(gate, request, evaluated)
        # Error reporters send the local variables of each frame, including the claims.
        del outcome, evaluated
        if gate.verifies and refusal is None:
            await prefetch(request)
            self._verify(gate, request)
        response = refusal or self._finalize(gate, request, await self._arespond(request))
        if UNSENT in request.__dict__:
            await asend_refusals(request)
        return response

    def _respond(self, request: HttpRequest) -> Any:
        """The response of the view, after revocations that were rolled back have been repeated."""
        response = self.get_response(request)
        try:
            restore()
        except RevocationError as error:
            return error_response(request, error)
        return response

    async def _arespond(self, request: HttpRequest) -> Any:
        response = await self.get_response(request)
        try:
            await arestore()
        except RevocationError as error:
            return error_response(request, error)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """The response to a forged request. Otherwise, loads the account for an async view that isn't protected."""
        if self._observer is not None:
            self._observer.decide(request, view)
            return None
        if _has_cookie(request) and (rejected := csrf.enforce(request)) is not None:
            return rejected
        if _wants_user(request, view):
            load(request)
        return None

    async def _aprocess_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        if self._observer is not None:
            await self._observer.adecide(request, view)
            return None
        if _has_cookie(request):
            # The CSRF token may be in the session.
            rejected = await in_thread(csrf.enforce)(request)
            if rejected is not None:
                return rejected
        if _wants_user(request, view):
            await prefetch(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The response for an exception of an unprotected view, after its transaction."""
        if self._observer is not None:
            return None
        error = keep_revocations(exception)
        return error_response(request, error) if isinstance(error, (HTTPException, RevocationError)) else None

    def _identify(self, gate: Gate, request: HttpRequest) -> HttpResponse | None:
        outcome = gate.check(request.META)
        evaluated = outcome if type(outcome) is AuthContext else gate.finish(request, outcome)
        return self._attach(gate, request, evaluated)

    @staticmethod
    def _verify(gate: Gate, request: Any) -> None:
        """Makes a caller without an account anonymous; the request isn't refused."""
        if request._boltguard_seen.is_authenticated and is_missing(request):
            log_refusal(request, 401, "user_unavailable")
            anonymous = gate.check_caller(None)
            assert isinstance(anonymous, AuthContext)
            attach(request, anonymous, gate)
            csrf.withdraw_exemption(request)

    @staticmethod
    def _finalize(gate: Gate, request: Any, response: Any) -> Any:
        is_known = request._boltguard_seen.is_authenticated
        # Responses to anonymous callers can be cached.
        if is_known and hasattr(request, CACHED):
            gate.check_response(request, response)
        return gate.finalize_response(request, response, is_known)

    def _attach(self, gate: Gate, request: Any, outcome: Evaluated) -> HttpResponse | None:
        if isinstance(outcome, Refusal):
            return gate.refuse(request, outcome)
        assert isinstance(outcome, AuthContext)
        if outcome.is_authenticated:
            attach(request, outcome, gate)
            # Browsers don't send these credentials automatically, so the request can't be forged.
            if not gate.is_ambient(request, outcome):
                csrf.exempt(request)
        elif outcome.get("auth_error") is not None:
            attach(request, outcome, gate)
        else:
            request.context = request._boltguard_seen = outcome
            note_gate(request, gate)
        if hasattr(request, CACHED):
            note_caches_outside(request)
        return None


def _has_cookie(request: Any) -> bool:
    """Whether the token of the caller is in a cookie, which browsers send automatically."""
    context = request.__dict__.get(SEEN)
    return context is not None and context.is_from_cookie


def _wants_user(request: HttpRequest, view: Any) -> bool:
    if hasattr(view, VIEW_GATES) or hasattr(view, ENDPOINT) or not iscoroutinefunction(view):
        return False
    return needs_account(request) or view_wants_user(view)


def middleware_classes() -> list[Any]:
    """The classes in `MIDDLEWARE`, the outermost first."""
    return [kind for path in settings.MIDDLEWARE if isinstance(kind := import_string(path), type)]


CALLED = {"__call__", "async_capable", "process_exception", "sync_capable"}
AS_MIDDLEWARE = "Override __call__, or add another middleware after it."
