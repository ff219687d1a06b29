"""Compatibility with code for PyJWT: names, arguments, exceptions, and tokens both ways."""

import inspect

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from boltguard import jws, jwt
from boltguard.jwt import algorithms, exceptions

SECRET = "a secret that is longer than sixty-four bytes, so that it is one for HS512 as well"
FAR = 4_102_444_800
LATER = {"PyJWKClient"}


def test_every_public_name_is_there():
    assert set(pyjwt.__all__) - LATER <= set(jwt.__all__)


def test_exceptions_have_the_same_hierarchy():
    theirs = {name: kind for name, kind in vars(pyjwt.exceptions).items() if inspect.isclass(kind)}
    for name, kind in theirs.items():
        ours = getattr(exceptions, name)
        assert [parent.__name__ for parent in ours.__mro__] == [parent.__name__ for parent in kind.__mro__], name
        assert issubclass(ours, jwt.PyJWTError) and isinstance(ours.code, str)


def names_of(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "kwargs")]


@pytest.mark.parametrize("name", ["decode", "decode_complete", "encode"])
@pytest.mark.parametrize("pair", [(jwt, pyjwt), (jwt.PyJWT, pyjwt.PyJWT)], ids=["functions", "PyJWT"])
def test_arguments_have_the_same_names_in_the_same_order(pair, name):
    ours, theirs = (names_of(getattr(owner, name)) for owner in pair)
    assert ours[: len(theirs)] == theirs


def test_the_argument_of_get_unverified_header_has_the_same_name():
    assert names_of(jwt.get_unverified_header) == names_of(pyjwt.get_unverified_header)


@pytest.mark.parametrize("name", ["encode", "decode", "decode_complete", "get_unverified_header", "get_algorithms"])
def test_the_arguments_of_pyjws_have_the_same_names_in_the_same_order(name):
    ours, theirs = names_of(getattr(jwt.PyJWS, name)), names_of(getattr(pyjwt.PyJWS, name))
    assert ours[: len(theirs)] == theirs


def test_every_option_has_its_name():
    for name in pyjwt.types.Options.__annotations__:
        value = [] if name == "require" else True
        assert jwt.decode(jwt.encode({}, SECRET), SECRET, ["HS256"], options={"require": [], name: value}) == {}


RSA_KEY = rsa.generate_private_key(65537, 2048)
KEYS = {
    **dict.fromkeys(["HS256", "HS384", "HS512"], (SECRET, SECRET)),
    **dict.fromkeys(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], (RSA_KEY, RSA_KEY.public_key())),
}
for _name, _key in {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}.items():
    KEYS[_name] = (_key, _key.public_key())


@pytest.mark.parametrize("algorithm", KEYS)
def test_tokens_go_both_ways(algorithm):
    private, public = KEYS[algorithm]
    claims = {"sub": "1", "exp": FAR, "aud": ["a", "b"], "text": "zażółć", "nested": {"a": [1, None, 2.5]}}
    for maker, reader in ((jwt, pyjwt), (pyjwt, jwt)):
        token = maker.encode(claims, private, algorithm=algorithm, headers={"kid": "k"})
        assert reader.decode(token, public, algorithms=[algorithm], audience="a") == claims
        assert reader.get_unverified_header(token) == {"alg": algorithm, "typ": "JWT", "kid": "k"}


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA", "RS256"])
def test_signatures_that_are_not_random_are_the_same(algorithm):
    private, _ = KEYS[algorithm]
    claims, headers = {"sub": "1", "exp": FAR}, {"kid": "k", "x": 1}
    ours, theirs = (maker.encode(claims, private, algorithm=algorithm, headers=headers) for maker in (jwt, pyjwt))
    assert ours == theirs


