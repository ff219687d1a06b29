"""The arguments of a handler, determined from its signature when it is registered.

`request` is the request; a name in the path is a path parameter; `Depends(...)` is a dependency; a `msgspec.Struct` and
any other complex value is the body; the rest are query parameters.
"""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from inspect import Parameter, iscoroutinefunction
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

import msgspec
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.translation import gettext

from boltguard.exceptions import HTTPException
from boltguard.threads import in_thread


class Depends:
    """The default of a parameter whose value is what `dependency` returns for the request.

    It may also be part of the annotation: `caller: Annotated[Any, Depends(get_auth_context)]`.

    The dependency may itself accept `request`, query parameters and dependencies. It is called once per request.
    """

    __slots__ = ("dependency",)

    def __init__(self, dependency: Callable[..., Any]) -> None:
        if not callable(dependency):
            raise ImproperlyConfigured(f"Depends({dependency!r}): the argument must be a function")
        self.dependency = dependency

    def __repr__(self) -> str:
        return f"Depends({_name(self.dependency)})"


class InvalidInput(HTTPException):
    """422: an argument is invalid; `loc` is its location."""

    def __init__(self, where: str, error: Exception) -> None:
        message, _, place = _client_message(error).partition(" - at `$")
        self.loc = [where, *_steps(place.rstrip("`"))]
        self.code = f"invalid_{where}"
        super().__init__(422, message)


class Plan:
    """The arguments of a function, and the source of each."""

    def __init__(
        self, function: Callable[..., Any], path_names: Collection[str], *, is_async: bool, has_body: bool
    ) -> None:
        self.function = function
        self.is_async = is_async
        self.request: str | None = None
        self.path: dict[str, Any] = {}
        self.depends: dict[str, Plan] = {}
        self.body: tuple[str, msgspec.json.Decoder[Any]] | None = None
        self._query: list[tuple[str, Any, Any]] = []
        for name, kind, default in _parameters(function):
            self._place(name, kind, default, path_names, has_body)
        self.query = _Query(self._query) if self._query else None

    def _place(self, name: str, kind: Any, default: Any, path_names: Collection[str], has_body: bool) -> None:
        dependency = _dependency(self.function, name, kind, default)
        if dependency is not None:
            self.depends[name] = _dependency_plan(dependency.dependency, path_names, is_async=self.is_async)
        elif name in path_names:
            self.path[name] = str if kind is Parameter.empty else kind
        elif name == "request" or (isinstance(kind, type) and issubclass(kind, HttpRequest)):
            self.request = name
        elif kind is Parameter.empty:
            _refuse(self.function, f"parameter {name!r} has no annotation and is not in the path")
        elif _is_simple(kind):
            self._query.append((name, kind, default))
        elif not has_body:
            _refuse(self.function, f"GET and HEAD handlers can't have a request body (parameter {name!r})")
        elif self.body is not None:
            _refuse(self.function, f"parameters {self.body[0]!r} and {name!r} would both be the body")
        else:
            self.body = (name, msgspec.json.Decoder(kind))

    def arguments(self, request: HttpRequest, path: Mapping[str, Any]) -> dict[str, Any]:
        """All arguments except those of dependencies."""
        arguments: dict[str, Any] = {}
        if self.request is not None:
            arguments[self.request] = request
        for name, kind in self.path.items():
            arguments[name] = _convert_path(name, path[name], kind)
        if self.query is not None:
            arguments.update(self.query.read(request))
        if self.body is not None:
            arguments[self.body[0]] = _read_body(request, self.body[1])
        return arguments

    def call(self, request: HttpRequest, path: Mapping[str, Any], seen: Arguments) -> Any:
        """Calls the function, after its dependencies."""
        arguments = Arguments(self.arguments(request, path))
        for name, plan in self.depends.items():
            if plan.function not in seen.values:
                seen.values[plan.function] = plan.call(request, path, seen)
            arguments.values[name] = seen.values[plan.function]
        return self.function(**arguments.values)

    async def acall(self, request: HttpRequest, path: Mapping[str, Any], seen: Arguments) -> Any:
        """`call`, for async code. A sync dependency may block, so it is called in a thread."""
        arguments = Arguments(self.arguments(request, path))
        for name, plan in self.depends.items():
            if plan.function not in seen.values:
                seen.values[plan.function] = await plan.acall(request, path, seen)
            arguments.values[name] = seen.values[plan.function]
        if iscoroutinefunction(self.function):
            return await self.function(**arguments.values)
        return await in_thread(self.function)(**arguments.values)

    def plans(self) -> Iterator[Plan]:
        """This plan and those of all dependencies."""
        yield self
        for plan in self.depends.values():
            yield from plan.plans()


class Arguments:
    """The arguments of a call, or results of dependencies, hidden from error pages: they may contain passwords."""

    __slots__ = ("values",)

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values = values


