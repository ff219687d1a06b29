"""The results of shadow mode for each route: whether it can be switched to Boltguard."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import router

from boltguard.models import ShadowResult
from boltguard.routes.collect import ANY_METHOD, Route
from boltguard.shadow import comparison
from boltguard.shadow.routes import name_of
from boltguard.shadow.views import METHODS, declared_gates


@dataclass(frozen=True)
class RouteResults:
    """The results of a route. `has_guards` if its guards are compared, too, because the view declares them."""

    route: Route
    has_guards: bool
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def verdict(self) -> str:
        """Whether the route can be switched."""
        if self.route.gates or _authenticates(self.route.callback):
            return SWITCHED
        if not self.counts:
            return NO_REQUESTS
        if any(outcome not in comparison.HARMLESS for outcome, _ in self.counts):
            return NO
        if not self.counts[comparison.AGREED, comparison.AUTHENTICATED]:
            return ANONYMOUS_ONLY
        return YES if self.has_guards else AUTHENTICATION

    @property
    def can_be_switched(self) -> bool:
        """Whether no request disagreed, and some had credentials."""
        return self.verdict in (YES, AUTHENTICATION)

    @property
    def line(self) -> tuple[str, ...]:
        """The cells of a table."""
        found = ", ".join(f"{outcome} {reason}: {count}" for (outcome, reason), count in sorted(self.counts.items()))
        return self.verdict, self.route.method, self.route.path, str(self.counts.total()), found or "-"

    def as_json(self) -> dict[str, Any]:
        """The same, for scripts."""
        return {
            "method": self.route.method,
            "path": self.route.path,
            "view": self.route.view,
            "switch": self.verdict,
            "requests": self.counts.total(),
            "results": [
                {"outcome": outcome, "reason": reason, "requests": count}
                for (outcome, reason), count in sorted(self.counts.items())
            ],
        }


def results_of(routes: Iterable[Route]) -> list[RouteResults]:
    """The results of each route, in their order."""
    routes, counts = list(routes), _counts()
    methods = defaultdict(set)
    for route in routes:
        methods[route.path].add(route.method)
    return [_results(route, methods[route.path], counts) for route in routes]


def _results(route: Route, of_path: set[str], counts: dict[tuple[str, str], Counter[tuple[str, str]]]) -> RouteResults:
    total: Counter[tuple[str, str]] = Counter()
    for method in _methods(route.method, of_path):
        total += counts[method, name_of(route.path)]
    declared = [declared_gates(route.callback, method) for method in _methods(route.method, set())]
    return RouteResults(route, any(declared), total)


def _authenticates(callback: Any) -> bool:
    """Whether Boltguard authenticates the callers of a view of Django REST framework, which has other permissions."""
    if not hasattr(callback, "initkwargs") or "rest_framework.views" not in sys.modules:
        return False
    from boltguard.drf import routes

    return bool(routes.own_authentications(callback.cls, callback.initkwargs))


def _methods(method: str, of_path: set[str]) -> list[str]:
    """The methods of requests that a route handles."""
    if method == ANY_METHOD:
        return [one for one in METHODS if one not in of_path]
    return [method, "HEAD"] if method == "GET" and "HEAD" not in of_path else [method]


def _counts() -> dict[tuple[str, str], Counter[tuple[str, str]]]:
    counts: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    # From the database that they are written to: a replica may be behind.
    rows = ShadowResult._base_manager.using(router.db_for_write(ShadowResult))
    for method, route, outcome, reason, count in rows.values_list("method", "route", "outcome", "reason", "count"):
        counts[method, route][outcome, reason] += count
    return counts


SWITCHED = "switched"
NO_REQUESTS = "no requests"
NO = "no"
ANONYMOUS_ONLY = "anonymous only"
AUTHENTICATION = "authentication"
YES = "yes"
