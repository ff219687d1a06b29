"""`ReplicatedRevocation`: lists that are too large, transactions whose end isn't known, and several servers."""

import asyncio
import time

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from boltguard.auth import DjangoORMRevocation, JWTAuthentication, ReplicatedRevocation, logout_everywhere
from boltguard.exceptions import RevocationUnavailable
from boltguard.models import RevocationWatermark, RevokedToken
from test_asgi_websockets import ACCEPT, _no_accounts, close, guarded, revocable  # noqa: F401
from test_django_logout_everywhere import _alone  # noqa: F401
from test_django_revocation_caches import redis  # noqa: F401
from test_django_revocation_replicated import (  # noqa: F401
    _empty,
    client,
    make,
    port,
    synced,
    table,
    wait_for,
    with_errors,
)

from asgi_support import connect
from support import bearer

pytest.importorskip("redis")

STREAM = "boltguard:revocations:stream"


# Size


@pytest.mark.parametrize("has_stream", [True, False])
def test_list_that_is_too_large_is_an_error_in_the_log(make, port, caplog, has_stream):  # noqa: F811
    for number in range(4):
        DjangoORMRevocation().revoke(f"token {number}", 600)
    store = make(port if has_stream else None, max_entries=2)
    with_errors(lambda: store.is_revoked("unknown"))
    wait_for(lambda: any(record.levelname == "ERROR" for record in caplog.records))
    assert store.describe()["state"] == "full" and store.describe()["max_entries"] == 2
    reads = sum(store.describe()["losses"].values())
    time.sleep(3 * store.max_staleness)
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1 and "max_entries" in errors[0] and "boltguard_prune" in errors[0], reads
    with pytest.raises(RevocationUnavailable):
        store.is_revoked("unknown")


# Connections


@pytest.mark.parametrize("has_stream", [True, False])
def test_websocket_is_closed_when_another_process_ends_the_session(make, port, has_stream):  # noqa: F811
    here, elsewhere = (make(port if has_stream else None) for _ in range(2))
    synced(here)
    app = guarded(auth=revocable(here), revocation_interval=0.02)

    async def test(websocket):
        assert await websocket.next() == ACCEPT
        await elsewhere.arevoke_session("s")
        assert await websocket.next() == close(4401, "token_revoked")

    connect(test, app, bearer(sub="1", jti="a", sid="s"))


# Transactions


@pytest.fixture
def without_autocommit(table):  # noqa: F811
    transaction.set_autocommit(False)
    yield
    transaction.rollback()
    transaction.set_autocommit(True)


@pytest.mark.usefixtures("without_autocommit")
def test_without_autocommit_nothing_is_revoked(make, port):  # noqa: F811
    """The entry would be announced before the commit, and processes that lose the stream would miss it."""
    store = make(port)
    for revoke in (lambda: store.revoke("a", 600), lambda: store.revoke_session("s", 600)):
        with pytest.raises(TransactionManagementError, match="Nothing was revoked"):
            revoke()
        with transaction.atomic(), pytest.raises(TransactionManagementError, match=r"set_autocommit\(False\)"):
            revoke()
    assert not RevokedToken.objects.exists() and not RevocationWatermark.objects.exists()
    assert client(port).xlen(STREAM) == 0


@pytest.mark.usefixtures("without_autocommit")
def test_without_autocommit_a_polled_list_needs_no_announcement(make):  # noqa: F811
    make(None).revoke("a", 600)
    connection.commit()
    assert RevokedToken.objects.exists()


def test_nested_transactions_are_announced_after_the_outermost_commit(make, port):  # noqa: F811
    store = make(port)
    with transaction.atomic():
        with transaction.atomic():
            store.revoke("a", 600)
        assert client(port).xlen(STREAM) == 1
    assert client(port).xlen(STREAM) == 2


def test_in_async_code_the_error_names_the_async_method(make, port):  # noqa: F811
    async def view():
        make(port).revoke("a", 600)

    with pytest.raises(Exception, match="arevoke"):
        asyncio.run(view())


# Servers


def test_place_names_the_server_without_its_password(make):  # noqa: F811
    def place(url, **options):
        store = ReplicatedRevocation(url, **options)
        store.close()
        return store.place

    first = place("redis://user:hunter2@one:6379/0")
    assert first == place("redis://other:secret@one:6379/0") and "hunter2" not in repr(first)
    others = ["redis://two:6379/0", "redis://one:6380/0", "redis://one:6379/1", "unix:///one?db=0", "unix:///one?db=1"]
    places = [first, *map(place, others), place(None), place("redis://one:6379/0", prefix="other:")]
    assert len(set(places)) == len(places)


def test_logging_out_everywhere_announces_on_each_server(table, port):  # noqa: F811
    # She stays: deleting her would delete rows of the test app `people`, which isn't migrated.
    ada = get_user_model().objects.create_user("ada of two servers")
    urls = [f"redis://127.0.0.1:{port}/{database}" for database in (0, 1)]
    stores = [ReplicatedRevocation(url) for url in urls]
    backends = [JWTAuthentication(revocation_store=store) for store in stores]
    try:
        logout_everywhere(ada)
        for database in (0, 1):
            server = client(port)
            server.select(database)
            assert server.xlen(STREAM) == 1
    finally:
        for store in stores:
            store.close()
    assert backends
