"""How the public signals are sent. Without receivers, their arguments aren't created."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from boltguard.event_loop import in_event_loop
from boltguard.logs import log_refusal
from boltguard.optional import DATABASE_ERRORS, Signal
from boltguard.signals import request_refused
from boltguard.transactions import savepoints

if TYPE_CHECKING:
    from django.http import HttpRequest


def send(signal: Signal, sender: Any, **arguments: Any) -> None:
    """Sends a signal from sync code. In an event loop, where sync code must not block, a task sends it."""
    if not signal.has_listeners(sender):
        return
    if in_event_loop():
        task = asyncio.get_running_loop().create_task(signal.asend_robust(sender, **arguments))
        _tasks.add(task)  # a loop has only weak references to its tasks
        task.add_done_callback(_tasks.discard)
    else:
        _send_robust(signal, sender, **arguments)


async def asend(signal: Signal, sender: Any, **arguments: Any) -> None:
    """Sends a signal from async code, and waits for the receivers."""
    if signal.has_listeners(sender):
        await signal.asend_robust(sender, **arguments)


def report_refusal(request: HttpRequest, status: int, reason: str, claim: str | None = None) -> None:
    """Logs that a request is refused, and sends `request_refused`: in an event loop not before `asend_refusals`."""
    log_refusal(request, status, reason, claim)
    sender = type(request)
    if not request_refused.has_listeners(sender):
        return
    arguments = {"status": status, "reason": reason, "claim": claim}
    if in_event_loop():
        request.__dict__.setdefault(UNSENT, []).append(arguments)
    else:
        _send_robust(request_refused, sender, request=request, **arguments)


async def asend_refusals(request: HttpRequest) -> None:
    """Sends the signals that `report_refusal` couldn't send in an event loop."""
    for arguments in request.__dict__.pop(UNSENT, ()):
        await request_refused.asend_robust(type(request), request=request, **arguments)


def _send_robust(signal: Signal, sender: Any, **arguments: Any) -> None:
    """`send_robust`, in savepoints: a failed query of a receiver would break the transaction of the view."""
    with suppress(*DATABASE_ERRORS), savepoints(True):
        signal.send_robust(sender, **arguments)


# An attribute of a request: the arguments of signals that async code must send.
UNSENT = "_boltguard_unsent"
_tasks: set[asyncio.Task[Any]] = set()
