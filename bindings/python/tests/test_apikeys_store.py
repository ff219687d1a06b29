"""`APIKeyAuthentication(store=...)`: requests with stored keys, their queries, and when a change takes effect."""

import asyncio
import gc
import hashlib
import logging
import os
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import F
from django.http import JsonResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from boltguard import protect
from boltguard.api_keys import changes, signals, usage
from boltguard.api_keys import snapshot as snapshots
from boltguard.api_keys import store as stores
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    APIKeyStore,
    HasPermission,
    HasScope,
    IsAuthenticated,
    JWTAuthentication,
)
from boltguard.models import APIKey, APIKeyChanges

from children import in_child
from support import asgi, bearer, mount_view, wsgi

DAY = timedelta(days=1)
# Long enough that no test waits for it.
HOUR = 3600.0


@pytest.fixture(autouse=True)
def _no_keys_stay():
    yield
    APIKey.objects.all().delete()


@pytest.fixture
def store():
    return APIKeyStore(refresh_interval=HOUR)


def create(**fields):
    return APIKey.objects.create_key(**{"name": "reports", **fields})


def serve(store, guard=None, read=lambda request: None, **options):
    """A sync view behind the store, at /view."""
    backends = [JWTAuthentication(), APIKeyAuthentication(store=store, **options)]

    @protect(auth=backends, guards=[IsAuthenticated() if guard is None else guard])
    def view(request):
        return JsonResponse({"user_id": request.context["user_id"], "read": read(request)})

    mount_view(view)


def get(key, **headers):
    return wsgi("get", "/view", {"X-Api-Key": key, **headers})


def status(key):
    return get(key).status_code


def queries(function):
    with CaptureQueriesContext(
        connection,
    ) as seen:
        function()
    return len(seen)


def by_others(change):
    """Changes the table without a notification, like another process."""
    original = stores.APIKeyStore.note_change
    stores.APIKeyStore.note_change = lambda self: None
    try:
        return change()
    finally:
        stores.APIKeyStore.note_change = original


# --- the caller -------------------------------------------------------------------------------------------------------


def test_the_caller_is_the_owner_with_the_keys_permissions_and_scopes(store, ada):
    _, key = create(owner=ada, permissions=["blog.*"], scopes=["read"])
    read = lambda request: [request.user.pk, request.user.id, request.context["permissions"]]  # noqa: E731
    serve(store, HasPermission("blog.view") & HasScope("read"), read)
    response = get(key).json()
    assert response == {"user_id": str(ada.pk), "read": [ada.pk, ada.pk, ["blog.*"]]}
    serve(store, HasPermission("shop.view"))
    assert status(key) == 403
    assert wsgi("get", "/view", {"X-Api-Key": f"ApiKey {key}"}).status_code == 403


def test_the_key_is_named_by_its_id(store, ada):
    row, key = create(owner=ada)
    serve(store, read=lambda request: request.context.api_key_id)
    assert get(key).json()["read"] == row.id


def test_a_key_without_an_owner_stands_for_itself(store):
    row, key = create()
    serve(store, read=lambda request: [request.user.is_authenticated, request.context.account])
    assert get(key).json() == {"user_id": f"apikey:{row.id}", "read": [False, None]}


def test_a_request_costs_no_query_and_the_owner_one(store, ada):
    _, key = create(owner=ada)
    serve(store, read=lambda request: request.user.id)
    assert status(key) == 200
    assert queries(lambda: status(key)) == 0
    serve(store, read=lambda request: request.user.username)
    assert status(key) == 200
    assert queries(lambda: get(key).json()["read"] == "ada") == 1


def test_requests_without_a_key_of_this_form_never_look_at_the_table(store):
    serve(store)
    with CaptureQueriesContext(connection) as seen:
        assert status("sk-of-somebody-else") == 401
        assert status("") == 401
        assert wsgi("get", "/view").status_code == 401
        assert wsgi("get", "/view", bearer(sub="7")).status_code == 200
    assert len(seen) == 0


