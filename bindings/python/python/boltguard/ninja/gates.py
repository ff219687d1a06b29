"""The gate of an operation that has other callables of Ninja, too."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from boltguard._rust import Refusal
from boltguard.gate.gate import Gate


class AlternativeGate(Gate):
    """A gate that leaves requests without credentials for its backends to other callables."""

    __slots__ = ()

    def refuse(self, request: HttpRequest, refusal: Refusal) -> HttpResponse:
        """The error response, or `NO_CREDENTIALS`."""
        if refusal.reason in ABSENT:
            request.__dict__[ABSENCE] = refusal
            return NO_CREDENTIALS
        return super().refuse(request, refusal)

    def refuse_absence(self, request: HttpRequest) -> HttpResponse:
        """The error response for a request that no other callable has authenticated either."""
        refusal: Refusal = request.__dict__[ABSENCE]
        return super().refuse(request, refusal)


def is_absent(response: Any) -> bool:
    """Whether the request has no credentials for the backends of the gate."""
    return response is NO_CREDENTIALS


# The reasons of Rust for a request without credentials for any of the backends.
ABSENT = {"not_authenticated", "scheme_unsupported"}
ABSENCE = "_boltguard_absence"
# Never sent.
NO_CREDENTIALS = HttpResponse(status=401)
