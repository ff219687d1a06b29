"""The gate in front of a view: one call into Rust, a store asked where needed, and the answer to a refused caller."""

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
from boltguard.auth.objects import Admission, ObjectRefused, enter, leave, mark_final
from boltguard.auth.users import Visit, attach, averify, needs_account, prefetch, verify
from boltguard.events import report_refusal
from boltguard.exceptions import HTTPException, RevocationError
from boltguard.gate import caches, csrf
from boltguard.gate.caches import CACHED, note_caches_outside, refuse_caches_inside
from boltguard.gate.responses import json_response
from boltguard.logs import explains, note
from boltguard.stop_iteration import stopped
from boltguard.threads import in_thread
from boltguard.transactions import atomic_aliases, atomically

if TYPE_CHECKING:
    from boltguard.auth.custom_checks import CustomCheck

logger = logging.getLogger("boltguard")

Settled = AuthContext | _rust.Refusal | Admission


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
        """Whether the guards are its own."""
        return self._guards is not None

    @property
    def gate(self) -> Gate:
        """The gate, for the settings now in force."""
        # Not by `conf.current()`: a call costs as much as the rest of this.
        gate, current = self._gate, conf._current
        if gate is None or gate.conf is not current:
            self._gate = gate = Gate(current, *self.parts(current))
        return gate

    def parts(self, current: conf.Conf) -> tuple[list[Authentication], Guard]:
        """The backends and the guard, or `ImproperlyConfigured`."""
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
        """Whether its view relies on the site's default guards."""
        return self._guards is None

    def refuse_async_checks(self, handler: Any) -> None:
        """For a sync handler. Those among the site's defaults are for `async_defaults`."""
        name = getattr(handler, "__qualname__", repr(handler))
        self._sync_handlers.add(name)
        for check in _async_checks(self._guards or ()):
            raise ImproperlyConfigured(f"{name} is sync, but the check {check.name!r} is async. {ASYNC_REMEDY}")

    def async_defaults(self, current: conf.Conf) -> Iterator[str]:
        """What is wrong where a sync handler relies on the site's default guards, and a check of these is async."""
        setting = conf.written(conf.PERMISSIONS)
        for check in _async_checks(current.guards if self._guards is None else ()):
            for name in self._sync_handlers:
                yield f"{name} is sync, but the check {check.name!r} of {setting} is async. {ASYNC_REMEDY}"


class LoginRequired:
    """What a view says to `LoginRequiredMiddleware`: true as long as neither the view nor the site has guards."""

    __slots__ = ("_view_gates",)

    def __init__(self, view_gates: Callable[[], Iterable[ViewGate]]) -> None:
        self._view_gates = view_gates

    def __bool__(self) -> bool:
        return not conf.current().names_guards and not all(view_gate.names_guards for view_gate in self._view_gates())


