"""Checks of objects: `check_object(request, obj)` in a view.

Before the view is called, callers are allowed for whom the guard may be true for some object. The response of the view
is only sent if `check_object` has allowed the caller for an object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from boltguard import _rust
from boltguard.exceptions import Forbidden
from boltguard.logs import log_explanation

if TYPE_CHECKING:
    from boltguard.auth.custom_checks import CustomCheck
    from boltguard.auth.guards import Guard
    from boltguard.gate.gate import Gate


class ObjectRefused(Forbidden):
    """The guard is false for this object. The reason is only for logs."""

    def __init__(self, refusal: _rust.Refusal) -> None:
        self.refusal = refusal
        self.code = refusal.code
        challenge = refusal.challenge
        super().__init__(refusal.detail, {} if challenge is None else {"WWW-Authenticate": challenge})
        self.status_code = refusal.status

    def __reduce__(self) -> tuple[Any, ...]:
        return Forbidden, (self.detail, self.headers)


def check_object(request: HttpRequest, obj: Any) -> None:
    """Raises `Forbidden` unless the guards of the view allow the caller for this object."""
    for admission in _admissions(request):
        admission.check(request, obj)


async def acheck_object(request: HttpRequest, obj: Any) -> None:
    """`check_object`, for async code."""
    for admission in _admissions(request):
        await admission.acheck(request, obj)


class Admission:
    """A caller who is allowed to call the view, and the checks of objects that remain."""

    __slots__ = ("_checks", "_guard", "_passed", "_refused", "_results")

    def __init__(
        self, guard: Guard, checks: _rust.GuardChecks | None = None, results: Mapping[str, bool] | None = None
    ) -> None:
        self._guard = guard
        self._checks = checks
        self._results = dict(results or {})
        # For some callers, the guard is true for any object.
        self._passed = checks is None or not checks.open_checks(self._results)
        self._refused: ObjectRefused | None = None

    def check(self, request: HttpRequest, obj: Any) -> None:
        """Runs the checks for an object."""
        results = dict(self._results)
        while (check := self._next(results)) is not None:
            results[check.name] = check.run(request, obj)
        self._conclude(request, results)

    async def acheck(self, request: HttpRequest, obj: Any) -> None:
        """`check`, for async code."""
        results = dict(self._results)
        while (check := self._next(results)) is not None:
            results[check.name] = await check.arun(request, obj)
        self._conclude(request, results)

    def close(self, request: HttpRequest, response: Any) -> None:
        """Raises unless an object was checked, or the response doesn't contain one."""
        if _holds_no_object(request, response):
            return
        # Also if the view caught the exception.
        if self._refused is not None:
            raise self._refused
        if not self._passed:
            raise ImproperlyConfigured(
                f"The guard {self._guard} checks objects, but no object was checked. {NOT_CHECKED}"
            )

    def _next(self, results: Mapping[str, bool]) -> CustomCheck | None:
        return None if self._checks is None else self._guard.next_check(self._checks, results)

    def _conclude(self, request: HttpRequest, results: Mapping[str, bool]) -> None:
        if self._checks is None:
            return
        decided = self._checks.finish(results)
        if isinstance(decided, _rust.Refusal):
            log_explanation(self._guard, request, decided, self._checks.context, results)
            self._refused = ObjectRefused(decided)
            raise self._refused
        self._passed = True


def enter(request: Any, admission: Admission, gate: Gate) -> None:
    """Stores the remaining checks for `check_object`."""
    request.__dict__.setdefault(ADMISSIONS, {})[gate] = admission


def require_checked(request: Any, response: Any, gate: Gate) -> None:
    """Raises unless an object was checked, or the response doesn't contain one."""
    request.__dict__[ADMISSIONS][gate].close(request, response)


def mark_final(response: HttpResponse) -> HttpResponse:
    """Marks an error response, which doesn't contain an object."""
    response.__dict__[FINAL] = True
    return response


def _holds_no_object(request: HttpRequest, response: Any) -> bool:
    if FINAL in response.__dict__:
        return True
    names_methods = request.method == "OPTIONS" or isinstance(response, HttpResponseNotAllowed)
    return names_methods and getattr(response, "content", None) == b""


def _admissions(request: Any) -> Iterator[Admission]:
    found = getattr(request, ADMISSIONS, None)
    if not found:
        raise ImproperlyConfigured(NO_OBJECT_CHECKS)
    return iter(list(found.values()))


NO_OBJECT_CHECKS = (
    "check_object() was called, but no guard of this view checks objects, such as Owner(...). In a view of Django REST "
    "framework, call self.check_object_permissions(request, obj)."
)
ADMISSIONS = "_boltguard_admissions"
FINAL = "_boltguard_final"
NOT_CHECKED = "Call check_object(request, obj), or await acheck_object(request, obj), before the view returns."
