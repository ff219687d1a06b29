"""Hooks that run after a view of Django REST framework has returned a response or raised an exception."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.request import Request

from boltguard._rust import Refusal
from boltguard.auth.accounts import UserUnavailable
from boltguard.auth.journal import journal, repeat, restore
from boltguard.auth.lazy_users import Visit
from boltguard.drf.combining import refuse_negations
from boltguard.drf.exceptions import RaisedResponse, StoreUnavailable, api_exception
from boltguard.events import report_refusal
from boltguard.exceptions import HTTPException, RevocationError
from boltguard.gate.caches import CACHED, refuse_caches_inside
from boltguard.gate.errors import STORE_UNAVAILABLE
from boltguard.gate.gate import Gate
from boltguard.logs import log_failed_revocation


class ViewHooks:
    """Replaces `finalize_response` of a view for one request, and checks the response."""

    # Defaults of attributes that are set for a request.
    gates: tuple[Gate, ...] = ()
    is_known = False
    # Logs why a permission was denied, once it is clear that no other permission allowed the request.
    refusal: Callable[[], None] | None = None
    # The code and the challenge of a denied permission that requires the user to authenticate again.
    step_up: tuple[str, str] | None = None
    # The gates with checks of objects that haven't been run yet.
    unasked: frozenset[Gate] = frozenset()
    visit: Visit | None = None
    outer: Callable[[UserUnavailable], Exception] | None = None
    # Set if no backend accepts the scheme of the credentials.
    unsupported: Refusal | None = None

    def __init__(self, view: Any) -> None:
        self._view = view

    def enter(self, request: HttpRequest) -> None:
        """Makes reading a missing account a 401 until the response is finished."""
        if "response" in getattr(self._view, "__dict__", ()):
            return  # a renderer reads `request.user`
        self.visit = visit = Visit.begin(request)
        self.outer, visit.translate = visit.translate, partial(_account_error, request)

    def handle_exception(self, error: Exception) -> Any:
        """Calls the view's own method, with the missing account if that caused the error."""
        del self._view.handle_exception
        try:
            return self._view.handle_exception(self._missing() or self._translated(error))
        except BaseException:
            self._end()
            raise

    def _translated(self, error: Exception) -> Exception:
        if isinstance(error, UserUnavailable):
            return _no_account(self._view.request._request, error)
        if isinstance(error, RevocationError):
            log_failed_revocation(error)
            report_refusal(self._view.request._request, 503, error.code)
            return StoreUnavailable({"detail": STORE_UNAVAILABLE, "code": error.code}, error.code)
        return RaisedResponse(error) if isinstance(error, HTTPException) else error

    def _missing(self) -> APIException | None:
        failure = None if self.visit is None else self.visit.failure
        return None if failure is None else _no_account(self._view.request._request, failure)

    def _end(self) -> None:
        if self.visit is not None:
            self.visit.depth -= 1
            self.visit.translate = self.outer

    @staticmethod
    def of(view: Any) -> ViewHooks:
        """The hooks of a view, which DRF creates for each request."""
        if view is None:
            return ViewHooks(None)
        found = view.__dict__.get("finalize_response")
        if type(found) is ViewHooks:
            return found
        for permission in getattr(view, "permission_classes", ()):
            if not isinstance(permission, type):
                refuse_negations(permission)
        view.finalize_response = made = ViewHooks(view)
        view.handle_exception = made.handle_exception
        return made

    def __call__(self, request: Request, response: Any, *arguments: Any, **named: Any) -> Any:
        view = self._view
        # Restores the methods of the class.
        del view.finalize_response
        view.__dict__.pop("handle_exception", None)
        if getattr(response, "status_code", 401) != 401 and (missing := self._missing()):
            response = view.handle_exception(missing)
        if self.unsupported is not None:
            _tell_scheme(response, self.unsupported)
        if self.step_up is not None:
            _challenge(response, *self.step_up)
        response = view.finalize_response(request, response, *arguments, **named)
        self._end()
        if self.gates and getattr(response, "exception", False) and (entries := journal()):
            _after_transaction(response, lambda *_: repeat(entries))
        elif self.gates and journal():
            _after_transaction(response, lambda *_: restore())
        if self.refusal is not None and response.status_code in (401, 403):
            self.refusal()
        if self.unasked and response.status_code < 400 and _may_show_object(request, view, response):
            guards = ", ".join(sorted(str(gate.guard) for gate in self.unasked))
            raise ImproperlyConfigured(f"The guard {guards} checks objects, but no object was checked. {NOT_CHECKED}")
        for gate in self.gates:
            if CACHED in request.__dict__:
                refuse_caches_inside(request, response, gate.headers)
            gate.finalize_response(request._request, response, self.is_known)
        return response


def _tell_scheme(response: Any, refusal: Refusal) -> None:
    """Adds the unsupported scheme to the response, which DRF creates as if there were no credentials."""
    data = getattr(response, "data", None) if getattr(response, "status_code", None) == 401 else None
    said = data.get("detail") if isinstance(data, dict) else None
    if getattr(said, "code", None) == NOTHING_SENT:
        data["detail"] = ErrorDetail(refusal.detail, refusal.code)  # type: ignore[index]


def _challenge(response: Any, code: str, challenge: str) -> None:
    """Makes a 401 of the response to a denied permission, which DRF creates as a 403 for a known caller."""
    data = getattr(response, "data", None) if getattr(response, "status_code", None) == 403 else None
    said = data.get("detail") if isinstance(data, dict) else None
    if getattr(said, "code", None) == code:
        response.status_code = 401
        response["WWW-Authenticate"] = challenge


def _after_transaction(response: Any, call: Callable[..., None]) -> None:
    """Calls a function after Django has ended the transaction of the view, before the response is sent."""
    if hasattr(response, "add_post_render_callback"):
        response.add_post_render_callback(call)
    else:
        response._resource_closers.append(call)


def _may_show_object(request: Request, view: Any, response: Any) -> bool:
    # Not earlier: it imports DRF's views, which import this package if DRF's settings name its classes.
    from boltguard.drf.objects import may_show_object

    return may_show_object(request, view, response)


def _no_account(request: Any, unavailable: UserUnavailable) -> APIException:
    report_refusal(request, unavailable.status_code, unavailable.reason)
    return _account_error(request, unavailable)


def _account_error(request: Any, unavailable: UserUnavailable) -> APIException:
    """A missing account as an exception of DRF."""
    said = unavailable.for_context(request.context)
    return api_exception(said.status_code, said.detail, said.code)


NOTHING_SENT = "not_authenticated"
NOT_CHECKED = "Call self.check_object_permissions(request, obj), as get_object() does, before the view returns."
