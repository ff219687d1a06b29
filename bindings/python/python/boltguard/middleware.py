"""`BoltguardMiddleware`: `request.context` and `request.user` for every view of a site.

It identifies the caller with `BOLT_AUTHENTICATION_CLASSES` and refuses nobody: `protect`, `BoltAPI`, or the view
itself decides. Put it after `AuthenticationMiddleware`. Where no credential of ours was sent, `request.user` stays what
it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from boltguard._rust import AuthContext, Refusal
from boltguard.auth.guards import AllowAny
from boltguard.caches import CACHED, note_caches_outside
from boltguard.exceptions import HTTPException
from boltguard.gate import Gate, Gatekeeper, Settled, answer
from boltguard.users import attach


class BoltguardMiddleware:
    """Sync where the site is sync, and async where it is async."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._keeper = Gatekeeper(None, [AllowAny()])
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self._acall(request)
        gate = self._keeper.gate
        outcome = gate.check(request.META)
        settled = outcome if type(outcome) is AuthContext else gate.finish(request, outcome)
        refusal = self._attach(gate, request, settled)
        return refusal or self._leave(gate, request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> Any:
        gate = self._keeper.gate
        outcome = gate.check(request.META)
        settled = outcome if type(outcome) is AuthContext else await gate.afinish(request, outcome)
        refusal = self._attach(gate, request, settled)
        return refusal or self._leave(gate, request, await self.get_response(request))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A missing account, found out when a plain view read `request.user`, is 401 and not 500."""
        return answer(request, exception) if isinstance(exception, HTTPException) else None

    @staticmethod
    def _leave(gate: Gate, request: Any, response: Any) -> Any:
        is_known = request._boltguard_seen.is_authenticated
        # What a cache keeps of those without a credential is for everybody.
        if is_known and hasattr(request, CACHED):
            gate.leave(request, response)
        return gate.seal(request, response, is_known)

    def _attach(self, gate: Gate, request: Any, outcome: Settled) -> HttpResponse | None:
        if isinstance(outcome, Refusal):
            return gate.refuse(request, outcome)
        assert isinstance(outcome, AuthContext)
        if outcome.is_authenticated:
            attach(request, outcome)
            # No browser sends these credentials unasked, so there is no forgery to look for.
            request._dont_enforce_csrf_checks = True
        elif outcome.get("auth_error") is not None:
            attach(request, outcome)
        else:
            request.context = request._boltguard_seen = outcome
        if hasattr(request, CACHED):
            note_caches_outside(request)
        return None


def middleware_classes() -> list[Any]:
    """The classes among the site's `MIDDLEWARE`, the outermost first."""
    return [kind for path in settings.MIDDLEWARE if isinstance(kind := import_string(path), type)]
