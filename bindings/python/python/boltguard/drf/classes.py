"""Django REST framework: who is calling, for `authentication_classes`, and guards, for `permission_classes`.

The same engine decides as everywhere, and says so in DRF's own terms: `request.user`, `request.auth`, and exceptions
that its handler answers. A guard about objects is asked when a view calls `check_object_permissions`, as its
`get_object` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

try:
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.exceptions import APIException, AuthenticationFailed, ErrorDetail
    from rest_framework.permissions import (
        NOT,
        BasePermission,
        BasePermissionMetaclass,
        OperandHolder,
        SingleOperandHolder,
    )
    from rest_framework.request import Request
except ModuleNotFoundError as error:
    if error.name != "rest_framework":
        raise
    raise ImportError('boltguard.drf needs Django REST framework: pip install "boltguard[drf]"') from error

from boltguard import conf
from boltguard._rust import AuthContext, Conditional, Refusal
from boltguard.auth.accounts import UserUnavailable
from boltguard.auth.backends import Authentication, check_backends
from boltguard.auth.guards import Guard, IsAuthenticated, check_guards, conjunction
from boltguard.auth.journal import journal, open_journal, repeat, restore
from boltguard.auth.questions import ASYNC_REMEDY
from boltguard.auth.users import SEEN, Visit, attach, verify
from boltguard.drf.exceptions import RaisedResponse, exception_handler, install
from boltguard.exceptions import HTTPException, RevocationError
from boltguard.gate.caches import CACHED, refuse_caches_inside
from boltguard.gate.gate import STORE_UNAVAILABLE, Gate, Gatekeeper, Outcome
from boltguard.logs import log, note
from boltguard.overriding import refuse_overrides

if TYPE_CHECKING:
    from rest_framework.views import APIView

__all__ = ["BoltguardAuthentication", "GuardPermission", "StoreUnavailable", "exception_handler"]


class BoltguardAuthentication(BaseAuthentication):
    """Authenticates with `BOLTGUARD_AUTHENTICATION_CLASSES`; a subclass may name `backends` of its own.

    `request.user` is lazy, as behind `protect`, and `request.auth` is the context, a mapping of `user_id`,
    `permissions`, `auth_claims` and the like. A bad credential is 401, and a store that gives no answer 503.
    """

    backends: ClassVar[Sequence[Authentication] | None] = None
    _keeper: ClassVar[Gatekeeper]
    # The `backends` of which the keeper was made.
    _named: ClassVar[Sequence[Authentication] | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_overrides(cls, ImproperlyConfigured, AS_BACKENDS, called=AUTHENTICATES)
        cls._keeper = Gatekeeper(_backends_of(cls), [IsAuthenticated()])
        cls._named = cls.backends

    @classmethod
    def known_backends(cls) -> list[Authentication]:
        """Its own backends, or those of the settings now in force."""
        return cls._keeper.gate.backends

    def authenticate(self, request: Request) -> tuple[Any, AuthContext] | None:
        """The user and the context, or `None` where no credential was sent."""
        if self.backends is not self._named:
            raise ImproperlyConfigured(f"{type(self).__name__}.backends is fixed once the class is made; {SUBCLASS}")
        open_journal([])
        gate, inner = self._keeper.gate, request._request
        way_out = _WayOut.of(request.parser_context.get("view"))
        way_out.gates += (gate,)
        outcome = gate.check(inner.META)
        context = outcome if type(outcome) is AuthContext else self._settle(request, gate, outcome)
        if context is None:
            inner.__dict__.setdefault(SEEN, None)
            return None
        way_out.is_known = True
        if way_out.visit is None:
            way_out.enter(inner)
        attach(inner, context, gate)
        if gate.verifies:
            verify(inner)
        return inner.user, context

    def authenticate_header(self, request: Request) -> str | None:
        """The challenge of a 401."""
        refusal = request.__dict__.get(REFUSAL) or self._keeper.gate.check({})
        return refusal.challenge if isinstance(refusal, Refusal) else None

    def _settle(self, request: Request, gate: Gate, outcome: Outcome) -> AuthContext | None:
        """Who is calling, found out with the help of stores where that is needed."""
        settled = gate.resume(outcome)
        if isinstance(settled, AuthContext):
            return settled
        # The guard of this gate, `IsAuthenticated`, has no checks that could leave it open.
        assert isinstance(settled, Refusal)
        if settled.reason == NOTHING_SENT:
            return None
        if settled.reason == UNSUPPORTED_SCHEME:
            _WayOut.of(request.parser_context.get("view")).unsupported = settled
            return None
        request.__dict__[REFUSAL] = settled
        log(request._request, settled.status, settled.reason, settled.claim)
        exception: Any = _exception(settled.status, settled.detail, settled.code)
        exception.wait = settled.retry_after  # of which DRF makes `Retry-After`
        raise exception


BoltguardAuthentication._keeper = Gatekeeper(None, [IsAuthenticated()])


class GuardPermissionMeta(BasePermissionMetaclass):
    """`&`, `|` and `~` between guards are the guards' own; `&` and `|` with other permissions are those of DRF."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name == "guard" and "_gate" in vars(cls):
            raise ImproperlyConfigured(f"{cls.__name__}.guard is fixed once the class is made; {SUBCLASS}")
        super().__setattr__(name, value)

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        guard_of(cls)
        return super().__call__(*arguments, **named)

    def __and__(cls, other: Any) -> Any:
        both = isinstance(other, GuardPermissionMeta)
        return GuardPermission.of(guard_of(cls) & guard_of(other)) if both else super().__and__(other)

    def __or__(cls, other: Any) -> Any:
        both = isinstance(other, GuardPermissionMeta)
        return GuardPermission.of(guard_of(cls) | guard_of(other)) if both else super().__or__(other)

    def __invert__(cls) -> Any:
        return GuardPermission.of(~guard_of(cls))


