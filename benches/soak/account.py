"""What a client remembers of its account: the session, its tokens, and those that are revoked or superseded."""

from __future__ import annotations

import base64
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from soak.http_client import Response
from soak.judge import Credential, Session


@dataclass
class AccessToken:
    """An access token and its IDs. The token isn't shown."""

    credential: Credential
    tenant: int
    token: str = field(repr=False)


@dataclass
class LiveSession:
    """A session of a client, with its current tokens. The tokens aren't shown.

    `begun` is when the first request with the current refresh token was sent, if none has succeeded yet: the next one
    returns what that one would have returned. Until `settled_at`, a server may still execute a request without a
    response. Two generations later, its refresh token would look like a stolen one, so an honest client waits.
    """

    session: Session
    tenant: int
    access: AccessToken
    refresh_token: str = field(repr=False)
    older: deque[str] = field(default_factory=lambda: deque(maxlen=2), repr=False)
    begun: float | None = None
    settled_at: float = 0.0

    def is_refreshable(self, now: float) -> bool:
        """Whether it is the first request with the current refresh token that is repeated, or none can be late."""
        return self.begun is not None or now >= self.settled_at

    def continue_with(self, responses: list[Response]) -> None:
        """Continues with the first successful one of the responses to a refresh."""
        if self.begun is None:
            self.begun = min(response.sent for response in responses)
        if any(response.status is None for response in responses):
            self.settled_at = max(response.sent for response in responses) + LATEST_EFFECT
        for response in responses:
            if response.status == 200:
                self.older.append(self.refresh_token)
                self.access = access_token(response, self.tenant, self.begun)
                self.refresh_token, self.begun = response.body["refresh_token"], None
                return


# A process that is suspended may execute a request long after its client has given up, but not later than this.
LATEST_EFFECT = 12.0


def began(response: Response, tenant: int) -> LiveSession:
    """The session of the response to a login."""
    access = access_token(response, tenant, response.sent)
    values = access.credential.values
    session = Session(values["session"], values["subject"], response.sent, response.received)
    return LiveSession(session, tenant, access, response.body["refresh_token"])


def access_token(response: Response, tenant: int, requested: float) -> AccessToken:
    """The access token in a response. Its IDs are read without verifying it."""
    token = response.body["access_token"]
    header, claims = (_decoded(part) for part in token.split(".")[:2])
    values = {
        "token": claims["jti"],
        "session": claims["sid"],
        "subject": claims["sub"],
        "issuer": claims["iss"],
        "key": header["kid"],
    }
    expires = response.sent + response.body["expires_in"]
    return AccessToken(Credential(values, requested, response.received, expires), tenant, token)


def _decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
