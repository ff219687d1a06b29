"""Code around a view that may refuse requests which its guard allows: decorators, methods of its class, middleware.

Such code can't be exported. Its conditions are unknown, so all code is assumed to restrict access, except that of
Boltguard, that of Django and Django REST framework which doesn't, and that of modules which the site trusts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from django.conf import settings
from django.urls import URLResolver, get_resolver
from django.utils.module_loading import import_string

from boltguard.routes.collect import Route, path_view_of


def modules_around(route: Route) -> list[str]:
    """The modules of the code that runs before the view's own."""
    found = [_module(one) for one in _around(route.callback, set())]
    view_class = getattr(route.callback, "view_class", None) or getattr(route.callback, "cls", None)
    if route.handler is not route.callback:
        found += [_module(one) for one in _around(route.handler, set())]
    if isinstance(view_class, type):
        found += [_module(one) for one in _hooks(view_class)]
    found += [_module(one) for one in _around_operation(route)]
    return list(dict.fromkeys(found))


def modules_of_site(urlconf: str | None = None) -> list[str]:
    """The modules of the code that runs before all views: the middleware, and classes of URL patterns."""
    # Those of `django.contrib.auth` identify users, except for the one of `requires_login`.
    middleware = [_module(one) for one in _middleware() if _module(one) != "django.contrib.auth.middleware"]
    patterns = [_module(type(one)) for one in _patterns(get_resolver(urlconf))]
    return list(dict.fromkeys([*middleware, *patterns]))


def untrusted(modules: Iterable[str], trusted: Sequence[str] = ()) -> list[str]:
    """The modules that may restrict access."""
    return [one for one in modules if is_below(one, RESTRICTING) or not is_below(one, [*HARMLESS, *trusted])]


def is_below(module: str, parents: Iterable[str]) -> bool:
    """Whether it is one of these modules and packages, or in one."""
    return any(module == one or module.startswith(f"{one}.") for one in parents)


def requires_login(callback: Any) -> bool:
    """Whether Django's `LoginRequiredMiddleware` applies to a view."""
    classes = [one for one in _middleware() if isinstance(one, type)]
    base = _login_required_middleware()
    applies = base is not None and any(issubclass(one, base) for one in classes)
    return applies and bool(getattr(callback, "login_required", True))


def of_rest_framework(route: Route) -> list[str]:
    """The classes of a view of Django REST framework whose methods refuse requests, apart from their guards."""
    if "rest_framework.views" not in sys.modules:
        return []
    from boltguard.drf import routes

    return routes.custom_classes(getattr(route.callback, "cls", None), getattr(route.callback, "initkwargs", {}))


def _around(view: Any, seen: set[int]) -> Iterator[Any]:
    """The decorators of a view, and what they were made with. The view itself isn't one."""
    chain = [*_chain(view, seen)]
    for layer in chain[:-1]:
        yield layer
        yield from _parts(layer, seen)
    if not chain:
        return
    # A nested function that uses another one may be a decorator without `functools.wraps`.
    inner = [one for one in _cells(chain[-1]) if isinstance(one, (FunctionType, MethodType, partial))]
    if inner:
        yield chain[-1]
    for one in inner:
        yield from _around(one, seen)


def _chain(view: Any, seen: set[int]) -> Iterator[Any]:
    while view is not None and id(view) not in seen:
        seen.add(id(view))
        yield view
        view = _wrapped(view)


def _wrapped(view: Any) -> Any:
    inner = getattr(view, "__wrapped__", None)
    if inner is None and is_below(type(view).__module__, ("functools", "asgiref")):
        return getattr(view, "func", None) or getattr(view, "awaitable", None)
    return inner


def _parts(layer: Any, seen: set[int]) -> Iterator[Any]:
    """What a decorator for other decorators, middleware or context managers was made with."""
    if not is_below(_module(layer), TRANSPARENT):
        return
    for part in [*_cells(layer), *_arguments(layer)]:
        if id(part) not in seen and _module(part) != "builtins":
            seen.add(id(part))
            yield part
            yield from _parts(part, seen)


def _cells(function: Any) -> Iterator[Any]:
    """The values of the variables of outer functions, also those in tuples and lists."""
    for cell in getattr(function, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        yield from value if isinstance(value, (tuple, list)) else [value]


def _arguments(made: Any) -> list[Any]:
    """The function of a `partial` or of a context manager, and its arguments."""
    if isinstance(made, type) or not hasattr(made, "func"):
        return []
    named = getattr(made, "keywords", None) or getattr(made, "kwds", {})
    return [made.func, *getattr(made, "args", ()), *named.values()]


def _hooks(view_class: type) -> Iterator[Any]:
    """The methods that run before the handler of a request."""
    for one in view_class.__mro__:
        for method in filter(None, map(vars(one).get, HOOKS)):
            seen: set[int] = set()
            yield from _around(method, seen)
            *_, innermost = _chain(method, set())
            yield innermost


def _around_operation(route: Route) -> Iterator[Any]:
    """The class of an operation of Django Ninja, and the decorators of `decorate_view` and `add_decorator`."""
    if (path_view := path_view_of(route.callback)) is None:
        return
    for operation in path_view.operations:
        if route.method in operation.methods:
            yield type(operation)
            yield from _around(vars(operation).get("run"), set())


def _middleware() -> list[Any]:
    return [import_string(path) for path in settings.MIDDLEWARE]


def _login_required_middleware() -> Any:
    # Importing it fails if `django.contrib.auth` isn't installed.
    return getattr(sys.modules.get("django.contrib.auth.middleware"), "LoginRequiredMiddleware", None)


def _patterns(resolver: Any) -> Iterator[Any]:
    for one in resolver.url_patterns:
        yield one
        if isinstance(one, URLResolver):
            yield from _patterns(one)


def _module(code: Any) -> str:
    """The module in which code is defined. `functools.wraps` changes `__module__`, but not this."""
    if isinstance(code, type):
        return code.__module__
    namespace = getattr(code, "__globals__", None)
    return str(type(code).__module__ if namespace is None else namespace.get("__name__"))


# Code of these modules doesn't decide who may call a view.
HARMLESS = ("asgiref", "boltguard", "builtins", "contextlib", "django", "functools", "ninja", "rest_framework")
# Code of these modules does.
RESTRICTING = (
    "django.contrib.admin",
    "django.contrib.auth.decorators",
    "django.contrib.auth.middleware",
    "django.contrib.auth.mixins",
)
TRANSPARENT = ("contextlib", "django.utils.decorators", "functools")
# Methods of views of Django and Django REST framework.
HOOKS = (
    "check_permissions",
    "check_throttles",
    "dispatch",
    "get_authenticators",
    "initial",
    "initialize_request",
    "perform_authentication",
    "setup",
)
