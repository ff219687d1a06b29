"""Tokens for users, and tokens as objects."""

import datetime
import time
import uuid

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import JsonResponse
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from boltguard import protect
from boltguard.auth import IsAuthenticated, JWTAuthentication, Token, create_jwt_for_user
from boltguard.exceptions import ExpiredSignatureError, InvalidAlgorithmError, InvalidSignatureError
from boltguard.jwt import Key

from conftest import SECRET
from people.models import Member
from support import b64, bearer, claims_of, get, mount_view, token

GRACE = User(pk=7, username="grace", is_staff=True)
GRACE._state.adding = False


def test_the_claims_of_a_token():
    claims = claims_of(create_jwt_for_user(GRACE))
    assert {"sub": "7", "is_staff": True, "is_superuser": False, "username": "grace"}.items() <= claims.items()
    assert abs(claims["exp"] - time.time() - 3600) < 5 and abs(claims["iat"] - time.time()) < 5
    assert uuid.UUID(claims["jti"]).version == 7
    assert "permissions" not in claims and "aud" not in claims and "iss" not in claims
    assert claims["jti"] != claims_of(create_jwt_for_user(GRACE))["jti"]


def test_options_of_a_token():
    options = {"issuer": "me", "audience": ["a", "b"], "kid": "k1", "secret": "s" * 64, "algorithm": "HS512"}
    text = create_jwt_for_user(GRACE, datetime.timedelta(minutes=5), {"tenant": 3}, **options)
    claims = claims_of(text)
    assert abs(claims["exp"] - time.time() - 300) < 5
    assert (claims["tenant"], claims["iss"], claims["aud"]) == (3, "me", ["a", "b"])
    header = claims_of("." + text)
    assert (header["alg"], header["kid"]) == ("HS512", "k1")


def test_minted_tokens_open_doors_and_follow_the_secret_key():
    mount_view(protect(auth=[JWTAuthentication()], guards=[IsAuthenticated()])(lambda request: JsonResponse({})))
    assert get(**bearer(create_jwt_for_user(GRACE))).status_code == 200
    with override_settings(SECRET_KEY="another" * 10):
        assert get(**bearer(create_jwt_for_user(GRACE))).status_code == 200
        assert get(**bearer(create_jwt_for_user(GRACE, secret=SECRET))).status_code == 401


def test_tokens_of_asymmetric_keys():
    key = Key.generate("ES256")
    text = create_jwt_for_user(GRACE, secret=key, algorithm="ES256")
    backend = JWTAuthentication(secret=key.public_key(), algorithms=["ES256"])
    mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(lambda request: JsonResponse({})))
    assert get(**bearer(text)).status_code == 200
    with pytest.raises(ValueError, match="The default is HS256.*algorithm='ES256'"):
        create_jwt_for_user(GRACE, secret=key)
    with pytest.raises(ValueError, match="audience is of type bytes. It must be a string"):
        create_jwt_for_user(GRACE, secret=SECRET, audience=b"shop")
    with pytest.raises(ValueError, match="ES256 requires a private key as secret="):
        create_jwt_for_user(GRACE, algorithm="ES256")


def test_extras_of_every_json_able_kind():
    extras = {
        "uuid": uuid.UUID(int=1),
        "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),
        "day": datetime.date(2026, 1, 2),
        "set": {"a"},
        "big": 2**70,
        "nested": {"list": [1, None, {"a": "zażółć"}]},
    }
    claims = claims_of(create_jwt_for_user(GRACE, extra_claims=extras))
    assert claims["uuid"] == str(uuid.UUID(int=1)) and claims["day"] == "2026-01-02"
    assert claims["when"].startswith("2026-01-02T00:00:00") and claims["set"] == ["a"]
    assert claims["big"] == 2**70 and claims["nested"] == extras["nested"]


@pytest.mark.parametrize("user", [AnonymousUser(), User(), User(pk=7), None, User, "ada", 7])
def test_anonymous_users_get_no_token(user):
    with pytest.raises(ValueError, match="user"):
        create_jwt_for_user(user)