@pytest.mark.parametrize(
    ("claims", "arguments"),
    [
        ({"exp": 1}, {}),
        ({"exp": FAR, "nbf": FAR}, {}),
        ({"exp": FAR, "iat": "x"}, {}),
        ({"exp": FAR, "exp2": 1}, {"options": {"require": ["jti"]}}),
        ({"exp": FAR, "aud": "a"}, {}),
        ({"exp": FAR, "aud": "a"}, {"audience": "b"}),
        ({"exp": FAR, "aud": ["a"]}, {"audience": ["b", "c"]}),
        ({"exp": FAR}, {"audience": "b"}),
        ({"exp": FAR, "iss": "a"}, {"issuer": "b"}),
        ({"exp": FAR, "iss": "a"}, {"issuer": ["b"]}),
        ({"exp": FAR}, {"issuer": "b"}),
        ({"exp": FAR, "sub": 1}, {}),
        ({"exp": FAR, "sub": "1"}, {"subject": "2"}),
        ({"exp": FAR, "jti": 1}, {}),
        ({"exp": "x"}, {}),
        ({"exp": FAR, "nbf": "x"}, {}),
        ({"exp": FAR}, {"algorithms": ["HS512"]}),
        ({"exp": FAR}, {"key": "another secret, as long as the first one was, or nearly so"}),
        ({"exp": FAR}, {"algorithms": None}),
        ({"exp": FAR, "aud": ["a"]}, {"audience": "a", "options": {"strict_aud": True}}),
    ],
)
def test_what_both_refuse_is_refused_by_the_same_class(claims, arguments):
    token = pyjwt.encode(claims, SECRET)
    classes = []
    for library in (pyjwt, jwt):
        with pytest.raises(library.PyJWTError) as caught:
            library.decode(token, **{"key": SECRET, "algorithms": ["HS256"], **arguments})
        classes.append(type(caught.value).__name__)
    assert classes[0] == classes[1]


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "....", "e30.e30.e30", None, 5])
def test_what_is_not_a_token_is_refused_by_both(token):
    for library in (pyjwt, jwt):
        with pytest.raises(library.InvalidTokenError):
            library.decode(token, SECRET, algorithms=["HS256"])


@pytest.mark.parametrize("payload", ["text", ["a"], None, {"iss": 1}, {"a": {1}}, {"a": b"x"}])
def test_what_both_do_not_write(payload):
    for library in (pyjwt, jwt):
        with pytest.raises(TypeError):
            library.encode(payload, SECRET)


def test_object_has_its_own_options():
    token = jwt.encode({"sub": "1"}, SECRET)
    lenient = jwt.PyJWT({"require": []})
    assert lenient.decode(token, SECRET, ["HS256"]) == {"sub": "1"}
    assert lenient.decode_complete(token, SECRET, ["HS256"])["payload"] == {"sub": "1"}
    with pytest.raises(jwt.MissingRequiredClaimError):
        lenient.decode(token, SECRET, ["HS256"], options={"require": ["exp"]})
    assert lenient.decode(lenient.encode({"a": 1}, SECRET, "HS256"), SECRET, ["HS256"]) == {"a": 1}


def test_the_classes_of_algorithms_have_their_names():
    for name in (
        "HMACAlgorithm",
        "RSAAlgorithm",
        "RSAPSSAlgorithm",
        "ECAlgorithm",
        "OKPAlgorithm",
        "get_default_algorithms",
    ):
        assert hasattr(pyjwt.algorithms, name) and hasattr(algorithms, name)
    for name in algorithms.get_default_algorithms():
        ours, theirs = jwt.get_algorithm_by_name(name), pyjwt.get_algorithm_by_name(name)
        assert type(ours).__name__ == type(theirs).__name__


def test_detached_and_unverified_helpers():
    token = jws.encode(b"payload", SECRET)
    assert (
        pyjwt.PyJWS().decode(token, SECRET, algorithms=["HS256"])
        == jws.decode(token, SECRET, algorithms=["HS256"])
        == b"payload"
    )
    claims = {"exp": 1, "aud": "x"}
    token = pyjwt.encode(claims, SECRET)
    for library in (pyjwt, jwt):
        assert library.decode(token, options={"verify_signature": False}) == claims
