"""Whether a response of a Django REST framework view may be about a single object.

A guard that checks objects must be evaluated for that object. Only a list, and an object that the request has created,
need no check; any other response is treated as a single object, regardless of the name of the view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.generics import GenericAPIView, ListAPIView, ListCreateAPIView
from rest_framework.mixins import CreateModelMixin, ListModelMixin
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin


def may_show_object(request: Request, view: Any, response: Any) -> bool:
    """Whether a response may be about a single object that existed before the request."""
    if request.method == "OPTIONS" and type(view).options is APIView.options:
        return False
    if getattr(view, "detail", None) or not isinstance(view, (GenericAPIView, ViewSetMixin)):
        return True
    if _creates(request, view):
        return bool(response.status_code != 201)
    return not _uses_list_of_mixin(view) and not (_lists(request, view) and _is_list(view, response))


def _creates(request: Request, view: Any) -> bool:
    if isinstance(view, ViewSetMixin):
        return _action(view) == "create"
    return request.method == "POST" and isinstance(view, CreateModelMixin) and not _looks_up(view)


def _lists(request: Request, view: Any) -> bool:
    if isinstance(view, ViewSetMixin):
        return getattr(view, "detail", None) is False or _action(view) == "list"
    return request.method in ("GET", "HEAD") and isinstance(view, ListModelMixin) and not _looks_up(view)


def _uses_list_of_mixin(view: Any) -> bool:
    """Whether `ListModelMixin.list` handles the request, even if a serializer or a paginator returns another type."""
    cls = type(view)
    if getattr(cls, "list", None) is not ListModelMixin.list or view.request.method not in ("GET", "HEAD"):
        return False
    if isinstance(view, ViewSetMixin):
        return _action(view) == "list"
    return cls.get in (ListAPIView.get, ListCreateAPIView.get)


def _is_list(view: Any, response: Any) -> bool:
    """Whether the data are a list or a page of one, or a number or empty for a request that reads."""
    if not hasattr(response, "data"):
        return False
    paginator, data = getattr(view, "_paginator", None), response.data
    if paginator is not None and bool(vars(paginator)):
        return True
    # A request that changes a single object may return a response without it.
    if data is None or isinstance(data, (bool, int, float)) or data in ("", {}):
        return view.request.method in ("GET", "HEAD")
    return isinstance(data, Iterable) and not isinstance(data, (str, bytes, bytearray, memoryview, Mapping))


def _action(view: Any) -> str | None:
    # DRF sets no action for a HEAD request that the action for GET handles.
    action: str | None = getattr(view, "action", None)
    return action or getattr(view, "action_map", {}).get(view.request.method.lower())


def _looks_up(view: Any) -> bool:
    return (view.lookup_url_kwarg or view.lookup_field) in view.kwargs
