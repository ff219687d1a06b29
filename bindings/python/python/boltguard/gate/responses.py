"""Converts the return value of a handler to an `HttpResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import iscoroutine
from typing import Any

import msgspec
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import Promise


def respond(result: Any, status: int = 200) -> HttpResponseBase:
    """A response unchanged; `None` as 204, or with another status; anything else as JSON."""
    if isinstance(result, HttpResponseBase):
        return result
    if result is None:
        return HttpResponse(status=204 if status == 200 else status)
    return json_response(result, status)


def json_response(data: Any, status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A JSON response with `Content-Length`, without which some servers send chunks. `bytes` are already JSON."""
    body = data if isinstance(data, bytes) else _encoder.encode(data)
    response = HttpResponse(body, content_type="application/json", status=status, headers=headers)
    response["Content-Length"] = str(len(body))
    return response


def _plain(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if iscoroutine(value):
        value.close()
        raise TypeError(
            "The handler returned a coroutine: an async handler is wrapped by a sync decorator. "
            "Make the decorator async-aware."
        )
    raise TypeError(f"The handler returned a {type(value).__name__}, which can't be serialized as JSON.")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
