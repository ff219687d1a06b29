"""Keys and algorithm objects: behaviour that PyJWT's users rely on."""

import base64
import hashlib
import json
import subprocess
import sys

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from boltguard import jwt
from boltguard.jwt import Key, PyJWK, PyJWKSet, algorithms

SECRET = "a secret that is longer than sixty-four bytes, so that it is one for HS512 as well"
RSA_KEY = rsa.generate_private_key(65537, 2048)
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
PRIVATE = {
    **dict.fromkeys(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], RSA_KEY),
    **{name: ec.generate_private_key(curve()) for name, curve in CURVES.items()},
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
HASHES = {"256": "SHA256", "384": "SHA384", "512": "SHA512"}
KINDS = {
    "HS": algorithms.HMACAlgorithm,
    "RS": algorithms.RSAAlgorithm,
    "PS": algorithms.RSAPSSAlgorithm,
    "ES": algorithms.ECAlgorithm,
}
NAMES = [f"{family}{bits}" for family in KINDS for bits in HASHES]


def made(name):
    """The algorithm, created as in PyJWT."""
    if name == "EdDSA":
        return algorithms.OKPAlgorithm()
    kind = KINDS[name[:2]]
    return kind(getattr(kind, HASHES[name[2:]]))


def pem_of(key):
    if isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)):
        return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize("name", [*NAMES, "EdDSA"])
def test_an_algorithm_is_built_from_its_hash(name):
    algorithm = made(name)
    assert algorithm.name == name and repr(algorithm) == f"<Algorithm {name}>"
    assert type(algorithm) is type(jwt.get_algorithm_by_name(name))
    assert isinstance(algorithm, algorithms.Algorithm)


@pytest.mark.parametrize("bits", HASHES)
def test_hashes_may_be_those_of_the_package_cryptography(bits):
    hash_alg = getattr(hashes, HASHES[bits])
    assert algorithms.RSAAlgorithm(hash_alg).name == f"RS{bits}"
    assert algorithms.RSAAlgorithm(hash_alg()).name == f"RS{bits}"


@pytest.mark.parametrize("hash_alg", [hashlib.sha1, hashlib.md5, hashes.SHA1, hashes.SHA3_256, hashes.SHA512_256])
def test_other_hashes_are_refused(hash_alg):
    with pytest.raises(NotImplementedError, match="SHA256, SHA384 and SHA512"):
        algorithms.HMACAlgorithm(hash_alg)


HASHED = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}


@pytest.mark.parametrize("name", NAMES)
def test_an_algorithm_computes_its_hash(name):
    hash_name = HASHES[name[2:]]
    assert made(name).compute_hash_digest(b"foo") == HASHED[hash_name](b"foo").digest()
    assert made(name).hash_alg == getattr(type(made(name)), hash_name)


def test_an_algorithm_without_a_hash_computes_none():
    for algorithm in (algorithms.OKPAlgorithm(), algorithms.NoneAlgorithm()):
        with pytest.raises(NotImplementedError):
            algorithm.compute_hash_digest(b"foo")


@pytest.mark.parametrize("name", PRIVATE)
def test_a_key_is_prepared_as_an_object_of_the_package_cryptography(name):
    private, algorithm = PRIVATE[name], made(name)
    for key in (private, private.public_key()):
        assert algorithm.prepare_key(key) is key
        for pem in (pem_of(key), pem_of(key).decode()):
            read = algorithm.prepare_key(pem)
            assert pem_of(read) == pem_of(key)
    assert isinstance(algorithm.prepare_key(Key.read(private)), Key)


@pytest.mark.parametrize("name", PRIVATE)
def test_both_sign_and_verify_each_others_bytes(name):
    ours, theirs, private = made(name), pyjwt.get_algorithm_by_name(name), PRIVATE[name]
    for maker, reader in ((ours, theirs), (theirs, ours)):
        signature = maker.sign(b"Hello World!", private)
        assert reader.verify(b"Hello World!", private.public_key(), signature)
        assert not reader.verify(b"Hello World?", private.public_key(), signature)
        assert not reader.verify(b"Hello World!", private.public_key(), signature + b"1")
    signature = ours.sign("Hello World!", private)
    assert ours.verify("Hello World!", private, signature), "a private key verifies as well"
    assert not ours.verify(b"Hello World!", private, b"short")