def test_a_mistyped_key_is_refused(store):
    _, key = create()
    serve(store)
    for wrong in (key[:-1], key + "0", key.swapcase(), key.replace("bg_", "sk_"), key[:-7] + "AAAAAAA"):
        assert status(wrong) == 401
    response = get(key[:-1])
    assert response.json()["code"] == "invalid_api_key" and "ApiKey" in response["WWW-Authenticate"]


def test_async_handlers_are_served_alike(store, ada):
    row, key = create(owner=ada)

    @protect(auth=[APIKeyAuthentication(store=store)], guards=[IsAuthenticated()])
    async def view(request):
        return JsonResponse({"name": (await request.auser()).username, "id": request.user.id})

    mount_view(view)

    async def use():
        first = await asgi("get", "/view", {"X-Api-Key": key})
        again = await asyncio.gather(*(asgi("get", "/view", {"X-Api-Key": key}) for _ in range(4)))
        await row.arevoke()
        return first, again, await asgi("get", "/view", {"X-Api-Key": key})

    first, again, refused = asyncio.run(use())
    assert first.json() == {"name": "ada", "id": ada.pk}
    assert {one.status_code for one in again} == {200} and refused.status_code == 401


def test_all_backends_with_store_true_share_one_snapshot():
    assert APIKeyAuthentication(store=True).store is APIKeyAuthentication(store=True).store
    _, key = create()
    serve(True)
    assert status(key) == 200


# --- expired and revoked keys -----------------------------------------------------------------------------------------


def test_an_expired_key_is_refused_without_a_query(store, caplog):
    _, key = create(expires=timedelta(seconds=1))
    serve(store)
    assert status(key) == 200
    time.sleep(1.1)
    with caplog.at_level(logging.INFO, "boltguard"):
        assert queries(lambda: status(key)) == 0
    assert "api_key_expired" in caplog.text


@pytest.mark.parametrize(
    "revoke",
    [
        lambda row: row.revoke(),
        lambda row: APIKey.objects.filter(pk=row.pk).revoke(),
        lambda row: APIKey.objects.filter(pk=row.pk).update(revoked_at=timezone.now()),
        lambda row: row.rotate(),
        lambda row: row.delete(),
        lambda row: APIKey.objects.filter(pk=row.pk).delete(),
        lambda row: asyncio.run(row.arevoke()),
        lambda row: APIKey.objects.bulk_update([_ended(row)], ["expires_at"]),
    ],
)
def test_revoking_takes_effect_at_once_in_this_process(store, revoke):
    row, key = create()
    _, other = create()
    serve(store)
    assert status(key) == status(other) == 200
    revoke(row)
    assert status(key) == 401 and status(other) == 200


def _ended(row):
    row.expires_at = timezone.now()
    return row


def test_what_is_made_is_accepted_at_once(store):
    serve(store)
    row, key = create()
    assert status(key) == 200
    successor, other = row.rotate(overlap=DAY)
    assert status(key) == status(other) == 200
    successor.permissions = ["a"]
    successor.save()
    serve(store, HasPermission("a"))
    assert status(other) == 200 and status(key) == 403


def test_keys_that_are_made_in_bulk_are_accepted_at_once(store):
    serve(store)
    assert status(create()[1]) == 200
    row, key = create()
    copy = APIKey.objects.get(pk=row.pk)
    row.delete()
    assert status(key) == 401
    APIKey.objects.bulk_create([copy])
    assert status(key) == 200


def test_in_other_processes_within_the_interval():
    store = APIKeyStore(refresh_interval=0.5)
    row, key = create(permissions=["a"])
    serve(store, HasPermission("a"))
    assert status(key) == 200
    by_others(lambda: APIKey.objects.filter(pk=row.pk).update(revoked_at=timezone.now()))
    _, other = by_others(lambda: create(permissions=["a"]))
    deadline = time.monotonic() + 0.5
    while status(key) == 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert status(other) == 200
    by_others(lambda: APIKey.objects.all().delete())
    time.sleep(0.5)
    assert status(other) == 401


