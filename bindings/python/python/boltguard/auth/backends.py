"""`Authentication`: the base class of backends, including custom ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from inspect import isasyncgenfunction, iscoroutine, isgeneratorfunction, signature
from typing import Any, TypeAlias

from boltguard import _rust, registry
from boltguard.auth.accounts import is_active
from boltguard.auth.arguments import backend_name, header_name, refuse
from boltguard.auth.identity import Identity
from boltguard.auth.stores import RevocationStore
from boltguard.exceptions import ConfigurationError, Unauthorized
from boltguard.messages import kind_of
from boltguard.optional import ImproperlyConfigured, async_to_sync, iscoroutinefunction
from boltguard.overriding import AS_BACKEND, is_ours, refuse_overrides
from boltguard.threads import in_thread

logger = logging.getLogger("boltguard")

Need: TypeAlias = _rust.ApiKeySnapshotRefresh | _rust.EdgeAuthentication | _rust.KeyRefresh | _rust.RevocationCheck
Step: TypeAlias = _rust.AuthContext | _rust.Refusal | Need | _rust.GuardChecks


class Authentication:
    """The base class of backends.

    A custom backend is a subclass with a `name` and a method `authenticate(request)`, sync or async, which returns an
    `Identity`, or `None` if the request has no credentials for it. It raises `Unauthorized` for bad credentials: the
    next backend is tried, as it is if the `user` of the identity is inactive. Any other exception is an error of the
    view.

    - `name` is the name for guards, such as `ViaBackend("signature")`, and `request.context["auth_backend"]`.
    - `header` is the header with the credentials, if there is one: without it, `authenticate` isn't called. The request
      doesn't have to pass the CSRF check, because browsers don't send such a header automatically. They do send
      `Authorization` with the schemes `Basic`, `Digest`, `Negotiate` and `NTLM`, which must pass the check. A header
      that a proxy sets belongs in `reads`, because the proxy also sets it for forged requests.
    - `reads` names the headers that `authenticate` reads, without `header`; responses vary by them. If there are none,
      responses aren't cached, because other requests with the same headers may have another caller.
    - `scheme` is the authentication scheme in `WWW-Authenticate`, or a list of them.

    A subclass of `JWTAuthentication` or `APIKeyAuthentication` can have its own `__init__` and helper methods. It can't
    redefine how a request is authenticated, because Rust does that.
    """

    # The name for guards: `ViaBackend("jwt")`.
    name: str
    header: str | None = None
    reads: Iterable[str] = ()
    scheme: str | Iterable[str] = ()
    revocation_store: RevocationStore | None = None
    # Whether the name was passed to this object, so that it must be unique among the backends of a view.
    _is_named = False
    # The errors of `authenticate` that are an outage, so that the response is 503.
    _outages: tuple[type[Exception], ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        is_custom = _is_custom(cls)
        if is_custom and not is_ours(cls):
            _check_custom(cls)
        refuse_overrides(cls, ImproperlyConfigured, AS_BACKEND, called=CUSTOM if is_custom else ())

    def __setattr__(self, name: str, value: Any) -> None:
        known = vars(self)
        is_setting = name in SETTINGS or (name in known and not name.startswith("_"))
        # The backend in Rust doesn't change, so a new store would never be used.
        if "_built" in known and is_setting and getattr(self, name) != value:
            refuse(
                f"{type(self).__name__}.{name} can't be changed after the backend was created. "
                "Pass it to the constructor."
            )
        super().__setattr__(name, value)

    def authenticate(self, request: Any) -> Any:
        """The caller of a request, for custom backends."""
        raise _abstract(self, "authenticate")

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers that the backend reads, in lower case."""
        names = tuple(self.reads) if self.header is None else (self.header,)
        return tuple(name.lower() for name in names)

    @property
    def is_ambient(self) -> bool:
        """Whether browsers may send the credentials automatically, so that requests may be forged."""
        return self.header is None

    @property
    def has_auth_time(self) -> bool:
        """Whether the credentials can prove when the user was authenticated, for the guard `FreshAuth`."""
        return False

    @property
    def can_have_roles(self) -> bool:
        """Whether callers can have roles, which guards such as `HasRole` require."""
        return True

    @property
    def label(self) -> str:
        """A description for the list of routes, without secrets."""
        return f"{self.name}({type(self).__name__})"

    @property
    def store_name(self) -> str:
        """The name of the store that a request may need, for logs."""
        return f"Revocation store {type(self.revocation_store).__name__}"

    @property
    def rust(self) -> _rust.JwtBackend | _rust.ApiKeyBackend | _rust.EdgeBackend:
        """The backend in Rust, for the current settings."""
        if "_built" not in vars(self):
            self._built: Any = self._edge()
            registry.remember(self)
        built: _rust.EdgeBackend = self._built
        return built

    def _edge(self) -> _rust.EdgeBackend:
        scheme = [self.scheme] if isinstance(self.scheme, str) else list(self.scheme)
        if self.header is not None:
            header_name(type(self).__name__, self.header)
        try:
            return _rust.EdgeBackend(self.name, header=self.header, reads=list(self.reads), scheme=scheme)
        except (ConfigurationError, TypeError) as error:
            refuse(f"{type(self).__name__}: {error}")

    def _rename(self, name: str | None) -> None:
        if name is not None:
            self.name, self._is_named = backend_name(type(self).__name__, name), True

    @property
    def _given_name(self) -> str | None:
        return self.name if self._is_named else None

    def resume(self, need: Need) -> Step:
        """Queries the store or the issuer that an evaluation needs, and returns its next step."""
        raise _abstract(self, "resume")

    async def aresume(self, need: Need) -> Step:
        """`resume`, for async code."""
        raise _abstract(self, "aresume")

    def identify(self, request: Any, need: _rust.EdgeAuthentication) -> Step:
        """Calls `authenticate`, and returns the next step of the evaluation."""
        authenticate: Any = self.authenticate
        if iscoroutinefunction(authenticate):
            authenticate = async_to_sync(authenticate)
        try:
            return self._identified(request, need, authenticate(request))
        except Unauthorized:
            return need.failed()
        except self._outages as error:
            return self._unavailable(need, type(error))

    async def aidentify(self, request: Any, need: _rust.EdgeAuthentication) -> Step:
        """`identify`, for async code."""
        authenticate: Any = self.authenticate
        if not iscoroutinefunction(authenticate):
            authenticate = in_thread(authenticate)
        try:
            return self._identified(request, need, await authenticate(request))
        except Unauthorized:
            return need.failed()
        except self._outages as error:
            return self._unavailable(need, type(error))

    def _unavailable(self, need: _rust.EdgeAuthentication, kind: type[Exception]) -> Step:
        """The step after an outage. It is logged without the traceback, whose frames contain the credentials."""
        logger.error("%s can't look up credentials: %s.", type(self).__name__, kind.__qualname__)
        return need.unavailable()

    def _identified(self, request: Any, need: _rust.EdgeAuthentication, identity: Any) -> Step:
        if identity is None:
            return need.done(None)
        if isinstance(identity, Identity):
            if identity.user is not None and not is_active(identity.user):
                logger.info("%s: the user of the identity is inactive.", type(self).__name__)
                return need.failed()
            request.__dict__[IDENTITY] = identity
            return need.done(identity.rust)
        if iscoroutine(identity):
            identity.close()
            raise TypeError(f"{type(self).__name__}.authenticate returned a coroutine. Define it with `async def`.")
        kind = type(identity).__name__
        raise TypeError(f"{type(self).__name__}.authenticate must return an Identity or None, not {kind}.")


