"""Fetching from servers that fail in various ways, within the timeout."""

import json
import socket
import ssl
from pathlib import Path

import pytest

from boltguard.jwt.fetching import FetchError, Request, fetch

from issuer import drip, hang, reply, serving

DATA = Path(__file__).parents[3] / "crates/boltguard-jwks/tests/data"


def fetch_url(url, headers=None, **options):
    return fetch(Request(url, headers), **{"timeout": 30, "max_bytes": 1000, "ssl_context": None, **options})


@pytest.fixture
def url(issuer):
    with serving(issuer) as url:
        yield url


def refused(url, **options):
    with pytest.raises(FetchError) as caught:
        fetch_url(url, **options)
    return caught.value.why


def test_a_response_is_returned(issuer, url):
    issuer.respond = lambda handler, _: reply(handler, 200, b"{}", Cache_Control="max-age=60")
    assert fetch_url(url) == (200, b"{}", "max-age=60")
    issuer.respond = None
    assert json.loads(fetch_url(url).body) == issuer.published


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(issuer, url, status):
    issuer.respond = lambda handler, _: reply(handler, status, b"elsewhere", Location=url)
    assert fetch_url(url) == (status, b"", None)
    assert len(issuer.requests) == 1


@pytest.mark.parametrize("status", [201, 400, 404, 500, 503])
def test_another_status_is_handed_on_without_its_body(issuer, url, status):
    issuer.respond = lambda handler, _: reply(handler, status, b"x" * 5000)
    assert fetch_url(url) == (status, b"", None)


def test_a_body_is_read_up_to_the_limit(issuer, url):
    issuer.respond = lambda handler, _: reply(handler, 200, b"x" * 1000)
    assert len(fetch_url(url).body) == 1000
    assert refused(url, max_bytes=999) == "too_large"


def test_a_body_without_an_end_is_left(issuer, url):
    def flood(handler, _):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 1000)

    issuer.respond = flood
    assert refused(url) == "too_large"


def test_a_compressed_body_is_refused(issuer, url):
    issuer.respond = lambda handler, _: reply(handler, 200, b"x", Content_Encoding="gzip")
    assert refused(url) == "encoded"


def test_a_body_that_breaks_off_is_none(issuer, url):
    def break_off(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{}")

    issuer.respond = break_off
    assert refused(url) == "connection"


@pytest.mark.parametrize("text", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_an_invalid_response_is_a_broken_connection(issuer, url, text):
    issuer.respond = lambda handler, _: handler.wfile.write(text)
    assert refused(url) == "connection"


def test_an_unreachable_server_is_a_broken_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/") == "connection"


@pytest.mark.parametrize("behaviour", [hang, drip])
def test_a_server_that_takes_its_time_is_left(issuer, url, behaviour):
    issuer.respond = behaviour
    assert refused(url, timeout=0.3, max_bytes=10**9) == "timeout"


def test_headers_that_drip_are_left(issuer, url):
    def slowly(handler, _):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        drip(handler)

    issuer.respond = slowly
    assert refused(url, timeout=0.3) == "timeout"


def test_only_requested_headers_are_sent(issuer, url):
    fetch_url(url, headers={"Authorization": "Bearer secret"})
    sent = issuer.requests[0]
    assert sent["Authorization"] == "Bearer secret"
    assert sent["Accept-Encoding"] == "identity"
    assert sent["User-Agent"].startswith("boltguard/")


def test_a_proxy_of_the_environment_is_used(issuer, url, monkeypatch):
    monkeypatch.setenv("http_proxy", url.rpartition("/")[0])
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert json.loads(fetch_url("http://id.example.com/jwks.json").body) == issuer.published
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    assert refused("http://id.example.com/jwks.json") == "connection"


@pytest.fixture
def secure_url(issuer):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / "server.pem", DATA / "server.private.pem")
    with serving(issuer, context) as url:
        yield url


def test_a_trusted_certificate_is_needed(issuer, secure_url):
    assert refused(secure_url) == "connection"
    assert issuer.requests == []
    trusting = ssl.create_default_context(cafile=str(DATA / "authority.pem"))
    assert json.loads(fetch_url(secure_url, ssl_context=trusting).body) == issuer.published


def test_a_certificate_of_another_name_is_refused(issuer, secure_url):
    trusting = ssl.create_default_context(cafile=str(DATA / "authority.pem"))
    assert refused(secure_url.replace("localhost", "127.0.0.2"), ssl_context=trusting) == "connection"
    assert issuer.requests == []


def test_a_handshake_that_hangs_is_left(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert refused(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.3) == "timeout"