def test_a_change_in_a_transaction_counts_when_it_is_committed(store):
    row, key = create()
    serve(store)
    assert status(key) == 200
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        row.revoke()
        assert status(key) == 401, "its own transaction sees it"
        1 / 0
    assert status(key) == 200
    with transaction.atomic():
        row.revoke()
    assert status(key) == 401


def test_a_test_case_that_is_rolled_back_leaves_nothing_behind(store):
    """Django's `TestCase`: everything happens in a transaction that never commits."""
    serve(store)
    _, before = create()
    keys = []
    for _ in range(3):
        with transaction.atomic():
            keys.append(create()[1])
            assert [status(key) for key in [before, *keys]] == [200, *[401] * (len(keys) - 1), 200]
            assert queries(lambda: status(keys[-1])) == 0
            with transaction.atomic():
                keys.append(create()[1])
                assert status(keys[-1]) == 200
                transaction.set_rollback(True)
            assert status(keys[-1]) == 401
            transaction.set_rollback(True)
        assert [status(key) for key in [before, *keys]] == [200, *[401] * len(keys)]


def test_a_table_that_was_emptied_and_refilled_is_read_again():
    store = APIKeyStore(refresh_interval=0)
    serve(store)
    for _ in range(2):
        row, key = create()
        assert status(key) == 200
        by_others(lambda: APIKey._base_manager.all()._raw_delete(using="default"))
        by_others(lambda: APIKeyChanges.objects.all().delete())
        for _ in range(5):
            by_others(lambda: create())
        assert status(key) == 401


def test_only_what_changed_is_read_again(store):
    for _ in range(5):
        row, key = create()
    serve(store)
    assert status(key) == 200
    row.permissions = ["a"]
    row.save()
    with CaptureQueriesContext(connection) as seen:
        assert status(key) == 200
    reads = [query["sql"] for query in seen if '"digest"' in query["sql"]]
    assert len(reads) == 1 and '"stamp" >' in reads[0] and len(seen) == 3


def test_an_unchanged_table_costs_two_small_queries_an_interval():
    store = APIKeyStore(refresh_interval=0)
    _, key = create()
    serve(store)
    assert status(key) == 200
    with CaptureQueriesContext(connection) as seen:
        assert status(key) == 200
    assert len(seen) == 2 and not any('"digest"' in query["sql"] for query in seen)