def _abstract(backend: Authentication, member: str) -> NotImplementedError:
    return NotImplementedError(f"{type(backend).__name__} doesn't define {member}")


def _is_custom(cls: type[Authentication]) -> bool:
    """Whether Python authenticates for this class, because it isn't a subclass of a backend in Rust."""
    ours = [base for base in cls.__mro__ if is_ours(base) and issubclass(base, Authentication)]
    return all(base is Authentication or "authenticate" in vars(base) for base in ours)


def _check_custom(cls: type[Authentication]) -> None:
    """Raises `ImproperlyConfigured` if a custom backend can't authenticate any caller."""
    authenticate = cls.authenticate
    if authenticate is Authentication.authenticate:
        refuse(f"{cls.__name__} must define authenticate(self, request). {AS_BACKEND}")
    if not callable(authenticate) or isgeneratorfunction(authenticate) or isasyncgenfunction(authenticate):
        refuse(f"{cls.__name__}.authenticate must be a method that returns an Identity or None.")
    try:
        signature(authenticate).bind(None, None)
    except TypeError:
        refuse(f"{cls.__name__}.authenticate must accept exactly one argument, request.")
    except ValueError:  # a built-in function
        pass
    if not isinstance(getattr(cls, "name", ""), str):  # an instance may compute it with a property
        return
    backend_name(cls.__name__, getattr(cls, "name", ""))


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
        if type(backend) is Authentication:
            refuse(f"{where} contains an Authentication, whose subclass must define authenticate(self, request).")
        if _is_custom(type(backend)):
            backend.rust  # noqa: B018  # reports wrong headers and schemes
        elif not hasattr(backend, "_built"):
            refuse(f"{where}: {type(backend).__name__}.__init__ doesn't call super().__init__(...).")
    _refuse_duplicate_names(backends, where)
    _refuse_too_many_headers(backends, where)
    return list(backends)


def _refuse_duplicate_names(backends: Iterable[Authentication], where: str) -> None:
    """Raises `ImproperlyConfigured` if a guard couldn't distinguish two backends."""
    seen: dict[str, bool] = {}
    for backend in backends:
        is_unique = backend._is_named or _is_custom(type(backend))
        if backend.name in seen and (is_unique or seen[backend.name]):
            refuse(f"{where} contains two backends named {backend.name!r}. Pass another name= to one of them.")
        seen[backend.name] = is_unique


def _refuse_too_many_headers(backends: Iterable[Authentication], where: str) -> None:
    """`ImproperlyConfigured` if a gate couldn't read the headers of all its backends."""
    names = sorted({name.title() for backend in backends for name in backend.headers})
    if len(names) > _rust.MAX_HEADERS:
        refuse(
            f"{where}: the backends read {len(names)} different headers, and at most {_rust.MAX_HEADERS} are "
            f"supported: {', '.join(names)}."
        )


def describe(name: str, words: list[str], settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    unusual = [f"{key}={settings[key]}" for key, default in defaults.items() if settings[key] != default]
    return f"{name}({', '.join([*words, *unusual])})"


# What a custom backend defines.
SETTINGS = {"header", "name", "reads", "scheme"}
CUSTOM = {"authenticate", *SETTINGS}
# The attribute of a request with the last identity of a custom backend.
IDENTITY = "_boltguard_identity"
