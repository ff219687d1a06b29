"""Revoking the tokens of an account again when the change of the account is committed.

Until then, other requests read the old account: someone can log in with the old password in between.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from boltguard import clock
from boltguard.auth.revocation_arguments import date_of
from boltguard.exceptions import RevocationNotAnnounced
from boltguard.optional import open_connections

if TYPE_CHECKING:
    from boltguard.auth.account_tokens import AccountTokens

logger = logging.getLogger("boltguard")


class RenewedRevocation:
    """Revokes tokens again, for `transaction.on_commit`.

    The tokens that the transaction itself issues after the change stay valid, so that a view can change a password and
    return a new token.
    """

    def __init__(self, tokens: Iterable[AccountTokens]) -> None:
        self._tokens = list(tokens)
        self._first_issued: int | None = None

    def issued(self, subject: str) -> None:
        """Called before a token is issued for a subject."""
        if self._first_issued is None and any(one.subject == subject for one in self._tokens):
            self._first_issued = clock.time_ms()

    def __call__(self) -> None:
        from boltguard.auth.account_tokens import revoke_all

        try:
            revoke_all(self._tokens, None if self._first_issued is None else date_of(self._first_issued - 1))
        except RevocationNotAnnounced as error:
            logger.warning(NOT_ANNOUNCED, error)
        except Exception:
            # The change is committed, and all earlier tokens are revoked. Django's log message of a failed callback
            # requires a function.
            logger.exception(NOT_REPEATED)


def note_issued(subject: str) -> None:
    """Called before a token is issued for a subject, in the transaction that may have changed its account."""
    for connection in open_connections():
        for entry in connection.run_on_commit:
            if isinstance(entry[1], RenewedRevocation):
                entry[1].issued(subject)


NOT_ANNOUNCED = "The tokens of a changed account are revoked, but the bound of the revocation doesn't apply yet: %s"
NOT_REPEATED = (
    "An account was changed, and its tokens were revoked before, but those that were issued until the change was "
    "committed couldn't be revoked."
)
