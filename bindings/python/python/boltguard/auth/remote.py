"""`RemoteKeySet`: the keys of another issuer, for `JWTAuthentication`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boltguard.exceptions import ConfigurationError
from boltguard.jwt import remote
from boltguard.optional import ImproperlyConfigured


class RemoteKeySet(remote.RemoteKeySet):
    __doc__ = remote.RemoteKeySet.__doc__

    if not TYPE_CHECKING:

        def __init__(self, *args: Any, **settings: Any) -> None:
            try:
                super().__init__(*args, **settings)
            except ConfigurationError as error:
                del args, settings  # from the variables of this frame, which an error page would show
                raise ImproperlyConfigured(str(error)) from None
