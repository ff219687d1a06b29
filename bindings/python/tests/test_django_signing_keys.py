"""`SigningKeys`: which key signs, which keys are published and verify, and the view that publishes them."""

import json
import time
from datetime import datetime, timedelta, timezone

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import path

from boltguard import _rust, jwt
from boltguard.auth import JWTAuthentication, SigningKey, SigningKeys, create_jwt_for_user
from boltguard.jwt import Key, KeySet
from boltguard.oauth import jwks_view

from support import call, mount, wsgi

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
FAR = datetime(2020, 1, 1, tzinfo=timezone.utc)
USER = User(pk=42, username="ada")
USER._state.adding = False


def ago(seconds):
    return datetime.now(timezone.utc) - timedelta(seconds=seconds)


def rsa():
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return generate_private_key(65537, 2048)


def one(algorithm="ES256", **options):
    key = SigningKey(Key.generate(algorithm), signs_from=FAR)
    return SigningKeys([key], access_lifetime=900, **options)


def several(published, signs, **options):
    """Two keys, of which the second is published and signs so many seconds ago."""
    a, b = Key.generate("ES256", kid="a"), Key.generate("EdDSA", kid="b")
    times = {"signs_from": ago(signs), "published_from": ago(published)}
    options = {"access_lifetime": 900, "max_age": 3600, **options}
    keys = SigningKeys([SigningKey(a, signs_from=FAR), SigningKey(b, **times)], **options)
    keys.private = [a, b]
    return keys


def backend(keys, **options):
    return JWTAuthentication(keys, ["ES256", "EdDSA"], **options)


def is_accepted(backend, text):
    gate = _rust.Gate([backend.rust], _rust.Guard.authenticated())
    return isinstance(gate.check(backend.meta_with(text)), _rust.AuthContext)


def kids(keys):
    return [key["kid"] for key in json.loads(keys.rust.to_jwks())["keys"]]


def kid_of(text):
    return jwt.get_unverified_header(text)["kid"]


# --- states ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "signs", "states", "published_kids", "signing"),
    [
        (-100, -5000, ["signing", "pending"], ["a"], "a"),
        (100, -5000, ["signing", "next"], ["a", "b"], "a"),
        (5000, 100, ["retiring", "signing"], ["a", "b"], "b"),
        (5000, 900, ["retiring", "signing"], ["a", "b"], "b"),
        (5000, 970, ["retired", "signing"], ["b"], "b"),
    ],
)
def test_the_times_decide(published, signs, states, published_kids, signing):
    keys = several(published, signs)
    assert keys.states() == dict(zip("ab", states, strict=True))
    assert kids(keys) == published_kids
    assert kid_of(create_jwt_for_user(USER, 60, secret=keys)) == signing


def test_a_state_at_another_time_and_the_end_of_publication_can_be_asked():
    keys = several(100, -5000, leeway=30)
    later = datetime.now(timezone.utc) + timedelta(seconds=5100)
    assert keys.states(later) == {"a": "retiring", "b": "signing"}
    until = keys.published_until()
    assert until["b"] is None and abs(until["a"] - later - timedelta(seconds=890)) < timedelta(seconds=5)
    assert keys.states(until["a"]) == {"a": "retired", "b": "signing"}


def test_the_kid_is_the_thumbprint_by_default():
    named, unnamed = Key.generate("ES256", kid="mine"), Key.generate("EdDSA")
    for key, options, expected in [
        (named, {}, "mine"),
        (unnamed, {}, unnamed.thumbprint()),
        (unnamed, {"kid": "other"}, "other"),
    ]:
        keys = SigningKeys([SigningKey(key, signs_from=FAR, **options)], access_lifetime=60)
        assert kids(keys) == [expected] == [kid_of(create_jwt_for_user(USER, 60, secret=keys))]


# --- configuration ---------------------------------------------------------------------------------------------------


def test_a_key_must_be_published_before_it_signs():
    start = datetime(2030, 1, 1, tzinfo=timezone.utc)

    def keys(signs_from):
        first = SigningKey(Key.generate("ES256"), signs_from=FAR)
        second = SigningKey(Key.generate("ES256"), published_from=start, signs_from=signs_from)
        return SigningKeys([first, second], access_lifetime=900, max_age=timedelta(hours=2))

    assert keys(start + timedelta(hours=2))
    with pytest.raises(ImproperlyConfigured, match=r"keys\[1\].*signs_from is 2030-01-01T02:00:00\+00:00"):
        keys(start + timedelta(hours=2, seconds=-1))


