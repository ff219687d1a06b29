"""Collects the routes of a site and their guards, for `manage.py boltguard_routes`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern

from boltguard.api.endpoint import ENDPOINT
from boltguard.api.router import UnfitPath
from boltguard.auth.guards import Guard, conjunction
from boltguard.decorators import VIEW_GATES


@dataclass(frozen=True, slots=True)
class Route:
    """One method at one path. Without a guard, Boltguard doesn't protect it.

    `others` are the names of permissions of Django REST framework, and of callables of Django Ninja that authenticate
    callers, which can't be analysed further. A request passes all of the `gates`. The `callback` of the path calls the
    `handler`, or is it.
    """

    method: str
    path: str
    view: str
    backends: tuple[str, ...] = ()
    guard: Guard | None = None
    others: tuple[str, ...] = ()
    gates: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    callback: Any = field(default=None, compare=False, repr=False)
    handler: Any = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> str:
        """The unique key of the route."""
        return f"{self.method} {self.path}"

    @property
    def is_open(self) -> bool:
        """Whether its guard and all its other permissions allow everyone."""
        if self.guard is None and not self.others:
            return False
        opens = self.guard is None or self.guard.rust.allows_anonymous
        return opens and all(one == OPEN_TO_ALL for one in self.others)

    @property
    def is_protected(self) -> bool:
        """Whether the route has a guard or another permission."""
        return self.guard is not None or bool(self.others)

    @property
    def requirements(self) -> str:
        """A description of the requirements, for people."""
        return " & ".join([*([] if self.guard is None else [str(self.guard)]), *self.others])


def collect(urlconf: str | None = None) -> list[Route]:
    """The routes by path and method. If several routes have the same key, only the first is ever called."""
    routes: dict[str, Route] = {}
    for path, callback in callbacks(urlconf):
        for route in _routes(path, callback):
            routes.setdefault(route.key, route)
    return sorted(routes.values(), key=lambda route: (route.path, route.method))


def callbacks(urlconf: str | None = None) -> Iterator[tuple[str, Any]]:
    """The paths of a site, with their callbacks."""
    for path, callback in _views(get_resolver(urlconf).url_patterns, "/"):
        while isinstance(callback, partial):
            callback = callback.func
        yield path, callback


def _views(patterns: Iterable[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + _text(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and not isinstance(pattern, UnfitPath):
            yield path, pattern.callback


def _text(pattern: Any) -> str:
    # Its string form depends on the current language.
    if isinstance(pattern, LocalePrefixPattern):
        return "<language>/"
    # Without the prefix, the same string would be a different path.
    return f"regex:{pattern}" if isinstance(pattern, RegexPattern) else str(pattern)


def _routes(path: str, callback: Any) -> Iterator[Route]:
    around = _view_gates(callback)
    others: tuple[str, ...] = ()
    if hasattr(callback, "initkwargs") and "rest_framework.views" in sys.modules:
        from boltguard.drf import routes

        others = routes.other_permissions(callback.cls, callback.initkwargs)
        try:
            around += routes.view_gates_of(callback.cls, callback.initkwargs)
        except ImproperlyConfigured as error:
            raise ImproperlyConfigured(f"{ANY_METHOD} {path}: {error}") from error
    of_ninja = _others_of_ninja(callback)
    for route in _guarded_routes(path, callback, around):
        of_method = of_ninja.get(route.method, others)
        yield replace(route, others=of_method) if of_method else route


def path_view_of(callback: Any) -> Any:
    """The object with the operations behind a view of Django Ninja; `None` for other views."""
    if "ninja.operation" not in sys.modules:
        return None
    from boltguard.ninja import routes

    return routes.path_view_of(callback)


def _others_of_ninja(callback: Any) -> dict[str, tuple[str, ...]]:
    """The other callables of each method."""
    if (path_view := path_view_of(callback)) is None:
        return {}
    from boltguard.ninja import routes

    return {method: routes.others_of(operation) for method, operation in routes.operations_of(path_view)}


def guarded_views(urlconf: str | None = None) -> Iterator[tuple[str, Any]]:
    """The names of views, each with one of its view gates."""
    for _, callback in callbacks(urlconf):
        for _, handler, view_gates in _handled(callback, _view_gates(callback)):
            yield from ((_name(handler), view_gate) for view_gate in view_gates)


def _guarded_routes(path: str, callback: Any, around: list[Any]) -> Iterator[Route]:
    for method, handler, view_gates in _handled(callback, around):
        route = _route(method, path, handler, view_gates)
        yield replace(route, callback=callback, handler=handler)


def _handled(callback: Any, around: list[Any]) -> Iterator[tuple[str, Any, list[Any]]]:
    """The methods of a view, each with its handler and the view gates that a request passes."""
    endpoint, view_class = getattr(callback, ENDPOINT, None), getattr(callback, "view_class", None)
    if endpoint is not None:
        for method, operation in endpoint.operations.items():
            yield method, operation.handler, [*around, operation.view_gate]
    elif (path_view := path_view_of(callback)) is not None:
        from boltguard.ninja import routes

        for method, operation in routes.operations_of(path_view):
            yield method, operation.view_func, [*around, *routes.view_gates_of(operation)]
    elif hasattr(callback, "actions"):
        around = [*around, *_view_gates(callback.cls.dispatch)]
        for method, action in callback.actions.items():
            handler = getattr(callback.cls, action)
            yield method.upper(), handler, [*around, *_view_gates(handler)]
    elif view_class is not None:
        around = [*around, *_view_gates(view_class.dispatch)]
        for method, handler in _handlers(view_class, callback.view_initkwargs):
            yield method, handler, [*around, *_view_gates(handler)]
    else:
        yield ANY_METHOD, callback, around


def _handlers(view_class: Any, options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The handlers of a class, except those of Django and DRF for OPTIONS and unknown methods."""
    own = _own(view_class)
    methods = options.get("http_method_names", view_class.http_method_names)
    found = [(name.upper(), getattr(view_class, name, None)) for name in methods if name != "options" or name in own]
    handlers = [(method, handler) for method, handler in found if handler is not None]
    yield from handlers
    if "http_method_not_allowed" in own:
        yield ANY_METHOD, view_class.http_method_not_allowed
    elif not handlers:
        yield ANY_METHOD, view_class.dispatch


def _own(view_class: type) -> set[str]:
    return {name for cls in view_class.__mro__ if not cls.__module__.startswith(FRAMEWORKS) for name in vars(cls)}


def _route(method: str, path: str, handler: Any, view_gates: list[Any]) -> Route:
    view = _name(handler)
    if not view_gates:
        return Route(method, path, view)
    try:
        gates = [view_gate.gate for view_gate in dict.fromkeys(view_gates)]
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(f"{method} {path}: {error}") from error
    # Two backends with the same description, such as with different keys, are both listed.
    backends = {id(backend): backend.label for gate in gates for backend in gate.backends}
    guard = conjunction([gate.guard for gate in gates])
    return Route(method, path, view, tuple(backends.values()), guard, gates=tuple(gates))


def _name(handler: Any) -> str:
    return f"{getattr(handler, '__module__', '?')}.{getattr(handler, '__qualname__', type(handler).__qualname__)}"


def _view_gates(view: Any) -> list[Any]:
    return list(getattr(view, VIEW_GATES, ()))


ANY_METHOD = "ANY"
# The name that `boltguard.drf.routes` uses for the permission that allows everyone.
OPEN_TO_ALL = "DRF: AllowAny"
FRAMEWORKS = ("django.", "rest_framework.")
