"""Django Ninja: `BoltAuth`, for the argument `auth` of a `NinjaAPI`, of its routers and of their operations.

The gate is the same as for other views, and encloses the operation: the guard is evaluated before the parameters and
the body are validated, and refusals have the same status, headers and body.
"""

try:
    import ninja  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "ninja":
        raise
    raise ImportError('boltguard.ninja requires Django Ninja: pip install "boltguard[ninja]"') from error

from boltguard.ninja.auth import BoltAuth
from boltguard.ninja.hooks import install

__all__ = ["BoltAuth"]

# Not in the `ready` method of the app, because the class also works without the app.
install()
