"""`AuthMiddleware` and WebSockets, without a server: refusals, expiry, revocation, and what is left afterwards."""

import asyncio
import logging
import threading
import time
from inspect import signature

import pytest
from django.contrib.auth import get_user_model

from boltguard.asgi import AuthMiddleware, ConnectionEnded, middleware
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Authentication,
    Identity,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    RevocationStore,
)
from boltguard.exceptions import Forbidden
from boltguard.jwt import Key

from asgi_support import Client, connect, echo, scope_of
from conftest import SECRET
from support import bearer, token


@pytest.fixture(autouse=True)
def _no_accounts(monkeypatch):
    """Most tests are about tokens alone; those of accounts undo it."""
    monkeypatch.setattr("boltguard.asgi.users.has_accounts", lambda: False)


def guarded(app=echo, *, auth=None, guards=None, **options):
    backends = [JWTAuthentication()] if auth is None else auth
    return AuthMiddleware(app, auth=backends, guards=guards or [IsAuthenticated()], **options)


def revocable(store, **options):
    return [JWTAuthentication(revocation_store=store, **options)]


def close(code, reason):
    return {"type": "websocket.close", "code": code, "reason": reason}


ACCEPT = {"type": "websocket.accept"}
DENIAL = {"extensions": {"websocket.http.response": {}}}


def soon(seconds=0.3, **claims):
    return bearer(sub="1", exp=time.time() + seconds, **claims)


# Before it is accepted

REFUSED = [
    ({}, [IsAuthenticated()], 401, 4401, "not_authenticated"),
    (bearer(sub="1", exp=1), [IsAuthenticated()], 401, 4401, "token_expired"),
    (bearer(sub="1"), [IsStaff()], 403, 4403, "permission_denied"),
]


@pytest.mark.parametrize(("headers", "guards", "status", "code", "reason"), REFUSED)
def test_a_refused_websocket_is_closed_or_gets_a_response(headers, guards, status, code, reason):
    async def closed(client):
        assert await client.next() == close(code, reason)
        await client.finish()

    async def denied(client):
        start, body = await client.next(), await client.next()
        assert start["type"] == "websocket.http.response.start" and start["status"] == status
        names = dict(start["headers"])
        assert b"www-authenticate" in names and names[b"content-type"] == b"application/json"
        assert body["type"] == "websocket.http.response.body" and reason.encode() in body["body"]
        await client.finish()

    assert len(connect(closed, guarded(guards=guards), headers).sent) == 1
    assert len(connect(denied, guarded(guards=guards), headers, **DENIAL).sent) == 2


def test_an_unavailable_store_is_1013_before_and_503_with_a_response():
    class Broken(RevocationStore):
        async def arevoke(self, jti, ttl=None): ...

        async def ais_revoked(self, jti):
            raise OSError

    async def closed(client):
        assert await client.next() == close(1013, "revocation_unavailable")

    async def denied(client):
        assert (await client.next())["status"] == 503

    async def allowed(client):
        assert await client.next() == ACCEPT

    sent = bearer(sub="1", jti="a")
    connect(closed, guarded(auth=revocable(Broken())), sent)
    connect(denied, guarded(auth=revocable(Broken())), sent, **DENIAL)
    connect(allowed, guarded(auth=revocable(Broken(), on_store_error="allow")), sent)


# The subprotocol


async def picks(scope, receive, send):
    picks.scope = scope
    await receive()
    chosen = next((one for one in scope["subprotocols"] if one == "chat.v1"), None)
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await receive()


@pytest.mark.parametrize(
    ("more", "offered", "answer"),
    [
        ([], [], "bearer"),
        (["chat.v1"], ["chat.v1"], "chat.v1"),
        (["chat.v2"], ["chat.v2"], "bearer"),
    ],
)
def test_a_token_in_the_subprotocols(more, offered, answer):
    async def test(client):
        assert await client.next() == {"type": "websocket.accept", "subprotocol": answer}

    text = token(sub="7")
    client = connect(test, guarded(picks), subprotocols=["bearer", text, *more])
    assert picks.scope["subprotocols"] == offered and picks.scope["auth"].user_id == "7"
    assert client.scope["subprotocols"] == ["bearer", text, *more], "the server's own"


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ({}, ["bearer"]),
        ({}, ["bearer", "x"]),
        ({}, [..., "bearer"]),
        ({}, ["Bearer", ...]),
        ({"websocket_protocol": None}, ["bearer", ...]),
        ({"websocket_protocol": "token"}, ["bearer", ...]),
    ],
)
def test_other_subprotocols_are_no_credentials(options, offered):
    async def test(client):
        message = await client.next()
        assert (message["type"], message["code"]) == ("websocket.close", 4401)

    connect(test, guarded(**options), subprotocols=[token(sub="7") if one is ... else one for one in offered])


