"""`ViewGate`: the backends and guards that a view sets, and the gate for them and the current settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ImproperlyConfigured

from boltguard import conf, registry
from boltguard.auth.backends import Authentication, check_backends
from boltguard.auth.custom_checks import ASYNC_REMEDY
from boltguard.auth.evaluation import refuse_absent_backends
from boltguard.auth.guards import Guard, check_guards, conjunction
from boltguard.gate.gate import Gate

if TYPE_CHECKING:
    from boltguard.auth.custom_checks import CustomCheck


class ViewGate:
    """The backends and guards of one view. Omitted ones are the site's defaults, also after the settings change."""

    __slots__ = ("__weakref__", "_auth", "_gate", "_guards", "_sync_handlers")
    # A subclass can have its own.
    gate_class: ClassVar[type[Gate]] = Gate

    def __init__(self, auth: Any = None, guards: Any = None) -> None:
        self._auth = None if auth is None else check_backends(auth)
        self._guards = None if guards is None else check_guards(guards)
        self._gate: Gate | None = None
        self._sync_handlers: set[str] = set()
        if self._auth is not None and self._guards is not None:
            refuse_absent_backends(conjunction(self._guards), self._auth)
        registry.remember(self)

    @property
    def names_guards(self) -> bool:
        """Whether the view sets its own guards."""
        return self._guards is not None

    @property
    def gate(self) -> Gate:
        """The gate for the current settings."""
        # `conf.current()` would cost as much as the rest of this property.
        gate, current = self._gate, conf._current
        if gate is None or gate.conf is not current:
            self._gate = gate = self.gate_class(current, *self.parts(current))
        return gate

    def parts(self, current: conf.Conf) -> tuple[list[Authentication], Guard]:
        """The backends and the guard. Raises `ImproperlyConfigured` if a setting is invalid."""
        auth, guards = self._auth, self._guards
        if auth is None:
            auth = check_backends(current.authentication, conf.written(conf.AUTHENTICATION))
        if guards is None:
            guards = check_guards(current.guards, conf.written(conf.PERMISSIONS))
        guard = conjunction(guards)
        refuse_absent_backends(guard, auth)
        return auth, guard

    @property
    def has_default_guards(self) -> bool:
        """Whether the view uses the site's default guards."""
        return self._guards is None

    def refuse_async_checks(self, handler: Any) -> None:
        """Raises for a sync handler with async checks. `async_defaults` reports those of the default guards."""
        name = getattr(handler, "__qualname__", repr(handler))
        self._sync_handlers.add(name)
        for check in _async_checks(self._guards or ()):
            raise ImproperlyConfigured(f"{name} is sync, but the check {check.name!r} is async. {ASYNC_REMEDY}")

    def async_defaults(self, current: conf.Conf) -> Iterator[str]:
        """Errors about sync handlers for which the site's default guards have async checks."""
        setting = conf.written(conf.PERMISSIONS)
        for check in _async_checks(current.guards if self._guards is None else ()):
            for name in self._sync_handlers:
                yield f"{name} is sync, but the check {check.name!r} of {setting} is async. {ASYNC_REMEDY}"


class LoginRequired:
    """The `login_required` of a view, for Django's middleware: true if neither the view nor the site has guards."""

    __slots__ = ("_view_gates",)

    def __init__(self, view_gates: Callable[[], Iterable[ViewGate]]) -> None:
        self._view_gates = view_gates

    def __bool__(self) -> bool:
        return not conf.current().names_guards and not all(view_gate.names_guards for view_gate in self._view_gates())


def _async_checks(guards: Iterable[Guard]) -> Iterator[CustomCheck]:
    return (check for guard in guards for check in guard.custom_checks.values() if check.is_async)
