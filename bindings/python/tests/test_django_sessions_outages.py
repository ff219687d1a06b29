"""Sessions and revocations while the database is unavailable: 503, no session ends, and valid tokens are accepted."""

import asyncio
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, ProgrammingError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from boltguard import protect
from boltguard.auth import (
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    ReplicatedRevocation,
    alogout,
    logout,
    logout_everywhere,
)
from boltguard.exceptions import RevocationUnavailable, SessionsUnavailable
from boltguard.sessions import TokenSessions
from boltguard.sessions.models import TokenSession
from boltguard.signals import request_refused

from databases import POSTGRES, database_on, needs_postgres
from support import bearer, mount, wsgi

ADA = {"username": "ada", "password": "correct horse"}


def user_of(request):
    """The user, without a query."""
    return get_user_model().from_db("default", ["id"], [int(request.context.user_id)])


LOGOUTS = {
    "logout": logout,
    "alogout": lambda request: asyncio.run(alogout(request)),
    "everywhere": lambda request: logout_everywhere(user_of(request)),
}


@contextmanager
def outage(error=OperationalError):
    """A time in which each statement fails, in all threads."""
    with patch.object(CursorWrapper, "execute", side_effect=error("server closed the connection unexpectedly")):
        yield


def serve(store):
    backend = JWTAuthentication(revocation_store=store)
    sessions = TokenSessions(backend)
    guarded = protect(auth=[backend], guards=[IsAuthenticated()])

    def leaving(leave):
        def view(request):
            leave(request)
            return HttpResponse(status=204)

        return guarded(view)

    mount(
        path("auth/", sessions.urls),
        path("view", guarded(lambda request: HttpResponse("in"))),
        path("revoke", leaving(lambda request: store.revoke("another"))),
        path("revoke-level", leaving(lambda request: store.revoke_subject("another"))),
        *(path(name, leaving(leave)) for name, leave in LOGOUTS.items()),
    )
    return sessions


@pytest.fixture
def sessions(ada):
    return serve(InMemoryRevocation())


REQUESTS = {
    "login": lambda pair: wsgi("post", "/auth/token", body=ADA),
    "refresh": lambda pair: wsgi("post", "/auth/token/refresh", body={"refresh_token": pair.refresh_token}),
    "logout": lambda pair: wsgi("post", "/auth/logout", bearer(pair.access_token)),
    "logout by token": lambda pair: wsgi("post", "/auth/logout", body={"refresh_token": pair.refresh_token}),
    "logout/all": lambda pair: wsgi("post", "/auth/logout/all", bearer(pair.access_token)),
    "list": lambda pair: wsgi("get", "/auth/sessions", bearer(pair.access_token)),
    "end": lambda pair: wsgi("delete", f"/auth/sessions/{pair.session_id}", bearer(pair.access_token)),
}


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("name", REQUESTS)
def test_request_of_a_session_is_503_and_ends_nothing(ada, sessions, caplog, name, error):
    pair, received = sessions.create(ada), []

    def receive(status, reason, **arguments):
        received.append((status, reason))

    request_refused.connect(receive)
    try:
        with outage(error):
            response = REQUESTS[name](pair)
    finally:
        request_refused.disconnect(receive)
    assert (response.status_code, response.json()["code"]) == (503, "sessions_unavailable")
    assert received == [(503, "sessions_unavailable")]
    assert "database of the sessions is unavailable" in caplog.text and pair.refresh_token not in caplog.text
    assert wsgi("get", "/view", bearer(pair.access_token)).status_code == 200
    assert REQUESTS["refresh"](pair).status_code == 200
    assert TokenSession.objects.filter(ended_at=None).count() == 1


def test_valid_token_is_accepted(ada, sessions):
    pair = sessions.create(ada)
    with outage():
        assert wsgi("get", "/view", bearer(pair.access_token)).status_code == 200


def test_error_of_a_statement_is_not_an_outage(ada, sessions):
    pair, client = sessions.create(ada), Client(raise_request_exception=False)
    body = {"refresh_token": pair.refresh_token}
    with outage(ProgrammingError):
        assert client.post("/auth/token/refresh", body, content_type="application/json").status_code == 500


@pytest.mark.parametrize("leave", LOGOUTS)
def test_function_that_ends_sessions_is_503(ada, sessions, leave):
    pair = sessions.create(ada)
    with outage():
        response = wsgi("post", f"/{leave}", bearer(pair.access_token))
    assert response.status_code == 503


def test_log_out_everywhere_is_503_if_a_field_of_the_user_must_be_loaded(ada, sessions):
    pair, by_name = (
        sessions.create(ada),
        JWTAuthentication(revocation_store=InMemoryRevocation(), user_field="username"),
    )
    with outage():
        response = wsgi("post", "/everywhere", bearer(pair.access_token))
    assert response.status_code == 503
    assert by_name.lookup is not None, "it must be known during the request"


@pytest.mark.parametrize("url", ["/revoke", "/revoke-level"])
def test_revocation_in_a_table_is_503(ada, url):
    pair = serve(DjangoORMRevocation()).create(ada)

    def fail_to_write(execute, sql, params, many, context):
        if "another" in str(params) or sql.startswith(("INSERT", "UPDATE")):
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_to_write):
        response = wsgi("post", url, bearer(pair.access_token))
    assert (response.status_code, response.json()["code"]) == (503, "revocation_unavailable")


@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:1/0"])
@pytest.mark.parametrize("method", ["revoke", "revoke_subject"])
def test_revocation_without_a_connection(url, method):
    store, error = ReplicatedRevocation(url), OperationalError("connection refused")
    with patch.object(BaseDatabaseWrapper, "ensure_connection", side_effect=error), outage():
        with pytest.raises(RevocationUnavailable) as refused:
            getattr(store, method)("a", ttl=60)
    assert isinstance(refused.value.__cause__, OperationalError) and store.describe()["unsent"] == 0


def test_exceptions_have_their_cause(sessions):
    from boltguard.sessions.ending import Table

    with outage():
        with pytest.raises(RevocationUnavailable) as refused:
            DjangoORMRevocation().revoke("a")
        assert isinstance(refused.value.__cause__, OperationalError)
        with pytest.raises(SessionsUnavailable) as unavailable:
            Table().end("a")
        assert isinstance(unavailable.value.__cause__, OperationalError)


@needs_postgres
@pytest.mark.parametrize("name", REQUESTS)
def test_connection_that_the_server_ends_costs_one_request(name):
    """As after its restart: a kept connection fails once, and the session continues."""
    with database_on(POSTGRES, "default"), database_on(POSTGRES, "other") as other:
        sessions = serve(InMemoryRevocation())
        pair = sessions.create(get_user_model().objects.create_user("ada", password="correct horse"))
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        assert REQUESTS[name](pair).status_code == 503
        connections["default"].close_if_unusable_or_obsolete()
        assert REQUESTS["refresh"](pair).status_code == 200
