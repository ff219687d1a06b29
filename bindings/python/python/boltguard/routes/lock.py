"""`routes.lock`: the guards of all routes, to compare with the current ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from boltguard.auth.guards import Guard
from boltguard.exceptions import GuardTooLarge
from boltguard.routes.collect import Route


@dataclass(slots=True)
class Changes:
    """The differences to the file. `failures` are those that weren't accepted."""

    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class UnreadableLock(ValueError):
    """The file wasn't written by `write`."""


def write(routes: Iterable[Route]) -> str:
    """Writes one route per line, so that diffs are readable."""
    lines = [f"{json.dumps(route.key)}: {json.dumps(_entry(route), ensure_ascii=False)}" for route in routes]
    body = ",\n".join(f"    {line}" for line in lines)
    return f'{{\n  "version": {VERSION},\n  "routes": {{\n{body}\n  }}\n}}\n'


def read(path: Path) -> dict[str, Any]:
    """The routes of a file, by key."""
    try:
        document = json.loads(path.read_text("utf-8"))
        version, routes = document["version"], document["routes"]
        for entry in routes.values():
            _ = entry["guard"], list(entry["backends"]), list(entry.get("others", ()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableLock(f"{path} can't be read: {error!r}. Was it written by --write?") from None
    if version != VERSION:
        raise UnreadableLock(f"{path} has version {version!r}, not {VERSION}. Create it again with --write.")
    return dict(routes)


def compare(old: Mapping[str, Any], routes: Iterable[Route]) -> Changes:
    """Compares the routes with the file: what has changed, and whether a route became weaker."""
    changes, seen = Changes(), set()
    for route in routes:
        seen.add(route.key)
        if route.key in old:
            _compare_one(old[route.key], route, changes)
        else:
            changes.failures.append(f"{route.key} is new: {_shown(route.requirements or None)}")
    changes.notes += [f"{key} was removed" for key in old if key not in seen]
    return changes


def _compare_one(old: Mapping[str, Any], route: Route, changes: Changes) -> None:
    before, now = Counter(old["backends"]), Counter(route.backends)
    if (gained := now - before) and old["guard"] is not None:
        changes.failures.append(f"{route.key} accepts new credentials: {', '.join(gained.elements())}")
    if lost := before - now:
        changes.notes.append(f"{route.key} no longer accepts: {', '.join(lost.elements())}")
    # For these, only the names can be compared.
    if dropped := Counter(old.get("others", ())) - Counter(route.others):
        changes.failures.append(f"{route.key} no longer requires {', '.join(dropped.elements())}")
    guard = None if route.guard is None else str(route.guard)
    if guard == old["guard"]:
        return
    change = f"{_shown(old['guard'])} -> {_shown(guard)}"
    if why := _weaker(old["guard"], route.guard):
        changes.failures.append(f"{route.key} {why}: {change}")
    else:
        changes.notes.append(f"{route.key} is not weaker: {change}")


def _weaker(old: str | None, new: Guard | None) -> str | None:
    """Why the new guard isn't known to be as strict as the old one, whose string form differs."""
    if new is None:
        return "is weaker"
    if old is None:
        return None
    try:
        return None if new.rust.implies(Guard.parse(old).rust) else "is weaker"
    except GuardTooLarge as error:
        return f"can't be compared ({error})"
    except ImproperlyConfigured:
        return "can't be compared (the guard in the file can't be read)"


def _shown(guard: object) -> str:
    return "unprotected" if guard is None else str(guard)


def _entry(route: Route) -> dict[str, Any]:
    entry = {"backends": list(route.backends), "guard": None if route.guard is None else str(route.guard)}
    return {**entry, "others": list(route.others)} if route.others else entry


VERSION = 1
