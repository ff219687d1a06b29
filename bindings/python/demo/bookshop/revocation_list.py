"""The complete list of revocations, for a Rust service that can't read the database of the site.

`crates/boltguard-axum/examples/fleet.rs` reads it. The site of `cargo xtask soak` provides the same list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from boltguard.models import RevocationWatermark, RevokedToken


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
