"""Sessions with refresh tokens: a separate application, with the model and the views.

Add `"boltguard.sessions"` to `INSTALLED_APPS`, and create a `TokenSessions` in the URLconf.
"""

from boltguard.sessions.sessions import TokenSessions
from boltguard.sessions.token_pair import TokenPair

__all__ = ["TokenPair", "TokenSessions"]
