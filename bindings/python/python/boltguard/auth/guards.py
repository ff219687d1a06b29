"""Guards: conditions on a caller, combined with `&`, `|` and `~`. Rust evaluates them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from operator import and_, or_
from typing import TYPE_CHECKING, Any, NoReturn

from boltguard import _rust
from boltguard.auth.custom_checks import CustomCheck, merge
from boltguard.exceptions import ConfigurationError
from boltguard.messages import kind_of
from boltguard.optional import ImproperlyConfigured
from boltguard.overriding import AS_GUARD, is_ours, refuse_overrides

ClaimValue = str | int | bool


class Guard:
    """A condition on a caller. Use one of the classes below, or read its string form with `parse`.

    A subclass of one of these classes can have an `__init__` that passes arguments on, and helper methods. It can't
    redefine which callers are allowed; use `Check` and `ObjectCheck` for that.

    >>> reporters = IsStaff() | HasPermission("reports.view")
    """

    __slots__ = ("_guard",)
    _guard: _rust.Guard

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if Guard in cls.__bases__ and not is_ours(cls):
            raise ImproperlyConfigured(f"{cls.__name__} can't be a subclass of Guard itself. {AS_GUARD}")
        refuse_overrides(cls, ImproperlyConfigured, AS_GUARD)

    def __init__(self) -> None:
        raise ImproperlyConfigured(
            "Guard can't be instantiated. Use IsAuthenticated() or another guard, or Guard.parse(...)."
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name == "_guard":
                raise ImproperlyConfigured(f"{type(self).__name__}.__init__ doesn't call super().__init__(...).")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @staticmethod
    def parse(text: str, checks: Iterable[Guard] = ()) -> Guard:
        """Reads the string form that `str()` returns. `checks` contains its checks, such as `check("office_hours")`."""
        return _wrap(checked(_rust.Guard.parse, text), _given(checks))

    @staticmethod
    def from_json(document: str, checks: Iterable[Guard] = ()) -> Guard:
        """Reads the string that `to_json` returns."""
        return _wrap(checked(_rust.Guard.from_json, document), _given(checks))

    def to_json(self) -> str:
        """The string form and its version, as a JSON document."""
        return self._guard.to_json()

    @property
    def rust(self) -> _rust.Guard:
        """The guard in Rust."""
        return self._guard

    @property
    def custom_checks(self) -> Mapping[str, CustomCheck]:
        """A dict from the names of the guard's checks to the checks."""
        return {}

    def implies(self, other: Guard) -> bool:
        """Whether the other guard allows every caller that this one allows. Exact, or raises `GuardTooLarge`."""
        _comparable(self, other)
        return self._guard.implies(other.rust)

    def is_equivalent(self, other: Guard) -> bool:
        """Whether both guards have the same result for every caller. Exact, or raises `GuardTooLarge`."""
        _comparable(self, other)
        return self._guard.is_equivalent(other.rust)

    def explain(
        self, context: _rust.AuthContext | None = None, results: Mapping[str, bool] | None = None
    ) -> _rust.Explanation:
        """Which parts are true for this caller, given the results of checks; for logs, not for clients."""
        return self._guard.explain(context, results)

    def next_check(
        self, checks: _rust.GuardChecks, results: Mapping[str, bool], *, about_object: bool = True
    ) -> CustomCheck | None:
        """The next check to run; with `about_object=False`, only one that doesn't need an object."""
        open_now = (self.custom_checks[name] for name in checks.open_checks(results))
        return next((one for one in open_now if about_object or not one.about_object), None)

    def __and__(self, other: object) -> Guard:
        guard = _operand(other)
        return _wrap(checked(and_, self._guard, guard.rust), merge([self.custom_checks, guard.custom_checks]))

    def __or__(self, other: object) -> Guard:
        guard = _operand(other)
        return _wrap(checked(or_, self._guard, guard.rust), merge([self.custom_checks, guard.custom_checks]))

    __rand__ = __and__
    __ror__ = __or__

    def __invert__(self) -> Guard:
        return _wrap(~self._guard, self.custom_checks)

    # `IsStaff() and HasPermission("x")` would silently be only the second guard.
    def __bool__(self) -> NoReturn:
        raise TypeError("A guard has no truth value. Combine guards with &, | and ~ instead of and, or and not.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Guard) and self._guard == other._guard and self.custom_checks == other.custom_checks

    def __hash__(self) -> int:
        return hash(self._guard)

    def __str__(self) -> str:
        return str(self._guard)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._guard}>"


