"""`TokenSessions` whose access tokens are signed with `SigningKeys`."""

import json
import time
from datetime import datetime, timedelta, timezone

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.urls import path

from boltguard import jwt, protect
from boltguard.auth import InMemoryRevocation, IsAuthenticated, JWTAuthentication, SigningKey, SigningKeys
from boltguard.jwt import Key
from boltguard.oauth import jwks_view
from boltguard.sessions import TokenSessions, clock

from support import bearer, claims_of, mount, wsgi

FAR = datetime(2020, 1, 1, tzinfo=timezone.utc)
A, B = Key.generate("EdDSA", kid="a"), Key.generate("EdDSA", kid="b")


def at(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc)


def signing_keys(rotation, **options):
    """Two keys, of which the second signs from this time."""
    second = SigningKey(B, published_from=at(rotation - 3600), signs_from=at(rotation))
    return SigningKeys([SigningKey(A, signs_from=FAR), second], **{"access_lifetime": 900, **options})


def sessions_with(keys, **options):
    return TokenSessions(JWTAuthentication(keys, ["EdDSA"]), **options)


def kid_of(pair):
    return jwt.get_unverified_header(pair.access_token)["kid"]


@pytest.fixture
def now(monkeypatch):
    """Sets the time of sessions, as an offset to the real one."""
    start = float(int(time.time()))

    def move(seconds):
        monkeypatch.setattr(clock, "now", lambda: start + seconds)
        return start + seconds

    move(0)
    return move


def test_the_key_of_the_time_signs_each_access_token(ada, now):
    sessions = sessions_with(signing_keys(now(0) + 1000))
    first = sessions.create(ada)
    now(999)
    second = sessions.refresh(first.refresh_token)
    now(1000)
    third = sessions.refresh(second.refresh_token)
    assert [kid_of(pair) for pair in (first, second, third)] == ["a", "a", "b"]


def test_other_services_verify_the_access_tokens_with_the_published_keys(ada):
    keys = signing_keys(time.time() - 60)
    sessions = sessions_with(keys)
    pair = sessions.create(ada)
    mount(path("keys", jwks_view(keys)))
    claims = jwt.decode(pair.access_token, json.loads(wsgi("get", "/keys").content), ["EdDSA"])
    assert (claims["sub"], claims["sid"]) == (str(ada.pk), pair.session_id)
    header = jwt.get_unverified_header(pair.access_token)
    assert (header["kid"], header["typ"]) == ("b", "at+jwt")


def test_views_accept_the_access_tokens_until_the_session_ends(ada):
    backend = JWTAuthentication(
        signing_keys(time.time() - 60), ["EdDSA"], typ="at+jwt", revocation_store=InMemoryRevocation()
    )
    sessions = TokenSessions(backend)
    mount(path("view", protect(auth=[backend], guards=[IsAuthenticated()])(lambda request: HttpResponse("in"))))
    pair = sessions.create(ada)
    assert wsgi("get", "/view", bearer(pair.access_token)).status_code == 200
    sessions.end(pair.session_id)
    assert wsgi("get", "/view", bearer(pair.access_token)).status_code == 401


def test_second_use_within_the_grace_returns_the_same_bytes_after_a_rotation(ada, now):
    """The key is the one that signed when the pair was first issued. It is still published."""
    sessions = sessions_with(signing_keys(now(0) + 1000))
    first = sessions.create(ada)
    now(995)
    second = sessions.refresh(first.refresh_token)
    now(1003)
    again = sessions.refresh(first.refresh_token)
    assert (again.access_token, again.refresh_token) == (second.access_token, second.refresh_token)
    assert kid_of(again) == "a" and kid_of(sessions.refresh(again.refresh_token)) == "b"


def test_removed_key_signs_nothing_not_even_within_the_grace(ada, now):
    rotation = now(0) - 2
    sessions = sessions_with(signing_keys(rotation))
    now(-6)
    first = sessions.create(ada)
    now(-5)
    second = sessions.refresh(first.refresh_token)
    now(0)
    without = sessions_with(SigningKeys([SigningKey(B, signs_from=at(rotation))], access_lifetime=900))
    again = without.refresh(first.refresh_token)
    assert (kid_of(second), kid_of(again)) == ("a", "b")
    assert again.refresh_token == second.refresh_token
    assert claims_of(again.access_token) == claims_of(second.access_token)


def test_signing_keys_sign_before_other_keys_of_the_backend(ada):
    keys = signing_keys(time.time() - 60)
    secret = "a secret that signed the tokens before the asymmetric keys, and is long enough"
    sessions = TokenSessions(JWTAuthentication([secret, keys], ["HS256", "EdDSA"]))
    assert kid_of(sessions.create(ada)) == "b"
    assert kid_of(TokenSessions(sessions.jwt_auth, signing_key=keys).create(ada)) == "b"


def test_signing_keys_that_the_backend_does_not_have_are_refused():
    keys = signing_keys(time.time() - 60)
    for backend in (JWTAuthentication(B.public_key(), ["EdDSA"]), JWTAuthentication()):
        with pytest.raises(ImproperlyConfigured, match=r"TokenSessions: .*JWTAuthentication\(signing_keys, algorithms"):
            TokenSessions(backend, signing_key=keys)


def test_access_tokens_must_not_be_valid_for_longer_than_old_keys_are_published():
    keys = signing_keys(time.time() - 60, access_lifetime=timedelta(minutes=5))
    with pytest.raises(ImproperlyConfigured, match=r"access_lifetime is longer than that of SigningKeys.*300 seconds"):
        sessions_with(keys)
    sessions_with(keys, access_lifetime=300)
