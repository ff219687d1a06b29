"""Custom checks: guards that call Python functions, after Rust has evaluated all other parts.

They are combined with other guards by `&`, `|` and `~`. Only checks that affect the result for a caller are run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from boltguard import _rust
from boltguard.auth.custom_checks import CustomCheck
from boltguard.auth.guards import Guard, checked
from boltguard.auth.owners import OwnerOf
from boltguard.optional import ImproperlyConfigured, iscoroutinefunction


class Check(Guard):
    """Allows authenticated callers for whom `function(request)` is `True`; sync or async, also as a decorator.

    A result other than `True` or `False` is an error, so no caller is allowed. `name` is used in the string form; the
    default is the name of the function.

    >>> office_hours = Check(lambda request: 9 <= datetime.now().hour < 17, name="office_hours")
    """

    __slots__ = ("_custom_checks",)

    def __init__(self, function: Callable[[Any], Any], name: str | None = None) -> None:
        check = _custom_check(type(self).__name__, function, name, about_object=False)
        self._guard = checked(_rust.Guard.check, check.name)
        self._custom_checks = {check.name: check}

    @property
    def custom_checks(self) -> Mapping[str, CustomCheck]:
        return self._custom_checks


class ObjectCheck(Guard):
    """Allows authenticated callers for whom `function(request, obj)` is `True`; `obj` is passed to `check_object`.

    The view is called if the result could allow the caller. If it never calls `check_object`, its response isn't sent.
    """

    __slots__ = ("_custom_checks",)

    def __init__(self, function: Callable[[Any, Any], Any], name: str | None = None) -> None:
        self._take(_custom_check(type(self).__name__, function, name, about_object=True))

    def _take(self, check: CustomCheck) -> None:
        self._guard = checked(_rust.Guard.check, check.name)
        self._custom_checks = {check.name: check}

    @property
    def custom_checks(self) -> Mapping[str, CustomCheck]:
        return self._custom_checks


class Owner(ObjectCheck):
    """Allows the user in a field of the object: a relation, or a field with the primary key of a user.

    Dots follow relations: `Owner("author")`, `Owner("post.author")`.
    """

    __slots__ = ()

    def __init__(self, field: str) -> None:
        if not isinstance(field, str) or not all(part.isidentifier() for part in field.split(".")):
            raise ImproperlyConfigured(
                f'Owner({field!r}): the argument must be the name of a field, such as Owner("author").'
            )
        # A field of the object itself is read without a query.
        self._take(CustomCheck(f"owner:{field}", OwnerOf(field), about_object=True, waits="." in field))


def _custom_check(what: str, function: Any, name: str | None, *, about_object: bool) -> CustomCheck:
    if isinstance(function, type) or not callable(function):
        raise ImproperlyConfigured(f"{what}({function!r}): the argument must be a function.")
    if _generates(function):
        raise ImproperlyConfigured(
            f"{what}({function!r}): a generator function can't return a bool. Use a function or a coroutine function."
        )
    _refuse_other_parameters(what, function, 2 if about_object else 1)
    is_async = iscoroutinefunction(_called(function))
    return CustomCheck(_name(what, function, name), function, about_object=about_object, is_async=is_async)


def _called(function: Any) -> Any:
    """The function itself, or the `__call__` method of an object."""
    while isinstance(function, partial):
        function = function.func
    return function if inspect.isroutine(function) or iscoroutinefunction(function) else function.__call__


def _generates(function: Any) -> bool:
    called = _called(function)
    return inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)


def _name(what: str, function: Any, name: str | None) -> str:
    found = getattr(function, "__name__", None) if name is None else name
    if found is None or found == "<lambda>":
        raise ImproperlyConfigured(
            f"{what}({function!r}): the function has no name for logs and for the string form. Pass name=."
        )
    return found


def _refuse_other_parameters(what: str, function: Any, count: int) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in function
        return
    try:
        signature.bind(*[None] * count)
    except TypeError:
        taken = "(request, obj)" if count == 2 else "(request)"
        raise ImproperlyConfigured(f"{what}({function!r}): the function must accept exactly {taken}.") from None