class _Query:
    """The query parameters, converted together, so that an error has the location of the parameter."""

    def __init__(self, parameters: list[tuple[str, Any, Any]]) -> None:
        fields = [
            (name, kind) if default is Parameter.empty else (name, kind, _default(default))
            for name, kind, default in parameters
        ]
        self._type = msgspec.defstruct("Query", fields, kw_only=True)
        self._lists = {name: _is_list(kind) for name, kind, _ in parameters}
        self._required = [name for name, _, default in parameters if default is Parameter.empty]

    def read(self, request: HttpRequest) -> dict[str, Any]:
        sent = request.GET
        raw = {name: sent.getlist(name) if many else sent[name] for name, many in self._lists.items() if name in sent}
        try:
            values = msgspec.convert(raw, self._type, strict=False)
        except UNFIT as error:
            invalid = InvalidInput("query", error)
            # An invalid value has a location. Otherwise, the first parameter that wasn't sent is missing.
            if len(invalid.loc) == 1 and isinstance(error, msgspec.ValidationError):
                invalid.loc += [name for name in self._required if name not in raw][:1]
            raise invalid from None
        return {name: getattr(values, name) for name in self._lists}


def path_converter(kind: Any) -> str:
    """The converter of Django's resolver for an annotated type."""
    return {int: "int", uuid.UUID: "uuid"}.get(kind, "str")


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The resolved annotations of a handler. An unresolved one would silently be treated as another type."""
    try:
        return get_type_hints(inspect.unwrap(function), include_extras=True)
    except NameError as error:
        _refuse(function, f"annotation can't be resolved ({error}); define the type at module level")


def _parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    kinds, found = hints(function), []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            _refuse(function, f"parameter {parameter} can't be passed as a keyword argument")
        kind = kinds.get(name, Parameter.empty)
        if kind is Parameter.empty and type(parameter.default) in (str, int, float, bool):
            kind = type(parameter.default)
        found.append((name, kind, parameter.default))
    return found


def _dependency(function: Any, name: str, kind: Any, default: Any) -> Depends | None:
    """The dependency in the default or in `Annotated[..., Depends(...)]`."""
    named = [default, *_annotated(kind)]
    if Depends in named:
        _refuse(function, f"parameter {name!r} has Depends without a function; write Depends(function)")
    found = [one for one in named if isinstance(one, Depends)]
    if len(found) > 1 or (found and default is not found[0] and default is not Parameter.empty):
        _refuse(function, f"parameter {name!r} has a dependency and another default; remove one of them")
    return found[0] if found else None


def _annotated(kind: Any) -> tuple[Any, ...]:
    """The metadata of `Annotated`, also within `| None`, which Python 3.10 adds where the default is `None`."""
    if get_origin(kind) is Annotated:
        return get_args(kind)[1:]
    if get_origin(kind) in (Union, UnionType):
        return tuple(one for part in get_args(kind) for one in _annotated(part))
    return ()


def _dependency_plan(function: Callable[..., Any], path_names: Collection[str], *, is_async: bool) -> Plan:
    if is_async:
        function = getattr(function, "asynchronous", function)
    elif iscoroutinefunction(function):
        _refuse(function, "an async dependency requires an async handler")
    return Plan(function, path_names, is_async=is_async, has_body=False)


def _is_simple(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin is Annotated:
        return _is_simple(get_args(kind)[0])
    if origin in (Union, UnionType):
        return all(_is_simple(part) for part in get_args(kind))
    if origin in (list, set, frozenset):
        return all(_is_simple(part) and not _is_list(part) for part in get_args(kind))
    return origin is Literal or kind in _SIMPLE or (isinstance(kind, type) and issubclass(kind, Enum))


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin is Annotated or origin in (Union, UnionType):
        return any(_is_list(part) for part in get_args(kind))
    return origin in (list, set, frozenset)


def _default(value: Any) -> Any:
    return msgspec.field(default_factory=lambda: value.copy()) if isinstance(value, (list, set, dict)) else value


def _convert_path(name: str, value: Any, kind: Any) -> Any:
    try:
        return value if kind is str or type(value) is kind else msgspec.convert(value, kind, strict=False)
    except UNFIT as error:
        invalid = InvalidInput("path", error)
        invalid.loc.insert(1, name)
        raise invalid from None


def _read_body(request: HttpRequest, decoder: msgspec.json.Decoder[Any]) -> Any:
    if request.content_type in FORMS:
        raise HTTPException(415, gettext("The body must be JSON. Send it with Content-Type: application/json."))
    try:
        return decoder.decode(request.body)
    except UNFIT as error:
        raise InvalidInput("body", error) from None


def _client_message(error: Exception) -> str:
    """The message for the client. Only messages of `msgspec` are meant for clients and contain the path."""
    if isinstance(error, UnicodeError):
        return gettext("The value is not valid UTF-8.")
    if isinstance(error, RecursionError):
        return gettext("The value is nested too deeply.")
    return str(error) if isinstance(error, msgspec.DecodeError) else gettext("The value can't be read.")


def _steps(place: str) -> list[str | int]:
    """The components of a path such as `.items[0].name`."""
    return [int(index) if index else name for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", place)]


def _refuse(function: Any, why: str) -> NoReturn:
    raise ImproperlyConfigured(f"{_name(function)}: {why}")


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


# Exceptions raised for values that can't be decoded or represented.
UNFIT = (ValueError, OverflowError, RecursionError)
_SIMPLE = {str, int, float, bool, bytes, uuid.UUID, date, datetime, time, timedelta, Decimal, NoneType}
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
