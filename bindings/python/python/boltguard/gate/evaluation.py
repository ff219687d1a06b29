"""The evaluation of a request: sync and async loops that query stores, call custom backends and run custom checks."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest

from boltguard import _rust
from boltguard._rust import AuthContext
from boltguard.auth.backends import Authentication, Step
from boltguard.auth.evaluation import Identified, aresume, resume
from boltguard.auth.guards import Guard
from boltguard.auth.objects import Admission
from boltguard.auth.users import attach, averify, verify
from boltguard.logs import explains, log_explanation

Evaluated = AuthContext | _rust.Refusal | Admission


class Evaluator:
    """Continues an evaluation in Rust until it is decided. Each method has an async variant."""

    __slots__ = ()

    # Set by `Gate`.
    asks_objects: bool
    backends: list[Authentication]
    guard: Guard
    verifies: bool

    def finish(self, request: HttpRequest, outcome: Step) -> Evaluated:
        """Queries stores and runs checks, if the outcome of `check` requires them."""
        evaluated = self.resume(request, outcome)
        if isinstance(evaluated, _rust.GuardChecks):
            return self._run_checks(request, evaluated)
        if isinstance(evaluated, _rust.Refusal):
            caller = evaluated.context if self.verifies or explains() else None
            if self.verifies and caller is not None:
                attach(request, caller, self)
                verify(request)
            log_explanation(self.guard, request, evaluated, caller)
        return evaluated

    async def afinish(self, request: HttpRequest, outcome: Step) -> Evaluated:
        """`finish`, for async code. It isn't called if the caller is allowed immediately."""
        evaluated = await self.aresume(request, outcome)
        if isinstance(evaluated, _rust.GuardChecks):
            return await self._arun_checks(request, evaluated)
        if isinstance(evaluated, _rust.Refusal):
            caller = evaluated.context if self.verifies or explains() else None
            if self.verifies and caller is not None:
                attach(request, caller, self)
                await averify(request)
            log_explanation(self.guard, request, evaluated, caller)
        return evaluated

    def resume(self, request: HttpRequest, step: Step) -> Identified:
        """Provides what the evaluation needs, until the caller is known."""
        return resume(self.backends, request, step)

    async def aresume(self, request: HttpRequest, step: Step) -> Identified:
        """`resume`, for async code."""
        return await aresume(self.backends, request, step)

    def _run_checks(self, request: HttpRequest, checks: _rust.GuardChecks) -> Evaluated:
        """Runs the checks that the decision depends on for this caller."""
        attach(request, checks.context, self)
        if self.verifies:
            verify(request)
        results: dict[str, bool] = {}
        while (check := self.guard.next_check(checks, results, about_object=False)) is not None:
            results[check.name] = check.run(request)
        return self._conclude(request, checks, results)

    async def _arun_checks(self, request: HttpRequest, checks: _rust.GuardChecks) -> Evaluated:
        attach(request, checks.context, self)
        if self.verifies:
            await averify(request)
        results: dict[str, bool] = {}
        while (check := self.guard.next_check(checks, results, about_object=False)) is not None:
            results[check.name] = await check.arun(request)
        return self._conclude(request, checks, results)

    def _conclude(self, request: HttpRequest, checks: _rust.GuardChecks, results: Mapping[str, bool]) -> Evaluated:
        decided = checks.resume(results) if self.asks_objects else checks.finish(results)
        if isinstance(decided, _rust.Refusal):
            log_explanation(self.guard, request, decided, checks.context, results)
            return decided
        return Admission(self.guard, checks, results)
