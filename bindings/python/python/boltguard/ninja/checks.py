"""System checks of the operations of Django Ninja; `boltguard.checks` calls them for all views."""

from __future__ import annotations

from collections.abc import Iterator

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from ninja.constants import NOT_SET
from ninja.operation import Operation, PathView

from boltguard.ninja.hooks import guarded_operation
from boltguard.ninja.operations import check_operation, name_of

Message = checks.CheckMessage


def check_operations(path_views: list[PathView]) -> Iterator[Message]:
    """The problems of all operations of a site."""
    operations = [operation for path_view in path_views for operation in path_view.operations]
    # Those of another API may be public.
    guarded_apis = {id(operation.api) for operation in operations if guarded_operation(operation) is not None}
    for operation in operations:
        yield from _wrong_values(operation)
        if id(operation.api) in guarded_apis:
            yield from _unguarded(operation)


def _wrong_values(operation: Operation) -> Iterator[Message]:
    """Values that weren't reported when the URLs were created, because `boltguard.ninja` wasn't imported."""
    try:
        check_operation(operation)
    except ImproperlyConfigured as error:
        yield checks.Error(str(error), AS_AUTH, obj=name_of(operation), id="boltguard.E701")


def _unguarded(operation: Operation) -> Iterator[Message]:
    if not operation.auth_callbacks and operation.auth_param is NOT_SET:
        name = name_of(operation)
        message = f"{name} has no auth, so it is public, but other operations of its NinjaAPI have BoltAuth."
        yield checks.Warning(message, DECLARE, obj=name, id="boltguard.W702")


AS_AUTH = "Pass BoltAuth(auth=[...], guards=[...]) from boltguard.ninja as auth= of the operation, router or NinjaAPI."
DECLARE = "Pass auth=BoltAuth(...) to the operation, its router or the NinjaAPI, or auth=None if it is public."
