"""The table of "Coming from PyJWT": each row has a test that shows the difference and how to relax it."""

import json
import re
import secrets
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from boltguard import jws, jwt
from boltguard.jwt import Key, PyJWK, PyJWKClient, RemoteKeySet, algorithms
from boltguard.jwt.utils import base64url_encode

from issuer import Issuer, reply, serving

PAGE = Path(__file__).parents[3] / "docs" / "coming-from-pyjwt.md"
SECRET = "a secret that is longer than thirty-two bytes"
FAR = 4_102_444_800
FRESH = {"exp": FAR}
RSA_KEY = rsa.generate_private_key(65537, 2048)
ROWS = {}


def row(text):
    def add(test):
        assert text not in ROWS
        ROWS[text] = test
        return test

    return add


@contextmanager
def refused(*errors):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(errors or jwt.PyJWTError):
            yield


def read(token, key=SECRET, **arguments):
    return jwt.decode(token, key, arguments.pop("algorithms", ["HS256"]), **arguments)


def theirs(claims, **arguments):
    return pyjwt.encode(claims, SECRET, **arguments)


@row("A token without `exp`")
def _():
    token = theirs({"sub": "7"})
    with refused(jwt.MissingRequiredClaimError):
        read(token)
    assert read(token, options={"require": []}) == {"sub": "7"}


@row("A token with `iat` in the future is rejected")
def _():
    token = theirs({"exp": FAR, "iat": FAR})
    assert read(token)["iat"] == FAR
    with refused(jwt.ImmatureSignatureError):
        read(token, options={"verify_iat": True})


@row("`exp`, `nbf` and `iat` as strings of digits")
def _():
    for name, value in (("exp", str(FAR)), ("nbf", "1"), ("iat", "1")):
        token = theirs({"exp": FAR, name: value})
        with refused(jwt.DecodeError, jwt.InvalidIssuedAtError):
            read(token)
        assert read(token, options={f"verify_{name}": False})[name] == value


@row('`aud` that is `null`, `""` or `[]`')
def _():
    for aud in (None, "", []):
        token = theirs({"exp": FAR, "aud": aud})
        with refused(jwt.InvalidAudienceError):
            read(token)
        assert read(token, options={"verify_aud": False})["aud"] == aud


@row("An expected audience or issuer as bytes doesn't match any token")
def _():
    token = theirs({"exp": FAR, "aud": "me", "iss": "me"})
    for arguments in ({"audience": b"me"}, {"audience": "me", "issuer": b"me"}):
        with refused(TypeError):
            read(token, **arguments)
    assert read(token, audience=b"me".decode(), issuer=b"me".decode())


@row("An unknown option is ignored")
def _():
    with refused(TypeError):
        read(theirs(FRESH), options={"verify_expp": False})
    assert read(theirs(FRESH), options={"verify_exp": False})


@row("An option that isn't a `bool`, such as `None`")
def _():
    for value in (None, 0, "false"):
        with refused(TypeError):
            read(theirs(FRESH), options={"verify_exp": value})
        assert read(theirs(FRESH), options={"verify_exp": bool(value)})


@row("An unknown keyword argument raises a warning")
def _():
    for call in (jwt.decode, jwt.decode_complete, jwt.PyJWT().decode, jws.decode, jws.decode_complete):
        with refused(TypeError):
            call(theirs(FRESH), SECRET, algorithms=["HS256"], foo="bar")
        assert call(theirs(FRESH), SECRET, algorithms=["HS256"])


@row("Base64url with padding")
def _():
    token = theirs(FRESH) + "="
    with refused(jwt.DecodeError):
        read(token)
    assert read(token.rstrip("=")) == FRESH


@row("Duplicate members in the JSON of a token")
def _():
    with refused(jwt.DecodeError):
        read(jws.sign(b'{"exp":4102444800,"sub":"7","sub":"8"}', SECRET))
    assert read(jws.sign(b'{"exp":4102444800,"sub":"7"}', SECRET))


@row("JSON nested deeper than 64 levels")
def _():
    deep = json.loads("[" * 70 + "]" * 70)
    with refused(jwt.DecodeError):
        read(theirs({**FRESH, "a": deep}))
    with refused(ValueError):
        jwt.encode({"a": deep}, SECRET)
    claims = read(theirs({**FRESH, "a": json.dumps(deep)}))
    assert json.loads(claims["a"]) == deep


