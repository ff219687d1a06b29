"""`SimpleJWTAuthentication` and `simplejwt_refresh_view`, with tokens and tables of simplejwt."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import JsonResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from boltguard import jwt, protect
from boltguard.auth import IsAuthenticated, IsStaff, JWTAuthentication
from boltguard.migrate import SimpleJWTAuthentication, simplejwt_refresh_view
from boltguard.migrate.simplejwt_tokens import Blacklist, SimpleJWTTokens
from boltguard.sessions import TokenSessions

from migrating import installed
from support import bearer, call, get, mount, mount_view, token, wsgi

APP = "rest_framework_simplejwt.token_blacklist"


@pytest.fixture(scope="module", autouse=True)
def tables(database):
    with installed(APP):
        yield


@pytest.fixture(autouse=True)
def _empty():
    yield
    OutstandingToken.objects.all().delete()


@protect(auth=[SimpleJWTAuthentication({}), JWTAuthentication()], guards=[IsAuthenticated()])
def view(request):
    return JsonResponse([request.context["auth_backend"], request.user.username], safe=False)


def status(token, settings=None, **arguments):
    backend = SimpleJWTAuthentication(settings or {}, **arguments)
    mount_view(protect(auth=[backend], guards=[IsStaff()])(lambda request: JsonResponse({})))
    return get(**bearer(token)).status_code


def test_access_tokens_of_both_kinds_are_accepted(ada):
    mount_view(view)
    assert get(**bearer(AccessToken.for_user(ada))).json() == ["simplejwt", "ada"]
    assert get(**bearer(token(sub=str(ada.pk)))).json() == ["jwt", "ada"]
    assert get().status_code == 401


def test_the_caller_has_the_rights_of_the_account(ada):
    old = str(AccessToken.for_user(ada))
    assert status(old) == 200
    ada.is_staff = False
    ada.save()
    assert status(old) == 403


def test_other_tokens_are_refused(ada):
    expired = AccessToken.for_user(ada)
    expired.set_exp(lifetime=-timedelta(seconds=5))
    refresh = RefreshToken.for_user(ada)
    without_id, number = AccessToken.for_user(ada), AccessToken.for_user(ada)
    del without_id["jti"]
    number["user_id"] = True
    for other in (expired, refresh, SlidingToken.for_user(ada), without_id, number, "x", "", f"{refresh} x"):
        assert status(str(other)) == 401, other
    assert status(token(secret="x" * 40, token_type="access", jti="a", user_id=str(ada.pk))) == 401
    assert status(token(token_type="access", jti="a", user_id=str(ada.pk))) == 200
    # As before version 5.5.
    assert status(token(token_type="access", jti="a", user_id=ada.pk)) == 200


def test_a_missing_and_an_inactive_user_are_refused(ada):
    old = str(AccessToken.for_user(ada))
    ada.is_active = False
    ada.save()
    assert status(old) == 401
    ada.delete()
    assert status(old) == 401


def test_the_blacklist_is_respected(ada):
    sliding = SlidingToken.for_user(ada)
    classes = {"AUTH_TOKEN_CLASSES": ["rest_framework_simplejwt.tokens.SlidingToken"]}
    assert status(str(sliding), classes) == 200
    sliding.blacklist()
    assert status(str(sliding), classes) == 401
    assert status(str(sliding), classes, blacklist=False) == 200


def test_the_settings_are_those_of_simplejwt(ada):
    settings = {
        "ALGORITHM": "HS512",
        "SIGNING_KEY": "k" * 64,
        "AUDIENCE": "shop",
        "ISSUER": "https://shop.example",
        "AUTH_HEADER_TYPES": ("JWT", "Bearer"),
        "AUTH_HEADER_NAME": "HTTP_X_ACCESS_TOKEN",
        "USER_ID_FIELD": "username",
        "USER_ID_CLAIM": "sub",
        "TOKEN_TYPE_CLAIM": "kind",
        "JTI_CLAIM": "tid",
        "CHECK_REVOKE_TOKEN": True,
    }
    claims = {"kind": "access", "tid": "a", "sub": "ada", "aud": "shop", "iss": "https://shop.example"}
    claims |= {"exp": AccessToken()["exp"], "hash_password": get_md5_hash_password(ada.password)}
    old = jwt.encode(claims, "k" * 64, algorithm="HS512")
    backend = SimpleJWTAuthentication(settings)
    mount_view(protect(auth=[backend], guards=[IsStaff()])(lambda request: JsonResponse({})))
    for scheme in ("JWT", "bearer"):
        assert get(x_access_token=f"{scheme} {old}").status_code == 200
    assert get(**bearer(old)).status_code == 401  # in the other header
    for name, value in (("aud", "other"), ("iss", "other"), ("hash_password", "0"), ("kind", "refresh")):
        other = jwt.encode({**claims, name: value}, "k" * 64, algorithm="HS512")
        assert get(x_access_token=f"JWT {other}").status_code == 401, name
    ada.set_password("another")
    ada.save()
    assert get(x_access_token=f"JWT {old}").status_code == 401


def refuse_all(user):
    return user is None


def test_the_rule_of_the_site_is_respected(ada):
    old = str(AccessToken.for_user(ada))
    assert status(old, {"USER_AUTHENTICATION_RULE": f"{__name__}.refuse_all"}) == 401
    assert status(old, {"USER_AUTHENTICATION_RULE": "ninja_jwt.authentication.default_user_authentication_rule"}) == 200


def test_a_token_in_a_cookie_requires_the_csrf_check(ada):
    backend = SimpleJWTAuthentication({}, cookie="my-app-auth")
    mount_view(protect(auth=[backend], guards=[IsStaff()])(lambda request: JsonResponse({})))
    browser = Client(enforce_csrf_checks=True)
    browser.cookies["my-app-auth"] = str(AccessToken.for_user(ada))
    assert browser.get("/view").status_code == 200
    refused = browser.post("/view")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert get(**bearer(AccessToken.for_user(ada))).status_code == 401


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ("SIMPLE_JWT", "must be a dict"),
        ({"JWK_URL": "https://id.example/jwks"}, "RemoteKeySet"),
        ({"TOKEN_TYPE_CLAIM": None}, "TOKEN_TYPE_CLAIM"),
        ({"JTI_CLAIM": None}, "JTI_CLAIM"),
        ({"ALGORITHM": "HS257"}, "HS257"),
        ({"ALGORITHM": None}, "ALGORITHM"),
        ({"ALGORITHM": "RS256"}, "VERIFYING_KEY"),
        ({"ALGORITHM": "RS256", "VERIFYING_KEY": "k" * 64}, "key"),
        ({"AUTH_TOKEN_CLASSES": ("shop.tokens.ShopToken",)}, "shop.tokens.ShopToken"),
        ({"AUTH_HEADER_NAME": "Authorization"}, "AUTH_HEADER_NAME"),
        ({"AUTH_HEADER_TYPES": ()}, "scheme"),
        ({"USER_ID_FIELD": None}, "USER_ID_FIELD"),
        ({"LEEWAY": -1}, "leeway"),
    ],
)
def test_settings_that_cant_be_followed_are_errors(settings, named):
    with pytest.raises(ImproperlyConfigured, match=named) as caught:
        SimpleJWTAuthentication(settings)
    assert "kkk" not in str(caught.value)


@pytest.mark.parametrize(("field", "named"), [("email", "unique"), ("number", "doesn't have the field")])
def test_the_field_of_the_user_is_checked(field, named):
    backend = SimpleJWTAuthentication({"USER_ID_FIELD": field})
    mount_view(protect(auth=[backend], guards=[IsStaff()])(lambda request: None))
    messages = [message.msg for message in run_checks() if message.id == "boltguard.E801"]
    assert any(named in message and repr(field) in message for message in messages)


def test_without_its_app_the_blacklist_is_an_error():
    with override_settings(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"]):
        with pytest.raises(ImproperlyConfigured, match="blacklist=False"):
            SimpleJWTAuthentication({}).tables[1].model
        with pytest.raises(ImproperlyConfigured, match="token_blacklist"):
            Blacklist("x").contains("a")


# The exchange of refresh tokens


@pytest.fixture
def sessions():
    sessions = TokenSessions(JWTAuthentication())
    mount(path("refresh", simplejwt_refresh_view(sessions, {})), path("view", view))
    return sessions


def refresh(token):
    return wsgi("post", "/refresh", body={"refresh": str(token)})


def test_a_refresh_token_begins_a_session_once(ada, sessions):
    old = RefreshToken.for_user(ada)
    response = refresh(old)
    assert (response.status_code, list(response.json())) == (200, ["access", "refresh"])
    assert response["Cache-Control"] == "no-store"
    assert get(**bearer(response.json()["access"])).json() == ["jwt", "ada"]
    assert len(sessions.list(ada)) == 1
    with pytest.raises(Exception, match="blacklisted"):
        old.check_blacklist()
    again = refresh(old)
    assert (again.status_code, again.json()["code"]) == (401, "refresh_token_invalid")
    assert len(sessions.list(ada)) == 1


def test_a_client_continues_with_the_new_refresh_token(ada, sessions):
    pair = refresh(RefreshToken.for_user(ada)).json()
    following = refresh(pair["refresh"]).json()
    assert get(**bearer(following["access"])).json() == ["jwt", "ada"]
    assert len(sessions.list(ada)) == 1
    sessions.end_all(ada)
    assert refresh(following["refresh"]).json()["code"] == "session_ended"


def test_other_refresh_tokens_are_refused(ada, sessions):
    blacklisted, expired, unknown = (RefreshToken.for_user(ada) for _ in range(3))
    blacklisted.blacklist()
    expired.set_exp(lifetime=-timedelta(seconds=5))
    unknown["user_id"] = "0"
    for other in (blacklisted, AccessToken.for_user(ada), SlidingToken.for_user(ada), unknown, "", "x"):
        response = refresh(other)
        assert (response.status_code, response.json()["code"]) == (401, "refresh_token_invalid"), other
    assert refresh(expired).json()["code"] == "refresh_token_expired"
    valid = RefreshToken.for_user(ada)
    ada.is_active = False
    ada.save()
    assert refresh(valid).status_code == 401
    assert not sessions.list(ada) and BlacklistedToken.objects.count() == 1


def test_a_token_that_began_no_session_can_be_sent_again(ada, sessions, monkeypatch):
    old = RefreshToken.for_user(ada)
    with monkeypatch.context() as patched:
        patched.setattr(sessions, "_issue", None)
        assert refresh(old).status_code == 500
    assert not BlacklistedToken.objects.exists()
    assert refresh(old).status_code == 200


def test_other_requests_to_the_view(ada, sessions):
    assert call("get", "/refresh").status_code == 405
    assert call("post", "/refresh", body={"refresh_token": "x"}).status_code == 422
    assert call("post", "/refresh", body=b"{").status_code == 422


def test_one_of_several_requests_at_once_begins_a_session(ada, sessions):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory has one connection")
    old = str(RefreshToken.for_user(ada))

    def send(_):
        try:
            return refresh(old).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == [200, 401, 401, 401]
    assert len(sessions.list(ada)) == 1


def test_the_losing_request_of_two_is_refused(ada, sessions, monkeypatch):
    """The same race without threads: the other request is served after this one has read the blacklist."""
    old, user_of, inner = str(RefreshToken.for_user(ada)), SimpleJWTTokens.user_of, []

    def user_of_after_another(self, claims):
        user = user_of(self, claims)
        if not inner:
            inner.append(None)
            inner[0] = refresh(old).status_code
        return user

    monkeypatch.setattr(SimpleJWTTokens, "user_of", user_of_after_another)
    assert (refresh(old).status_code, inner) == (401, [200])
    assert len(sessions.list(ada)) == 1


def test_the_view_requires_sessions_without_cookies():
    with_cookies = TokenSessions(JWTAuthentication(cookie="__Host-access"), cookies=True)
    for sessions in (None, with_cookies):
        with pytest.raises(ImproperlyConfigured, match="TokenSessions without cookies"):
            simplejwt_refresh_view(sessions, {})
    with override_settings(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "boltguard", "boltguard.sessions"]
    ):
        with pytest.raises(ImproperlyConfigured, match="token_blacklist"):
            simplejwt_refresh_view(TokenSessions(JWTAuthentication()), {})


def test_no_error_contains_a_token_or_a_key(ada):
    old = str(AccessToken.for_user(ada))
    backend = SimpleJWTAuthentication({"SIGNING_KEY": "k" * 40})
    assert "kkk" not in repr(vars(backend)) + repr(vars(backend._tokens)) + backend.label
    request = RequestFactory().get("/", headers=bearer(old))
    with pytest.raises(Exception) as caught:
        backend.authenticate(request)
    assert old not in str(caught.value) and caught.value.__suppress_context__
