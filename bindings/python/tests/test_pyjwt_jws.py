"""`PyJWS`, headers and signing: behaviour that PyJWT's users rely on."""

import json
import warnings

import jwt as pyjwt
import pytest

from boltguard import jws, jwt
from boltguard.jwt.algorithms import HMACAlgorithm, NoneAlgorithm
from boltguard.jwt.utils import base64url_decode, base64url_encode

from issuer import Issuer, serving

SECRET = "a secret that is longer than thirty-two bytes"
PAYLOAD = b"hello world"
BOTH = [pytest.param(jwt, id="ours"), pytest.param(pyjwt, id="PyJWT")]


def header_of(token):
    return json.loads(base64url_decode(token.split(".")[0]))


def test_object_has_its_own_algorithms():
    one = jwt.PyJWS(algorithms=["HS256"])
    assert one.get_algorithms() == ["HS256"] and "HS512" in jwt.PyJWS().get_algorithms()
    token = jwt.PyJWS().encode(PAYLOAD, SECRET * 2, "HS512")
    for algorithms in (["HS512"], ["HS256", "HS512"]):
        with pytest.raises(jwt.InvalidAlgorithmError):
            one.decode(token, SECRET * 2, algorithms)
    with pytest.raises(NotImplementedError):
        one.encode(PAYLOAD, SECRET * 2, "HS512")
    with pytest.raises(NotImplementedError):
        one.encode(PAYLOAD, SECRET * 2, headers={"alg": "HS512"})
    with pytest.raises(NotImplementedError):
        one.get_algorithm_by_name("HS512")
    bound = jwt.PyJWK({"kty": "oct", "k": base64url_encode(SECRET.encode() * 2).decode(), "alg": "HS512"})
    with pytest.raises(jwt.InvalidAlgorithmError):
        one.decode(token, bound)
    assert one.decode(token, options={"verify_signature": False}) == PAYLOAD


def test_an_algorithm_is_removed_from_an_object_and_added_again():
    one = jwt.PyJWS()
    one.unregister_algorithm("HS256")
    assert "HS256" not in one.get_algorithms() and "HS256" in jwt.PyJWS().get_algorithms()
    with pytest.raises(jwt.InvalidAlgorithmError):
        one.decode(jws.encode(PAYLOAD, SECRET), SECRET, ["HS256"])
    with pytest.raises(KeyError):
        one.unregister_algorithm("HS256")
    one.register_algorithm("HS256", HMACAlgorithm(HMACAlgorithm.SHA256))
    assert one.decode(jws.encode(PAYLOAD, SECRET), SECRET, ["HS256"]) == PAYLOAD
    with pytest.raises(ValueError):
        one.register_algorithm("HS256", HMACAlgorithm(HMACAlgorithm.SHA256))
    with pytest.raises(TypeError):
        one.register_algorithm("AAA123", {})
    for name, algorithm in (("AAA", NoneAlgorithm()), ("AAA", HMACAlgorithm(HMACAlgorithm.SHA256))):
        with pytest.raises(NotImplementedError):
            one.register_algorithm(name, algorithm)


@pytest.mark.parametrize("library", BOTH)
def test_an_unknown_algorithm_does_not_sign_and_is_not_implemented(library):
    for algorithm in ("hs256", "HS1024", ""):
        with pytest.raises(NotImplementedError):
            library.PyJWS().encode(PAYLOAD, SECRET, algorithm)
    with pytest.raises(NotImplementedError):
        library.get_algorithm_by_name("HS1024")


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize(("typ", "written"), [("at+jwt", "at+jwt"), ("", None), (None, None)])
def test_a_type_is_written_or_left_out(library, typ, written):
    assert header_of(library.PyJWS().encode(PAYLOAD, SECRET, headers={"typ": typ})).get("typ") == written
    assert header_of(library.encode({}, SECRET, headers={"typ": typ})).get("typ") == written


@pytest.mark.parametrize("library", BOTH)
def test_subclass_has_its_own_type(library):
    kind = type("Own", (library.PyJWS,), {"header_typ": "own"})
    assert header_of(kind().encode(PAYLOAD, SECRET)) == {"alg": "HS256", "typ": "own"}
    assert header_of(kind().encode(PAYLOAD, SECRET, headers={"typ": "x", "kid": "k"}))["typ"] == "x"


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("headers", [{"kid": 123}, {"kid": None}, {"kid": ["a"]}])
def test_a_kid_is_a_string(library, headers):
    with pytest.raises(library.InvalidTokenError):
        library.PyJWS().encode(PAYLOAD, SECRET, headers=headers)


