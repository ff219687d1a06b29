"""`TokenSessions` when a store fails, an account changes during a login, or a site has several instances."""

import asyncio
import json
import time
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from boltguard import jwt, protect, registry
from boltguard.auth import InMemoryRevocation, IsAuthenticated, JWTAuthentication, alogout, logout, logout_everywhere
from boltguard.exceptions import InvalidRefreshToken, RevocationUnavailable
from boltguard.sessions import TokenSessions, clock
from boltguard.sessions.models import TokenSession
from boltguard.signals import refresh_token_reused

from support import bearer, mount, wsgi

ADA = {"username": "ada", "password": "correct horse"}


class Failing(InMemoryRevocation):
    """A store that is unavailable while `is_down`."""

    is_down = False
    ttls = ()

    def revoke(self, jti, ttl=None):
        if self.is_down:
            raise RevocationUnavailable("The store is unavailable.")
        return super().revoke(jti, ttl)

    def revoke_level(self, level, before, ttl=None):
        if self.is_down:
            raise RevocationUnavailable("The store is unavailable.")
        self.ttls = (*self.ttls, (level.kind, ttl))
        return super().revoke_level(level, before, ttl)


@pytest.fixture
def store():
    return Failing()


@pytest.fixture
def sessions(store):
    backend = JWTAuthentication(revocation_store=store)
    sessions = TokenSessions(backend)

    @protect(auth=[backend], guards=[IsAuthenticated()])
    def view(request):
        return HttpResponse("in")

    mount(path("auth/", sessions.urls), path("view", view))
    return sessions


def status(token):
    return wsgi("get", "/view", bearer(token)).status_code


def failing(store, call):
    store.is_down = True
    try:
        return call()
    finally:
        store.is_down = False


@pytest.mark.parametrize("route", ["logout", "logout/all"])
def test_logout_is_repeated_after_the_store_failed(ada, sessions, store, route):
    pair, other = sessions.create(ada), sessions.create(ada)
    response = failing(store, lambda: wsgi("post", f"/auth/{route}", bearer(pair.access_token)))
    assert response.status_code == 503
    wsgi("post", f"/auth/{route}", bearer(pair.access_token))
    assert status(pair.access_token) == 401
    assert status(other.access_token) == (401 if route == "logout/all" else 200)


@pytest.mark.parametrize("leave", [logout, lambda request: asyncio.run(alogout(request))], ids=["sync", "async"])
def test_function_logout_ends_the_session_if_the_store_fails(ada, sessions, store, leave):
    pair = sessions.create(ada)
    steps = []

    @protect(auth=[sessions.jwt_auth], guards=[IsAuthenticated()])
    def out(request):
        steps.append("called")
        leave(request)
        return HttpResponse()

    mount(path("auth/", sessions.urls), path("out", out))
    assert failing(store, lambda: wsgi("post", "/out", bearer(pair.access_token))).status_code == 503
    assert TokenSession.objects.get(pk=pair.session_id).ended_at is not None
    # The caller can repeat it.
    assert wsgi("post", "/out", bearer(pair.access_token)).status_code == 200 and len(steps) == 2
    # No entry is permanent, although the session had ended before.
    assert {kind for kind, _ in store.ttls} == {"session"} and None not in {ttl for _, ttl in store.ttls}
    assert wsgi("post", "/out", bearer(pair.access_token)).status_code == 401


@pytest.mark.parametrize("leave", [logout, lambda request: asyncio.run(alogout(request))], ids=["sync", "async"])
@pytest.mark.parametrize("is_local", [True, False])
def test_another_issuer_cannot_end_a_session_of_this_site(ada, sessions, store, leave, is_local):
    pair = sessions.create(ada)
    claims = {"iss": "https://id.example.com", "sub": "ada", "jti": "x", "sid": pair.session_id if is_local else "s"}
    text = jwt.encode({**claims, "exp": time.time() + 300}, "e" * 64)
    other = JWTAuthentication("e" * 64, issuer=claims["iss"], user_field="username", revocation_store=store)

    @protect(auth=[other], guards=[IsAuthenticated()])
    def out(request):
        leave(request)
        return HttpResponse()

    @protect(auth=[sessions.jwt_auth], guards=[IsAuthenticated()])
    def view(request):
        return HttpResponse()

    mount(path("out", out), path("view", view))
    assert wsgi("post", "/out", bearer(text)).status_code == 200
    assert wsgi("post", "/out", bearer(text)).status_code == 401
    assert status(pair.access_token) == 200
    assert [kind for kind, _ in store.ttls] == ([] if is_local else ["session"])