class Gate:
    """A compiled gate, and the backends behind it."""

    __slots__ = (
        "_identify", "_vary", "asks_objects", "backends", "check", "check_caller", "conf", "guard", "headers",
        "verifies",
    )  # fmt: skip

    def __init__(self, current: conf.Conf, backends: list[Authentication], guard: Guard) -> None:
        conf.connect()
        caches.install()
        self.conf = current
        self.backends = backends
        self.guard = guard
        # Whether the account behind each token has to be there.
        self.verifies = any(isinstance(backend, JWTAuthentication) and backend.verify_user for backend in backends)
        self.asks_objects = any(check.about_object for check in guard.custom_checks.values())
        gate = _rust.Gate([backend.rust for backend in backends], guard.rust)
        # The one call into Rust for a request, with its META.
        self.check = gate.check
        self.check_caller = gate.check_caller
        self.headers = tuple(sorted({backend.header.title() for backend in backends}))
        self._vary = ("Vary", ", ".join(self.headers))
        self._identify: Any = None

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
            if request._boltguard_seen.is_authenticated:
                # No browser sends these credentials by itself, so there is no forgery to look for.
                request._dont_enforce_csrf_checks = True
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
        except ANSWERS as error:
            response = None if visit.failure else answer(request, keep_revocations(error))
        except Exception as error:
            if visit.failure is None:
                keep_revocations(error)
                # No future can hold it, where Django runs the view for an async server.
                if isinstance(error, StopIteration):
                    raise stopped(view) from error
                raise
        finally:
            visit.depth -= 1
        # Whatever the view made of the exception that it got when it read the account.
        if visit.failure is not None:
            response = answer(request, keep_revocations(visit.failure))
        return self.finalize_response(request, response, request._boltguard_seen.is_authenticated)

    async def arun(self, request: Any, wants_user: bool, view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`run`, for a view that is async or returns an awaitable; the account is loaded before one that wants it."""
        visit, response = Visit.begin(request), None
        if visit.depth == 1:
            open_journal([])
        try:
            outcome = self.check(request.META)
            settled = outcome if type(outcome) is AuthContext else await self.afinish(request, outcome)
            refusal = self.settle(request, settled)
            if refusal is not None:
                return refusal
            # Error reporters send the variables of each frame, and with these the claims.
            del outcome, settled
            if request._boltguard_seen.is_authenticated:
                request._dont_enforce_csrf_checks = True
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
        except ANSWERS as error:
            response = None if visit.failure else answer(request, await akeep_revocations(error))
        except Exception as error:
            if visit.failure is None:
                await akeep_revocations(error)
                raise
        finally:
            visit.depth -= 1
        if visit.failure is not None:
            response = answer(request, await akeep_revocations(visit.failure))
        return self.finalize_response(request, response, request._boltguard_seen.is_authenticated)

    def _call(self, request: HttpRequest, visit: Visit, view: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The response of the view in its transaction, which one that can't be sent rolls back."""
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
            return self.settle(request, self.finish(request, outcome))
        attach(request, outcome, self)
        return None

    def finish(self, request: HttpRequest, outcome: Step) -> Settled:
        """Asks stores and checks until what `check` left open is settled."""
        settled = self.resume(request, outcome)
        if isinstance(settled, _rust.GuardChecks):
            return self._run_checks(request, settled)
        if isinstance(settled, _rust.Refusal):
            caller = self._caller(request, settled) if self.verifies or explains() else None
            if self.verifies and caller is not None:
                attach(request, caller, self)
                verify(request)
            note(self.guard, request, settled, caller)
        return settled

    async def afinish(self, request: HttpRequest, outcome: Step) -> Settled:
        """`finish`, for async code. It is not called for a caller who is let in at once."""
        settled = await self.aresume(request, outcome)
        if isinstance(settled, _rust.GuardChecks):
            return await self._arun_checks(request, settled)
        if isinstance(settled, _rust.Refusal):
            caller = await self._acaller(request, settled) if self.verifies or explains() else None
            if self.verifies and caller is not None:
                attach(request, caller, self)
                await averify(request)
            note(self.guard, request, settled, caller)
        return settled

    def settle(self, request: HttpRequest, settled: Settled) -> HttpResponse | None:
        """Attaches the caller to the request, or returns the error response."""
        if type(settled) is AuthContext:
            attach(request, settled, self)
        elif isinstance(settled, _rust.Refusal):
            return self.refuse(request, settled)
        if hasattr(request, CACHED) and self.headers:
            note_caches_outside(request)
        if self.asks_objects:
            enter(request, settled if isinstance(settled, Admission) else Admission(self.guard), self)
        return None

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
            raise not_an_answer(request, response)
        if hasattr(request, CACHED):
            refuse_caches_inside(request, response, self.headers)
        if self.asks_objects:
            leave(request, response, self)

    def finalize_response(self, request: HttpRequest, response: Any, is_known: bool) -> Any:
        """Sets `Vary` and `Cache-Control`, so that shared caches don't send the response to another caller."""
        if not self.headers:
            return response
        # Setting a header the public way costs as much as verifying a token.
        try:
            stored = response.headers._store
        except AttributeError:
            if isinstance(response, HttpResponseBase):
                raise
            raise not_an_answer(request, response) from None
        stored["vary"] = ("Vary", _vary(stored["vary"][1], self.headers)) if "vary" in stored else self._vary
        if is_known and "cache-control" not in stored:
            stored["cache-control"] = PRIVATE
        return response

    def _run_checks(self, request: HttpRequest, checks: _rust.GuardChecks) -> Settled:
        """Answers the checks that matter for this caller."""
        attach(request, checks.context, self)
        if self.verifies:
            verify(request)
        results: dict[str, bool] = {}
        while (check := self.guard.next_check(checks, results, about_object=False)) is not None:
            results[check.name] = check.run(request)
        return self._conclude(request, checks, results)

    async def _arun_checks(self, request: HttpRequest, checks: _rust.GuardChecks) -> Settled:
        attach(request, checks.context, self)
        if self.verifies:
            await averify(request)
        results: dict[str, bool] = {}
        while (check := self.guard.next_check(checks, results, about_object=False)) is not None:
            results[check.name] = await check.arun(request)
        return self._conclude(request, checks, results)

    def _conclude(self, request: HttpRequest, checks: _rust.GuardChecks, results: Mapping[str, bool]) -> Settled:
        decided = checks.resume(results) if self.asks_objects else checks.finish(results)
        if isinstance(decided, _rust.Refusal):
            note(self.guard, request, decided, checks.context, results)
            return decided
        return Admission(self.guard, checks, results)

    def _caller(self, request: HttpRequest, refusal: _rust.Refusal) -> AuthContext | None:
        """Who was refused: for a 403 somebody, found out once more."""
        known = self.resume(request, self._identified(request)) if refusal.status == 403 else None
        return known if isinstance(known, AuthContext) else None

    async def _acaller(self, request: HttpRequest, refusal: _rust.Refusal) -> AuthContext | None:
        known = await self.aresume(request, self._identified(request)) if refusal.status == 403 else None
        return known if isinstance(known, AuthContext) else None

    def _identified(self, request: HttpRequest) -> Step:
        if self._identify is None:
            everybody = _rust.Guard.allow_any()
            self._identify = _rust.Gate([backend.rust for backend in self.backends], everybody).check
        outcome: Step = self._identify(request.META)
        return outcome

    def resume(self, request: HttpRequest, step: Step) -> AuthContext | _rust.Refusal | _rust.GuardChecks:
        """Provides what the evaluation needs, until the caller is known."""
        while isinstance(step, Need):
            need, backend = step, self.backends[step.backend_index]
            try:
                step = backend.resume(need)
            except Exception:
                logger.exception(NO_ANSWER, backend.store_name)
                step = need.unavailable()
        return step

    async def aresume(self, request: HttpRequest, step: Step) -> AuthContext | _rust.Refusal | _rust.GuardChecks:
        """`resume`, for async code."""
        while isinstance(step, Need):
            need, backend = step, self.backends[step.backend_index]
            try:
                step = await backend.aresume(need)
            except Exception:
                logger.exception(NO_ANSWER, backend.store_name)
                step = need.unavailable()
        return step


@lru_cache(maxsize=256)
def _vary(value: str, headers: tuple[str, ...]) -> str:
    """The value of `Vary` with these headers too."""
    response = HttpResponse(headers={"Vary": value})
    patch_vary_headers(response, headers)
    return response["Vary"]


def _async_checks(guards: Iterable[Guard]) -> Iterator[CustomCheck]:
    return (check for guard in guards for check in guard.custom_checks.values() if check.is_async)


def not_an_answer(request: HttpRequest, given: Any) -> ValueError:
    """What is wrong with a view that gave this."""
    view = getattr(request.resolver_match, "_func_path", "function")
    if iscoroutine(given):
        given.close()
        return ValueError(f"The view {view} returned a coroutine. {HIDDEN_ASYNC}")
    returned = "None" if given is None else f"a {type(given).__name__}"
    return ValueError(f"The view {view} didn't return an HttpResponse object. It returned {returned} instead.")


def answer(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer that a view, or a check, raised."""
    return mark_final(_answer(request, error))


def _answer(request: HttpRequest, error: Exception) -> HttpResponse:
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
        error = error if context is None else error.said_by(context.auth_backend)
    return json_response(body_of(error), error.status_code, headers_of(error))


def headers_of(error: HTTPException) -> dict[str, str]:
    """The headers of the response that a view raised; a 401 always has a challenge."""
    headers = dict(error.headers)
    if error.status_code == 401 and "www-authenticate" not in map(str.lower, headers):
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return headers


def body_of(error: HTTPException) -> dict[str, Any]:
    """Its body."""
    extra = {name: getattr(error, name) for name in ("code", "loc") if hasattr(error, name)}
    return {"detail": error.detail, **extra}


def refuse_absent_backends(guard: Guard, backends: Iterable[Authentication]) -> None:
    """`ImproperlyConfigured` for a guard that asks for a backend which is not among these."""
    names = sorted({backend.name for backend in backends})
    for name in guard.rust.backends:
        if name not in names:
            there = f"only {', '.join(names)}" if names else "no authentication backends"
            raise ImproperlyConfigured(f"Guard {guard} requires the {name!r} backend, but this view has {there}.")


ANSWERS = (HTTPException, Http404, PermissionDenied, RevocationError)
HIDDEN_ASYNC = "A decorator between `protect` and an async view is sync. Put `protect` directly above the view."
NO_ANSWER = "%s is unavailable."
STORE_UNAVAILABLE = _("The revocation store is unavailable.")
PRIVATE = ("Cache-Control", "private")