class GuardPermission(BasePermission, metaclass=GuardPermissionMeta):
    """A guard as a permission: `GuardPermission.of(IsStaff())`, or a subclass that names its `guard`.

    It knows the callers whom `BoltguardAuthentication` identified; any other is anonymous to it. `message` and `code`
    replace those of a refusal, as in DRF's own permissions.
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
                raise ImproperlyConfigured(f"{cls.__name__}.{name} is not looked at; write guard = ...")
        cls._gate = Gate(conf.current(), [], _checked_guard_of(cls))

    @staticmethod
    def of(*guards: Guard) -> type[GuardPermission]:
        """The permission that is all of these guards."""
        guard = conjunction(check_guards(list(guards), "GuardPermission.of"))
        made: Any = GuardPermissionMeta("GuardPermission", (GuardPermission,), {"guard": guard, "__module__": __name__})
        return made  # type: ignore[no-any-return]

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the guard holds, or may hold for some object."""
        return self._holds(request, view)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Whether the guard holds for this object."""
        return self._holds(request, view, obj)

    def _holds(self, request: Request, view: APIView, *obj: Any) -> bool:
        # Not a variable of this frame, which error reporters would send: a check may fail below it.
        outcome, answers = self._gate.check_caller(_caller(request)), None
        if isinstance(outcome, Conditional):
            answers = self._answers(request, view, outcome, obj)
            outcome = outcome.decide(answers, optimistic=not obj and self._gate.asks_objects)
        if isinstance(outcome, Refusal):
            # What DRF puts into its own exception, if no other permission makes up for this one.
            detail, code = type(self).message or outcome.detail, type(self).code or outcome.code
            self.message, self.code = {"detail": detail, "code": code}, code
            _WayOut.of(view).refusal = partial(self._note, request, outcome, answers)
        return isinstance(outcome, AuthContext)

    def _answers(
        self, request: Request, view: APIView, conditional: Conditional, obj: tuple[Any, ...]
    ) -> dict[str, bool]:
        """What the checks say that matter for this caller: without an object, those that need none."""
        gate = self._gate
        known = request.__dict__.setdefault(ANSWERS, {}).setdefault(gate, {})
        answers: dict[str, bool] = dict(known) if obj else known
        while (question := gate.guard.next_question(conditional, answers, about_object=bool(obj))) is not None:
            answers[question.name] = question.ask(request, *(obj if question.about_object else ()))
        if obj:
            _WayOut.of(view).unasked -= {gate}
        elif conditional.questions(answers):
            _WayOut.of(view).unasked |= {gate}
        return answers

    def _note(self, request: Request, refusal: Refusal, answers: dict[str, bool] | None) -> None:
        log(request._request, refusal.status, refusal.reason, refusal.claim)
        note(self._gate.guard, request._request, refusal, _caller(request), answers)


def _caller(request: Request) -> AuthContext | None:
    """The caller, where it is `BoltguardAuthentication` that identified them."""
    return request.auth if isinstance(request.auth, AuthContext) else None


class StoreUnavailable(APIException):
    """503: a store gave no answer, so nobody can say whether the credential holds."""

    status_code = 503
    default_detail = "The credential can't be checked right now."
    default_code = "revocation_unavailable"


class Shown(NamedTuple):
    """What a view of DRF shows of itself in the list of routes: a gatekeeper, and the gate that it would have."""

    backends: tuple[Authentication, ...]
    guard: Guard

    @property
    def gate(self) -> Shown:
        return self


def keepers_of(view_class: Any, options: Mapping[str, Any]) -> list[Any]:
    """A `Shown` for a view with guards that are sure to be asked: not those within another permission."""
    # Not before: it is this module that DRF's own imports, where the settings name classes of it.
    from rest_framework.views import APIView

    if view_class.get_permissions is not APIView.get_permissions:
        return []
    permissions = listed(view_class, options, "permission_classes")
    guards = [guard_of(one) for one in permissions if isinstance(one, GuardPermissionMeta)]
    authentications = listed(view_class, options, "authentication_classes")
    asked = [one for one in authentications if isinstance(one, type) and issubclass(one, BoltguardAuthentication)]
    backends = tuple(backend for one in asked for backend in one.known_backends())
    return [Shown(backends, conjunction(guards))] if guards else []


def listed(view_class: Any, options: Mapping[str, Any], name: str) -> list[Any]:
    """What stands in a list of a view, unless that is made for each request, by a property."""
    value = options.get(name, getattr(view_class, name))
    return list(value) if isinstance(value, Iterable) else []


class _WayOut:
    """Stands in for a view's `finalize_response` while it answers one request, and looks at the answer."""

    # Until it is known better: these are set for each request.
    gates: tuple[Gate, ...] = ()
    is_known = False
    # Says why a permission was refused, once it is clear that no other one made up for it.
    refusal: Callable[[], None] | None = None
    # The gates that let a caller in for the sake of an object, of which nothing was heard yet.
    unasked: frozenset[Gate] = frozenset()
    visit: Visit | None = None
    outer: Callable[[UserUnavailable], Exception] | None = None
    # The credentials were of a scheme that no backend accepts.
    unsupported: Refusal | None = None

    def __init__(self, view: Any) -> None:
        self._view = view

    def enter(self, request: HttpRequest) -> None:
        """From now on until the response is there, reading a missing account is a 401."""
        if "response" in getattr(self._view, "__dict__", ()):
            return  # a renderer asks who the user is
        self.visit = visit = Visit.begin(request)
        self.outer, visit.translate = visit.translate, partial(_account_error, request)

    def handle_exception(self, error: Exception) -> Any:
        """The view's own, which is told of the missing account if that is what the error came from."""
        del self._view.handle_exception
        try:
            return self._view.handle_exception(self._missing() or self._translated(error))
        except BaseException:
            self._end()
            raise

    def _translated(self, error: Exception) -> Exception:
        if isinstance(error, UserUnavailable):
            return _no_account(self._view.request._request, error)
        if isinstance(error, RevocationError):
            return StoreUnavailable({"detail": STORE_UNAVAILABLE, "code": error.code}, error.code)
        return RaisedResponse(error) if isinstance(error, HTTPException) else error

    def _missing(self) -> APIException | None:
        failure = None if self.visit is None else self.visit.failure
        return None if failure is None else _no_account(self._view.request._request, failure)

    def _end(self) -> None:
        if self.visit is not None:
            self.visit.depth -= 1
            self.visit.translate = self.outer

    @staticmethod
    def of(view: Any) -> _WayOut:
        """That of a view, which is made for one request."""
        if view is None:
            return _WayOut(None)
        found = view.__dict__.get("finalize_response")
        if type(found) is _WayOut:
            return found
        for permission in getattr(view, "permission_classes", ()):
            if not isinstance(permission, type):
                _refuse_negations(permission)
        view.finalize_response = made = _WayOut(view)
        view.handle_exception = made.handle_exception
        return made

    def __call__(self, request: Request, response: Any, *arguments: Any, **named: Any) -> Any:
        view = self._view
        # The methods themselves show again.
        del view.finalize_response
        view.__dict__.pop("handle_exception", None)
        if getattr(response, "status_code", 401) != 401 and (missing := self._missing()):
            response = view.handle_exception(missing)
        if self.unsupported is not None:
            _tell_scheme(response, self.unsupported)
        response = view.finalize_response(request, response, *arguments, **named)
        self._end()
        if self.gates and getattr(response, "exception", False) and (entries := journal()):
            _after_transaction(response, lambda *_: repeat(entries))
        elif self.gates and journal():
            _after_transaction(response, lambda *_: restore())
        if self.refusal is not None and response.status_code in (401, 403):
            self.refusal()
        if self.unasked and response.status_code < 400 and _may_show_object(request, view, response):
            guards = ", ".join(sorted(str(gate.guard) for gate in self.unasked))
            raise ImproperlyConfigured(f"the guard {guards} asks about an object: {NOT_ASKED}")
        for gate in self.gates:
            if CACHED in request.__dict__:
                refuse_caches_inside(request, response, gate.headers)
            gate.seal(request._request, response, self.is_known)
        return response


