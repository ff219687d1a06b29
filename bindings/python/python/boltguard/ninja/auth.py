"""`BoltAuth`, for the argument `auth` of Django Ninja."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from boltguard import conf
from boltguard.auth.backends import Authentication
from boltguard.auth.guards import Guard
from boltguard.gate.view_gate import ViewGate
from boltguard.ninja.gates import AlternativeGate
from boltguard.overriding import refuse_overrides


class BoltAuth:
    """Backends and guards for operations of Django Ninja; the defaults are those of the site.

    Other callables of Ninja can follow it in a list. They are called if a request has no credentials for the backends;
    its guards don't apply to the callers whom they authenticate.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_overrides(cls, ImproperlyConfigured, AS_ARGUMENTS)

    def __init__(self, *, auth: Any = None, guards: Any = None) -> None:
        self.view_gate = OperationGate(auth, guards)
        if self.view_gate.has_no_backends:
            raise ImproperlyConfigured(NO_BACKENDS)
        self._arguments = (auth, guards)
        self._before_others: OperationGate | None = None

    @property
    def csrf(self) -> bool:
        """Whether Ninja's page of the documentation must send a CSRF token."""
        return any(backend.is_ambient or "cookie" in backend.headers for backend in self.view_gate.gate.backends)

    def view_gate_before(self, others: Any) -> OperationGate:
        """The view gate for a list with these other callables."""
        if not others:
            return self.view_gate
        if self._before_others is None:
            self._before_others = AlternativeViewGate(*self._arguments)
        return self._before_others

    def __call__(self, request: Any) -> Any:
        # The gate of an operation calls Ninja's code without this object among the callables.
        raise ImproperlyConfigured(CALLED)

    def __repr__(self) -> str:
        auth, guards = self._arguments
        given = [f"auth={auth!r}"] if auth is not None else []
        given += [f"guards=[{', '.join(map(str, guards))}]"] if guards is not None else []
        return f"BoltAuth({', '.join(given)})"


class OperationGate(ViewGate):
    """The view gate of operations. Without backends, no one could be authenticated."""

    __slots__ = ()

    @property
    def has_no_backends(self) -> bool:
        """Whether the list of backends is empty."""
        return self._auth is not None and not self._auth

    def parts(self, current: conf.Conf) -> tuple[list[Authentication], Guard]:
        """The backends and the guard. Raises `ImproperlyConfigured` if they don't fit together."""
        backends, guard = super().parts(current)
        if not backends and not guard.rust.allows_anonymous:
            raise ImproperlyConfigured(ANONYMOUS.format(guard, conf.written(conf.AUTHENTICATION)))
        return backends, guard


class AlternativeViewGate(OperationGate):
    """The view gate of operations that have other callables, too."""

    __slots__ = ()
    gate_class = AlternativeGate

    def __init__(self, auth: Any, guards: Any) -> None:
        super().__init__(auth, guards)
        if self._guards is not None:
            _refuse_open(self._guards)

    def parts(self, current: conf.Conf) -> tuple[list[Authentication], Guard]:
        """The backends and the guard, which must not allow anonymous callers."""
        backends, guard = super().parts(current)
        _refuse_open([guard])
        return backends, guard


def _refuse_open(guards: list[Guard]) -> None:
    """Raises if the guards allow anonymous callers, so that the other callables would never be called."""
    if all(guard.rust.allows_anonymous for guard in guards):
        raise ImproperlyConfigured(OPEN.format(" & ".join(map(str, guards))))


AS_ARGUMENTS = "Pass auth=[...] and guards=[...] to BoltAuth."
NO_BACKENDS = (
    "BoltAuth: auth is an empty list, so no one could be authenticated. Omit it for the default, or use auth=None of "
    "Ninja for a public operation."
)
ANONYMOUS = "BoltAuth has the guard {}, but no backends, because {} is empty. Every caller would be anonymous."
OPEN = (
    "BoltAuth is in a list with other callables, but its guard {} allows anonymous callers, so the others would never "
    "be called. Change the guard, or remove the others."
)
CALLED = (
    "BoltAuth can't be called by other code. Pass it to auth= of a NinjaAPI, a router or an operation, alone or in a "
    "list, and import boltguard.ninja before the URLs of the NinjaAPI are created."
)
