"""`protect`: backends and guards for a plain Django view."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import unwrap
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured

from boltguard.events import UNSENT, asend_refusals
from boltguard.gate.prefetch import class_wants_user, wants_user
from boltguard.gate.view_gate import LoginRequired, ViewGate
from boltguard.transactions import refuse_atomic, take_over

View = TypeVar("View", bound=Callable[..., Any])


def protect(_view: None = None, /, *, auth: Any = None, guards: Any = None) -> Callable[[View], View]:
    """Protects a view with backends and guards; the defaults are those of the site.

    For functions and methods, sync and async; for a class-based view, on the class, on the result of `as_view()`, or as
    `method_decorator(protect(...), name="dispatch")`.
    """
    if _view is not None:
        raise ImproperlyConfigured(NAMELESS)
    view_gate = ViewGate(auth, guards)

    def decorate(view: View) -> View:
        if not isinstance(view, type):
            return _protected(view, view_gate)  # type: ignore[return-value]
        if not hasattr(view, "dispatch"):
            raise ImproperlyConfigured(f"protect: {view.__name__} is not a view, because it has no dispatch method.")
        if not getattr(view, "view_is_async", False):
            view_gate.refuse_async_checks(view)
        view.dispatch = _protected(view.dispatch, view_gate)
        _protect_subclasses(view, view_gate)
        return view

    return decorate


def _protect_subclasses(view: Any, view_gate: ViewGate) -> None:
    """Protects a `dispatch` method that overrides the protected one and calls it."""
    own = vars(view).get("__init_subclass__")

    def __init_subclass__(cls: Any, /, **options: Any) -> None:
        if own is None:
            super(view, cls).__init_subclass__(**options)
        else:
            own.__get__(None, cls)(**options)
        if view_gate not in getattr(cls.dispatch, VIEW_GATES, ()) and _calls_dispatch(cls.dispatch):
            cls.dispatch = _protected(_passing(cls.dispatch, view_gate), view_gate)

    view.__init_subclass__ = classmethod(__init_subclass__)


def _calls_dispatch(dispatch: Any) -> bool:
    """Whether an overriding method calls the one that it overrides."""
    code = getattr(unwrap(dispatch), "__code__", None)
    return code is None or "dispatch" in code.co_names


def _passing(dispatch: Callable[..., Any], view_gate: ViewGate) -> Callable[..., Any]:
    """`dispatch` behind its gate, so that the gate of the method that it overrides isn't evaluated again."""

    @wraps(dispatch)
    def passing(view: Any, request: Any, /, *args: Any, **kwargs: Any) -> Any:
        view.__dict__[PASSED] = (view_gate, request)
        return dispatch(view, request, *args, **kwargs)

    return markcoroutinefunction(passing) if iscoroutinefunction(dispatch) else passing


def _protected(view: Callable[..., Any], view_gate: ViewGate) -> Callable[..., Any]:
    # The result of `as_view()`, or the bound method that `method_decorator` creates for each request.
    owner = getattr(getattr(view, "func", None), "__self__", None)
    view_class: type | None = getattr(view, "view_class", None) or (None if owner is None else type(owner))
    names_user = view_class is None and wants_user(view)

    # Parameters of the URL may have any name.
    def respond(first: Any, /, *args: Any, **kwargs: Any) -> Any:
        if hasattr(first, "META"):
            request = first
        elif _has_passed(first, view_gate, args):
            return view(first, *args, **kwargs)
        elif getattr(first, "view_is_async", False):
            refuse_atomic(args[0], view)
            return arespond(first, *args, **kwargs)
        else:
            request = args[0]
        return view_gate.gate.run(request, view, first, *args, **kwargs)

    async def arespond(first: Any, /, *args: Any, **kwargs: Any) -> Any:
        if _has_passed(first, view_gate, args):
            return await view(first, *args, **kwargs)
        request = first if hasattr(first, "META") else args[0]
        reads_user = names_user or class_wants_user(type(first) if view_class is None else view_class)
        response = await view_gate.gate.arun(request, reads_user, view, first, *args, **kwargs)
        if UNSENT in request.__dict__:
            await asend_refusals(request)
        return response

    is_async = iscoroutinefunction(view) or getattr(owner, "view_is_async", False)
    if not is_async and _is_handler(view):
        view_gate.refuse_async_checks(view)
    wrapper: Any = wraps(view)(arespond if is_async else respond)
    setattr(wrapper, VIEW_GATES, (view_gate, *getattr(view, VIEW_GATES, ())))
    # The gate runs the CSRF check for requests without valid credentials in a header.
    wrapper.csrf_exempt = True
    if not is_async:
        take_over(wrapper)
    # If there are guards, they decide; Django's LoginRequiredMiddleware would redirect.
    wrapper.login_required = False if view_gate.names_guards else LoginRequired(lambda: [view_gate])
    return wrapper  # type: ignore[no-any-return]


def _has_passed(view: Any, view_gate: ViewGate, args: tuple[Any, ...]) -> bool:
    passed = getattr(view, "__dict__", {}).get(PASSED)
    return passed is not None and passed[0] is view_gate and bool(args) and args[0] is passed[1]


def _is_handler(view: Any) -> bool:
    """Whether it handles requests itself: not `dispatch`, and not the function that Django tests decorators with."""
    return getattr(view, "__name__", "") != "dispatch" and view.__module__ != "django.utils.decorators"


NAMELESS = (
    "protect accepts only keyword arguments. Use @protect(auth=[...], guards=[...]), or @protect() for the defaults of "
    "the site."
)
# The view gate that allowed the request of a view, and the request.
PASSED = "_boltguard_passed"
# An attribute of a protected view, the outermost view gate first; `functools.wraps` copies it.
VIEW_GATES = "_boltguard_view_gates"
