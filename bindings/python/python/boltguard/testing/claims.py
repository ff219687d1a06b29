"""The claims of tokens for tests."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from boltguard import clock

Lifetime = float | timedelta


def issued_now(expires_in: Lifetime) -> dict[str, Any]:
    """`iat`, `exp` and `jti` of a token that is issued now. A negative `expires_in` is in the past."""
    now = clock.time()
    seconds = expires_in.total_seconds() if isinstance(expires_in, timedelta) else expires_in
    return {"iat": int(now), "exp": int(now + seconds), "jti": uuid7(clock.time_ms())}


def without_none(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The claims without those that are `None`."""
    return {name: value for name, value in claims.items() if value is not None}


def uuid7(millis: int) -> str:
    """A UUID of version 7 with this time, RFC 9562 §5.7, from which revocation reads when the token was issued."""
    rest = uuid.uuid4().hex
    return f"{millis >> 16:08x}-{millis & 0xFFFF:04x}-7{rest[:3]}-8{rest[3:6]}-{rest[6:18]}"
