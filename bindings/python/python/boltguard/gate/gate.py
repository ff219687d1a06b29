"""The gate of a view: one call into Rust, a look-up in a store if necessary, and the response to a refused caller."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

from boltguard import _rust, conf, registry
from boltguard._rust import AuthContext
from boltguard.auth.accounts import UserUnavailable
from boltguard.auth.backends import Authentication, Need, Step, check_backends
from boltguard.auth.custom_checks import ASYNC_REMEDY
from boltguard.auth.guards import Guard, check_guards, conjunction
from boltguard.auth.journal import akeep_revocations, arestore, keep_revocations, open_journal, restore
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.objects import Admission, ObjectRefused, enter, mark_final, require_checked
from boltguard.auth.users import SEEN, Visit, attach, averify, needs_account, prefetch, verify
from boltguard.events import report_refusal
from boltguard.exceptions import HTTPException, RevocationError
from boltguard.gate import caches, csrf
from boltguard.gate.caches import CACHED, note_caches_outside, refuse_caches_inside
from boltguard.gate.responses import json_response
from boltguard.logs import explains, log_explanation
from boltguard.stop_iteration import stopped
from boltguard.threads import in_thread
from boltguard.transactions import atomic_aliases, atomically

if TYPE_CHECKING:
    from boltguard.auth.custom_checks import CustomCheck

logger = logging.getLogger("boltguard")

Evaluated = AuthContext | _rust.Refusal | Admission


class ViewGate:
    """The backends and guards of one view. Those that it doesn't set are the current defaults of the site."""

    __slots__ = ("__weakref__", "_auth", "_gate", "_guards", "_sync_handlers")

    def __init__(self, auth: Any = None, guards: Any = None) -> None:
        self._auth = None if auth is None else check_backends(auth)
        self._guards = None if guards is None else check_guards(guards)
        self._gate: Gate | None = None
        self._sync_handlers: set[str] = set()
        if self._auth is not None and self._guards is not None:
            refuse_absent_backends(conjunction(self._guards), self._auth)
        registry.remember(self)

    @property
    def names_guards(self) -> bool:
        """Whether the view sets its own guards."""
        return self._guards is not None

    @property
    def gate(self) -> Gate:
        """The gate for the current settings."""
        # `conf.current()` would cost as much as the rest of this property.
        gate, current = self._gate, conf._current
        if gate is None or gate.conf is not current:
            self._gate = gate = Gate(current, *self.parts(current))
        return gate

    def parts(self, current: conf.Conf) -> tuple[list[Authentication], Guard]:
        """The backends and the guard. Raises `ImproperlyConfigured` if a setting is invalid."""
        auth, guards = self._auth, self._guards
        if auth is None:
            auth = check_backends(current.authentication, conf.written(conf.AUTHENTICATION))
        if guards is None:
            guards = check_guards(current.guards, conf.written(conf.PERMISSIONS))
        guard = conjunction(guards)
        refuse_absent_backends(guard, auth)
        return auth, guard

    @property
    def has_default_guards(self) -> bool:
        """Whether the view uses the site's default guards."""
        return self._guards is None

    def refuse_async_checks(self, handler: Any) -> None:
        """Raises for a sync handler with async checks. `async_defaults` reports those among the site's defaults."""
        name = getattr(handler, "__qualname__", repr(handler))
        self._sync_handlers.add(name)
        for check in _async_checks(self._guards or ()):
            raise ImproperlyConfigured(f"{name} is sync, but the check {check.name!r} is async. {ASYNC_REMEDY}")

    def async_defaults(self, current: conf.Conf) -> Iterator[str]:
        """Errors of sync handlers that use the site's default guards, of which a check is async."""
        setting = conf.written(conf.PERMISSIONS)
        for check in _async_checks(current.guards if self._guards is None else ()):
            for name in self._sync_handlers:
                yield f"{name} is sync, but the check {check.name!r} of {setting} is async. {ASYNC_REMEDY}"


