"""`Gate`: authenticates the caller, checks CSRF, calls the view, and completes its response."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from boltguard import _rust, conf
from boltguard._rust import AuthContext
from boltguard.auth.backends import Authentication
from boltguard.auth.guards import Guard
from boltguard.auth.journal import akeep_revocations, arestore, keep_revocations, open_journal, restore
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.lazy_users import Visit
from boltguard.auth.objects import Admission, enter, mark_final, require_checked
from boltguard.auth.users import SEEN, attach, averify, needs_account, prefetch, verify
from boltguard.events import report_refusal
from boltguard.gate import caches, csrf
from boltguard.gate.caches import CACHED, note_caches_outside, refuse_caches_inside
from boltguard.gate.errors import HANDLED_EXCEPTIONS, error_response, invalid_response_error
from boltguard.gate.evaluation import Evaluated, Evaluator
from boltguard.gate.responses import json_response
from boltguard.stop_iteration import stopped
from boltguard.threads import in_thread
from boltguard.transactions import atomic_aliases, atomically


class Gate(Evaluator):
    """The compiled backends and guard of a view."""

    __slots__ = (
        "_has_cookie", "_has_custom", "_sent_headers", "_vary", "asks_objects", "backends", "challenge", "check",
        "check_caller", "conf", "guard", "headers", "never_shared", "verifies",
    )  # fmt: skip

    def __init__(self, current: conf.Conf, backends: list[Authentication], guard: Guard) -> None:
        conf.connect()
        caches.install()
        self.conf = current
        self.backends = backends
        self.guard = guard
        # Whether the account of each token must exist.
        self.verifies = any(isinstance(backend, JWTAuthentication) and backend.verify_user for backend in backends)
        self.asks_objects = any(check.about_object for check in guard.custom_checks.values())
        compiled = [backend.rust for backend in backends]
        gate = _rust.Gate(compiled, guard.rust)
        # The only call into Rust for a request, with its META.
        self.check = gate.check
        self.check_caller = gate.check_caller
        self.challenge = gate.challenge
        self.headers = tuple(sorted({name.title() for backend in backends for name in backend.headers}))
        # Whether a backend reads anything except its declared headers, so that `Vary` can't describe it.
        self.never_shared = any(not backend.headers for backend in backends)
        # Whether a token may be in a cookie.
        self._has_cookie = any(isinstance(backend, JWTAuthentication) and backend.cookie for backend in backends)
        self._has_custom = any(isinstance(backend, _rust.EdgeBackend) for backend in compiled)
        # The headers of the backends whose credentials browsers don't send automatically.
        self._sent_headers = {backend.name: backend.header for backend in backends if not backend.is_ambient}
        self._vary = ("Vary", ", ".join(self.headers))

    def run(self, request: Any, view: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """The response of a sync view, or the error response for a caller who isn't allowed."""
        visit, response = Visit.begin(request), None
        if visit.depth == 1:
            open_journal([])
        try:
            refusal = self.admit(request)
            if refusal is not None:
                return refusal
            if self.verifies:
                verify(request)
            if self.is_ambient(request, request._boltguard_seen):
                if (rejected := csrf.enforce(request)) is not None:
                    attach(request, AuthContext.csrf_failed(), self)
                    return self.finalize_response(request, rejected, False)
            elif request._boltguard_seen.is_authenticated:
                # Browsers don't send these credentials automatically, so the request can't be forged.
                csrf.exempt(request)
            elif csrf.may_be_forged(request, view) and (rejected := csrf.reject(request, view)) is not None:
                return self.finalize_response(request, rejected, False)
            if aliases := atomic_aliases(request, view):
                response = atomically(aliases, self._call, request, visit, view, args, kwargs)
            else:
                response = view(*args, **kwargs)
                if self.asks_objects or hasattr(request, CACHED):
                    self.check_response(request, response)
            if visit.depth == 1:
                restore()
        except HANDLED_EXCEPTIONS as error:
            # A custom backend may have raised it.
            request.__dict__.setdefault(SEEN, ANONYMOUS)
            response = None if visit.failure else error_response(request, keep_revocations(error))
        except Exception as error:
            if visit.failure is None:
                keep_revocations(error)
                # An async server runs the view in a future, which can't hold it.
                if isinstance(error, StopIteration):
                    raise stopped(view) from error
                raise
        finally:
            visit.depth -= 1
        # Even if the view caught the exception that was raised when it read the account.
        if visit.failure is not None:
            response = error_response(request, keep_revocations(visit.failure))
        return self.finalize_response(request, response, request._boltguard_seen.is_authenticated)

    async def arun(self, request: Any, wants_user: bool, view: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """`run`, for a view that is async or returns an awaitable. The account is loaded first if the view reads it."""
        visit, response = Visit.begin(request), None
        if visit.depth == 1:
            open_journal([])
        try:
            outcome = self.check(request.META)
            evaluated = outcome if type(outcome) is AuthContext else await self.afinish(request, outcome)
            refusal = self.enforce(request, evaluated)
            if refusal is not None:
                return refusal
            # Error reporters send the local variables of each frame, including the claims.
            del outcome, evaluated
            if self.is_ambient(request, request._boltguard_seen):
                # The token may be in the session.
                rejected = await in_thread(csrf.enforce)(request)
                if rejected is not None:
                    attach(request, AuthContext.csrf_failed(), self)
                    return self.finalize_response(request, rejected, False)
            elif request._boltguard_seen.is_authenticated:
                csrf.exempt(request)
            elif csrf.may_be_forged(request, view):
                # The token may be in the session.
                rejected = await in_thread(csrf.reject)(request, view)
                if rejected is not None:
                    return self.finalize_response(request, rejected, False)
            if self.verifies:
                await averify(request)
            elif wants_user or needs_account(request):
                await prefetch(request)
            response = view(*args, **kwargs)
            response = await response if hasattr(response, "__await__") else response
            if self.asks_objects or hasattr(request, CACHED):
                self.check_response(request, response)
            if visit.depth == 1:
                await arestore()
        except HANDLED_EXCEPTIONS as error:
            request.__dict__.setdefault(SEEN, ANONYMOUS)
            response = None if visit.failure else error_response(request, await akeep_revocations(error))
        except Exception as error:
            if visit.failure is None:
                await akeep_revocations(error)
                raise
        finally:
            visit.depth -= 1
        if visit.failure is not None:
            response = error_response(request, await akeep_revocations(visit.failure))
        return self.finalize_response(request, response, request._boltguard_seen.is_authenticated)

    def _call(self, request: HttpRequest, visit: Visit, view: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The response of the view in its transaction, which is rolled back if the response can't be sent."""
        response = view(*args, **kwargs)
        if visit.failure is not None:
            raise visit.failure
        if self.asks_objects or hasattr(request, CACHED):
            self.check_response(request, response)
        return response

    def admit(self, request: HttpRequest) -> HttpResponse | None:
        """Attaches the caller to the request, or returns the error response."""
        outcome = self.check(request.META)
        if type(outcome) is not AuthContext or self.asks_objects or hasattr(request, CACHED):
            return self.enforce(request, self.finish(request, outcome))
        attach(request, outcome, self)
        return None

    def enforce(self, request: HttpRequest, evaluated: Evaluated) -> HttpResponse | None:
        """Attaches the caller to the request, or returns the error response."""
        if type(evaluated) is AuthContext:
            attach(request, evaluated, self)
        elif isinstance(evaluated, _rust.Refusal):
            return self.refuse(request, evaluated)
        if hasattr(request, CACHED) and self.headers:
            note_caches_outside(request)
        if self.asks_objects:
            enter(request, evaluated if isinstance(evaluated, Admission) else Admission(self.guard), self)
        return None

    def is_ambient(self, request: HttpRequest, context: AuthContext) -> bool:
        """Whether the caller was authenticated by credentials that browsers send automatically."""
        if self._has_cookie and context.is_from_cookie:
            return True
        if not self._has_custom or not context.is_custom:
            return False
        header = self._sent_headers.get(context.auth_backend or "")
        return header is None or (header.lower() == "authorization" and csrf.is_sent_by_browsers(request))

    def refuse(self, request: HttpRequest, refusal: _rust.Refusal) -> HttpResponse:
        """The error response for a caller who isn't allowed. The precise reason is logged."""
        report_refusal(request, refusal.status, refusal.reason, refusal.claim)
        headers = {} if refusal.challenge is None else {"WWW-Authenticate": refusal.challenge}
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        response = mark_final(json_response(refusal.body, refusal.status, headers))
        self.finalize_response(request, response, refusal.status == 403)
        return response

    def check_response(self, request: HttpRequest, response: Any) -> None:
        """Raises if a cache would send the response to other callers, or if no object was checked."""
        if not isinstance(response, HttpResponseBase):
            raise invalid_response_error(request, response)
        if hasattr(request, CACHED):
            refuse_caches_inside(request, response, self.headers)
        if self.asks_objects:
            require_checked(request, response, self)

    def finalize_response(self, request: HttpRequest, response: Any, is_known: bool) -> Any:
        """Sets `Vary` and `Cache-Control`, so that shared caches don't send the response to another caller."""
        if not self.backends:
            return response
        # Setting a header through the public API costs as much as verifying a token.
        try:
            stored = response.headers._store
        except AttributeError:
            if isinstance(response, HttpResponseBase):
                raise
            raise invalid_response_error(request, response) from None
        if self.headers:
            stored["vary"] = ("Vary", _vary(stored["vary"][1], self.headers)) if "vary" in stored else self._vary
        if (is_known or self.never_shared) and "cache-control" not in stored:
            stored["cache-control"] = PRIVATE
        return response


@lru_cache(maxsize=256)
def _vary(value: str, headers: tuple[str, ...]) -> str:
    """The value of `Vary` with these headers added."""
    response = HttpResponse(headers={"Vary": value})
    patch_vary_headers(response, headers)
    return response["Vary"]


# The context of a request whose authentication ended with an exception.
ANONYMOUS = _rust.Gate([], _rust.Guard.allow_any()).check_caller(None)
PRIVATE = ("Cache-Control", "private")
