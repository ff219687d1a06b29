"""`TokenSessions` in Python: what a refresh token is exchanged for, and when a session ends."""

import asyncio
import time
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory, override_settings

from boltguard import _rust, jwt
from boltguard.auth import JWTAuthentication
from boltguard.exceptions import InvalidRefreshToken
from boltguard.jwt import Key
from boltguard.sessions import TokenPair, TokenSessions, clock
from boltguard.sessions.models import TokenSession
from boltguard.signals import refresh_token_reused

from conftest import SECRET
from support import claims_of

DAY = 24 * 60 * 60


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.time = float(int(time.time()))

    def advance(self, seconds):
        self.time += seconds


@pytest.fixture
def moved(monkeypatch):
    moved = Clock()
    monkeypatch.setattr(clock, "now", lambda: moved.time)
    return moved


@pytest.fixture
def sessions():
    return TokenSessions(JWTAuthentication())


def rsa_key():
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    return Key.read(rsa.generate_private_key(65537, 2048))


def signed_with(algorithm):
    if algorithm == "HS256":
        return TokenSessions(JWTAuthentication())
    key = rsa_key() if algorithm == "RS256" else Key.generate(algorithm)
    return TokenSessions(JWTAuthentication(key.public_key(), [algorithm]), signing_key=key)


def refused(sessions, token):
    with pytest.raises(InvalidRefreshToken) as error:
        sessions.refresh(token)
    assert error.value.status_code == 401
    return error.value.code


def test_session_has_an_access_and_a_refresh_token(ada, sessions):
    pair = sessions.create(ada)
    assert pair.refresh_token.startswith(f"bgr_{pair.session_id}_")
    assert pair.expires_in in (899, 900)
    claims = claims_of(pair.access_token)
    assert (claims["sub"], claims["sid"], claims["username"]) == (str(ada.pk), pair.session_id, "ada")
    assert claims["exp"] - claims["iat"] == 900
    assert jwt.get_unverified_header(pair.access_token)["typ"] == "at+jwt"
    jwt.decode(pair.access_token, SECRET, ["HS256"])


def test_tokens_are_hidden_in_reprs(ada, sessions):
    pair = sessions.create(ada)
    shown = repr(pair) + repr(sessions) + repr(sessions._engine())
    assert pair.session_id in shown
    for secret in (pair.access_token, pair.refresh_token, SECRET):
        assert secret[-20:] not in shown


def test_table_contains_no_token(ada, sessions):
    pair = sessions.create(ada)
    row = TokenSession.objects.values().get(pk=pair.session_id)
    text = " ".join(map(str, row.values()))
    assert pair.refresh_token.rpartition("_")[2][:20] not in text and pair.access_token not in text


def test_refresh_token_is_exchanged_for_the_next_pair(ada, sessions, moved):
    first = sessions.create(ada)
    moved.advance(600)
    second = sessions.refresh(first.refresh_token)
    assert second.session_id == first.session_id
    assert second.refresh_token != first.refresh_token
    assert claims_of(second.access_token)["iat"] == int(moved.time)
    moved.advance(600)
    assert sessions.refresh(second.refresh_token).refresh_token not in (first.refresh_token, second.refresh_token)


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "EdDSA"])
def test_second_use_within_the_grace_returns_the_same_bytes(ada, moved, algorithm):
    sessions = signed_with(algorithm)
    first = sessions.create(ada)
    moved.advance(1.234567)
    second = sessions.refresh(first.refresh_token)
    moved.advance(9)
    again = sessions.refresh(first.refresh_token)
    assert (again.access_token, again.refresh_token) == (second.access_token, second.refresh_token)
    assert again.expires_in == second.expires_in - 9


def test_second_use_returns_the_same_claims_for_a_random_signature(ada, moved):
    sessions = signed_with("ES256")
    first = sessions.create(ada)
    second, again = (sessions.refresh(first.refresh_token) for _ in range(2))
    assert claims_of(again.access_token) == claims_of(second.access_token)
    assert again.refresh_token == second.refresh_token


def test_ids_of_access_tokens_differ(ada, sessions, moved):
    pairs = [sessions.create(ada) for _ in range(20)]
    pairs += [sessions.refresh(pair.refresh_token) for pair in pairs]
    assert len({claims_of(pair.access_token)["jti"] for pair in pairs}) == 40


def test_grace_counts_from_the_first_use(ada, sessions, moved):
    first = sessions.create(ada)
    moved.advance(60)
    sessions.refresh(first.refresh_token)
    for _ in range(3):
        moved.advance(3)
        sessions.refresh(first.refresh_token)
    moved.advance(1)
    assert refused(sessions, first.refresh_token) == "refresh_token_reused"


