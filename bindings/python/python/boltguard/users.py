"""`request.user`: the account behind a credential, loaded when something other than its primary key is read.

In async code a read can't wait for the database. Where a handler's own code names `user`, the account is loaded before
the handler runs (see `boltguard.prefetch`); a read that nobody foresaw borrows the thread in which Django runs sync
code for this request, and holds up the event loop for that one query. `await request.auser()` never does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Event
from types import MethodType
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ObjectDoesNotExist, SynchronousOnlyOperation, ValidationError
from django.utils.functional import LazyObject, SimpleLazyObject, empty

from boltguard import _rust
from boltguard.exceptions import Unauthorized

# Long enough for any look-up by primary key; short enough to end a wait for a thread that waits for us.
PATIENCE = 10.0


class UserUnavailable(Unauthorized):
    """The credential is genuine, and no active account belongs to it. `reason` says which, for logs alone."""

    code = "invalid_token"

    def __init__(self, reason: str = "user_not_found") -> None:
        self.reason = reason
        challenge = 'Bearer realm="api", error="invalid_token", error_description="The token is invalid"'
        super().__init__("The token is invalid.", {"WWW-Authenticate": challenge})

    def said_by(self, backend: str | None) -> UserUnavailable:
        """The same in the words of the backend that vouched for the credential."""
        if backend == "api_key":
            self.code, self.detail = "invalid_api_key", "The API key is invalid."
            self.headers = {"WWW-Authenticate": 'ApiKey realm="api"'}
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason,)


class LazyUser(LazyObject):  # type: ignore[type-arg]
    """A user of whom only the credential's subject is known until more is asked. `pk` and `id` cost no query."""

    # `LazyObject` would set it, by a detour, in each of them: this runs for every request.
    _wrapped: Any = empty

    def __init__(self, subject: str) -> None:
        _set(self, "_subject", subject)

    # That of `LazyObject` first makes sure that the attribute is none of its own methods.
    def __getattribute__(self, name: str) -> Any:
        return _get(self, name) if name in OWN else super().__getattribute__(name)

    is_authenticated = True
    is_anonymous = False

    @property
    def pk(self) -> Any:
        """The primary key, as the user model types it."""
        if self._wrapped is not empty:
            return self._wrapped.pk
        if "_pk" not in self.__dict__:
            self.__dict__["_pk"] = primary_key(self._subject)
        return self.__dict__["_pk"]

    @property
    def id(self) -> Any:
        """The same, where the model's primary key has this name."""
        return self.pk if _model()._meta.pk.attname == "id" else self._loaded().id

    def _is_pk_set(self, meta: Any = None) -> bool:
        """What the ORM asks of an object in a filter."""
        return self.pk is not None

    async def aload(self) -> Any:
        """The account itself, without holding up the event loop."""
        if self._wrapped is empty:
            await self.prefetch()
        return self._loaded()

    async def prefetch(self) -> None:
        """Loads the account. One that is not there is an error for whoever reads it, and not before."""
        if self._wrapped is empty and "_failure" not in self.__dict__:
            self._keep(await sync_to_async(_outcome)(self._subject))

    def _setup(self) -> None:
        if "_failure" not in self.__dict__:
            self._keep(_outcome(self._subject) if not _in_event_loop() else _borrow_thread(self._subject))
        if "_failure" in self.__dict__:
            raise self.__dict__["_failure"].with_traceback(None)

    def _keep(self, outcome: Any) -> None:
        if isinstance(outcome, Exception):
            self.__dict__["_failure"] = outcome
        else:
            self._wrapped = outcome

    def _loaded(self) -> Any:
        if self._wrapped is empty:
            self._setup()
        return self._wrapped

    def __getattr__(self, name: str) -> Any:
        if self._wrapped is empty:
            if name == "_meta":
                return _model()._meta
            if name in EXPRESSION:
                raise AttributeError(name)
            if name == _model()._meta.pk.attname:
                return self.pk
        return getattr(self._loaded(), name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return _model()

    # `request.user and request.user.is_authenticated` is a common question, and a model is true.
    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _model()) and self.pk == other.pk

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.pk)

    def __repr__(self) -> str:
        return f"<LazyUser: {self._wrapped!r}>" if self._wrapped is not empty else f"<LazyUser: {self._subject!r}>"

    def __copy__(self) -> Any:
        return LazyUser(self._subject) if self._wrapped is empty else super().__copy__()

    def __deepcopy__(self, memo: Any) -> Any:
        return LazyUser(self._subject) if self._wrapped is empty else super().__deepcopy__(memo)


