"""What the site offers if a Rust service beside it accepts the same tokens.

The service is `crates/boltguard-axum/examples/fleet.rs`. It follows the revocations of the site with the stream in
Redis, and reads the complete list from `revocations`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import msgspec
from django.conf import settings
from django.http import StreamingHttpResponse

from boltguard import BoltAPI
from boltguard.auth import APIKeyAuthentication, Guard, HasPermission, ViaBackend, logout_everywhere
from boltguard.models import RevocationWatermark, RevokedToken

READ = "revocations.read"

fleet_api = BoltAPI()
service_keys = APIKeyAuthentication(
    api_keys={settings.FLEET.service_key}, key_permissions={settings.FLEET.service_key: [READ]}
)


class NewPassword(msgspec.Struct):
    password: str


@fleet_api.get("/orders", guards=[Guard.parse(settings.FLEET.guard)])
async def orders():
    """The service has a route with the same guard."""
    return ["Notes"]


@fleet_api.post("/logout/all", guards=[ViaBackend("jwt")])
def log_out_everywhere(request):
    logout_everywhere(request.user)
    return {"status": "logged out"}


@fleet_api.post("/password", guards=[ViaBackend("jwt")])
def change_password(request, new: NewPassword):
    """All tokens are revoked, because the password changes. A site would require the old password, too."""
    request.user.set_password(new.password)
    request.user.save()
    return {"status": "changed"}


@fleet_api.get("/revocations", auth=[service_keys], guards=[HasPermission(READ)])
def revocations(request):
    return StreamingHttpResponse(lines(), content_type="application/x-ndjson")


def lines() -> Iterator[str]:
    """Each entry, and last their number, so that a response that ends early isn't treated as the complete list."""
    count = 0
    for entry in entries():
        count += 1
        yield json.dumps(entry) + "\n"
    yield json.dumps({"entries": count}) + "\n"


def entries() -> Iterator[dict[str, str]]:
    """The rows of the tables, with the fields of a row of the stream."""
    for token in RevokedToken.objects.iterator():
        name, value = ("jti_sha256", token.jti[1:]) if token.jti.startswith("~") else ("jti", token.jti)
        yield {name: value, "until": until(token.expires_at)}
    for mark in RevocationWatermark.objects.iterator():
        yield {"level": mark.key, "before": str(mark.before), "until": until(mark.expires_at)}


def until(date: datetime | None) -> str:
    return "0" if date is None else str(-int(-date.timestamp() // 1))
