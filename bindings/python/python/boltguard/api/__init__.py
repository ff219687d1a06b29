"""`BoltAPI`, a thin router on Django's own."""

from boltguard.api.params import Depends
from boltguard.api.router import BoltAPI

__all__ = ["BoltAPI", "Depends"]
