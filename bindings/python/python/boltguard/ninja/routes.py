"""The operations of Django Ninja behind a view, with their guards, for the list of routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ninja.operation import Operation, PathView

from boltguard.ninja.hooks import guarded_operation

PREFIX = "Ninja: "


def path_view_of(callback: Any) -> PathView | None:
    """The object behind a view of Ninja, which the view closes over."""
    for cell in getattr(callback, "__closure__", None) or ():
        try:
            found = cell.cell_contents
        except ValueError:  # not bound yet
            continue
        if isinstance(found, PathView):
            return found
    return None


def operations_of(path_view: PathView) -> Iterator[tuple[str, Operation]]:
    """The methods of a path, each with its operation."""
    found: dict[str, Operation] = {}
    for operation in path_view.operations:
        for method in operation.methods:
            found.setdefault(method, operation)
    yield from found.items()


def view_gates_of(operation: Operation) -> list[Any]:
    """The view gate that all callers of an operation must pass: none if other callables can authenticate them."""
    guarded = guarded_operation(operation)
    return [] if guarded is None or guarded.others else [guarded.view_gate]


def others_of(operation: Operation) -> tuple[str, ...]:
    """The callables that authenticate the callers of an operation, if it isn't `BoltAuth` alone."""
    guarded = guarded_operation(operation)
    callbacks = list(operation.auth_callbacks)
    if not callbacks or (guarded is not None and not guarded.others):
        return ()
    shown = [] if guarded is None else [f"BoltAuth({guarded.view_gate.gate.guard})"]
    shown += [_text(one) for one in (callbacks if guarded is None else guarded.others)]
    return (PREFIX + " | ".join(shown),)


def _text(callback: Any) -> str:
    return str(getattr(callback, "__name__", type(callback).__name__))
