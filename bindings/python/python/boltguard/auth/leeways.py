"""How long after its `exp` a token may still be accepted by a backend of the site.

If an entry expired too early, its token would be accepted again. Therefore the lifetime of an entry doesn't depend on
the store object: the leeway of each backend is recorded here for the location of its store's entries, and the site's
backends are created before the first entry is written, even in a process that serves no requests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

from boltguard import conf

logger = logging.getLogger("boltguard")

# The assumed leeway of backends that can't be created in this process.
UNKNOWN = 3600.0

_bound: dict[Hashable, float] = {}
_loaded: conf.Conf | None = None


def note(place: Hashable, leeway: float) -> None:
    """Records the leeway of a backend that uses a store in this place."""
    _bound[place] = max(leeway, _bound.get(place, 0.0))


def largest(is_same: Callable[[Hashable], bool]) -> float:
    """The largest leeway of the backends that use a store in one of these places."""
    least = 0.0 if _load_backends() else UNKNOWN
    return max([least, *(leeway for place, leeway in list(_bound.items()) if is_same(place))])


def _load_backends() -> bool:
    """Creates the backends of the settings and views, unless that was done before."""
    global _loaded
    current = conf.current()
    if _loaded is current:
        return True
    try:
        has_views = conf.load_backends()
    except Exception as error:
        logger.debug(
            "The backends of the site can't be created here, so entries are kept for an hour longer: %r", error
        )
        return False
    # Without a URLconf, the backends of the views of other processes aren't known.
    _loaded = current if has_views else None
    return has_views
