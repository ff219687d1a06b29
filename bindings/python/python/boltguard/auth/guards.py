"""Guards: what a caller must be or hold, and `&`, `|`, `~` between them. Rust decides; these only name things."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured

from boltguard import _rust
from boltguard.exceptions import ConfigurationError

Scalar = str | int | bool


class Guard:
    """A rule that admits a caller or not. Build one from the classes below, or from its text form with `parse`.

    >>> reporters = IsStaff() | HasPermission("reports.view")
    """

    __slots__ = ("_guard",)
    _guard: _rust.Guard

    def __init__(self) -> None:
        raise ImproperlyConfigured(
            "Guard is no guard by itself; use IsAuthenticated() and the like, or Guard.parse(...)"
        )

    @staticmethod
    def parse(text: str) -> Guard:
        """Reads the text form, which `str()` gives back."""
        return _wrap(_checked(_rust.Guard.parse, text))

    @property
    def rust(self) -> _rust.Guard:
        """The guard that decides."""
        return self._guard

    def implies(self, other: Guard) -> bool:
        """Whether whoever passes this guard passes the other one too."""
        return self._guard.implies(other.rust)

    def is_equivalent(self, other: Guard) -> bool:
        """Whether both admit the same callers."""
        return self._guard.is_equivalent(other.rust)

    def simplify(self) -> Guard:
        """An equivalent guard with as few parts as can be."""
        return _wrap(self._guard.simplify())

    def explain(self, context: _rust.AuthContext | None) -> _rust.Explanation:
        """Which parts hold for this caller and which don't; for logs, not for clients."""
        return self._guard.explain(context)

    def __and__(self, other: object) -> Guard:
        return _wrap(self._guard & other.rust) if isinstance(other, Guard) else _not_a_guard(other)

    def __or__(self, other: object) -> Guard:
        return _wrap(self._guard | other.rust) if isinstance(other, Guard) else _not_a_guard(other)

    __rand__ = __and__
    __ror__ = __or__

    def __invert__(self) -> Guard:
        return _wrap(~self._guard)

    # `IsStaff() and HasPermission("x")` would silently be the second guard alone.
    def __bool__(self) -> NoReturn:
        raise TypeError("a guard is neither true nor false; combine guards with &, | and ~, not with and, or, not")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Guard) and self._guard == other._guard

    def __hash__(self) -> int:
        return hash(self._guard)

    def __str__(self) -> str:
        return str(self._guard)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._guard}>"


class AllowAny(Guard):
    """Everybody, known or not."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.allow_any()


class DenyAll(Guard):
    """Nobody."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.deny_all()


class IsAuthenticated(Guard):
    """Whoever a backend knows."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.authenticated()


class IsStaff(Guard):
    """Whose credential says `is_staff`."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.staff()


class IsAdminUser(Guard):
    """Whose credential says `is_superuser`."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.admin()


class HasPermission(Guard):
    """Who holds this permission."""

    __slots__ = ()

    def __init__(self, permission: str) -> None:
        self._guard = _checked(_rust.Guard.permission, permission)


class HasAnyPermission(Guard):
    """Who holds at least one of these permissions, given as a list or one by one."""

    __slots__ = ()

    def __init__(self, *permissions: str | Iterable[str]) -> None:
        self._guard = _checked(_rust.Guard.any_permission, _flat(type(self).__name__, permissions))


class HasAllPermissions(Guard):
    """Who holds every one of these permissions, given as a list or one by one."""

    __slots__ = ()

    def __init__(self, *permissions: str | Iterable[str]) -> None:
        self._guard = _checked(_rust.Guard.all_permissions, _flat(type(self).__name__, permissions))


class HasScope(Guard):
    """Whose token has this word in its `scope`."""

    __slots__ = ()

    def __init__(self, scope: str) -> None:
        self._guard = _checked(_rust.Guard.scope, scope)


class HasClaim(Guard):
    """Whose token has this claim, with one of `values` where some are given, all of `all_of` and none of `none_of`."""

    __slots__ = ()

    def __init__(
        self, name: str, *values: Scalar, all_of: Iterable[Scalar] = (), none_of: Iterable[Scalar] = ()
    ) -> None:
        self._guard = _checked(_rust.Guard.claim, name, list(values), list(all_of), list(none_of))


class ViaBackend(Guard):
    """Whom this backend identified: `"jwt"` or `"api_key"`."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        self._guard = _checked(_rust.Guard.via_backend, name)


class _Composed(Guard):
    """What the operators give."""

    __slots__ = ()

    def __init__(self, guard: _rust.Guard) -> None:
        self._guard = guard

    def __repr__(self) -> str:
        return f"<Guard: {self._guard}>"


def check_guards(guards: object, where: str = "guards") -> list[Guard]:
    """The list of guards that a view is given, or `ImproperlyConfigured`."""
    if isinstance(guards, Guard):
        raise ImproperlyConfigured(f"{where} is one guard; give a list: [{guards!r}]")
    if not isinstance(guards, (list, tuple)):
        raise ImproperlyConfigured(f"{where} is {guards!r}; give a list of guards, such as [IsAuthenticated()]")
    if not guards:
        raise ImproperlyConfigured(f"{where} is empty; leave it out for the default, or say [AllowAny()]")
    for guard in guards:
        if not isinstance(guard, Guard):
            _not_a_guard(guard, where)
        if guard.rust.checks:
            raise ImproperlyConfigured(f"{where}: nothing answers the check {guard.rust.checks[0]!r} of {guard!r}")
    return list(guards)


def conjunction(guards: list[Guard]) -> _rust.Guard:
    """The guard that a list of them means: all of them."""
    return _rust.Guard.all([guard.rust for guard in guards])


def _wrap(guard: _rust.Guard) -> Guard:
    return _Composed(guard)


def _not_a_guard(other: object, where: str = "a guard") -> NoReturn:
    if isinstance(other, type) and issubclass(other, Guard):
        raise ImproperlyConfigured(f"{where}: {other.__name__} is a class; give an instance: {other.__name__}(...)")
    raise ImproperlyConfigured(f"{where}: {other!r} is no guard; use the classes of boltguard.auth")


def _flat(what: str, names: tuple[str | Iterable[str], ...]) -> list[str]:
    if len(names) == 1 and not isinstance(names[0], str):
        names = tuple(names[0])
    if not names:
        raise ImproperlyConfigured(f"{what} needs at least one permission")
    return list(names)  # type: ignore[arg-type]  # Rust refuses what is not text


def _checked(make: Any, *arguments: Any) -> _rust.Guard:
    try:
        guard: _rust.Guard = make(*arguments)
    except (ConfigurationError, TypeError) as error:
        raise ImproperlyConfigured(str(error)) from None
    return guard