def test_a_token_in_the_subprotocols_with_another_name_header_and_scheme():
    async def test(client):
        assert (await client.next())["subprotocol"] == "access-token"

    backends = [JWTAuthentication(header="X-Token", scheme="JWT"), APIKeyAuthentication(api_keys={"k" * 40})]
    app = guarded(auth=backends, websocket_protocol="access-token")
    connect(test, app, subprotocols=["access-token", token(sub="7")])


def test_a_token_in_the_subprotocols_takes_precedence_over_a_header():
    async def test(client):
        assert (await client.next())["type"] == "websocket.close"

    connect(test, guarded(), bearer(sub="7"), subprotocols=["bearer", "x"])


def test_no_subprotocol_is_chosen_for_a_token_in_a_header():
    async def test(client):
        assert await client.next() == {"type": "websocket.accept", "subprotocol": None}

    connect(test, guarded(picks), bearer(sub="7"), subprotocols=["chat.v9"])


# While it is open


def test_it_is_closed_when_the_token_expires_and_later_messages_are_not_delivered():
    async def test(client):
        assert await client.next() == ACCEPT
        client.text("before")
        assert (await client.next())["text"] == "before"
        assert await client.next() == close(4401, "token_expired")
        client.text("after")
        await client.finish()
        assert echo.last == {"type": "websocket.disconnect", "code": 4401, "reason": "token_expired"}

    client = connect(test, guarded(), soon())
    assert [one.get("text") for one in client.sent if one["type"] == "websocket.send"] == ["before"]


def test_the_leeway_counts():
    async def test(client):
        started = time.monotonic()
        assert await client.next() == ACCEPT
        assert (await client.next())["code"] == 4401
        # The token expires 1.6 s after the start.
        assert time.monotonic() - started >= 1.2

    connect(test, guarded(auth=[JWTAuthentication(leeway=2)]), bearer(sub="1", exp=time.time() - 0.4))


def test_a_message_that_waits_when_the_token_expires_is_not_delivered():
    seen = []

    async def busy(scope, receive, send):
        await receive()
        await send(ACCEPT)
        await asyncio.sleep(0.6)
        seen.append((await receive())["type"])
        with pytest.raises(ConnectionEnded) as raised:
            await send({"type": "websocket.send", "text": "x"})
        assert raised.value.code == 4401 and isinstance(raised.value, OSError)
        await send({"type": "websocket.close"})

    async def test(client):
        assert await client.next() == ACCEPT
        client.text("waiting")
        assert await client.next() == close(4401, "token_expired")
        await client.finish()

    client = connect(test, guarded(busy), soon(0.2))
    assert seen == ["websocket.disconnect"] and len(client.sent) == 2


def test_a_token_that_expires_before_it_is_accepted():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.5)
        with pytest.raises(ConnectionEnded):
            await send(ACCEPT)

    async def closed(client):
        assert await client.next() == close(4401, "token_expired")
        await client.finish()

    async def denied(client):
        assert (await client.next())["status"] == 401
        assert (await client.next())["type"] == "websocket.http.response.body"
        await client.finish()

    connect(closed, guarded(slow), soon(0.2))
    connect(denied, guarded(slow), soon(0.2), **DENIAL)


def test_it_is_closed_when_the_token_is_revoked():
    store = InMemoryRevocation()

    async def test(client):
        assert await client.next() == ACCEPT
        await asyncio.sleep(0.1)
        client.text("still")
        assert (await client.next())["text"] == "still"
        store.revoke("a")
        assert await client.next() == close(4401, "token_revoked")
        await client.finish()
        assert echo.last["code"] == 4401

    connect(test, guarded(auth=revocable(store), revocation_interval=0.02), bearer(sub="1", jti="a"))


REVOCATIONS = {
    "session": lambda store: store.revoke_session("s"),
    "subject": lambda store: store.revoke_subject("1"),
    "issuer": lambda store: store.revoke_issuer("https://issuer.example"),
    "key": lambda store: store.revoke_key("k"),
}


