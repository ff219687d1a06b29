"""`boltguard.signals`: when each signal is sent, with which arguments, and that receivers can't change a response."""

import asyncio
import re
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import BoltAPI, events, protect, signals
from boltguard.auth import (
    APIKeyAuthentication,
    APIKeyStore,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    Owner,
    RevocationStore,
    alogout,
    check_object,
    logout,
)
from boltguard.drf import BoltguardAuthentication, GuardPermission
from boltguard.models import APIKey, RevokedToken

from support import asgi, bearer, mount, mount_view, token, wsgi

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "signals.md"
SECRET_CLAIM = "a-claim-that-must-not-be-shown"
REFUSALS = ("request", "status", "reason", "claim")


@contextmanager
def received(signal, *, is_async=False):
    """Records the arguments of a signal, with a receiver that uses the database."""
    found = []

    def note(signal, sender, **arguments):
        assert isinstance(sender, type)
        RevokedToken.objects.count()
        found.append(arguments)

    async def anote(signal, sender, **arguments):
        await RevokedToken.objects.acount()
        found.append(arguments)

    receiver = anote if is_async else note
    signal.connect(receiver)
    try:
        yield found
    finally:
        signal.disconnect(receiver)


@contextmanager
def failing(signal, *, is_async=False):
    """Connects a receiver that fails, and breaks the transaction that it runs in."""

    def fail(**arguments):
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM boltguard_revokedtoken")

    async def afail(**arguments):
        raise StopAsyncIteration

    receiver = afail if is_async else fail
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


def request(headers=None, *, through, url="/view"):
    return wsgi("get", url, headers) if through == "wsgi" else asyncio.run(asgi("get", url, headers))


def mount_kind(kind, guards, auth=None, handler=None):
    """A view of one kind, at `/view`."""
    auth = [JWTAuthentication()] if auth is None else auth

    def sync(request):
        if handler is not None:
            handler(request)
        return HttpResponse()

    async def not_sync(request):
        if handler is not None:
            handler(request)
        return HttpResponse()

    if kind in ("protect", "async protect"):
        mount_view(protect(auth=auth, guards=guards)(sync if kind == "protect" else not_sync))
    elif kind in ("api", "async api"):
        api = BoltAPI()
        api.get("/view", auth=auth, guards=guards)(sync if kind == "api" else not_sync)
        mount(api=api)
    else:
        members = {"backends": auth, "__module__": __name__}

        class View(APIView):
            authentication_classes = [type("Known", (BoltguardAuthentication,), members)]
            permission_classes = [GuardPermission.of(*guards)]

            def get(self, request):
                return Response()

        mount_view(View.as_view())


KINDS = ["protect", "async protect", "api", "async api", "drf"]
HANDLERS = ["wsgi", "asgi"]