def _tell_scheme(response: Any, refusal: Refusal) -> None:
    """Says more than DRF does, which takes such a request for one without credentials."""
    data = getattr(response, "data", None) if getattr(response, "status_code", None) == 401 else None
    said = data.get("detail") if isinstance(data, dict) else None
    if getattr(said, "code", None) == NOTHING_SENT:
        data["detail"] = ErrorDetail(refusal.detail, refusal.code)  # type: ignore[index]


def _after_transaction(response: Any, call: Callable[..., None]) -> None:
    """Calls it once Django has ended the transaction of the view: a response is rendered and closed after that."""
    if hasattr(response, "add_post_render_callback"):
        response.add_post_render_callback(call)
    else:
        response._resource_closers.append(call)


def _may_show_object(request: Request, view: Any, response: Any) -> bool:
    # Not before: it imports DRF's views, which import this module, where the settings name classes of it.
    from boltguard.drf.objects import may_show_object

    return may_show_object(request, view, response)


def _no_account(request: Any, unavailable: UserUnavailable) -> APIException:
    log(request, unavailable.status_code, unavailable.reason)
    return _account_error(request, unavailable)


def _account_error(request: Any, unavailable: UserUnavailable) -> APIException:
    """A missing account in DRF's terms."""
    said = unavailable.said_by(request.context.auth_backend)
    return _exception(said.status_code, said.detail, said.code)