class AllowAny(Guard):
    """Allows all callers, including unauthenticated ones."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.allow_any()


class DenyAll(Guard):
    """Allows no caller."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.deny_all()


class IsAuthenticated(Guard):
    """Allows authenticated callers."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.authenticated()


class IsStaff(Guard):
    """Allows callers whose credentials contain `is_staff`."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.staff()


class IsAdminUser(Guard):
    """Allows callers whose credentials contain `is_superuser`."""

    __slots__ = ()

    def __init__(self) -> None:
        self._guard = _rust.Guard.admin()


class HasPermission(Guard):
    """Allows callers with this permission."""

    __slots__ = ()

    def __init__(self, permission: str) -> None:
        self._guard = checked(_rust.Guard.permission, permission)


class HasAnyPermission(Guard):
    """Allows callers with at least one of these permissions, passed as a list or as arguments."""

    __slots__ = ()

    def __init__(self, *permissions: str | Iterable[str]) -> None:
        self._guard = checked(_rust.Guard.any_permission, _flat(type(self).__name__, permissions))


class HasAllPermissions(Guard):
    """Allows callers with all of these permissions, passed as a list or as arguments."""

    __slots__ = ()

    def __init__(self, *permissions: str | Iterable[str]) -> None:
        self._guard = checked(_rust.Guard.all_permissions, _flat(type(self).__name__, permissions))


class HasScope(Guard):
    """Allows callers whose token has this scope."""

    __slots__ = ()

    def __init__(self, scope: str) -> None:
        self._guard = checked(_rust.Guard.scope, scope)


class HasRole(Guard):
    """Allows callers with this role. Tokens have the roles in the claims `roles_from` of their backend."""

    __slots__ = ()

    def __init__(self, role: str) -> None:
        self._guard = checked(_rust.Guard.role, role)


class HasAnyRole(Guard):
    """Allows callers with at least one of these roles, passed as a list or as arguments."""

    __slots__ = ()

    def __init__(self, *roles: str | Iterable[str]) -> None:
        self._guard = checked(_rust.Guard.any_role, _flat(type(self).__name__, roles, "role"))


class FreshAuth(Guard):
    """Allows callers whose user was authenticated in the last `max_age` seconds, according to `auth_time` of the token.

    `acr` is an authentication context class, or a list of them in order of preference; the token must have one.
    Other authenticated callers receive 401 with `insufficient_user_authentication` (RFC 9470), so that their client
    asks the user to authenticate again. Callers without a token can't pass.
    """

    __slots__ = ()

    def __init__(self, max_age: int | timedelta, acr: str | Iterable[str] | None = None) -> None:
        seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
        is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not is_number or not 0 < seconds < 2**32 or seconds != int(seconds):
            raise ImproperlyConfigured(
                f"FreshAuth: max_age is {kind_of(max_age)}. "
                "It must be a positive number of whole seconds, or a timedelta."
            )
        if isinstance(acr, (bytes, Mapping)) or not isinstance(acr, (str, Iterable, type(None))):
            raise ImproperlyConfigured(f"FreshAuth: acr is {kind_of(acr)}. It must be a string or a list of strings.")
        values = [acr] if isinstance(acr, str) else acr if acr is None else list(acr)
        self._guard = checked(_rust.Guard.fresh_auth, int(seconds), values)


