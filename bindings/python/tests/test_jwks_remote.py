"""`RemoteKeySet`: rotated, unavailable, stale and restored keys, with threads, tasks and forks."""

import asyncio
import json
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from itertools import islice

import pytest

from boltguard import jwt
from boltguard.exceptions import ConfigurationError
from boltguard.jwt import PyJWKClient, PyJWKClientConnectionError, RemoteKeySet

from children import in_child
from issuer import Issuer, reply

URL = "https://id.example.com/jwks.json"


def decode(remote, token):
    return jwt.decode(token, remote.keys_for(token), algorithms=["ES256"])


def holds(kid, keys):
    return kid in [key["kid"] for key in keys.to_jwks()["keys"]]


def fail(handler, _):
    reply(handler, 500)


def test_nothing_is_fetched_before_it_is_needed(issuer, remote):
    assert issuer.requests == []
    assert decode(remote, issuer.token("a"))["sub"] == "42"
    assert decode(remote, issuer.token("a").encode())["sub"] == "42"
    assert len(issuer.requests) == 1


def test_keys_are_fetched_again_when_their_time_is_over(issuer, remote, skip):
    remote.keys()
    issuer.publish("b")
    skip(200)
    assert holds("a", remote.keys())
    assert len(issuer.requests) == 1
    skip(timedelta(seconds=100))
    assert decode(remote, issuer.token("b"))["sub"] == "42"
    assert len(issuer.requests) == 2
    with pytest.raises(jwt.InvalidSignatureError):
        decode(remote, issuer.token("a"))


def test_the_servers_max_age_shortens_the_time(issuer, remote, skip):
    issuer.respond = lambda handler, _: reply(
        handler, 200, json.dumps(issuer.published).encode(), Cache_Control="public, max-age=60"
    )
    remote.keys()
    skip(60)
    remote.keys()
    assert len(issuer.requests) == 2


def test_a_new_key_is_found_once_the_cooldown_is_over(issuer, remote, skip):
    remote.keys()
    issuer.publish("a", "b")
    with pytest.raises(jwt.InvalidSignatureError):
        decode(remote, issuer.token("b"))
    assert len(issuer.requests) == 1
    skip(30)
    assert decode(remote, issuer.token("b"))["sub"] == "42"
    assert len(issuer.requests) == 2


def test_a_token_without_kid_finds_a_new_key_once_the_cooldown_is_over(issuer, remote, skip):
    remote.keys()
    issuer.publish("b")
    token = jwt.encode({"sub": "42", "exp": 4102444800}, issuer.keys["b"], algorithm="ES256")
    with pytest.raises(jwt.InvalidSignatureError):
        decode(remote, token)
    skip(30)
    assert decode(remote, token)["sub"] == "42"
    assert decode(remote, token)["sub"] == "42"
    assert len(issuer.requests) == 2


def test_a_flood_of_unknown_keys_is_one_request(issuer, remote, skip):
    remote.keys()
    skip(30)
    unknown = Issuer("x").token("x")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: remote.keys_for(unknown), range(200)))
    assert len(issuer.requests) == 2


def test_many_threads_are_one_request(issuer, remote):
    started = threading.Barrier(8)

    def load(_):
        started.wait()
        return remote.keys()

    with ThreadPoolExecutor(8) as pool:
        assert all(holds("a", keys) for keys in pool.map(load, range(8)))
    assert len(issuer.requests) == 1


def test_threads_wait_for_the_one_that_fetches(issuer, remote):
    requested, go_on = issuer.hold()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(remote.keys)
        requested.wait()
        others = [pool.submit(remote.keys) for _ in range(3)]
        go_on.set()
        assert all(holds("a", future.result()) for future in [first, *others])
    assert len(issuer.requests) == 1


def test_old_keys_serve_while_one_thread_fetches(issuer, remote, skip):
    remote.keys()
    requested, go_on = issuer.hold()
    issuer.publish("b")
    skip(300)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(remote.keys)
        requested.wait()
        assert holds("a", remote.keys())
        go_on.set()
        assert holds("b", first.result())


