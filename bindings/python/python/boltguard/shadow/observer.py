"""`Observer`: what `BoltguardMiddleware` does in shadow mode. No exception reaches the site."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from boltguard import conf
from boltguard.auth.users import GATES
from boltguard.gate.view_gate import ViewGate
from boltguard.logs import log_disagreement, log_failure
from boltguard.shadow import comparison
from boltguard.shadow.comparison import Result, compare, needs_account
from boltguard.shadow.copies import copied
from boltguard.shadow.counters import Row, connect, counters
from boltguard.shadow.decision import Decision, adecide, decide
from boltguard.shadow.present import Present, present_of
from boltguard.shadow.routes import route_of
from boltguard.shadow.views import METHODS, declared_gates, is_switched
from boltguard.transactions import savepoints


class Observer:
    """Decides about a request before its view is called, and compares the decision with the response."""

    def __init__(self, callers: ViewGate) -> None:
        if not apps.is_installed("boltguard"):
            raise ImproperlyConfigured(NOT_INSTALLED)
        # For views without declared guards.
        self._callers = (callers,)
        connect()

    def decide(self, request: Any, view: Any) -> None:
        """Decides about a request, for `compare`."""
        if not _is_observed(request, view):
            return
        try:
            gates = declared_gates(view, request.method)
            with savepoints(True):
                request.__dict__[DECISION] = decide(copied(request), gates or self._callers, bool(gates))
        except Exception as error:
            _fail(request, error)

    async def adecide(self, request: Any, view: Any) -> None:
        """`decide`, for async code."""
        if not _is_observed(request, view):
            return
        try:
            gates = declared_gates(view, request.method)
            request.__dict__[DECISION] = await adecide(copied(request), gates or self._callers, bool(gates))
        except Exception as error:
            _fail(request, error)

    def compare(self, request: Any, response: Any) -> None:
        """Compares the decision with the response."""
        decision: Decision | None = _decision_of(request)
        if decision is None:
            return
        try:
            present = present_of(request, response)
            if needs_account(decision, present):
                with savepoints(True):
                    decision.verify()
            _report(request, decision, present, compare(decision, present))
        except Exception as error:
            _fail(request, error)

    async def acompare(self, request: Any, response: Any) -> None:
        """`compare`, for async code."""
        decision: Decision | None = _decision_of(request)
        if decision is None:
            return
        try:
            present = present_of(request, response)
            if needs_account(decision, present):
                await decision.averify()
            _report(request, decision, present, compare(decision, present))
        except Exception as error:
            _fail(request, error)


def _is_observed(request: Any, view: Any) -> bool:
    return request.method in METHODS and not is_switched(view)


def _decision_of(request: Any) -> Decision | None:
    """The decision, unless the view was protected by another gate, such as that of a Django REST framework view."""
    decision: Decision | None = request.__dict__.pop(DECISION, None)
    return None if GATES in request.__dict__ else decision


def _report(request: Any, decision: Decision, present: Present, result: Result | None) -> None:
    if result is None:
        return
    counters.add(Row(request.method, route_of(request), result.outcome, result.reason[:LONGEST_REASON]))
    if result.outcome == comparison.AGREED:
        return
    denial = decision.denial
    log_disagreement(
        request,
        result.outcome,
        result.reason,
        status=None if denial is None else denial.status,
        claim=None if denial is None else denial.claim,
        present_status=present.status,
        is_harmless=result.outcome in comparison.HARMLESS,
    )


def _fail(request: Any, error: Exception) -> None:
    log_failure(FAILURE, error)
    counters.add(Row(request.method, route_of(request), comparison.FAILED, type(error).__qualname__[:LONGEST_REASON]))


def new_observer(callers: ViewGate) -> Observer | None:
    """The observer of a site whose middleware is in shadow mode."""
    return Observer(callers) if conf.current().middleware_mode == conf.SHADOW else None


# An attribute of a request, until its response is compared.
DECISION = "_boltguard_shadow_decision"
LONGEST_REASON = 100
FAILURE = "A request can't be compared in shadow mode."
NOT_INSTALLED = (
    'BOLTGUARD_MIDDLEWARE_MODE is "shadow", but the app that counts the results isn\'t installed. Add "boltguard" to '
    "INSTALLED_APPS and run `python manage.py migrate boltguard`."
)
