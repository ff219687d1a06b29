"""What browsers send automatically, which methods of requests change nothing, and what an origin is."""

from __future__ import annotations

from boltguard._rust import OriginPolicy
from boltguard.exceptions import ConfigurationError

# RFC 9110, section 9.2.1.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm"})


def send_automatically(authorization: str) -> bool:
    """Whether `Authorization` has a scheme for which browsers prompt once, and then send credentials automatically."""
    return authorization.strip().partition(" ")[0].lower() in SCHEMES


def is_origin(value: str) -> bool:
    """Whether a policy can allow this origin."""
    try:
        OriginPolicy([value])
    except ConfigurationError:
        return False
    return True