@row("A token longer than 16 KiB")
def _():
    with refused(jwt.DecodeError):
        read(theirs({**FRESH, "a": "x" * 20_000}))
    with refused(jwt.InvalidTokenError):
        jwt.encode({"a": "x" * 20_000}, SECRET)
    assert read(theirs({**FRESH, "a_id": "x"}))


@row("NaN and infinity in claims")
def _():
    for number in (float("nan"), float("inf")):
        with refused(ValueError):
            jwt.encode({"a": number}, SECRET)
        assert read(jwt.encode({**FRESH, "a": str(number)}, SECRET))["a"] == str(number)


@row('Two keys that are equal in JSON, such as `1` and `"1"`')
def _():
    with refused(ValueError):
        jwt.encode({"a": {1: 1, "1": 2}}, SECRET)
    assert read(jwt.encode({**FRESH, "a": {1: 1, "2": 2}}, SECRET))["a"] == {"1": 1, "2": 2}


@row("The algorithm `none` is supported, and `algorithm=None` selects it")
def _():
    unsigned = pyjwt.encode(FRESH, None, algorithm="none")
    for call in (
        lambda: jwt.encode(FRESH, None, algorithm="none"),
        lambda: jwt.encode(FRESH, None, algorithm=None),
        lambda: jws.encode(b"x", None, headers={"alg": "none"}),
        lambda: read(unsigned, None, algorithms=["none"]),
        lambda: read(unsigned, algorithms=["HS256", "none"]),
        lambda: jwt.get_algorithm_by_name("none"),
    ):
        with refused(jwt.PyJWTError, NotImplementedError):
            call()
    assert jwt.decode(unsigned, options={"verify_signature": False}) == FRESH
    assert jwt.get_unverified_header(jwt.encode(FRESH, SECRET, algorithm=None))["alg"] == "HS256"


@row("ES256K, ES521 and Ed448, and keys on other curves")
def _():
    for name in ("ES256K", "ES521", "Ed448"):
        with refused(NotImplementedError):
            jwt.encode(FRESH, SECRET, algorithm=name)
        with refused(NotImplementedError):
            jwt.get_algorithm_by_name(name)
    for curve in (ec.SECP256K1, ec.SECP192R1):
        with refused(jwt.InvalidKeyError):
            algorithms.ECAlgorithm(algorithms.ECAlgorithm.SHA256).prepare_key(ec.generate_private_key(curve()))
    for name in ("ES256", "ES512", "EdDSA"):
        key = Key.generate(name)
        assert read(jwt.encode(FRESH, key, algorithm=name), key.public_key(), algorithms=[name]) == FRESH


@row("Custom algorithms: `register_algorithm`")
def _():
    with refused(NotImplementedError):
        jwt.register_algorithm("AAA", algorithms.NoneAlgorithm())
    with refused(NotImplementedError):
        jwt.unregister_algorithm("HS256")
    one = jwt.PyJWS()
    with refused(NotImplementedError):
        one.register_algorithm("AAA", algorithms.NoneAlgorithm())
    one.unregister_algorithm("HS256")
    with refused(jwt.InvalidAlgorithmError):
        one.decode(theirs(FRESH), SECRET, ["HS256"])


@row("RSA keys of less than 2048 bits, with a warning")
def _():
    with refused(jwt.InvalidKeyError):
        jwt.encode(FRESH, rsa.generate_private_key(65537, 1024), algorithm="RS256")
    assert jwt.encode(FRESH, RSA_KEY, algorithm="RS256")


@row("An HMAC secret that looks like an incomplete PEM block, or is JSON")
def _():
    for secret in (
        "-----BEGIN PUBLIC KEY-----" * 4,
        '{"this": "is JSON, and long enough for a secret"}',
        "[" * 20 + "0" + "]" * 20,
    ):
        assert pyjwt.encode(FRESH, secret)
        with refused(jwt.InvalidKeyError):
            jwt.encode(FRESH, secret)
    assert jwt.encode(FRESH, secrets.token_bytes(32))