# Refused requests


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("through", HANDLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_request(kind, through, is_async):
    mount_kind(kind, [IsAuthenticated() & IsStaff()])
    with received(signals.request_refused, is_async=is_async) as sent:
        assert request(through=through).status_code == 401
        assert request(bearer(sub="1", exp=1, note=SECRET_CLAIM), through=through).status_code == 401
        assert request(bearer(sub="1", note=SECRET_CLAIM), through=through).status_code == 403
    assert [(one["status"], one["reason"], one["claim"]) for one in sent] == [
        (401, "not_authenticated", None),
        (401, "token_expired", None),
        (403, "staff_required", None),
    ]
    assert all(sorted(one) == sorted(REFUSALS) and one["request"].path == "/view" for one in sent)
    assert SECRET_CLAIM not in repr(sent)


@pytest.mark.parametrize("through", HANDLERS)
def test_the_claim_at_fault_is_named_without_its_value(through):
    mount_kind("async protect", [IsAuthenticated()], [JWTAuthentication(claims={"office": "Berlin"})])
    with received(signals.request_refused) as sent:
        assert request(bearer(sub="1", office=SECRET_CLAIM), through=through).status_code == 401
    assert [one["claim"] for one in sent] == ["office"] and SECRET_CLAIM not in repr(sent)


@pytest.mark.parametrize("through", HANDLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_allowed_request_sends_nothing(kind, through):
    mount_kind(kind, [IsAuthenticated()])
    with received(signals.request_refused) as sent:
        assert request(bearer(sub="1"), through=through).status_code == 200
    assert sent == []


@pytest.mark.parametrize("through", HANDLERS)
@pytest.mark.parametrize("kind", ["protect", "async protect", "api", "async api"])
def test_an_object_that_is_not_the_callers(kind, through):
    class Document:
        author_id = "2"

    mount_kind(kind, [Owner("author_id")], handler=lambda request: check_object(request, Document()))
    with received(signals.request_refused) as sent:
        assert request(bearer(sub="1"), through=through).status_code == 403
    assert [one["status"] for one in sent] == [403]


@pytest.mark.parametrize("through", HANDLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_caller_whose_account_is_missing(kind, through):
    mount_kind(kind, [IsAuthenticated()], [JWTAuthentication(verify_user=True)])
    with received(signals.request_refused) as sent:
        assert request(bearer(sub="987654321"), through=through).status_code == 401
    assert [(one["status"], one["reason"]) for one in sent] == [(401, "user_not_found")]


class Unavailable(RevocationStore):
    def revoke(self, jti, ttl=None):
        raise OSError

    def is_revoked(self, jti):
        raise OSError


@pytest.mark.parametrize("through", HANDLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_unavailable(kind, through):
    mount_kind(kind, [IsAuthenticated()], [JWTAuthentication(revocation_store=Unavailable())])
    with received(signals.request_refused) as sent:
        assert request(bearer(sub="1", jti="a"), through=through).status_code == 503
    assert [(one["status"], one["reason"]) for one in sent] == [(503, "revocation_unavailable")]


@pytest.mark.parametrize("through", HANDLERS)
@pytest.mark.parametrize("is_async", [False, True])
def test_the_middleware_refuses_where_a_store_is_unavailable(through, is_async):
    mount_view(lambda request: HttpResponse())
    site = {
        "MIDDLEWARE": ["boltguard.middleware.BoltguardMiddleware"],
        "BOLTGUARD_AUTHENTICATION_CLASSES": [JWTAuthentication(revocation_store=Unavailable())],
    }
    with override_settings(**site), received(signals.request_refused, is_async=is_async) as sent:
        assert request(bearer(sub="1", jti="a"), through=through).status_code == 503
    assert [one["reason"] for one in sent] == ["revocation_unavailable"]


@pytest.mark.parametrize("through", HANDLERS)
def test_allowed_request_with_invalid_credentials_is_not_refused(through):
    mount_view(lambda request: HttpResponse())
    site = {
        "MIDDLEWARE": ["boltguard.middleware.BoltguardMiddleware"],
        "BOLTGUARD_AUTHENTICATION_CLASSES": [JWTAuthentication(verify_user=True)],
    }
    with override_settings(**site), received(signals.request_refused) as sent:
        assert request(bearer(sub="987654321"), through=through).status_code == 200
        assert request(bearer(sub="1", exp=1), through=through).status_code == 200
    assert sent == []


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("through", HANDLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_receiver_does_not_change_the_response(kind, through, is_async, caplog):
    mount_kind(kind, [IsAuthenticated()])
    expected = request(through=through)
    with failing(signals.request_refused, is_async=is_async), received(signals.request_refused) as sent:
        found = request(through=through)
    assert (found.status_code, found.content, found.headers) == (
        expected.status_code,
        expected.content,
        expected.headers,
    )
    assert len(sent) == 1 and "request_refused" not in found.content.decode()
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["django.dispatch"]


@pytest.mark.parametrize("through", HANDLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_without_receivers_nothing_is_sent(kind, through, monkeypatch):
    for name in ("send_robust", "asend_robust"):
        monkeypatch.setattr(f"django.dispatch.Signal.{name}", None)
    monkeypatch.setattr(events, "asend_refusals", None)
    mount_kind(kind, [IsAuthenticated()])
    response = request(through=through)
    assert response.status_code == 401
    store = DjangoORMRevocation()
    store.revoke("one", 60)
    asyncio.run(store.arevoke("two", 60))


# Revoked tokens


class Own(RevocationStore):
    def __init__(self):
        self.revoked = set()

    def revoke(self, jti, ttl=None):
        self.revoked.add(jti)

    def is_revoked(self, jti):
        return jti in self.revoked


class OwnAsync(Own):
    async def revoke(self, jti, ttl=None):
        self.revoked.add(jti)

    async def is_revoked(self, jti):
        return jti in self.revoked


class Calling(DjangoORMRevocation):
    def revoke(self, jti, ttl=None):
        return super().revoke(jti, ttl)


STORES = [InMemoryRevocation, DjangoCacheRevocation, DjangoORMRevocation, Own, OwnAsync, Calling]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", STORES)
def test_a_revoked_token(kind, is_async):
    store = kind()
    with received(signals.token_revoked, is_async=is_async) as sent:
        if kind is not OwnAsync:
            store.revoke("one", 60)
        asyncio.run(store.arevoke("two", 60))
    expected = ["two"] if kind is OwnAsync else ["one", "two"]
    assert sent == [{"store": store, "jti": jti, "level": None, "before": None} for jti in expected]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_sync_revocation_in_an_event_loop_is_sent_by_a_task(is_async):
    store = InMemoryRevocation()

    async def revoke():
        store.revoke("one")
        await asyncio.gather(*events._tasks)

    with received(signals.token_revoked, is_async=is_async) as sent:
        asyncio.run(revoke())
    assert [one["jti"] for one in sent] == ["one"] and not events._tasks


def test_a_failed_revocation_sends_nothing():
    with received(signals.token_revoked) as sent:
        with pytest.raises(OSError):
            Unavailable().revoke("one")
        with pytest.raises(OSError):
            asyncio.run(Unavailable().arevoke("one"))
    assert sent == []


@pytest.mark.parametrize("is_async", [False, True])
def test_a_failing_receiver_changes_no_revocation(is_async):
    store = DjangoORMRevocation()
    with failing(signals.token_revoked, is_async=is_async):
        store.revoke("one", 60)
        asyncio.run(store.arevoke("two", 60))
    assert store.is_revoked("one") and store.is_revoked("two")


@pytest.mark.parametrize(
    "fails", [lambda: RevokedToken.objects.create(jti=None), lambda: RevokedToken.objects.raw("x")[0]]
)
def test_a_failing_receiver_breaks_no_transaction_of_a_view(fails):
    def fail(**arguments):
        fails()

    store = DjangoORMRevocation()
    signals.token_revoked.connect(fail)
    try:
        with transaction.atomic():
            store.revoke("in a transaction", 60)
            assert RevokedToken.objects.filter(jti="in a transaction").exists()
    finally:
        signals.token_revoked.disconnect(fail)
    assert store.is_revoked("in a transaction")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_lost_connection_does_not_change_the_response(error):
    def lose(execute, sql, params, many, context):
        raise error("the connection is closed")

    mount_kind("protect", [IsAuthenticated()])
    with received(signals.request_refused), transaction.atomic():
        with connection.execute_wrapper(lose):
            assert request(through="wsgi").status_code == 401


def test_a_logout_sends_the_id_of_the_token_alone():
    store = DjangoORMRevocation()

    @protect(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])
    def view(request):
        logout(request)
        return HttpResponse()

    @protect(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])
    async def aview(request):
        await alogout(request)
        return HttpResponse()

    mount(path("view", view), path("aview", aview))
    with received(signals.token_revoked) as sent:
        for url, jti in (("/view", "a"), ("/aview", "b")):
            text = token(sub="1", jti=jti, note=SECRET_CLAIM)
            assert request(bearer(text), through="asgi", url=url).status_code == 200
            assert text not in repr(sent) and SECRET_CLAIM not in repr(sent)
    assert sent == [{"store": store, "jti": jti, "level": None, "before": None} for jti in ("a", "b")]


@pytest.mark.parametrize("through", HANDLERS)
def test_a_revocation_that_is_made_again_is_sent_once(through):
    store = DjangoORMRevocation()

    @protect(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])
    def view(request):
        with transaction.atomic():
            logout(request)
            raise ValueError

    mount_view(view)
    with received(signals.token_revoked) as sent:
        assert request(bearer(sub="1", jti=f"again-{through}"), through=through).status_code == 500
    assert store.is_revoked(f"again-{through}") and [one["jti"] for one in sent] == [f"again-{through}"]


# API keys


@pytest.fixture
def _no_keys_stay():
    yield
    APIKey.objects.all().delete()


keys = pytest.mark.usefixtures("_no_keys_stay")


def create(**fields):
    return APIKey.objects.create_key(name="reports", **fields)


@keys
@pytest.mark.parametrize("is_async", [False, True])
def test_a_created_key(is_async):
    with received(signals.api_key_created, is_async=is_async) as sent:
        row, text = create()
        other, _ = asyncio.run(APIKey.objects.acreate_key(name="other"))
        row.name = "renamed"
        row.save()
    assert [one["api_key"] for one in sent] == [row, other] and [list(one) for one in sent] == [["api_key"]] * 2
    assert sent[0]["api_key"] is not row and sent[0]["api_key"].name == "reports"
    assert text not in repr([vars(one["api_key"]) for one in sent])


@keys
def test_a_key_that_the_admin_creates_is_not_shown_to_receivers():
    root = get_user_model().objects.create_superuser("root", "root@example.org", "root")
    client = Client()
    client.force_login(root)
    mount(path("admin/", admin.site.urls))
    with received(signals.api_key_created) as sent:
        client.post("/admin/boltguard_api_keys/apikey/add/", {"name": "reports", "scopes": "", "other_permissions": ""})
    root.delete()
    assert len(sent) == 1 and not hasattr(sent[0]["api_key"], "generated")


@keys
@pytest.mark.parametrize("is_async", [False, True])
def test_a_rotated_key(is_async):
    row, _ = create()
    with received(signals.api_key_rotated, is_async=is_async) as sent, received(signals.api_key_created) as created:
        successor, text = row.rotate(timedelta(hours=1))
    assert sent == [{"api_key": row, "successor": successor}]
    assert sent[0]["api_key"].expires_at == row.expires_at and [one["api_key"] for one in created] == [successor]
    assert text not in repr([vars(one) for one in sent[0].values()])


@keys
@pytest.mark.parametrize("is_async", [False, True])
def test_a_revoked_key(is_async):
    rows = [create()[0] for _ in range(4)]
    with received(signals.api_key_revoked, is_async=is_async) as sent:
        rows[0].revoke()
        rows[0].revoke()
        asyncio.run(rows[1].arevoke())
        assert APIKey.objects.filter(pk__in=[row.pk for row in rows[:3]]).revoke() == 1
        assert APIKey.objects.filter(pk=rows[2].pk).revoke() == 0
    assert [one["api_key"] for one in sent] == rows[:3]
    assert all(one["api_key"].revoked_at is not None for one in sent)


@keys
def test_a_change_of_keys_that_is_rolled_back_sends_nothing():
    row, _ = create()
    with received(signals.api_key_created) as created, received(signals.api_key_revoked) as revoked:
        with transaction.atomic():
            create()
            APIKey.objects.all().revoke()
            assert created == revoked == []
            transaction.set_rollback(True)
        assert created == revoked == []
        with transaction.atomic():
            create()
            row.revoke()
    assert len(created) == len(revoked) == 1


@keys
@pytest.mark.parametrize("is_async", [False, True])
def test_a_failing_receiver_changes_no_key(is_async):
    with (
        failing(signals.api_key_created, is_async=is_async),
        failing(signals.api_key_rotated, is_async=is_async),
        failing(signals.api_key_revoked, is_async=is_async),
    ):
        with transaction.atomic():
            row, _ = create()
            successor, _ = row.rotate(timedelta(hours=1))
            successor.revoke()
    assert {row.status, successor.status} == {"active", "revoked"} and APIKey.objects.count() == 2


@keys
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_used_key(fails, is_async):
    store = APIKeyStore(refresh_interval=3600)
    mount_kind("protect", [IsAuthenticated()], [APIKeyAuthentication(store=store)])
    row, text = create()
    create()
    receivers = (failing if fails else received)(signals.api_key_used, is_async=is_async)
    with receivers as sent:
        for through in HANDLERS:
            assert request({"X-Api-Key": text}, through=through).status_code == 200
        store.write_uses()
        store.write_uses()
    row.refresh_from_db()
    assert row.last_used_at is not None
    if not fails:
        assert sent == [{"api_key": row}] and sent[0]["api_key"].last_used_at == row.last_used_at
        assert text not in repr(vars(sent[0]["api_key"]))


@keys
def test_rows_of_used_keys_are_read_for_receivers_alone():
    store = APIKeyStore(refresh_interval=3600)
    mount_kind("protect", [IsAuthenticated()], [APIKeyAuthentication(store=store)])

    def queries():
        assert request({"X-Api-Key": create()[1]}, through="wsgi").status_code == 200
        with CaptureQueriesContext(connection) as captured:
            store.write_uses()
        return len(captured)

    queries()  # from now on, they are written at intervals
    without = queries()
    with received(signals.api_key_used):
        assert queries() == without + 2, "the rows, and the query of the receiver"


# The page


def test_the_page_lists_the_signals_and_their_arguments():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ((?:`\w+`(?:, )?)+) \|$", DOCS.read_text("utf-8"), re.M)
    listed = {name: re.findall(r"`(\w+)`", arguments) for name, arguments in rows if name in signals.__all__}
    assert listed == ARGUMENTS and sorted(listed) == sorted(signals.__all__)


ARGUMENTS = {
    "api_key_created": ["api_key"],
    "api_key_revoked": ["api_key"],
    "api_key_rotated": ["api_key", "successor"],
    "api_key_used": ["api_key"],
    "refresh_token_reused": ["session", "request"],
    "request_refused": list(REFUSALS),
    "token_revoked": ["store", "jti", "level", "before"],
}
