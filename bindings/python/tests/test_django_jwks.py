"""Routes that trust another issuer: rotated, unavailable and restored keys, through both handlers."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse
from django.test import override_settings
from django.urls import path
from django.views.debug import ExceptionReporter

from boltguard import BoltAPI, jwt
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    RemoteKeySet,
    RevocationStore,
)
from boltguard.decorators import protect
from boltguard.jwt import Key, PyJWKClient, PyJWKClientConnectionError

from issuer import FAR, Issuer, reply, serving
from support import asgi, bearer, mount, wsgi


def backend(remote, **settings):
    return JWTAuthentication(remote, algorithms=["ES256"], **settings)


def serve(*backends, guards=None):
    """Routes with a sync and an async handler."""
    api = BoltAPI()
    options = {"auth": list(backends), "guards": guards or [IsAuthenticated()]}

    @api.get("/sync", **options)
    def sync(request):
        return {"user": request.context["user_id"], "error": request.context.get("auth_error")}

    @api.get("/async", **options)
    async def asynchronous(request):
        return {"user": request.context["user_id"], "error": request.context.get("auth_error")}

    mount(api=api)


def on_each_edge(headers):
    """The responses of the sync and the async route, each through both handlers."""
    yield wsgi("get", "/sync", headers)
    yield wsgi("get", "/async", headers)
    yield asyncio.run(asgi("get", "/sync", headers))
    yield asyncio.run(asgi("get", "/async", headers))


def statuses(headers):
    return [response.status_code for response in on_each_edge(headers)]


def fail(handler, _):
    reply(handler, 500)


def test_keys_are_fetched_with_the_first_token(issuer, remote):
    serve(backend(remote))
    assert statuses({}) == [401] * 4
    assert statuses({"Authorization": "Bearer x.y.z"}) == [401] * 4
    assert issuer.requests == []
    for response in on_each_edge(issuer.bearer("a")):
        assert response.json() == {"user": "42", "error": None}
    assert len(issuer.requests) == 1


@pytest.mark.parametrize("edge", range(4))
def test_each_edge_fetches_and_finds_a_new_key(issuer, remote, edge, skip):
    serve(backend(remote))

    def status_of(kid):
        return ONE_EDGE[edge](issuer.bearer(kid)).status_code

    assert status_of("a") == 200
    issuer.publish("a", "b")
    assert status_of("b") == 401
    skip(30)
    assert status_of("b") == 200
    issuer.publish("b")
    skip(300)
    assert status_of("a") == 401
    assert len(issuer.requests) == 3


ONE_EDGE = [
    lambda headers: wsgi("get", "/sync", headers),
    lambda headers: wsgi("get", "/async", headers),
    lambda headers: asyncio.run(asgi("get", "/sync", headers)),
    lambda headers: asyncio.run(asgi("get", "/async", headers)),
]


def test_a_flood_of_unknown_keys_is_one_request_a_cooldown(issuer, remote, skip):
    serve(backend(remote))
    assert statuses(issuer.bearer("a")) == [200] * 4
    skip(30)
    unknown_issuers = [Issuer(f"x{number}") for number in range(5)]
    for unknown in unknown_issuers:
        (kid,) = unknown.keys
        for response in on_each_edge(unknown.bearer(kid)):
            assert response.status_code == 401
            assert response.json() == {"detail": "The token is invalid.", "code": "invalid_token"}
    assert len(issuer.requests) == 2
    assert statuses(issuer.bearer("a")) == [200] * 4


def test_tokens_that_are_merely_bad_fetch_nothing_more(issuer, remote, skip):
    serve(backend(remote))
    assert statuses(issuer.bearer("a")) == [200] * 4
    skip(30)
    forged = issuer.bearer("a")["Authorization"][:-4] + "AAAA"
    for headers in [issuer.bearer("a", exp=1), issuer.bearer("a", aud="x"), bearer(), {"Authorization": forged}]:
        assert statuses(headers) == [401] * 4
    assert len(issuer.requests) == 1


@pytest.mark.parametrize("guards", [[IsAuthenticated()], [AllowAny()]])
def test_without_keys_the_response_is_503(issuer, remote, guards, caplog, skip):
    serve(backend(remote), guards=guards)
    issuer.respond = fail
    for response in on_each_edge(issuer.bearer("a")):
        assert response.status_code == 503
        assert "www-authenticate" not in response
        assert 1 <= int(response["retry-after"]) <= 30
    assert "status 500" in caplog.text
    assert "Traceback" not in caplog.text
    skip(60)
    issuer.respond = None
    assert statuses(issuer.bearer("a")) == [200] * 4


def test_old_keys_serve_until_they_are_too_old(issuer, remote, skip):
    serve(backend(remote))
    assert statuses(issuer.bearer("a")) == [200] * 4
    issuer.respond = fail
    skip(300)
    assert statuses(issuer.bearer("a")) == [200] * 4
    # It can't be determined whether an unknown key exists, and many unknown keys trigger no further fetch.
    requested = len(issuer.requests)
    assert statuses(Issuer("x").bearer("x")) == [503] * 4
    assert statuses(issuer.bearer("a", exp=1)) == [401] * 4
    assert len(issuer.requests) == requested
    skip(4000)
    assert statuses(issuer.bearer("a")) == [503] * 4
    skip(60)
    issuer.respond = None
    assert statuses(issuer.bearer("a")) == [200] * 4


def test_many_requests_at_the_start_are_one_fetch(issuer, remote):
    serve(backend(remote))
    headers = issuer.bearer("a")
    barrier = threading.Barrier(6)

    def status_of(_):
        barrier.wait()
        return wsgi("get", "/sync", headers).status_code

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(status_of, range(6))) == [200] * 6
    assert len(issuer.requests) == 1


def test_two_issuers_do_not_ask_for_each_other(issuer, remote, skip):
    other = Issuer("b")
    with serving(other) as url:
        second = RemoteKeySet(url, allow_http=True)
        serve(backend(remote), backend(second))
        assert statuses(other.bearer("b")) == [200] * 4
        before = len(issuer.requests)
        skip(31)
        assert statuses(other.bearer("b")) == [200] * 4
        assert statuses(other.bearer("b", exp=1)) == [401] * 4
        assert (len(issuer.requests), len(other.requests)) == (before, 1)


def test_a_kid_of_one_issuer_does_not_stop_the_rotation_of_another(issuer, remote, skip):
    other = Issuer("2026")
    with serving(other) as url:
        second = RemoteKeySet(url, allow_http=True)
        for backends in [(backend(remote), backend(second)), (backend(second), backend(remote))]:
            serve(*backends)
            assert statuses(other.bearer("2026")) == [200] * 4
            assert statuses(issuer.bearer("a")) == [200] * 4
        requested = len(issuer.requests), len(other.requests)
        issuer.publish("2026")
        skip(30)
        assert statuses(other.bearer("2026", exp=1)) == [401] * 4
        assert (len(issuer.requests), len(other.requests)) == requested
        assert statuses(issuer.bearer("2026")) == [200] * 4
        assert statuses(other.bearer("2026")) == [200] * 4
        assert len(issuer.requests) == requested[0] + 1


def test_token_without_kid_triggers_a_fetch(issuer, remote, skip):
    def without_kid(issuer, kid, **claims):
        token = jwt.encode({"sub": "42", "exp": FAR, **claims}, issuer.keys[kid], algorithm="ES256")
        return {"Authorization": f"Bearer {token}"}

    other = Issuer("b")
    with serving(other) as url:
        second = RemoteKeySet(url, allow_http=True)
        serve(backend(remote), backend(second))
        assert statuses(without_kid(other, "b")) == [200] * 4
        issuer.respond = fail
        skip(300)
        # Its issuer is available, and the other one doesn't affect it.
        assert statuses(without_kid(other, "b", exp=1)) == [401] * 4
        requested = len(issuer.requests)
        skip(60)
        issuer.respond = None
        issuer.publish("c")
        assert statuses(without_kid(issuer, "c")) == [200] * 4
        assert len(issuer.requests) == requested + 1


def test_a_slow_issuer_does_not_hold_every_thread(issuer, remote, skip):
    serve(backend(remote))
    assert wsgi("get", "/sync", issuer.bearer("a")).status_code == 200
    skip(30)
    requested, go_on = issuer.hold()
    unknown = Issuer("x").bearer("x")
    with ThreadPoolExecutor(12) as pool:
        calls = [pool.submit(wsgi, "get", "/sync", unknown) for _ in range(12)]
        requested.wait()
        for call in islice(as_completed(calls, timeout=20), 9):
            response = call.result()
            assert (response.status_code, response["retry-after"]) == (503, "1")
        assert not go_on.is_set()
        assert wsgi("get", "/sync", issuer.bearer("a")).status_code == 200
        go_on.set()
    assert sorted(call.result().status_code for call in calls) == [401] * 3 + [503] * 9
    assert len(issuer.requests) == 2
    assert statuses(unknown) == [401] * 4
    assert len(issuer.requests) == 2


def test_a_sole_key_that_can_not_be_used_is_503_and_named_in_the_log(issuer, remote, caplog):
    serve(backend(remote))
    issuer.published["keys"][0]["use"] = "enc"
    assert statuses(issuer.bearer("a")) == [503] * 4
    assert 'key 0 (kid "a"): `use` isn\'t "sig"' in caplog.text


def test_unavailable_issuer_does_not_affect_another(issuer, remote):
    issuer.respond = fail
    other = Issuer("b")
    with serving(other) as url:
        serve(backend(remote), backend(RemoteKeySet(url, allow_http=True)))
        assert statuses(other.bearer("b")) == [200] * 4
        assert statuses(other.bearer("b", exp=1)) == [401] * 4
        assert statuses(issuer.bearer("a")) == [503] * 4


def test_an_api_key_is_good_while_the_issuer_is_down(issuer, remote):
    issuer.respond = fail
    serve(backend(remote), APIKeyAuthentication({"sk-a-key-that-is-long-enough"}))
    assert statuses({"X-API-Key": "sk-a-key-that-is-long-enough", **issuer.bearer("a")}) == [200] * 4
    assert statuses(issuer.bearer("a")) == [503] * 4


class Slow(RevocationStore):
    """A store outside of the process."""

    revoked = frozenset({"gone"})

    def is_revoked(self, jti):
        return jti in self.revoked

    def revoke(self, jti, ttl=None):
        raise NotImplementedError


@pytest.mark.parametrize("store", [Slow, InMemoryRevocation])
def test_tokens_of_another_issuer_can_be_revoked(issuer, remote, store, skip):
    store = store()
    serve(backend(remote, revocation_store=store))
    if isinstance(store, InMemoryRevocation):
        store.revoke("gone")
    assert statuses(issuer.bearer("a", jti="here")) == [200] * 4
    assert statuses(issuer.bearer("a", jti="gone")) == [401] * 4
    issuer.publish("a", "b")
    skip(30)
    assert statuses(issuer.bearer("b", jti="here")) == [200] * 4
    assert len(issuer.requests) == 2


def test_cached_tokens_end_with_their_key(issuer, remote, skip):
    kept = backend(remote, cached_tokens=100)
    serve(kept)
    assert statuses(issuer.bearer("a")) == [200] * 4
    assert kept.rust.cached_tokens > 0
    issuer.publish("b")
    skip(300)
    assert statuses(issuer.bearer("a")) == [401] * 4


def test_a_decorated_view_and_a_middleware(issuer, remote, skip):
    @protect(auth=[backend(remote)], guards=[IsAuthenticated()])
    def decorated(request):
        return JsonResponse({"user": request.context["user_id"]})

    def plain(request):
        return JsonResponse({"user": request.context["user_id"]})

    mount(path("decorated", decorated), path("plain", plain))
    assert wsgi("get", "/decorated", issuer.bearer("a")).json() == {"user": "42"}
    settings = {
        "MIDDLEWARE": ["boltguard.middleware.BoltguardMiddleware"],
        "BOLT_AUTHENTICATION_CLASSES": [backend(remote)],
        "BOLT_DEFAULT_PERMISSION_CLASSES": [AllowAny()],
    }
    with override_settings(**settings):
        assert wsgi("get", "/plain", issuer.bearer("a")).json() == {"user": "42"}
        assert asyncio.run(asgi("get", "/plain", issuer.bearer("a"))).json() == {"user": "42"}
        issuer.respond = fail
        skip(4000)
        assert wsgi("get", "/plain", issuer.bearer("a")).status_code == 503
        assert wsgi("get", "/plain", {}).json() == {"user": None}


def test_symmetric_algorithms_are_an_error_at_start(remote):
    for algorithms in (["HS256"], ["ES256", "HS512"]):
        with pytest.raises(ImproperlyConfigured, match="no issuer publishes|issuers don't publish"):
            JWTAuthentication(remote, algorithms=algorithms)
    with pytest.raises(ImproperlyConfigured, match=r"Pass the algorithms.*algorithms=\['RS256'\]"):
        JWTAuthentication(remote)


def test_remote_keys_stand_alone(remote):
    with pytest.raises(ImproperlyConfigured, match="with issuer="):
        JWTAuthentication([remote, Key.generate("ES256").public_key()], algorithms=["ES256"])


def test_settings_that_cannot_be_meant_are_configuration_errors():
    with pytest.raises(ImproperlyConfigured, match="allow http explicitly: allow_http=True"):
        RemoteKeySet("http://localhost/jwks.json")


def test_the_address_is_named_and_its_secrets_are_not():
    remote = RemoteKeySet("https://id.example.com/jwks.json?key=hunter2")
    label = backend(remote).label
    assert "https://id.example.com/jwks.json" in label
    assert "hunter2" not in label


def page(function, *arguments, **options):
    """Django's debug page for the exception of a call, without the frames of the test."""
    try:
        function(*arguments, **options)
    except Exception:
        kind, error, traceback = sys.exc_info()
        return ExceptionReporter(None, kind, error, traceback.tb_next).get_traceback_html()
    raise AssertionError("it raised nothing")


def test_debug_pages_show_no_secret():
    key, secret = {"Authorization": "hunter2"}, "?key=hunter2"
    dead = "https://127.0.0.1:9/jwks.json" + secret
    for cls in (RemoteKeySet, jwt.RemoteKeySet, PyJWKClient):
        for shown in [
            page(cls, "http://127.0.0.1:9/" + secret, headers=key),
            page(cls, dead, headers={"X-Key": "hunter2\n"}),
            page(cls, dead, headers=key, timeout=0),
        ]:
            assert "hunter2" not in shown
    assert "hunter2" not in page(RemoteKeySet(dead, headers=key).keys)
    assert "hunter2" not in page(PyJWKClient(dead, headers=key).get_jwk_set)


def test_a_checked_site_needs_no_network(own_registry, remote, issuer):
    from django.core.management import call_command

    with override_settings(BOLT_AUTHENTICATION_CLASSES=[backend(remote)], BOLT_DEFAULT_PERMISSION_CLASSES=[AllowAny()]):
        call_command("check")
    assert issuer.requests == []
    issuer.respond = fail
    with pytest.raises(PyJWKClientConnectionError):
        remote.refresh()