class LoginRequired:
    """The `login_required` of a view, for Django's middleware: true if neither the view nor the site has guards."""

    __slots__ = ("_view_gates",)

    def __init__(self, view_gates: Callable[[], Iterable[ViewGate]]) -> None:
        self._view_gates = view_gates

    def __bool__(self) -> bool:
        return not conf.current().names_guards and not all(view_gate.names_guards for view_gate in self._view_gates())


class Gate:
    """A compiled gate and its backends."""

    __slots__ = (
        "_has_custom", "_sent_headers", "_vary", "asks_objects", "backends", "challenge", "check",
        "check_caller", "conf", "guard", "headers", "verifies",
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
        self._has_custom = any(isinstance(backend, _rust.EdgeBackend) for backend in compiled)
        # The headers of the backends whose credentials browsers don't send automatically.
        self._sent_headers = {backend.name: backend.header for backend in backends if not backend.is_ambient}
        self._vary = ("Vary", ", ".join(self.headers))

    def run(self, request: Any, view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
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

    async def arun(self, request: Any, wants_user: bool, view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
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

    def finish(self, request: HttpRequest, outcome: Step) -> Evaluated:
        """Queries stores and runs checks, if the outcome of `check` requires them."""
        evaluated = self.resume(request, outcome)
        if isinstance(evaluated, _rust.GuardChecks):
            return self._run_checks(request, evaluated)
        if isinstance(evaluated, _rust.Refusal):
            caller = evaluated.context if self.verifies or explains() else None
            if self.verifies and caller is not None:
                attach(request, caller, self)
                verify(request)
            log_explanation(self.guard, request, evaluated, caller)
        return evaluated

    async def afinish(self, request: HttpRequest, outcome: Step) -> Evaluated:
        """`finish`, for async code. It isn't called if the caller is allowed immediately."""
        evaluated = await self.aresume(request, outcome)
        if isinstance(evaluated, _rust.GuardChecks):
            return await self._arun_checks(request, evaluated)
        if isinstance(evaluated, _rust.Refusal):
            caller = evaluated.context if self.verifies or explains() else None
            if self.verifies and caller is not None:
                attach(request, caller, self)
                await averify(request)
            log_explanation(self.guard, request, evaluated, caller)
        return evaluated

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
        """Whether the caller was authenticated by something that browsers send automatically."""
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
        if is_known and "cache-control" not in stored:
            stored["cache-control"] = PRIVATE
        return response

    def _run_checks(self, request: HttpRequest, checks: _rust.GuardChecks) -> Evaluated:
        """Runs the checks that the decision depends on for this caller."""
        attach(request, checks.context, self)
        if self.verifies:
            verify(request)
        results: dict[str, bool] = {}
        while (check := self.guard.next_check(checks, results, about_object=False)) is not None:
            results[check.name] = check.run(request)
        return self._conclude(request, checks, results)

    async def _arun_checks(self, request: HttpRequest, checks: _rust.GuardChecks) -> Evaluated:
        attach(request, checks.context, self)
        if self.verifies:
            await averify(request)
        results: dict[str, bool] = {}
        while (check := self.guard.next_check(checks, results, about_object=False)) is not None:
            results[check.name] = await check.arun(request)
        return self._conclude(request, checks, results)

    def _conclude(self, request: HttpRequest, checks: _rust.GuardChecks, results: Mapping[str, bool]) -> Evaluated:
        decided = checks.resume(results) if self.asks_objects else checks.finish(results)
        if isinstance(decided, _rust.Refusal):
            log_explanation(self.guard, request, decided, checks.context, results)
            return decided
        return Admission(self.guard, checks, results)

    def resume(self, request: HttpRequest, step: Step) -> AuthContext | _rust.Refusal | _rust.GuardChecks:
        """Provides what the evaluation needs, until the caller is known."""
        while isinstance(step, Need):
            need, backend = step, self.backends[step.backend_index]
            if isinstance(need, _rust.EdgeAuthentication):
                step = backend.identify(request, need)
                continue
            try:
                step = backend.resume(need)
            except Exception:
                logger.exception(UNAVAILABLE, backend.store_name)
                step = need.unavailable()
        return step

    async def aresume(self, request: HttpRequest, step: Step) -> AuthContext | _rust.Refusal | _rust.GuardChecks:
        """`resume`, for async code."""
        while isinstance(step, Need):
            need, backend = step, self.backends[step.backend_index]
            if isinstance(need, _rust.EdgeAuthentication):
                step = await backend.aidentify(request, need)
                continue
            try:
                step = await backend.aresume(need)
            except Exception:
                logger.exception(UNAVAILABLE, backend.store_name)
                step = need.unavailable()
        return step


@lru_cache(maxsize=256)
def _vary(value: str, headers: tuple[str, ...]) -> str:
    """The value of `Vary` with these headers added."""
    response = HttpResponse(headers={"Vary": value})
    patch_vary_headers(response, headers)
    return response["Vary"]


def _async_checks(guards: Iterable[Guard]) -> Iterator[CustomCheck]:
    return (check for guard in guards for check in guard.custom_checks.values() if check.is_async)


def invalid_response_error(request: HttpRequest, returned: Any) -> ValueError:
    """The error of a view that returned this."""
    view = getattr(request.resolver_match, "_func_path", "function")
    if iscoroutine(returned):
        returned.close()
        return ValueError(f"The view {view} returned a coroutine. {HIDDEN_ASYNC}")
    kind = "None" if returned is None else f"a {type(returned).__name__}"
    return ValueError(f"The view {view} didn't return an HttpResponse object. It returned {kind} instead.")


def error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """The response to an exception that a view or a check raised."""
    return mark_final(_error_response(request, error))


def _error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, Http404):
        return json_response({"detail": "Not Found", "code": "not_found"}, 404)
    if isinstance(error, RevocationError):
        return json_response({"detail": STORE_UNAVAILABLE, "code": error.code}, 503)
    if not isinstance(error, HTTPException):
        return json_response({"detail": "Forbidden", "code": "forbidden"}, 403)
    if isinstance(error, ObjectRefused):
        report_refusal(request, error.status_code, error.refusal.reason)
    if isinstance(error, UserUnavailable):
        report_refusal(request, error.status_code, error.reason)
        context = getattr(request, "context", None)
        error = error if context is None else error.for_context(context)
    return json_response(body_of(error), error.status_code, headers_of(error))


def headers_of(error: HTTPException) -> dict[str, str]:
    """The headers of the response to an exception. A 401 always has a challenge."""
    headers = dict(error.headers)
    if error.status_code == 401 and "www-authenticate" not in map(str.lower, headers):
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return headers


def body_of(error: HTTPException) -> dict[str, Any]:
    """The body of the response to an exception."""
    extra = {name: getattr(error, name) for name in ("code", "loc") if hasattr(error, name)}
    return {"detail": error.detail, **extra}


def refuse_absent_backends(guard: Guard, backends: Iterable[Authentication]) -> None:
    """Raises `ImproperlyConfigured` if a guard requires a backend that isn't among these."""
    names = sorted({backend.name for backend in backends})
    for name in guard.rust.backends:
        if name not in names:
            there = f"only {', '.join(names)}" if names else "no authentication backends"
            raise ImproperlyConfigured(f"Guard {guard} requires the {name!r} backend, but this view has {there}.")


# The context of a request whose authentication ended with an exception.
ANONYMOUS = _rust.Gate([], _rust.Guard.allow_any()).check_caller(None)
HANDLED_EXCEPTIONS = (HTTPException, Http404, PermissionDenied, RevocationError)
HIDDEN_ASYNC = "A decorator between `protect` and an async view is sync. Put `protect` directly above the view."
UNAVAILABLE = "%s is unavailable."
STORE_UNAVAILABLE = _("The revocation store is unavailable.")
PRIVATE = ("Cache-Control", "private")
