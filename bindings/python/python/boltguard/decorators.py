"""`protect`: backends and guards for a plain Django view."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured

from boltguard.gate import Gatekeeper
from boltguard.prefetch import class_wants_user, wants_user

View = TypeVar("View", bound=Callable[..., Any])


def protect(_view: None = None, /, *, auth: Any = None, guards: Any = None) -> Callable[[View], View]:
    """Lets only those in whom the guards admit; what is not given is the site's default.

    For functions and methods, sync and async; for a class-based view, on the class, on what `as_view()` gives, or as
    `method_decorator(protect(...), name="dispatch")`.
    """
    if _view is not None:
        raise ImproperlyConfigured(NAMELESS)
    keeper = Gatekeeper(auth, guards)

    def decorate(view: View) -> View:
        if not isinstance(view, type):
            return _protected(view, keeper)  # type: ignore[return-value]
        if not hasattr(view, "dispatch"):
            raise ImproperlyConfigured(f"protect: {view.__name__} is a class without dispatch, so it is no view")
        if not getattr(view, "view_is_async", False):
            keeper.refuse_async_checks(view)
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
        return keeper.gate.run(request, view, first, *args, **kwargs)

    async def arespond(first: Any, *args: Any, **kwargs: Any) -> Any:
        request = first if hasattr(first, "META") else args[0]
        reads_user = names_user or class_wants_user(type(first) if view_class is None else view_class)
        return await keeper.gate.arun(request, reads_user, view, first, *args, **kwargs)

    is_async = iscoroutinefunction(view) or getattr(owner, "view_is_async", False)
    if not is_async and _is_handler(view):
        keeper.refuse_async_checks(view)
    wrapper: Any = wraps(view)(arespond if is_async else respond)
    setattr(wrapper, GATEKEEPERS, (keeper, *getattr(view, GATEKEEPERS, ())))
    # Credentials in a header are not sent by a browser unasked, and `request.user` is never a session's here.
    wrapper.csrf_exempt = True
    # The guards decide; Django's LoginRequiredMiddleware would answer with a redirect.
    wrapper.login_required = False
    return wrapper  # type: ignore[no-any-return]


def _is_handler(view: Any) -> bool:
    """Not so of a `dispatch`, which is as async as its class, and of a function on which Django tries decorators."""
    return getattr(view, "__name__", "") != "dispatch" and view.__module__ != "django.utils.decorators"


NAMELESS = (
    "protect takes its lists by name: write @protect(auth=[...], guards=[...]) above a view, or @protect() for the "
    "site's defaults"
)
# What a protected view says of itself, the outermost first; decorators that use `functools.wraps` pass it on.
GATEKEEPERS = "_boltguard_gatekeepers"