@row("A URL as an HMAC secret")
def _():
    url = "https://id.example.com/.well-known/jwks.json"
    with refused(jwt.InvalidKeyError):
        jwt.encode(FRESH, url)
    assert RemoteKeySet(url)


@row("`to_jwk` returns the JWK of a private key")
def _():
    private = ec.generate_private_key(ec.SECP256R1())
    for algorithm, key in ((algorithms.RSAAlgorithm, RSA_KEY), (algorithms.ECAlgorithm, private)):
        assert "d" not in algorithm.to_jwk(key, as_dict=True)
        assert Key.from_pem(Key.read(key).to_pem()).kind == "private"


@row("An RSA private JWK without its primes")
def _():
    whole = pyjwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True)
    with refused(jwt.InvalidKeyError):
        algorithms.RSAAlgorithm.from_jwk({name: whole[name] for name in ("kty", "n", "e", "d")})
    assert algorithms.RSAAlgorithm.from_jwk(whole).private_numbers() == RSA_KEY.private_numbers()


@row("An `algorithm` argument that contradicts the header `alg`")
def _():
    key = Key.generate("ES256")
    with refused(jwt.InvalidAlgorithmError):
        jwt.encode(FRESH, key, algorithm="HS256", headers={"alg": "ES256"})
    for arguments in ({"headers": {"alg": "ES256"}}, {"algorithm": "ES256"}):
        assert jwt.get_unverified_header(jwt.encode(FRESH, key, **arguments))["alg"] == "ES256"


@row("A token with an allowed algorithm that doesn't match the key raises `InvalidKeyError`")
def _():
    public = RSA_KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    for key, algorithm in ((public, "HS256"), (RSA_KEY.public_key(), "ES256")):
        token = theirs(FRESH) if algorithm == "HS256" else jwt.encode(FRESH, Key.generate("ES256"), "ES256")
        with refused(jwt.InvalidAlgorithmError):
            read(token, key, algorithms=["RS256", algorithm])
        with refused(jwt.InvalidTokenError, jwt.InvalidKeyError):
            read(token, key, algorithms=["RS256", algorithm])
    assert read(jwt.encode(FRESH, RSA_KEY, "RS256"), public, algorithms=["RS256", "HS256"]) == FRESH


@row("`encode` accepts a `crit` header with unsupported extensions")
def _():
    for critical in (["x-policy"], [], "b64", [123], ["b64"]):
        headers = {"crit": critical, "x-policy": "mfa"}
        for encode, payload in ((jwt.encode, FRESH), (jws.encode, b"x")):
            with refused(jwt.InvalidTokenError):
                encode(payload, SECRET, headers=headers)
    assert jwt.encode(FRESH, SECRET, headers={"x-policy": "mfa"})


@row("`b64: false` in a JWT")
def _():
    with refused(jwt.InvalidTokenError):
        jwt.encode(FRESH, SECRET, headers={"b64": False})
    payload = json.dumps(FRESH).encode()
    token = jws.encode(payload, SECRET, headers={"b64": False})
    with refused(jwt.DecodeError):
        read(token)
    assert read(token, detached_payload=payload) == FRESH


@row(
    "Names with a leading underscore, including `__version__`, names that a module imports from another, "
    "`jwk_set_cache`, and modules that tests patch in PyJWT, such as `json`"
)
def _():
    for owner, name in (
        (jwt, "__version__"),
        (jwt.api_jwt, "DecodeError"),
        (jwt.PyJWT(), "_validate_iss"),
        (jwt.PyJWS, "_decode_base64url_segment"),
        (jwt.api_jwt, "json"),
    ):
        assert not hasattr(owner, name)
    with refused(ImportError):
        from boltguard.jwt import jwk_set_cache  # noqa: F401
    published = jwt.KeySet([Key.generate("ES256", kid="a").public_key()]).to_jwks()

    class Local(PyJWKClient):
        def fetch_data(self):
            return published

    client = Local("https://id.example.com/keys")
    assert not hasattr(client, "jwk_set_cache") and client.get_signing_key("a").key_id == "a"


