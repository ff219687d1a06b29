"""`ClientCertificate`: the certificate that a client presents for a TLS connection (mutual TLS)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from boltguard import _rust
from boltguard.auth.arguments import header_name, refuse
from boltguard.auth.backends import Authentication
from boltguard.auth.identity import Identity
from boltguard.exceptions import ConfigurationError, Unauthorized
from boltguard.messages import kind_of

if TYPE_CHECKING:
    from django.http import HttpRequest


class ClientCertificate(Authentication):
    """A client certificate, for services that call each other.

    The certificate comes from a `header` that the proxy sets, or with `asgi_tls=True` from the TLS extension of the
    ASGI server; one of them must be chosen. The server that terminates TLS must verify the certificate, and the proxy
    must remove the header from the requests of clients. The header contains the certificate as in RFC 9440, or as PEM
    (percent-encoded, or with spaces instead of line breaks), or as base64.

    `clients` maps SHA-256 fingerprints, in hexadecimal, to an `Identity` or the ID of the client. Alternatively,
    `identify` is a function that returns an `Identity` or `None` for a certificate in DER. Unknown certificates result
    in a 401. Browsers send client certificates automatically, so requests with an unsafe method must pass Django's CSRF
    check.
    """

    name = "client_certificate"

    def __init__(
        self,
        *,
        header: str | None = None,
        asgi_tls: bool = False,
        clients: Mapping[str, Identity | str | int] | None = None,
        identify: Callable[[bytes], Identity | None] | None = None,
        name: str | None = None,
    ) -> None:
        if (header is None) is not asgi_tls or not isinstance(asgi_tls, bool):
            refuse("ClientCertificate: pass either header=, which the proxy sets, or asgi_tls=True.")
        if (clients is None) is (identify is None):
            refuse("ClientCertificate: pass either clients= or identify=.")
        if identify is not None and not callable(identify):
            refuse(f"ClientCertificate: identify is {kind_of(identify)}. It must be a function.")
        self._rename(name)
        # Not `header`, with which the backend would be exempt from the CSRF check.
        self.reads = () if header is None else (header_name("ClientCertificate", header),)
        self._clients = None if clients is None else _identities(clients)
        self._identify = identify

    @property
    def is_ambient(self) -> bool:
        """True, even if a subclass sets `header`."""
        return True

    def authenticate(self, request: HttpRequest) -> Identity | None:
        """The client that the certificate belongs to."""
        value = self._certificate(request)
        if not value:
            return None
        found = _rust.read_certificate(value)
        if found is None:
            raise Unauthorized
        der, fingerprint = found
        identity = self._identify(der) if self._clients is None else self._clients.get(fingerprint)  # type: ignore[misc]
        if identity is None:
            raise Unauthorized
        return identity

    def _certificate(self, request: Any) -> str | None:
        if self.reads:
            (header,) = self.reads
            found: str | None = request.META.get(f"HTTP_{header.upper().replace('-', '_')}")
            return found
        extensions = getattr(request, "scope", {}).get("extensions") or {}
        tls = extensions.get("tls") or {}
        chain = tls.get("client_cert_chain") or ()
        return None if tls.get("client_cert_error") or not chain else chain[0]


def _identities(clients: Any) -> dict[str, Identity]:
    if not isinstance(clients, Mapping):
        refuse(f"ClientCertificate: clients is {kind_of(clients)}. It must be a dict from fingerprints to clients.")
    if not clients:
        refuse("ClientCertificate: clients is empty, so no certificate would be accepted.")
    identities: dict[str, Identity] = {}
    for fingerprint, client in clients.items():
        try:
            key = _rust.parse_fingerprint(fingerprint)
            identity = client if isinstance(client, Identity) else Identity(client)
        except (ConfigurationError, TypeError, ValueError) as error:
            refuse(f"ClientCertificate: clients contains an invalid entry: {error}")
        if identities.setdefault(key, identity) is not identity:
            refuse("ClientCertificate: clients contains a fingerprint twice, in different spellings.")
    return identities
