"""The statements of a refresh, which are the same on all databases: MariaDB has no `UPDATE … RETURNING`."""

import re
from itertools import count

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from boltguard.auth import JWTAuthentication
from boltguard.exceptions import InvalidRefreshToken
from boltguard.sessions import TokenSessions

from databases import SERVERS, database_on

ALIAS = "statements"
COUNT = count()
SESSIONS, USERS = "boltguard_sessions_tokensession", "auth_user"


class Router:
    """Everything is in the other database."""

    def db_for_read(self, model, **hints):
        return ALIAS

    db_for_write = db_for_read


@pytest.fixture(scope="module", params=[pytest.param("", id="sqlite"), *SERVERS])
def elsewhere(request, database):
    routers = override_settings(DATABASE_ROUTERS=[f"{__name__}.Router"])
    with database_on(request.param, ALIAS), routers:
        yield


@pytest.fixture
def ada(elsewhere):
    return get_user_model().objects.create_user(f"ada-{next(COUNT)}")


@pytest.fixture
def sessions():
    return TokenSessions(JWTAuthentication(), reuse_grace=60)


def statements(call, *args):
    """The verb and the table of each statement. Transactions and locks would be among them."""
    with CaptureQueriesContext(connections[ALIAS]) as queries:
        call(*args)
    return [summary(query["sql"]) for query in queries]


def summary(sql):
    assert " FOR UPDATE" not in sql
    table = re.search(r'(?:FROM|UPDATE|INTO) ["`](\w+)', sql)
    return sql.split()[0], table and table[1]


def test_refresh_reads_the_session_and_the_account_and_changes_one_row(ada, sessions):
    pair = sessions.create(ada)
    expected = [("SELECT", SESSIONS), ("SELECT", USERS), ("UPDATE", SESSIONS)]
    assert statements(sessions.refresh, pair.refresh_token) == expected


def test_second_use_within_the_grace_changes_nothing(ada, sessions):
    pair = sessions.create(ada)
    sessions.refresh(pair.refresh_token)
    assert statements(sessions.refresh, pair.refresh_token) == [("SELECT", SESSIONS), ("SELECT", USERS)]


def test_forged_token_is_refused_without_a_statement(ada, sessions):
    token = sessions.create(ada).refresh_token
    forged = token[:-1] + ("a" if token[-1] != "a" else "b")

    def refresh():
        with pytest.raises(InvalidRefreshToken):
            sessions.refresh(forged)

    assert statements(refresh) == []


def test_introspection_reads_the_session_and_the_account(ada, sessions):
    pair = sessions.create(ada)
    assert statements(sessions.introspect, pair.refresh_token) == [("SELECT", SESSIONS), ("SELECT", USERS)]


def test_several_sessions_are_locked_in_one_order_before_they_end(ada, sessions):
    """Simultaneous calls would otherwise wait for each other."""
    for _ in range(2):
        sessions.create(ada)
    connection = connections[ALIAS]
    with CaptureQueriesContext(connection) as queries:
        assert sessions.end_all(ada) == 2
    statements = [query["sql"] for query in queries]
    (end,) = [number for number, sql in enumerate(statements) if sql.startswith("UPDATE")]
    is_locked = "ORDER BY" in statements[end - 1] and " FOR UPDATE" in statements[end - 1]
    assert is_locked == connection.features.has_select_for_update
