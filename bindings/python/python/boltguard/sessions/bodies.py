"""The JSON bodies of requests. Their `repr`s are hidden, because error pages show them."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.utils.translation import gettext

from boltguard.exceptions import HTTPException


class Body(msgspec.Struct, frozen=True):
    """The base class of bodies. Unknown members are ignored."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Credentials(Body, frozen=True):
    """The body of `POST token`."""

    username: str
    password: str


class Refresh(Body, frozen=True):
    """The body of `POST token/refresh`, and of `POST logout` without an access token."""

    refresh_token: str


class TooLarge(HTTPException):
    """413: the body is too long."""

    code = "body_too_large"


class NotJson(HTTPException):
    """415: the body has another content type."""

    code = "unsupported_media_type"


class InvalidBody(HTTPException):
    """422: the body isn't valid JSON, or a member is missing or has another type."""

    code = "invalid_body"


B = TypeVar("B", bound=Body)


def read(request: HttpRequest, kind: type[B]) -> B:
    """The body, or one of the exceptions above."""
    # Before the body is read: the CSRF check has read one of another type, and it can't be read again.
    if request.content_type != JSON:
        raise NotJson(415, gettext("The body must be JSON. Send it with Content-Type: application/json."))
    body = _raw(request)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        # These messages name members and types, and contain no values.
        raise InvalidBody(422, str(error)) from None
    except (ValueError, RecursionError):
        raise InvalidBody(422, gettext("The body is not valid JSON.")) from None


def has_no_token(request: HttpRequest) -> bool:
    """Whether the body is empty, or not JSON, or an object without a refresh token."""
    if request.content_type != JSON:
        return True
    try:
        body = _raw(request)
        return not body or "refresh_token" not in msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError, TooLarge):
        return False  # the view reports it


def _raw(request: HttpRequest) -> Any:
    length = request.META.get("CONTENT_LENGTH") or "0"
    try:
        if length.isdecimal() and len(length) < 10 and int(length) <= LONGEST and len(request.body) <= LONGEST:
            return request.body
    except RequestDataTooBig:
        pass
    raise TooLarge(413, gettext("The body is too long."))


JSON = "application/json"
# In bytes. Longer passwords are refused by Django's forms, too.
LONGEST = 16 * 1024
