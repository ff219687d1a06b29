"""Several tables of API keys: a key of one database, schema or tenant isn't accepted in another."""

import asyncio
import os
import shutil
import time
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections, transaction
from django.http import JsonResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from boltguard import BoltAPI, protect
from boltguard.api_keys import notices, signals, usage
from boltguard.auth import APIKeyAuthentication, APIKeyStore, IsAuthenticated
from boltguard.middleware import BoltguardMiddleware
from boltguard.models import APIKey

from databases import MARIADB, POSTGRES, database_on, needs_mariadb, needs_postgres
from support import asgi, mount, mount_view, wsgi

HOUR = 3600.0
# The database of the current request, and the tenant of `APIKeyStore(tenant=...)`.
current = ContextVar("current", default="default")


class Router:
    """Every model of a request is in the database of its tenant."""

    def db_for_read(self, model, **hints):
        return current.get()

    db_for_write = db_for_read

    def allow_relation(self, one, other, **hints):
        return True


def request_in(tenant, key, url="/view"):
    return inside(tenant, lambda: wsgi("get", url, {"X-Api-Key": key}))


def inside(tenant, call):
    token = current.set(tenant)
    try:
        return call()
    finally:
        current.reset(token)


def status(tenant, key, url="/view"):
    return request_in(tenant, key, url).status_code


@contextmanager
def sqlite(alias, path):
    """One more database, in a file."""
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
    connections.settings[alias] = connections.configure_settings({"default": {}, alias: settings})[alias]
    try:
        yield
    finally:
        forget(alias)
        # The thread for queries of async code has separate connections.
        asyncio.run(sync_to_async(forget)(alias))
        del connections.settings[alias]


def forget(alias):
    if hasattr(connections._connections, alias):
        connections[alias].close()
        del connections[alias]


@pytest.fixture(autouse=True)
def _as_at_start():
    """No schema or database has been switched yet, as in a process that has just started."""
    kinds = notices.schemas, notices.databases
    before = [set(kind) for kind in kinds]
    notices.schemas.clear()
    notices.databases.clear()
    yield
    for kind, was in zip(kinds, before, strict=True):
        kind.clear()
        kind.update(was)
    notices.conf.renew()


@pytest.fixture
def tenants(tmp_path):
    """Two databases behind a router, each with a user whose primary key is 1, created as copies of one template."""
    template = tmp_path / "template.sqlite3"
    with sqlite("template", template):
        call_command("migrate", database="template", verbosity=0)
        APIKey.objects.db_manager("template").create_key(name="first")
        APIKey.objects.using("template").all().delete()
    names = ["a", "b"]
    for name in names:
        shutil.copy(template, tmp_path / f"{name}.sqlite3")
    with sqlite("a", tmp_path / "a.sqlite3"), sqlite("b", tmp_path / "b.sqlite3"):
        for name in names:
            get_user_model().objects.db_manager(name).create_user(f"user of {name}", pk=1)
        with override_settings(DATABASE_ROUTERS=[Router()]):
            yield names


def create(tenant, **fields):
    owner = get_user_model().objects.using(tenant).get(pk=1)
    return inside(tenant, lambda: APIKey.objects.create_key(name="reports", owner=owner, **fields))


def serve(store, **options):
    @protect(auth=[APIKeyAuthentication(store=store, **options)], guards=[IsAuthenticated()])
    def view(request):
        return JsonResponse({"user": request.user.username})

    mount_view(view)


# --- two databases behind a router ------------------------------------------------------------------------------------


def test_a_key_of_one_database_allows_nothing_in_another(tenants):
    serve(APIKeyStore(refresh_interval=HOUR))
    keys = {name: create(name)[1] for name in tenants}
    for _ in range(3):
        for name in tenants:
            assert request_in(name, keys[name]).json() == {"user": f"user of {name}"}
            assert {status(other, keys[name]) for other in tenants if other != name} == {401}


