"""Backends for the credentials of other packages, while a site migrates from them.

They read the tables of these packages, whose apps stay in `INSTALLED_APPS` until no client uses the old credentials.
"""

from boltguard.migrate.authtoken import AuthtokenAuthentication

__all__ = ["AuthtokenAuthentication"]
