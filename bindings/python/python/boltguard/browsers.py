"""What browsers send automatically, and which methods of requests change nothing."""

from __future__ import annotations

# RFC 9110, section 9.2.1.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm"})


def send_automatically(authorization: str) -> bool:
    """Whether `Authorization` has a scheme for which browsers prompt once, and then send credentials automatically."""
    return authorization.strip().partition(" ")[0].lower() in SCHEMES
