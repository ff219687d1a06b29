"""Warnings, with the names of ``jwt.warnings``."""

from __future__ import annotations

from boltguard.exceptions import InsecureKeyLengthWarning

__all__ = ["InsecureKeyLengthWarning", "RemovedInPyjwt3Warning"]


class RemovedInPyjwt3Warning(DeprecationWarning):
    """Never issued, because these cases are errors here. Provided for code that names it in a filter."""
