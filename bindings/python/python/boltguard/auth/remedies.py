"""Remedies: what to name where the default algorithm is not the key's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from boltguard import _rust
from boltguard.exceptions import PyJWTError

DEFAULT_ALGORITHM = "HS256"


def named_for(keys: Iterable[Any], argument: str) -> str:
    """The end of a message about keys that the default can't serve; nothing where they are no public or private keys.

    `argument` is how to name an algorithm, with a place for it: `algorithm={!r}`.
    """
    served = [name for key in keys for name in _served_by(key)]
    if not served:
        return ""
    return f"; {DEFAULT_ALGORITHM} is the default, name what the key is for: {argument.format(served[0])}"


def _served_by(key: Any) -> list[str]:
    if isinstance(key, Mapping) and isinstance(key.get("keys"), list):
        return [name for one in key["keys"] for name in _served_by(one)]
    with suppress(PyJWTError, TypeError):
        return [name for name in _rust.Key.read(key).algorithms if not name.startswith("HS")]
    return []
