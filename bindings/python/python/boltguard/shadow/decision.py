"""What Boltguard decides about a request, without enforcing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from boltguard._rust import AuthContext, Refusal
from boltguard.auth.accounts import UserUnavailable
from boltguard.auth.lazy_users import Visit
from boltguard.auth.users import attach, averify, needs_account, verify
from boltguard.exceptions import HTTPException, RevocationError
from boltguard.gate.evaluation import Evaluated
from boltguard.gate.gate import ANONYMOUS, Gate
from boltguard.gate.view_gate import ViewGate


class Denial(NamedTuple):
    """The response that a request would have received."""

    status: int
    reason: str
    claim: str | None = None


@dataclass(slots=True)
class Decision:
    """A decision about a copy of a request.

    Without `has_guards`, the view declares no guards, and only the caller is known. With `is_ambient`, the CSRF token
    would be checked later, and with `asks_objects` an object.
    """

    request: Any
    has_guards: bool
    denial: Denial | None = None
    context: AuthContext = field(default_factory=lambda: NO_CALLER)
    is_ambient: bool = False
    asks_objects: bool = False

    @property
    def is_authenticated(self) -> bool:
        """Whether the caller is known."""
        return self.context.is_authenticated

    @property
    def reason(self) -> str:
        """Why the caller is refused or anonymous."""
        if self.denial is not None:
            return self.denial.reason
        return str(self.context.get("auth_error") or "not_authenticated")

    @property
    def account(self) -> str | None:
        """The primary key of the account of the caller; `None` if the credentials don't belong to one."""
        key = getattr(self.request.user, "pk", None)
        return None if key is None else str(key)

    @property
    def needs_account(self) -> bool:
        """Whether the primary key is only known once the account is loaded."""
        return self.is_authenticated and needs_account(self.request)

    def verify(self) -> None:
        """Loads the account of the caller. One that is missing or inactive is refused."""
        try:
            verify(self.request)
        except UserUnavailable as error:
            self.refuse(error)

    async def averify(self) -> None:
        """`verify`, for async code."""
        try:
            await averify(self.request)
        except UserUnavailable as error:
            self.refuse(error)

    def conclude(self, gate: Gate, evaluated: Evaluated) -> None:
        """Applies the decision of one gate."""
        if isinstance(evaluated, Refusal):
            self.denial = Denial(evaluated.status, evaluated.reason, evaluated.claim)
            evaluated = evaluated.context or NO_CALLER
        if type(evaluated) is AuthContext:
            attach(self.request, evaluated, gate)
        self.context = self.request._boltguard_seen
        self.is_ambient |= gate.is_ambient(self.request, self.context)
        self.asks_objects |= gate.asks_objects
        if self.is_authenticated and not self.needs_account:
            _ = self.account  # raises if it can't be a primary key

    def refuse(self, error: HTTPException | RevocationError) -> None:
        """Applies an exception to which a gate responds."""
        status = error.status_code if isinstance(error, HTTPException) else 503
        reason = getattr(error, "reason", None) or getattr(error, "code", None) or type(error).__qualname__
        self.denial = Denial(status, str(reason))
        if isinstance(error, UserUnavailable):
            self.context = NO_CALLER


def decide(request: Any, view_gates: Sequence[ViewGate], has_guards: bool) -> Decision:
    """The decision about a copy of a request, for a view that is behind these gates."""
    Visit.begin(request)
    decision = Decision(request, has_guards)
    try:
        for gate in [view_gate.gate for view_gate in view_gates]:
            outcome = gate.check(request.META)
            decision.conclude(gate, outcome if type(outcome) is AuthContext else gate.finish(request, outcome))
            if decision.denial is not None:
                break
            if gate.verifies:
                verify(request)
    except (HTTPException, RevocationError) as error:
        decision.refuse(error)
    return decision


async def adecide(request: Any, view_gates: Sequence[ViewGate], has_guards: bool) -> Decision:
    """`decide`, for async code."""
    Visit.begin(request)
    decision = Decision(request, has_guards)
    try:
        for gate in [view_gate.gate for view_gate in view_gates]:
            outcome = gate.check(request.META)
            decision.conclude(gate, outcome if type(outcome) is AuthContext else await gate.afinish(request, outcome))
            if decision.denial is not None:
                break
            if gate.verifies:
                await averify(request)
    except (HTTPException, RevocationError) as error:
        decision.refuse(error)
    return decision


NO_CALLER: AuthContext = cast(AuthContext, ANONYMOUS)
