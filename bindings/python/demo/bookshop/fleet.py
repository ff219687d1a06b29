"""What the site offers if a Rust service beside it accepts the same tokens.

The service is `crates/boltguard-axum/examples/fleet.rs`. It follows the revocations of the site with the stream in
Redis, and reads the complete list from `revocations`.
"""

from __future__ import annotations

import msgspec
from django.conf import settings
from django.http import StreamingHttpResponse

from boltguard import BoltAPI
from boltguard.auth import APIKeyAuthentication, Guard, HasPermission, ViaBackend, logout_everywhere
from bookshop.revocation_list import lines

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