def test_old_keys_serve_until_they_are_too_old(issuer, remote, caplog, skip):
    remote.keys()
    issuer.respond = fail
    skip(300)
    with caplog.at_level(logging.WARNING, "boltguard"):
        assert holds("a", remote.keys())
    assert "status 500" in caplog.text
    skip(3000)
    assert holds("a", remote.keys())
    skip(1000)
    with pytest.raises(PyJWKClientConnectionError, match="status 500") as caught:
        remote.keys()
    assert caught.value.code == "issuer_keys_unavailable"
    assert remote.rust.keys.to_jwks() == {"keys": []}


def test_unavailable_issuer_is_retried_with_growing_delays(issuer, remote, skip):
    issuer.respond = fail
    for requested, pause in enumerate([1, 2, 4, 8, 16, 30, 30], 1):
        # A delay of a few seconds may end before the second attempt.
        for _ in range(3 if pause > 4 else 1):
            with pytest.raises(PyJWKClientConnectionError):
                remote.keys()
        assert len(issuer.requests) == requested
        skip(pause)
    issuer.respond = None
    assert holds("a", remote.keys())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        (b"{}", "a list `keys`"),
        (b'{"keys": []}', "no key can be used"),
        (b'{"keys": [], "keys": []}', "duplicate member"),
        (b'{"keys": null}', "a list `keys`"),
        (b'{"keys": [null]}', "a list `keys`"),
        (b'{"keys": [{}]}', "key 0: `kty` is missing"),
        (b'{"keys": [' + b",".join([b"{}"] * 101) + b"]}", "too many keys"),
        (b'{"keys": [{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}]}', "no key can be used"),
        (b" " * 600_000, "too large"),
    ],
)
def test_what_is_not_a_set_is_refused_and_the_old_one_stays(issuer, remote, caplog, body, why, skip):
    remote.keys()
    issuer.respond = lambda handler, _: reply(handler, 200, body)
    skip(300)
    assert holds("a", remote.keys())
    assert why in caplog.text


SMALL = {"kty": "RSA", "kid": "small", "n": "AQAB", "e": "AQAB"}
USELESS = [
    (SMALL, 'kid "small"): the RSA key is shorter than 2048 bits'),
    ({"kty": "RSA", "kid": "x", "e": "AQAB"}, 'kid "x"): `n` is missing'),
    ({"kty": "RSA", "kid": 7, "n": 7, "e": "AQAB"}, 'kid "7"): `n` isn\'t a string'),
    ({"kty": "AKP", "kid": "pq"}, 'kid "pq"): `kty` names a kind of key that isn\'t supported'),
    ({"kty": "EC", "crv": "P-224", "kid": "k1"}, 'kid "k1"): `crv` names a kind of key that isn\'t supported'),
    ({"kty": "EC", "crv": "secp256k1", "kid": "k1"}, 'kid "k1"): `crv` is secp256k1, which requires'),
    ({"kty": "oct", "kid": "s", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}, 'kid "s"): this is a secret'),
    ({"use": "enc"}, 'kid "a"): `use` isn\'t "sig"'),
    ({"key_ops": ["encrypt"]}, 'kid "a"): `key_ops` doesn\'t list'),
    ({"alg": "ECDH-ES"}, 'kid "a"): `alg` names another algorithm'),
    ({"x": "AAAA"}, 'kid "a"): `x` has the wrong length'),
    ({"x": None, "kid": None}, ": `x` is missing"),
]


@pytest.mark.parametrize(("change", "why"), USELESS)
def test_skipped_keys_are_reported_with_index_kid_and_reason(issuer, remote, caplog, change, why, skip):
    jwk = change if "kty" in change else issuer.published["keys"][0] | change
    issuer.published = {"keys": [jwk]}
    with pytest.raises(PyJWKClientConnectionError) as caught:
        remote.keys()
    assert "key 0" in str(caught.value) and why in str(caught.value)
    assert "key 0" in caplog.text and why in caplog.text
    caplog.clear()
    issuer.publish("b")
    issuer.published["keys"].append(jwk)
    skip(30)
    assert holds("b", remote.keys())
    assert "key 1" in caplog.text and why in caplog.text
    caplog.clear()
    remote.refresh(force=True)
    assert caplog.text == ""


