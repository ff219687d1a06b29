"""`JWTAuthentication.discover`: an issuer whose keys are found through its metadata, in each kind of view."""

import asyncio
import json
import logging
import os
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse
from django.test import override_settings
from rest_framework import permissions
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import jwt, protect
from boltguard.asgi import AuthMiddleware
from boltguard.auth import HasClaim, IsAuthenticated, JWTAuthentication, RemoteKeySet
from boltguard.drf import BoltguardAuthentication
from boltguard.exceptions import ConfigurationError
from provider import OAUTH, OPENID, Provider, online

from asgi_support import request as asgi_request
from children import in_child
from issuer import drip, reply
from support import asgi, bearer, call, mount_view, wsgi

ISSUER = "https://id.example.com/realms/a"


@pytest.fixture
def provider():
    provider = Provider("a")
    with online(provider):
        yield provider


def discover(provider, **arguments):
    return JWTAuthentication.discover(provider.url, **{"audience": "shop", "allow_http": True, **arguments})


def whoami(request):
    return JsonResponse({"user": request.context["user_id"], "issuer": request.user.issuer})


async def awhoami(request):
    user = await request.auser()
    return JsonResponse({"user": request.context["user_id"], "issuer": user.issuer})


def serve(backend, view=whoami):
    mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(view))
    return backend


def status(headers):
    return wsgi("get", "/view", headers).status_code


@pytest.mark.parametrize("view", [whoami, awhoami])
def test_the_keys_are_found_with_the_first_token(provider, view):
    serve(discover(provider), view)
    assert call("get", "/view").status_code == 401
    assert provider.requested == []
    for _ in range(2):
        response = call("get", "/view", provider.bearer("a"))
        assert response.json() == {"user": "42", "issuer": provider.url}
    assert provider.requested == [OPENID, "/keys"]


@pytest.mark.parametrize("run", [wsgi, lambda *arguments: asyncio.run(asgi(*arguments))], ids=["WSGI", "ASGI"])
@pytest.mark.parametrize("view", [whoami, awhoami])
def test_each_handler_discovers(provider, view, run):
    serve(discover(provider), view)
    assert run("get", "/view", provider.bearer("a")).status_code == 200
    assert provider.requested == [OPENID, "/keys"]


def test_django_rest_framework(provider):
    class Authentication(BoltguardAuthentication):
        backends = (discover(provider),)

    class View(APIView):
        authentication_classes = (Authentication,)
        permission_classes = (permissions.IsAuthenticated,)

        def get(self, request):
            return Response({"user": request.user.subject})

    mount_view(View.as_view())
    assert call("get", "/view", provider.bearer("a")).json() == {"user": "42"}


def test_the_middleware(provider):
    mount_view(lambda request: JsonResponse({"user": str(request.user)}))
    classes = [discover(provider)]
    with override_settings(
        MIDDLEWARE=["boltguard.middleware.BoltguardMiddleware"], BOLTGUARD_AUTHENTICATION_CLASSES=classes
    ):
        assert call("get", "/view", provider.bearer("a")).json() == {"user": "42"}


def test_the_middleware_of_asgi(provider):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(scope["auth"]["user_id"]).encode()})

    app = AuthMiddleware(application, auth=[discover(provider)], guards=[IsAuthenticated()])
    assert asgi_request(app, provider.bearer("a")).json() == "42"
    assert asgi_request(app, provider.bearer("a", iss="https://id.example.com")).status == 401


def test_the_issuer_is_required_in_tokens(provider):
    backends = [
        discover(provider),
        JWTAuthentication(
            RemoteKeySet(provider.url, metadata="openid-configuration", allow_http=True),
            algorithms=["ES256"],
            audience="shop",
        ),
    ]
    for backend in backends:
        serve(backend)
        assert status(provider.bearer("a")) == 200
        for issuer in ("https://id.example.com", f"{provider.url}/", ""):
            assert status(provider.bearer("a", iss=issuer)) == 401
        token = jwt.encode({"sub": "42", "aud": "shop", "exp": 4102444800}, provider.keys["a"], "ES256", {"kid": "a"})
        assert status(bearer(token)) == 401


def test_another_form_of_the_issuer_can_be_accepted_as_well(provider):
    serve(discover(provider, **{"claims": {"sub": "42"}}))
    assert status(provider.bearer("a", iss="id.example.com")) == 401
    keys = RemoteKeySet(provider.url, metadata="openid-configuration", allow_http=True)
    serve(JWTAuthentication(keys, algorithms=["ES256"], audience="shop", issuer="id.example.com"))
    assert [status(provider.bearer("a", iss=one)) for one in (provider.url, "id.example.com", "x")] == [200, 200, 401]


