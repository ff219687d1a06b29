"""Django REST framework: authentication, guards and the handler of exceptions, for its settings and views."""

from boltguard.drf.classes import BoltguardAuthentication, GuardPermission, StoreUnavailable
from boltguard.drf.exceptions import exception_handler

__all__ = ["BoltguardAuthentication", "GuardPermission", "StoreUnavailable", "exception_handler"]
