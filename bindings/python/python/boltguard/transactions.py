"""Transactions of views behind a gate, under `ATOMIC_REQUESTS`.

Django would open the transaction around the gate, too: a failing store would break it, and an error that
the gate turns into a response would not roll it back. So the wrapper is exempt from Django's transactions, and the gate
opens the transaction around the view only. `non_atomic_requests` of the view still has an effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from boltguard.optional import HAS_DJANGO, connections, open_connections

if HAS_DJANGO:
    from django.db import transaction


class Exempt:
    """Exempts all databases from Django's transactions, and stores which were already exempt."""

    def __init__(self) -> None:
        self.named: set[str] = set()

    def __contains__(self, alias: object) -> bool:
        return True

    def add(self, alias: str) -> None:
        """Called by `non_atomic_requests` above the wrapper."""
        self.named.add(alias)


def take_over(wrapper: Any) -> None:
    """Makes the gate, instead of Django, open the transactions of this view."""
    setattr(wrapper, EXEMPTION, Exempt())


def atomic_aliases(request: Any, view: Any) -> list[str]:
    """The databases with `ATOMIC_REQUESTS` from which the view is not exempt."""
    for settings in connections.settings.values():
        if settings["ATOMIC_REQUESTS"]:
            return _atomic_aliases(request, view)
    return NONE


def _atomic_aliases(request: Any, view: Any) -> list[str]:
    match = getattr(request, "resolver_match", None)
    above = getattr(getattr(match, "func", None), EXEMPTION, None)
    named = above.named if isinstance(above, Exempt) else ()
    own = getattr(view, EXEMPTION, ())
    atomic = (alias for alias, settings in connections.settings.items() if settings["ATOMIC_REQUESTS"])
    return [alias for alias in atomic if alias not in own and alias not in named]


def atomically(aliases: list[str], view: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Calls the view in a transaction of each of these databases, as Django does."""
    for alias in aliases:
        view = transaction.atomic(using=alias)(view)
    return view(*args, **kwargs)


def refuse_atomic(request: Any, view: Any) -> None:
    """Raises Django's error for async views with `ATOMIC_REQUESTS`."""
    if atomic_aliases(request, view):
        raise RuntimeError("You cannot use ATOMIC_REQUESTS with async views.")


@contextmanager
def savepoints(are_needed: bool) -> Iterator[None]:
    """Prevents an ignored error from breaking the open transactions: PostgreSQL
    rejects all later statements."""
    with ExitStack() as stack:
        for connection in open_connections() if are_needed else ():
            if connection.in_atomic_block:
                stack.enter_context(transaction.atomic(using=connection.alias))
        yield


EXEMPTION = "_non_atomic_requests"
NONE: list[str] = []
