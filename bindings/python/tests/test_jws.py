"""`boltguard.jws`: signatures over any payload."""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from boltguard import jws, jwt

SECRET = "a secret that is longer than thirty-two bytes"
RSA_KEY = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("payload", [b"", b"\x00\xff", b"not json", b'{"a":1}', b"x" * 10_000])
def test_any_payload_comes_back(payload):
    token = jws.sign(payload, SECRET, "HS256")
    assert jws.verify(token, SECRET, ["HS256"]) == payload
    assert jws.verify(token.encode(), SECRET, ["HS256"]) == payload
    assert jws.decode(token, SECRET, ["HS256"]) == payload


@pytest.mark.parametrize("payload", ["text", None, 1, {"a": 1}])
def test_a_payload_is_bytes(payload):
    with pytest.raises(TypeError):
        jws.sign(payload, SECRET, "HS256")


def test_a_changed_token_is_refused():
    token = jws.sign(b"payload", SECRET, "HS256")
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(jwt.InvalidTokenError):
            jws.verify(changed, SECRET, ["HS256"])


def test_rfc7515_appendix_a1_verifies():
    token = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    key = {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}
    assert jws.verify(token, key, ["HS256"]).startswith(b'{"iss":"joe",\r\n')


def test_a_detached_payload_is_left_out_and_put_back():
    apart = jws.encode(b"payload", SECRET, is_payload_detached=True)
    header, nothing, signature = apart.split(".")
    assert nothing == "" and header and signature
    assert jws.verify(apart, SECRET, ["HS256"], b"payload") == b"payload"
    assert jws.decode(apart, SECRET, ["HS256"], detached_payload=b"payload") == b"payload"
    for other in (b"", b"Payload", b"payload\n"):
        with pytest.raises(jwt.InvalidSignatureError):
            jws.verify(apart, SECRET, ["HS256"], other)
    whole = jws.encode(b"payload", SECRET)
    with pytest.raises(jwt.DecodeError):
        jws.verify(whole, SECRET, ["HS256"], b"payload")


def test_an_empty_payload_is_detached_as_well():
    apart = jws.encode(b"", SECRET, is_payload_detached=True)
    assert jws.verify(apart, SECRET, ["HS256"], b"") == b""
    header, _, signature = jws.sign(b"", SECRET, "HS256").split(".")
    encoded = f"{header}..{signature}"
    assert jws.verify(encoded, SECRET, ["HS256"], b"") == jws.verify(encoded, SECRET, ["HS256"]) == b""


def test_an_encoded_payload_may_be_detached_as_well():
    """RFC 7515, appendix F."""
    header, _, signature = jws.sign(b"payload", SECRET, "HS256").split(".")
    assert jws.verify(f"{header}..{signature}", SECRET, ["HS256"], b"payload") == b"payload"


def without_payload(header, secret=SECRET, payload=b"payload"):
    """A token over a payload that isn't encoded, RFC 7797, with any header."""
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    tag = hmac.new(secret.encode(), first + b"." + payload, hashlib.sha256).digest()
    return f"{first.decode()}..{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"


def test_the_example_of_rfc_7797_verifies():
    key = {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}
    token = "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY"
    assert jws.verify(token, key, ["HS256"], b"$.02") == b"$.02"
    with pytest.raises(jwt.InvalidSignatureError):
        jws.verify(token, key, ["HS256"], b"$.03")
    with pytest.raises(jwt.InvalidAlgorithmError):
        jws.verify(token, key, ["HS512"], b"$.02")
    with pytest.raises(jwt.DecodeError, match="detached_payload") as caught:
        jws.verify(token, key, ["HS256"])
    assert caught.value.code == "critical_header"


def test_unencoded_payload_is_the_only_critical_extension():
    good = {"alg": "HS256", "b64": False, "crit": ["b64"]}
    assert jws.verify(without_payload(good), SECRET, ["HS256"], b"payload") == b"payload"
    for change in ({"crit": None}, {"crit": []}, {"crit": ["b64", "exp"], "exp": 1}, {"b64": None}, {"crit": ["exp"]}):
        token = without_payload({**good, **change})
        with pytest.raises(jwt.InvalidTokenError) as caught:
            jws.verify(token, SECRET, ["HS256"], b"payload")
        assert caught.value.code == "critical_header"
    with pytest.raises(jwt.DecodeError):
        jws.verify(without_payload(good).replace("..", ".cGF5bG9hZA."), SECRET, ["HS256"], b"payload")


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "ES512", "EdDSA"])
def test_every_algorithm_signs_what_is_not_encoded(algorithm):
    key = SECRET if algorithm == "HS256" else RSA_KEY if algorithm == "RS256" else jwt.Key.generate(algorithm)
    public = key if isinstance(key, str) else key.public_key()
    token = jws.sign(b"\xff.\x00", key, algorithm, is_payload_detached=True)
    assert jws.verify(token, public, [algorithm], b"\xff.\x00") == b"\xff.\x00"
    assert jws.verify(token, jwt.KeySet([jwt.Key.read(public, algorithm)]), [algorithm], b"\xff.\x00")
    with pytest.raises(jwt.InvalidSignatureError):
        jws.verify(token, public, [algorithm], b"\xff.\x01")


def test_the_parts_of_a_token():
    token = jws.sign(b"payload", SECRET, "HS256", {"kid": "k"})
    parts = jws.decode_complete(token, SECRET, ["HS256"])
    assert parts["header"] == {"alg": "HS256", "typ": "JWT", "kid": "k"} == jws.get_unverified_header(token)
    assert parts["payload"] == b"payload" and len(parts["signature"]) == 32


def test_an_unverified_payload():
    token = jws.sign(b"payload", SECRET, "HS256")
    assert jws.decode(token, options={"verify_signature": False}) == b"payload"
    with pytest.raises(jwt.DecodeError):
        jws.decode("a.b", options={"verify_signature": False})


def test_an_object_knows_the_algorithms_that_it_was_given():
    only = jws.PyJWS(algorithms=["HS512"])
    long = SECRET * 2
    token = only.encode(b"payload", long, "HS512")
    assert only.get_algorithms() == ["HS512"]
    assert only.decode(token, long, ["HS256", "HS512"]) == b"payload"
    with pytest.raises(jwt.InvalidAlgorithmError):
        only.decode(jws.sign(b"payload", long, "HS256"), long, ["HS256", "HS512"])
    with pytest.raises(jwt.InvalidAlgorithmError):
        only.decode(token, long, "HS256")


def test_a_weak_secret_is_refused_on_request():
    strict = jws.PyJWS(options={"enforce_minimum_key_length": True})
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jws.sign(b"payload", "short", "HS256")
    with pytest.raises(jwt.InvalidKeyError):
        strict.decode(token, "short", ["HS256"])
