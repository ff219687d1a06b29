"""Keys: `Key`, `KeySet`, `PyJWK`, the algorithms as objects, and all that `decode` and `encode` take for a key."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from boltguard import jws, jwt
from boltguard.jwt import Key, KeySet, PyJWK, PyJWKSet, algorithms

SECRET = "a secret that is longer than sixty-four bytes, so that it is one for HS512 as well"
NOW = 1_800_000_000
FRESH = {"sub": "42", "exp": NOW + 60}

HMAC = ["HS256", "HS384", "HS512"]
RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
RSA_KEY = rsa.generate_private_key(65537, 2048)


def private_of(algorithm):
    """A private key made by `cryptography`."""
    if algorithm in RSA:
        return RSA_KEY
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else ec.generate_private_key(CURVES[algorithm])


def pem_of(key, traditional=False):
    if hasattr(key, "private_bytes"):
        form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
        return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def decode(token, key, allowed, **more):
    return jwt.decode(token, key, algorithms=allowed if isinstance(allowed, list) else [allowed], now=NOW, **more)


def bad_key(key, allowed="HS256", token=None):
    with pytest.raises(jwt.InvalidKeyError) as caught:
        decode(token or jwt.encode(FRESH, SECRET), key, allowed)
    assert caught.value.code == "key_invalid"
    return str(caught.value)


# --- the forms of a key ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [*RSA, *CURVES, "EdDSA"])
def test_every_form_of_a_key_pair_signs_and_verifies(algorithm):
    private = private_of(algorithm)
    public = private.public_key()
    key = Key.read(private, algorithm)
    signers = [private, pem_of(private), pem_of(private).encode(), Key.from_pem(pem_of(private)), key]
    jwk = key.to_jwk()
    verifiers = [
        public,
        pem_of(public),
        pem_of(public).encode(),
        Key.from_pem(pem_of(public)),
        key.public_key(),
        jwk,
        json.dumps(jwk),
        {"keys": [jwk]},
        json.dumps({"keys": [jwk]}),
        KeySet([key.public_key()]),
        PyJWK(jwk, algorithm),
    ]
    tokens = [jwt.encode(FRESH, signer, algorithm=algorithm) for signer in signers]
    for verifier in verifiers:
        for token in tokens:
            assert decode(token, verifier, algorithm) == FRESH


@pytest.mark.parametrize("algorithm", HMAC)
def test_every_form_of_a_secret_signs_and_verifies(algorithm):
    text = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    jwk = {"kty": "oct", "k": text}
    forms = [SECRET, SECRET.encode(), Key.from_secret(SECRET), Key.from_base64url(text), jwk, Key.from_jwk(jwk)]
    forms += [Key.from_jwk(json.dumps(jwk)), PyJWK(jwk, algorithm)]
    tokens = [jwt.encode(FRESH, form, algorithm=algorithm) for form in forms]
    for form in [*forms, {"keys": [jwk]}, KeySet([Key.from_secret(SECRET)])]:
        for token in tokens:
            assert decode(token, form, algorithm) == FRESH


def test_rsa_and_ec_keys_are_read_in_their_old_forms_too():
    for private, algorithm in ((RSA_KEY, "RS256"), (ec.generate_private_key(ec.SECP256R1()), "ES256")):
        token = jwt.encode(FRESH, pem_of(private, traditional=True), algorithm=algorithm)
        assert decode(token, private.public_key(), algorithm) == FRESH
    pkcs1 = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    assert decode(jwt.encode(FRESH, RSA_KEY, algorithm="RS256"), pkcs1, "RS256") == FRESH


def test_der_and_pem_round_trip():
    for algorithm in ("RS256", "ES384", "EdDSA"):
        key = Key.read(private_of(algorithm))
        again = Key.from_pem(key.to_pem())
        assert (again.kind, again.thumbprint()) == ("private", key.thumbprint())
        public = Key.from_pem(key.public_key().to_pem())
        assert (public.kind, public.thumbprint()) == ("public", key.thumbprint())


# --- keys of the wrong kind --------------------------------------------------------------------------------------


def test_a_public_key_never_becomes_a_secret():
    public = RSA_KEY.public_key()
    pem = pem_of(public)
    ssh = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = json.dumps(Key.read(RSA_KEY).to_jwk())
    for key in (
        pem,
        pem.encode(),
        "my key:\n" + pem,
        ssh,
        der,
        jwk,
        " \n" + jwk,
        json.dumps({"keys": []}),
        jwk.encode(),
    ):
        assert "secret" in bad_key(key)
    for key in (public, Key.from_pem(pem), json.loads(jwk)):
        bad_key(key)
    assert bad_key({"keys": [json.loads(jwk)]}) == "no key can be used with the allowed algorithms"


@pytest.mark.parametrize("url", ["https://id.example.com/jwks.json", b"http://id.example.com", "\n HTTPS://ID.EXAMPLE"])
def test_a_url_is_not_a_secret_and_no_key(url):
    calls = [
        lambda: jwt.encode(FRESH, url),
        lambda: jwt.decode(jwt.encode(FRESH, SECRET), url, algorithms=["HS256"]),
        lambda: jwt.decode(jwt.encode(FRESH, SECRET), url, algorithms=["HS256", "RS256"]),
        lambda: jwt.decode(jwt.encode(FRESH, SECRET), url, algorithms=["RS256"]),
        lambda: Key.from_secret(url),
        lambda: Key.from_pem(url),
    ]
    for call in calls:
        with pytest.raises(jwt.InvalidKeyError, match=r"a URL, not a secret or key.*RemoteKeySet\(url\)"):
            call()


def test_what_fetches_keys_says_how_to_ask_it_for_one():
    url = "https://id.example.com/jwks.json"
    assert "pass the result of its keys_for(token)" in bad_key(jwt.RemoteKeySet(url), "RS256")
    assert "pass the result of its get_signing_key_from_jwt(token)" in bad_key(jwt.PyJWKClient(url), "RS256")


def test_the_string_of_a_jwk_gives_no_secret_but_a_mapping_does():
    jwk = {"kty": "oct", "k": "A" * 43}
    token = jwt.encode(FRESH, jwk)
    assert decode(token, jwk, "HS256") == FRESH
    bad_key(json.dumps(jwk), "HS256", token)
    bad_key(json.dumps(jwk), ["HS256", "RS256"], token)
    with pytest.raises((jwt.InvalidKeyError, jwt.InvalidTokenError)):
        decode(token, json.dumps({"keys": [jwk]}), ["HS256", "RS256"])


def test_a_private_key_verifies_nothing():
    token = jwt.encode(FRESH, RSA_KEY, algorithm="RS256")
    private_jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    }
    for key in (RSA_KEY, pem_of(RSA_KEY), Key.read(RSA_KEY)):
        assert "private" in bad_key(key, "RS256", token)
    assert "private" in bad_key(private_jwk, "EdDSA", jwt.encode(FRESH, private_jwk, algorithm="EdDSA"))
    assert "private" in bad_key({"keys": [private_jwk]}, "EdDSA", token)


def test_a_public_key_signs_nothing():
    for key in (RSA_KEY.public_key(), pem_of(RSA_KEY.public_key()), Key.read(RSA_KEY).public_key()):
        with pytest.raises(jwt.InvalidKeyError, match="private"):
            jwt.encode(FRESH, key, algorithm="RS256")
    with pytest.raises(jwt.InvalidKeyError):
        jwt.encode(FRESH, KeySet([Key.from_secret(SECRET)]), algorithm="HS256")


@pytest.mark.parametrize(
    "key", [None, "", b"", 1, [], [SECRET], {}, {"kty": "oct"}, object(), "\ud800", {1: 2}, {"kty": "RSA", "n": set()}]
)
def test_what_is_not_a_key_is_refused_by_the_librarys_own_error(key):
    bad_key(key)
    bad_key(key, "RS256")
    with pytest.raises(jwt.InvalidKeyError):
        jwt.encode(FRESH, key, algorithm="ES256")


def test_a_secret_is_not_a_public_key():
    token = jwt.encode(FRESH, RSA_KEY, algorithm="RS256")
    for key in (SECRET, Key.from_secret(SECRET), {"kty": "oct", "k": "A" * 43}):
        bad_key(key, "RS256", token)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate(),
    ],
    ids=["RSA of 1024 bits", "secp256k1", "X25519"],
)
def test_weak_and_foreign_keys_are_refused(key):
    with pytest.raises(jwt.InvalidKeyError):
        Key.from_pem(pem_of(key.public_key()))
    with pytest.raises(jwt.InvalidKeyError):
        jwt.encode(FRESH, key, algorithm="RS256")


def test_an_encrypted_key_asks_to_be_decrypted():
    encrypted = RSA_KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    with pytest.raises(jwt.InvalidKeyError, match="decrypt"):
        Key.from_pem(encrypted)


# --- mixed lists of algorithms -----------------------------------------------------------------------------------


def test_each_algorithm_of_a_list_is_used_with_keys_of_its_own_family():
    pem, mixed = pem_of(RSA_KEY.public_key()), ["RS256", "HS256", "ES256"]
    assert decode(jwt.encode(FRESH, RSA_KEY, algorithm="RS256"), pem, mixed) == FRESH
    assert decode(jwt.encode(FRESH, SECRET), SECRET, mixed) == FRESH
    forged = jwt.encode(FRESH, SECRET)
    for key in (pem, RSA_KEY.public_key(), Key.from_pem(pem), Key.read(RSA_KEY).to_jwk()):
        with pytest.raises(jwt.InvalidAlgorithmError):
            decode(forged, key, mixed)
    with pytest.raises(jwt.InvalidAlgorithmError):
        decode(jwt.encode(FRESH, RSA_KEY, algorithm="RS256"), SECRET, mixed)


def test_a_token_of_another_algorithm_is_the_tokens_fault():
    with pytest.raises(jwt.InvalidAlgorithmError):
        decode(jwt.encode(FRESH, RSA_KEY, algorithm="RS384"), RSA_KEY.public_key(), "RS256")


def test_an_algorithm_of_a_key_is_taken_where_none_is_named():
    jwk = Key.read(RSA_KEY).to_jwk() | {"alg": "PS384"}
    token = jwt.encode(FRESH, RSA_KEY, algorithm="PS384")
    for key in (PyJWK(jwk), Key.from_jwk(jwk)):
        assert jwt.decode(token, key, now=NOW) == FRESH
        with pytest.raises(jwt.InvalidAlgorithmError):
            jwt.decode(jwt.encode(FRESH, RSA_KEY, algorithm="RS256"), key, now=NOW)
    secret = {"kty": "oct", "k": "A" * 86, "alg": "HS512"}
    assert jwt.get_unverified_header(jwt.encode(FRESH, PyJWK(secret)))["alg"] == "HS512"
    with pytest.raises(jwt.InvalidAlgorithmError):
        jwt.encode(FRESH, PyJWK(secret), headers={"alg": "none"})


def test_what_a_jwk_is_for_is_obeyed():
    jwk = Key.read(RSA_KEY).to_jwk()
    token = jwt.encode(FRESH, RSA_KEY, algorithm="RS256")
    for purpose in ({"alg": "RS384"}, {"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "RSA-OAEP"}):
        bad_key(jwk | purpose, "RS256", token)
    assert decode(token, jwk | {"use": "sig", "key_ops": ["verify"], "alg": "RS256", "more": [1]}, "RS256")


# --- Key ---------------------------------------------------------------------------------------------------------


def test_a_key_says_what_it_is_and_never_shows_what_it_holds():
    secret = Key.from_secret(SECRET, kid="2026")
    assert (secret.kind, secret.kid, secret.algorithms) == ("secret", "2026", HMAC)
    assert repr(secret) == '<Key secret, kid="2026">' and SECRET not in repr(vars(type(secret)))
    private = Key.read(RSA_KEY)
    assert (private.kind, private.kid, private.algorithms) == ("private", None, RSA)
    assert (private.public_key().kind, repr(private)) == ("public", "<Key private>")
    assert Key.from_jwk(private.to_jwk() | {"alg": "PS256"}).algorithms == ["PS256"]
    for show in (secret.to_jwk, secret.to_pem, secret.thumbprint, secret.public_key):
        with pytest.raises(jwt.InvalidKeyError, match="secret"):
            show()


def test_a_published_key_has_no_private_member():
    key = Key.generate("ES256", kid="k")
    assert key.kind == "private" and set(key.to_jwk()) == {"kty", "crv", "x", "y", "kid"}
    assert key.public_key().kid == "k"


def test_keys_are_generated_for_all_but_rsa():
    for algorithm in [*HMAC, *CURVES, "EdDSA"]:
        key = Key.generate(algorithm)
        token = jwt.encode(FRESH, key, algorithm=algorithm)
        assert decode(token, key if algorithm in HMAC else key.public_key(), algorithm) == FRESH
        assert not key.is_weak_for(algorithm)
    with pytest.raises(jwt.InvalidKeyError, match="openssl"):
        Key.generate("RS256")


def test_a_secret_shorter_than_the_hash_is_weak():
    assert [Key.from_secret("s" * 48).is_weak_for(name) for name in [*HMAC, "RS256"]] == [False, False, True, False]


def test_the_thumbprint_of_rfc7638():
    jwk = {
        "kty": "RSA",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
        "n": (
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE"
            "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q"
            "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6"
            "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        ),
    }
    assert Key.from_jwk(jwk).thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("make", [Key.from_secret, Key.from_pem])
@pytest.mark.parametrize("value", [None, 1, [b"x"]])
def test_key_material_is_string_or_bytes(make, value):
    with pytest.raises(TypeError):
        make(value)


def test_one_key_is_not_several():
    for several in ({"keys": [Key.read(RSA_KEY).to_jwk()]}, KeySet([Key.read(RSA_KEY).public_key()])):
        with pytest.raises(jwt.InvalidKeyError):
            Key.read(several)


# --- KeySet ------------------------------------------------------------------------------------------------------


def test_kid_selects_and_a_set_is_replaced_while_it_is_in_use():
    old, new = Key.generate("ES256", kid="old"), Key.generate("ES256", kid="new")
    keys = KeySet([old.public_key(), new.public_key()])
    tokens = {key.kid: jwt.encode(FRESH, key, algorithm="ES256") for key in (old, new)}
    for token in tokens.values():
        assert decode(token, keys, "ES256") == FRESH
    keys.replace(KeySet([new.public_key()]))
    assert decode(tokens["new"], keys, "ES256") == FRESH
    with pytest.raises(jwt.InvalidSignatureError) as caught:
        decode(tokens["old"], keys, "ES256")
    assert caught.value.code == "key_not_found"


def test_a_key_of_another_kid_is_not_tried():
    key = Key.generate("EdDSA", kid="a")
    token = jwt.encode(FRESH, key, algorithm="EdDSA", headers={"kid": "b"})
    for trusted in (key.public_key(), KeySet([key.public_key()]), key.to_jwk()):
        with pytest.raises(jwt.InvalidSignatureError) as caught:
            decode(token, trusted, "EdDSA")
        assert caught.value.code == "key_not_found"
    assert decode(token, Key.from_pem(key.public_key().to_pem()), "EdDSA") == FRESH


def test_a_set_serves_no_algorithm_that_is_not_allowed():
    keys = KeySet([Key.read(RSA_KEY).public_key()])
    with pytest.raises(jwt.InvalidAlgorithmError):
        decode(jwt.encode(FRESH, RSA_KEY, algorithm="RS512"), keys, ["RS256", "PS256"])


def test_a_published_set_holds_public_keys_only():
    keys = KeySet(
        [Key.from_secret(SECRET, kid="s"), Key.read(RSA_KEY).public_key(), Key.generate("ES384", kid="e").public_key()]
    )
    published = keys.to_jwks()
    assert [jwk["kty"] for jwk in published["keys"]] == ["RSA", "EC"]
    assert not any({"d", "k", "p"} & set(jwk) for jwk in published["keys"])
    again = KeySet.from_jwks(json.dumps(published))
    assert decode(jwt.encode(FRESH, RSA_KEY, algorithm="PS512"), again, "PS512") == FRESH


def test_what_is_not_a_set_of_keys():
    for keys in ([], [Key.read(RSA_KEY)]):
        with pytest.raises(jwt.InvalidKeyError):
            KeySet(keys)
    for keys in ([SECRET], None, [None]):
        with pytest.raises(TypeError):
            KeySet(keys)
    for jwks in ("", "[]", "{}", {"keys": {}}, {"keys": []}, {"keys": [{"kty": "AKP"}]}, {"keys": [1]}):
        with pytest.raises(jwt.InvalidKeyError):
            KeySet.from_jwks(jwks)


# --- PyJWK and the algorithms ------------------------------------------------------------------------------------


def test_pyjwk_finds_its_algorithm():
    jwk = Key.read(RSA_KEY).to_jwk()
    assert PyJWK(jwk).algorithm_name == "RS256"
    assert PyJWK(jwk | {"alg": "PS512"}).algorithm_name == "PS512"
    assert PyJWK.from_json(json.dumps(jwk), "RS384").algorithm_name == "RS384"
    named = PyJWK.from_dict(jwk | {"kid": "k", "use": "sig"})
    assert (named.key_id, named.key_type, named.public_key_use) == ("k", "RSA", "sig")
    assert named.Algorithm.verify(b"message", named, Key.read(RSA_KEY).sign("RS256", b"message"))
    with pytest.raises(jwt.PyJWKError):
        PyJWK(jwk, "ES256")
    with pytest.raises(jwt.PyJWKError):
        PyJWK(jwk | {"alg": "RSA-OAEP"})
    for broken in ({}, {"kty": "x"}, {"kty": "RSA"}):
        with pytest.raises(jwt.InvalidKeyError):
            PyJWK(broken)
    with pytest.raises(jwt.InvalidKeyError):
        PyJWK.from_json("[")


def test_pyjwkset_says_why_none_of_its_keys_can_be_used():
    with pytest.raises(jwt.PyJWKSetError, match=r"0: .*`kty` names .*; key 1: not an object; key 2: .*`n` is missing"):
        PyJWKSet([{"kty": "x"}, 1, {"kty": "RSA", "e": "AQAB"}])


def test_a_key_set_names_the_keys_that_it_skips(caplog):
    good = Key.read(RSA_KEY).to_jwk() | {"kid": "good"}
    small = {"kty": "RSA", "kid": "small", "n": "AQAB", "e": "AQAB"}
    keys = KeySet.from_jwks({"keys": [small, good, {"kty": "AKP"}]})
    assert keys.skipped[0] == 'key 0 (kid "small"): the RSA key is shorter than 2048 bits'
    assert keys.skipped[1].startswith("key 2: `kty`")
    assert all(skipped in caplog.text for skipped in keys.skipped)
    caplog.clear()
    assert KeySet.from_jwks({"keys": [small, good]}, log_skipped=False).skipped and not caplog.text
    with pytest.raises(
        jwt.InvalidKeyError, match=r'no key can be used with the allowed algorithms: key 0 \(kid "small"\)'
    ):
        KeySet.from_jwks({"keys": [small]})
    with pytest.raises(jwt.InvalidKeyError, match="the JWK Set has no keys"):
        jwt.decode("x.y.z", {"keys": []}, algorithms=["RS256"])
    with pytest.raises(jwt.InvalidKeyError, match="a list `keys` of objects"):
        jwt.decode("x.y.z", {"keys": None}, algorithms=["RS256"])
    with pytest.raises(jwt.InvalidKeyError, match="the JWK's member `e` is missing"):
        Key.from_jwk({"kty": "RSA", "n": "AQAB"})


def test_pyjwkset_passes_over_what_it_does_not_understand():
    jwk = Key.read(RSA_KEY).to_jwk() | {"kid": "a"}
    keys = PyJWKSet.from_json(json.dumps({"keys": [{"kty": "x"}, 1, jwk]}))
    assert [key.key_id for key in keys] == ["a"] and keys["a"].key_type == "RSA" and len(keys) == 1
    with pytest.raises(KeyError):
        keys["b"]
    for empty in ({}, {"keys": []}, {"keys": [{"kty": "x"}]}):
        with pytest.raises(jwt.PyJWKSetError):
            PyJWKSet.from_dict(empty)


@pytest.mark.parametrize("name", [*HMAC, *RSA, *CURVES, "EdDSA"])
def test_algorithms_sign_and_verify_bytes(name):
    algorithm = jwt.get_algorithm_by_name(name)
    signing = SECRET if name in HMAC else private_of(name)
    verifying = SECRET if name in HMAC else signing.public_key()
    signature = algorithm.sign(b"message", signing)
    assert algorithm.verify(b"message", verifying, signature)
    assert not algorithm.verify(b"massage", verifying, signature)


def test_algorithms_read_and_write_jwks():
    text = algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key())
    assert algorithms.RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True) == json.loads(text)
    key = algorithms.RSAAlgorithm.from_jwk(text)
    assert decode(jwt.encode(FRESH, RSA_KEY, algorithm="RS256"), key, "RS256") == FRESH
    with pytest.raises(jwt.InvalidKeyError, match="EC"):
        algorithms.ECAlgorithm.from_jwk(text)
    assert set(algorithms.get_default_algorithms()) == {*HMAC, *RSA, *CURVES, "EdDSA"}


def test_the_set_of_algorithms_is_closed():
    for change in (lambda: jwt.register_algorithm("X", object()), lambda: jwt.unregister_algorithm("HS256")):
        with pytest.raises(NotImplementedError):
            change()
    with pytest.raises(NotImplementedError):
        jwt.get_algorithm_by_name("none")


def test_a_string_read_before_is_not_taken_for_another():
    """Texts are kept prepared by a digest; neither another text nor another reading of one may find the key."""
    texts = [f"{number} {SECRET}" for number in range(40)]
    tokens = [jws.sign(b"x", text, "HS256") for text in texts]
    for _ in range(2):
        for number, text in enumerate(texts):
            assert jws.verify(tokens[number], text, ["HS256"]) == b"x"
            with pytest.raises(jwt.InvalidSignatureError):
                jws.verify(tokens[number - 1], text, ["HS256"])
            with pytest.raises(jwt.InvalidKeyError):
                jws.verify(tokens[number], text, ["RS256"])


def test_what_a_string_was_read_as_before_does_not_make_it_a_secret_or_a_key():
    secret, pem = "a secret of more than thirty-two bytes", pem_of(RSA_KEY.public_key())
    token = jwt.encode({"exp": 4102444800}, secret, "HS256")
    signed = jwt.encode({"exp": 4102444800}, RSA_KEY, "RS256")
    for _ in range(2):
        assert jwt.decode(token, secret, ["HS256"]) == jwt.decode(signed, pem, ["RS256"])
        for text, algorithm in ((secret, "RS256"), (pem, "HS256")):
            with pytest.raises(jwt.InvalidKeyError):
                jwt.decode(token, text, [algorithm])


def test_keys_that_take_turns_are_not_mixed_up():
    secrets = [f"secret number {number} of more than thirty-two bytes" for number in range(3)]
    tokens = [jwt.encode({"exp": 4102444800, "n": n}, secret, "HS256") for n, secret in enumerate(secrets)]
    for _ in range(2):
        for n, secret in enumerate(secrets):
            assert jwt.decode(tokens[n], secret, ["HS256"])["n"] == n
            with pytest.raises(jwt.InvalidSignatureError):
                jwt.decode(tokens[n - 1], secret, ["HS256"])
