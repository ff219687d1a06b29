"""`BoltAPI`: handlers by path and method, on Django's own URL resolver.

api = BoltAPI()

@api.get("/articles/{number}", auth=[JWTAuthentication()], guards=[IsAuthenticated()])
async def article(request, number: int):
    return {"number": number, "reader": request.user.id}

urlpatterns = [path("api/", api.urls)]
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, path
from django.urls.resolvers import RoutePattern

from boltguard.api.endpoint import Endpoint, Operation
from boltguard.api.params import hints, path_converter
from boltguard.auth.backends import check_backends
from boltguard.auth.guards import check_guards
from boltguard.decorators import VIEW_GATES
from boltguard.overriding import refuse_overrides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from boltguard.auth.backends import Authentication
    from boltguard.auth.guards import Guard

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Options(TypedDict, total=False):
    """The options of a route."""

    auth: Sequence[Authentication] | None
    guards: Sequence[Guard] | None
    status: int
    name: str | None


class BoltAPI:
    """A router. Its backends and guards are the defaults of its handlers; their defaults are the settings."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        remedy = "Pass auth=[...] and guards=[...] to the api or to its routes."
        refuse_overrides(cls, ImproperlyConfigured, remedy, called=METHODS)

    def __init__(self, *, auth: Any = None, guards: Any = None, namespace: str | None = None) -> None:
        self._auth = None if auth is None else check_backends(auth)
        self._guards = None if guards is None else check_guards(guards)
        if namespace is not None and not isinstance(namespace, str):
            raise ImproperlyConfigured(f"BoltAPI: namespace is {namespace!r}. It must be a string.")
        self._namespace = namespace
        self._endpoints: dict[str, Endpoint] = {}
        # The views, followed by those for paths that don't match the type of a parameter.
        self._patterns: list[URLPattern] = []
        self._view_count = 0

    @property
    def urls(self) -> tuple[list[URLPattern], str | None, str | None]:
        """For `path("api/", api.urls)`. Handlers that are registered later are found too."""
        return self._patterns, self._namespace, self._namespace

    def get(self, route: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Adds a handler for GET and HEAD."""
        return self.route("GET", route, **options)

    def post(self, route: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Adds a handler for POST."""
        return self.route("POST", route, **options)

    def put(self, route: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Adds a handler for PUT."""
        return self.route("PUT", route, **options)

    def patch(self, route: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Adds a handler for PATCH."""
        return self.route("PATCH", route, **options)

    def delete(self, route: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Adds a handler for DELETE."""
        return self.route("DELETE", route, **options)

    def route(
        self,
        method: str,
        route: str,
        *,
        auth: Any = None,
        guards: Any = None,
        status: int = 200,
        name: str | None = None,
    ) -> Callable[[Handler], Handler]:
        """Adds a handler for a method.

        `status` applies unless the handler returns an `HttpResponse`; `name` is for `reverse`.
        """
        method = _checked_method(method, route)
        if type(status) is not int or not 200 <= status <= 599:
            raise ImproperlyConfigured(f"{route}: status is {status!r}. It must be an integer from 200 to 599.")
        auth = self._auth if auth is None else auth
        guards = self._guards if guards is None else guards

        def register(handler: Handler) -> Handler:
            endpoint, names = self._endpoint(route, handler, name)
            if hasattr(handler, VIEW_GATES):
                raise ImproperlyConfigured(f"{_shown(handler)} is already protected. {AS_ROUTE}")
            endpoint.add(method, Operation(handler, names, method, auth, guards, status))
            return handler

        return register

    def _endpoint(self, route: str, handler: Any, name: str | None) -> tuple[Endpoint, list[str]]:
        shape, names, exact, loose = _parse(route, handler)
        endpoint = self._endpoints.get(shape)
        is_new = endpoint is None
        if endpoint is None:
            endpoint = self._endpoints[shape] = Endpoint(route, names)
            if loose != exact:
                self._patterns.append(UnfitPath(RoutePattern(loose, is_endpoint=True), endpoint.view))
        # Another method at the same path may have another name.
        if is_new or name is not None:
            pattern = path(exact, endpoint.view, name=name or getattr(handler, "__name__", None))
            self._patterns.insert(self._view_count, pattern)
            self._view_count += 1
        return endpoint, names


class UnfitPath(URLPattern):
    """A path that matches a route except for the type of a parameter: a 422 if the guard allows the caller.

    It comes after all routes of its API, because any of them may match the same path.
    """


def _checked_method(method: object, route: str) -> str:
    if isinstance(method, str) and re.fullmatch(r"[A-Z]+(-[A-Z]+)*", method.upper()):
        return method.upper()
    raise ImproperlyConfigured(f"{route}: method is {method!r}. It must be a single method, such as 'GET'.")


def _shown(handler: Any) -> str:
    return getattr(handler, "__qualname__", None) or repr(handler)


def _parse(route: str, handler: Any) -> tuple[str, list[str], str, str]:
    """The path without parameter names, the names, the path for Django, and one that matches any string."""
    if not isinstance(route, str) or not route.startswith("/"):
        raise ImproperlyConfigured(f"the path {route!r} doesn't start with a slash")
    kinds = hints(handler)
    names: list[str] = []
    shape, exact, loose = "", "", ""
    for literal, name, converter, stray in _PARTS.findall(route[1:]):
        if stray or (name and (not name.isidentifier() or name in names)):
            raise ImproperlyConfigured(f"the path {route!r} can't be read; write parameters as {{name}}, each once")
        if literal:
            shape, exact, loose = shape + literal, exact + literal, loose + literal
            continue
        names.append(name)
        kind = converter or path_converter(kinds.get(name, str))
        shape, exact, loose = f"{shape}<{kind}>", f"{exact}<{kind}:{name}>", f"{loose}<{converter or 'str'}:{name}>"
    return shape, names, exact, loose


AS_ROUTE = "Pass auth=[...] and guards=[...] to the route, and remove protect."
# Methods that a subclass may override, because its users call them.
METHODS = {"get", "post", "put", "patch", "delete", "route", "urls"}
_PARTS = re.compile(r"([^{}<>]+)|\{(\w+)(?::(\w+))?\}|([{}<>])")
