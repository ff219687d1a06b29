"""Django signals that Boltguard sends. Connect receivers in the `ready` method of an `AppConfig`.

A receiver that raises an exception has no effect on the request; Django logs the exception (`Signal.send_robust`). No
argument contains a token or an API key. The API keys of `api_key_*` are copies of the rows, and are sent once the
transaction is committed.
"""

from boltguard.optional import Signal

__all__ = [
    "api_key_created",
    "api_key_revoked",
    "api_key_rotated",
    "api_key_used",
    "refresh_token_reused",
    "request_refused",
    "token_revoked",
]

# Sent when a request is refused with 401, 403 or 503. Arguments: request, status, reason and claim, as in the log.
request_refused = Signal()
# Sent when a store has recorded a revocation. Arguments: store, and jti, the ID of the token; for a session, subject,
# issuer or key, jti is None, level is a RevocationLevel, and before is a datetime, or None for a session.
token_revoked = Signal()
# Sent when a refresh token was used again, so that its session was ended. Arguments: session, the row of the table, and
# request, which is None if the application called `TokenSessions.refresh` without it.
refresh_token_reused = Signal()
# Sent when an API key was created, also as the successor of another one. Argument: api_key.
api_key_created = Signal()
# Sent when an API key was replaced. Arguments: api_key, the old one, and successor.
api_key_rotated = Signal()
# Sent when an API key was revoked. Argument: api_key.
api_key_revoked = Signal()
# Sent when the last use of an API key was written to its table. Argument: api_key.
api_key_used = Signal()