def _exception(status: int, detail: str, code: str) -> APIException:
    """What DRF answers with the body that we give everywhere."""
    kind = StoreUnavailable if status == StoreUnavailable.status_code else AuthenticationFailed
    return kind({"detail": detail, "code": code}, code)


def _refuse_negations(permission: Any, negated: bool = False) -> None:
    """A permission of DRF's is true or false even of nobody; `~` around a guard and one of them would let nobody in."""
    if negated and isinstance(permission, GuardPermissionMeta):
        raise ImproperlyConfigured(f"{guard_of(permission)}: {NO_NEGATION}")
    if isinstance(permission, SingleOperandHolder):
        operator: Any = permission.operator_class
        _refuse_negations(permission.op1_class, negated or operator is NOT)
    if isinstance(permission, OperandHolder):
        _refuse_negations(permission.op1_class, negated)
        _refuse_negations(permission.op2_class, negated)


def _backends_of(cls: type[BoltguardAuthentication]) -> Sequence[Authentication] | None:
    for name, value in vars(cls).items():
        if name == "backend" or ("backends" not in vars(cls) and _holds_backends(value)):
            raise ImproperlyConfigured(f"{cls.__name__}.{name} is not looked at; write backends = [...]")
    if cls.backends is None:
        return None
    if not check_backends(cls.backends, f"{cls.__name__}.backends"):
        raise ImproperlyConfigured(f"{cls.__name__}.backends is empty, so nobody could be known; {NO_BACKENDS}")
    return cls.backends


