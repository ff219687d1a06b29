"""PyJWT's modules: every public name can be imported."""

import importlib
import json
import pkgutil
import subprocess
import sys

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils

from boltguard import jwt
from boltguard.jwt import utils as ours

# The names in the table of "Coming from PyJWT".
ABSENT = {"jwk_set_cache"}
MODULES = [module.name for module in pkgutil.iter_modules(pyjwt.__path__)]


def public_names(module):
    """The classes and functions that a module defines itself."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__
    }


@pytest.mark.parametrize("name", sorted(set(MODULES) - ABSENT))
def test_a_module_has_the_names_of_pyjwts(name):
    mine, theirs = (importlib.import_module(f"{package}.{name}") for package in ("boltguard.jwt", "jwt"))
    # Timestamps of PyJWT's cache, which doesn't exist here.
    wanted = public_names(theirs) - {"PyJWTSetWithTimestamp"}
    assert {name for name in wanted if not hasattr(mine, name)} == set()


@pytest.mark.parametrize("name", ["has_crypto", "requires_cryptography", "AllowedRSAKeys", "AllowedPublicKeys"])
def test_a_constant_of_the_algorithms_is_there(name):
    assert hasattr(jwt.algorithms, name)


@pytest.mark.parametrize("name", ["JWKDict", "HashlibHash"])
def test_a_type_is_there(name):
    assert hasattr(importlib.import_module("boltguard.jwt.types"), name)


@pytest.mark.parametrize("name", sorted(pyjwt.__all__))
def test_a_name_of_the_package_is_there(name):
    assert hasattr(jwt, name)


@pytest.mark.parametrize("kind", ["PyJWT", "PyJWS", "PyJWK", "PyJWKSet", "PyJWKClient"])
def test_a_class_has_the_methods_of_pyjwts(kind):
    public = {name for name in vars(getattr(pyjwt, kind)) if not name.startswith("_")}
    assert {name for name in public if not hasattr(getattr(jwt, kind), name)} == set()


ROUND = [(0, b"AA"), (1, b"AQ"), (255, b"_w"), (65537, b"AQAB"), (2**521 - 1, None)]


@pytest.mark.parametrize(("number", "text"), ROUND)
def test_numbers_go_to_base64url_and_back(number, text):
    encoded = ours.to_base64url_uint(number)
    assert encoded == pyjwt.utils.to_base64url_uint(number) and text in (None, encoded)
    assert ours.from_base64url_uint(encoded) == ours.from_base64url_uint(encoded.decode()) == number
    wide = ours.to_base64url_uint(number, bit_length=528)
    assert wide == pyjwt.utils.to_base64url_uint(number, bit_length=528) and ours.from_base64url_uint(wide) == number
    assert ours.bytes_from_int(number) == pyjwt.utils.bytes_from_int(number)
    assert ours.bytes_to_number(ours.number_to_bytes(number, 70)) == number


def test_numbers_that_can_not_be_written_are_refused():
    with pytest.raises(ValueError):
        ours.to_base64url_uint(-1)
    with pytest.raises(OverflowError):
        ours.number_to_bytes(256, 1)


@pytest.mark.parametrize("data", [b"", b"f", b"fo", b"foo", b"\xfb\xff"])
def test_bytes_go_to_base64url_and_back(data):
    text = ours.base64url_encode(data)
    assert text == pyjwt.utils.base64url_encode(data) and b"=" not in text
    padded = text + b"=" * (-len(text) % 4)
    assert {ours.base64url_decode(form) for form in (text, text.decode(), padded)} == {data}


def test_bytes_are_string_or_bytes():
    assert ours.force_bytes("é") == ours.force_bytes("é".encode()) == "é".encode()
    for value in ({}, None, 5, bytearray(b"x")):
        with pytest.raises(TypeError):
            ours.force_bytes(value)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_signatures_of_ecdsa_change_their_form(curve):
    der = utils.encode_dss_signature(1, 2**200)
    raw = ours.der_to_raw_signature(der, curve)
    assert raw == pyjwt.utils.der_to_raw_signature(der, curve)
    assert ours.raw_to_der_signature(raw, curve) == der
    with pytest.raises(ValueError):
        ours.raw_to_der_signature(raw + b"x", curve)


PEMS = [
    (b"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----", True),
    (b"x-----BEGIN RSA PRIVATE KEY-----AA-----END RSA PRIVATE KEY-----x", True),
    (b"-----BEGIN PUBLIC KEY-----" * 100, False),
    (b"-----END PUBLIC KEY----------BEGIN PUBLIC KEY-----", False),
    (b"-----BEGIN PUBLIC KEY-----AA-----END PRIVATE KEY-----", False),
    (b"secret", False),
    (b"", False),
]


@pytest.mark.parametrize(("data", "is_pem"), PEMS)
def test_pem_is_recognised(data, is_pem):
    assert ours.is_pem_format(data) is pyjwt.utils.is_pem_format(data) is is_pem


SSH = ["ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]


@pytest.mark.parametrize(
    ("text", "is_ssh"), [*((f"{kind} AAAA", True) for kind in SSH), ("secret", False), ("", False)]
)
def test_keys_of_openssh_are_recognised(text, is_ssh):
    assert ours.is_ssh_key(text.encode()) is pyjwt.utils.is_ssh_key(text.encode()) is is_ssh


def test_the_report_of_versions_can_be_printed():
    printed = subprocess.run([sys.executable, "-m", "boltguard.jwt.help"], check=True, capture_output=True).stdout
    report = json.loads(printed)
    theirs = importlib.import_module("jwt.help").info()
    for part in ("platform", "implementation", "cryptography"):
        assert report[part] == theirs[part]
    assert set(report) == {"boltguard", "cryptography", "implementation", "platform"}
