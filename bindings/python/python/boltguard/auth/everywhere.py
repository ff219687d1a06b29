"""`logout_everywhere`: revokes all tokens of an account."""

from __future__ import annotations

from typing import Any

from boltguard.auth.account_tokens import AccountTokens, revoke_all, tokens_of
from boltguard.auth.failures import Failures
from boltguard.auth.revocation_arguments import Ttl, ttl_seconds
from boltguard.auth.session_managers import session_id_of, session_table
from boltguard.auth.tokens import subject_of
from boltguard.event_loop import in_event_loop
from boltguard.optional import ImproperlyConfigured, SynchronousOnlyOperation
from boltguard.threads import in_thread


def logout_everywhere(user: Any, *, keep: Any = None, ttl: Ttl = None) -> None:
    """Ends all sessions of a user, and revokes all tokens of the account that were issued until now.

    It applies to the sessions of `boltguard.sessions`, and to the stores of all backends of the settings and views
    that find the account by its primary key or by `user_field`. In async code use `await alogout_everywhere(user)`.

    `keep` is the ID of a session that continues, or a request with one of its tokens. Its access tokens are revoked,
    too, and its client gets the next one with its refresh token. `ttl` is the longest lifetime of tokens that the site
    issues, in seconds or as a `timedelta`; without it, the entry is kept permanently, which is one row per account.

    Raises `ImproperlyConfigured` if there is no store, or the URLconf or the ASGI application can't be imported,
    `NotImplementedError` if a store only revokes single tokens, `ValueError` for an unsaved user or a wrong argument,
    and what a store raises. Everything else is revoked then nevertheless.
    """
    if in_event_loop():
        raise SynchronousOnlyOperation(USE_ASYNC)
    subject_of(user)
    ttl_seconds(ttl)
    kept = None if keep is None else session_id_of(keep)
    tokens = tokens_of(user)
    if not tokens:
        raise ImproperlyConfigured(NO_STORE)
    if kept is not None and session_table() is None:
        raise ImproperlyConfigured(NO_SESSIONS)
    end_everything(user, tokens, kept, ttl)


async def alogout_everywhere(user: Any, *, keep: Any = None, ttl: Ttl = None) -> None:
    """`logout_everywhere`, for async code."""
    await in_thread(logout_everywhere)(user, keep=keep, ttl=ttl)


def end_everything(user: Any, tokens: list[AccountTokens], keep: str | None = None, ttl: Ttl = None) -> None:
    """Ends the sessions of a user and revokes these tokens, also if something fails, and raises the exception then.

    The sessions first: a token that is refreshed in between is revoked, too.
    """
    failures = Failures()
    if (table := session_table()) is not None:
        failures.catch(table.end_all, user, keep)
    failures.catch(revoke_all, tokens, None, ttl)
    failures.raise_worst()


USE_ASYNC = "logout_everywhere() can't be called in async code. Use `await alogout_everywhere(user)`."
NO_STORE = (
    "logout_everywhere() requires a revocation store. Give one to the backends, as in "
    "JWTAuthentication(revocation_store=DjangoORMRevocation()). Backends with get_user, and those for users of another "
    "issuer, are not included."
)
NO_SESSIONS = (
    "logout_everywhere(): keep requires the app boltguard.sessions. Other tokens can't be kept: create a "
    "new one after the call."
)