def test_of_many_requests_that_find_the_keys_old_one_reads_them(store, monkeypatch):
    reads, read = [], snapshots.Snapshot._refresh

    def slow(self, using):
        reads.append(using)
        time.sleep(0.1)
        read(self, using)

    monkeypatch.setattr(snapshots.Snapshot, "_refresh", slow)
    threads = [threading.Thread(target=store.refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1 and store.snapshot.rust.is_current


def test_a_change_during_a_refresh_is_not_missed(store, monkeypatch):
    row, key = create()
    serve(store)
    read = snapshots.Snapshot._load

    def overtaken(self, *arguments):
        read(self, *arguments)
        monkeypatch.undo()
        row.revoke()

    monkeypatch.setattr(snapshots.Snapshot, "_load", overtaken)
    assert status(key) == 200, "what was read before the change"
    assert status(key) == 401


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_refreshes_does_not_hang_the_child(store, monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("a child can't share the connection to a server")
    _, key = create()
    serve(store)
    assert status(key) == 200
    begun, go_on = threading.Event(), threading.Event()
    parent, read = os.getpid(), snapshots.Snapshot._refresh

    def wait(self, using):
        if os.getpid() != parent:
            return read(self, using)
        begun.set()
        go_on.wait()

    monkeypatch.setattr(snapshots.Snapshot, "_refresh", wait)
    store.note_change()
    thread = threading.Thread(target=store.refresh)
    thread.start()
    begun.wait()
    try:
        assert in_child(lambda: status(key) == 200)
    finally:
        go_on.set()
        thread.join()


def test_a_row_that_can_not_be_read_harms_no_other(store, caplog):
    row, key = create()
    broken, other = create()
    APIKey.objects.filter(pk=broken.pk).update(permissions={"a": 1})
    serve(store)
    assert status(key) == 200 and status(other) == 401
    assert broken.pk in caplog.text


def test_fixtures_count(store, tmp_path):
    from django.core.management import call_command

    _, key = create()
    serve(store)
    assert status(key) == 200
    call_command("dumpdata", "boltguard_api_keys.APIKey", output=str(tmp_path / "keys.json"))
    APIKey.objects.all().delete()
    assert status(key) == 401
    call_command("loaddata", str(tmp_path / "keys.json"), verbosity=0)
    assert status(key) == 200


# --- changes that the count can't detect ------------------------------------------------------------------------------


@contextmanager
def failover():
    """Simulates a failover to a standby that doesn't have the changes made inside."""
    count, keys = APIKeyChanges.objects.values().get(), list(APIKey.objects.values())
    yield
    APIKey._base_manager.all()._raw_delete(using="default")
    APIKey._base_manager.bulk_create([APIKey(**key) for key in keys])
    APIKeyChanges.objects.update(**count)


@pytest.mark.parametrize(("lost", "made"), [(1, 1), (3, 3), (2, 3), (3, 1), (1, 70)])
def test_a_key_that_is_revoked_after_a_failover_is_refused(lost, made):
    store = APIKeyStore(refresh_interval=0)
    serve(store)
    row, key = create()
    with failover():
        keys = [create()[1] for _ in range(lost)]
        assert status(key) == 200
    by_others(lambda: APIKey.objects.filter(pk=row.pk).update(revoked_at=timezone.now()))
    for _ in range(made - 1):
        by_others(create)
    assert status(key) == 401
    assert {status(one) for one in keys} == {401}, "lost changes are undone"


def test_changes_are_read_one_by_one_where_nothing_was_lost():
    store = APIKeyStore(refresh_interval=0)
    serve(store)
    rows = [create() for _ in range(3)]
    assert status(rows[0][1]) == 200
    for _ in range(30):
        by_others(lambda: APIKey.objects.filter(pk=rows[0][0].pk).update(scopes=["a"]))
    with CaptureQueriesContext(connection) as seen:
        assert status(rows[0][1]) == 200
    assert [query["sql"] for query in seen if '"digest"' in query["sql"] and '"stamp" >' not in query["sql"]] == []


def by_sql_of_others(sql, *parameters):
    """SQL of another process, which doesn't increment the count of changes."""

    def execute():
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)

    by_others(execute)


def test_key_revoked_by_sql_is_refused_after_reload_interval():
    store = APIKeyStore(refresh_interval=0, reload_interval=0.3)
    row, key = create()
    serve(store)
    assert status(key) == 200
    by_sql_of_others(f"UPDATE {APIKey._meta.db_table} SET revoked_at = created_at WHERE id = %s", row.pk)
    end = time.monotonic() + 0.3
    while status(key) == 200:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_sql_of_this_process_takes_effect_at_once(store):
    row, key = create()
    serve(store)
    assert status(key) == 200
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {APIKey._meta.db_table} SET revoked_at = created_at WHERE id = %s", [row.pk])
        APIKeyChanges.objects.update(removed=F("version") + 1, version=F("version") + 1, marks="")
    assert status(key) == 401


def test_marking_keys_as_changed_reaches_every_process():
    store = APIKeyStore(refresh_interval=0)
    row, key = create()
    _, other = create()
    serve(store)
    assert status(key) == 200
    by_sql_of_others(f"UPDATE {APIKey._meta.db_table} SET revoked_at = created_at WHERE id = %s", row.pk)
    assert status(key) == 200
    by_others(APIKey.objects.mark_changed)
    assert status(key) == 401 and status(other) == 200
    by_sql_of_others(f"UPDATE {APIKey._meta.db_table} SET revoked_at = created_at")
    by_others(lambda: asyncio.run(APIKey.objects.amark_changed()))
    assert status(other) == 401


@pytest.mark.parametrize("inhibit_post_migrate", [True, False])
def test_the_keys_of_a_test_are_refused_once_its_tables_were_flushed(store, inhibit_post_migrate, monkeypatch):
    from django.core.management import call_command
    from django.core.management.sql import emit_post_migrate_signal

    _, key = create()
    serve(store)
    assert status(key) == 200
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=inhibit_post_migrate)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(connections["default"], "cursor", _fail)
            assert status(key) == 503, "a test without database access can't use another's keys either"
        assert status(key) == 401
    finally:
        emit_post_migrate_signal(0, False, "default")


def test_a_refresh_that_fails_half_way_leaves_all_keys_as_they_were(store, monkeypatch):
    rows = [create() for _ in range(4)]
    serve(store)
    assert status(rows[0][1]) == 200
    rows[0][0].revoke()
    one, read = snapshots._one, []

    def fail(row):
        read.append(row)
        if len(read) > 2:
            raise DatabaseError
        return one(row)

    monkeypatch.setattr(snapshots, "_one", fail)
    store.snapshot._reload_at = 0.0
    assert {status(key) for _, key in rows} == {503}
    monkeypatch.undo()
    assert [status(key) for _, key in rows] == [401, 200, 200, 200]


def test_older_transaction_does_not_count_as_current(store, monkeypatch):
    row, key = create()
    serve(store)
    version = APIKeyChanges.objects.values_list("version", "removed", "marks").get()
    row.revoke()
    assert status(key) == 401
    old = changes.Version(*version)
    with transaction.atomic(), monkeypatch.context() as patch:
        store.note_change()
        patch.setattr(changes, "current_version", lambda using: old)
        store.refresh()
    assert not store.snapshot.rust.is_current
    assert status(key) == 401 and store.snapshot.rust.is_current


# --- owners -----------------------------------------------------------------------------------------------------------


def test_the_keys_of_an_inactive_owner_are_refused_until_they_come_back(store, ada):
    _, key = create(owner=ada)
    _, other = create()
    serve(store)
    assert status(key) == 200
    for active in (False, True, False):
        ada.is_active = active
        ada.save()
        assert status(key) == (200 if active else 401) and status(other) == 200
    create()
    assert status(key) == 401, "nor are they when other keys change"


def test_an_owner_who_was_inactive_before_is_refused_from_the_start(store, ada):
    _, key = create(owner=ada)
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    serve(store)
    assert status(key) == 401


def test_deactivated_owner_is_detected_within_the_interval(ada):
    store = APIKeyStore(refresh_interval=0.3)
    _, key = create(owner=ada)
    serve(store)
    assert status(key) == 200
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    time.sleep(0.31)
    assert status(key) == 401


def test_an_owner_who_is_gone_is_refused_where_the_user_is_read(store, ada):
    _, key = create(owner=ada)
    serve(store, read=lambda request: request.user.email)
    assert status(key) == 200
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    response = get(key)
    assert response.status_code == 401
    assert response.json() == {"detail": "The API key is invalid.", "code": "invalid_api_key"}
    assert response["WWW-Authenticate"] == 'ApiKey realm="api"'


def test_deleting_the_owner_ends_the_key_at_once(store):
    user = get_user_model().objects.create_user("gone")
    _, key = create(owner=user)
    serve(store)
    assert status(key) == 200
    user.delete()
    assert status(key) == 401


def test_saving_a_user_costs_no_query_more(store, ada):
    create(owner=ada)
    assert queries(ada.save) == 1


# --- the secret key ---------------------------------------------------------------------------------------------------

OLD, NEW = "the secret key of last year, which is long", "the secret key of this year, which is long"


def test_keys_outlive_a_rotation_of_the_secret_key(store):
    with override_settings(SECRET_KEY=OLD):
        _, key = create()
        serve(store)
        assert status(key) == 200
    with override_settings(SECRET_KEY=NEW):
        assert status(key) == 401
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD]):
        assert status(key) == 200