def test_copies_of_one_database_that_change_alike_are_not_confused(tenants):
    """Their counts of changes are always equal, and so was the history before they were copied."""
    serve(APIKeyStore(refresh_interval=0))
    for _ in range(3):
        keys = {name: create(name)[1] for name in tenants}
        assert {status(name, keys[name]) for name in tenants} == {200}
        assert status("a", keys["b"]) == status("b", keys["a"]) == 401


def test_a_request_whose_tenant_was_read_before_costs_no_query(tenants):
    serve(APIKeyStore(refresh_interval=HOUR))
    _, key = create("a")
    assert status("a", key) == 200 and status("b", key) == 401
    with CaptureQueriesContext(connections["a"]) as in_a, CaptureQueriesContext(connections["b"]) as in_b:
        assert status("b", key) == 401
    assert len(in_a) == len(in_b) == 0


def test_revoking_in_one_database_takes_effect_there_at_once(tenants):
    serve(APIKeyStore(refresh_interval=HOUR))
    rows = {name: create(name) for name in tenants}
    assert {status(name, key) for name, (_, key) in rows.items()} == {200}
    inside("a", rows["a"][0].revoke)
    assert status("a", rows["a"][1]) == 401 and status("b", rows["b"][1]) == 200


def way_of_api(auth):
    api = BoltAPI()

    @api.get("/view", auth=auth, guards=[IsAuthenticated()])
    def view(request):
        return {"user": request.user.username}

    mount(api=api)


def way_of_async(auth):
    @protect(auth=auth, guards=[IsAuthenticated()])
    async def view(request):
        return JsonResponse({"user": (await request.auser()).username})

    mount_view(view)


def way_of_drf(auth):
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication, GuardPermission

    class Authentication(BoltguardAuthentication):
        backends = auth

    class View(APIView):
        authentication_classes = [Authentication]
        permission_classes = [GuardPermission.of(IsAuthenticated())]

        def get(self, request):
            return Response({"user": request.user.username})

    mount_view(View.as_view())


@pytest.mark.parametrize("way", [way_of_api, way_of_async, way_of_drf])
def test_every_integration_determines_the_table(tenants, way):
    if way is way_of_drf:
        pytest.importorskip("rest_framework")
    way([APIKeyAuthentication(store=APIKeyStore(refresh_interval=HOUR))])
    keys = {name: create(name)[1] for name in tenants}
    for name in (*tenants, *tenants):
        assert request_in(name, keys[name]).json() == {"user": f"user of {name}"}
        assert {status(other, keys[name]) for other in tenants if other != name} == {401}


def test_middleware_determines_the_table(tenants):
    auth = [APIKeyAuthentication(store=APIKeyStore(refresh_interval=HOUR))]
    mount_view(lambda request: JsonResponse({"user": request.user.username or None}))
    keys = {name: create(name)[1] for name in tenants}
    path = f"{BoltguardMiddleware.__module__}.BoltguardMiddleware"
    with override_settings(MIDDLEWARE=[path], BOLT_AUTHENTICATION_CLASSES=auth):
        for name in tenants:
            assert request_in(name, keys[name]).json() == {"user": f"user of {name}"}
            assert {request_in(other, keys[name]).json()["user"] for other in tenants if other != name} == {None}


def test_async_requests_of_many_tenants_at_once(tenants):
    way_of_async([APIKeyAuthentication(store=APIKeyStore(refresh_interval=0))])
    keys = {name: create(name)[1] for name in tenants}

    async def request_with(tenant, key):
        current.set(tenant)
        response = await asgi("get", "/view", {"X-Api-Key": key})
        return response.status_code, response.json().get("user")

    async def ask_all():
        called = [(tenant, name) for _ in range(5) for tenant in tenants for name in tenants]
        return called, await asyncio.gather(*(request_with(tenant, keys[name]) for tenant, name in called))

    for (tenant, name), response in zip(*asyncio.run(ask_all()), strict=True):
        assert response == ((200, f"user of {tenant}") if tenant == name else (401, None))