@pytest.mark.parametrize("revoke", REVOCATIONS.values(), ids=REVOCATIONS)
def test_it_is_closed_when_its_session_subject_issuer_or_key_is_revoked(revoke):
    store = InMemoryRevocation()

    async def test(client):
        assert await client.next() == ACCEPT
        revoke(store)
        assert await client.next() == close(4401, "token_revoked")

    claims = {"sub": "1", "jti": "a", "sid": "s", "iss": "https://issuer.example", "iat": int(time.time()) - 10}
    backend = JWTAuthentication(Key.from_secret(SECRET, kid="k"), issuer=claims["iss"], revocation_store=store)
    header = {"alg": "HS256", "typ": "JWT", "kid": "k"}
    connect(test, guarded(auth=[backend], revocation_interval=0.02), bearer(token(header=header, **claims)))


class Remote(RevocationStore):
    """A store that isn't local, and may fail or hang."""

    def __init__(self):
        self.revoked, self.asked, self.error, self.hangs = set(), 0, None, False

    async def arevoke(self, jti, ttl=None):
        self.revoked.add(jti)

    async def ais_revoked(self, jti):
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.error is not None:
            raise self.error
        return jti in self.revoked


def test_a_store_elsewhere_is_asked_at_the_interval():
    store = Remote()

    async def test(client):
        assert await client.next() == ACCEPT
        while store.asked < 4:
            await asyncio.sleep(0.01)
        store.revoked.add("a")
        assert await client.next() == close(4401, "token_revoked")

    connect(test, guarded(auth=revocable(store), revocation_interval=0.02), bearer(sub="1", jti="a"))


@pytest.mark.parametrize("how", ["fails", "hangs", "hangs in a thread"])
def test_a_store_that_is_unavailable_while_it_is_open_closes_it_with_1013(monkeypatch, how):
    monkeypatch.setattr(middleware, "CHECK_TIMEOUT", 0.05)
    release = threading.Event()

    class Threaded(RevocationStore):
        hangs = False

        def revoke(self, jti, ttl=None): ...

        def is_revoked(self, jti):
            if self.hangs:
                release.wait(20)
            return False

    store = Threaded() if "thread" in how else Remote()

    async def test(client):
        assert await client.next() == ACCEPT
        if how == "fails":
            store.error = OSError("down")
        else:
            store.hangs = True
        try:
            assert await client.next() == close(1013, "revocation_unavailable")
        finally:
            release.set()
        await client.finish()
        assert echo.last == {"type": "websocket.disconnect", "code": 1013, "reason": "revocation_unavailable"}

    connect(test, guarded(auth=revocable(store), revocation_interval=0.02), bearer(sub="1", jti="a"))


def test_a_store_whose_errors_are_ignored_keeps_it_open_until_the_token_expires():
    store = Remote()

    async def test(client):
        assert await client.next() == ACCEPT
        store.error = OSError("down")
        while store.asked < 5:
            await asyncio.sleep(0.01)
        client.text("still")
        assert (await client.next())["text"] == "still"
        assert await client.next() == close(4401, "token_expired")

    backends = revocable(store, on_store_error="allow")
    connect(test, guarded(auth=backends, revocation_interval=0.02), soon(0.8, jti="a"))


def test_a_hanging_store_does_not_keep_it_open_after_the_token_expires():
    store = Remote()

    async def test(client):
        assert await client.next() == ACCEPT
        store.hangs = True
        assert await client.next() == close(4401, "token_expired")

    connect(test, guarded(auth=revocable(store), revocation_interval=0.02), soon(0.4, jti="a"))


def test_an_error_of_the_check_closes_it(monkeypatch, caplog):
    async def fails(*arguments):
        raise ZeroDivisionError

    async def test(client):
        assert await client.next() == ACCEPT
        monkeypatch.setattr("boltguard.asgi.gate.Gate.evaluate_again", fails)
        assert (await client.next())["code"] == 1013

    connect(test, guarded(revocation_interval=0.02), bearer(sub="1"))
    assert any(record.exc_info for record in caplog.records)


def test_the_end_is_logged_once(caplog):
    caplog.set_level(logging.INFO, "boltguard")
    store = InMemoryRevocation()

    async def test(client):
        assert await client.next() == ACCEPT
        store.revoke("a")
        assert (await client.next())["code"] == 4401
        await client.finish()

    connect(test, guarded(auth=revocable(store), revocation_interval=0.02), bearer(sub="1", jti="a"))
    records = [record for record in caplog.records if record.name == "boltguard"]
    assert [(record.reason, record.method) for record in records] == [("token_revoked", "WEBSOCKET")]


