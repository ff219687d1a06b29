"""Token introspection and token revocation of refresh tokens."""

import logging
import time

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import path

from boltguard import protect
from boltguard.auth import InMemoryRevocation, IsAuthenticated, JWTAuthentication
from boltguard.exceptions import InvalidRefreshToken
from boltguard.oauth import aintrospection_view, arevocation_view, introspection_view, revocation_view
from boltguard.sessions import TokenSessions, clock, rows
from boltguard.sessions.models import TokenSession
from test_django_oauth import INACTIVE, KEY, OPTIONS, introspect, post, revoke

from support import bearer, mount, wsgi

VIEWS = [introspection_view, aintrospection_view, revocation_view, arevocation_view]


class Failing(InMemoryRevocation):
    """A store that is unavailable while `is_down`."""

    is_down = False

    def revoke_level(self, level, before, ttl=None):
        if self.is_down:
            raise OSError("down")
        return super().revoke_level(level, before, ttl)


def serve(sessions):
    backend = sessions.jwt_auth
    options = {**OPTIONS, "sessions": sessions}

    @protect(auth=[backend], guards=[IsAuthenticated()])
    def guarded(request):
        return HttpResponse("in")

    mount(
        path("guarded", guarded),
        path("introspect", introspection_view(backend, **options)),
        path("aintrospect", aintrospection_view(backend, **options)),
        path("revoke", revocation_view(backend, **options)),
        path("arevoke", arevocation_view(backend, **options)),
    )
    return sessions


@pytest.fixture
def store():
    return Failing()


@pytest.fixture
def sessions(store):
    return serve(TokenSessions(JWTAuthentication(revocation_store=store)))


@pytest.fixture
def later(monkeypatch):
    def move(seconds):
        at = time.time() + seconds
        monkeypatch.setattr(clock, "now", lambda: at)

    return move


def is_in(pair):
    return wsgi("get", "/guarded", bearer(pair.access_token)).status_code == 200


def code_of(sessions, pair):
    with pytest.raises(InvalidRefreshToken) as refused:
        sessions.refresh(pair.refresh_token)
    return refused.value.code


def state_of(pair):
    return TokenSession.objects.values().get(pk=pair.session_id)


# Introspection


@pytest.mark.parametrize("hint", ["", "&token_type_hint=refresh_token", "&token_type_hint=access_token"])
def test_the_current_refresh_token_is_described(ada, sessions, hint):
    pair = sessions.create(ada)
    response = post("/introspect", f"token={pair.refresh_token}{hint}")
    row = TokenSession.objects.get(pk=pair.session_id)
    issued = row.stamp // 1_000_000
    assert response.json() == {
        "active": True, "token_type": "N_A", "username": "ada", "exp": int(clock.timestamp(row.expires_at)),
        "iat": issued, "sub": str(ada.pk), "sid": pair.session_id
    }  # fmt: skip
    assert response.json()["exp"] - issued in (14 * 24 * 3600, 14 * 24 * 3600 + 1)
    assert response["Cache-Control"] == "no-store"


def test_access_tokens_are_described_as_before(ada, sessions):
    pair = sessions.create(ada)
    described = introspect(pair.access_token).json()
    assert (described["active"], described["token_type"], described["sid"]) == (True, "Bearer", pair.session_id)


def test_introspection_is_no_use(ada, sessions):
    pair = sessions.create(ada)
    before = state_of(pair)
    assert [introspect(pair.refresh_token).json()["active"] for _ in range(2)] == [True, True]
    assert state_of(pair) == before
    successor = sessions.refresh(pair.refresh_token)
    before = state_of(pair)
    assert introspect(successor.refresh_token).json()["active"] is True
    assert state_of(pair) == before


def test_introspection_of_a_used_token_does_not_end_the_session(ada, sessions, later):
    pair = sessions.create(ada)
    successor = sessions.refresh(pair.refresh_token)
    assert introspect(pair.refresh_token).content == INACTIVE
    later(60)
    assert introspect(pair.refresh_token).content == INACTIVE
    assert introspect(successor.refresh_token).json()["active"] is True
    assert sessions.refresh(successor.refresh_token)


def end(sessions, pair, user):
    sessions.end(pair.session_id)


def deactivate(sessions, pair, user):
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)


def change_password(sessions, pair, user):
    user.set_password("another")
    get_user_model().objects.filter(pk=user.pk).update(password=user.password)


def delete_session(sessions, pair, user):
    TokenSession.objects.filter(pk=pair.session_id).delete()


@pytest.mark.parametrize("change", [end, deactivate, change_password, delete_session])
def test_a_token_that_can_not_be_refreshed_is_not_active(ada, sessions, change):
    pair = sessions.create(ada)
    change(sessions, pair, ada)
    assert introspect(pair.refresh_token).content == INACTIVE


def test_an_expired_token_is_not_active(ada, sessions, later):
    pair = sessions.create(ada)
    later(14 * 24 * 3600 + 1)
    assert introspect(pair.refresh_token).content == INACTIVE