def test_a_store_that_names_its_database_ignores_the_routers(tenants):
    _, key = create("a")
    serve(APIKeyStore(refresh_interval=HOUR, using="a"))
    assert status("a", key) == status("b", key) == 200 or status("b", key) == 200


def test_keys_of_another_tenant_are_never_a_fallback(tenants, caplog):
    serve(APIKeyStore(refresh_interval=0), on_store_error="allow")
    keys = {name: create(name)[1] for name in tenants}
    assert status("a", keys["a"]) == 200
    with connections["b"].cursor() as cursor:
        cursor.execute("ALTER TABLE boltguard_api_keys_apikey RENAME TO gone")
    assert status("b", keys["a"]) == status("b", keys["b"]) == 503
    with connections["a"].cursor() as cursor:
        cursor.execute("ALTER TABLE boltguard_api_keys_apikey RENAME TO gone")
    assert status("a", keys["a"]) == 200, "what was read before"
    assert status("a", keys["b"]) == 401 and "is unavailable" in caplog.text


def test_last_uses_are_written_in_the_database_of_the_key(tenants):
    serve(APIKeyStore(refresh_interval=HOUR))
    rows = {name: create(name) for name in tenants}
    for name, (_, key) in rows.items():
        assert status(name, key) == 200
    for name, (row, _) in rows.items():
        assert APIKey.objects.using(name).get(pk=row.pk).last_used_at is not None


def test_last_uses_of_all_tenants_are_written_when_the_process_ends(tenants):
    signals.request_finished.disconnect(dispatch_uid="boltguard.api_keys.usage")
    store = APIKeyStore(refresh_interval=HOUR)
    serve(store)
    rows = {name: create(name) for name in tenants}
    try:
        for name, (_, key) in rows.items():
            assert status(name, key) == 200
        store.write_uses()
    finally:
        signals.connect_uses()
    for name, (row, _) in rows.items():
        assert APIKey.objects.using(name).get(pk=row.pk).last_used_at is not None


def test_single_table_needs_no_python_call(monkeypatch):
    store = APIKeyStore(refresh_interval=HOUR)
    backend = APIKeyAuthentication(store=store)
    called = []
    resume = APIKeyAuthentication.resume
    monkeypatch.setattr(APIKeyAuthentication, "resume", lambda self, need: called.append(1) or resume(self, need))
    mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(lambda request: JsonResponse({})))
    _, key = APIKey.objects.create_key(name="a")
    try:
        assert [wsgi("get", "/view", {"X-Api-Key": key}).status_code for _ in range(5)] == [200] * 5
    finally:
        APIKey.objects.all().delete()
    assert len(called) == 1 and not store.snapshots.has_many_places


# --- one schema for each tenant ---------------------------------------------------------------------------------------


class Schemas:
    """Two schemas of one database, switched by SQL."""

    def __init__(self, connection, switch, names):
        self.connection = connection
        self.alias = connection.alias
        self.switch = switch
        self.names = names

    def use(self, name):
        with self.connection.cursor() as cursor:
            cursor.execute(self.switch.format(self.connection.ops.quote_name(name)))

    def status(self, name, key):
        self.use(name)
        return wsgi("get", "/view", {"X-Api-Key": key}).status_code

    def create(self, name):
        self.use(name)
        owner = get_user_model().objects.using(self.alias).get(pk=1)
        return APIKey.objects.db_manager(self.alias).create_key(name="reports", owner=owner)


class ToMany(Router):
    """All models are in the one database of the schemas."""

    def __init__(self, alias):
        self.alias = alias

    def db_for_read(self, model, **hints):
        return self.alias

    db_for_write = db_for_read


@contextmanager
def schemas_on(url, make, switch, drop):
    alias = f"many_{urlsplit(url).scheme}"
    names = [f"boltguard_{name}_{os.getpid()}" for name in "ab"]
    with database_on(url, alias) as connection:
        schemas = Schemas(connection, switch, names)
        with override_settings(DATABASE_ROUTERS=[ToMany(alias)]):
            for name in names:
                with connection.cursor() as cursor:
                    cursor.execute(make.format(connection.ops.quote_name(name)))
                schemas.use(name)
                call_command("migrate", database=alias, verbosity=0)
                get_user_model().objects.db_manager(alias).create_user(f"user of {name}", pk=1)
        yield schemas
        for name in names:
            with connection.cursor() as cursor:
                cursor.execute(drop.format(connection.ops.quote_name(name)))


