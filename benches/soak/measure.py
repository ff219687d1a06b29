"""Measures a guarded request with each kind of revocation store, without faults and with one client."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from soak.account import AccessToken, began
from soak.errors import SoakError
from soak.http_client import Client, Server
from soak.tenants import PASSWORD, username

SETTINGS = {
    "off": "no revocation",
    "memory": "InMemoryRevocation",
    "replicated": "ReplicatedRevocation",
    "redis": "DjangoCacheRevocation, in Redis",
    "table": "DjangoORMRevocation, in PostgreSQL",
}
ROUNDS = 5
WARM_UP = 30


class Row(NamedTuple):
    """What was measured of one store on one server. Times are in seconds."""

    server: str
    store: str
    per_second: float
    median: float
    p99: float


def measure(servers: list[Server], slice_seconds: float, timeout: float) -> Iterator[Row]:
    """Measures in several rounds, so that all stores share the disturbances of the machine."""
    client = Client(servers, timeout)
    token = _log_in(client, servers[0].name)
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(-1, ROUNDS):
        for server in servers:
            for store, path in _paths(server).items():
                found = _send(client, server.name, path, token, 0.0 if number < 0 else slice_seconds)
                times[server.name, store] += [] if number < 0 else found
    client.close()
    for (server_name, store), found in times.items():
        percentiles = statistics.quantiles(found, n=100)
        yield Row(server_name, store, len(found) / sum(found), statistics.median(found), percentiles[98])


def _paths(server: Server) -> dict[str, str]:
    """The path of the view with each store that a server has."""
    if not server.is_of_site:
        return {"replicated": server.me(0)}
    return {store: f"/measured/{store}" for store in SETTINGS}


def _send(client: Client, server: str, path: str, token: AccessToken, seconds: float) -> list[float]:
    """The durations of the requests within a time, and of at least some."""
    found: list[float] = []
    end = time.monotonic() + seconds
    while len(found) < WARM_UP or time.monotonic() < end:
        response = client.request(server, "GET", path, token=token.token)
        if response.status == 200:
            found.append(response.received - response.sent)
        elif response.status != 503 or time.monotonic() > end + LONGEST_WAIT:
            raise SoakError(f"The status of a request is {response.status}, for {path} on {server}.")
    return found


def _log_in(client: Client, server: str) -> AccessToken:
    body = {"username": username(0), "password": PASSWORD}
    response = client.request(server, "POST", "/0/auth/token", body=body)
    if response.status != 200:
        raise SoakError(f"The status of the first login is {response.status}.")
    return began(response, 0).access


# For the first synchronization of a process.
LONGEST_WAIT = 30.0