def test_the_audience_is_checked(provider):
    serve(discover(provider))
    assert status(provider.bearer("a", aud="other")) == 401
    serve(discover(provider, audience=None))
    assert status(provider.bearer("a")) == 401


def test_the_algorithms_of_the_metadata_are_not_used(provider):
    serve(discover(provider, algorithms=["RS256"]))
    assert status(provider.bearer("a")) == 401
    serve(discover(provider))
    public = provider.keys["a"].public_key().to_pem()
    claims = {"sub": "42", "iss": provider.url, "aud": "shop"}
    assert status(bearer(secret=public, header={"alg": "HS256", "kid": "a"}, **claims)) == 401
    assert status(bearer(header={"alg": "none", "kid": "a"}, **claims)) == 401


def test_the_metadata_of_an_authorization_server():
    provider = Provider("a", path="/tenant")
    with online(provider):
        serve(discover(provider, metadata="oauth-authorization-server"))
        assert status(provider.bearer("a")) == 200
    assert provider.requested == [f"{OAUTH}/tenant", "/tenant/keys"]


def test_a_new_key_is_found_without_new_metadata(provider, skip):
    serve(discover(provider))
    assert status(provider.bearer("a")) == 200
    provider.publish("a", "b")
    assert status(provider.bearer("b")) == 401
    skip(30)
    assert status(provider.bearer("b")) == 200
    assert provider.requested == [OPENID, "/keys", "/keys"]


def test_keys_that_have_moved_are_found_again(provider, skip):
    serve(discover(provider))
    assert status(provider.bearer("a")) == 200
    provider.metadata["jwks_uri"] = f"{provider.url}/moved"
    provider.responses = {
        "/keys": lambda handler: reply(handler, 404),
        "/moved": lambda handler: reply(handler, 200, json.dumps(provider.published).encode()),
    }
    skip(300)
    assert status(provider.bearer("a")) == 200
    skip(60)
    assert status(provider.bearer("a")) == 200
    assert provider.requested[2:] == ["/keys", OPENID, "/moved"]


def test_keys_may_be_on_another_host(provider):
    provider.metadata["jwks_uri"] = f"{provider.url.replace('localhost', '127.0.0.1')}/keys"
    serve(discover(provider))
    assert status(provider.bearer("a")) == 200


def fail(handler):
    reply(handler, 500)


def redirect(handler):
    reply(handler, 302, Location=OPENID)


def huge(handler):
    reply(handler, 200, b'{"issuer": "' + b"x" * 600_000 + b'"}')


def page(handler):
    reply(handler, 200, b"<html>")


UNAVAILABLE = [
    (OPENID, fail, logging.WARNING, "status 500"),
    (OPENID, redirect, logging.WARNING, "redirects"),
    (OPENID, huge, logging.WARNING, "too large"),
    (OPENID, page, logging.ERROR, "not a valid JSON object"),
    ("/keys", fail, logging.WARNING, "status 500"),
    ("/keys", redirect, logging.WARNING, "redirects"),
    ("/keys", huge, logging.WARNING, "too large"),
    ("/keys", page, logging.WARNING, "not a usable JWK Set"),
]


@pytest.mark.parametrize(("path", "respond", "level", "reason"), UNAVAILABLE)
def test_an_outage_is_503_and_logged(provider, caplog, path, respond, level, reason, skip):
    serve(discover(provider))
    provider.responses[path] = respond
    response = wsgi("get", "/view", provider.bearer("a"))
    assert (response.status_code, response.json()["code"]) == (503, "issuer_keys_unavailable")
    assert 1 <= int(response["retry-after"]) <= 30
    (record,) = [one for one in caplog.records if "can't be fetched" in one.getMessage()]
    assert record.levelno == level and reason in record.getMessage() and provider.url in record.getMessage()
    assert "Traceback" not in caplog.text
    requested = len(provider.requested)
    assert status(provider.bearer("a")) == 503
    assert len(provider.requested) == requested
    provider.responses.clear()
    skip(2)
    assert status(provider.bearer("a")) == 200


def test_a_slow_issuer_is_503(provider):
    provider.responses[OPENID] = drip
    serve(discover(provider, timeout=0.2))
    assert status(provider.bearer("a")) == 503