@pytest.mark.parametrize("name", ["HS256", "HS384", "HS512"])
def test_secrets_are_prepared_as_bytes(name):
    ours, theirs = made(name), pyjwt.get_algorithm_by_name(name)
    for secret in (SECRET, SECRET.encode()):
        assert ours.prepare_key(secret) == theirs.prepare_key(secret) == SECRET.encode()
        assert ours.sign(b"x", secret) == theirs.sign(b"x", SECRET.encode())
        assert ours.verify(b"x", secret, theirs.sign(b"x", SECRET.encode()))
    assert ours.to_jwk("secret", as_dict=True) == theirs.to_jwk("secret", as_dict=True)
    assert json.loads(ours.to_jwk("secret")) == json.loads(theirs.to_jwk("secret"))
    assert ours.from_jwk(ours.to_jwk(SECRET)) == SECRET.encode() == ours.from_jwk(ours.to_jwk(SECRET, as_dict=True))


@pytest.mark.parametrize(("name", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_the_length_of_a_secret_is_checked(name, size):
    algorithm = made(name)
    assert algorithm.check_key_length(b"a" * size) is algorithm.check_key_length(b"a" * 2 * size) is None
    message = algorithm.check_key_length(b"a" * (size - 1))
    assert "below" in message and str(size) in message


def test_the_length_of_an_rsa_key_is_checked():
    small = rsa.generate_private_key(65537, 1024)
    for name in ("RS256", "PS256"):
        for key in (small, small.public_key()):
            message = made(name).check_key_length(key)
            assert "1024" in message and "2048" in message
        assert made(name).check_key_length(RSA_KEY) is None
    assert made("ES256").check_key_length(PRIVATE["ES256"]) is None


@pytest.mark.parametrize("key", [None, 5, object(), [1]])
def test_what_is_not_a_key_is_refused_by_its_type(key):
    for name in ("HS256", "RS256", "PS256", "ES256"):
        with pytest.raises(TypeError, match=type(key).__name__):
            made(name).prepare_key(key)
    with pytest.raises(jwt.InvalidKeyError):
        made("EdDSA").prepare_key(key)


@pytest.mark.parametrize("name", ["HS256", "HS512"])
@pytest.mark.parametrize("key", ["", b"", pem_of(RSA_KEY.public_key()), pem_of(RSA_KEY), '{"kty":"RSA","n":"x"}'])
def test_what_is_not_a_secret_is_refused(name, key):
    with pytest.raises(jwt.InvalidKeyError):
        made(name).prepare_key(key)


def test_a_key_of_another_kind_is_refused():
    for name, other in (("RS256", "ES256"), ("ES256", "RS256"), ("EdDSA", "ES256"), ("ES384", "EdDSA")):
        for key in (PRIVATE[other], pem_of(PRIVATE[other].public_key())):
            with pytest.raises(jwt.InvalidKeyError):
                made(name).prepare_key(key)
            with pytest.raises(jwt.InvalidKeyError):
                made(name).sign(b"x", key)
    with pytest.raises(jwt.InvalidKeyError):
        made("RS256").check_crypto_key_type(PRIVATE["ES256"])
    with pytest.raises(jwt.InvalidKeyError):
        made("RS256").check_crypto_key_type(object())
    made("RS256").check_crypto_key_type(RSA_KEY)
    for algorithm in (made("HS256"), algorithms.NoneAlgorithm()):
        with pytest.raises(ValueError):
            algorithm.check_crypto_key_type(RSA_KEY)


@pytest.mark.parametrize("name", CURVES)
def test_an_expected_curve_is_the_only_one(name):
    hash_alg = getattr(algorithms.ECAlgorithm, HASHES[name[2:]])
    strict, lenient = algorithms.ECAlgorithm(hash_alg, CURVES[name]), algorithms.ECAlgorithm(hash_alg)
    default = jwt.get_algorithm_by_name(name)
    assert strict.expected_curve is default.expected_curve is CURVES[name] and lenient.expected_curve is None
    for other in CURVES:
        assert lenient.prepare_key(PRIVATE[other]) is PRIVATE[other]
        for algorithm in (strict, default):
            if other == name:
                assert algorithm.prepare_key(PRIVATE[name]) is PRIVATE[name]
            else:
                with pytest.raises(jwt.InvalidKeyError):
                    algorithm.prepare_key(PRIVATE[other])
        if other != name:
            with pytest.raises(jwt.InvalidKeyError):
                jwt.encode({}, PRIVATE[other], algorithm=name)


def test_a_curve_of_another_hash_is_refused():
    with pytest.raises(NotImplementedError, match="secp384r1"):
        algorithms.ECAlgorithm(algorithms.ECAlgorithm.SHA256, ec.SECP384R1)


@pytest.mark.parametrize("name", PRIVATE)
def test_the_jwk_of_a_public_key_is_pyjwts(name):
    ours, theirs, public = made(name), pyjwt.get_algorithm_by_name(name), PRIVATE[name].public_key()
    assert ours.to_jwk(public, as_dict=True) == theirs.to_jwk(public, as_dict=True)
    assert json.loads(ours.to_jwk(public)) == json.loads(theirs.to_jwk(public))
    for jwk in (theirs.to_jwk(public), theirs.to_jwk(public, as_dict=True)):
        assert pem_of(ours.from_jwk(jwk)) == pem_of(public)


@pytest.mark.parametrize("name", ["RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"])
def test_the_jwk_of_a_private_key_is_read(name):
    private = PRIVATE[name]
    jwk = pyjwt.get_algorithm_by_name(name).to_jwk(private, as_dict=True)
    read = made(name).from_jwk(jwk)
    assert type(read) is type(private) and pem_of(read.public_key()) == pem_of(private.public_key())
    signature = made(name).sign(b"x", read)
    assert made(name).verify(b"x", private.public_key(), signature)


NO_JWKS = ["<not json>", "{", "", "5", "[]", "null", '"x"', "[" * 5000, 123, None, [], b"{}", "{}", {}, {"kty": "?"}]


@pytest.mark.parametrize("name", ["HS256", "RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("jwk", NO_JWKS, ids=lambda jwk: repr(jwk)[:20])
def test_what_is_not_a_jwk_is_an_invalid_key(name, jwk):
    with pytest.raises(jwt.InvalidKeyError):
        made(name).from_jwk(jwk)


@pytest.mark.parametrize("name", ["HS256", "RS256", "ES256", "EdDSA"])
def test_a_jwk_of_another_type_or_without_its_members_is_an_invalid_key(name):
    kinds = {"HS256": "oct", "RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
    for other, kty in kinds.items():
        jwk = {"kty": kty}
        if other != "HS256":
            jwk = made(other).to_jwk(PRIVATE[other].public_key(), as_dict=True)
        if other != name:
            with pytest.raises(jwt.InvalidKeyError):
                made(name).from_jwk(jwk)
    for members in ({}, {"x": "1"}, {"k": ""}, {"n": "AQAB"}, {"crv": "P-256", "x": "dGVzdA", "y": "dGVzdA"}):
        with pytest.raises(jwt.InvalidKeyError):
            made(name).from_jwk({"kty": kinds[name], **members})


@pytest.mark.parametrize("key", [{"not": "a key"}, "text", 5, None])
def test_what_is_not_a_key_has_no_jwk(key):
    for name in ("RS256", "ES256", "EdDSA"):
        with pytest.raises((jwt.InvalidKeyError, TypeError)):
            made(name).to_jwk(key)


def jwk_of(name, **members):
    if name.startswith("HS"):
        return {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="), **members}
    return {**made(name).to_jwk(PRIVATE[name].public_key(), as_dict=True), **members}


DEFAULTS = ["HS256", "RS256", "ES256", "ES384", "ES512", "EdDSA"]


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_jwk_without_alg_is_for_the_same_algorithm_as_with_pyjwt(name):
    jwk = jwk_of(name, kid="k", use="sig")
    ours, theirs = PyJWK(jwk), pyjwt.PyJWK(jwk)
    for one in (ours, theirs):
        assert (one.key_id, one.public_key_use, one.algorithm_name) == ("k", "sig", name)
    assert ours.key_type == theirs.key_type
    assert type(ours.Algorithm).__name__ == type(theirs.Algorithm).__name__
    if name == "HS256":
        assert ours.key == theirs.key == SECRET.encode()
    else:
        assert pem_of(ours.key) == pem_of(theirs.key)
    assert SECRET not in repr(ours)


def test_a_jwk_may_be_bound_to_an_algorithm():
    assert PyJWK(jwk_of("RS256"), "PS384").algorithm_name == "PS384"
    assert PyJWK.from_dict(jwk_of("RS256"), algorithm="RS512").algorithm_name == "RS512"
    assert PyJWK.from_json(json.dumps(jwk_of("ES256"))).algorithm_name == "ES256"
    assert PyJWK(jwk_of("HS256", alg="HS384")).algorithm_name == "HS384"
    for algorithm in ("unknown", "ES256", "none"):
        with pytest.raises(jwt.PyJWKError):
            PyJWK(jwk_of("RS256"), algorithm)


@pytest.mark.parametrize(
    "change",
    [{"kty": None}, {"kty": "unknown"}, {"kty": ""}, {"n": 1}, {"n": None}, {"e": "!"}],
)
def test_a_jwk_that_is_none_is_an_invalid_key(change):
    for kind in (PyJWK, pyjwt.PyJWK):
        with pytest.raises((jwt.InvalidKeyError, pyjwt.InvalidKeyError)):
            kind({**jwk_of("RS256"), **change})


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_pyjwk_signs_and_verifies_by_its_own_algorithm(name):
    private = jwk_of(name) if name == "HS256" else pyjwt.get_algorithm_by_name(name).to_jwk(PRIVATE[name], as_dict=True)
    signing, verifying = PyJWK(private), PyJWK(jwk_of(name))
    token = jwt.encode({"a": 1}, signing)
    assert jwt.get_unverified_header(token)["alg"] == name
    assert jwt.decode(token, verifying, options={"require": []}) == {"a": 1}
    assert jwt.decode(token, verifying, [name, "HS512"], options={"require": []}) == {"a": 1}
    assert jwt.PyJWS().decode(token, verifying) == b'{"a":1}'
    with pytest.raises((jwt.InvalidAlgorithmError, jwt.InvalidKeyError)):
        jwt.decode(token, verifying, ["HS384"])


def test_a_pyjwk_verifies_no_other_algorithm_although_it_is_allowed():
    bound = PyJWK(jwk_of("HS512", alg="HS512"))
    token = jwt.encode({"a": 1}, SECRET, algorithm="HS256")
    for algorithms_ in (None, ["HS256", "HS512"]):
        with pytest.raises((jwt.InvalidAlgorithmError, jwt.InvalidSignatureError)):
            jwt.decode(token, bound, algorithms_)


def test_a_set_skips_what_it_can_not_read():
    keys = [None, "no", 7, {"kty": "?"}, {"kty": "RSA", "n": 1, "e": "AQAB"}, jwk_of("RS256", kid="a")]
    for kind in (PyJWKSet, pyjwt.PyJWKSet):
        found = kind.from_dict({"keys": keys})
        assert [key.key_id for key in found] == [key.key_id for key in found.keys] == ["a"]
        assert found["a"] is found.keys[0]
        with pytest.raises(KeyError):
            found["b"]
        assert kind.from_json(json.dumps({"keys": keys[-1:]}))["a"].key_type == "RSA"


@pytest.mark.parametrize("keys", [[], "text", [None], [{"kty": "?"}], [{"kty": "RSA", "n": 1, "e": "AQAB"}], None, 5])
def test_a_set_without_a_key_is_refused(keys):
    with pytest.raises(jwt.PyJWKSetError):
        PyJWKSet(keys)
    with pytest.raises(jwt.PyJWKSetError):
        PyJWKSet.from_dict({"keys": keys})


def test_the_algorithm_none_signs_and_verifies_nothing():
    none = algorithms.NoneAlgorithm()
    assert none.prepare_key(None) is none.prepare_key("") is None
    assert none.verify(b"x", None, b"") is False
    with pytest.raises(jwt.InvalidKeyError):
        none.prepare_key("123")
    for call in (lambda: none.sign(b"x", None), lambda: none.to_jwk("x"), lambda: none.from_jwk({})):
        with pytest.raises(NotImplementedError):
            call()


WITHOUT = """
import sys
sys.modules["cryptography"] = None
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *args: None if name == "cryptography" else find(name, *args)
from boltguard import jwt
from boltguard.jwt import algorithms
assert not algorithms.has_crypto
key = jwt.Key.generate("ES256")
algorithm = algorithms.ECAlgorithm(algorithms.ECAlgorithm.SHA256)
read = algorithm.from_jwk(algorithm.to_jwk(key))
assert isinstance(read, jwt.Key) and isinstance(algorithm.prepare_key(key.to_pem()), jwt.Key)
assert isinstance(jwt.PyJWK(algorithm.to_jwk(key, as_dict=True)).key, jwt.Key)
assert algorithm.verify(b"x", read, algorithm.sign(b"x", key))
assert algorithms.get_algorithm_by_name("ES256").expected_curve is None
assert not any(name.startswith("cryptography.") for name in sys.modules)
"""
LAZY = """
import sys
from boltguard import jwt
from boltguard.jwt import algorithms
assert algorithms.has_crypto
jwt.decode(jwt.encode({"exp": 4102444800}, "k" * 32), "k" * 32, ["HS256"])
assert not any(name.split(".")[0] == "cryptography" for name in sys.modules)
"""


@pytest.mark.parametrize("program", [WITHOUT, LAZY], ids=["not_installed", "not_needed"])
def test_the_package_cryptography_is_not_needed(program):
    subprocess.run([sys.executable, "-c", program], check=True)