def test_end_of_another_session_is_repeated_after_the_store_failed(ada, sessions, store):
    pair, other = sessions.create(ada), sessions.create(ada)
    url = f"/auth/sessions/{other.session_id}"
    failing(store, lambda: wsgi("delete", url, bearer(pair.access_token)))
    assert status(other.access_token) == 200
    wsgi("delete", url, bearer(pair.access_token))
    assert status(other.access_token) == 401 and status(pair.access_token) == 200


def test_reuse_is_reported_and_repeated_after_the_store_failed(ada, sessions, store, monkeypatch):
    first = sessions.create(ada)
    second = sessions.refresh(first.refresh_token)
    at = clock.now() + 60
    monkeypatch.setattr(clock, "now", lambda: at)
    calls = []

    def receive(**arguments):
        calls.append(arguments["session"].pk)

    refresh_token_reused.connect(receive)
    try:
        with pytest.raises(RevocationUnavailable):
            failing(store, lambda: sessions.refresh(first.refresh_token))
    finally:
        refresh_token_reused.disconnect(receive)
    assert calls == [first.session_id]
    with pytest.raises(InvalidRefreshToken) as refused:
        sessions.refresh(second.refresh_token)
    assert refused.value.code == "session_ended"
    assert status(second.access_token) == 401


@pytest.mark.parametrize("cause", ["ended", "password"])
def test_refresh_of_an_ended_session_is_refused_although_the_store_is_unavailable(ada, sessions, store, caplog, cause):
    """The database has the reason, so the client needn't try again."""
    pair = sessions.create(ada)
    if cause == "ended":
        TokenSession.objects.update(ended_at=clock.moment(clock.now()))
    else:
        ada.set_password("another password")
        ada.save()
    body = {"refresh_token": pair.refresh_token}
    response = failing(store, lambda: wsgi("post", "/auth/token/refresh", body=body))
    assert (response.status_code, response.json()["code"]) == (401, "session_ended")
    assert "A revocation failed." in caplog.text
    # The next refresh revokes the access tokens.
    assert status(pair.access_token) == 200
    assert wsgi("post", "/auth/token/refresh", body=body).status_code == 401
    assert status(pair.access_token) == 401


@pytest.mark.parametrize("generation", [0, 1], ids=["older_token_within_the_grace", "previous_token_after_the_grace"])
def test_reuse_revokes_the_access_tokens_of_the_session(ada, store, own_registry, generation):
    backend = JWTAuthentication(revocation_store=store)
    sessions = TokenSessions(backend, reuse_grace=0 if generation else 60)
    mount(path("view", protect(auth=[backend], guards=[IsAuthenticated()])(lambda request: HttpResponse("in"))))
    pairs = [sessions.create(ada)]
    for _ in range(2):
        pairs.append(sessions.refresh(pairs[-1].refresh_token))
    other = sessions.create(ada)
    with pytest.raises(InvalidRefreshToken) as refused:
        sessions.refresh(pairs[generation].refresh_token)
    assert refused.value.code == "refresh_token_reused"
    assert [status(pair.access_token) for pair in (*pairs, other)] == [401, 401, 401, 200]


def test_sessions_that_ended_during_a_failure_are_revoked_by_end_all(ada, sessions, store):
    kept, other = sessions.create(ada), sessions.create(ada)
    with pytest.raises(RevocationUnavailable):
        failing(store, lambda: sessions.end_all(ada, keep=kept.session_id))
    assert sessions.end_all(ada, keep=kept.session_id) == 0
    assert status(other.access_token) == 401 and status(kept.access_token) == 200