@pytest.mark.parametrize("expires_in", [0, -1, float("nan"), float("inf"), True, None, "3600", datetime.timedelta(0)])
def test_no_token_without_a_life(expires_in):
    with pytest.raises(ValueError, match="expires_in"):
        create_jwt_for_user(GRACE, expires_in=expires_in)


@pytest.mark.parametrize("name", ["sub", "exp", "iat", "jti"])
def test_extras_replace_nothing_that_matters(name):
    with pytest.raises(ValueError, match=name):
        create_jwt_for_user(GRACE, extra_claims={name: "x"})


def test_extras_that_have_no_json():
    with pytest.raises((TypeError, ValueError)):
        create_jwt_for_user(GRACE, extra_claims={"thing": object()})


@pytest.mark.parametrize("claims", [{"aud": 7}, {"aud": ["a", 7]}, {"nbf": "1800000000"}])
def test_a_registered_claim_of_the_wrong_type_is_refused(claims):
    with pytest.raises(ValueError, match="wrong type"):
        create_jwt_for_user(GRACE, extra_claims=claims)


def test_a_user_model_of_another_shape():
    member = Member(email="m@example.org")
    with pytest.raises(ValueError, match="not saved"):
        create_jwt_for_user(member)
    member._state.adding = False
    claims = claims_of(create_jwt_for_user(member))
    assert (claims["sub"], claims["username"], claims["is_staff"]) == (str(member.pk), "m@example.org", False)


def test_a_token_as_an_object():
    text = token(sub="7", iat=1, jti="j", iss="me", is_staff=True, permissions=["a"], tenant={"id": 3})
    read = Token.decode(text, issuer="me")
    assert (read.sub, read.jti, read.iss, read.is_staff, read.permissions) == ("7", "j", "me", True, ["a"])
    assert read.iat == datetime.datetime.fromtimestamp(1, datetime.timezone.utc) and read.extras == {
        "tenant": {"id": 3}
    }
    assert Token.decode(read.encode(), issuer="me") == read
    with pytest.raises(InvalidSignatureError):
        Token.decode(text, "another-secret" * 5)
    with pytest.raises(ExpiredSignatureError):
        Token.decode(token(sub="7", exp=1))
    with override_settings(SECRET_KEY="another" * 10, SECRET_KEY_FALLBACKS=[SECRET]):
        assert Token.decode(text, issuer="me").sub == "7"


def test_a_token_from_a_context():
    seen = []

    @protect(auth=[JWTAuthentication()])
    def view(request):
        seen.append(Token.from_context(request.context))
        return JsonResponse({})

    mount_view(view)
    get(**bearer(sub="7", tenant="acme"))
    get()
    assert seen[0].sub == "7" and seen[0].extras == {"tenant": "acme"} and seen[-1] is None


def test_b64_of_the_tests_is_what_tokens_use():
    assert b64(b"\xfb\xff") == "-_8"


class Role:
    """A user with the flags that the test sets."""

    pk = 7
    is_anonymous = False

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def get_username(self):
        return "grace"


@pytest.mark.parametrize("name", ["is_staff", "is_superuser", "is_anonymous"])
@pytest.mark.parametrize("value", [lambda: False, None, 0, 1, "no", [], object()])
def test_a_flag_that_is_not_a_bool_is_refused_with_the_name_of_the_model(name, value):
    with pytest.raises(ValueError, match=rf"Role\.{name} is .*. It must be True or False"):
        create_jwt_for_user(Role(**{name: value}))


def test_a_flag_that_is_a_method_of_the_model_is_refused():
    class Account(Role):
        def is_staff(self):
            return False

    with pytest.raises(ValueError, match=r"Account\.is_staff is of type method"):
        create_jwt_for_user(Account())
    with pytest.raises(ValueError, match=r"Account\.is_staff"):
        create_jwt_for_user(SimpleLazyObject(Account))


def test_a_model_without_flags_says_no():
    claims = claims_of(create_jwt_for_user(Role()))
    assert (claims["is_staff"], claims["is_superuser"], claims["username"]) == (False, False, "grace")
    claims = claims_of(create_jwt_for_user(Role(is_staff=True)))
    assert (claims["is_staff"], claims["is_superuser"]) == (True, False)


