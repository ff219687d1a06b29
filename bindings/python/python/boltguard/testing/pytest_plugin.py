"""The pytest plugin, which pytest loads because the package declares it. `-p no:boltguard` turns it off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

# Boltguard is imported when it is used, so that other test runs don't take longer.
if TYPE_CHECKING:
    from boltguard.testing import FakeIssuer, Travel
    from boltguard.testing.clock import Time

_python_clock = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    text = "Boltguard reads Python's clock, which freezegun and time-machine replace (default: true)."
    parser.addini("boltguard_python_clock", text, type="bool", default=True)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Boltguard reads Python's clock from now on."""
    if session.config.getini("boltguard_python_clock"):
        from boltguard.testing.clock import python_clock

        _python_clock.enter_context(python_clock())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Boltguard reads the clock of the system again."""
    _python_clock.close()


@pytest.fixture
def boltguard_token() -> Callable[..., str]:
    """`boltguard.testing.token_for`: returns a token for a user."""
    from boltguard.testing import token_for

    return token_for


@pytest.fixture
def boltguard_issuer() -> Iterator[FakeIssuer]:
    """A running `boltguard.testing.FakeIssuer` with ES256 keys."""
    from boltguard.testing import FakeIssuer

    with FakeIssuer() as issuer:
        yield issuer


@pytest.fixture
def boltguard_travel() -> Iterator[Callable[[Time], Travel]]:
    """`boltguard.testing.travel` until the end of the test: moves the clock, and returns the `Travel`."""
    from boltguard.testing import travel

    with ExitStack() as stack:
        yield lambda to: stack.enter_context(travel(to))


@pytest.fixture
def boltguard_client() -> Callable[..., Any]:
    """Returns a client of Django that sends a token for a user; the other arguments are those of `token_for`."""
    from django.test import Client

    from boltguard.testing import authenticate

    def client_for(user: Any, **options: Any) -> Client:
        client = Client()
        authenticate(client, user, **options)
        return client

    return client_for
