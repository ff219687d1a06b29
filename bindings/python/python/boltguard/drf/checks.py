"""System checks of a view of Django REST framework; `boltguard.checks` calls them for all views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import OperandHolder, SingleOperandHolder
from rest_framework.views import APIView

from boltguard.auth.backends import Authentication
from boltguard.auth.evaluation import refuse_absent_backends
from boltguard.auth.guards import Guard, conjunction
from boltguard.drf.authentication import BoltguardAuthentication
from boltguard.drf.combining import GuardPermissionMeta, guard_of
from boltguard.drf.permissions import GuardPermission
from boltguard.drf.routes import listed

Message = checks.CheckMessage


def check_view(callback: Any) -> Iterator[Message]:
    """The problems of a view. Lists that a method returns for each request can't be checked."""
    view = callback.cls
    if not issubclass(view, APIView):
        return
    name = f"{view.__module__}.{view.__qualname__}"
    authentications = permissions = None
    if view.get_authenticators is APIView.get_authenticators:
        authentications = listed(view, callback.initkwargs, "authentication_classes")
        yield from _foreign(authentications, Authentication, f"{name}.authentication_classes", AS_AUTHENTICATION)
    if view.get_permissions is APIView.get_permissions:
        permissions = [leaf for one in listed(view, callback.initkwargs, "permission_classes") for leaf in _leaves(one)]
        yield from _foreign(permissions, Guard, f"{name}.permission_classes", AS_PERMISSION)
        yield from _guardless(permissions, name)
    if authentications is not None and permissions is not None:
        yield from _fit(authentications, permissions, name)


def _leaves(permission: Any) -> Iterator[Any]:
    """The permissions that `&`, `|` and `~` combine."""
    if isinstance(permission, SingleOperandHolder):
        yield from _leaves(permission.op1_class)
    elif isinstance(permission, OperandHolder):
        yield from _leaves(permission.op1_class)
        yield from _leaves(permission.op2_class)
    else:
        yield permission


def _foreign(listed: list[Any], kind: type, where: str, remedy: str) -> Iterator[Message]:
    """Backends and guards, or their classes, which DRF can't use."""
    for one in listed:
        made = one if isinstance(one, type) else type(one)
        if issubclass(made, kind):
            is_composed = made.__name__.startswith("_")
            shown, written = (one, "...") if is_composed else (made.__name__, f"{made.__name__}(...)")
            message = f"{where} contains {shown}, which Django REST framework can't use."
            yield checks.Error(message, remedy.format(written), obj=where, id="boltguard.E401")


def _guardless(permissions: list[Any], name: str) -> Iterator[Message]:
    for one in permissions:
        if one is GuardPermission:
            message = f"{name}.permission_classes contains GuardPermission, which doesn't have a guard."
            yield checks.Error(message, AS_PERMISSION.format("IsStaff()"), obj=name, id="boltguard.E401")


def _fit(authentications: list[Any], permissions: list[Any], name: str) -> Iterator[Message]:
    """Whether the view authenticates the callers that its guards require."""
    ours = [one for one in permissions if isinstance(one, GuardPermissionMeta) and one is not GuardPermission]
    if not ours:
        return
    guard = conjunction([guard_of(one) for one in ours])
    own_classes = [one for one in authentications if isinstance(one, type) and issubclass(one, BoltguardAuthentication)]
    if not own_classes:
        if not guard.rust.allows_anonymous:
            message = f"{name} has the guard {guard}, but no BoltguardAuthentication, so every caller is anonymous."
            yield checks.Warning(message, AUTHENTICATE, obj=name, id="boltguard.W402")
        return
    try:
        refuse_absent_backends(guard, [backend for one in own_classes for backend in one.known_backends()])
    except ImproperlyConfigured as error:
        yield checks.Error(str(error), BACKENDS, obj=name, id="boltguard.E301")


AS_AUTHENTICATION = "Use a subclass of boltguard.drf.BoltguardAuthentication with backends = [{}]."
AS_PERMISSION = "Use boltguard.drf.GuardPermission.of({})."
AUTHENTICATE = "Add boltguard.drf.BoltguardAuthentication to its authentication_classes, as the first."
BACKENDS = "Add the backend to the BoltguardAuthentication of the view, or change the guard."
