"""The site: sessions of several tenants with a shared revocation list, and a view per kind of store to be measured.

Each tenant has its own issuer and its own ID of the signing key, so that revoking one of them affects no other tenant.
The secret is the same, so that the Rust service only needs one.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from boltguard import protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    ReplicatedRevocation,
    RevocationStore,
)
from boltguard.jwt import Key
from boltguard.sessions import TokenSessions
from bookshop.revocation_list import lines
from soak.plain_follower import PlainFollower
from soak.tenants import STORED, TENANTS, issuer, key_id

ACCESS_LIFETIME = timedelta(hours=1)


def replicated() -> RevocationStore:
    if settings.FOLLOWER == "plain":
        return PlainFollower(settings.REDIS_URL, settings.MAX_STALENESS)
    return ReplicatedRevocation(settings.REDIS_URL, max_staleness=settings.MAX_STALENESS)


def in_memory() -> RevocationStore:
    store = InMemoryRevocation()
    for jti in STORED:
        store.revoke(jti, ACCESS_LIFETIME)
    return store


store = replicated()


def backend(tenant: int, store: RevocationStore | None) -> JWTAuthentication:
    key = Key.from_secret(settings.TOKEN_SECRET, kid=key_id(tenant))
    return JWTAuthentication(key, issuer=issuer(tenant), revocation_store=store)


def me(request: Any) -> HttpResponse:
    return JsonResponse({"user_id": request.context.user_id})


async def ame(request: Any) -> HttpResponse:
    return JsonResponse({"user_id": request.context.user_id})


def guarded(backend: JWTAuthentication) -> Any:
    """The view that suits the server: without a thread under ASGI."""
    return protect(auth=[backend], guards=[IsAuthenticated()])(me if settings.SERVER == "wsgi" else ame)


def tenant(number: int) -> list[Any]:
    accepted = backend(number, store)
    sessions = TokenSessions(accepted, access_lifetime=ACCESS_LIFETIME, reuse_grace=timedelta(seconds=60))
    return [path(f"{number}/auth/", sessions.urls), path(f"{number}/me", guarded(accepted))]


REVOKE = {"token": "revoke", "subject": "revoke_subject", "issuer": "revoke_issuer", "key": "revoke_key"}


@protect(auth=[], guards=[AllowAny()])
def revoke(request: HttpRequest) -> HttpResponse:
    """Revokes what the body names. The site only serves the soak on this machine, so anyone may."""
    body = json.loads(request.body)
    getattr(store, REVOKE[body["level"]])(body["value"], ttl=ACCESS_LIFETIME)
    return HttpResponse(status=204)


@protect(auth=[APIKeyAuthentication(api_keys={settings.SERVICE_KEY})], guards=[IsAuthenticated()])
def revocations(request: HttpRequest) -> StreamingHttpResponse:
    """The complete list, for the Rust service."""
    return StreamingHttpResponse(lines(), content_type="application/x-ndjson")


def status(request: HttpRequest) -> HttpResponse:
    return JsonResponse(store.describe() if isinstance(store, ReplicatedRevocation) else {})


MEASURED = {
    "off": None,
    "memory": in_memory(),
    "replicated": store,
    "redis": DjangoCacheRevocation("revocations"),
    "table": DjangoORMRevocation(),
}

urlpatterns = [
    *(pattern for number in range(TENANTS) for pattern in tenant(number)),
    *(path(f"measured/{name}", guarded(backend(0, store))) for name, store in MEASURED.items()),
    path("revoke", revoke),
    path("fleet/revocations", revocations),
    path("status", status),
]
