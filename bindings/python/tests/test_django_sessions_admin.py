"""The admin pages of sessions and revocations, through Django's test client."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path, reverse
from django.utils import timezone, translation

from boltguard import protect
from boltguard.auth import DjangoORMRevocation, InMemoryRevocation, IsAuthenticated, JWTAuthentication
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.sessions import TokenSessions
from boltguard.sessions.models import TokenSession

from support import bearer, get, messages_of, mount, staff

DAY = timedelta(days=1)


@pytest.fixture
def sessions():
    sessions = TokenSessions(JWTAuthentication(revocation_store=InMemoryRevocation()))

    @protect(auth=[sessions.jwt_auth], guards=[IsAuthenticated()])
    def view(request):
        return HttpResponse("in")

    mount(path("admin/", admin.site.urls), path("view", view), path("auth/", sessions.urls))
    return sessions


@pytest.fixture(autouse=True)
def _empty(database):
    yield
    for model in (TokenSession, RevokedToken, RevocationWatermark, LogEntry):
        model.objects.all().delete()


@pytest.fixture
def root():
    user, client = staff("root", is_superuser=True)
    yield client
    user.delete()


@pytest.fixture
def clerk():
    user, client = staff("clerk", "view_tokensession", "view_revokedtoken")
    yield client
    user.delete()


def page(name, *arguments, model="boltguard_sessions_tokensession"):
    return reverse(f"admin:{model}_{name}", args=arguments)


def end(client, *ids):
    return client.post(page("changelist"), {"action": "end_selected", "_selected_action": ids})


def test_the_list_shows_who_is_logged_in_and_no_secrets(root, ada, sessions):
    request = RequestFactory().get("/", headers={"User-Agent": "Firefox <b>1</b>"}, REMOTE_ADDR="192.0.2.7")
    pair = sessions.create(ada, request)
    row = TokenSession.objects.get()
    for url in (page("changelist"), page("change", pair.session_id)):
        content = root.get(url).content.decode()
        for text in (pair.session_id, "ada", "Firefox &lt;b&gt;1&lt;/b&gt;", "192.0.2.7", "active"):
            assert text in content, (url, text)
        for secret in (row.auth_hash, pair.refresh_token, pair.access_token, pair.refresh_token.split("_")[2]):
            assert secret not in content


@pytest.mark.parametrize("search", ["ada", "192.0.2.7", "Firefox"])
def test_sessions_are_found_by_user_address_and_user_agent(root, ada, sessions, search):
    request = RequestFactory().get("/", headers={"User-Agent": "Firefox"}, REMOTE_ADDR="192.0.2.7")
    pair = sessions.create(ada, request)
    assert pair.session_id in root.get(page("changelist"), {"q": search}).content.decode()
    assert pair.session_id not in root.get(page("changelist"), {"q": "other"}).content.decode()


def test_sessions_are_filtered_by_status(root, ada, sessions):
    ids = {status: sessions.create(ada).session_id for status in ("active", "ended", "expired")}
    sessions.end(ids["ended"])
    TokenSession.objects.filter(pk=ids["expired"]).update(expires_at=timezone.now() - DAY)
    for status in ids:
        content = root.get(page("changelist"), {"status": status}).content.decode()
        assert [name for name, session_id in ids.items() if session_id in content] == [status]


def test_an_ended_session_has_no_valid_tokens(root, ada, sessions):
    pair, other = sessions.create(ada), sessions.create(ada)
    assert get(**bearer(pair.access_token)).status_code == 200
    response = end(root, pair.session_id)
    assert messages_of(response) == ["Ended 1 session."]
    assert get(**bearer(pair.access_token)).status_code == 401
    assert get(**bearer(other.access_token)).status_code == 200
    assert [row.pk for row in sessions.list(ada)] == [other.session_id]
    assert LogEntry.objects.get().change_message == "Ended."


def test_a_session_is_ended_in_the_stores_of_all_token_sessions(root, ada, sessions):
    second = TokenSessions(JWTAuthentication(revocation_store=InMemoryRevocation()))
    pair = second.create(ada)
    end(root, pair.session_id)
    stores = [one.jwt_auth.revocation_store for one in (sessions, second)]
    assert [len(store.memory) for store in stores] == [1, 1]


def test_tokens_that_could_not_be_revoked_are_reported_and_can_be_revoked_again(root, ada, sessions, monkeypatch):
    pair, store = sessions.create(ada), sessions.jwt_auth.revocation_store

    def fail(*args, **kwargs):
        raise ConnectionError("redis://:secret@example.org")

    with monkeypatch.context() as patch:
        patch.setattr(store, "revoke_level", fail)
        (message,) = messages_of(end(root, pair.session_id))
    assert message == f"The access tokens of 1 session couldn't be revoked. Try again: {pair.session_id}"
    assert get(**bearer(pair.access_token)).status_code == 200 and sessions.list(ada) == []
    assert messages_of(end(root, pair.session_id))[-1] == "Ended 1 session."
    assert get(**bearer(pair.access_token)).status_code == 401


def test_ending_sessions_requires_the_permission(clerk, ada, sessions):
    pair = sessions.create(ada)
    assert pair.session_id in clerk.get(page("changelist")).content.decode()
    end(clerk, pair.session_id)
    assert [row.pk for row in sessions.list(ada)] == [pair.session_id]


def test_sessions_are_neither_added_changed_nor_deleted(root, ada, sessions):
    pair = sessions.create(ada)
    assert root.get(page("add")).status_code == 403
    assert root.post(page("change", pair.session_id), {"user_agent": "x"}).status_code == 403
    assert root.post(page("delete", pair.session_id), {"post": "yes"}).status_code == 403
    root.post(page("changelist"), {"action": "delete_selected", "_selected_action": [pair.session_id], "post": "yes"})
    assert TokenSession.objects.get().user_agent == ""


def test_a_user_with_sessions_can_be_deleted(root, sessions):
    user = get_user_model().objects.create_user("bob")
    sessions.create(user)
    url = reverse("admin:auth_user_delete", args=[user.pk])
    assert root.post(url, {"post": "yes"}).status_code == 302
    assert not TokenSession.objects.exists()


# Revocations


def test_revoked_tokens_are_found_by_their_id(root, sessions):
    store = DjangoORMRevocation()
    long_id = "x" * 300
    for jti in ("abc-1", "abd-2", long_id):
        store.revoke(jti, 600)
    model = "boltguard_revokedtoken"
    stored = RevokedToken.objects.get(jti__startswith="~").jti
    for search, found in {"abc": ["abc-1"], "ab": ["abc-1", "abd-2"], long_id: [stored], "zzz": []}.items():
        content = root.get(page("changelist", model=model), {"q": search}).content.decode()
        assert [jti for jti in ("abc-1", "abd-2", stored) if f">{jti}<" in content] == found
    assert root.get(page("changelist", model=model), {"q": "a\0b"}).status_code == 200


def test_levels_are_found_by_their_value(root, sessions):
    store = DjangoORMRevocation()
    store.revoke_session("s-1", 600)
    store.revoke_subject("42", ttl=600)
    model = "boltguard_revocationwatermark"
    for search, kind in {"s-1": "session", "42": "subject", "4": None}.items():
        content = root.get(page("changelist", model=model), {"q": search}).content.decode()
        assert [one for one in ("session", "subject") if f">{one}:" in content] == ([kind] if kind else [])
    content = root.get(page("changelist", model=model), {"kind": "session"}).content.decode()
    assert ">session:" in content and ">subject:" not in content and "all tokens" in content


def test_revocations_are_filtered_by_status(root, sessions):
    for jti, expires_at in {"old": timezone.now() - DAY, "new": timezone.now() + DAY, "forever": None}.items():
        RevokedToken.objects.create(jti=jti, expires_at=expires_at)
    for status, expected in {"active": ["new", "forever"], "expired": ["old"]}.items():
        content = root.get(page("changelist", model="boltguard_revokedtoken"), {"status": status}).content.decode()
        assert [jti for jti in ("old", "new", "forever") if f">{jti}<" in content] == expected


@pytest.mark.parametrize("model", ["boltguard_revokedtoken", "boltguard_revocationwatermark"])
def test_a_revocation_can_not_be_taken_back(root, sessions, model):
    store = DjangoORMRevocation()
    store.revoke("a", 600)
    store.revoke_subject("42", ttl=600)
    rows = {"boltguard_revokedtoken": RevokedToken, "boltguard_revocationwatermark": RevocationWatermark}[model].objects
    row = rows.get()
    assert root.get(page("change", row.pk, model=model)).status_code == 200
    assert root.get(page("add", model=model)).status_code == 403
    assert root.post(page("delete", row.pk, model=model), {"post": "yes"}).status_code == 403
    assert root.post(page("change", row.pk, model=model), {"jti": "b"}).status_code == 403
    fields = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    root.post(page("changelist", model=model), fields)
    assert rows.get() == row


@pytest.mark.parametrize(
    ("language", "action"), [("de", "Ausgewählte Sitzungen beenden"), ("fr", "Mettre fin aux sessions sélectionnées")]
)
def test_the_pages_are_translated(root, sessions, ada, language, action):
    sessions.create(ada)
    with translation.override(language):
        response = root.get(page("changelist"), headers={"Accept-Language": language})
    request = RequestFactory().get("/")
    request.user = get_user_model().objects.get(username="root")
    model_admin = admin.site.get_model_admin(TokenSession)
    with translation.override(language):
        assert str(model_admin.get_actions(request)["end_selected"][2]) == action
    assert response.status_code == 200