def test_sessions_are_revoked_for_the_longest_lifetime_of_the_site(ada, sessions, store):
    longer = TokenSessions(sessions.jwt_auth, access_lifetime=timedelta(hours=7))
    pair = longer.create(ada)
    sessions.end(pair.session_id)
    kind, ttl = store.ttls[-1]
    assert kind == "session" and ttl >= timedelta(hours=7)


@pytest.mark.parametrize(("way", "has_ended"), [("end", False), ("end_all", False), ("end_all", True)])
def test_sessions_are_revoked_for_the_lifetime_of_views_that_are_not_imported_yet(
    ada, store, own_registry, monkeypatch, way, has_ended
):
    """In a task, for example: ending a session imports the URLconf. Also one that ended while the store failed."""
    sessions, imported = TokenSessions(JWTAuthentication(revocation_store=store), access_lifetime=60), []
    pair = sessions.create(ada)
    if has_ended:
        TokenSession.objects.update(ended_at=clock.moment(clock.now() - 3600))

    def import_urlconf():
        if not imported:
            imported.append(TokenSessions(sessions.jwt_auth, access_lifetime=timedelta(hours=7)))

    monkeypatch.setattr(registry, "_import_urlconf", import_urlconf)
    WAYS_TO_END[way](sessions, pair)
    assert imported and store.ttls == (("session", timedelta(hours=7)),)


def end_by_logout(sessions, pair):
    assert wsgi("post", "/auth/logout", bearer(pair.access_token)).status_code == 204


WAYS_TO_END = {
    "end": lambda sessions, pair: sessions.end(pair.session_id),
    "aend": lambda sessions, pair: asyncio.run(sessions.aend(pair.session_id)),
    "end_by_token": lambda sessions, pair: sessions.end_by_token(pair.refresh_token),
    "logout": end_by_logout,
    "end_all": lambda sessions, pair: sessions.end_all(get_user_model().objects.get(username="ada"), keep="another"),
}


@pytest.mark.parametrize("way", WAYS_TO_END)
def test_session_ends_once_in_the_store_of_each_instance(ada, sessions, store, own_registry, way):
    """Another instance may have issued its access token, and the views of any may accept it."""
    second = Failing()
    instances = [TokenSessions(JWTAuthentication(revocation_store=one)) for one in (store, second, second)]
    WAYS_TO_END[way](sessions, instances[1].create(ada))
    assert [kind for kind, _ in store.ttls] == [kind for kind, _ in second.ttls] == ["session"]


def test_all_tokens_of_a_user_are_revoked_in_the_store_of_each_instance(ada, sessions, store, own_registry):
    second = Failing()
    instances = [TokenSessions(JWTAuthentication(revocation_store=one)) for one in (store, second, second)]
    instances[0].end_all(ada)
    assert store.ttls == second.ttls == (("subject", None),)


def test_unavailable_store_does_not_prevent_the_end_in_the_others(ada, sessions, store, own_registry):
    others = [Failing(), Failing()]
    instances = [TokenSessions(JWTAuthentication(revocation_store=one)) for one in (others[0], store, others[1])]
    pair = instances[0].create(ada)
    with pytest.raises(RevocationUnavailable):
        failing(store, lambda: instances[0].end(pair.session_id))
    assert [kind for one in others for kind, _ in one.ttls] == ["session", "session"]
    assert TokenSession.objects.get(pk=pair.session_id).ended_at is not None


def test_broken_urlconf_prevents_no_end_but_is_reported(ada, sessions):
    """The stores of views that can't be imported aren't known."""
    pair = sessions.create(ada)
    with override_settings(ROOT_URLCONF="not_there"), pytest.raises(ImproperlyConfigured, match="URLconf"):
        sessions.end(pair.session_id)
    assert TokenSession.objects.get(pk=pair.session_id).ended_at is not None


