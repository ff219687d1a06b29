"""`GuardPermission`, for the `permission_classes` of Django REST framework."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from boltguard import conf
from boltguard._rust import AuthContext, GuardChecks, Refusal
from boltguard.auth.guards import Guard, check_guards, conjunction
from boltguard.drf.combining import GuardPermissionMeta, guard_of
from boltguard.drf.view_hooks import ViewHooks
from boltguard.events import report_refusal
from boltguard.gate.gate import Gate
from boltguard.logs import log_explanation
from boltguard.overriding import refuse_overrides

if TYPE_CHECKING:
    from rest_framework.views import APIView


class GuardPermission(BasePermission, metaclass=GuardPermissionMeta):
    """A guard as a permission: `GuardPermission.of(IsStaff())`, or a subclass that sets `guard`.

    Callers that `BoltguardAuthentication` didn't authenticate are anonymous. `message` and `code` replace those of the
    error response, as in DRF's own permissions.
    """

    guard: ClassVar[Guard]
    message: Any = None
    code: str | None = None
    _gate: ClassVar[Gate]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_overrides(cls, ImproperlyConfigured, AS_GUARD, called=PERMITS)
        for name, value in vars(cls).items():
            if "guard" not in vars(cls) and _holds_guards(value):
                raise ImproperlyConfigured(f"{cls.__name__}.{name} is never used. Set the attribute guard.")
        cls._gate = Gate(conf.current(), [], _checked_guard_of(cls))

    @staticmethod
    def of(*guards: Guard) -> type[GuardPermission]:
        """The permission that requires all of these guards."""
        guard = conjunction(check_guards(list(guards), "GuardPermission.of"))
        made: Any = GuardPermissionMeta("GuardPermission", (GuardPermission,), {"guard": guard, "__module__": __name__})
        return made  # type: ignore[no-any-return]

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the guard is true, or may be true for an object."""
        return self._holds(request, view)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Whether the guard is true for this object."""
        return self._holds(request, view, obj)

    def _holds(self, request: Request, view: APIView, *obj: Any) -> bool:
        # Not a variable of this frame, which error reporters would send: a check may fail below it.
        outcome, results = self._gate.check_caller(_caller(request)), None
        if isinstance(outcome, GuardChecks):
            results = self._results(request, view, outcome, obj)
            checks_follow = not obj and self._gate.asks_objects
            outcome = outcome.resume(results) if checks_follow else outcome.finish(results)
        if isinstance(outcome, Refusal):
            # For DRF's exception, unless another permission allows the request.
            detail, code = type(self).message or outcome.detail, type(self).code or outcome.code
            self.message, self.code = {"detail": detail, "code": code}, code
            hooks = ViewHooks.of(view)
            hooks.refusal = partial(self._note, request, outcome, results)
            is_known = outcome.context is not None
            hooks.step_up = (code, outcome.challenge or "") if outcome.status == 401 and is_known else None
        return not isinstance(outcome, Refusal)

    def _results(self, request: Request, view: APIView, checks: GuardChecks, obj: tuple[Any, ...]) -> dict[str, bool]:
        """The results of the checks for this caller; without an object, only of those that don't need one."""
        gate = self._gate
        known = request.__dict__.setdefault(CHECK_RESULTS, {}).setdefault(gate, {})
        results: dict[str, bool] = dict(known) if obj else known
        while (check := gate.guard.next_check(checks, results, about_object=bool(obj))) is not None:
            results[check.name] = check.run(request, *(obj if check.about_object else ()))
        if obj:
            ViewHooks.of(view).unasked -= {gate}
        elif checks.open_checks(results):
            ViewHooks.of(view).unasked |= {gate}
        return results

    def _note(self, request: Request, refusal: Refusal, results: dict[str, bool] | None) -> None:
        report_refusal(request._request, refusal.status, refusal.reason, refusal.claim)
        log_explanation(self._gate.guard, request._request, refusal, _caller(request), results)


def _caller(request: Request) -> AuthContext | None:
    """The caller, if `BoltguardAuthentication` authenticated them."""
    return request.auth if isinstance(request.auth, AuthContext) else None


def _holds_guards(value: Any) -> bool:
    return any(
        isinstance(one, Guard) or (isinstance(one, type) and issubclass(one, Guard))
        for one in (value if isinstance(value, (list, tuple)) else [value])
    )


def _checked_guard_of(cls: type[GuardPermission]) -> Guard:
    (guard,) = check_guards([guard_of(cls)], f"{cls.__name__}.guard")
    for check in guard.custom_checks.values():
        if check.is_async:
            raise ImproperlyConfigured(f"{cls.__name__}: the check {check.name!r} is async. Define it with `def`.")
    return guard


CHECK_RESULTS = "_boltguard_check_results"
AS_GUARD = "Set guard = ..., or override has_permission() and has_object_permission()."
# Methods that DRF calls, and attributes that a subclass sets.
PERMITS = {"_gate", "code", "guard", "has_object_permission", "has_permission", "message"}
