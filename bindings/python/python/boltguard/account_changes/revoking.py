"""Revokes the tokens of an account before a change of it is written.

A crash or a store that is unavailable then leaves the account logged out and unchanged, and never changed with tokens
that are still accepted.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from boltguard import conf
from boltguard.auth.account_tokens import AccountTokens, has_stores, revoke_all, tokens_of
from boltguard.auth.everywhere import end_everything
from boltguard.auth.journal import unrecorded
from boltguard.auth.renewed_revocation import NOT_ANNOUNCED, RenewedRevocation
from boltguard.auth.session_managers import kept_session, session_table
from boltguard.exceptions import RevocationNotAnnounced, RevocationUnavailable

logger = logging.getLogger("boltguard")


def is_revoked_on(*changes: str) -> bool:
    """Whether tokens are revoked on one of these changes: by default only where there is a store or a session."""
    current = conf.current()
    if not current.revoke_on.intersection(changes):
        return False
    return current.sets_revoke_on or session_table() is not None or has_stores()


def revoke(account: Any, *, ends_sessions: bool, changed: Any = None) -> RenewedRevocation:
    """Revokes the tokens of a stored account, and returns what must be called when the change is committed.

    `changed` is the account after the change, to which a session that is kept belongs.
    """
    try:
        tokens = tokens_of(account)
        if not tokens and session_table() is None and conf.current().sets_revoke_on:
            raise ImproperlyConfigured(NO_STORE)
        # What belongs to a change that is rolled back must be rolled back, too.
        with unrecorded():
            if ends_sessions:
                end_everything(account if changed is None else changed, tokens, kept_session())
            else:
                revoke_all(tokens)
    except RevocationNotAnnounced as error:
        # All tokens are revoked in the database. Refusing the change would leave a stolen password valid.
        logger.warning(NOT_ANNOUNCED, error)
    except NotImplementedError as error:
        _without_levels(error)
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(NOT_SAVED.format(_setting(), error)) from error
    except Exception as error:
        raise RevocationUnavailable(NOT_SAVED.format(_setting(), f"{type(error).__name__}: {error}")) from error
    return RenewedRevocation(_with_levels(tokens))


def renew(revocation: RenewedRevocation, using: str) -> None:
    """Revokes the tokens again that are issued until the change is committed."""
    transaction.on_commit(revocation, using=using)


def _with_levels(tokens: list[AccountTokens]) -> list[AccountTokens]:
    return [one for one in tokens if one.store.supports_levels]


def _without_levels(error: NotImplementedError) -> None:
    """By default, a store that only revokes single tokens doesn't prevent changes of accounts."""
    if conf.current().sets_revoke_on:
        raise ImproperlyConfigured(NOT_SAVED.format(_setting(), error)) from error
    logger.warning("%s isn't set, and tokens weren't revoked although an account has changed: %s", _setting(), error)


def _setting() -> str:
    return conf.written(conf.REVOKE_ON)


NO_STORE = (
    "There is no revocation store. Give one to the backends, as in "
    "JWTAuthentication(revocation_store=DjangoORMRevocation())."
)
NOT_SAVED = (
    "The tokens of the account couldn't be revoked, so its change was not saved. {} determines which changes revoke "
    "tokens. {}"
)
