"""`auth_matrix`: which callers may use which routes, as a table of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from boltguard.testing.clients import authenticate, code_of


def auth_matrix(personas: Mapping[str, Any], routes: Iterable[str]) -> str:
    """Requests all routes as all personas with Django's test client, and returns the statuses and codes as a table.

    A persona is a name and a user, a token as a string, or `None` for an anonymous caller. A route is a path, such as
    `"/reports"`, or a method and a path: `"DELETE /reports/7"`. The views are called, so their changes are made.

    Compare the table with one in the test, so that each change of access is a change of the test.
    """
    if not personas or not (listed := list(routes)):
        raise ValueError("auth_matrix() requires at least one persona and one route.")
    rows = [["", *personas]]
    for route in listed:
        method, path = _parsed(route)
        rows.append([f"{method} {path}", *(_cell(method, path, persona) for persona in personas.values())])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _parsed(route: str) -> tuple[str, str]:
    method, _, path = route.rpartition(" ")
    if not path.startswith("/") or (method and not method.isupper()):
        raise ValueError(f'{route!r} is not a route. Use a path or a method and a path, such as "DELETE /reports/7".')
    return method or "GET", path


def _cell(method: str, path: str, persona: Any) -> str:
    from django.test import Client

    # A separate client, because a response may set cookies.
    client = Client(raise_request_exception=False)
    if isinstance(persona, str):
        authenticate(client, token=persona)
    elif persona is not None:
        authenticate(client, persona)
    response = client.generic(method, path)
    return " ".join([str(response.status_code), *filter(None, [code_of(response)])])
