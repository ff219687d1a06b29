"""The guards and the other permissions of a view of Django REST framework, for the list of routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rest_framework.permissions import AND, NOT, OperandHolder, SingleOperandHolder
from rest_framework.views import APIView

from boltguard.auth.backends import Authentication
from boltguard.auth.guards import Guard, conjunction
from boltguard.drf.authentication import BoltguardAuthentication
from boltguard.drf.combining import GuardPermissionMeta, guard_of
from boltguard.drf.permissions import GuardPermission

PREFIX = "DRF: "
CHOSEN = f"{PREFIX}chosen for each request"
PERMITTING = ("has_permission", "has_object_permission")


class Shown(NamedTuple):
    """The backends and the guard of a view, with the attributes of a view gate and its gate."""

    backends: tuple[Authentication, ...]
    guard: Guard

    @property
    def gate(self) -> Shown:
        return self


def view_gates_of(view_class: Any, options: Mapping[str, Any]) -> list[Any]:
    """A `Shown` for a view with guards that are always evaluated: not those within another permission."""
    if view_class.get_permissions is not APIView.get_permissions:
        return []
    permissions = listed(view_class, options, "permission_classes")
    guards = [guard_of(one) for one in permissions if isinstance(one, GuardPermissionMeta)]
    own_classes = own_authentications(view_class, options)
    backends = tuple(backend for one in own_classes for backend in one.known_backends())
    return [Shown(backends, conjunction(guards))] if guards else []


def own_authentications(view_class: Any, options: Mapping[str, Any]) -> list[type[BoltguardAuthentication]]:
    """The authentication classes of a view with which Boltguard authenticates its callers."""
    found = listed(view_class, options, "authentication_classes")
    return [one for one in found if isinstance(one, type) and issubclass(one, BoltguardAuthentication)]


def listed(view_class: Any, options: Mapping[str, Any], name: str) -> list[Any]:
    """The items of a list of a view, unless a property creates it for each request."""
    value = options.get(name, getattr(view_class, name))
    return list(value) if isinstance(value, Iterable) else []


def other_permissions(view_class: Any, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the permissions that aren't guard permissions."""
    if not issubclass(view_class, APIView):
        return ()
    if view_class.get_permissions is not APIView.get_permissions or _is_chosen(view_class, options):
        return (CHOSEN,)
    permissions = listed(view_class, options, "permission_classes")
    return tuple(f"{PREFIX}{_text(one)}" for one in permissions if not isinstance(one, GuardPermissionMeta))


def custom_classes(view_class: Any, options: Mapping[str, Any]) -> list[str]:
    """The names of classes that may refuse requests with their own code, apart from other permissions."""
    if not isinstance(view_class, type) or not issubclass(view_class, APIView):
        return []
    if not isinstance(options.get("authentication_classes", view_class.authentication_classes), Iterable):
        return [CHOSEN]
    authentications = listed(view_class, options, "authentication_classes")
    permissions = listed(view_class, options, "permission_classes")
    custom = [one for one in authentications if not _has_methods_of(one, BoltguardAuthentication, "authenticate")]
    guards = [one for one in permissions if isinstance(one, GuardPermissionMeta)]
    custom += [one for one in guards if not _has_methods_of(one, GuardPermission, *PERMITTING)]
    return [str(getattr(one, "__name__", type(one).__name__)) for one in custom]


def _has_methods_of(found: Any, base: type, *methods: str) -> bool:
    is_derived = isinstance(found, type) and issubclass(found, base)
    return is_derived and all(getattr(found, name) is getattr(base, name) for name in methods)


def _is_chosen(view_class: Any, options: Mapping[str, Any]) -> bool:
    return isinstance(options.get("permission_classes", view_class.permission_classes), property)


def _text(permission: Any) -> str:
    if isinstance(permission, SingleOperandHolder):
        inner = _text(permission.op1_class)
        operator: Any = permission.operator_class
        return f"~{_grouped(permission.op1_class, inner)}" if operator is NOT else inner
    if isinstance(permission, OperandHolder):
        joint: Any = permission.operator_class
        sign = "&" if joint is AND else "|"
        sides = (permission.op1_class, permission.op2_class)
        return f" {sign} ".join(_grouped(side, _text(side)) for side in sides)
    if isinstance(permission, GuardPermissionMeta):
        return str(guard_of(permission))
    return str(getattr(permission, "__name__", type(permission).__name__))


def _grouped(permission: Any, text: str) -> str:
    return f"({text})" if isinstance(permission, OperandHolder) else text
