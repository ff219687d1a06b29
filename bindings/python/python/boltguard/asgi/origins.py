"""Whether a browser sent a request from a page of another site, with credentials that it adds automatically.

`Sec-Fetch-Site` and `Origin` can't be set by pages. Browsers send `Origin` with each WebSocket and each request with an
unsafe method, so a client that sends neither header isn't a browser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from boltguard.asgi.connection import Connection
from boltguard.auth.arguments import refuse

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
# Browsers ask the user for these credentials once, and then send them automatically.
BROWSER_SCHEMES = {"basic", "digest", "negotiate", "ntlm"}


def is_forgeable(connection: Connection, allowed: Collection[str]) -> bool:
    """Whether a page of a site that isn't allowed may have made the request."""
    if connection.method in SAFE_METHODS:
        return False
    headers = connection.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin.lower() in allowed:
        return False
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and not _is_host(origin, headers.get("host"))


def is_sent_by_browsers(connection: Connection, header: str | None) -> bool:
    """Whether browsers may send the credentials of a backend with this header automatically."""
    if header is None:
        return True
    scheme = connection.headers.get("authorization", "").strip().partition(" ")[0]
    return header.lower() == "authorization" and scheme.lower() in BROWSER_SCHEMES


def check_origins(origins: object) -> frozenset[str]:
    """The origins in lower case, or `ImproperlyConfigured`."""
    if isinstance(origins, str) or not isinstance(origins, Iterable):
        refuse('AuthMiddleware: allowed_origins must be a list of origins, such as ["https://example.com"].')
    listed = list(origins)
    for origin in listed:
        if not isinstance(origin, str) or not ORIGIN.fullmatch(origin):
            refuse(f'AuthMiddleware: allowed_origins contains {origin!r}. An origin is "https://example.com".')
    return frozenset(origin.lower() for origin in listed)


def _is_host(origin: str, host: str | None) -> bool:
    """Whether the host and the port of an origin are those to which the request was sent."""
    return host is not None and urlsplit(origin).netloc.lower() == host.lower()


# RFC 6454, section 6.2.
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s,*]+", re.IGNORECASE)