def test_grace_reaches_one_generation(ada, sessions, moved):
    first = sessions.create(ada)
    second = sessions.refresh(first.refresh_token)
    third = sessions.refresh(second.refresh_token)
    assert refused(sessions, first.refresh_token) == "refresh_token_reused"
    assert refused(sessions, third.refresh_token) == "session_ended"


def test_reuse_ends_the_session_and_sends_a_signal(ada, sessions, moved, caplog):
    sent = []
    receive = lambda sender, session, request, **_: sent.append((sender, session.pk, request))  # noqa: E731
    refresh_token_reused.connect(receive)
    request = RequestFactory().post("/")
    try:
        first = sessions.create(ada)
        second = sessions.refresh(first.refresh_token)
        moved.advance(11)
        with pytest.raises(InvalidRefreshToken):
            sessions.refresh(first.refresh_token, request)
    finally:
        refresh_token_reused.disconnect(receive)
    assert sent == [(TokenSession, first.session_id, request)]
    assert first.session_id in caplog.text and "bgr_" not in caplog.text
    assert refused(sessions, second.refresh_token) == "session_ended"
    assert refused(sessions, first.refresh_token) == "session_ended"


def test_wrong_secret_for_a_known_session_ends_nothing(ada, sessions):
    pair = sessions.create(ada)
    other = TokenSessions(JWTAuthentication(SECRET))
    with override_settings(SECRET_KEY="another secret of the same site, which is long enough"):
        forged = other._engine().refresh_token(TokenSession.objects.get(pk=pair.session_id).state)
    assert forged != pair.refresh_token and forged.startswith(f"bgr_{pair.session_id}_")
    for token in (forged, pair.refresh_token[:-1], "", "bgr_", pair.access_token, None, 7, "bgr_\0"):
        assert refused(sessions, token) == "refresh_token_invalid"
    sessions.refresh(pair.refresh_token)


def test_refresh_token_is_no_access_token(ada, sessions):
    pair = sessions.create(ada)
    context = _rust.Gate([sessions.jwt_auth.rust], _rust.Guard.allow_any()).check(
        {"HTTP_AUTHORIZATION": f"Bearer {pair.refresh_token}"}
    )
    assert not context.is_authenticated


def test_access_token_is_no_refresh_token(ada, sessions):
    pair = sessions.create(ada)
    assert refused(sessions, pair.access_token) == "refresh_token_invalid"
    sessions.refresh(pair.refresh_token)


def test_token_of_a_deleted_session_is_invalid(ada, sessions):
    pair = sessions.create(ada)
    TokenSession.objects.filter(pk=pair.session_id).delete()
    assert refused(sessions, pair.refresh_token) == "refresh_token_invalid"


def test_idle_session_expires(ada, sessions, moved):
    pair = sessions.create(ada)
    moved.advance(14 * DAY - 1)
    pair = sessions.refresh(pair.refresh_token)
    moved.advance(14 * DAY)
    assert refused(sessions, pair.refresh_token) == "refresh_token_expired"


def test_session_expires_however_often_it_is_used(ada, sessions, moved):
    begin, pair = moved.time, sessions.create(ada)
    while moved.time < begin + 80 * DAY:
        moved.advance(10 * DAY)
        pair = sessions.refresh(pair.refresh_token)
    moved.advance(10 * DAY - 60)
    pair = sessions.refresh(pair.refresh_token)
    assert claims_of(pair.access_token)["exp"] == begin + 90 * DAY
    assert pair.expires_in == 60
    moved.advance(60)
    assert refused(sessions, pair.refresh_token) == "refresh_token_expired"


def test_access_token_is_not_valid_for_longer_than_its_session(ada, moved):
    sessions = TokenSessions(JWTAuthentication(), access_lifetime=60, refresh_lifetime=60, session_lifetime=100)
    begin, pair = moved.time, sessions.create(ada)
    moved.advance(50)
    pair = sessions.refresh(pair.refresh_token)
    assert (pair.expires_in, claims_of(pair.access_token)["exp"]) == (50, begin + 100)


def test_stored_expiry_is_that_of_the_policy(ada, sessions, moved):
    pair = sessions.create(ada)
    row = TokenSession.objects.get(pk=pair.session_id)
    assert clock.timestamp(row.expires_at) == moved.time + 14 * DAY
    moved.advance(100)
    sessions.refresh(pair.refresh_token)
    row.refresh_from_db()
    assert clock.timestamp(row.expires_at) == moved.time + 14 * DAY
    assert clock.timestamp(row.last_used_at) == moved.time