def test_a_key_that_is_used_comes_to_the_new_secret(store):
    with override_settings(SECRET_KEY=OLD):
        row, key = create()
        unused, _ = create()
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD]):
        serve(store)
        assert status(key) == 200
        store.write_uses()
        assert status(key) == 200
    before, after = row.secret_id, APIKey.objects.get(pk=row.pk).secret_id
    assert before != after and APIKey.objects.get(pk=unused.pk).secret_id == before
    with override_settings(SECRET_KEY=NEW):
        assert status(key) == 200
    with override_settings(SECRET_KEY=OLD):
        assert status(key) == 401


def test_the_digest_needs_the_secret():
    """Write access to the table isn't sufficient to create a key; the secret is required."""
    digests = set()
    for secret in (OLD, NEW):
        with override_settings(SECRET_KEY=secret):
            row, key = create()
            digests.add(bytes(row.digest))
            assert hashlib.sha256(key.encode()).digest() != bytes(row.digest)
    assert len(digests) == 2


def test_keys_of_another_prefix_need_a_store_that_names_it():
    _, key = create()
    with override_settings(BOLT_API_KEY_PREFIX="acme"):
        serve(APIKeyStore(refresh_interval=HOUR))
        assert status(key) == 401 and status(create()[1]) == 200
        serve(APIKeyStore(refresh_interval=HOUR, prefix="bg"))
        assert status(key) == 200