MISTAKES = [
    ({"issuer": "https://evil.example"}, "not that of the issuer"),
    ({"issuer": None}, "not a valid JSON object"),
    ({"issuer": ["x"]}, "not a valid JSON object"),
    ({"jwks_uri": "/keys"}, "no valid `jwks_uri`"),
    ({"jwks_uri": "file:///etc/passwd"}, "no valid `jwks_uri`"),
    ({"jwks_uri": "http://me:pw@localhost/keys"}, "no valid `jwks_uri`"),
]


@pytest.mark.parametrize(("change", "reason"), MISTAKES)
def test_metadata_that_cannot_be_used_is_an_error_in_the_log(provider, caplog, change, reason):
    serve(discover(provider))
    provider.metadata |= change
    headers = provider.bearer("a")
    for response in (wsgi("get", "/view", headers), asyncio.run(asgi("get", "/view", headers))):
        assert (response.status_code, response.json()["code"]) == (503, "issuer_keys_unavailable")
    (record,) = [one for one in caplog.records if one.name == "boltguard"]
    assert record.levelno == logging.ERROR
    assert reason in record.getMessage() and provider.url in record.getMessage()
    assert provider.requested == [OPENID]


def test_a_slash_at_the_end_of_the_issuer_matters(provider, caplog):
    serve(JWTAuthentication.discover(f"{provider.url}/", audience="shop", allow_http=True))
    assert status(provider.bearer("a", iss=f"{provider.url}/")) == 503
    assert "configure the exact value of its `issuer`" in caplog.text
    assert provider.requested == [OPENID]


def test_an_issuer_with_https_does_not_lead_to_keys_without_it():
    backend = JWTAuthentication.discover(ISSUER, audience="shop", allow_http=True)
    permit = backend.remote.rust.begin_fetch()
    assert permit.url == f"{ISSUER}{OPENID}"
    body = json.dumps({"issuer": ISSUER, "jwks_uri": "http://id.example.com/keys"})
    assert permit.succeed(200, body.encode()) == "the metadata has no valid `jwks_uri`"
    assert permit.has_unusable_metadata
    assert permit.url is None
    with pytest.raises(RuntimeError):
        permit.succeed(200, b"{}")


def test_twenty_threads_are_one_fetch(provider):
    serve(discover(provider, timeout=30))
    headers = provider.bearer("a")
    barrier = threading.Barrier(20)

    def run(_):
        barrier.wait()
        return status(headers)

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(run, range(20))) == [200] * 20
    assert provider.requested == [OPENID, "/keys"]


