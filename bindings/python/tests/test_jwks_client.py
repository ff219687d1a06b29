"""`PyJWKClient` compared with PyJWT's, on the same issuer, and where it is stricter."""

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import jwt as pyjwt
import pytest

from boltguard import jwt
from boltguard.jwt import PyJWKClient, PyJWKClientConnectionError, PyJWKClientError, PyJWKSetError

from issuer import Issuer, reply, serving

URL = "https://id.example.com/jwks.json"


@pytest.fixture
def issuer():
    return Issuer("a", "b")


@pytest.fixture
def url(issuer):
    with serving(issuer) as url:
        yield url


@pytest.fixture
def client(url):
    return PyJWKClient(url, allow_http=True)


def fail(handler, _):
    reply(handler, 500)


def kids(keys):
    return [key.key_id for key in keys]


def test_the_arguments_are_pyjwts_and_three_more():
    ours, theirs = (list(inspect.signature(cls).parameters.values()) for cls in (PyJWKClient, pyjwt.PyJWKClient))
    assert [(one.name, one.default) for one in ours[: len(theirs)]] == [(one.name, one.default) for one in theirs]
    assert [one.name for one in ours[len(theirs) :]] == ["allow_http", "stale", "max_bytes"]
    public = [name for name in vars(pyjwt.PyJWKClient) if not name.startswith("_")]
    assert all(hasattr(PyJWKClient, name) for name in public)


def test_both_find_the_same_keys(issuer, url, client):
    theirs = pyjwt.PyJWKClient(url)
    token = issuer.token("b")
    for one, decode in [(client, jwt.decode), (theirs, pyjwt.decode)]:
        assert kids(one.get_signing_keys()) == ["a", "b"]
        assert one.get_signing_key("a").key_id == "a"
        key = one.get_signing_key_from_jwt(token)
        assert (key.key_id, key.key_type, key.algorithm_name) == ("b", "EC", "ES256")
        assert decode(token, key, algorithms=["ES256"])["sub"] == "42"
        assert len(one.get_jwk_set().keys) == 2
        assert one.fetch_data() == issuer.published
        assert one.match_kid(one.get_signing_keys(), "x") is None


def test_the_set_is_cached_for_its_lifespan(issuer, url, skip):
    client = PyJWKClient(url, allow_http=True, lifespan=600)
    for _ in range(3):
        client.get_signing_key("a")
    skip(500)
    client.get_signing_key("a")
    assert len(issuer.requests) == 1
    skip(100)
    client.get_signing_key("a")
    assert len(issuer.requests) == 2


def test_a_set_that_is_not_cached_is_fetched_each_time(issuer, url):
    client = PyJWKClient(url, allow_http=True, cache_jwk_set=False)
    client.get_signing_key("a")
    with pytest.raises(PyJWKClientError):
        client.get_signing_key("x")
    assert len(issuer.requests) == 2


def test_an_unknown_key_is_looked_for_once_a_cooldown(issuer, client, skip):
    client.get_signing_key("a")
    issuer.publish("c")
    for _ in range(5):
        with pytest.raises(PyJWKClientError, match="Unable to find a signing key that matches"):
            client.get_signing_key("c")
    assert len(issuer.requests) == 1
    skip(30)
    assert client.get_signing_key("c").key_id == "c"
    assert len(issuer.requests) == 2


def test_requested_refresh_is_made(issuer, client):
    client.get_jwk_set()
    issuer.publish("c")
    assert kids(client.get_jwk_set(refresh=True)) == ["c"]
    assert kids(client.get_jwk_set()) == ["c"]
    assert kids(client.get_signing_keys(refresh=True)) == ["c"]
    assert len(issuer.requests) == 3