def invalid_keys():
    es256 = SigningKey(Key.generate("ES256", kid="a"), signs_from=FAR)
    later = {"signs_from": ago(1), "published_from": FAR}
    yield [], "no signing keys"
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    yield [SigningKey(Key.generate("ES256"), signs_from=tomorrow)], "no key signs yet"
    yield [es256, SigningKey(Key.generate("ES256"), signs_from=ago(1))], r"keys\[1\] requires published_from"
    yield [es256, SigningKey(Key.generate("ES256", kid="a"), **later)], "same kid"
    yield [es256, es256], "same key"
    early = {"signs_from": FAR, "published_from": FAR - timedelta(days=1)}
    yield [es256, SigningKey(Key.generate("ES256"), **early)], "sort the keys"
    yield [SigningKey(b"x" * 64, "HS256", signs_from=FAR)], r"keys\[0\] is an HMAC secret, which can't be published"
    yield [SigningKey(Key.generate("ES256").public_key(), signs_from=FAR)], "requires a private key"
    yield [SigningKey(Key.generate("ES256"), "EdDSA", signs_from=FAR)], "another type of key"
    yield es256, "must be a list of SigningKey"
    yield ["x"], "Use SigningKey"


@pytest.mark.parametrize(("keys", "message"), list(invalid_keys()))
def test_invalid_keys_are_an_error_at_start(keys, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        SigningKeys(keys, access_lifetime=900)


@pytest.mark.parametrize(
    "options",
    [
        {"access_lifetime": 0},
        {"access_lifetime": "900"},
        {"access_lifetime": True},
        {"max_age": -1},
        {"max_age": float("nan")},
        {"leeway": timedelta(seconds=-1)},
        {"leeway": None},
    ],
)
def test_invalid_lifetimes_are_an_error_at_start(options):
    with pytest.raises(ImproperlyConfigured, match=next(iter(options))):
        SigningKeys([SigningKey(Key.generate("ES256"), signs_from=FAR)], **{"access_lifetime": 900, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"signs_from": datetime(2020, 1, 1)}, "aware datetime"),  # noqa: DTZ001
        ({"signs_from": 5}, "aware datetime"),
        ({"published_from": "2020-01-01"}, "aware datetime"),
        ({"algorithm": "es256"}, "algorithm"),
        ({"kid": ""}, "kid"),
        ({"key": "secret-text"}, "SigningKey"),
    ],
)
def test_an_invalid_key_is_an_error_and_not_shown(options, message):
    arguments = {"key": Key.generate("ES256"), "signs_from": FAR, **options}
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        SigningKey(**arguments)
    assert "secret-text" not in str(caught.value)


def test_an_algorithm_must_be_chosen_where_there_are_several():
    with pytest.raises(ImproperlyConfigured, match="several algorithms"):
        SigningKey(rsa(), signs_from=FAR)


def test_reprs_show_no_key_material():
    keys = one()
    assert repr(SigningKey(Key.generate("ES256"), signs_from=FAR)) == "<SigningKey: ES256>"
    assert repr(keys) == repr(keys.rust) == f"<SigningKeys {json.dumps(list(keys.states()))}>"


# --- signing and verifying -------------------------------------------------------------------------------------------


def test_tokens_of_all_published_keys_are_accepted():
    keys = several(5000, 100)
    accepts = backend(keys)
    old = _rust.Minter(keys.private[0], "ES256", kid="a")
    assert is_accepted(accepts, create_jwt_for_user(USER, 60, secret=keys))
    assert is_accepted(accepts, old.mint("42", 60, {}))


def test_tokens_of_retired_and_pending_keys_are_refused():
    for published, signs, index, algorithm in [(9000, 5000, 0, "ES256"), (-100, -5000, 1, "EdDSA")]:
        keys = several(published, signs)
        text = _rust.Minter(keys.private[index], algorithm, kid="ab"[index]).mint("42", 60, {})
        assert not is_accepted(backend(keys), text)


