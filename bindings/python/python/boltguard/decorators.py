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
    view_class: type | None = getattr(view, "view_class", None) or (None if owner is None else type(owner))
    names_user = view_class is None and wants_user(view)

    def respond(first: Any, *args: Any, **kwargs: Any) -> Any:
        if hasattr(first, "META"):
            request = first
        elif getattr(first, "view_is_async", False):
            return arespond(first, *args, **kwargs)
        else:
            request = args[0]
        gate = keeper.gate
        refusal = gate.admit(request)
        if refusal is not None:
            return refusal
        try:
            response = view(first, *args, **kwargs)
        except ANSWERS as error:
            roll_back()
            response = answer(request, error)
        return gate.seal(request, response)

    async def arespond(first: Any, *args: Any, **kwargs: Any) -> Any:
        request = first if hasattr(first, "META") else args[0]
        gate = keeper.gate
        outcome = gate.check(request.META)
        if isinstance(outcome, Pending):
            outcome = await gate.afinish(outcome)
        refusal = settle(request, outcome)
        if refusal is not None:
            return refusal
        try:
            if names_user or class_wants_user(type(first) if view_class is None else view_class):
                await prefetch(request)
            response = view(first, *args, **kwargs)
            response = await response if hasattr(response, "__await__") else response
        except ANSWERS as error:
            response = answer(request, error)
        return gate.seal(request, response)

    is_async = iscoroutinefunction(view) or getattr(owner, "view_is_async", False)
    wrapper: Any = wraps(view)(arespond if is_async else respond)
    # Credentials in a header are not sent by a browser unasked, and `request.user` is never a session's here.
    wrapper.csrf_exempt = True
    # The guards decide; Django's LoginRequiredMiddleware would answer with a redirect.
    wrapper.login_required = False
    return wrapper  # type: ignore[no-any-return]