def test_old_keys_serve_while_the_server_fails(issuer, client, caplog, skip):
    client.get_signing_key("a")
    issuer.respond = fail
    skip(300)
    assert client.get_signing_key("a").key_id == "a"
    assert "status 500" in caplog.text
    with pytest.raises(PyJWKClientConnectionError):
        client.get_jwk_set(refresh=True)
    skip(4000)
    with pytest.raises(PyJWKClientConnectionError):
        client.get_signing_key("a")
    issuer.respond = None
    skip(60)
    assert client.get_signing_key("a").key_id == "a"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"[]", PyJWKClientError),
        (b"<html>", PyJWKClientError),
        (b"\xff", PyJWKClientError),
        (b'{"keys": []}', PyJWKSetError),
        (b'{"a": 1}', PyJWKSetError),
        (b'{"keys": [{"kty": "XYZ"}]}', PyJWKSetError),
        (b'{"keys": [{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}]}', PyJWKSetError),
    ],
)
def test_what_is_not_a_set_is_refused(issuer, url, client, body, error):
    issuer.respond = lambda handler, _: reply(handler, 200, body)
    uncached = PyJWKClient(url, allow_http=True, cache_jwk_set=False)
    for one in (client, uncached):
        with pytest.raises(error):
            one.get_signing_keys()


def test_a_set_without_names_has_no_signing_keys(issuer, client):
    for key in issuer.published["keys"]:
        del key["kid"]
    with pytest.raises(PyJWKClientError, match="did not contain any signing keys"):
        client.get_signing_keys()


def test_secrets_of_a_set_are_skipped(issuer, client):
    secret = {"kty": "oct", "kid": "s", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}
    issuer.published["keys"].append(secret)
    assert kids(client.get_jwk_set()) == ["a", "b"]
    with pytest.raises(PyJWKClientError):
        client.get_signing_key("s")


@pytest.mark.parametrize("status", [301, 404, 500])
def test_another_status_is_a_broken_connection(issuer, url, client, status):
    issuer.respond = lambda handler, _: reply(handler, status, Location=url)
    with pytest.raises(PyJWKClientConnectionError, match=str(status)):
        client.fetch_data()
    with pytest.raises(PyJWKClientConnectionError):
        client.get_jwk_set()


def test_a_body_that_is_too_long_is_refused(issuer, url):
    client = PyJWKClient(url, allow_http=True, max_bytes=100)
    with pytest.raises(PyJWKClientConnectionError, match="too_large"):
        client.get_jwk_set()


def test_a_subclass_may_fetch_in_its_own_way(issuer):
    class Filtered(PyJWKClient):
        def fetch_data(self):
            return {"keys": [key for key in issuer.published["keys"] if key["kid"] == "b"]}

    assert kids(Filtered(URL).get_signing_keys()) == ["b"]
    assert issuer.requests == []


def test_threads_are_one_request(issuer, client):
    barrier = threading.Barrier(8)

    def find(_):
        barrier.wait()
        return client.get_signing_key("a").key_id

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(find, range(8))) == ["a"] * 8
    assert len(issuer.requests) == 1


def test_headers_are_sent(issuer, url):
    PyJWKClient(url, allow_http=True, headers={"User-Agent": "mine", "X-Key": "hunter2"}).get_jwk_set()
    assert issuer.requests[0]["User-Agent"] == "mine"
    assert issuer.requests[0]["X-Key"] == "hunter2"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"uri": "http://id.example.com/"}, "allow http"),
        ({"uri": "file:///etc/passwd"}, "not a URL"),
        ({"uri": URL, "lifespan": 0}, "`ttl`"),
        ({"uri": URL, "cooldown_duration": 0}, "cooldown"),
        ({"uri": URL, "cooldown_duration": float("inf")}, "finite"),
        ({"uri": URL, "timeout": 0}, "timeout"),
        ({"uri": URL, "headers": {"a": "b\nc"}}, "header"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, why):
    with pytest.raises(PyJWKClientError, match=why):
        PyJWKClient(**arguments)


def test_a_token_without_a_name_for_its_key_is_refused(issuer, client):
    bare = jwt.encode({"sub": "42"}, jwt.Key.generate("ES256"), algorithm="ES256")
    with pytest.raises(PyJWKClientError, match="no kid"):
        client.get_signing_key_from_jwt(bare)
    with pytest.raises(jwt.DecodeError):
        client.get_signing_key_from_jwt("nonsense")


def test_it_shows_no_secret():
    assert repr(PyJWKClient(URL + "?key=hunter2")) == f"PyJWKClient('{URL}')"
