"""The request body of the endpoints: a form with a token, RFC 7662 §2.1 and RFC 7009 §2.1."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from django.http import HttpRequest

from boltguard.auth.secret_box import SecretBox
from boltguard.oauth.responses import InvalidRequest


class TokenForm(NamedTuple):
    """The parameters of a request. Other parameters are ignored."""

    token: SecretBox[str]

    @property
    def may_be_token(self) -> bool:
        """Whether the token has the syntax of a bearer token, RFC 6750 §2.1."""
        return B64TOKEN.fullmatch(self.token.value) is not None


def read_form(request: HttpRequest) -> TokenForm:
    """The parameters in the body. Raises `InvalidRequest` if it isn't a form with one token."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise InvalidRequest("The body must be application/x-www-form-urlencoded.", 415)
    body = SecretBox(request.read(MAX_BODY + 1))
    if len(body.value) > MAX_BODY:
        raise InvalidRequest(f"The body is longer than {MAX_BODY} bytes.", 413)
    parameters = _parameters(body)
    token = SecretBox(parameters.value.get("token", ""))
    if not token.value:
        raise InvalidRequest("The parameter token is missing.")
    return TokenForm(token)


def _parameters(body: SecretBox[bytes]) -> SecretBox[dict[str, str]]:
    try:
        pairs = SecretBox(
            parse_qsl(
                body.value.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
            )
        )
    except ValueError:
        raise InvalidRequest("The body isn't a valid form.") from None
    parameters = SecretBox(dict(pairs.value))
    # RFC 6749 §3.1: two servers could use different ones.
    if len(parameters.value) != len(pairs.value):
        raise InvalidRequest("A parameter occurs more than once.")
    return parameters


# Tokens are at most 16 KiB long.
MAX_BODY = 32 * 1024
MAX_PARAMETERS = 16
B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
