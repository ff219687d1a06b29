"""`protect`: backends and guards for a plain Django view."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured

from boltguard._rust import Pending
from boltguard.gate import ANSWERS, Gatekeeper, answer, roll_back, settle
from boltguard.prefetch import class_wants_user, wants_user
from boltguard.users import prefetch

View = TypeVar("View", bound=Callable[..., Any])


def protect(*, auth: Any = None, guards: Any = None) -> Callable[[View], View]:
    """Lets only those in whom the guards admit; what is not given is the site's default.

    For functions and methods, sync and async; for a class-based view, on the class, on what `as_view()` gives, or as
    `method_decorator(protect(...), name="dispatch")`.
    """
    keeper = Gatekeeper(auth, guards)

    def decorate(view: View) -> View:
        if not isinstance(view, type):
            return _protected(view, keeper)  # type: ignore[return-value]
        if not hasattr(view, "dispatch"):
            raise ImproperlyConfigured(f"protect: {view.__name__} is a class without dispatch, so it is no view")
        view.dispatch = _protected(view.dispatch, keeper)
        return view

    return decorate


def _protected(view: Callable[..., Any], keeper: Gatekeeper) -> Callable[..., Any]:
    # What `as_view()` gave, or the bound method that `method_decorator` makes at each request, knows its class.
    owner = getattr(getattr(view, "func", None), "__self__", None)
    view_class = getattr(view, "view_class", None) or (None if owner is None else type(owner))
    names_user = view_class is None and wants_user(view)

    def is_async(args: tuple[Any, ...]) -> bool:
        return bool(getattr(owner or args[0], "view_is_async", False))

    def reads_user(args: tuple[Any, ...]) -> bool:
        asked: type = view_class or type(args[0])
        return names_user or class_wants_user(asked)

    def respond(*args: Any, **kwargs: Any) -> Any:
        if is_async(args):
            return arespond(*args, **kwargs)
        request = _request(args)
        refusal = keeper.check(request)
        if refusal is not None:
            return refusal
        try:
            response = view(*args, **kwargs)
        except ANSWERS as error:
            roll_back()
            response = answer(request, error)
        return keeper.seal(request, response)

    async def arespond(*args: Any, **kwargs: Any) -> Any:
        request = _request(args)
        outcome = keeper.begin(request)
        if isinstance(outcome, Pending):
            outcome = await keeper.afinish(outcome)
        refusal = settle(request, outcome)
        if refusal is not None:
            return refusal
        try:
            if reads_user(args):
                await prefetch(request)
            response = view(*args, **kwargs)
            response = await response if hasattr(response, "__await__") else response
        except ANSWERS as error:
            response = answer(request, error)
        return keeper.seal(request, response)

    wrapper = wraps(view)(arespond if iscoroutinefunction(view) else respond)
    # Credentials in a header are not sent by a browser unasked, and `request.user` is never a session's here.
    wrapper.csrf_exempt = True  # type: ignore[attr-defined]
    # The guards decide; Django's LoginRequiredMiddleware would answer with a redirect.
    wrapper.login_required = False  # type: ignore[attr-defined]
    return wrapper


def _request(args: tuple[Any, ...]) -> Any:
    """The request, which a method has after `self`."""
    return args[0] if hasattr(args[0], "META") else args[1]
