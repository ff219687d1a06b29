"""Whether a browser sent a request from a page of another site, with credentials that it adds automatically.

`Sec-Fetch-Site` and `Origin` can't be set by pages. Browsers send `Origin` with each WebSocket and each request with an
unsafe method, so a client that sends neither header isn't a browser.
"""

from __future__ import annotations

from collections.abc import Iterable

from boltguard._rust import OriginPolicy
from boltguard.asgi.connection import Connection
from boltguard.auth.arguments import refuse
from boltguard.browsers import SAFE_METHODS, is_origin, send_automatically


def is_forgeable(connection: Connection, policy: OriginPolicy) -> bool:
    """Whether a page of a site that isn't allowed may have made the request."""
    if connection.method in SAFE_METHODS:
        return False
    headers = connection.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    return policy.classify(origin=origin, fetch_site=site, own=_own(connection, origin)) == "cross_origin"


def is_sent_by_browsers(connection: Connection, header: str | None) -> bool:
    """Whether browsers may send the credentials of a backend with this header automatically."""
    if header is None:
        return True
    return header.lower() == "authorization" and send_automatically(connection.headers.get("authorization", ""))


def origin_policy(origins: object) -> OriginPolicy:
    """The policy that also allows these origins. Raises `ImproperlyConfigured`."""
    if isinstance(origins, str) or not isinstance(origins, Iterable):
        refuse('AuthMiddleware: allowed_origins must be a list of origins, such as ["https://example.com"].')
    listed = list(origins)
    for origin in listed:
        if not isinstance(origin, str) or not is_origin(origin):
            refuse(f'AuthMiddleware: allowed_origins contains {origin!r}. An origin is "https://example.com".')
    return OriginPolicy(listed)


def _own(connection: Connection, origin: str | None) -> str:
    """The origin to which the request was sent.

    A page with plain HTTP can be changed on the network, so it may not send credentials to a request with HTTPS. If the
    request has none, a proxy may have removed it, so the page may have either.
    """
    is_plain = connection.scope.get("scheme", "http") in ("http", "ws")
    scheme = "http" if is_plain and origin is not None and origin.lower().startswith("http://") else "https"
    return f"{scheme}://{connection.headers.get('host', '')}"
