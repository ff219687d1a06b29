"""What an evaluation in Rust needs from Python: stores, keys and custom backends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, TypeVar

from boltguard import _rust
from boltguard.auth.backends import Authentication, Need, Step
from boltguard.auth.guards import Guard
from boltguard.logs import log_failure
from boltguard.optional import ImproperlyConfigured

T = TypeVar("T")

Identified = _rust.AuthContext | _rust.Refusal | _rust.GuardChecks


def resume(backends: Sequence[Authentication], request: Any, step: Step) -> Identified:
    """Provides what the evaluation needs, until the caller is known."""
    while isinstance(step, Need):
        need, backend = step, backends[step.backend_index]
        if isinstance(need, _rust.EdgeAuthentication):
            step = backend.identify(request, need)
            continue
        try:
            step = backend.resume(need)
        except Exception as error:
            log_failure(UNAVAILABLE.format(backend.store_name), error)
            step = need.unavailable()
    return step


async def aresume(
    backends: Sequence[Authentication], request: Any, step: Step, timeout: float | None = None
) -> Identified:
    """`resume`, for async code. A store or an issuer that takes longer than `timeout` seconds is unavailable."""
    while isinstance(step, Need):
        need, backend = step, backends[step.backend_index]
        if isinstance(need, _rust.EdgeAuthentication):
            step = await backend.aidentify(request, need)
            continue
        try:
            resumed = backend.aresume(need)
            step = await (resumed if timeout is None else within(timeout, resumed))
        except Exception as error:
            log_failure(UNAVAILABLE.format(backend.store_name), error)
            step = need.unavailable()
    return step


async def within(timeout: float, awaitable: Awaitable[T]) -> T:
    """The result, or `TimeoutError`. It doesn't wait for a thread, which can't be cancelled, as `wait_for` would."""
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait({task}, timeout=timeout)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()


def refuse_absent_backends(guard: Guard, backends: Iterable[Authentication]) -> None:
    """Raises `ImproperlyConfigured` if a guard requires a backend, or a role, that no caller of these can have."""
    backends = list(backends)
    names = sorted({backend.name for backend in backends})
    for name in guard.rust.backends:
        if name not in names:
            there = f"only {', '.join(names)}" if names else "no authentication backends"
            raise ImproperlyConfigured(f"Guard {guard} requires the {name!r} backend, but this view has {there}.")
    if guard.rust.has_fresh_auth and not any(backend.has_auth_time for backend in backends):
        raise ImproperlyConfigured(f"Guard {guard} requires a recent authentication, but {NO_AUTH_TIME}")
    if guard.rust.roles and not any(backend.can_have_roles for backend in backends):
        raise ImproperlyConfigured(f"Guard {guard} requires a role, but {NO_ROLES}")


UNAVAILABLE = "{} is unavailable."
NO_AUTH_TIME = "only tokens can prove it. Add a JWTAuthentication to this view."
NO_ROLES = (
    "no backend of this view reads roles. Set the claims that contain them, as in "
    "JWTAuthentication(roles_from=['realm_access.roles'])."
)
