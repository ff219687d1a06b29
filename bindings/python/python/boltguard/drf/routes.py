"""What a view of Django REST framework asks besides guards, for the list of routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import AND, NOT, OperandHolder, SingleOperandHolder
from rest_framework.views import APIView

from boltguard.drf.classes import GuardPermissionMeta, guard_of, listed

PREFIX = "DRF: "
CHOSEN = f"{PREFIX}chosen for each request"


def other_permissions(view_class: Any, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The permissions that are no guards by themselves, of which only the names are known."""
    if not issubclass(view_class, APIView):
        return ()
    if view_class.get_permissions is not APIView.get_permissions or _is_chosen(view_class, options):
        return (CHOSEN,)
    permissions = listed(view_class, options, "permission_classes")
    return tuple(f"{PREFIX}{_text(one)}" for one in permissions if not isinstance(one, GuardPermissionMeta))


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
