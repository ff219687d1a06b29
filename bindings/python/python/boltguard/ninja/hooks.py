"""The methods of Django Ninja that are extended, because it has no hooks for code around an operation."""

from __future__ import annotations

import logging
from functools import wraps
from typing import Any

from ninja.openapi.schema import OpenAPISchema
from ninja.operation import AsyncOperation, Operation, PathView
from ninja.router import BoundRouter

from boltguard.gate.view_gate import LoginRequired
from boltguard.ninja.operations import GuardedOperation, guard, handle_exceptions
from boltguard.ninja.schemes import describe
from boltguard.transactions import take_over


def install() -> None:
    """Extends the methods. Another call has no effect."""
    if hasattr(BoundRouter._bind_operations, PATCHED):
        return
    logging.getLogger("django").addFilter(omit_credentials)
    _bind(BoundRouter._bind_operations, Operation.run, AsyncOperation.run)
    _describe(OpenAPISchema.operation_security)


def _bind(bind: Any, sync_run: Any, async_run: Any) -> None:
    @wraps(bind)
    def _bind_operations(self: BoundRouter) -> None:
        bind(self)
        for view in self.path_operations.values():
            for operation in view.operations:
                run = async_run if isinstance(operation, AsyncOperation) else sync_run
                guarded = guard(operation, run)
                if guarded is not None:
                    operation.__dict__[GUARDED] = guarded
                    handle_exceptions(self.api)
            _take_over(view)

    @wraps(sync_run)
    def run(self: Operation, request: Any, **arguments: Any) -> Any:
        guarded = self.__dict__.get(GUARDED)
        return sync_run(self, request, **arguments) if guarded is None else guarded.run(request, arguments)

    @wraps(async_run)
    async def arun(self: AsyncOperation, request: Any, **arguments: Any) -> Any:
        guarded = self.__dict__.get(GUARDED)
        # Not a second coroutine for operations without `BoltAuth`.
        return await (async_run(self, request, **arguments) if guarded is None else guarded.arun(request, arguments))

    setattr(_bind_operations, PATCHED, True)
    for owner, name, method in (
        (BoundRouter, "_bind_operations", _bind_operations),
        (Operation, "run", run),
        (AsyncOperation, "run", arun),
    ):
        setattr(owner, name, method)


def _describe(original: Any) -> None:
    @wraps(original)
    def operation_security(self: Any, operation: Operation) -> Any:
        described = original(self, operation)
        guarded = guarded_operation(operation)
        return described if guarded is None else describe(self, guarded, described or [])

    setattr(OpenAPISchema, "operation_security", operation_security)  # noqa: B010


def _take_over(path_view: PathView) -> None:
    """If all operations of a path are guarded, their gates replace what Django does for its view."""
    guarded = [one for one in map(guarded_operation, path_view.operations) if one is not None]
    if len(guarded) < len(path_view.operations):
        return
    view_gates = [one.view_gate for one in guarded]

    def get_view() -> Any:
        view: Any = PathView.get_view(path_view)
        take_over(view)
        names_guards = all(view_gate.names_guards for view_gate in view_gates)
        view.login_required = False if names_guards else LoginRequired(lambda: view_gates)
        return view

    path_view.get_view = get_view  # type: ignore[method-assign]


def guarded_operation(operation: Operation) -> GuardedOperation | None:
    """The operation behind its gate, if it has one."""
    found: GuardedOperation | None = operation.__dict__.get(GUARDED)
    return found


def omit_credentials(record: logging.LogRecord) -> bool:
    """Removes the header from a message that Ninja's `HttpBearer` logs with `DEBUG = True`."""
    if isinstance(record.msg, str) and record.msg.startswith(UNEXPECTED):
        record.msg, record.args = UNEXPECTED.rstrip(" -'"), None
    return True


PATCHED = "_boltguard_patched"
GUARDED = "_boltguard_guarded"
UNEXPECTED = "Unexpected auth - '"
