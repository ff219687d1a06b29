"""Misplaced arguments: errors of invalid calls don't show values that may be secrets."""

import inspect
import warnings

import pytest
from django.contrib.auth.models import User

from boltguard import jws, jwt
from boltguard.auth import APIKeyAuthentication, JWTAuthentication, Token, create_jwt_for_user
from boltguard.jwt import Key, KeySet, PyJWK, PyJWKClient, PyJWKSet, RemoteKeySet

KEY = "k" * 40
TOKEN = jwt.encode({"exp": 4_102_444_800}, KEY)
OCT = {"kty": "oct", "k": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"}
GRACE = User(pk=7, username="grace")
GRACE._state.adding = False
# Each with valid arguments.
CALLS = [
    (APIKeyAuthentication, {"api_keys": {KEY}}),
    (JWTAuthentication, {"secret": KEY}),
    (Key.from_base64url, {"text": OCT["k"]}),
    (Key.from_der, {"der": b"x"}),
    (Key.from_jwk, {"jwk": OCT}),
    (Key.from_pem, {"pem": "x"}),
    (Key.from_secret, {"secret": KEY}),
    (Key.generate, {"algorithm": "HS256"}),
    (Key.read, {"key": KEY, "algorithm": "HS256"}),
    (KeySet, {"keys": [Key.from_secret(KEY)]}),
    (PyJWK, {"jwk_data": OCT}),
    (PyJWKClient, {"uri": "https://id.example.com/keys"}),
    (PyJWKSet, {"keys": [OCT]}),
    (RemoteKeySet, {"url": "https://id.example.com/keys"}),
    (Token.decode, {"token": TOKEN, "secret": KEY}),
    (create_jwt_for_user, {"user": GRACE}),
    (jws.PyJWS, {}),
    (jws.decode, {"jwt": TOKEN, "key": KEY, "algorithms": ["HS256"]}),
    (jws.encode, {"payload": b"x", "key": KEY}),
    (jws.sign, {"payload": b"x", "key": KEY}),
    (jws.verify, {"token": TOKEN, "key": KEY, "algorithms": ["HS256"]}),
    (jwt.PyJWT, {}),
    (jwt.decode, {"jwt": TOKEN, "key": KEY, "algorithms": ["HS256"]}),
    (jwt.decode_complete, {"jwt": TOKEN, "key": KEY, "algorithms": ["HS256"]}),
    (jwt.encode, {"payload": {"a": 1}, "key": KEY}),
    (jwt.get_algorithm_by_name, {"alg_name": "HS256"}),
    (jwt.get_unverified_header, {"jwt": TOKEN}),
]
PLACES = [(call, right, name) for call, right in CALLS for name in inspect.signature(call).parameters]
WORD = "hunter"
SECRETS = [
    WORD,
    "hunter2 is my=secret\n",
    b"hunter2",
    [WORD],
    ("hunter2 \n",),
    {WORD: "hunter2"},
    {"keys": ["hunter2"]},
]


def texts_of(error):
    while error is not None:
        yield f"{error!r} {error}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    ("call", "right", "name"), PLACES, ids=[f"{call.__qualname__}-{name}" for call, _, name in PLACES]
)
def test_a_secret_in_the_wrong_place_is_not_shown(call, right, name):
    for secret in SECRETS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                call(**{**right, name: secret})
            except Exception as error:
                assert not any(WORD in text for text in texts_of(error)), secret


def test_right_arguments_are_taken():
    """So that the errors above are those of the argument that was changed."""
    for call, right in CALLS:
        if call not in (Key.from_der, Key.from_pem):
            call(**right)
