"""What error messages may show of a value. Where arguments changed places, any value may be a secret."""

from __future__ import annotations

import re
from datetime import timedelta

LIKE_AN_ALGORITHM = re.compile(r"(?:[HREP]S[-_ ]?\d{1,4}K?|Ed[-_ ]?(?:DSA|25519|448)|none)?", re.IGNORECASE)


def kind_of(value: object) -> str:
    """What a value is: itself where it is a number or `None`, else its type."""
    if isinstance(value, (int, float, timedelta)) or value is None:
        return repr(value)
    return "empty" if isinstance(value, (str, bytes, list, tuple)) and not value else f"of type {type(value).__name__}"


def shown_algorithm(name: object) -> str:
    """The name of an algorithm as it was written, or what is like one; else its type."""
    is_name = isinstance(name, str) and LIKE_AN_ALGORITHM.fullmatch(name)
    return repr(name) if is_name else f"<{type(name).__name__}>"