@pytest.mark.parametrize("library", BOTH)
def test_headers_are_the_same_for_both(library):
    headers = {"kid": "k", "b": True, "a": {"n": [1, None, 2.5, "é"]}, "typ": "x"}
    for is_sorted in (True, False):
        token = library.PyJWS().encode(PAYLOAD, SECRET, headers=headers, sort_headers=is_sorted)
        ours = jwt.PyJWS().encode(PAYLOAD, SECRET, headers=headers, sort_headers=is_sorted)
        assert list(header_of(token).items()) == list(header_of(ours).items())
        assert library.get_unverified_header(token) == {"alg": "HS256", **headers}


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS256", "kid": 1},
        {"alg": "HS256", "crit": ["exp"], "exp": 1},
        {"alg": "HS256", "crit": []},
        {"alg": "HS256", "crit": "b64"},
        {"alg": "HS256", "crit": [1]},
        {"alg": "HS256", "crit": ["b64"]},
        [],
        1,
    ],
    ids=repr,
)
def test_a_header_that_is_refused_is_not_shown_either(library, header):
    token = f"{base64url_encode(json.dumps(header).encode()).decode()}.e30.AAAA"
    for call in (
        library.get_unverified_header,
        lambda token: library.decode(token, options={"verify_signature": False}),
        lambda token: library.decode(token, SECRET, ["HS256"]),
    ):
        with pytest.raises(library.InvalidTokenError):
            call(token)


def detached_by(library, **options):
    return library.PyJWS().encode(PAYLOAD, SECRET, **options)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize(
    "options",
    [
        {"is_payload_detached": True},
        {"headers": {"b64": False}},
        {"headers": {"b64": False, "crit": ["b64"]}},
        {"headers": {"crit": ["b64"]}, "is_payload_detached": True},
    ],
    ids=repr,
)
def test_detached_payloads_go_both_ways(library, options):
    token = detached_by(library, **options)
    header, payload, _ = token.split(".")
    assert payload == "" and json.loads(base64url_decode(header)) == {
        "alg": "HS256",
        "typ": "JWT",
        "b64": False,
        "crit": ["b64"],
    }
    for reader in (jwt, pyjwt):
        one = reader.PyJWS()
        assert one.decode(token, SECRET, ["HS256"], detached_payload=PAYLOAD) == PAYLOAD
        assert one.decode_complete(token, SECRET, ["HS256"], detached_payload=PAYLOAD)["payload"] == PAYLOAD
        with pytest.raises(reader.InvalidSignatureError):
            one.decode(token, SECRET, ["HS256"], detached_payload=b"other")
        with pytest.raises(reader.DecodeError):
            one.decode(token, SECRET, ["HS256"])
        with pytest.raises(reader.DecodeError):
            one.decode(one.encode(PAYLOAD, SECRET), SECRET, ["HS256"], detached_payload=b"other")


@pytest.mark.parametrize("library", BOTH)
def test_claims_may_be_a_detached_payload(library):
    claims = b'{"exp":4102444800,"sub":"7"}'
    token = library.PyJWS().encode(claims, SECRET, is_payload_detached=True)
    for reader in (jwt, pyjwt):
        read = reader.decode(token, SECRET, algorithms=["HS256"], detached_payload=claims)
        assert read == json.loads(claims)
        with pytest.raises(reader.InvalidSignatureError):
            reader.decode(token, SECRET, algorithms=["HS256"], detached_payload=claims.replace(b"7", b"8"))
        expired = reader.PyJWS().encode(b'{"exp":1}', SECRET, is_payload_detached=True)
        with pytest.raises(reader.ExpiredSignatureError):
            reader.decode(expired, SECRET, algorithms=["HS256"], detached_payload=b'{"exp":1}')


def test_a_jwt_is_not_made_without_its_payload():
    with pytest.raises(jwt.InvalidTokenError, match="boltguard.jws"):
        jwt.encode({}, SECRET, headers={"b64": False})


@pytest.mark.parametrize("headers", [{"crit": ["b64"]}, {"crit": ["b64"], "b64": True}])
def test_a_critical_parameter_that_is_not_there_is_not_written(headers):
    with pytest.raises(jwt.InvalidTokenError, match="crit"):
        jws.encode(PAYLOAD, SECRET, headers=headers)


@pytest.mark.parametrize("library", BOTH)
def test_b64_true_is_not_written(library):
    token = library.PyJWS().encode(PAYLOAD, SECRET, headers={"b64": True})
    assert header_of(token) == {"alg": "HS256", "typ": "JWT"} and token.split(".")[1]


SHORT = "short"