@pytest.mark.parametrize("name", ["is_staff", "is_superuser"])
def test_a_flag_among_the_extras_is_a_bool_too(name):
    assert claims_of(create_jwt_for_user(GRACE, extra_claims={name: True}))[name] is True
    with pytest.raises(ValueError, match=rf"extra_claims\['{name}'\] is of type str"):
        create_jwt_for_user(GRACE, extra_claims={name: "no"})


def test_a_primary_key_that_is_a_method_or_empty_is_refused():
    for pk in (lambda: 7, ""):
        with pytest.raises(ValueError, match=r"Role\.pk is"):
            create_jwt_for_user(Role(pk=pk))


def test_a_username_that_is_a_method_is_refused_and_none_is_omitted():
    assert "username" not in claims_of(create_jwt_for_user(Role(get_username=lambda: None)))
    with pytest.raises(ValueError, match=r"Role\.get_username is of type str"):
        create_jwt_for_user(Role(get_username="grace"))
    with pytest.raises(ValueError, match=r"Role\.get_username\(\) returned"):
        create_jwt_for_user(Role(get_username=lambda: lambda: "grace"))


def test_token_object_reads_grants_like_the_engine():
    claims = {"is_staff": "no", "is_superuser": 1, "permissions": "blog.add_post"}
    read = Token.from_claims(claims)
    assert (read.is_staff, read.is_superuser, read.permissions) == (False, False, [])
    read = Token.from_claims({"is_staff": True, "permissions": ["a", 1]})
    assert (read.is_staff, read.permissions) == (True, ["a"])


TYPO = "hunter2-my-secret"


def test_a_token_object_shows_no_claim_but_its_subject():
    read = Token.from_claims({"sub": "7", "jti": "the-id", "permissions": ["a.b"], "iss": "me", "email": "g@x.org"})
    assert repr(read) == str(read) == "Token(sub='7')"


@pytest.mark.parametrize(("seconds", "year"), [(10**15, 9999), (1e300, 9999), (-(10**15), 1)])
def test_a_date_beyond_the_calendar_is_its_end(seconds, year):
    """A token whose dates are in milliseconds is valid, and doesn't result in a 500."""
    assert Token.from_claims({"iat": seconds}).iat.year == year
    assert Token.from_claims(Token.from_claims({"iat": seconds}).claims).iat.year == year


@pytest.mark.parametrize(
    "arguments",
    [
        {"expires_in": TYPO},
        {"expires_in": TYPO.encode()},
        {"extra_claims": TYPO},
        {"algorithm": TYPO},
        {"algorithm": TYPO.encode()},
        {"algorithm": TYPO, "secret": "HS256"},
        {"algorithm": "hunter", "secret": "HS256"},
        {"issuer": TYPO.encode()},
        {"audience": TYPO.encode()},
        {"audience": [TYPO.encode()]},
        {"kid": TYPO.encode()},
    ],
    ids=repr,
)
def test_an_argument_in_the_wrong_place_is_refused_without_being_shown(arguments):
    with pytest.raises(ValueError) as caught:
        create_jwt_for_user(GRACE, **arguments)
    assert "hunter" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "arguments", [{"issuer": "me", "extra_claims": {"iss": "x"}}, {"audience": "me", "extra_claims": {"aud": "x"}}]
)
def test_a_claim_named_twice_is_refused(arguments):
    with pytest.raises(ValueError, match="extra_claims can't replace"):
        create_jwt_for_user(GRACE, **arguments)


@pytest.mark.parametrize("arguments", [{"issuer": ""}, {"audience": ""}, {"audience": []}, {"audience": ["a", 7]}])
def test_an_issuer_or_audience_that_names_no_one_is_refused(arguments):
    with pytest.raises(ValueError, match="issuer|audience"):
        create_jwt_for_user(GRACE, **arguments)


def test_the_algorithms_of_a_token_object_may_be_one_name():
    text = token(sub="7")
    assert Token.decode(text, algorithms="HS256").sub == "7"
    with pytest.raises(InvalidAlgorithmError) as caught:
        Token.decode(text, algorithms=TYPO)
    assert "hunter" not in str(caught.value)
