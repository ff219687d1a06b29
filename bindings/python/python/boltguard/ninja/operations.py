"""An operation with `BoltAuth`, as the view of its gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import AsyncOperation, Operation

from boltguard.auth.backends import Authentication
from boltguard.auth.guards import Guard
from boltguard.auth.lazy_users import VISIT
from boltguard.decorators import VIEW_GATES
from boltguard.events import UNSENT, asend_refusals
from boltguard.gate.csrf import for_sessions_only
from boltguard.gate.errors import HANDLED_EXCEPTIONS, error_response
from boltguard.gate.prefetch import wants_user
from boltguard.ninja.auth import BoltAuth
from boltguard.ninja.gates import is_absent
from boltguard.ninja.throttles import PerCaller
from boltguard.transactions import EXEMPTION, atomic_aliases, atomically, refuse_atomic

Callback = Callable[..., Any]


class GuardedOperation:
    """Evaluates the gate of an operation, and then runs the operation without `BoltAuth`."""

    def __init__(self, operation: Operation, auth: BoltAuth, others: Sequence[Callback], run: Callback) -> None:
        self.view_gate = auth.view_gate_before(others)
        self.others = tuple(others)
        self._run_operation = run
        self._wants_user = wants_user(operation.view_func)
        self._inner = _with_callbacks(operation, [])
        self._inner.throttle_objects = [PerCaller(one) for one in operation.throttle_objects]
        if isinstance(operation, AsyncOperation):
            self._fallback = _with_callbacks(operation, [*others, self._arefuse])
        else:
            self._fallback = _with_callbacks(operation, [*others, self._refuse])
            self.view_gate.refuse_async_checks(operation.view_func)
        self.__qualname__ = getattr(operation.view_func, "__qualname__", "the operation")
        for_sessions_only(self)
        setattr(self, EXEMPTION, getattr(operation.view_func, EXEMPTION, ()))

    def run(self, request: HttpRequest, arguments: dict[str, Any]) -> Any:
        """The response of a sync operation."""
        if type(request) is HttpRequest:
            _complete(request)
        response = self.view_gate.gate.run(request, self, request, arguments)
        return self._run_fallback(request, arguments) if self.others and is_absent(response) else response

    async def arun(self, request: HttpRequest, arguments: dict[str, Any]) -> Any:
        """The response of an async operation."""
        if type(request) is HttpRequest:
            _complete(request)
        refuse_atomic(request, self)
        response = await self.view_gate.gate.arun(request, self._wants_user, self, request, arguments)
        if self.others and is_absent(response):
            response = await self._run_operation(self._fallback, request, **arguments)
            self._finalize_fallback(request, response)
        if UNSENT in request.__dict__:
            await asend_refusals(request)
        return response

    def __call__(self, request: Any, arguments: dict[str, Any]) -> Any:
        """Runs the operation for a caller whom the gate allows."""
        context = request._boltguard_seen
        # Ninja's throttles distinguish anonymous callers by their addresses.
        request.auth = context if context.is_authenticated else None
        return self._run_operation(self._inner, request, **arguments)

    def _run_fallback(self, request: HttpRequest, arguments: dict[str, Any]) -> Any:
        """The response if the other callables of Ninja decide."""
        aliases = atomic_aliases(request, self)
        response = atomically(aliases, self._run_operation, self._fallback, request, **arguments)
        self._finalize_fallback(request, response)
        return response

    def _finalize_fallback(self, request: HttpRequest, response: HttpResponseBase) -> None:
        is_known = getattr(request, "auth", None) is not None
        self.view_gate.gate.finalize_response(request, response, is_known)

    def _refuse(self, request: HttpRequest) -> None:
        """The last callable: the caller isn't authenticated."""
        gate: Any = self.view_gate.gate
        raise Refused(gate.refuse_absence(request))

    async def _arefuse(self, request: HttpRequest) -> None:
        self._refuse(request)


class Refused(Exception):
    """Carries a response through Ninja's code."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def guard(operation: Operation, run: Callback) -> GuardedOperation | None:
    """The operation behind its gate, if it has a `BoltAuth`. Raises `ImproperlyConfigured` for wrong values."""
    callbacks = list(operation.auth_callbacks)
    check_operation(operation)
    if not any(isinstance(one, BoltAuth) for one in callbacks):
        return None
    return GuardedOperation(operation, callbacks[0], callbacks[1:], run)  # type: ignore[arg-type]


def check_operation(operation: Operation) -> None:
    """Raises `ImproperlyConfigured` for values that Ninja can't call, or that would open a door."""
    name, callbacks = name_of(operation), list(operation.auth_callbacks)
    if hasattr(operation.view_func, VIEW_GATES):
        raise ImproperlyConfigured(f"{name} is already protected. {PROTECTED}")
    for one in callbacks:
        kind = one if isinstance(one, type) else type(one)
        if isinstance(one, type) and issubclass(one, BoltAuth):
            raise ImproperlyConfigured(
                f"auth of {name} contains the class {kind.__name__}. Use an instance: BoltAuth()."
            )
        if issubclass(kind, (Authentication, Guard)):
            argument = "auth" if issubclass(kind, Authentication) else "guards"
            raise ImproperlyConfigured(FOREIGN.format(name, kind.__name__.lstrip("_"), argument))
    ours = [isinstance(one, BoltAuth) for one in callbacks]
    if sum(ours) > 1:
        raise ImproperlyConfigured(f"auth of {name} contains several BoltAuth. {SEVERAL}")
    if any(ours) and not ours[0]:
        raise ImproperlyConfigured(f"auth of {name} contains BoltAuth after another callable. {NOT_FIRST}")


def name_of(operation: Operation) -> str:
    """The name of the function of an operation."""
    view = operation.view_func
    return f"{getattr(view, '__module__', '?')}.{getattr(view, '__qualname__', '?')}"


def handle_exceptions(api: Any) -> None:
    """Lets the gate handle the exceptions that it also handles in other views, unless the site handles them."""
    for kind in HANDLED_EXCEPTIONS:
        api._exception_handlers.setdefault(kind, _handle)
    api._exception_handlers[Refused] = _respond


def _handle(request: HttpRequest, error: Exception) -> HttpResponse:
    visit = request.__dict__.get(VISIT)
    if visit is not None and visit.depth:
        raise error
    return error_response(request, error)


def _respond(request: HttpRequest, error: Refused) -> HttpResponse:
    return error.response


def _with_callbacks(operation: Operation, callbacks: list[Callback]) -> Operation:
    made = copy(operation)
    made.auth_callbacks = callbacks
    return made


def _complete(request: HttpRequest) -> None:
    """Adds to a request of Ninja's test clients what Django's handlers would have set."""
    meta = request.META
    meta.update({name.upper(): value for name, value in meta.items() if name.startswith("HTTP_")})
    if request.COOKIES:
        meta.setdefault("HTTP_COOKIE", "; ".join(f"{name}={value}" for name, value in request.COOKIES.items()))
    meta.setdefault("SERVER_NAME", "testserver")
    meta.setdefault("SERVER_PORT", "80")


INSTANCE = "Use an instance: BoltAuth()."
PROTECTED = "Pass BoltAuth(auth=[...], guards=[...]) as auth= of the operation, and remove protect."
FOREIGN = "auth of {} contains {}, which Ninja can't use. Use BoltAuth({}=[...])."
SEVERAL = "Pass all backends to one, and distinguish them with the guard ViaBackend."
NOT_FIRST = (
    "Put it first: otherwise, the other callable could allow a request whose Boltguard credentials are invalid or not "
    "sufficient."
)