@pytest.fixture(scope="module")
def on_postgres(database):
    with schemas_on(POSTGRES, "CREATE SCHEMA {}", "SET search_path TO {}", "DROP SCHEMA {} CASCADE") as schemas:
        yield schemas


# For one test, in which the alias isn't that of PostgreSQL.
@pytest.fixture
def on_mariadb(database):
    with schemas_on(MARIADB, "CREATE DATABASE {}", "USE {}", "DROP DATABASE {}") as schemas:
        yield schemas


@contextmanager
def emptied(schemas):
    """Without keys, and as if no schema had been switched by this process."""
    with override_settings(DATABASE_ROUTERS=[ToMany(schemas.alias)]):
        for name in schemas.names:
            schemas.use(name)
            APIKey.objects.using(schemas.alias).all().delete()
        notices.schemas.clear()
        notices.conf.renew()
        yield schemas


@pytest.fixture
def postgres(on_postgres):
    with emptied(on_postgres) as schemas:
        yield schemas


@pytest.fixture
def mariadb(on_mariadb):
    with emptied(on_mariadb) as schemas:
        yield schemas


def assert_apart(schemas):
    keys = {name: schemas.create(name)[1] for name in schemas.names}
    for _ in range(2):
        for name in schemas.names:
            assert schemas.status(name, keys[name]) == 200
            assert {schemas.status(other, keys[name]) for other in schemas.names if other != name} == {401}


@needs_postgres
@pytest.mark.parametrize("names_database", [False, True])
def test_a_key_of_one_schema_allows_nothing_in_another(postgres, names_database):
    serve(APIKeyStore(refresh_interval=HOUR, using=postgres.alias if names_database else None))
    assert_apart(postgres)


@needs_postgres
def test_schema_switched_after_first_requests_is_detected(postgres):
    keys = {name: postgres.create(name)[1] for name in postgres.names}
    notices.schemas.clear()
    notices.conf.renew()
    serve(APIKeyStore(refresh_interval=HOUR, using=postgres.alias))
    last, first = postgres.names[-1], postgres.names[0]
    assert wsgi("get", "/view", {"X-Api-Key": keys[last]}).status_code == 200
    assert postgres.status(first, keys[last]) == 401
    assert postgres.status(first, keys[first]) == postgres.status(last, keys[last]) == 200


@needs_postgres
@pytest.mark.parametrize(
    "sql",
    [
        "set local search_path to public",
        "SELECT set_config('search_path', 'public', false)",
        "SET SCHEMA 'public'",
        "SET ROLE NONE",
        "\n SET SESSION AUTHORIZATION DEFAULT",
        "alter role current_user reset search_path",
    ],
)
def test_statements_that_change_the_schema_are_noticed(postgres, sql):
    with postgres.connection.cursor() as cursor:
        cursor.execute(sql)
    assert notices.schemas == {postgres.alias}


@needs_postgres
@pytest.mark.parametrize("sql", ["SET TIME ZONE 'UTC'", "SHOW search_path", "SELECT 1", "SET statement_timeout = 0"])
def test_other_statements_are_not_taken_for_a_change_of_the_schema(postgres, sql):
    with postgres.connection.cursor() as cursor:
        cursor.execute(sql)
    assert notices.schemas == set()


@needs_postgres
def test_the_schema_of_a_transaction_stays_selected(postgres):
    store = APIKeyStore(refresh_interval=HOUR)
    serve(store)
    first, last = postgres.names
    row, key = postgres.create(first)
    with transaction.atomic(using=postgres.alias):
        assert postgres.status(first, key) == 200
        postgres.use(last)
        store.write_uses()
        assert get_user_model().objects.using(postgres.alias).get(pk=1).username == f"user of {last}"
    store.write_uses()
    postgres.use(first)
    assert APIKey.objects.using(postgres.alias).get(pk=row.pk).last_used_at is not None