class HasClaim(Guard):
    """Allows callers whose token has this claim, with one of `values`, all of `all_of` and none of `none_of`.

    `values` are passed as a list or as arguments. An empty list is an error, because it would require nothing.
    """

    __slots__ = ()

    def __init__(
        self,
        name: str,
        *values: ClaimValue | Iterable[ClaimValue],
        all_of: Iterable[ClaimValue] | None = None,
        none_of: Iterable[ClaimValue] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ImproperlyConfigured(f"HasClaim({name!r}): the name of a claim must be a string.")
        listed = values[0] if len(values) == 1 and not isinstance(values[0], (str, int)) else values
        any_of = _claim_values(name, "values", listed) if values else None
        all_these = None if all_of is None else _claim_values(name, "all_of", all_of)
        none_of_these = None if none_of is None else _claim_values(name, "none_of", none_of)
        self._guard = checked(_rust.Guard.claim, name, any_of, all_these, none_of_these)


class ViaBackend(Guard):
    """Allows callers that this backend authenticated: `"jwt"` or `"api_key"`."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        self._guard = checked(_rust.Guard.via_backend, name)


class _Composed(Guard):
    """The result of the operators."""

    __slots__ = ("_custom_checks",)

    def __init__(self, guard: _rust.Guard, checks: Mapping[str, CustomCheck]) -> None:
        self._guard = guard
        self._custom_checks = checks

    @property
    def custom_checks(self) -> Mapping[str, CustomCheck]:
        return self._custom_checks

    def __repr__(self) -> str:
        return f"<Guard: {self._guard}>"


def check_guards(guards: object, where: str = "guards") -> list[Guard]:
    """The guards of a view as a list, or `ImproperlyConfigured`."""
    if isinstance(guards, Guard):
        raise ImproperlyConfigured(f"{where} is a single guard. It must be a list: [{guards!r}].")
    if not isinstance(guards, (list, tuple)):
        raise ImproperlyConfigured(
            f"{where} is {kind_of(guards)}. It must be a list of guards, such as [IsAuthenticated()]."
        )
    if not guards:
        raise ImproperlyConfigured(f"{where} is an empty list. Omit it for the default, or use [AllowAny()].")
    for guard in guards:
        for name in _operand(guard, where).rust.checks:
            if name not in guard.custom_checks:
                raise ImproperlyConfigured(f"{where}: the check {name!r} of {guard!r} has no function.")
    merge(guard.custom_checks for guard in guards)
    return list(guards)


def conjunction(guards: list[Guard]) -> Guard:
    """The guard that requires all guards of a list."""
    together = checked(_rust.Guard.all, [guard.rust for guard in guards])
    return _wrap(together, merge(guard.custom_checks for guard in guards))


def checked(make: Callable[..., _rust.Guard], *arguments: Any) -> _rust.Guard:
    """The guard that Rust creates from the arguments, or `ImproperlyConfigured`."""
    try:
        return make(*arguments)
    except (ConfigurationError, TypeError, OverflowError) as error:
        raise ImproperlyConfigured(str(error)) from None


def _wrap(guard: _rust.Guard, checks: Mapping[str, CustomCheck]) -> Guard:
    return _Composed(guard, {name: checks[name] for name in guard.checks if name in checks})


def _given(checks: Iterable[Guard]) -> Mapping[str, CustomCheck]:
    return merge(_operand(check, "checks").custom_checks for check in checks)


def _comparable(guard: Guard, other: object) -> None:
    merge([guard.custom_checks, _operand(other).custom_checks])


def _operand(other: object, where: str = "a guard") -> Guard:
    return other if isinstance(other, Guard) else _not_a_guard(other, where)


def _not_a_guard(other: object, where: str = "a guard") -> NoReturn:
    if isinstance(other, type) and issubclass(other, Guard):
        raise ImproperlyConfigured(f"{where}: {other.__name__} is a class. Use an instance: {other.__name__}(...).")
    raise ImproperlyConfigured(f"{where}: {other!r} is not a guard. Use the classes in boltguard.auth.")


def _flat(what: str, names: tuple[str | Iterable[str], ...], kind: str = "permission") -> list[str]:
    only = names[0] if len(names) == 1 else None
    if isinstance(only, Mapping):
        raise ImproperlyConfigured(f"{what}: {kind}s are {kind_of(only)}. {NAMES}")
    listed: list[Any] = list(only) if isinstance(only, Iterable) and not isinstance(only, str) else list(names)
    if not listed:
        raise ImproperlyConfigured(f"{what} requires at least one {kind}.")
    for name in listed:
        if not isinstance(name, str):
            raise ImproperlyConfigured(f"{what}: {name!r} is not the name of a {kind}. {NAMES}")
    return listed


def _claim_values(claim: str, what: str, values: Any) -> list[ClaimValue]:
    if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable):
        raise ImproperlyConfigured(f"HasClaim({claim!r}): {what} is {values!r}. It must be a list.")
    if not (listed := list(values)):
        raise ImproperlyConfigured(f"HasClaim({claim!r}): {what} is empty. Omit it to allow any value.")
    return listed


NAMES = "Use strings or a single list of strings."