# The application's own


def test_the_application_closes_it_itself():
    async def closes(scope, receive, send):
        await receive()
        await send(ACCEPT)
        await send({"type": "websocket.close", "code": 4000})
        await asyncio.sleep(0.4)

    async def test(client):
        await client.finish()

    assert connect(test, guarded(closes), soon(0.2)).sent == [ACCEPT, {"type": "websocket.close", "code": 4000}]


def test_the_application_refuses_it_itself():
    async def refuses(scope, receive, send):
        await send({"type": "websocket.close"})

    async def test(client):
        await client.finish()

    assert connect(test, guarded(refuses), bearer(sub="1")).sent == [{"type": "websocket.close"}]


def test_the_client_goes_first():
    async def test(client):
        assert await client.next() == ACCEPT
        client.push({"type": "websocket.disconnect", "code": 1001})
        await client.finish()
        assert echo.last == {"type": "websocket.disconnect", "code": 1001}

    assert connect(test, guarded(), bearer(sub="1")).sent == [ACCEPT]


def test_a_cancelled_receive_loses_no_message():
    async def impatient(scope, receive, send):
        await receive()
        await send(ACCEPT)
        for _ in range(5):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(receive(), 0.02)
        await send({"type": "websocket.send", "text": (await receive())["text"]})

    async def test(client):
        assert await client.next() == ACCEPT
        await asyncio.sleep(0.3)
        client.text("kept")
        assert (await client.next())["text"] == "kept"

    connect(test, guarded(impatient), bearer(sub="1"))


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
def test_an_exception_of_the_application_is_its_own_and_leaves_no_task(error):
    async def crashes(scope, receive, send):
        await receive()
        await send(ACCEPT)
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        waiting.cancel()
        raise error

    async def test(client):
        assert await client.next() == ACCEPT
        with pytest.raises(error):
            await client.task
        client.task = asyncio.ensure_future(asyncio.sleep(0))

    connect(test, guarded(crashes), bearer(sub="1"))


def test_no_frame_of_the_middleware_shows_a_token():
    text = token(sub="7")

    async def crashes(scope, receive, send):
        raise ZeroDivisionError

    async def run():
        # Without the scope of the server, which other frames have, too.
        scope = scope_of("websocket", bearer(text), subprotocols=["bearer", text])
        await guarded(crashes)(scope, None, None)

    with pytest.raises(ZeroDivisionError) as raised:
        asyncio.run(run())
    frames = [frame for frame in raised.traceback if "boltguard/asgi" in str(frame.path)]
    assert len(frames) >= 2
    for frame in frames:
        shown = {name: repr(value) for name, value in frame.frame.f_locals.items() if name not in ("scope", "entry")}
        assert text not in str(shown), frame.name


def test_an_exception_of_the_server_is_the_applications():
    async def run():
        async def receive():
            raise ConnectionResetError

        async def app(scope, receive, send):
            with pytest.raises(ConnectionResetError):
                await receive()

        await guarded(app)(scope_of("websocket", bearer(sub="1")), receive, None)

    asyncio.run(run())


def test_unauthorized_of_the_application_closes_it():
    async def raises(scope, receive, send):
        await receive()
        await send(ACCEPT)
        raise Forbidden("no")

    async def test(client):
        assert await client.next() == ACCEPT
        assert (await client.next())["code"] == 4403

    connect(test, guarded(raises), bearer(sub="1"))


# Other credentials


def test_an_anonymous_caller_has_no_end():
    async def test(client):
        assert await client.next() == ACCEPT
        await asyncio.sleep(0.1)
        client.text("a")
        assert (await client.next())["text"] == "a"

    connect(test, guarded(guards=[AllowAny()], revocation_interval=0.02))


def test_an_api_key_is_checked_again():
    async def test(client):
        assert await client.next() == ACCEPT
        await asyncio.sleep(0.1)
        client.text("a")
        assert (await client.next())["text"] == "a"

    app = guarded(auth=[APIKeyAuthentication(api_keys={"k" * 40})], revocation_interval=0.02)
    connect(test, app, {"X-API-Key": "k" * 40})


