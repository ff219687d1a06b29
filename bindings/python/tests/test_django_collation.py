"""A string primary key in a database where "ADMIN" equals "admin": the key in the token must match exactly.

SQLite's NOCASE always runs; the default collation of MariaDB, and a nondeterministic one of PostgreSQL, where the
environment names a server.
"""

import pytest
from django.http import JsonResponse
from django.test import override_settings

from boltguard import protect
from boltguard.auth import IsAuthenticated, JWTAuthentication, get_current_user
from boltguard.auth.accounts import UserUnavailable, find_by_key

from databases import SERVERS, database_on
from people.models import Handle
from support import bearer, mount_view, wsgi

ALIAS = "collated"
EQUAL_TO_THE_DATABASE = {
    "sqlite": ["ADMIN", "Admin"],
    "mysql": ["ADMIN", "Admin", "ádmin", "admin "],
    "postgresql": ["ADMIN", "Admin", "ádmin"],
}


class Router:
    """Handles are in the other database."""

    def db_for_read(self, model, **hints):
        return ALIAS if model is Handle else None

    db_for_write = db_for_read


@pytest.fixture(scope="module", params=[pytest.param("", id="sqlite"), *SERVERS])
def collated(request, database):
    """Handles in a database of this type, without the tables of the site's user model."""
    with database_on(request.param, ALIAS) as connection:
        make_table(connection)
        yield connection.vendor


def make_table(connection):
    with connection.schema_editor() as editor:
        editor.create_model(Handle)
    statements = {
        "sqlite": [
            "DROP TABLE people_handle",
            "CREATE TABLE people_handle (password varchar(128), last_login datetime NULL, "
            "handle varchar(50) COLLATE NOCASE PRIMARY KEY, email varchar(254) UNIQUE, is_active bool)",
        ],
        "mysql": ["ALTER TABLE people_handle CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"],
        "postgresql": [
            "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
            "DROP INDEX IF EXISTS people_handle_handle_like",
            "ALTER TABLE people_handle ALTER COLUMN handle TYPE varchar(50) COLLATE nocase",
        ],
    }
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'people_handle%%like'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP INDEX "{name}"')
        for statement in statements[connection.vendor]:
            cursor.execute(statement)


@pytest.fixture
def admin(collated):
    with override_settings(AUTH_USER_MODEL="people.Handle", DATABASE_ROUTERS=[Router()]):
        handle = Handle.objects.create(handle="admin", email="admin@example.org")
        yield handle
        handle.delete()


def view(request):
    return JsonResponse({"email": request.user.email})


async def async_view(request):
    return JsonResponse({"email": (await request.auser()).email})


def current(request):
    return JsonResponse({"email": get_current_user(request).email})


def test_the_database_alone_would_find_the_row(admin, collated):
    for subject in EQUAL_TO_THE_DATABASE[collated]:
        assert Handle.objects.get(pk=subject).pk == "admin"


@pytest.mark.parametrize("kind", [view, async_view, current])
def test_a_subject_that_only_the_collation_takes_for_a_key_is_401(admin, collated, kind):
    mount_view(protect(auth=[JWTAuthentication()], guards=[IsAuthenticated()])(kind))
    assert wsgi("get", "/view", bearer(sub="admin")).json() == {"email": "admin@example.org"}
    for subject in EQUAL_TO_THE_DATABASE[collated]:
        assert wsgi("get", "/view", bearer(sub=subject)).status_code == 401, subject


def test_drf_refuses_it_too(admin, collated):
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication

    class View(APIView):
        authentication_classes = [BoltguardAuthentication]
        permission_classes = []

        def get(self, request):
            return Response({"email": request.user.email})

    mount_view(View.as_view())
    assert wsgi("get", "/view", bearer(sub="admin")).json() == {"email": "admin@example.org"}
    for subject in EQUAL_TO_THE_DATABASE[collated]:
        assert wsgi("get", "/view", bearer(sub=subject)).status_code == 401, subject


def test_loaded_account_has_exactly_the_requested_key(admin, collated):
    assert find_by_key("admin") == admin
    for subject in [*EQUAL_TO_THE_DATABASE[collated], "", "\x00", "admin\x00", "x" * 1000, "😀"]:
        with pytest.raises(UserUnavailable):
            find_by_key(subject)