# --- last used --------------------------------------------------------------------------------------------------------


def test_the_last_use_is_written_in_a_batch(store, ada):
    keys = [create() for _ in range(3)]
    serve(store)
    for _, key in keys[:2]:
        assert status(key) == 200 and status(key) == 200
    assert not APIKey.objects.exclude(last_used_at=None).exists()
    version = APIKeyChanges.objects.get().version
    assert queries(store.write_uses) <= 3
    assert queries(store.write_uses) == 0
    used = APIKey.objects.exclude(last_used_at=None)
    assert set(used.values_list("pk", flat=True)) == {row.pk for row, _ in keys[:2]}
    assert all(abs(timezone.now() - row.last_used_at) < timedelta(seconds=5) for row in used)
    assert APIKeyChanges.objects.get().version == version, "no process has to read the table again for this"


def test_many_last_uses_are_written_together(store):
    keys = [create() for _ in range(usage.BATCH + 5)]
    serve(store)
    assert {status(key) for _, key in keys} == {200}
    store.write_uses()
    assert not APIKey.objects.filter(last_used_at=None).exists()


def test_a_later_use_that_another_process_wrote_stays(store):
    row, key = create()
    serve(store)
    assert status(key) == 200
    later = timezone.now() + DAY
    APIKey.objects.filter(pk=row.pk).update(last_used_at=later)
    store.write_uses()
    assert APIKey.objects.get(pk=row.pk).last_used_at == later


def test_uses_are_written_after_a_request_when_it_is_time(store, monkeypatch):
    row, key = create()
    serve(store)
    assert status(key) == 200 and APIKey.objects.get(pk=row.pk).last_used_at is None
    later = time.monotonic() + usage.WRITE_INTERVAL + 1
    monkeypatch.setattr(usage, "monotonic", lambda: later)
    assert wsgi("get", "/view").status_code == 401, "any request will do"
    assert APIKey.objects.get(pk=row.pk).last_used_at is not None


def test_uses_are_written_when_the_process_ends(store):
    row, key = create()
    serve(store)
    assert status(key) == 200
    signals._write_all()
    assert APIKey.objects.get(pk=row.pk).last_used_at is not None


def test_a_refused_key_was_not_used(store):
    row, key = create(permissions=["a"])
    row.revoke()
    serve(store)
    assert status(key) == 401
    store.write_uses()
    assert APIKey.objects.get(pk=row.pk).last_used_at is None


