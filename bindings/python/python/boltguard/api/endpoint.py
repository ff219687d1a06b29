"""One path of a `BoltAPI`: its handlers by method, and the Django view that chooses among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from boltguard.api.params import Arguments, Plan
from boltguard.auth.django_bolt import explain_request_items
from boltguard.events import UNSENT, asend_refusals
from boltguard.gate.csrf import for_sessions_only
from boltguard.gate.prefetch import wants_user
from boltguard.gate.responses import json_response, respond
from boltguard.gate.view_gate import LoginRequired, ViewGate
from boltguard.threads import in_thread
from boltguard.transactions import take_over


class Operation:
    """A handler, its arguments and its guards."""

    def __init__(self, handler: Any, names: list[str], method: str, auth: Any, guards: Any, status: int) -> None:
        self.handler = handler
        self.is_async = iscoroutinefunction(handler)
        self.view_gate = ViewGate(auth, guards)
        if not self.is_async:
            self.view_gate.refuse_async_checks(handler)
        self.names = names
        self._plan = Plan(handler, names, is_async=self.is_async, has_body=method not in ("GET", "HEAD"))
        self._status = status
        self._view = self._sync_view()
        self._wants_user = self.is_async and any(wants_user(plan.function) for plan in self._plan.plans())
        untaken = sorted(set(names).difference(*(plan.path for plan in self._plan.plans())))
        if untaken:
            raise ImproperlyConfigured(f"{handler.__qualname__}: no parameter accepts {', '.join(untaken)} of the path")

    def respond(self, request: Any, path: Mapping[str, Any]) -> Any:
        """The response of a sync handler."""
        return self.view_gate.gate.run(request, self._view, request, path)

    async def arespond(self, request: Any, path: Mapping[str, Any]) -> Any:
        """The response of an async handler."""
        response = await self.view_gate.gate.arun(request, self._wants_user, self._acall, request, path)
        if UNSENT in request.__dict__:
            await asend_refusals(request)
        return response

    def _sync_view(self) -> Callable[..., Any]:
        """The handler as a view, with the handler's attributes, such as the one that `non_atomic_requests` sets."""

        def view(request: Any, path: Mapping[str, Any]) -> Any:
            try:
                return respond(self._plan.call(request, path, Arguments({})), self._status)
            except (AttributeError, TypeError) as error:
                explain_request_items(error)
                raise

        return for_sessions_only(wraps(self.handler)(view))

    @for_sessions_only
    async def _acall(self, request: Any, path: Mapping[str, Any]) -> Any:
        try:
            return respond(await self._plan.acall(request, path, Arguments({})), self._status)
        except (AttributeError, TypeError) as error:
            explain_request_items(error)
            raise


class Endpoint:
    """The handlers of one path. `view` is async if one of them is."""

    def __init__(self, route: str, names: list[str]) -> None:
        self.view = self._make_view()
        self.operations: dict[str, Operation] = {}
        self._route = route
        self._names = names
        self._is_async = False

    def add(self, method: str, operation: Operation) -> None:
        """Adds the handler of one method."""
        if method in self.operations:
            raise ImproperlyConfigured(f"{method} {self._route} already has a handler")
        self.operations[method] = operation
        if operation.is_async and not self._is_async:
            self._is_async = True
            markcoroutinefunction(self.view)

    def _make_view(self) -> Callable[..., Any]:
        def view(request: HttpRequest, **path: Any) -> Any:
            return self._adispatch(request, path) if self._is_async else self._dispatch(request, path)

        setattr(view, ENDPOINT, self)
        take_over(view)
        # The gate runs the CSRF check for requests without valid credentials in a header.
        view.csrf_exempt = True  # type: ignore[attr-defined]
        # The guards decide; Django's LoginRequiredMiddleware would redirect.
        view.login_required = LoginRequired(self._view_gates)  # type: ignore[attr-defined]
        return view

    def _dispatch(self, request: HttpRequest, path: Mapping[str, Any]) -> Any:
        operation = self._choose(request)
        if operation is None:
            return self._other_method(request)
        return operation.respond(request, self._renamed(path, operation))

    async def _adispatch(self, request: HttpRequest, path: Mapping[str, Any]) -> Any:
        operation = self._choose(request)
        if operation is None:
            return self._other_method(request)
        if operation.is_async:
            return await operation.arespond(request, self._renamed(path, operation))
        return await in_thread(operation.respond)(request, self._renamed(path, operation))

    def _choose(self, request: HttpRequest) -> Operation | None:
        method = request.method or ""
        found = self.operations.get(method)
        return self.operations.get("GET") if found is None and method == "HEAD" else found

    def _renamed(self, path: Mapping[str, Any], operation: Operation) -> Mapping[str, Any]:
        if operation.names == self._names:
            return path
        return {name: path[first] for name, first in zip(operation.names, self._names, strict=True)}

    def _other_method(self, request: HttpRequest) -> HttpResponse:
        allow = ", ".join(self._allowed())
        if request.method == "OPTIONS":
            return HttpResponse(headers={"Allow": allow, "Content-Length": "0"})
        detail = gettext('Method "%(method)s" not allowed.') % {"method": request.method}
        return json_response({"detail": detail, "code": "method_not_allowed"}, 405, {"Allow": allow})

    def _view_gates(self) -> list[ViewGate]:
        return [operation.view_gate for operation in self.operations.values()]

    def _allowed(self) -> list[str]:
        return sorted({*self.operations, "OPTIONS", *(["HEAD"] if "GET" in self.operations else [])})


# An attribute of a view; `functools.wraps` copies it.
ENDPOINT = "_boltguard_endpoint"
