"""Warnings, in the shape of ``jwt.warnings``."""

from __future__ import annotations

from boltguard.exceptions import InsecureKeyLengthWarning

__all__ = ["InsecureKeyLengthWarning", "RemovedInPyjwt3Warning"]


class RemovedInPyjwt3Warning(DeprecationWarning):
    """Never issued: what PyJWT warns of with it is an error here. PyJWT's users may name it in a filter."""
