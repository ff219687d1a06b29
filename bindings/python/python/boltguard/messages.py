"""How error messages show values. If arguments were swapped, any value may be a secret."""

from __future__ import annotations

import re
from datetime import timedelta

LIKE_AN_ALGORITHM = re.compile(r"(?:[HREP]S[-_ ]?\d{1,4}K?|Ed[-_ ]?(?:DSA|25519|448)|none)?", re.IGNORECASE)


def kind_of(value: object) -> str:
    """The value itself if it is a number or `None`, otherwise its type."""
    if isinstance(value, (int, float, timedelta)) or value is None:
        return repr(value)
    return "empty" if isinstance(value, (str, bytes, list, tuple)) and not value else f"of type {type(value).__name__}"


def shown_algorithm(name: object) -> str:
    """The name if it looks like an algorithm, otherwise its type."""
    is_name = isinstance(name, str) and LIKE_AN_ALGORITHM.fullmatch(name)
    return repr(name) if is_name else f"<{type(name).__name__}>"
