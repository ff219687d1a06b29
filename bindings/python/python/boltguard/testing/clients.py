"""`authenticate`: test clients that send a token, and `assert_refused` for the responses."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from http import HTTPStatus
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Generic, TypeVar

from boltguard.auth.backends import Authentication
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.messages import kind_of
from boltguard.testing.tokens import default_backend, token_for

Client = TypeVar("Client")


class AuthenticatedClient(Generic[Client]):
    """The result of `authenticate`: a context manager that returns the client, and removes the credentials again."""

    def __init__(self, client: Client, undo: Callable[[], None]) -> None:
        self._client = client
        self._undo = undo

    def __enter__(self) -> Client:
        return self._client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._undo()


def authenticate(
    client: Client, user: Any = None, *, token: str | None = None, backend: Authentication | None = None, **claims: Any
) -> AuthenticatedClient[Client]:
    """Makes a test client send a token for `user` with all requests, so that they pass the gate as in production.

    The client is Django's `Client` or `AsyncClient`, DRF's `APIClient`, or any with `headers`, such as those of Django
    Ninja, Starlette and httpx. `backend` and the claims are those of `token_for`. Pass `token` instead of a user for
    other credentials: a token of a `FakeIssuer` or, with an `APIKeyAuthentication` as `backend`, an API key.

    The client keeps the credentials; as a context manager, only within the `with` statement.
    """
    if (user is None) == (token is None):
        raise TypeError("authenticate() requires either a user or a token.")
    if token is None:
        if backend is not None and not isinstance(backend, JWTAuthentication):
            raise TypeError(f"A token for a user requires a JWTAuthentication, not {backend!r}. Pass token=.")
        token = token_for(user, backend=backend, **claims)
    elif claims:
        raise TypeError(f"authenticate() can't add claims to a token: {', '.join(claims)}.")
    return AuthenticatedClient(client, _send(client, _headers(backend or default_backend(), token)))


def assert_refused(response: Any, status: int | None = None, code: str | None = None) -> None:
    """Asserts that a response refuses the request, with this status and this `code` in its body.

    Without `status`, it may be 401 or 403. A 401 response must have a challenge. Any test client will do.
    """
    actual, expected = int(response.status_code), (401, 403) if status is None else (status,)
    if status is not None and status < HTTPStatus.BAD_REQUEST:
        raise ValueError(f"status is {status}, which isn't the status of a refusal.")
    found = code_of(response)
    if actual not in expected or (code is not None and found != code):
        wanted = " or ".join(map(str, expected))
        raise AssertionError(f"Expected {wanted} {code or 'with any code'}, got {actual} {found or 'without a code'}.")
    if actual == HTTPStatus.UNAUTHORIZED and not response.headers.get("WWW-Authenticate"):
        raise AssertionError("The response is 401 without WWW-Authenticate, which RFC 9110 §15.5.2 requires.")


def code_of(response: Any) -> str | None:
    """The `code` in the body of a response, if there is one."""
    try:
        body = response.json()
    except Exception:  # the test clients raise different ones for other bodies
        return None
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, str) else None


def _headers(backend: Authentication, token: str) -> dict[str, str]:
    """The headers with a token, by their names."""
    if isinstance(backend, JWTAuthentication):
        if backend.header is None:
            return {"cookie": f"{backend.cookie}={token}"}
        (value,) = backend.meta_with(token).values()
        return {backend.header.lower(): value}
    # It requires Django, which the client may not need.
    from boltguard.auth.api_key_backend import APIKeyAuthentication

    if isinstance(backend, APIKeyAuthentication):
        schemes = backend.schemes_or_none or (["ApiKey"] if backend.header.lower() == "authorization" else [])
        return {backend.header.lower(): " ".join([*schemes[:1], token])}
    raise TypeError(f"authenticate() doesn't know how to send credentials for {backend!r}.")


def _send(client: Any, headers: dict[str, str]) -> Callable[[], None]:
    """Adds headers to all requests of a client, and returns a function that restores the previous ones."""
    ((name, value),) = headers.items()
    cookies = getattr(client, "cookies", None)
    if name == "cookie" and isinstance(cookies, SimpleCookie):
        key, _, value = value.partition("=")
        return _restorable_cookie(cookies, key, value)
    # Those of Django have `defaults`, and some also have `headers` of other meanings.
    defaults = getattr(client, "defaults", None)
    if isinstance(defaults, dict):
        return _restorable(defaults, _default_name(client, name), value)
    own = getattr(client, "headers", None)
    if isinstance(own, MutableMapping):
        return _restorable(own, name, value)
    raise TypeError(f"client is {kind_of(client)}. Use a test client of Django or DRF, or one that has headers.")


def _default_name(client: Any, name: str) -> str:
    from django.test import AsyncRequestFactory

    return name if isinstance(client, AsyncRequestFactory) else f"HTTP_{name.upper().replace('-', '_')}"


def _restorable(mapping: MutableMapping[str, str], name: str, value: str) -> Callable[[], None]:
    before = mapping.get(name)
    mapping[name] = value

    def undo() -> None:
        if before is None:
            mapping.pop(name, None)
        else:
            mapping[name] = before

    return undo


def _restorable_cookie(cookies: SimpleCookie, name: str, value: str) -> Callable[[], None]:
    before = cookies[name].value if name in cookies else None
    cookies[name] = value

    def undo() -> None:
        cookies.pop(name, None)
        if before is not None:
            cookies[name] = before

    return undo