@needs_mariadb
def test_last_uses_in_mariadb_are_written_by_the_next_request_of_the_tenant(mariadb, monkeypatch):
    store = APIKeyStore(refresh_interval=HOUR)
    serve(store)
    first, last = mariadb.names
    row, key = mariadb.create(first)
    assert mariadb.status(first, key) == 200
    assert APIKey.objects.using(mariadb.alias).get(pk=row.pk).last_used_at is not None, (
        "of a tenant that may send no other request"
    )
    APIKey.objects.using(mariadb.alias).update(last_used_at=None)
    time.sleep(1.0 - time.time() % 1.0)  # uses are noted once a second
    assert mariadb.status(first, key) == 200
    later = time.monotonic() + usage.WRITE_INTERVAL + 1
    monkeypatch.setattr(usage, "monotonic", lambda: later)
    assert mariadb.status(last, key) == 401
    mariadb.use(first)
    assert APIKey.objects.using(mariadb.alias).get(pk=row.pk).last_used_at is None
    assert mariadb.status(first, key) == 200
    assert APIKey.objects.using(mariadb.alias).get(pk=row.pk).last_used_at is not None


@needs_mariadb
def test_a_key_of_one_database_of_mariadb_allows_nothing_in_another(mariadb):
    serve(APIKeyStore(refresh_interval=HOUR))
    assert_apart(mariadb)


@pytest.fixture
def named(postgres):
    """Like django-tenants: the connection has a `schema_name`, and selects the schema without Django's cursors."""

    def use(name):
        postgres.connection.schema_name = name
        postgres.connection.ensure_connection()
        with postgres.connection.connection.cursor() as cursor:
            cursor.execute(f'SET search_path TO "{name}"')

    postgres.use = use
    use(postgres.names[0])
    notices.conf.renew()
    yield postgres
    del postgres.use, postgres.connection.schema_name


@needs_postgres
def test_schema_name_of_a_connection_needs_no_query(named):
    serve(APIKeyStore(refresh_interval=HOUR))
    assert_apart(named)
    assert notices.schemas == set()
    _, key = named.create(named.names[0])
    assert named.status(named.names[0], key) == 200
    with CaptureQueriesContext(named.connection) as seen:
        assert wsgi("get", "/view", {"X-Api-Key": key}).status_code == 200
    assert len([query for query in seen if "boltguard" in query["sql"]]) == 0


@needs_postgres
@pytest.mark.parametrize("kind", ["postgres", "named"])
def test_last_uses_are_written_in_the_schema_of_the_key(kind, request, monkeypatch):
    schemas = request.getfixturevalue(kind)
    store = APIKeyStore(refresh_interval=HOUR)
    serve(store)
    first, last = schemas.names
    row, key = schemas.create(first)
    assert schemas.status(first, key) == 200
    APIKey.objects.using(schemas.alias).update(last_used_at=None)
    time.sleep(1.0 - time.time() % 1.0)  # uses are noted once a second
    assert schemas.status(first, key) == 200
    schemas.use(last)
    twin = APIKey(id=row.id, name="twin", digest=bytes(32), secret_id="")
    twin.save(using=schemas.alias)
    store.write_uses()
    assert APIKey.objects.using(schemas.alias).get(pk=row.pk).last_used_at is None, "that of another tenant"
    assert APIKey.objects.using(schemas.alias).get(pk=row.pk).name == "twin", (
        "the schema of the request is selected again"
    )
    schemas.use(first)
    assert APIKey.objects.using(schemas.alias).get(pk=row.pk).last_used_at is not None


# --- tenants set by the site ------------------------------------------------------------------------------------------


