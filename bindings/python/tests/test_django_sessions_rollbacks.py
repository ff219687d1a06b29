"""A session that ended in a transaction stays ended when the transaction is rolled back."""

import asyncio

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.db import connection, connections, transaction
from django.http import JsonResponse
from django.urls import path

from boltguard import BoltAPI, protect
from boltguard.auth import AllowAny, JWTAuthentication
from boltguard.exceptions import InvalidRefreshToken
from boltguard.sessions import TokenSessions, clock, rollbacks, rows
from boltguard.sessions.models import TokenSession

from support import mount, wsgi


@pytest.fixture
def sessions():
    return TokenSessions(JWTAuthentication())


@pytest.fixture
def stolen(ada, sessions, monkeypatch):
    """A token that was used before the grace, and the ID of its session."""
    pair = sessions.create(ada)
    sessions.refresh(pair.refresh_token)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 60)
    return pair


@pytest.fixture
def atomic_requests(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


def is_ended(pair):
    return TokenSession.objects.get(pk=pair.session_id).ended_at is not None


def through_asgi():
    """A request as a server sends it. Django's client closes the response in another thread than a server."""

    async def run():
        application = get_asgi_application()
        scope = {"type": "http", "method": "POST", "path": "/view", "headers": [(b"host", b"localhost")]}
        communicator = ApplicationCommunicator(application, {**scope, "query_string": b""})
        await communicator.send_input({"type": "http.request", "body": b""})
        status = (await communicator.receive_output(30))["status"]
        await communicator.receive_output(30)
        await communicator.wait(30)
        return status

    return asyncio.run(run())


@pytest.fixture(params=[lambda: wsgi("post", "/view").status_code, through_asgi], ids=["wsgi", "asgi"])
def status_of(request):
    return request.param


def test_own_view_raises(sessions, stolen, atomic_requests, status_of):
    def view(request):
        sessions.refresh(stolen.refresh_token)

    mount(path("view", view))
    assert status_of() == 401
    assert is_ended(stolen)


def test_own_view_rolls_back(sessions, stolen, status_of):
    def view(request):
        try:
            with transaction.atomic():
                sessions.refresh(stolen.refresh_token)
        except InvalidRefreshToken as error:
            return JsonResponse({"code": error.code}, status=401)

    mount(path("view", view))
    assert status_of() == 401
    assert is_ended(stolen)


@pytest.mark.parametrize("way", ["protect", "api"])
def test_view_behind_a_gate_has_ended_it_before_the_response(sessions, stolen, atomic_requests, way, monkeypatch):
    monkeypatch.setattr("boltguard.sessions.rollbacks.watch", lambda *args: None)
    api = BoltAPI(auth=[], guards=[AllowAny()])

    def view(request):
        return sessions.refresh(stolen.refresh_token)

    api.post("/view")(view)
    mount(*([] if way == "api" else [path("view", protect(auth=[], guards=[AllowAny()])(view))]), api=api)
    response = wsgi("post", "/view")
    assert (response.status_code, response.json()["code"]) == (401, "refresh_token_reused")
    assert is_ended(stolen)


def test_committed_end_is_not_repeated(ada, sessions, atomic_requests, monkeypatch):
    pair = sessions.create(ada)

    def view(request):
        sessions.end(pair.session_id)
        monkeypatch.setattr(rows, "end", None)
        return JsonResponse({})

    mount(path("view", view))
    assert wsgi("post", "/view").status_code == 200
    assert is_ended(pair)


def test_what_ended_before_a_request_is_not_repeated_after_it(ada, sessions):
    pair = sessions.create(ada)
    with transaction.atomic():
        sessions.end(pair.session_id)
        transaction.set_rollback(True)
    mount(path("view", lambda request: JsonResponse({})))
    assert wsgi("post", "/view").status_code == 200
    assert not is_ended(pair)


def test_a_worker_notes_a_limited_number_of_sessions(ada, sessions, monkeypatch):
    monkeypatch.setattr(rollbacks, "MOST", 2)
    rollbacks.forget()
    for _ in range(3):
        pair = sessions.create(ada)
        with transaction.atomic():
            sessions.end(pair.session_id)
            transaction.set_rollback(True)
    attributes = connections["default"].__dict__
    noted = attributes[rollbacks.NOTED]
    assert len(noted) == 2 and noted[-1][2] == pair.session_id
    rollbacks.repeat()
    assert is_ended(pair) and rollbacks.NOTED not in attributes
