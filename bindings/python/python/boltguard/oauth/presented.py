"""Tokens in the body of a request, which the backend evaluates as if they were in its header."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from boltguard import _rust
from boltguard.auth.backends import Step
from boltguard.auth.evaluation import Identified, aresume, resume
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.lazy_users import Visit
from boltguard.auth.objects import Admission
from boltguard.auth.users import attach, averify, verify
from boltguard.exceptions import HTTPException
from boltguard.gate.evaluation import Evaluated
from boltguard.gate.gate import Gate
from boltguard.oauth.forms import TokenForm

Found = _rust.AuthContext | _rust.Refusal | None


def evaluate(gate: Gate, request: HttpRequest, form: TokenForm) -> Found:
    """The result of the gate for the token, with its policy, its revocation store and, if required, the account.

    `None` if the account is missing.
    """
    inner = _request_with(gate, request, form)
    evaluated = gate.finish(inner, gate.check(inner.META))
    found = _without_checks(evaluated)
    with _account() as state:
        if gate.verifies and isinstance(found, _rust.AuthContext):
            attach(inner, found, gate)
            verify(inner)
        state.append(found)
    return state[0] if state else None


async def aevaluate(gate: Gate, request: HttpRequest, form: TokenForm) -> Found:
    """`evaluate`, for async code."""
    inner = _request_with(gate, request, form)
    evaluated = await gate.afinish(inner, gate.check(inner.META))
    found = _without_checks(evaluated)
    with _account() as state:
        if gate.verifies and isinstance(found, _rust.AuthContext):
            attach(inner, found, gate)
            await averify(inner)
        state.append(found)
    return state[0] if state else None


def evaluate_revocable(backend: JWTAuthentication, request: HttpRequest, form: TokenForm) -> Identified:
    """The result for a token that is to be revoked. It may not be valid yet."""
    return resume([backend], request, _begin_revocable(backend, form))


async def aevaluate_revocable(backend: JWTAuthentication, request: HttpRequest, form: TokenForm) -> Identified:
    """`evaluate_revocable`, for async code."""
    return await aresume([backend], request, _begin_revocable(backend, form))


def _begin_revocable(backend: JWTAuthentication, form: TokenForm) -> Step:
    gate = _rust.Gate([backend.revocable], _rust.Guard.authenticated())
    return gate.check(backend.meta_with(form.token.value))


@contextmanager
def _account() -> Iterator[list[Found]]:
    """Suppresses the error of a missing account."""
    found: list[Found] = []
    try:
        yield found
    except HTTPException as error:
        if error.status_code != 401:
            raise


def _request_with(gate: Gate, request: HttpRequest, form: TokenForm) -> HttpRequest:
    (backend,) = gate.backends
    assert isinstance(backend, JWTAuthentication)
    inner = HttpRequest()
    inner.method, inner.path, inner.path_info = request.method, request.path, request.path_info
    inner.META = backend.meta_with(form.token.value)
    # As in a protected view, a missing account is an error.
    Visit.begin(inner)
    return inner


def _without_checks(evaluated: Evaluated) -> _rust.AuthContext | _rust.Refusal:
    # The guard has no checks.
    assert not isinstance(evaluated, Admission)
    return evaluated
