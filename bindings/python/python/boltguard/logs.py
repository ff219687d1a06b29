"""What is logged of a refusal: the reason for operators, and with `DEBUG = True` an explanation for developers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from boltguard._rust import AuthContext, Refusal
    from boltguard.auth.guards import Guard

logger = logging.getLogger("boltguard")
guards_logger = logging.getLogger("boltguard.guards")


def log_refusal(request: HttpRequest, status: int, reason: str, claim: str | None = None) -> None:
    """Logs a refusal, and the claim at fault; never what was sent."""
    cause = reason if claim is None else f"{reason}: {claim}"
    logger.info("%s refused: %s (%d)", _line(request), cause, status, extra={"reason": reason, "claim": claim})


def explains() -> bool:
    """Whether somebody wants to know why callers are refused."""
    return bool(settings.DEBUG) and guards_logger.isEnabledFor(logging.DEBUG)


def note(
    guard: Guard,
    request: HttpRequest,
    refusal: Refusal,
    context: AuthContext | None,
    answers: Mapping[str, bool] | None = None,
) -> None:
    """Explains a refusal to the developer of a site with `DEBUG = True`. The client is told the code alone."""
    if explains() and refusal.status != 503:
        explanation = guard.explain(context, answers)
        guards_logger.debug("%s refused (%d): %s", _line(request), refusal.status, explanation)


def _line(request: HttpRequest) -> str:
    """The method and the path, which the client chose, without what could begin a line of its own in the log."""
    return f"{request.method} {request.path}".encode("unicode_escape").decode("ascii")