@contextmanager
def served(*kids, **options):
    issuer = Issuer(*kids)
    with serving(issuer) as url:
        yield issuer, lambda **more: PyJWKClient(url, **{"allow_http": True, **options, **more})


@row("`PyJWKClient` with `http:`")
def _():
    with served("a") as (_, client):
        with refused(jwt.PyJWKClientError):
            client(allow_http=False)
        assert client().get_signing_key("a")


@row("`PyJWKClient`: a response of any length")
def _():
    with served("a") as (issuer, client):
        issuer.published["more"] = "x" * 600_000
        with refused(jwt.PyJWKClientConnectionError):
            client().get_signing_key("a")
        assert client(max_bytes=2**20).get_signing_key("a")


@row("`PyJWKClient`: a set of more than 100 keys")
def _():
    with served("a") as (issuer, client):
        (key,) = issuer.published["keys"]
        issuer.published["keys"] = [{**key, "kid": str(number)} for number in range(101)]
        with refused():
            client().get_signing_keys()
        del issuer.published["keys"][-1]
        assert len(client().get_signing_keys()) == 100


@row("`PyJWKClient`: `timeout` applies to each read")
def _():
    with served("a") as (issuer, client):
        _, go_on = issuer.hold()
        with refused(jwt.PyJWKClientConnectionError):
            client(timeout=0.1).get_signing_key("a")
        go_on.set()
        assert client(timeout=30).get_signing_key("a")


@row("`PyJWKClient`: HMAC secrets in a set")
def _():
    secret = {"kty": "oct", "k": base64url_encode(SECRET.encode()).decode(), "kid": "s"}
    with served("a") as (issuer, client):
        issuer.published["keys"].append(secret)
        assert [key.key_id for key in client().get_signing_keys()] == ["a"]
    assert PyJWK(secret).key == SECRET.encode()


@row("`PyJWKClient`: a private key in a set")
def _():
    private = pyjwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    with served("a") as (issuer, client):
        issuer.published["keys"].append({**private, "kid": "b"})
        with refused():
            client().get_signing_keys()
        del issuer.published["keys"][-1]["d"]
        assert [key.key_id for key in client().get_signing_keys()] == ["a", "b"]


@row("`PyJWKClient`: `cooldown_duration=0`")
def _():
    with served("a") as (_, client):
        with refused(jwt.PyJWKClientError):
            client(cooldown_duration=0)
        assert client(cooldown_duration=0.01).get_signing_key("a")
        assert client(cache_jwk_set=False).get_signing_key("a")


@row("`PyJWKClient`: an expired set is not used")
def _():
    with served("a", lifespan=0.01, cooldown_duration=0.01) as (issuer, client):
        lenient, strict = client(), client(stale=0)
        assert lenient.get_signing_key("a") and strict.get_signing_key("a")
        issuer.respond = lambda handler, _: reply(handler, 500)
        time.sleep(0.05)
        assert lenient.get_signing_key("a")
        with refused(jwt.PyJWKClientError):
            strict.get_signing_key("a")


@row("`PyJWKClient`: `max_cached_keys`, and `cache_keys` without `cache_jwk_set`")
def _():
    with served("a") as (_, client):
        for options in ({"max_cached_keys": 4}, {"cache_keys": True, "cache_jwk_set": False}):
            with refused(jwt.PyJWKClientError):
                client(**options)
        assert client(cache_keys=True).get_signing_key("a")


@row("The wording of error messages")
def _():
    with pytest.raises(jwt.InvalidSignatureError) as caught:
        read(theirs(FRESH), SECRET + "x")
    assert caught.value.code == "signature_invalid"


def rows_of_the_page():
    table = re.search(r"^\| What PyJWT accepts or does \|.*?\n\n", PAGE.read_text("utf-8"), re.M | re.S)[0]
    lines = table.strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_rows_of_the_page_are_those_that_are_tested():
    assert [cells[0] for cells in rows_of_the_page()] == list(ROWS)


def test_each_row_has_a_reason_and_a_way_to_relax_it():
    for cells in rows_of_the_page():
        assert len(cells) == 4 and all(cells), cells
        assert "not done" not in " ".join(cells)


@pytest.mark.parametrize("text", ROWS)
def test_the_row(text):
    ROWS[text]()
