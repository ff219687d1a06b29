"""`shadow_protect`: the backends and guards that a view will have, for the comparison."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from boltguard.api.endpoint import ENDPOINT
from boltguard.decorators import VIEW_GATES
from boltguard.gate.view_gate import ViewGate

View = TypeVar("View", bound=Callable[..., Any])


def shadow_protect(*, auth: Any = None, guards: Any = None) -> Callable[[View], View]:
    """Declares the arguments that `protect` will have. It doesn't protect the view.

    In shadow mode, what `protect` would decide is compared with the response of the view. For functions, methods and
    classes, including those of Django REST framework, and functions of Django Ninja.
    """
    view_gate = ViewGate(auth, guards)

    def decorate(view: View) -> View:
        gates = (view_gate, *getattr(view, SHADOW_GATES, ()))
        if not isinstance(view, type):
            return _declared(view, gates)  # type: ignore[return-value]
        setattr(view, SHADOW_GATES, gates)
        return view

    return decorate


def _declared(view: Callable[..., Any], gates: tuple[ViewGate, ...]) -> Callable[..., Any]:
    # A copy, because the same function can also be used without the decorator.
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    setattr(wrapper, SHADOW_GATES, gates)
    return markcoroutinefunction(wrapper) if iscoroutinefunction(view) else wrapper


@lru_cache(maxsize=1024)
def declared_gates(callback: Any, method: str) -> tuple[ViewGate, ...]:
    """The gates that were declared for a method of a view, on the callback, its class and the handler."""
    view_class = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    declared = [getattr(callback, SHADOW_GATES, ())]
    if view_class is not None:
        declared.append(getattr(view_class, SHADOW_GATES, ()))
    declared.append(getattr(_handler(callback, view_class, method.lower()), SHADOW_GATES, ()))
    return tuple(dict.fromkeys(gate for gates in declared for gate in gates))


def is_switched(callback: Any) -> bool:
    """Whether `protect` or a `BoltAPI` already protects a view."""
    return hasattr(callback, VIEW_GATES) or hasattr(callback, ENDPOINT)


def names_of_declared_views(callback: Any) -> list[str]:
    """The name of a view, if it or one of its handlers has `shadow_protect`."""
    view_class = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if not any(declared_gates(callback, method) for method in METHODS):
        return []
    view = callback if view_class is None else view_class
    return [f"{view.__module__}.{getattr(view, '__qualname__', type(view).__qualname__)}"]


def _handler(callback: Any, view_class: Any, method: str) -> Any:
    if view_class is None:
        return _operation(callback, method.upper())
    actions: Any = getattr(callback, "actions", None)
    for name in (method, "get") if method == "head" else (method,):
        handler = getattr(view_class, name if actions is None else actions.get(name, ""), None)
        if handler is not None:
            return handler
    return None


def _operation(callback: Any, method: str) -> Any:
    """The function of an operation of Django Ninja."""
    if "ninja.operation" not in sys.modules:
        return None
    from boltguard.ninja import routes

    path_view = routes.path_view_of(callback)
    operations = {} if path_view is None else dict(routes.operations_of(path_view))
    return operations[method].view_func if method in operations else None


# Clients can send any other method.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# An attribute of a view, its class or its handler: the declared gates, the outermost first.
SHADOW_GATES = "_boltguard_shadow_gates"