def attach(request: Any, context: _rust.AuthContext, account: Callable[[str], LazyUser] | None = None) -> None:
    """Sets `request.context`, `request.user` and `request.auser`. `account` makes a user of a credential's subject."""
    request.context = request._boltguard_seen = context
    subject = context.account
    if subject is not None:
        request.user = user = LazyUser(subject) if account is None else account(subject)
        request.auser = MethodType(_aload, user)
    else:
        request.user = SimpleLazyObject(_anonymous)
        request.auser = _aanonymous


_aload = LazyUser.aload


async def prefetch(request: Any) -> None:
    """Loads the account behind `request.user`, where there is one to load."""
    user = request.user
    if issubclass(type(user), LazyUser):
        await user.prefetch()


def get_auth_context(request: Any) -> _rust.AuthContext | None:
    """`request.context`, or `None` where nothing of ours looked at the request."""
    context = getattr(request, "context", None)
    return context if isinstance(context, _rust.AuthContext) else None


def get_current_user(request: Any) -> Any:
    """The account behind the credential, loaded; 401 where there is none. For `Depends(get_current_user)`."""
    user = request.user
    return user._loaded() if issubclass(type(user), LazyUser) else _known(user)


async def aget_current_user(request: Any) -> Any:
    """`get_current_user` for async code; `Depends(get_current_user)` picks it by itself."""
    user = request.user
    return await user.aload() if issubclass(type(user), LazyUser) else _known(await request.auser())


get_current_user.asynchronous = aget_current_user  # type: ignore[attr-defined]


def _known(user: Any) -> Any:
    """A user that Django's own middleware found, by a session."""
    if not user.is_authenticated:
        raise Unauthorized("a user account is required", {"WWW-Authenticate": 'Bearer realm="api"'})
    return user


def _model() -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model()


def _anonymous() -> Any:
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


async def _aanonymous() -> Any:
    return _anonymous()


def primary_key(subject: str) -> Any:
    """The primary key that a credential's subject is, as the user model types it."""
    field = _model()._meta.pk
    try:
        key = field.to_python(subject)
    except (ValidationError, ValueError, TypeError, OverflowError):
        raise UserUnavailable from None
    # int(" 7 ") and int("0_7") are 7 too; only "7" names user 7.
    if isinstance(key, int) and str(key) != subject:
        raise UserUnavailable
    return key


def _outcome(subject: str) -> Any:
    """The account, or why there is none."""
    try:
        key = primary_key(subject)
        _model()._meta.pk.run_validators(key)
        user = _model()._default_manager.get(pk=key)
    except UserUnavailable as unavailable:
        return unavailable
    except (ObjectDoesNotExist, ValidationError, ValueError, TypeError, OverflowError):
        return UserUnavailable("user_not_found")
    return user if getattr(user, "is_active", True) else UserUnavailable("user_inactive")


def _borrow_thread(subject: str) -> Any:
    """`_outcome`, called in a running event loop: it runs in the thread that has this request's connections."""
    results: list[Any] = []
    done, abandoned = Event(), Event()

    def load() -> None:
        if abandoned.is_set():
            return
        try:
            results.append(_outcome(subject))
        except Exception as error:  # the database's errors are raised below, in the caller's thread
            results.append(error)
        finally:
            done.set()

    submit: Coroutine[Any, Any, None] = sync_to_async(load)()
    try:
        submit.send(None)
        answered = done.wait(PATIENCE)
    except RuntimeError as error:
        raise SynchronousOnlyOperation(CANT_WAIT) from error
    finally:
        abandoned.set()
        submit.close()
    if not answered:
        raise SynchronousOnlyOperation(CANT_WAIT)
    if isinstance(results[0], Exception) and not isinstance(results[0], UserUnavailable):
        raise results[0]
    return results[0]


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


# Where `attach` keeps the context for the caches, whatever a view makes of `request.context`.
SEEN = "_boltguard_seen"
_get, _set = object.__getattribute__, object.__setattr__
OWN = {"id", "is_anonymous", "is_authenticated", "pk", "_subject", "_wrapped", "__dict__"}
CANT_WAIT = "request.user can't be loaded here; write `user = await request.auser()` first"
# What the ORM asks of each value in a filter to tell expressions from objects.
EXPRESSION = {"as_sql", "conditional", "filterable", "get_source_expressions", "resolve_expression"}