def test_ended_session_is_not_refreshed(ada, sessions):
    pair = sessions.create(ada)
    assert sessions.end(pair.session_id)
    assert not sessions.end(pair.session_id)
    assert not sessions.end("unknown")
    assert refused(sessions, pair.refresh_token) == "session_ended"


def test_all_sessions_are_ended_except_one(ada, sessions):
    kept, one, other = (sessions.create(ada) for _ in range(3))
    assert sessions.end_all(ada, keep=kept.session_id) == 2
    assert refused(sessions, one.refresh_token) == refused(sessions, other.refresh_token) == "session_ended"
    kept = sessions.refresh(kept.refresh_token)
    assert sessions.end_all(ada) == 1
    assert refused(sessions, kept.refresh_token) == "session_ended"


def test_sessions_of_others_are_not_ended(ada, sessions):
    bob = get_user_model().objects.create_user("bob")
    try:
        pair = sessions.create(bob)
        sessions.create(ada)
        assert sessions.end_all(ada) == 1
        sessions.refresh(pair.refresh_token)
    finally:
        bob.delete()


def test_active_sessions_are_listed(ada, sessions, moved):
    first = sessions.create(ada, RequestFactory().get("/", headers={"User-Agent": "Fire\nfox/1"}, REMOTE_ADDR="::1"))
    moved.advance(1)
    second = sessions.create(ada)
    sessions.end(sessions.create(ada).session_id)
    assert [row.pk for row in sessions.list(ada)] == [second.session_id, first.session_id]
    moved.advance(1)
    sessions.refresh(first.refresh_token)
    row = sessions.list(ada)[0]
    assert (row.pk, row.user_agent, row.ip_address) == (first.session_id, "Firefox/1", "::1")
    moved.advance(14 * DAY)
    assert sessions.list(ada) == []


def test_address_of_a_unix_socket_is_not_stored(ada, sessions):
    pair = sessions.create(ada, RequestFactory().get("/", REMOTE_ADDR="unix:", headers={"User-Agent": "x" * 999}))
    row = TokenSession.objects.get(pk=pair.session_id)
    assert (row.ip_address, row.user_agent) == (None, "x" * 255)


def test_zone_of_an_address_is_not_stored(ada, sessions):
    pair = sessions.create(ada, RequestFactory().get("/", REMOTE_ADDR="fe80::1%eth0"))
    assert TokenSession.objects.get(pk=pair.session_id).ip_address == "fe80::1"


def test_login_ends_the_oldest_sessions(ada, moved):
    sessions = TokenSessions(JWTAuthentication(), max_sessions=2)
    pairs = []
    for _ in range(4):
        moved.advance(1)
        pairs.append(sessions.create(ada))
    assert {row.pk for row in sessions.list(ada)} == {pair.session_id for pair in pairs[2:]}
    assert [refused(sessions, pair.refresh_token) for pair in pairs[:2]] == ["session_ended"] * 2
    only = TokenSessions(JWTAuthentication(), max_sessions=1).create(ada)
    assert [row.pk for row in sessions.list(ada)] == [only.session_id]


@pytest.mark.parametrize("seconds", [0, -5], ids=["same_time", "clock_behind"])
def test_login_ends_older_sessions_if_its_clock_is_not_ahead(ada, moved, seconds):
    sessions = TokenSessions(JWTAuthentication(), max_sessions=1)
    for _ in range(4):
        pair = sessions.create(ada)
        assert [row.pk for row in sessions.list(ada)] == [pair.session_id]
        assert claims_of(pair.access_token)["iat"] == moved.time
        moved.advance(seconds)
    sessions.refresh(pair.refresh_token)


def test_deactivated_user_is_not_refreshed(ada, sessions):
    pair = sessions.create(ada)
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    assert refused(sessions, pair.refresh_token) == "session_ended"
    get_user_model().objects.filter(pk=ada.pk).update(is_active=True)
    assert refused(sessions, pair.refresh_token) == "session_ended"


def test_deleted_user_is_not_refreshed(sessions):
    user = get_user_model().objects.create_user("gone")
    pair = sessions.create(user)
    user.delete()
    assert refused(sessions, pair.refresh_token) == "refresh_token_invalid"


def test_new_password_ends_sessions(ada, sessions):
    pair = sessions.create(ada)
    ada.set_password("another horse")
    # Without a signal.
    get_user_model().objects.filter(pk=ada.pk).update(password=ada.password)
    assert refused(sessions, pair.refresh_token) == "session_ended"


BETTER_HASH = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("PBKDF2", "MD5")]