def test_all_tokens_of_a_user_are_revoked_without_an_end(ada, sessions, store):
    sessions.end_all(ada)
    assert store.ttls[-1] == ("subject", None)


@pytest.mark.parametrize("end", [TokenSessions.end_all, lambda _, user: logout_everywhere(user)], ids=["all", "logout"])
def test_tokens_of_a_server_whose_clock_is_ahead_are_revoked(own_registry, ada, sessions, store, monkeypatch, end):
    """Their time is later than that until which the tokens of the user are revoked."""
    now = clock.now
    with monkeypatch.context() as another_server:
        another_server.setattr(clock, "now", lambda: now() + 30)
        pair = sessions.create(ada)
    earlier = sessions.create(ada)
    assert status(pair.access_token) == status(earlier.access_token) == 200
    end(sessions, ada)
    assert status(pair.access_token) == status(earlier.access_token) == 401
    assert [kind for kind, _ in store.ttls].count("session") == 1
    assert status(sessions.create(ada).access_token) == 200


def test_expired_session_is_not_continued_with_a_longer_lifetime(ada, sessions, monkeypatch):
    shorter = TokenSessions(sessions.jwt_auth, access_lifetime=60, refresh_lifetime=120)
    pair = shorter.create(ada)
    at = clock.now() + 121
    monkeypatch.setattr(clock, "now", lambda: at)
    with pytest.raises(InvalidRefreshToken) as refused:
        sessions.refresh(pair.refresh_token)
    assert refused.value.code == "refresh_token_expired"


@pytest.mark.parametrize("change", ["deactivate", "password"])
def test_login_during_a_change_of_the_account_is_refused(ada, sessions, monkeypatch, change):
    users = get_user_model().objects

    def authenticate(request, **credentials):
        user = users.get(username="ada")
        # Another process commits this while the password is verified.
        row = users.get(pk=user.pk)
        if change == "password":
            row.set_password("another password")
        users.filter(pk=user.pk).update(is_active=change != "deactivate", password=row.password)
        return user

    monkeypatch.setattr("django.contrib.auth.authenticate", authenticate)
    response = wsgi("post", "/auth/token", body=ADA)
    assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials")
    assert not TokenSession.objects.active().exists()


def test_failing_claims_leave_no_session(ada):
    broken = TokenSessions(JWTAuthentication(), claims=lambda user: 1 / (user.pk - ada.pk))
    with pytest.raises(ZeroDivisionError):
        broken.create(ada)
    assert not TokenSession.objects.active().exists()


def test_login_that_fails_ends_no_further_sessions_when_it_is_repeated(ada, store, own_registry):
    """The sessions that are too many end at once, and the one whose tokens no client has received doesn't count."""
    several = TokenSessions(JWTAuthentication(revocation_store=store), max_sessions=4)
    pairs = [several.create(ada) for _ in range(4)]
    fewer = TokenSessions(several.jwt_auth, max_sessions=2)
    with pytest.raises(RevocationUnavailable):
        failing(store, lambda: fewer.create(ada))
    assert [row.pk for row in several.list(ada)] == [pairs[3].session_id]
    again = fewer.create(ada)
    assert {row.pk for row in several.list(ada)} == {pairs[3].session_id, again.session_id}


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({}, {**ADA, "username": "a\0da"}, 401),
        ({"CONTENT_LENGTH": "9" * 5000}, ADA, 413),
    ],
    ids=["nul", "length"],
)
def test_odd_logins_are_refused(ada, sessions, headers, body, expected):
    client = Client(raise_request_exception=False)
    response = client.post("/auth/token", json.dumps(body), content_type="application/json", **headers)
    assert response.status_code == expected


def test_form_with_a_csrf_token_is_not_json(ada):
    cookies = TokenSessions(JWTAuthentication(cookie="__Host-access"), cookies=True)
    mount(path("auth/", cookies.urls))
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    token = client.get("/auth/csrf", secure=True).json()["csrf_token"]
    form = {**ADA, "csrfmiddlewaretoken": token}
    response = client.post("/auth/token", form, secure=True, headers={"Origin": "https://testserver"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