def test_twenty_tasks_are_one_fetch(provider):
    serve(discover(provider, timeout=30), awhoami)

    async def run():
        return await asyncio.gather(*(asgi("get", "/view", provider.bearer("a")) for _ in range(20)))

    assert [response.status_code for response in asyncio.run(run())] == [200] * 20
    assert provider.requested == [OPENID, "/keys"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_is_forked_during_a_fetch_discovers_for_itself(provider, skip):
    backend = serve(discover(provider))
    permit = backend.remote.rust.begin_fetch()
    assert in_child(lambda: status(provider.bearer("a")) == 200)
    assert provider.requested == [OPENID, "/keys"]
    assert permit.fail("connection")
    skip(2)
    assert status(provider.bearer("a")) == 200


INVALID = [
    ("http://id.example.com", {}, r"discover: the URL begins with http:.*allow_http=True"),
    (f"{ISSUER}?tenant=7", {}, "must not have a query"),
    ("id.example.com", {}, "not a URL"),
    ("https://me:hunter2@id.example.com", {}, "user name or password"),
    (ISSUER, {"metadata": "openid"}, '"openid-configuration" or "oauth-authorization-server"'),
    (ISSUER, {"ttl": 0}, "ttl"),
    (ISSUER, {"timeout": -1}, "timeout"),
    (ISSUER, {"algorithms": ["HS256"]}, "HS256"),
    (ISSUER, {"algorithms": []}, "algorithms"),
    (ISSUER, {"audience": ""}, "audience"),
]


@pytest.mark.parametrize(("issuer", "arguments", "reason"), INVALID)
def test_invalid_arguments_are_errors_at_start(issuer, arguments, reason):
    with pytest.raises(ImproperlyConfigured, match=reason) as caught:
        JWTAuthentication.discover(issuer, **arguments)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("unknown", ["secret", "headers", "unknown"])
def test_other_arguments_are_type_errors(unknown):
    with pytest.raises(TypeError):
        JWTAuthentication.discover(ISSUER, **{unknown: "x"})


def test_credentials_are_not_sent_to_a_host_that_the_metadata_names():
    with pytest.raises(ConfigurationError, match="headers can't be combined with metadata"):
        jwt.RemoteKeySet(ISSUER, metadata="openid-configuration", headers={"Authorization": "hunter2"})


def test_a_custom_fetch_must_accept_the_url(provider):
    class Old(RemoteKeySet):
        def fetch(self):
            raise AssertionError

    class New(RemoteKeySet):
        def fetch(self, url=None):
            fetched.append(url)
            return super().fetch(url)

    fetched = []
    with pytest.raises(ImproperlyConfigured, match=r"Old\.fetch\(\) must accept the URL"):
        Old(ISSUER, metadata="openid-configuration")
    keys = New(provider.url, metadata="openid-configuration", allow_http=True)
    assert len(keys.keys().to_jwks()["keys"]) == 1
    assert fetched == [f"{provider.url}{OPENID}", f"{provider.url}/keys"]


def test_the_issuer_is_shown():
    backend = JWTAuthentication.discover(ISSUER, audience="shop", ssl_context=ssl.create_default_context())
    assert backend.key_source == f"discovered keys of {ISSUER}"
    assert ISSUER in backend.label and "audience" in backend.label
    assert backend.trusts_any_token_of is None
    assert repr(backend.remote) == f"RemoteKeySet({ISSUER!r})"
    assert (backend.remote.issuer, backend.remote.url) == (ISSUER, ISSUER)


TENANT, OTHER = "4f1e6a0a-9d3c-4ad0-8d4f-2f0d3b7d7c11", "0b9f3c5e-58c6-4f0e-8a3f-9f0d6c1b2a34"
TEMPLATE = "https://login.example.com/{tid}/v2.0"


def of_tenant(tenant):
    return TEMPLATE.replace("{tid}", tenant)


def test_the_issuer_agrees_with_the_tenant(issuer, remote):
    serve(JWTAuthentication(remote, algorithms=["ES256"], issuer=TEMPLATE, audience="shop"))
    named = [
        ({"iss": of_tenant(TENANT), "tid": TENANT}, 200),
        ({"iss": of_tenant(OTHER), "tid": OTHER}, 200),
        ({"iss": of_tenant(TENANT), "tid": OTHER}, 401),
        ({"iss": of_tenant(TENANT)}, 401),
        ({"iss": of_tenant(TENANT), "tid": [TENANT]}, 401),
        ({"iss": TEMPLATE, "tid": "{tid}"}, 401),
        ({"iss": of_tenant("a/b"), "tid": "a/b"}, 401),
        ({"iss": of_tenant(""), "tid": ""}, 401),
        ({"tid": TENANT}, 401),
    ]
    for claims, expected in named:
        assert call("get", "/view", issuer.bearer("a", aud="shop", **claims)).status_code == expected, claims


def test_tenants_can_be_listed(issuer, remote):
    tenants = {"tid": [TENANT]}
    serve(JWTAuthentication(remote, algorithms=["ES256"], issuer=TEMPLATE, audience="shop", claims=tenants))
    assert status(issuer.bearer("a", aud="shop", iss=of_tenant(TENANT), tid=TENANT)) == 200
    assert status(issuer.bearer("a", aud="shop", iss=of_tenant(OTHER), tid=OTHER)) == 401


@pytest.mark.parametrize("template", ["{tid}", "https://id.example.com/{iss}", "https://id.example.com/{a}/{b}", "x{}"])
def test_an_invalid_template_is_an_error_at_start(template):
    with pytest.raises(ImproperlyConfigured, match="braces"):
        JWTAuthentication(issuer=template)


def test_a_template_alone_accepts_tokens_for_any_service(remote):
    settings = {"algorithms": ["ES256"], "issuer": TEMPLATE}
    assert JWTAuthentication(remote, **settings).trusts_any_token_of is not None
    assert JWTAuthentication(remote, **settings, audience="shop").trusts_any_token_of is None


def test_pyjwts_interface_has_no_templates(issuer, remote):
    token = issuer.token("a", iss=of_tenant(TENANT), tid=TENANT)
    with pytest.raises(jwt.InvalidIssuerError):
        jwt.decode(token, remote.keys_for(token), algorithms=["ES256"], issuer=TEMPLATE)


def test_a_guard_reads_the_claims_of_an_issuer(provider):
    mount_view(protect(auth=[discover(provider)], guards=[HasClaim("plan", "pro")])(whoami))
    assert [status(provider.bearer("a", plan=plan)) for plan in ("pro", "free")] == [200, 403]