def test_a_function_that_names_the_tenant_keeps_its_keys_apart(tenants):
    store = APIKeyStore(refresh_interval=HOUR, tenant=current.get)
    serve(store)
    keys = {name: create(name)[1] for name in tenants}
    for name in tenants:
        assert status(name, keys[name]) == 200
        assert {status(other, keys[name]) for other in tenants if other != name} == {401}
    assert {snapshot.place.tenant for snapshot in store.snapshots} == set(tenants)


def test_undetermined_tenant_is_refused(tenants, caplog):
    def fail():
        raise LookupError("no tenant")

    _, key = create("a")
    for tenant in (fail, lambda: ["a"]):
        serve(APIKeyStore(refresh_interval=HOUR, tenant=tenant), on_store_error="allow")
        assert status("a", key) == 503
    assert "no tenant" in caplog.text and "isn't hashable" in caplog.text


async def asynchronous():
    return "a"


@pytest.mark.parametrize("options", [{"tenant": "a"}, {"tenant": asynchronous}, {"using": ""}, {"using": 1}])
def test_options_that_can_not_be_meant_are_refused(options):
    with pytest.raises(ImproperlyConfigured, match="APIKeyStore"):
        APIKeyStore(**options)


def test_snapshots_of_tenants_that_are_gone_are_dropped(tenants, monkeypatch):
    from boltguard.api_keys import store as stores

    store = APIKeyStore(refresh_interval=HOUR, tenant=current.get)
    serve(store)
    _, key = create("a")
    assert status("a", key) == 200
    monkeypatch.setattr(stores, "IDLE", 0.0)
    assert status("b", key) == 401
    assert [snapshot.place.using for snapshot in store.snapshots] == ["b"]


# --- configuration errors ---------------------------------------------------------------------------------------------


TENANTS = {"MIDDLEWARE": ["shop.middleware.TenantMiddleware"]}


def findings(**settings):
    with override_settings(**settings):
        return [message for message in run_checks() if message.id == "boltguard.E502"]


def test_tenants_without_a_place_of_keys_are_an_error():
    store = APIKeyStore()
    backend = APIKeyAuthentication(store=store)
    with override_settings(**TENANTS, BOLT_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated()]):
        notices.conf.renew()
        with pytest.raises(ImproperlyConfigured, match=r"TenantMiddleware.*APIKeyStore\(tenant=...\)"):
            backend.rust  # noqa: B018
        assert APIKeyAuthentication(store=APIKeyStore(using="default")).rust
        assert APIKeyAuthentication(store=APIKeyStore(tenant=current.get)).rust


def test_the_checks_report_it(monkeypatch):
    from weakref import WeakSet

    monkeypatch.setattr("boltguard.registry._built", WeakSet())
    store = APIKeyStore()
    assert "TenantMiddleware" in findings(**TENANTS)[0].msg
    assert findings() == []
    store.using = "default"
    assert findings(**TENANTS) == []


def test_an_engine_of_tenants_that_names_no_schema_is_refused(tmp_path, monkeypatch):
    from weakref import WeakSet

    monkeypatch.setattr("boltguard.registry._built", WeakSet())
    store = APIKeyStore()
    with sqlite("c", tmp_path / "c.sqlite3"):
        connections["c"]
        connections.settings["c"]["ENGINE"] = "some_schemas.postgresql"
        assert findings() == []
        store.using = "c"
        assert [message.id for message in findings()] == ["boltguard.E502"]
        store.tenant = current.get
        assert findings() == []


def test_async_code_uses_the_connection_thread(tenants):
    """A tenant that sync middleware sets on its connection doesn't apply to the event loop's connection."""
    from threading import local

    of_thread = local()
    store = APIKeyStore(refresh_interval=HOUR, tenant=lambda: of_thread.name)
    way_of_async([APIKeyAuthentication(store=store)])
    _, key = create("a")

    async def request_with():
        await sync_to_async(lambda: setattr(of_thread, "name", "a"))()
        current.set("a")
        return (await asgi("get", "/view", {"X-Api-Key": key})).status_code

    assert asyncio.run(request_with()) == 200
