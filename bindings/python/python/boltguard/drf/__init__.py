"""Django REST framework: authentication, guards and the exception handler, for its settings and views.

`BoltguardAuthentication` identifies the caller, and `GuardPermission` checks guards. The engine is the same as for
other views; `request.user` and `request.auth` are set, and DRF's handler turns exceptions into responses. A guard that
checks objects is evaluated when a view calls `check_object_permissions`, as its `get_object` does.
"""

try:
    import rest_framework  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "rest_framework":
        raise
    raise ImportError('boltguard.drf requires Django REST framework: pip install "boltguard[drf]"') from error

# DRF's views import this package if DRF's settings name its classes, so these modules must not import DRF's views.
from boltguard.drf.authentication import BoltguardAuthentication
from boltguard.drf.exceptions import StoreUnavailable, exception_handler, install
from boltguard.drf.permissions import GuardPermission

__all__ = ["BoltguardAuthentication", "GuardPermission", "StoreUnavailable", "exception_handler"]

# Not in the `ready` method of the app, because the classes also work without the app.
install()
