"""Compares two decisions about a request."""

from __future__ import annotations

from typing import Final, NamedTuple

from boltguard.browsers import SAFE_METHODS
from boltguard.shadow.decision import Decision
from boltguard.shadow.present import Caller, Present


class Result(NamedTuple):
    """The outcome of a comparison and the reason for it."""

    outcome: str
    reason: str


def compare(decision: Decision, present: Present) -> Result | None:
    """The result; `None` if nothing can be compared."""
    if present.is_denied is None or _is_undecided(decision, present):
        return None
    return _compare_access(decision, present) or _compare_callers(decision, present)


def needs_account(decision: Decision, present: Present) -> bool:
    """Whether the account must be loaded: for its key, or because the present authentication may have refused it."""
    if not decision.is_authenticated or decision.denial is not None:
        return False
    return decision.needs_account or bool(present.is_denied) or present.caller is Caller.ANONYMOUS


def _is_undecided(decision: Decision, present: Present) -> bool:
    """Whether access may have been denied by a check that isn't part of the decision: of CSRF, or of an object."""
    if decision.denial is not None or not present.is_denied:
        return False
    return decision.asks_objects or (decision.is_ambient and decision.request.method not in SAFE_METHODS)


def _compare_access(decision: Decision, present: Present) -> Result | None:
    """The result if only one of the decisions allows the request.

    Without declared guards, it is only known that an unavailable store denies access.
    """
    denial = decision.denial
    if denial is None:
        return Result(WOULD_ALLOW, _status(present)) if decision.has_guards and present.is_denied else None
    if present.is_denied or not (decision.has_guards or denial.status == UNAVAILABLE):
        return None
    return Result(WOULD_REFUSE, denial.reason)


def _compare_callers(decision: Decision, present: Present) -> Result | None:
    agreed = _agreed(decision, present)
    if present.caller is Caller.UNKNOWN:
        return agreed if decision.has_guards else None
    # It isn't known who the caller is.
    if decision.denial is not None and decision.denial.status == UNAVAILABLE:
        return None
    if present.caller is Caller.ANONYMOUS:
        return Result(CALLER_ADDED, _status(present)) if decision.is_authenticated else agreed
    if not decision.is_authenticated:
        return Result(CALLER_MISSING, decision.reason)
    account = decision.account
    if None in (account, present.account) or account == present.account:
        return agreed
    return Result(CALLER_DIFFERS, "account_mismatch")


def _agreed(decision: Decision, present: Present) -> Result:
    denial = decision.denial
    if denial is not None and decision.has_guards and present.status in (401, 403) and denial.status != present.status:
        return Result(OTHER_STATUS, denial.reason)
    return Result(AGREED, AUTHENTICATED if decision.is_authenticated else ANONYMOUS)


def _status(present: Present) -> str:
    return f"status_{present.status}"


AGREED: Final = "agreed"
WOULD_ALLOW: Final = "would_allow"
WOULD_REFUSE: Final = "would_refuse"
CALLER_ADDED: Final = "caller_added"
CALLER_MISSING: Final = "caller_missing"
CALLER_DIFFERS: Final = "caller_differs"
OTHER_STATUS: Final = "other_status"
FAILED: Final = "failed"
# Results with which a route can be switched.
HARMLESS = frozenset({AGREED, OTHER_STATUS})
# The reasons of `AGREED`.
AUTHENTICATED, ANONYMOUS = "authenticated", "anonymous"
UNAVAILABLE = 503
