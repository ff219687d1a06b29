"""`AuthMiddleware` and HTTP requests, without a server."""

import asyncio
import logging
import time

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse

from boltguard import protect
from boltguard.asgi import AuthMiddleware, Connection
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Authentication,
    Check,
    HasPermission,
    Identity,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    Owner,
    RevocationStore,
    ViaBackend,
)
from boltguard.exceptions import Forbidden, Unauthorized
from boltguard.signals import request_refused

from asgi_support import arequest, request, scope_of, show
from support import bearer, mount_view, wsgi

TOKENS = [JWTAuthentication()]
GUARDED = {"auth": TOKENS, "guards": [IsAuthenticated()]}


class Broken(RevocationStore):
    def revoke(self, jti, ttl=None):
        raise OSError

    def is_revoked(self, jti):
        raise OSError


BACKENDS = {
    "tokens": TOKENS,
    "keys": [APIKeyAuthentication(api_keys={"k" * 40})],
    "both": [JWTAuthentication(), APIKeyAuthentication(api_keys={"k" * 40})],
    "schemes": [JWTAuthentication(scheme=["Bearer", "Token"], header="x-token")],
    "a broken store": [JWTAuthentication(revocation_store=Broken())],
}
REQUESTS = {
    "none": {},
    "expired": bearer(sub="1", exp=int(time.time()) - 100),
    "early": bearer(sub="1", nbf=int(time.time()) + 1000),
    "forged": bearer(secret="x" * 64, sub="1"),
    "malformed": {"Authorization": "Bearer x"},
    "foreign scheme": {"Authorization": "Basic eDp5"},
    "not staff": bearer(sub="1", jti="a"),
    "another header": {"X-Token": "x"},
    "bad key": {"X-API-Key": "k"},
    "key": {"X-API-Key": "k" * 40},
}


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("backends", BACKENDS.values(), ids=BACKENDS)
def test_a_refusal_has_the_status_headers_and_body_of_a_django_view(backends, sent):
    mount_view(protect(auth=backends, guards=[IsStaff()])(lambda request: HttpResponse()))
    expected = wsgi("get", "/view", sent)
    refused = request(AuthMiddleware(show, auth=backends, guards=[IsStaff()]), sent)
    assert (refused.status, refused.body) == (expected.status_code, expected.content)
    assert refused.status in (401, 403, 503)
    described = {name.lower(): value for name, value in expected.headers.items() if name != "X-Frame-Options"}
    described["vary"] = ", ".join(one for one in described["vary"].split(", ") if one != "Cookie")
    assert refused.headers == described and len(refused.raw) == len(refused.headers)


def test_the_application_sees_the_caller(database):
    app = AuthMiddleware(show, **GUARDED)
    user = get_user_model().objects.create_user("asgi")
    sent = request(app, bearer(sub=str(user.pk)))
    assert (sent.status, sent.json()) == (200, {"user_id": str(user.pk), "known": True})
    assert (sent.headers["vary"], sent.headers["cache-control"]) == ("Authorization", "private")
    user.delete()


def test_an_anonymous_caller_is_allowed_by_allow_any_and_the_error_is_kept():
    async def app(scope, receive, send):
        app.scope = scope
        await show(scope, receive, send)

    guarded = AuthMiddleware(app, auth=TOKENS, guards=[AllowAny()])
    sent = request(guarded)
    assert sent.json() == {"user_id": None, "known": False}
    assert "cache-control" not in sent.headers and sent.headers["vary"] == "Authorization"
    assert request(guarded, bearer(sub="1", exp=1)).json()["known"] is False
    assert app.scope["auth"]["auth_error"] == "token_expired"


