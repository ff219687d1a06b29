"""Simultaneous requests with one refresh token, on real databases: each thread has its own connection."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.test import override_settings

from boltguard.auth import JWTAuthentication
from boltguard.exceptions import InvalidRefreshToken, SessionsUnavailable
from boltguard.sessions import TokenSessions, clock, rows
from boltguard.sessions.models import TokenSession

from databases import SERVERS, database_on

ALIAS = "races"
REQUESTS = 32
COUNT = count()


class Router:
    """Everything is in the other database."""

    def db_for_read(self, model, **hints):
        return ALIAS

    db_for_write = db_for_read


@pytest.fixture(scope="module", params=[pytest.param("", id="sqlite"), *SERVERS])
def races(request, database):
    options = {} if request.param else {"OPTIONS": {"timeout": 60}}
    with (
        database_on(request.param, ALIAS, **options) as connection,
        override_settings(DATABASE_ROUTERS=[f"{__name__}.Router"]),
    ):
        yield connection.vendor


@pytest.fixture
def ada(races):
    return get_user_model().objects.create_user(f"ada-{next(COUNT)}")


@pytest.fixture
def sessions():
    return TokenSessions(JWTAuthentication())


def at_once(function, number=REQUESTS):
    """The results of simultaneous calls with their number: a value, or the exception."""
    barrier = threading.Barrier(number)

    def call(index):
        try:
            connections[ALIAS].ensure_connection()
            barrier.wait(60)
            return function(index)
        except (InvalidRefreshToken, SessionsUnavailable) as error:
            return error
        finally:
            connections[ALIAS].close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(call, range(number)))


def tokens_of(pair):
    return pair.access_token, pair.refresh_token


def code_of(sessions, token):
    with pytest.raises(InvalidRefreshToken) as error:
        sessions.refresh(token)
    return error.value.code


def test_simultaneous_refreshes_have_one_successor(ada, sessions, monkeypatch):
    # However slow the machine is, all requests are within the grace.
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    pair = sessions.create(ada)
    for generation in range(1, 4):
        token = pair.refresh_token
        pairs = at_once(lambda _, token=token: sessions.refresh(token))
        assert len({tokens_of(pair) for pair in pairs}) == 1
        assert TokenSession.objects.get(pk=pair.session_id).generation == generation
        pair = pairs[0]
    assert sessions.refresh(pair.refresh_token)


def test_clocks_of_simultaneous_requests_may_differ(ada, sessions, monkeypatch):
    start = clock.now()
    local = threading.local()
    monkeypatch.setattr(clock, "now", lambda: start + getattr(local, "offset", 0))
    token = sessions.create(ada).refresh_token

    def refresh(number):
        local.offset = number / 8
        return sessions.refresh(token)

    pairs = at_once(refresh)
    assert len({tokens_of(pair) for pair in pairs}) == 1


def test_simultaneous_reuse_ends_the_session_once_and_for_all(ada, sessions, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    first = sessions.create(ada)
    second = sessions.refresh(first.refresh_token)
    monkeypatch.setattr(clock, "now", lambda: now + 60)
    results = at_once(lambda number: sessions.refresh((first, second)[number % 2].refresh_token))
    codes = Counter(result.code for result in results if isinstance(result, InvalidRefreshToken))
    assert codes.keys() <= {"refresh_token_reused", "session_ended"} and codes["refresh_token_reused"] >= 1
    for pair in {result.refresh_token for result in results if not isinstance(result, InvalidRefreshToken)}:
        assert code_of(sessions, pair) == "session_ended"


def test_refresh_in_flight_does_not_continue_an_ended_session(ada, sessions, monkeypatch):
    """The session ends after it was read and before it is changed."""
    pair = sessions.create(ada)
    rotate = rows.rotate

    def end_first(*args):
        assert at_once(lambda _: sessions.end(pair.session_id), number=1) == [True]
        return rotate(*args)

    monkeypatch.setattr(rows, "rotate", end_first)
    assert code_of(sessions, pair.refresh_token) == "session_ended"
    monkeypatch.undo()
    row = TokenSession.objects.get(pk=pair.session_id)
    assert (row.generation, row.ended_at is None) == (0, False)
    assert code_of(sessions, pair.refresh_token) == "session_ended"


def test_sessions_end_while_they_are_refreshed(ada, sessions):
    pairs = [sessions.create(ada) for _ in range(REQUESTS)]

    def call(number):
        if number % 4 == 0:
            return sessions.end_all(ada)
        return sessions.refresh(pairs[number].refresh_token)

    results = at_once(call)
    refreshed = [result for result in results if not isinstance(result, (int, Exception))]
    assert all(error.code == "session_ended" for error in results if isinstance(error, Exception))
    for pair in refreshed:
        assert code_of(sessions, pair.refresh_token) == "session_ended"
    assert not TokenSession.objects.of(ada).active().exists()


def test_simultaneous_logins_keep_the_newest_sessions(ada):
    sessions = TokenSessions(JWTAuthentication(), max_sessions=3)
    at_once(lambda _: sessions.create(ada), number=12)
    newest = TokenSession.objects.of(ada).order_by("-created_at", "-id")[:3]
    assert {row.pk for row in sessions.list(ada)} == {row.pk for row in newest}


@pytest.mark.parametrize("difference", [-5, 0, 5], ids=["clock_behind", "same_time", "clock_ahead"])
def test_one_of_two_simultaneous_logins_continues(ada, monkeypatch, difference):
    """Both sessions are in the table before either of the logins ends the older one."""
    sessions, oldest = TokenSessions(JWTAuthentication(), max_sessions=1), rows.oldest
    inserted, start, local = threading.Barrier(2), clock.now(), threading.local()

    def wait(*args):
        inserted.wait(60)
        return oldest(*args)

    def login(number):
        local.offset = number * difference
        return sessions.create(ada)

    monkeypatch.setattr(rows, "oldest", wait)
    monkeypatch.setattr(clock, "now", lambda: start + getattr(local, "offset", 0))
    pairs = at_once(login, number=2)
    newest = TokenSession.objects.of(ada).order_by("-created_at", "-id")[0]
    assert [row.pk for row in sessions.list(ada)] == [newest.pk]
    (pair,) = [pair for pair in pairs if pair.session_id == newest.pk]
    assert sessions.refresh(pair.refresh_token)


def test_reading_a_session_locks_nothing(races, ada, sessions):
    """A session that is read in an open transaction can be refreshed and ended by others."""
    if races == "sqlite":
        pytest.skip("SQLite locks the whole database while a transaction reads")
    pair = sessions.create(ada)
    with transaction.atomic(using=ALIAS):
        assert rows.find(pair.session_id).generation == 0
        (following,) = at_once(lambda _: sessions.refresh(pair.refresh_token), number=1)
        assert at_once(lambda _: sessions.end(pair.session_id), number=1) == [True]
    assert code_of(sessions, following.refresh_token) == "session_ended"
