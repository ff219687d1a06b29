"""`Authentication`: the base class of backends. A backend reads credentials from a header; Rust verifies them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from django.core.exceptions import ImproperlyConfigured

from boltguard import _rust
from boltguard.auth.arguments import refuse
from boltguard.auth.stores import RevocationStore
from boltguard.messages import kind_of
from boltguard.overriding import AS_BACKEND, is_ours, refuse_overrides

Need: TypeAlias = _rust.ApiKeySnapshotRefresh | _rust.EdgeAuthentication | _rust.KeyRefresh | _rust.RevocationCheck
Step: TypeAlias = _rust.AuthContext | _rust.Refusal | Need | _rust.GuardChecks


class Authentication:
    """The base class of backends: `JWTAuthentication` and `APIKeyAuthentication`.

    A subclass of one of these can have its own `__init__` and helper methods. It can't redefine how a request is
    authenticated, because Rust does that.
    """

    # The name for guards: `ViaBackend("jwt")`.
    name: str
    header: str
    revocation_store: RevocationStore | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if Authentication in cls.__bases__ and not is_ours(cls):
            refuse(f"{cls.__name__} can't be a subclass of Authentication itself. {AS_BACKEND}")
        refuse_overrides(cls, ImproperlyConfigured, AS_BACKEND)

    def __setattr__(self, name: str, value: Any) -> None:
        known = vars(self)
        is_setting = name == "name" or (name in known and not name.startswith("_"))
        # The backend in Rust doesn't change, so a new store would never be used.
        if "_built" in known and is_setting and getattr(self, name) != value:
            refuse(
                f"{type(self).__name__}.{name} can't be changed after the backend was created. "
                "Pass it to the constructor."
            )
        super().__setattr__(name, value)

    @property
    def label(self) -> str:
        """A description for the list of routes, without secrets."""
        raise _abstract(self, "label")

    @property
    def store_name(self) -> str:
        """The name of the store that a request may need, for logs."""
        return f"Revocation store {type(self.revocation_store).__name__}"

    @property
    def rust(self) -> _rust.JwtBackend | _rust.ApiKeyBackend:
        """The backend in Rust, for the current settings."""
        raise _abstract(self, "rust")

    def resume(self, need: Need) -> Step:
        """Queries the store or the issuer; `None` if it is unavailable."""
        raise _abstract(self, "resume")

    async def aresume(self, need: Need) -> Step:
        """`resume`, for async code."""
        raise _abstract(self, "aresume")


def _abstract(backend: Authentication, member: str) -> NotImplementedError:
    return NotImplementedError(f"{type(backend).__name__} doesn't define {member}")


def check_backends(backends: object, where: str = "auth") -> list[Authentication]:
    """The backends of a view as a list, or `ImproperlyConfigured`."""
    if isinstance(backends, Authentication):
        refuse(f"{where} is a single backend. It must be a list: [{backends!r}].")
    if not isinstance(backends, (list, tuple)):
        refuse(f"{where} is {kind_of(backends)}. It must be a list of backends, such as [JWTAuthentication()].")
    for backend in backends:
        if isinstance(backend, type) and issubclass(backend, Authentication):
            refuse(f"{where}: {backend.__name__} is a class. Use an instance: {backend.__name__}(...).")
        if not isinstance(backend, Authentication):
            kind = kind_of(backend)
            refuse(f"{where} contains a value that is {kind} and not a backend. Use the classes in boltguard.auth.")
        if not hasattr(backend, "_built"):
            refuse(f"{where}: {type(backend).__name__}.__init__ doesn't call super().__init__(...).")
    return list(backends)


def describe(name: str, words: list[str], settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    unusual = [f"{key}={settings[key]}" for key, default in defaults.items() if settings[key] != default]
    return f"{name}({', '.join([*words, *unusual])})"