@override_settings(PASSWORD_HASHERS=BETTER_HASH)
@pytest.mark.parametrize("revoke_on", [[], ["password"]], ids=["nothing", "password"])
def test_better_hash_at_a_login_ends_no_session(ada, sessions, revoke_on):
    pair, forgotten = sessions.create(ada), sessions.create(ada)
    TokenSession.objects.filter(pk=forgotten.session_id).update(auth_hash="that of an older password")
    with override_settings(BOLTGUARD_REVOKE_ON=revoke_on):
        user = get_user_model().objects.get(pk=ada.pk)
        assert user.check_password("correct horse") and user.password.startswith("pbkdf2_sha256$")
    pair = sessions.refresh(pair.refresh_token)
    assert refused(sessions, forgotten.refresh_token) == "session_ended"
    user.set_password("another")
    user.save()
    assert refused(sessions, pair.refresh_token) == "session_ended"


def test_better_hash_ends_no_session_of_an_old_secret_key(ada, sessions):
    pair = sessions.create(ada)
    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[SECRET], PASSWORD_HASHERS=BETTER_HASH):
        assert get_user_model().objects.get(pk=ada.pk).check_password("correct horse")
        assert sessions.refresh(pair.refresh_token).session_id == pair.session_id


def test_session_in_which_the_password_was_changed_continues(ada, sessions):
    pair, other = sessions.create(ada), sessions.create(ada)
    ada.set_password("another horse")
    ada.save()
    sessions.end_all(ada, keep=pair.session_id)
    sessions.refresh(pair.refresh_token)
    assert refused(sessions, other.refresh_token) == "session_ended"


def test_tokens_of_an_old_secret_key_are_refreshed(ada, sessions):
    first = sessions.create(ada)
    with override_settings(
        SECRET_KEY="the secret key after it was rotated, long enough", SECRET_KEY_FALLBACKS=[SECRET]
    ):
        second = sessions.refresh(first.refresh_token)
        third = sessions.refresh(second.refresh_token)
    assert refused(sessions, third.refresh_token) == "refresh_token_invalid"
    with override_settings(SECRET_KEY="the secret key after it was rotated, long enough"):
        sessions.refresh(third.refresh_token)


@pytest.mark.parametrize("user", [AnonymousUser(), None, get_user_model()(username="unsaved")])
def test_only_a_saved_user_has_sessions(sessions, user):
    with pytest.raises(ValueError, match="user"):
        sessions.create(user)


def test_inactive_user_has_no_session(ada, sessions):
    ada.is_active = False
    with pytest.raises(ValueError, match="inactive"):
        sessions.create(ada)


def test_claims_of_the_site_are_added(ada):
    sessions = TokenSessions(JWTAuthentication(), claims=lambda user: {"team": user.email})
    pair = sessions.create(ada)
    assert claims_of(pair.access_token)["team"] == ada.email
    assert claims_of(sessions.refresh(pair.refresh_token).access_token)["team"] == ada.email


@pytest.mark.parametrize("extra", [{"sub": "7"}, {"sid": "x"}, {"exp": 1}, None, "team"])
def test_claims_of_the_site_replace_none_of_ours(ada, extra):
    with pytest.raises(ValueError, match="claims"):
        TokenSessions(JWTAuthentication(), claims=lambda user: extra).create(ada)


def test_backend_accepts_the_access_tokens(ada):
    backend = JWTAuthentication(
        issuer=["https://shop.example", "https://old.example"],
        audience="shop",
        user_id_claim="user_id",
        typ="at+jwt",
        claims={"token_type": "access"},
    )
    pair = TokenSessions(backend, claims={"token_type": "access"}).create(ada)
    context = _rust.Gate([backend.rust], _rust.Guard.authenticated()).check(
        {"HTTP_AUTHORIZATION": f"Bearer {pair.access_token}"}
    )
    assert context.user_id == str(ada.pk)
    assert claims_of(pair.access_token)["iss"] == "https://shop.example"


def test_async_variants(ada, sessions):
    async def run():
        first = await sessions.acreate(ada)
        second = await sessions.arefresh(first.refresh_token)
        assert [row.pk for row in await sessions.alist(ada)] == [first.session_id]
        assert await sessions.aend(first.session_id)
        with pytest.raises(InvalidRefreshToken) as error:
            await sessions.arefresh(second.refresh_token)
        assert error.value.code == "session_ended"
        await sessions.acreate(ada)
        assert await sessions.aend_all(ada) == 1

    asyncio.run(run())


def test_pair_is_made_of_strings(ada, sessions):
    pair = sessions.create(ada)
    assert isinstance(pair, TokenPair)
    assert sessions.access_lifetime == timedelta(minutes=15)