def test_no_request_fails_for_a_use_that_can_not_be_written(store, monkeypatch, caplog):
    _, key = create()
    serve(store)
    assert status(key) == 200
    monkeypatch.setattr(usage.Usage, "_write_dates", _fail)
    store.write_uses()
    assert "1 API keys could not be written" in caplog.text


def _fail(*args, **kwargs):
    raise DatabaseError("the server is gone")


# --- a table that can't be read ---------------------------------------------------------------------------------------


def test_without_a_result_no_key_is_accepted(monkeypatch, caplog):
    store = APIKeyStore(refresh_interval=0)
    _, key = create()
    serve(store)
    assert status(key) == 200
    monkeypatch.setattr(snapshots.Snapshot, "_refresh", _fail)
    response = get(key)
    assert response.status_code == 503 and response.json()["code"] == "api_keys_unavailable"
    assert "The table of API keys" in caplog.text
    assert wsgi("get", "/view", bearer(sub="7")).status_code == 200


def test_what_was_read_before_may_serve_on(monkeypatch):
    store = APIKeyStore(refresh_interval=0)
    _, key = create()
    serve(store, on_store_error="allow")
    assert status(key) == 200
    monkeypatch.setattr(snapshots.Snapshot, "_refresh", _fail)
    assert status(key) == 200
    serve(APIKeyStore(refresh_interval=0), on_store_error="allow")
    assert status(key) == 503, "nothing was ever read"


def test_public_view_is_503_for_an_unverifiable_key(monkeypatch):
    _, key = create()
    serve(APIKeyStore(), AllowAny())
    monkeypatch.setattr(snapshots.Snapshot, "_refresh", _fail)
    assert status(key) == 503


# --- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: APIKeyAuthentication(), "requires api_keys="),
        (lambda: APIKeyAuthentication(store=False), "store is False"),
        (lambda: APIKeyAuthentication(store="table"), "store is of type str. It must be True"),
        (lambda: APIKeyAuthentication(store=APIKeyStore), "It must be True or an APIKeyStore"),
        (lambda: APIKeyAuthentication({"k" * 20}, store=True), "api_keys and store can't be used together"),
        (
            lambda: APIKeyAuthentication(key_permissions={"k": {"a"}}, store=True),
            "api_keys and store can't be used together",
        ),
        (lambda: APIKeyAuthentication(store=True, header="no header"), "header"),
        (lambda: APIKeyAuthentication(store=True, header="cookie"), "automatically"),
        (lambda: APIKeyAuthentication(store=True, on_store_error="ignore"), "APIKeyAuthentication: on_store_error"),
        (lambda: APIKeyStore(refresh_interval=-1), "refresh_interval is -1"),
        (lambda: APIKeyStore(refresh_interval=True), "refresh_interval is True"),
        (lambda: APIKeyStore(prefix="Not A Prefix"), "prefix is 'Not A Prefix'"),
    ],
)
def test_mistakes_are_named(build, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        build()


def test_nothing_is_read_from_the_settings_at_construction():
    with override_settings(SECRET_KEY=""):
        APIKeyAuthentication(store=APIKeyStore())


def test_public_id_of_a_static_key_depends_on_secret_key():
    backend = APIKeyAuthentication({"short"})
    ids = set()
    for secret in (OLD, NEW):
        with override_settings(SECRET_KEY=secret):

            @protect(auth=[backend], guards=[IsAuthenticated()])
            def view(request):
                return JsonResponse({"id": request.context["user_id"]})

            mount_view(view)
            ids.add(get("short").json()["id"])
    assert len(ids) == 2 and all(one.startswith("apikey:") for one in ids)
    assert not any(hashlib.sha256(b"short").hexdigest()[:8] in one for one in ids)


def test_unreferenced_stores_are_dropped():
    from boltguard import registry

    gc.collect()
    before = len(list(registry.instances(APIKeyStore)))
    store = APIKeyStore()
    assert len(list(registry.instances(APIKeyStore))) == before + 1
    del store
    gc.collect()
    assert len(list(registry.instances(APIKeyStore))) == before
