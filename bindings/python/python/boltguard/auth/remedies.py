"""Remedies: what to name where the default algorithm is not the key's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from boltguard import _rust
from boltguard.exceptions import PyJWTError

DEFAULT_ALGORITHM = "HS256"
LIKE_A_NAME = re.compile(r"(?:[HREP]S[-_ ]?\d{1,4}K?|Ed[-_ ]?(?:DSA|25519|448)|none)?", re.IGNORECASE)


def named_for(keys: Iterable[Any], argument: str) -> str:
    """The end of a message about keys that the default can't serve; nothing where they are no public or private keys.

    `argument` is how to name an algorithm, with a place for it: `algorithm={!r}`.
    """
    served = [name for key in keys for name in _served_by(key)]
    if not served:
        return ""
    return f"; {DEFAULT_ALGORITHM} is the default, name what the key is for: {argument.format(served[0])}"


def shown(name: object) -> str:
    """An algorithm as it was written; any other text may be a secret, where arguments changed places."""
    is_name = isinstance(name, str) and LIKE_A_NAME.fullmatch(name)
    return repr(name) if is_name else f"<{type(name).__name__}>"


def kind_of(value: object) -> str:
    """What a value is, for a message: where arguments changed places, the value itself may be a secret."""
    if isinstance(value, (int, float, timedelta)) or value is None:
        return repr(value)
    return "empty" if isinstance(value, (str, bytes, list, tuple)) and not value else f"of type {type(value).__name__}"


def _served_by(key: Any) -> list[str]:
    if isinstance(key, Mapping) and isinstance(key.get("keys"), list):
        return [name for one in key["keys"] for name in _served_by(one)]
    with suppress(PyJWTError, TypeError):
        return [name for name in _rust.Key.read(key).algorithms if not name.startswith("HS")]
    return []
