"""`FakeIssuer`: an issuer for tests, over HTTP."""

import json
import os
import time
import urllib.error
import urllib.request

import pytest

from boltguard import jwt
from boltguard.jwt import RemoteKeySet
from boltguard.testing import FakeIssuer


@pytest.fixture(params=["ES256", "EdDSA", "RS256"])
def issuer(request):
    if request.param == "RS256":
        pytest.importorskip("cryptography")
    with FakeIssuer(request.param) as issuer:
        yield issuer


def fetched(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as response:
        assert response.headers["Content-Type"] == "application/json"
        return json.load(response)


def remote(issuer, **options):
    return RemoteKeySet(issuer.jwks_url, allow_http=True, timeout=30, **options)


def decoded(issuer, keys, token):
    return jwt.decode(token, keys.keys_for(token), [issuer.algorithm], issuer=issuer.url)


def test_a_token_is_accepted_with_the_published_keys(issuer):
    claims = decoded(issuer, remote(issuer), issuer.token("7", role="admin"))
    assert (claims["sub"], claims["role"], claims["iss"]) == ("7", "admin", issuer.url)
    assert claims["exp"] - claims["iat"] == 3600 and claims["jti"]


def test_the_discovery_document_names_the_issuer_and_its_keys(issuer):
    document = fetched(f"{issuer.url}/.well-known/openid-configuration")
    assert (document["issuer"], document["jwks_uri"]) == (issuer.url, issuer.jwks_url)
    assert document["id_token_signing_alg_values_supported"] == [issuer.algorithm]
    # OpenID Connect Discovery 1.0 §3 requires them too.
    for name in ("authorization_endpoint", "token_endpoint", "response_types_supported", "subject_types_supported"):
        assert document[name]
    keys = fetched(document["jwks_uri"])["keys"]
    assert [key["kid"] for key in keys] == issuer.key_ids and "d" not in keys[0]
    assert issuer.paths == ["/.well-known/openid-configuration", "/jwks.json"]


def test_a_rotation_publishes_the_new_key_and_keeps_the_old_one(issuer):
    old = issuer.token()
    issuer.rotate()
    keys = remote(issuer)
    assert decoded(issuer, keys, issuer.token()) and decoded(issuer, keys, old)
    assert len(issuer.key_ids) == 2
    assert jwt.get_unverified_header(issuer.token())["kid"] == issuer.key_ids[-1]


def test_a_rotation_can_withdraw_the_old_key(issuer):
    old = issuer.token()
    issuer.rotate(keep=False)
    with pytest.raises(jwt.InvalidTokenError):
        decoded(issuer, remote(issuer), old)


def test_during_an_outage_no_keys_can_be_fetched(issuer):
    with issuer.outage():
        with pytest.raises(jwt.PyJWKClientConnectionError):
            remote(issuer).keys()
        with issuer.outage(500), pytest.raises(urllib.error.HTTPError, match="500"):
            fetched(issuer.jwks_url)
        with pytest.raises(urllib.error.HTTPError, match="503"):
            fetched(issuer.jwks_url)
    assert decoded(issuer, remote(issuer), issuer.token())


def test_other_paths_do_not_exist(issuer):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetched(f"{issuer.url}/other")


def test_claims_can_be_replaced_and_omitted():
    with FakeIssuer(claims={"aud": "shop", "scope": "read"}) as issuer:
        claims = unverified(issuer.token(None, scope="write", jti=None))
        assert (claims["aud"], claims["scope"]) == ("shop", "write")
        assert "sub" not in claims and "jti" not in claims
        assert unverified(issuer.token(expires_in=-5))["exp"] < time.time()
        assert unverified(issuer.sign({"sub": "1"})) == {"sub": "1"}
        assert jwt.get_unverified_header(issuer.sign({}, {"typ": "at+jwt"}))["typ"] == "at+jwt"


def unverified(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("algorithm", ["HS256", "none", "es256", 256])
def test_an_algorithm_without_public_keys_is_rejected(algorithm):
    with pytest.raises(ValueError, match="An issuer publishes keys for one of RS256, "):
        FakeIssuer(algorithm)


def test_a_stopped_issuer_has_no_url():
    issuer = FakeIssuer()
    with pytest.raises(RuntimeError, match="isn't running"):
        issuer.url
    with issuer:
        url = issuer.jwks_url
        with pytest.raises(RuntimeError, match="already running"), issuer:
            pass
        assert fetched(url)
    with pytest.raises(urllib.error.URLError):
        fetched(url)
    assert repr(issuer) == "<FakeIssuer: ES256, stopped>"


def test_the_proxy_of_the_machine_does_not_apply_while_it_runs(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "internal.example")
    with FakeIssuer() as issuer:
        assert remote(issuer).keys()
    assert os.environ["no_proxy"] == "internal.example"
