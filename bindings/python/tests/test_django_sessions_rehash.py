"""Logins and refreshes while another login stores a better hash of the password."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.test import override_settings
from django.urls import path

from boltguard.account_changes import users
from boltguard.auth import InMemoryRevocation, JWTAuthentication
from boltguard.exceptions import InvalidRefreshToken
from boltguard.sessions import TokenSessions
from boltguard.sessions import sessions as sessions_module

from support import mount, wsgi

PASSWORD = "correct horse"


class Interrupted(ModelBackend):
    """Calls `between` once after the account was read and before the password is verified."""

    between = None

    def authenticate(self, request, username=None, password=None):
        user = get_user_model().objects.get(username=username)
        between, Interrupted.between = Interrupted.between, None
        if between is not None:
            between()
        return user if user.check_password(password) else None


@pytest.fixture(autouse=True)
def better_hash(ada, own_registry):
    """The hash of the password is outdated."""
    names = ("PBKDF2", "MD5")
    with override_settings(
        PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}PasswordHasher" for name in names],
        AUTHENTICATION_BACKENDS=[f"{__name__}.Interrupted"],
        BOLTGUARD_REVOKE_ON=["password"],
    ):
        yield


@pytest.fixture
def store():
    return InMemoryRevocation()


@pytest.fixture
def sessions(store):
    sessions = TokenSessions(JWTAuthentication(revocation_store=store))
    mount(path("auth/", sessions.urls))
    return sessions


def login():
    response = wsgi("post", "/auth/token", body={"username": "ada", "password": PASSWORD})
    assert response.status_code == 200, response.content
    return response.json()


def rehash():
    assert get_user_model().objects.get(username="ada").check_password(PASSWORD)


def change_password():
    user = get_user_model().objects.get(username="ada")
    user.set_password("another horse")
    user.save()


def once(function, then=None, first=None):
    """`function`, which calls `first` before its first call, or `then` after it."""
    left = [True]

    def called(*args, **kwargs):
        is_first, left[:] = bool(left), []
        if is_first and first is not None:
            first()
        result = function(*args, **kwargs)
        if is_first and then is not None:
            then()
        return result

    return called


def assert_continues(sessions, pair):
    next_pair = sessions.refresh(pair["refresh_token"])
    sessions.refresh(next_pair.refresh_token)
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert wsgi("get", "/auth/sessions", headers).status_code == 200


def test_simultaneous_logins_with_an_outdated_hash_both_have_a_session(sessions):
    pairs = []
    Interrupted.between = lambda: pairs.append(login())
    pairs.append(login())
    assert len(pairs) == 2
    for pair in pairs:
        assert_continues(sessions, pair)


def test_both_logins_find_the_outdated_hash(sessions, monkeypatch):
    pairs = []
    monkeypatch.setattr(users, "stored_account", once(users.stored_account, lambda: pairs.append(login())))
    pairs.append(login())
    assert len(pairs) == 2
    for pair in pairs:
        assert_continues(sessions, pair)


def test_a_login_with_the_password_before_a_change_ends_the_sessions(sessions):
    pairs = []

    def change_and_login():
        change_password()
        pairs.append(sessions.create(get_user_model().objects.get(username="ada")))

    Interrupted.between = change_and_login
    login()
    with pytest.raises(InvalidRefreshToken):
        sessions.refresh(pairs[0].refresh_token)


@pytest.mark.parametrize("moment", ["first", "then"])
def test_a_refresh_at_the_time_of_a_better_hash_continues_the_session(ada, sessions, monkeypatch, moment):
    pair = sessions.create(ada)
    monkeypatch.setattr(sessions_module, "account", once(sessions_module.account, **{moment: rehash}))
    for _ in range(3):
        pair = sessions.refresh(pair.refresh_token)


@pytest.mark.parametrize("moment", ["first", "then"])
def test_a_refresh_at_the_time_of_a_new_password_ends_the_session(ada, sessions, monkeypatch, moment):
    pair = sessions.create(ada)
    monkeypatch.setattr(sessions_module, "account", once(sessions_module.account, **{moment: change_password}))
    with pytest.raises(InvalidRefreshToken):
        sessions.refresh(pair.refresh_token)