class Cookies(Authentication):
    name = "cookies"
    reads = ("cookie",)
    calls = 0

    def authenticate(self, request):
        type(self).calls += 1
        return Identity("7") if request.COOKIES.get("user") == "7" else None


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        (None, True),
        ("https://site.example", True),
        ("https://partner.example", True),
        ("https://evil.example", False),
        ("null", False),
        ("https://site.example, https://evil.example", False),
    ],
)
def test_credentials_that_browsers_send_automatically_require_an_allowed_origin(origin, is_allowed):
    async def test(client):
        expected = ACCEPT if is_allowed else close(4403, "csrf_failed")
        assert await client.next() == expected

    headers = {"Cookie": "user=7", "Host": "site.example", **({"Origin": origin} if origin else {})}
    connect(test, guarded(auth=[Cookies()], allowed_origins=["https://partner.example"]), headers)


@pytest.mark.skipif("cookie" not in signature(JWTAuthentication).parameters, reason="tokens are in headers only")
@pytest.mark.parametrize("header", ["authorization", None])
def test_a_token_in_a_cookie_requires_an_allowed_origin(header):
    app = guarded(auth=[JWTAuthentication(header=header, cookie="__Host-access")])
    headers = {"Cookie": f"__Host-access={token(sub='7')}", "Host": "site.example"}

    async def accepted(client):
        assert (await client.next())["type"] == "websocket.accept"

    async def refused(client):
        assert await client.next() == close(4403, "csrf_failed")

    connect(accepted, app, headers)
    connect(accepted, app, {**headers, "Origin": "https://site.example"})
    connect(refused, app, {**headers, "Origin": "https://evil.example"})
    # A page can't know a token, so one in the subprotocols isn't sent automatically.
    offered = {"subprotocols": ["bearer", token(sub="7")]}
    connect(refused if header is None else accepted, app, {**headers, "Origin": "https://evil.example"}, **offered)


def test_a_custom_backend_is_not_called_again():
    async def test(client):
        assert await client.next() == ACCEPT
        Cookies.calls = 0
        await asyncio.sleep(0.1)
        assert Cookies.calls == 0

    connect(test, guarded(auth=[Cookies()], revocation_interval=0.02), {"Cookie": "user=7"})


# Accounts of Django


@pytest.fixture
def accounts(database, monkeypatch):
    monkeypatch.undo()
    user = get_user_model().objects.create_user("socket", is_active=True)
    yield user
    user.delete()


def test_the_account_is_loaded_before_the_application_is_called(accounts):
    async def app(scope, receive, send):
        await send({"type": "websocket.accept", "subprotocol": scope["user"].username})

    async def test(client):
        assert (await client.next())["subprotocol"] == "socket"

    connect(test, guarded(app), bearer(sub=str(accounts.pk)))


def test_a_missing_or_inactive_account_is_refused(accounts):
    async def test(client):
        assert await client.next() == close(4401, "invalid_token")

    connect(test, guarded(), bearer(sub="987654"))
    accounts.is_active = False
    accounts.save()
    connect(test, guarded(), bearer(sub=str(accounts.pk)))


def test_verify_user_closes_it_when_the_account_is_deactivated(accounts):
    async def test(client):
        assert await client.next() == ACCEPT
        await get_user_model().objects.filter(pk=accounts.pk).aupdate(is_active=False)
        assert await client.next() == close(4401, "invalid_token")

    app = guarded(auth=[JWTAuthentication(verify_user=True)], revocation_interval=0.02)
    connect(test, app, bearer(sub=str(accounts.pk)))


def test_many_at_once_end_on_their_own():
    store = InMemoryRevocation()
    app = guarded(auth=revocable(store), revocation_interval=0.02)

    async def run():
        before = asyncio.all_tasks()
        clients = [Client(app, bearer(sub=str(one), jti=str(one))) for one in range(40)]
        assert [await one.next() for one in clients] == [ACCEPT] * 40
        for one in range(0, 40, 2):
            store.revoke(str(one))
        assert [(await one.next())["code"] for one in clients[::2]] == [4401] * 20
        for at, one in enumerate(clients[1::2]):
            one.text(str(at))
            assert (await one.next())["text"] == str(at)
            one.push({"type": "websocket.disconnect", "code": 1000})
        await asyncio.gather(*(one.finish() for one in clients))
        assert asyncio.all_tasks() == before

    asyncio.run(asyncio.wait_for(run(), 60))
