"""Keys as in environment variables and `.env` files: read as keys, and never used as secrets."""

import base64
import json
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from boltguard import jws, jwt
from boltguard.auth import JWTAuthentication, Token, create_jwt_for_user
from boltguard.jwt import Key

from issuer import FAR

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256 = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PUBLIC_DER = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
OPENSSH = RSA.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
JWK = json.dumps(Key.read(RSA.public_key()).to_jwk())
USER = User(pk=7, username="grace")
USER._state.adding = False
FAR_CLAIMS = {"sub": "7", "exp": FAR}
GOOD = "a-secret-that-is-long-enough-for-everybody"


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def layouts(pem):
    line = pem.strip().replace("\n", "\\n")
    return {
        "one line": pem.strip().replace("\n", " "),
        "no line ends": pem.strip().replace("\n", ""),
        "escaped": line,
        "escaped and quoted": f'"{line}\\n"',
        "escaped twice": line.replace("\\n", "\\\\n"),
        "crlf": pem.replace("\n", "\r\n"),
        "indented": "".join(f"    {line}\n" for line in pem.splitlines()),
        "quoted": f"'{pem}'",
        "marked": "\ufeff" + pem,
        "base64": b64(pem),
        "base64 in lines": base64.encodebytes(pem.encode()).decode(),
        "bytes": pem.encode(),
        "utf-16": pem.encode("utf-16"),
        "utf-16-be": pem.encode("utf-16-be"),
    }


PUBLIC = layouts(PUBLIC_PEM) | {"der": PUBLIC_DER, "base64 of der": b64(PUBLIC_DER), "openssh": OPENSSH}
DAMAGED = {
    "four dashes": PUBLIC_PEM.replace("-----", "----"),
    "no dashes": PUBLIC_PEM.replace("-----", ""),
    "no first line": PUBLIC_PEM.split("\n", 1)[1],
    "lower case": PUBLIC_PEM.lower(),
    "hexadecimal": PUBLIC_DER.hex(),
    "jwk": JWK,
    "jwk in quotes": f"'{JWK}'",
    "jwk in base64": b64(JWK),
    "jwk in base64url": base64.urlsafe_b64encode(JWK.encode()).rstrip(b"=").decode(),
    "jwk in utf-16": JWK.encode("utf-16"),
    "jwk in utf-16-le": JWK.encode("utf-16-le"),
    "jwk in utf-16-be": JWK.encode("utf-16-be"),
    "jwk in utf-16 as str": JWK.encode("utf-16-le").decode(),
    "jwks in base64": b64(json.dumps({"keys": [json.loads(JWK)]})),
    "openssh without its type": OPENSSH.split()[1],
    "base64 twice": b64(b64(PUBLIC_PEM)),
    "url in base64": b64("https://id.example.com/jwks.json"),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_key_is_read(name):
    token = jwt.encode(FAR_CLAIMS, RSA, algorithm="RS256")
    assert jwt.decode(token, PUBLIC[name], algorithms=["RS256"]) == FAR_CLAIMS
    assert jwt.decode(token, PUBLIC[name], algorithms=["HS256", "RS256"]) == FAR_CLAIMS
    assert Key.from_pem(PUBLIC[name]).thumbprint() == Key.read(RSA.public_key()).thumbprint()
    assert JWTAuthentication(PUBLIC[name], algorithms=["RS256"]).rust


@pytest.mark.parametrize("name", layouts(""))
def test_a_private_key_is_read(name):
    pem = P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key = layouts(pem)[name]
    token = jwt.encode(FAR_CLAIMS, key, algorithm="ES256")
    assert jwt.decode(token, P256.public_key(), algorithms=["ES256"]) == FAR_CLAIMS
    token = create_jwt_for_user(USER, 600, secret=key, algorithm="ES256")
    assert jwt.decode(token, P256.public_key(), algorithms=["ES256"])["sub"] == "7"


@pytest.mark.parametrize("name", PUBLIC | DAMAGED)
def test_a_key_is_never_a_secret_however_it_is_encoded(name):
    key = (PUBLIC | DAMAGED)[name]
    token = jwt.encode(FAR_CLAIMS, GOOD, algorithm="HS256")
    raw = key if isinstance(key, bytes) else key.encode()
    calls = [
        lambda: jwt.encode(FAR_CLAIMS, key, algorithm="HS256"),
        lambda: jwt.decode(token, key, algorithms=["HS256"]),
        lambda: jwt.decode(token, raw, algorithms=["HS512"]),
        lambda: jws.sign(b"payload", key, "HS256"),
        lambda: Key.from_secret(key),
        lambda: Key.from_secret(raw),
        lambda: Key.from_base64url(base64.urlsafe_b64encode(raw).rstrip(b"=").decode()),
        lambda: Key.from_jwk({"kty": "oct", "k": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}),
        lambda: Key.read(key, "HS256"),
    ]
    for call in calls:
        with pytest.raises(jwt.InvalidKeyError) as caught:
            call()
        assert caught.value.code == "key_invalid"
    with pytest.raises(ImproperlyConfigured):
        JWTAuthentication(key)
    with pytest.raises(ImproperlyConfigured):
        JWTAuthentication([GOOD, key])
    with pytest.raises(ValueError, match=r"secret|key"):
        create_jwt_for_user(USER, 600, secret=key)
    with pytest.raises((ValueError, jwt.PyJWTError)):
        Token.from_claims(FAR_CLAIMS).encode(key)


@pytest.mark.parametrize("name", ["base64", "escaped", "four dashes", "jwk in base64"])
def test_a_key_is_not_a_secret_key(name):
    with override_settings(SECRET_KEY=(PUBLIC | DAMAGED)[name]):
        with pytest.raises(ImproperlyConfigured):
            JWTAuthentication().rust  # noqa: B018
        with pytest.raises(ValueError, match=r"secret|key"):
            create_jwt_for_user(USER, 600)
    with override_settings(SECRET_KEY_FALLBACKS=[(PUBLIC | DAMAGED)[name]]), pytest.raises(ImproperlyConfigured):
        JWTAuthentication().rust  # noqa: B018


def test_what_can_not_be_read_says_what_to_do():
    for key, message in [
        (DAMAGED["four dashes"], "requires five hyphens on each side"),
        (PUBLIC_PEM.split("-----END")[0], "ends with the -----END line"),
        ("/etc/keys/public.pem", "begins with a line such as -----BEGIN PUBLIC KEY-----"),
    ]:
        with pytest.raises(jwt.InvalidKeyError, match=message):
            Key.from_pem(key)
        with pytest.raises(ImproperlyConfigured, match=message):
            JWTAuthentication(key, algorithms=["RS256"])
    with pytest.raises(ImproperlyConfigured, match=r"not an HMAC secret.*algorithms=\['RS256'\]"):
        JWTAuthentication(PUBLIC["escaped"])
    private = P256.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    with pytest.raises(jwt.InvalidKeyError, match="ssh-keygen -p -m PKCS8"):
        jwt.encode(FAR_CLAIMS, private, algorithm="ES256")


def test_ordinary_secrets_are_secrets():
    for _ in range(200):
        raw = secrets.token_bytes(48)
        for key in (raw, b64(raw), secrets.token_urlsafe(), secrets.token_hex(), base64.b32encode(raw).decode()):
            assert jwt.decode(jwt.encode(FAR_CLAIMS, key), key, algorithms=["HS256"]) == FAR_CLAIMS
