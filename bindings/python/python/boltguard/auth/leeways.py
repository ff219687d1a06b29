"""How long after its `exp` a token may still be accepted by some backend of the site, whoever revokes it.

An entry that ends too early lets its token live again. So its life does not depend on the object that wrote it: each
store that a backend is given is noted here, by the place where it keeps its entries, and before the first entry is
written the site's backends are built, also in a process that serves no requests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

from boltguard import conf

logger = logging.getLogger("boltguard")

# What is taken for the leeway of backends that can't be built in this process.
UNKNOWN = 3600.0

_bound: dict[Hashable, float] = {}
_loaded: conf.Conf | None = None


def note(place: Hashable, leeway: float) -> None:
    """A backend with this leeway asks a store that keeps its entries in this place."""
    _bound[place] = max(leeway, _bound.get(place, 0.0))


def largest(is_same: Callable[[Hashable], bool]) -> float:
    """The largest leeway of the backends that ask a store in one of these places."""
    least = 0.0 if _load_backends() else UNKNOWN
    return max([least, *(leeway for place, leeway in list(_bound.items()) if is_same(place))])


def _load_backends() -> bool:
    """Builds the backends of the settings and of the views, unless that was done before."""
    global _loaded
    current = conf.current()
    if _loaded is current:
        return True
    try:
        from django.urls import get_resolver

        current.authentication  # noqa: B018  # builds those of the settings
        get_resolver().url_patterns  # noqa: B018  # imports the views
    except Exception as error:
        logger.debug("the site's backends can't be built here, so entries are kept for an hour longer: %r", error)
        return False
    _loaded = current
    return True