@pytest.mark.parametrize("library", BOTH)
def test_a_short_secret_is_warned_of_and_refused_on_request(library):
    strict = {"enforce_minimum_key_length": True}
    token, signed = library.encode({"exp": 4_102_444_800}, SECRET), library.PyJWS().encode(PAYLOAD, SECRET)
    for call in (
        lambda: library.encode({}, SHORT),
        lambda: library.PyJWT().encode({}, SHORT),
        lambda: library.PyJWS().encode(PAYLOAD, SHORT),
    ):
        with pytest.warns(library.InsecureKeyLengthWarning):
            call()
    for call in (
        lambda: library.PyJWT(strict).encode({}, SHORT),
        lambda: library.PyJWS(options=strict).encode(PAYLOAD, SHORT),
        lambda: library.PyJWT(strict).decode(token, SHORT, ["HS256"]),
        lambda: library.PyJWT().decode(token, SHORT, ["HS256"], options=strict),
        lambda: library.decode(token, SHORT, algorithms=["HS256"], options=strict),
        lambda: library.PyJWS(options=strict).decode(signed, SHORT, ["HS256"]),
        lambda: library.PyJWS().decode(signed, SHORT, ["HS256"], options=strict),
    ):
        with pytest.raises(library.InvalidKeyError):
            call()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert library.PyJWT(strict).decode(token, SECRET, ["HS256"]) == {"exp": 4_102_444_800}
        assert library.PyJWS(options=strict).decode(signed, SECRET, ["HS256"]) == PAYLOAD


def test_sign_and_verify_reject_short_secrets():
    for call in (
        lambda: jwt.encode({}, SHORT, enforce_minimum_key_length=True),
        lambda: jws.sign(PAYLOAD, SHORT, enforce_minimum_key_length=True),
        lambda: jws.verify(jws.sign(PAYLOAD, SECRET), SHORT, ["HS256"], enforce_minimum_key_length=True),
    ):
        with pytest.raises(jwt.InvalidKeyError, match="32"):
            call()


@pytest.mark.parametrize("name", ["verify_exp", "require", "typ", "verify_aud", "strict_aud"])
def test_an_option_of_claims_is_none_of_a_signature(name):
    """It would be ignored."""
    for call in (
        lambda: jwt.PyJWS(options={name: True}),
        lambda: jws.decode(jws.encode(PAYLOAD, SECRET), SECRET, ["HS256"], options={name: True}),
    ):
        with pytest.raises(TypeError, match=f'"{name}" is for claims'):
            call()


def test_a_misspelt_option_of_a_signature_suggests_the_right_one():
    with pytest.raises(TypeError, match='did you mean "verify_signature"'):
        jwt.PyJWS(options={"verify_signatures": False})


def test_an_unknown_algorithm_of_an_object_is_refused():
    with pytest.raises(ValueError, match="Known names: none, HS256"):
        jwt.PyJWS(algorithms=["HS265"])


def test_a_subclass_packs_its_claims_in_its_own_way():
    class Reversed(jwt.PyJWT):
        def _encode_payload(self, payload, headers=None, json_encoder=None):
            return super()._encode_payload(payload, headers, json_encoder)[::-1]

        def _decode_payload(self, decoded):
            return super()._decode_payload({**decoded, "payload": decoded["payload"][::-1]})

    one = Reversed({"require": []})
    token = one.encode({"sub": "7"}, SECRET)
    assert jws.verify(token, SECRET, ["HS256"]) == b'{"sub":"7"}'[::-1]
    assert one.decode(token, SECRET, ["HS256"]) == {"sub": "7"}
    assert one.decode_complete(token, SECRET, ["HS256"])["payload"] == {"sub": "7"}
    with pytest.raises(jwt.InvalidSignatureError):
        one.decode(token, SECRET + "x", ["HS256"])
    with pytest.raises(jwt.InvalidSubjectError):
        one.decode(token, SECRET, ["HS256"], subject="8")
    with pytest.raises(jwt.MissingRequiredClaimError):
        Reversed().decode(token, SECRET, ["HS256"])
    with pytest.raises(jwt.ExpiredSignatureError):
        one.decode(one.encode({"exp": 1}, SECRET), SECRET, ["HS256"])


@pytest.mark.parametrize("library", BOTH)
def test_the_old_argument_verify_is_warned_of_where_it_contradicts(library):
    token = library.encode({"exp": 4_102_444_800}, SECRET)
    with pytest.deprecated_call():
        assert library.decode(token, SECRET, algorithms=["HS256"], verify=False)
    with pytest.deprecated_call():
        library.decode(token, SECRET, verify=True, options={"verify_signature": False})


@pytest.mark.parametrize("options", [{"cache_keys": True, "cache_jwk_set": False}, {"max_cached_keys": 4}])
def test_a_cache_that_the_client_does_not_have_is_refused(options):
    with pytest.raises(jwt.PyJWKClientError, match="cache"):
        jwt.PyJWKClient("https://id.example.com/keys", **options)


def test_caching_client_fetches_once():
    issuer = Issuer("a")
    with serving(issuer) as url:
        client = jwt.PyJWKClient(url, cache_keys=True, allow_http=True)
        assert client.get_signing_key("a").key_id == client.get_signing_key("a").key_id == "a"
    assert len(issuer.requests) == 1
