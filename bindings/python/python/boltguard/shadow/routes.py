"""The names under which the results of routes are stored.

While it handles a request, Django only knows a string with the patterns of the URL, without their kinds.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.utils.translation import get_language


def route_of(request: Any) -> str:
    """The name of the route of a request."""
    route = str(request.resolver_match.route).removeprefix("^")
    urlconf = getattr(request, "urlconf", None) or settings.ROOT_URLCONF
    if is_language_prefix_patterns_used(urlconf)[0]:
        route = route.removeprefix(f"{get_language()}/")
    return route


def name_of(path: str) -> str:
    """The name of a route as `boltguard_routes` lists it."""
    return path.removeprefix("/").removeprefix("<language>/").replace("regex:^", "").replace("regex:", "")
