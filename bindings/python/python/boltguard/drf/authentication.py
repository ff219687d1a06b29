"""`BoltguardAuthentication`, for the `authentication_classes` of Django REST framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from boltguard._rust import AuthContext, Refusal
from boltguard.auth.backends import Authentication, Step, check_backends
from boltguard.auth.guards import IsAuthenticated
from boltguard.auth.journal import open_journal
from boltguard.auth.users import SEEN, attach, note_gate, verify
from boltguard.drf.exceptions import api_exception
from boltguard.drf.view_hooks import NOTHING_SENT, ViewHooks
from boltguard.events import report_refusal
from boltguard.gate import csrf
from boltguard.gate.gate import Gate
from boltguard.gate.view_gate import ViewGate
from boltguard.overriding import refuse_overrides


class BoltguardAuthentication(BaseAuthentication):
    """Authenticates with `BOLTGUARD_AUTHENTICATION_CLASSES`; a subclass can set `backends`.

    `request.user` is lazy, as behind `protect`, and `request.auth` is the context, a mapping of `user_id`,
    `permissions`, `auth_claims` and the like. A bad credential is 401, and an unavailable store 503.
    """

    backends: ClassVar[Sequence[Authentication] | None] = None
    _view_gate: ClassVar[ViewGate]
    # The `backends` that the view gate was created with.
    _named: ClassVar[Sequence[Authentication] | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_overrides(cls, ImproperlyConfigured, AS_BACKENDS, called=AUTHENTICATES)
        cls._view_gate = ViewGate(_backends_of(cls), [IsAuthenticated()])
        cls._named = cls.backends

    @classmethod
    def known_backends(cls) -> list[Authentication]:
        """Its own backends, or those of the current settings."""
        return cls._view_gate.gate.backends

    def authenticate(self, request: Request) -> tuple[Any, AuthContext] | None:
        """The user and the context, or `None` if the request has no credentials."""
        if self.backends is not self._named:
            raise ImproperlyConfigured(
                f"{type(self).__name__}.backends can't be changed after the class was created. Use a subclass."
            )
        open_journal([])
        gate, inner = self._view_gate.gate, request._request
        hooks = ViewHooks.of(request.parser_context.get("view"))
        hooks.gates += (gate,)
        outcome = gate.check(inner.META)
        context = outcome if type(outcome) is AuthContext else self._settle(request, gate, outcome)
        if context is None:
            inner.__dict__.setdefault(SEEN, None)
            note_gate(inner, gate)
            return None
        hooks.is_known = True
        if hooks.visit is None:
            hooks.enter(inner)
        attach(inner, context, gate)
        if gate.is_ambient(inner, context) and csrf.enforce(inner) is not None:
            hooks.is_known = False
            attach(inner, AuthContext.csrf_failed(), gate)
            raise api_exception(403, csrf.FORGED["detail"], csrf.FORGED["code"])
        if gate.verifies:
            verify(inner)
        return inner.user, context

    def authenticate_header(self, request: Request) -> str | None:
        """The challenge of a 401."""
        refusal: Refusal | None = request.__dict__.get(REFUSAL)
        return self._view_gate.gate.challenge if refusal is None else refusal.challenge

    def _settle(self, request: Request, gate: Gate, outcome: Step) -> AuthContext | None:
        """The caller, after queries of stores if necessary."""
        evaluated = gate.resume(request._request, outcome)
        if isinstance(evaluated, AuthContext):
            return evaluated
        # The guard of this gate, `IsAuthenticated`, has no checks that could leave it undetermined.
        assert isinstance(evaluated, Refusal)
        if evaluated.reason == NOTHING_SENT:
            return None
        if evaluated.reason == UNSUPPORTED_SCHEME:
            ViewHooks.of(request.parser_context.get("view")).unsupported = evaluated
            return None
        request.__dict__[REFUSAL] = evaluated
        report_refusal(request._request, evaluated.status, evaluated.reason, evaluated.claim)
        exception: Any = api_exception(evaluated.status, evaluated.detail, evaluated.code)
        exception.wait = evaluated.retry_after  # DRF sets `Retry-After` from it
        raise exception


BoltguardAuthentication._view_gate = ViewGate(None, [IsAuthenticated()])


def _backends_of(cls: type[BoltguardAuthentication]) -> Sequence[Authentication] | None:
    for name, value in vars(cls).items():
        if name == "backend" or ("backends" not in vars(cls) and _holds_backends(value)):
            raise ImproperlyConfigured(f"{cls.__name__}.{name} is never used. Set the attribute backends.")
    if cls.backends is None:
        return None
    if not check_backends(cls.backends, f"{cls.__name__}.backends"):
        raise ImproperlyConfigured(f"{cls.__name__}.backends is empty, so no one could be authenticated. {NO_BACKENDS}")
    return cls.backends


def _holds_backends(value: Any) -> bool:
    return any(
        isinstance(one, Authentication) or (isinstance(one, type) and issubclass(one, Authentication))
        for one in (value if isinstance(value, (list, tuple)) else [value])
    )


REFUSAL = "_boltguard_refusal"
UNSUPPORTED_SCHEME = "scheme_unsupported"
AS_BACKENDS = "Set backends = [...], or override authenticate()."
# Methods that DRF calls, and attributes that a subclass sets.
AUTHENTICATES = {"_view_gate", "_named", "authenticate", "authenticate_header", "backends"}
NO_BACKENDS = "Omit it to use BOLTGUARD_AUTHENTICATION_CLASSES or BOLT_AUTHENTICATION_CLASSES."