def test_a_running_backend_follows_the_times():
    keys = several(-1, -10, max_age=5)
    gate, text = backend(keys), _rust.Minter(keys.private[1], "EdDSA", kid="b").mint("42", 600, {})
    compiled = _rust.Gate([gate.rust], _rust.Guard.authenticated())
    assert isinstance(compiled.check(gate.meta_with(text)), _rust.Refusal)
    end = time.monotonic() + 60
    while isinstance(compiled.check(gate.meta_with(text)), _rust.Refusal):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert keys.states()["b"] != "pending"


def test_the_backend_must_allow_the_algorithms_and_the_leeway():
    keys = several(5000, 100)
    with pytest.raises(ImproperlyConfigured, match="algorithms must contain EdDSA"):
        JWTAuthentication(keys, ["ES256"])
    with pytest.raises(ImproperlyConfigured, match="algorithms must contain ES256, EdDSA"):
        JWTAuthentication(keys)
    with pytest.raises(ImproperlyConfigured, match=r"SigningKeys\(leeway=5\)"):
        backend(keys, leeway=5)
    assert backend(several(5000, 100, leeway=5), leeway=5)


def test_tokens_do_not_outlive_the_publication_of_their_key():
    keys = one()
    assert create_jwt_for_user(USER, 900, secret=keys)
    with pytest.raises(ValueError, match="longer than access_lifetime"):
        create_jwt_for_user(USER, 901, secret=keys)
    for options in ({"kid": "x"}, {"algorithm": "ES256"}):
        with pytest.raises(ValueError, match="SigningKeys determine"):
            create_jwt_for_user(USER, 60, secret=keys, **options)


def test_the_type_of_tokens_can_be_chosen():
    assert jwt.get_unverified_header(create_jwt_for_user(USER, 60, secret=one()))["typ"] == "JWT"
    assert jwt.get_unverified_header(create_jwt_for_user(USER, 60, secret=one(typ="at+jwt")))["typ"] == "at+jwt"


# --- the view --------------------------------------------------------------------------------------------------------


def test_the_published_keys_are_served():
    keys = several(100, -5000)
    mount(path(".well-known/jwks.json", jwks_view(keys)))
    response = call("get", "/.well-known/jwks.json")
    assert response["Content-Type"] == "application/jwk-set+json"
    assert response["Cache-Control"] == "public, max-age=3600" and "Vary" not in response
    published = KeySet.from_jwks(response.json())
    text = create_jwt_for_user(USER, 60, secret=keys)
    assert jwt.decode(text, published, ["ES256"])["sub"] == "42"
    unchanged = wsgi("get", "/.well-known/jwks.json", {"If-None-Match": response["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged["ETag"] == response["ETag"] and unchanged["Cache-Control"] == response["Cache-Control"]
    assert wsgi("get", "/.well-known/jwks.json", {"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"])
def test_only_public_members_are_served(algorithm):
    key = rsa() if algorithm[:2] in ("RS", "PS") else Key.generate(algorithm)
    keys = SigningKeys([SigningKey(key, algorithm, signs_from=FAR)], access_lifetime=60)
    mount(path("jwks", jwks_view(keys)))
    (served,) = call("get", "/jwks").json()["keys"]
    assert not PRIVATE_MEMBERS & set(served)
    assert served["use"] == "sig" and served["alg"] == algorithm and served["kid"]


def test_other_methods_are_not_allowed():
    mount(path("jwks", jwks_view(one())))
    head = call("head", "/jwks")
    assert (head.status_code, head.content) == (200, b"")
    for method in ("post", "put", "delete"):
        response = call(method, "/jwks")
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@override_settings(
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
)
def test_the_keys_are_public_where_the_site_requires_a_login():
    mount(path("jwks", jwks_view(one())))
    assert call("get", "/jwks").status_code == 200


def test_only_signing_keys_are_served():
    for keys in (Key.generate("ES256"), "secret-text", None, [one()]):
        with pytest.raises(ImproperlyConfigured, match="It must be SigningKeys") as caught:
            jwks_view(keys)
        assert "secret-text" not in str(caught.value)
