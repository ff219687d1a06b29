"""The operators `&`, `|` and `~` for guards among the permissions of Django REST framework."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import NOT, BasePermissionMetaclass, OperandHolder, SingleOperandHolder

from boltguard.auth.guards import Guard


class GuardPermissionMeta(BasePermissionMetaclass):
    """`&`, `|` and `~` combine the guards of two guard permissions; with other permissions, DRF combines them."""

    of: Any  # that of `GuardPermission`

    def __setattr__(cls, name: str, value: Any) -> None:
        if name == "guard" and "_gate" in vars(cls):
            raise ImproperlyConfigured(
                f"{cls.__name__}.guard can't be changed after the class was created. Use a subclass."
            )
        super().__setattr__(name, value)

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        guard_of(cls)
        return super().__call__(*arguments, **named)

    def __and__(cls, other: Any) -> Any:
        both = isinstance(other, GuardPermissionMeta)
        return cls.of(guard_of(cls) & guard_of(other)) if both else super().__and__(other)

    def __or__(cls, other: Any) -> Any:
        both = isinstance(other, GuardPermissionMeta)
        return cls.of(guard_of(cls) | guard_of(other)) if both else super().__or__(other)

    def __invert__(cls) -> Any:
        return cls.of(~guard_of(cls))


def guard_of(cls: Any) -> Guard:
    """The guard of a permission class, or `ImproperlyConfigured`; `GuardPermission` itself has none."""
    guard: Guard | None = getattr(cls, "guard", None)
    if guard is None:
        raise ImproperlyConfigured(f"{cls.__name__} has no guard. {NO_GUARD}")
    return guard


def refuse_negations(permission: Any, negated: bool = False) -> None:
    """Raises `ImproperlyConfigured` for `~` of a guard and another permission: it would allow anonymous users."""
    if negated and isinstance(permission, GuardPermissionMeta):
        raise ImproperlyConfigured(NO_NEGATION.format(guard_of(permission)))
    if isinstance(permission, SingleOperandHolder):
        operator: Any = permission.operator_class
        refuse_negations(permission.op1_class, negated or operator is NOT)
    if isinstance(permission, OperandHolder):
        refuse_negations(permission.op1_class, negated)
        refuse_negations(permission.op2_class, negated)


NO_GUARD = "Set guard = IsStaff() or another guard in a subclass, or use GuardPermission.of(IsStaff())."
NO_NEGATION = (
    "`~` can't be used with the guard {} and another permission, because anonymous users would be allowed. Negate the "
    "guard alone."
)