def test_headers_of_the_application_are_kept():
    async def app(scope, receive, send):
        headers = [(b"Vary", b"Accept, authorization"), (b"vary", b"Cookie"), (b"Cache-Control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    sent = request(AuthMiddleware(app, auth=BACKENDS["both"], guards=[AllowAny()]), bearer(sub="1"))
    assert sent.raw == [("Cache-Control", "no-store"), ("vary", "Accept, authorization, Cookie, X-Api-Key")]


def test_a_header_that_is_sent_twice_is_not_a_token():
    once = list(bearer(sub="1").items())
    assert request(AuthMiddleware(show, **GUARDED), once).status == 200
    assert request(AuthMiddleware(show, **GUARDED), once * 2).status == 401


def test_the_scope_of_the_server_is_not_changed():
    async def run():
        scope = scope_of("http", bearer(sub="1"))
        before = dict(scope)

        async def ignore(message):
            pass

        await AuthMiddleware(show, **GUARDED)(scope, None, ignore)
        assert scope == before

    asyncio.run(run())


def test_lifespan_passes_through_and_unknown_types_are_refused():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    guarded = AuthMiddleware(app, **GUARDED)
    asyncio.run(guarded({"type": "lifespan"}, None, None))
    with pytest.raises(ValueError, match="connection of type 'mqtt'"):
        asyncio.run(guarded({"type": "mqtt", "headers": []}, None, None))
    assert seen == ["lifespan"]


def test_exceptions_of_boltguard_become_responses():
    def app(error):
        async def raises(scope, receive, send):
            raise error

        return AuthMiddleware(raises, **GUARDED)

    assert request(app(Forbidden("no")), bearer(sub="1")).json() == {"detail": "no"}
    refused = request(app(Unauthorized("who")), bearer(sub="1"))
    assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Bearer realm="api"')
    with pytest.raises(ZeroDivisionError):
        request(app(ZeroDivisionError()), bearer(sub="1"))


def test_an_exception_after_the_start_of_the_response_is_the_servers():
    async def app(scope, receive, send):
        await show(scope, receive, send)
        raise Forbidden("late")

    with pytest.raises(Forbidden):
        request(AuthMiddleware(app, **GUARDED), bearer(sub="1"))


def test_revocation_and_signals():
    store, received = InMemoryRevocation(), []
    app = AuthMiddleware(show, auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])
    assert request(app, bearer(sub="1", jti="a")).status == 200
    store.revoke("a")

    def receiver(sender, request, status, reason, **kwargs):
        received.append((sender, request.path, status, reason))

    request_refused.connect(receiver)
    try:
        assert request(app, bearer(sub="1", jti="a")).json()["code"] == "token_revoked"
    finally:
        request_refused.disconnect(receiver)
    assert received == [(Connection, "/x", 401, "token_revoked")]


def test_a_refusal_is_logged_without_the_token(caplog):
    caplog.set_level(logging.INFO, "boltguard")
    headers = bearer(sub="secret-subject", exp=1)
    request(AuthMiddleware(show, **GUARDED), headers)
    (record,) = caplog.records
    assert (record.reason, record.method, record.path, record.view) == ("token_expired", "GET", "/x", None)
    assert headers["Authorization"][7:] not in record.getMessage()


# Checks and custom backends


def test_a_check_sees_the_connection():
    async def check(connection):
        assert isinstance(connection, Connection) and repr(connection) == "<Connection: GET>"
        return connection.headers["X-Tenant"] == connection.META["HTTP_X_TENANT"] == connection.context.user_id

    app = AuthMiddleware(show, auth=TOKENS, guards=[Check(check) & ~HasPermission("banned")])
    assert request(app, {**bearer(sub="7"), "X-Tenant": "7"}).status == 200
    assert request(app, {**bearer(sub="7"), "X-Tenant": "8"}).status == 403
    assert request(app, {"X-Tenant": "7"}).status == 401


class Ambient(Authentication):
    name = "ambient"
    reads = ("cookie",)

    def authenticate(self, request):
        user = request.COOKIES.get("user")
        return Identity(user) if user else None


ORIGINS = [
    ("POST", {}, 200),
    ("POST", {"Origin": "https://site.example"}, 200),
    ("POST", {"Origin": "https://partner.example"}, 200),
    ("POST", {"Origin": "https://evil.example"}, 403),
    ("POST", {"Origin": "https://site.example.evil.example"}, 403),
    ("POST", {"Origin": "null"}, 403),
    ("GET", {"Origin": "https://evil.example"}, 200),
    ("DELETE", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("DELETE", {"Sec-Fetch-Site": "same-site"}, 403),
    ("DELETE", {"Sec-Fetch-Site": "same-origin"}, 200),
    ("POST", {"Sec-Fetch-Site": "cross-site", "Origin": "https://partner.example"}, 200),
    ("POST", {"Sec-Fetch-Site": "cross-site", "Origin": "http://site.example"}, 403),
]


@pytest.mark.parametrize(("method", "sent", "status"), ORIGINS)
def test_credentials_that_browsers_send_automatically_require_an_allowed_origin(method, sent, status):
    options = {"guards": [IsAuthenticated()], "allowed_origins": ["https://Partner.example"]}
    app = AuthMiddleware(show, auth=[Ambient(), *TOKENS], **options)
    headers = {"Cookie": "a=b; user=7", "Host": "site.example", **sent}
    refused = request(app, headers, method=method)
    assert refused.status == status
    if status == 403:
        assert refused.json()["code"] == "csrf_failed"
    # A token in a header can't be forged.
    assert request(app, {"Host": "site.example", **sent, **bearer(sub="1")}, method=method).status == 200


@pytest.mark.parametrize(("method", "sent", "status"), ORIGINS)
def test_a_token_in_a_cookie_requires_an_allowed_origin(method, sent, status):
    for options in ({}, {"header": None}):
        auth = [JWTAuthentication(cookie="__Host-access", **options)]
        guards = {"guards": [IsAuthenticated()], "allowed_origins": ["https://Partner.example"]}
        app = AuthMiddleware(show, auth=auth, **guards)
        token = bearer(sub="1")["Authorization"].removeprefix("Bearer ")
        headers = {"Cookie": f"a=b; __Host-access={token}", "Host": "site.example", **sent}
        assert request(app, headers, method=method).status == status


@pytest.mark.parametrize(
    ("scheme", "host", "origin", "status"),
    [
        ("https", "site.example", "https://site.example", 200),
        ("https", "site.example", "https://site.example:443", 200),
        ("https", "site.example:8443", "https://site.example:8443", 200),
        ("https", "site.example:8443", "https://site.example", 403),
        ("https", "site.example", "http://site.example", 403),
        ("http", "site.example", "http://site.example", 200),
        ("http", "site.example", "https://site.example", 200),
        ("http", "site.example", "chrome-extension://site.example", 403),
        ("http", "site.example", "site.example", 403),
        ("http", None, "https://site.example", 403),
        ("https", "site.example", "https://app.partner.example", 200),
        ("https", "site.example", "https://partner.example", 200),
        ("https", "site.example", "https://notpartner.example", 403),
    ],
)
def test_origin_is_compared_with_the_host_and_the_scheme(scheme, host, origin, status):
    app = AuthMiddleware(show, auth=[Ambient()], guards=[AllowAny()], allowed_origins=["https://*.partner.example"])
    headers = {"Cookie": "user=7", "Origin": origin, **({} if host is None else {"Host": host})}
    assert request(app, headers, method="POST", scheme=scheme).status == status


class Basic(Authentication):
    name = "basic"
    header = "Authorization"
    scheme = "Basic"

    async def authenticate(self, request):
        if request.headers["Authorization"] != "Basic eDp5":
            raise Unauthorized
        return Identity("x")


def test_basic_credentials_require_an_allowed_origin():
    app = AuthMiddleware(show, auth=[Basic()], guards=[ViaBackend("basic")])
    headers = {"Authorization": "Basic eDp5", "Host": "site.example"}
    assert request(app, headers, method="POST").json()["user_id"] == "x"
    assert request(app, {**headers, "Origin": "https://evil.example"}, method="POST").status == 403
    assert request(app, {"Authorization": "Basic x"}).status == 401


# Accounts of Django


def test_a_missing_account_is_401_when_the_application_reads_it(database):
    async def load(scope, receive, send):
        await scope["user"].aload()
        await show(scope, receive, send)

    async def swallow(scope, receive, send):
        try:
            await scope["user"].aload()
        except Exception:
            pass
        await show(scope, receive, send)

    async def wrap(scope, receive, send):
        try:
            await scope["user"].aload()
        except Exception as error:
            raise ValueError("wrapped") from error

    for app in (load, swallow, wrap):
        refused = request(AuthMiddleware(app, **GUARDED), bearer(sub="987654"))
        assert (refused.status, refused.json()["code"]) == (401, "invalid_token"), app
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert request(AuthMiddleware(show, **GUARDED), bearer(sub="987654")).status == 200, "not read"


def test_verify_user_refuses_a_missing_account(database):
    app = AuthMiddleware(show, auth=[JWTAuthentication(verify_user=True)], guards=[AllowAny()])
    refused = request(app, bearer(sub="987654"))
    assert (refused.status, refused.json()["code"]) == (401, "invalid_token")


def test_the_users_of_custom_backends_are_kept():
    class Static(Authentication):
        name = "static"
        header = "X-Static-Token"

        def authenticate(self, request):
            return Identity("7", user=Known())

    class Known:
        is_authenticated = is_active = True

    async def app(scope, receive, send):
        assert isinstance(scope["user"], Known)
        await show(scope, receive, send)

    guarded = AuthMiddleware(app, auth=[Static()], guards=[IsAuthenticated()])
    assert request(guarded, {"X-Static-Token": "x"}).status == 200


def test_many_requests_at_once_keep_their_callers():
    class Slow(RevocationStore):
        async def arevoke(self, jti, ttl=None): ...

        async def ais_revoked(self, jti):
            await asyncio.sleep(0.001 * (int(jti) % 7))
            return jti == "13"

    app = AuthMiddleware(show, auth=[JWTAuthentication(revocation_store=Slow())], guards=[IsAuthenticated()])

    async def run():
        numbers = range(50)
        return await asyncio.gather(*(arequest(app, bearer(sub=str(one), jti=str(one))) for one in numbers))

    answers = asyncio.run(run())
    assert [one.status for one in answers] == [401 if one == 13 else 200 for one in range(50)]
    assert all(one.json()["user_id"] == str(at) for at, one in enumerate(answers) if at != 13)


# Configuration

INVALID = [
    ({"auth": TOKENS[0]}, "auth is a single backend"),
    ({"auth": [JWTAuthentication]}, "Use an instance"),
    ({"guards": IsAuthenticated()}, "guards is a single guard"),
    ({"guards": []}, "guards is an empty list"),
    ({"guards": [ViaBackend("api_key")]}, "requires the 'api_key' backend"),
    ({"guards": [Owner("user")]}, "checks objects"),
    ({"websocket_protocol": "a b"}, "must be a subprotocol"),
    ({"websocket_protocol": b"bearer"}, "must be a subprotocol"),
    ({"revocation_interval": 0}, "must be a positive number"),
    ({"revocation_interval": True}, "must be a positive number"),
    ({"revocation_interval": float("inf")}, "must be a positive number"),
    ({"allowed_origins": "https://example.com"}, "must be a list of origins"),
    ({"allowed_origins": ["https://example.com/"]}, "contains 'https://example.com/'"),
    ({"allowed_origins": ["*"]}, "contains '*'"),
]


@pytest.mark.parametrize(("options", "message"), INVALID)
def test_an_invalid_configuration_is_an_error_at_startup(options, message):
    with pytest.raises(ImproperlyConfigured) as raised:
        AuthMiddleware(show, **{**GUARDED, **options})
    assert message in str(raised.value)


def test_auth_and_guards_are_required():
    for options in ({"auth": TOKENS}, {"guards": [AllowAny()]}):
        with pytest.raises(TypeError):
            AuthMiddleware(show, **options)
