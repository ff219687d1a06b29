"""Which argument to pass if a key isn't for the default algorithm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from boltguard import _rust
from boltguard.exceptions import PyJWTError

DEFAULT_ALGORITHM = "HS256"


def named_for(keys: Iterable[Any], argument: str) -> str:
    """The remedy for keys that can't be used with the default algorithm; empty for secrets.

    `argument` is a format string for an algorithm: `algorithm={!r}`.
    """
    served = [name for key in keys for name in _served_by(key)]
    if not served:
        return ""
    return f" The default is {DEFAULT_ALGORITHM}. Pass the algorithm of the key: {argument.format(served[0])}."


def _served_by(key: Any) -> list[str]:
    if isinstance(key, Mapping) and isinstance(key.get("keys"), list):
        return [name for one in key["keys"] for name in _served_by(one)]
    with suppress(PyJWTError, TypeError):
        return [name for name in _rust.Key.read(key).algorithms if name not in _rust.SYMMETRIC_ALGORITHMS]
    return []