def test_a_forged_token_is_not_active_without_a_query(ada, sessions):
    pair, other = sessions.create(ada), sessions.create(ada)
    forged = pair.refresh_token.replace(pair.session_id, other.session_id)
    with CaptureQueriesContext(connection) as queries:
        assert introspect(forged).content == INACTIVE
        assert revoke(forged).status_code == 200
    assert len(queries) == 0 and sessions.refresh(other.refresh_token)


def test_an_unavailable_table_is_reported(ada, sessions, monkeypatch, caplog):
    pair = sessions.create(ada)

    def fail(*args):
        raise OperationalError("down")

    monkeypatch.setattr(rows, "find", fail)
    for response in (introspect(pair.refresh_token), revoke(pair.refresh_token)):
        assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "unavailable" in caplog.text and pair.refresh_token not in caplog.text


# Revocation


@pytest.mark.parametrize("hint", ["", "&token_type_hint=refresh_token", "&token_type_hint=access_token"])
def test_revocation_ends_the_session_and_revokes_its_access_tokens(ada, sessions, hint):
    pair, other = sessions.create(ada), sessions.create(ada)
    successor = sessions.refresh(pair.refresh_token)
    response = post("/revoke", f"token={successor.refresh_token}{hint}")
    assert (response.status_code, response.content, response["Cache-Control"]) == (200, b"", "no-store")
    assert not is_in(pair) and not is_in(successor) and code_of(sessions, successor) == "session_ended"
    assert introspect(successor.refresh_token).content == INACTIVE
    assert is_in(other) and sessions.refresh(other.refresh_token)


def test_a_used_token_ends_its_session_too(ada, sessions):
    pair = sessions.create(ada)
    successor = sessions.refresh(pair.refresh_token)
    assert revoke(pair.refresh_token).status_code == 200
    assert not is_in(successor) and code_of(sessions, successor) == "session_ended"


def test_revocation_of_an_access_token_does_not_end_the_session(ada, sessions):
    pair = sessions.create(ada)
    assert revoke(pair.access_token).status_code == 200
    assert not is_in(pair) and is_in(sessions.refresh(pair.refresh_token))


def test_revoking_twice_or_a_deleted_session_is_no_error(ada, sessions):
    pair = sessions.create(ada)
    assert [revoke(pair.refresh_token).status_code for _ in range(2)] == [200, 200]
    delete_session(sessions, pair, ada)
    assert revoke(pair.refresh_token).status_code == 200


def test_revocation_that_a_store_missed_can_be_repeated(ada, sessions, store):
    pair = sessions.create(ada)
    store.is_down = True
    response = revoke(pair.refresh_token)
    store.is_down = False
    assert (response.status_code, response["Retry-After"]) == (503, "1") and is_in(pair)
    assert revoke(pair.refresh_token).status_code == 200 and not is_in(pair)


def test_a_session_ends_without_a_revocation_store(ada):
    sessions = serve(TokenSessions(JWTAuthentication()))
    pair = sessions.create(ada)
    assert revoke(pair.access_token).json()["error"] == "unsupported_token_type"
    assert revoke(pair.refresh_token).status_code == 200
    assert code_of(sessions, pair) == "session_ended"


# Callers and configuration


@pytest.mark.parametrize("url", ["/introspect", "/revoke"])
@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"X-API-Key": "key-of-another"}, 403)])
def test_callers_need_an_api_key_with_the_permission(ada, sessions, url, headers, status):
    pair = sessions.create(ada)
    assert post(url, f"token={pair.refresh_token}", headers).status_code == status
    assert is_in(pair) and sessions.refresh(pair.refresh_token)


def test_without_sessions_refresh_tokens_are_unknown(ada, sessions):
    pair, backend = sessions.create(ada), sessions.jwt_auth
    mount(
        path("introspect", introspection_view(backend, **OPTIONS)), path("revoke", revocation_view(backend, **OPTIONS))
    )
    options = {"data": f"token={pair.refresh_token}", "content_type": "application/x-www-form-urlencoded"}
    assert wsgi("post", "/introspect", KEY, **options).content == INACTIVE
    assert wsgi("post", "/revoke", KEY, **options).status_code == 200
    assert sessions.refresh(pair.refresh_token)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("value", [TokenSessions, True, [], JWTAuthentication()])
def test_sessions_must_be_token_sessions(view, value):
    with pytest.raises(ImproperlyConfigured, match=f"{view.__name__}: sessions is .*It must be a TokenSessions"):
        view(JWTAuthentication(), **OPTIONS, sessions=value)


def test_tokens_do_not_appear_in_logs(ada, sessions, store, caplog):
    caplog.set_level(logging.DEBUG)
    pair = sessions.create(ada)
    introspect(pair.refresh_token)
    store.is_down = True
    revoke(pair.refresh_token)
    store.is_down = False
    assert caplog.records
    for record in caplog.records:
        assert pair.refresh_token[20:40] not in f"{record.getMessage()} {record.__dict__}"
