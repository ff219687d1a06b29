"""The responses of the endpoints, RFC 6749 §5.2."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from boltguard.gate.responses import json_response


class InvalidRequest(Exception):
    """The request isn't valid; the message says why, and contains nothing of the request."""

    def __init__(self, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status


def uncached(data: Any, status: int = 200) -> HttpResponse:
    """A response that isn't cached. `bytes` are JSON already."""
    return json_response(data, status, NOT_CACHED)


def error(code: str, description: str, status: int = 400) -> HttpResponse:
    """An error response."""
    return uncached({"error": code, "error_description": description}, status)


def invalid(refused: InvalidRequest) -> HttpResponse:
    """The response to a request that isn't valid."""
    return error("invalid_request", str(refused), refused.status)


def unavailable(retry_after: int | None = None) -> HttpResponse:
    """The response if a store, or the issuer of the keys, is unavailable."""
    response = error("temporarily_unavailable", "The token can't be checked at present.", 503)
    response["Retry-After"] = str(RETRY_AFTER if retry_after is None else retry_after)
    return response


NOT_CACHED = {"Cache-Control": "no-store"}
# Seconds.
RETRY_AFTER = 1