def _holds_backends(value: Any) -> bool:
    return any(
        isinstance(one, Authentication) or (isinstance(one, type) and issubclass(one, Authentication))
        for one in (value if isinstance(value, (list, tuple)) else [value])
    )


def _holds_guards(value: Any) -> bool:
    return any(
        isinstance(one, Guard) or (isinstance(one, type) and issubclass(one, Guard))
        for one in (value if isinstance(value, (list, tuple)) else [value])
    )


def guard_of(cls: Any) -> Guard:
    """The guard that a permission names, or `ImproperlyConfigured`: `GuardPermission` itself has none."""
    guard: Guard | None = getattr(cls, "guard", None)
    if guard is None:
        remedy = NO_GUARD if cls is GuardPermission else "write guard = IsStaff(), or any other"
        raise ImproperlyConfigured(f"{cls.__name__} names no guard; {remedy}")
    return guard


def _checked_guard_of(cls: type[GuardPermission]) -> Guard:
    (guard,) = check_guards([guard_of(cls)], f"{cls.__name__}.guard")
    for question in guard.questions.values():
        if question.is_async:
            raise ImproperlyConfigured(f"{cls.__name__}: the check {question.name!r} is async; {ASYNC_REMEDY}")
    return guard


ANSWERS = "_boltguard_answers"
REFUSAL = "_boltguard_refusal"
NOTHING_SENT = "not_authenticated"
UNSUPPORTED_SCHEME = "scheme_unsupported"
AS_BACKENDS = "Write backends = [...], or redefine authenticate()."
AS_GUARD = "Write guard = ..., or redefine has_permission() and has_object_permission()."
# What DRF calls, or a subclass names.
AUTHENTICATES = {"_keeper", "_named", "authenticate", "authenticate_header", "backends"}
PERMITS = {"_gate", "code", "guard", "has_object_permission", "has_permission", "message"}
NO_BACKENDS = (
    "name some, or leave it out for the setting BOLTGUARD_AUTHENTICATION_CLASSES, or BOLT_AUTHENTICATION_CLASSES"
)
NO_GUARD = "write GuardPermission.of(IsStaff()), or any other guard"
NOT_ASKED = "call self.check_object_permissions(request, obj), as get_object() does, before you answer"
SUBCLASS = "write a subclass"
NO_NEGATION = "`~` of a guard and another permission would let anonymous callers in; negate the guard alone"
install()
