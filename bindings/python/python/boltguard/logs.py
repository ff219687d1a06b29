"""Log records of refusals: the reason for operators and, with `DEBUG = True`, an explanation for developers.

Also those of shadow mode.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from boltguard.optional import has_settings, settings

if TYPE_CHECKING:
    from django.http import HttpRequest

    from boltguard._rust import AuthContext, Refusal
    from boltguard.auth.guards import Guard

logger = logging.getLogger("boltguard")
guards_logger = logging.getLogger("boltguard.guards")
shadow_logger = logging.getLogger("boltguard.shadow")


def log_refusal(request: HttpRequest, status: int, reason: str, claim: str | None = None) -> None:
    """Logs a refusal, and the name of the invalid claim; never credentials or the value of a claim."""
    if logger.isEnabledFor(logging.INFO):
        extra = _attributes(request, status, reason, claim)
        cause = reason if claim is None else f"{reason}: {claim}"
        logger.info("%s %s refused: %s (%d)", extra["method"], extra["path"], cause, status, extra=extra)


def log_failed_revocation(error: Exception) -> None:
    """Logs why a revocation failed, or couldn't be announced. The client only receives a code."""
    log_failure("A revocation failed.", error)


def log_failure(message: str, error: BaseException) -> None:
    """Logs what failed. While it fails for each request, the traceback is logged once per minute.

    The message must not contain what a client sent, because it is remembered. Neither must it contain secrets.
    """
    if _tracebacks.is_due(message, error):
        logger.error(message, exc_info=error)
    else:
        logger.error("%s (%s again; a traceback was logged before)", message, type(error).__qualname__)


class _Tracebacks:
    """When the traceback of each kind of failure was last logged."""

    def __init__(self) -> None:
        self._logged: dict[tuple[Any, ...], float] = {}
        self._lock = threading.Lock()

    def is_due(self, message: str, error: BaseException) -> bool:
        """Whether the traceback is logged now. Failures are of one kind if the errors, and their causes, are."""
        kind, now = (message, type(error), type(error.__cause__)), clock()
        with self._lock:
            if now < self._logged.get(kind, -TRACEBACK_INTERVAL) + TRACEBACK_INTERVAL:
                return False
            if len(self._logged) >= MOST_KINDS:
                self._logged.clear()
            self._logged[kind] = now
            return True


def explains() -> bool:
    """Whether explanations are logged."""
    return has_settings() and bool(settings.DEBUG) and guards_logger.isEnabledFor(logging.DEBUG)


def log_explanation(
    guard: Guard,
    request: HttpRequest,
    refusal: Refusal,
    context: AuthContext | None,
    results: Mapping[str, bool] | None = None,
) -> None:
    """Logs why a caller was refused, with `DEBUG = True`. The client only receives the code."""
    if explains() and refusal.status != 503:
        extra = _attributes(request, refusal.status, refusal.reason, refusal.claim)
        explanation = guard.explain(context, results)
        line = "%s %s refused (%d): %s"
        guards_logger.debug(line, extra["method"], extra["path"], refusal.status, explanation, extra=extra)


def log_disagreement(
    request: HttpRequest,
    outcome: str,
    reason: str,
    *,
    status: int | None,
    claim: str | None,
    present_status: int,
    is_harmless: bool,
) -> None:
    """Logs a disagreement in shadow mode. `status` is that of the response to a request that would be refused."""
    level = logging.INFO if is_harmless else logging.WARNING
    if not shadow_logger.isEnabledFor(level):
        return
    extra = {
        **_attributes(request, status, reason, claim),
        "outcome": outcome,
        "present_status": present_status,
        "route": getattr(request.resolver_match, "route", None),
    }
    cause = reason if claim is None else f"{reason}: {claim}"
    line = "%s %s in shadow mode: %s, %s (present status: %d)"
    if is_harmless:
        shadow_logger.info(line, extra["method"], extra["path"], outcome, cause, present_status, extra=extra)
    else:
        shadow_logger.warning(line, extra["method"], extra["path"], outcome, cause, present_status, extra=extra)


def _attributes(request: HttpRequest, status: int | None, reason: str, claim: str | None) -> dict[str, Any]:
    """The attributes that every log record about a request has, as `docs/reference/logging.md` lists them."""
    match = request.resolver_match
    return {
        "claim": claim,
        "method": _escaped(str(request.method)),
        "path": _escaped(request.path),
        "reason": reason,
        "status": status,
        # Unknown in middleware, which run before the URL is resolved.
        "view": None if match is None else match.view_name,
    }


def _escaped(string: str) -> str:
    """A string from the client, without characters that could begin a new line in the log."""
    return string.encode("unicode_escape").decode("ascii")


# In seconds.
TRACEBACK_INTERVAL = 60.0
# More than the stores and the exceptions of a site.
MOST_KINDS = 1000
clock = time.monotonic
_tracebacks = _Tracebacks()