@pytest.mark.parametrize(
    "change",
    [
        {"alg": None, "use": None, "key_ops": None, "x5c": None, "d": None},
        {"key_ops": "verify"},
        {"use": "jwt-svid"},
        {"kid": 2026},
    ],
)
def test_keys_are_read_as_issuers_write_them(issuer, remote, caplog, change):
    issuer.published["keys"][0] |= change
    kid = str(change.get("kid", "a"))
    assert decode(remote, issuer.token(kid, issuer.keys["a"]))["sub"] == "42"
    assert caplog.text == ""


def test_a_set_with_a_private_key_is_refused(issuer, remote):
    # Boltguard itself never creates these.
    private = {"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}
    private["x"] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    issuer.published["keys"].append(private)
    with pytest.raises(PyJWKClientConnectionError, match="private"):
        remote.keys()


def test_one_who_knows_of_a_change_fetches_at_once(issuer, remote):
    remote.keys()
    issuer.publish("b")
    remote.refresh(force=True)
    assert holds("b", remote.keys())
    assert len(issuer.requests) == 2


def test_tasks_are_one_request(issuer, remote, skip):
    async def run():
        return await asyncio.gather(*(remote.akeys() for _ in range(50)))

    assert all(holds("a", keys) for keys in asyncio.run(run()))
    assert len(issuer.requests) == 1
    issuer.publish("a", "b")
    skip(30)
    token = issuer.token("b")

    async def run_unknown():
        return await asyncio.gather(*(remote.akeys_for(token) for _ in range(50)))

    assert all(holds("b", keys) for keys in asyncio.run(run_unknown()))
    assert len(issuer.requests) == 2


def test_a_task_that_is_cancelled_does_not_take_the_others_keys(issuer, remote):
    requested, go_on = issuer.hold()

    async def run():
        tasks = [asyncio.ensure_future(remote.akeys()) for _ in range(3)]
        await asyncio.get_running_loop().run_in_executor(None, requested.wait)
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        go_on.set()
        return await asyncio.gather(*tasks[1:])

    assert all(holds("a", keys) for keys in asyncio.run(run()))
    assert len(issuer.requests) == 1


def test_a_loop_goes_on_while_a_server_takes_its_time(issuer, remote):
    requested, go_on = asyncio.Event(), threading.Event()

    async def run():
        loop = asyncio.get_running_loop()

        def response(handler, _):
            loop.call_soon_threadsafe(requested.set)
            go_on.wait()
            reply(handler, 200, json.dumps(issuer.published).encode())

        issuer.respond = response
        waiting = asyncio.ensure_future(remote.akeys())
        await requested.wait()
        assert not waiting.done()
        go_on.set()
        return await waiting

    assert holds("a", asyncio.run(run()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_fetches_for_itself(issuer, remote, skip):
    remote.keys()
    skip(300)
    permit = remote.rust.begin_fetch()
    child = os.fork()
    if child == 0:
        # The permit belongs to the parent, and the child fetches on its own.
        served = holds("a", remote.keys())
        skip(71)
        served = served and holds("a", remote.keys())
        os._exit(0 if served else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(issuer.requests) == 2
    assert permit.fail("connection")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("known", [False, True])
def test_a_process_that_is_forked_during_a_fetch_fetches_for_itself(issuer, remote, known, skip):
    if known:
        remote.keys()
        skip(300)
    before = len(issuer.requests)
    requested, go_on = threading.Event(), threading.Event()

    def response(handler, number):
        if number == before + 1:
            requested.set()
            go_on.wait()
        reply(handler, 200, json.dumps(issuer.published).encode())

    issuer.respond = response
    issuer.publish("b")
    token = issuer.token("b")
    threads = [threading.Thread(target=remote.keys) for _ in range(3)]
    for thread in threads:
        thread.start()
    requested.wait()
    try:
        assert in_child(lambda: decode(remote, token)["sub"] == "42")
        assert in_child(lambda: asyncio.run(remote.akeys_for(token)) is not None)
        assert len(issuer.requests) == before + 3
    finally:
        go_on.set()
        for thread in threads:
            thread.join()
    assert decode(remote, token)["sub"] == "42"
    assert len(issuer.requests) == before + 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_locks_that_are_held_at_a_fork_are_free_in_the_child(issuer, remote):
    remote.keys()
    client = PyJWKClient(remote.rust.url, allow_http=True)
    client.get_signing_key("a")
    with remote._lock, client._lock:
        assert in_child(lambda: client.get_signing_key("a").key_id == "a")
        assert in_child(lambda: holds("a", asyncio.run(remote.akeys())))


def test_a_slow_issuer_does_not_hold_every_thread(issuer, remote, skip):
    remote.keys()
    skip(30)
    requested, go_on = issuer.hold()
    unknown = Issuer("x").token("x")
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(remote.keys_for, unknown) for _ in range(16)]
        requested.wait()
        # One fetches and two wait; the others receive a response while the issuer is slow.
        completed = list(islice(as_completed(calls, timeout=20), 13))
        assert not go_on.is_set()
        assert all(holds("a", call.result()) for call in completed)
        go_on.set()
        assert all(holds("a", call.result()) for call in calls)
    assert len(issuer.requests) == 2
    # The cooldown begins at the end of the fetch.
    skip(29)
    remote.keys_for(unknown)
    assert len(issuer.requests) == 2
    skip(1)
    issuer.respond = None
    remote.keys_for(unknown)
    assert len(issuer.requests) == 3


def test_a_turn_is_ended_once(remote):
    permit = remote.rust.begin_fetch()
    assert permit.fail("timeout") == "the server takes too long to respond"
    with pytest.raises(RuntimeError, match="already been used"):
        permit.succeed(200, b"")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://id.example.com/jwks.json", "allow_http=True"),
        ("http://localhost/jwks.json", "allow_http=True"),
        ("https://user:hunter2@id.example.com/jwks.json", "use a header instead"),
        ("file:///etc/passwd", "not a URL"),
        ("id.example.com", "not a URL"),
        ("https://id.example.com/#x", "not a URL"),
        (None, "str"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(url, why):
    with pytest.raises(ConfigurationError, match=why) as caught:
        RemoteKeySet(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"ttl": 0},
        {"ttl": -1},
        {"ttl": float("nan")},
        {"ttl": "300"},
        {"cooldown": 0},
        {"stale": -1},
        {"stale": 1e12},
        {"timeout": 0},
        {"timeout": None},
        {"timeout": True},
        {"max_bytes": -1},
        {"max_bytes": 0},
        {"headers": {"X-A": "b\r\nX-C: d"}},
        {"headers": {"X-A": 1}},
        {"headers": {"": "a"}},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings):
    with pytest.raises(ConfigurationError, match="RemoteKeySet"):
        RemoteKeySet(URL, **settings)


def test_secrets_are_not_shown(caplog):
    remote = RemoteKeySet("https://127.0.0.1:9/jwks.json?key=hunter2", headers={"Authorization": "hunter2"}, timeout=1)
    with pytest.raises(PyJWKClientConnectionError) as caught:
        remote.keys()
    assert "hunter2" not in f"{remote!r} {remote.rust!r} {caught.value} {caplog.text}"
    assert "127.0.0.1:9/jwks.json" in caplog.text


def test_what_is_not_a_token_is_refused(remote):
    for text in ["", "x.y.z", b"\xff", "é"]:
        with pytest.raises(jwt.DecodeError):
            remote.keys_for(text)
