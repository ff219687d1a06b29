"""`KnoxAuthentication`, with tokens of django-rest-knox."""

import hashlib
from datetime import timedelta
from traceback import walk_stack

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import JsonResponse
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.models import AuthToken
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import protect
from boltguard.auth import IsAuthenticated, JWTAuthentication, ViaBackend
from boltguard.migrate import KnoxAuthentication
from boltguard.migrate.knox import Renewal
from boltguard.migrate.tables import Table

from migrating import installed
from support import assert_helpful, bearer, get, mount_view, token, wsgi


@pytest.fixture(scope="module", autouse=True)
def tables(database):
    with installed("knox"):
        yield


def serve(settings=None, *more):
    backend = KnoxAuthentication(settings)

    @protect(auth=[backend, *more], guards=[IsAuthenticated()])
    def view(request):
        return JsonResponse([request.context["auth_backend"], request.user.username], safe=False)

    mount_view(view)
    return backend


def sent(key, scheme="Token"):
    return get(authorization=f"{scheme} {key}")


def create(user, **options):
    return AuthToken.objects.create(user, **options)


def test_tokens_of_both_kinds_are_accepted_side_by_side(ada):
    serve({}, JWTAuthentication())
    _, key = create(ada)
    for scheme in ("Token", "token"):
        assert sent(key, scheme).json() == ["knox", "ada"]
    assert get(**bearer(token(sub=str(ada.pk)))).json() == ["jwt", "ada"]
    assert sent(key, "Bearer").status_code == 401
    assert get().status_code == 401


@pytest.mark.parametrize("settings", [{"TOKEN_PREFIX": "shop_"}, {"AUTH_HEADER_PREFIX": "Knox"}], ids=str)
def test_the_settings_are_those_of_knox(ada, settings):
    with override_settings(REST_KNOX=settings):
        _, key = create(ada)
        serve(settings)
        assert sent(key, settings.get("AUTH_HEADER_PREFIX", "Token")).status_code == 200
        assert key.startswith(settings.get("TOKEN_PREFIX", ""))


def test_another_hash(ada):
    settings = {"SECURE_HASH_ALGORITHM": "hashlib.sha3_512"}
    with override_settings(REST_KNOX=settings):
        _, key = create(ada)
    serve(settings)
    assert sent(key).status_code == 200
    serve()
    assert sent(key).status_code == 401


def test_digests_of_the_bytes_are_accepted(ada):
    row, key = create(ada)
    digest = hashlib.sha512(bytes.fromhex(key)).hexdigest()
    AuthToken.objects.filter(pk=row.pk).update(digest=digest)
    serve()
    assert sent(key).status_code == 200
    assert sent(digest).status_code == 401


def test_any_other_token_is_refused(ada):
    row, key = create(ada)
    serve()
    for other in (key[:-1], key.upper(), key[:15] + "0" * 49, row.digest, row.token_key, "", key + " x", "\xe9" + key):
        response = sent(other)
        assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials"), other
    row.delete()
    assert sent(key).status_code == 401


def test_an_inactive_user_is_refused(ada):
    _, key = create(ada)
    serve({"AUTO_REFRESH": True})
    type(ada).objects.filter(pk=ada.pk).update(is_active=False)
    with CaptureQueriesContext(connection) as queries:
        assert sent(key).status_code == 401
    assert not [one for one in queries if one["sql"].startswith("UPDATE")]


def test_an_expired_token_is_refused(ada, skip):
    _, short = create(ada, expiry=timedelta(seconds=60))
    _, permanent = create(ada, expiry=None)
    serve()
    assert sent(short).status_code == 200
    skip(61)
    assert sent(short).status_code == 401
    assert AuthToken.objects.filter(user=ada).count() == 2, "expired tokens are kept, knox deletes them"
    assert sent(permanent).status_code == 200


def expiry_of(row):
    row.refresh_from_db()
    return row.expiry


def test_the_expiry_is_extended_only_with_auto_refresh(ada, skip):
    row, key = create(ada, expiry=timedelta(hours=1))
    before = row.expiry
    serve()
    assert sent(key).status_code == 200 and expiry_of(row) == before
    serve({"AUTO_REFRESH": True, "TOKEN_TTL": timedelta(hours=1)})
    skip(30)
    assert sent(key).status_code == 200 and expiry_of(row) == before, "more often than MIN_REFRESH_INTERVAL"
    skip(60)
    assert sent(key).status_code == 200
    assert timedelta(seconds=80) < expiry_of(row) - before < timedelta(seconds=120)


def test_the_expiry_is_never_later_than_the_longest_lifetime(ada, skip):
    row, key = create(ada, expiry=timedelta(hours=1))
    settings = {"TOKEN_TTL": timedelta(hours=1), "AUTO_REFRESH_MAX_TTL": timedelta(hours=1, minutes=10)}
    serve({"AUTO_REFRESH": True, **settings})
    for _ in range(3):
        skip(timedelta(minutes=20))
        sent(key)
    assert expiry_of(row) <= row.created + timedelta(hours=1, minutes=10)
    skip(timedelta(minutes=15))
    assert sent(key).status_code == 401


def test_a_query_does_not_contain_the_token(ada):
    _, key = create(ada)
    serve({"AUTO_REFRESH": True})
    with CaptureQueriesContext(connection) as queries:
        assert sent(key).status_code == 200
    assert queries.captured_queries and not any(key[:15] in query["sql"] for query in queries)


def test_no_variable_contains_the_token_while_the_database_is_queried(ada):
    _, key = create(ada)
    backend = KnoxAuthentication()
    request = RequestFactory().get("/", headers={"Authorization": f"Token {key}"})
    shown = []

    def look(execute, sql, params, many, context):
        frames = (frame for frame, _ in walk_stack(None) if frame.f_code.co_filename.endswith("/knox.py"))
        shown.extend(repr(frame.f_locals) for frame in frames)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        assert backend.authenticate(request) is not None
    assert shown and not any(key in variables for variables in shown)


def test_a_token_is_read_from_the_database_that_it_is_written_to(ada):
    class Replicated:
        def db_for_read(self, model, **hints):
            return "replica"

        def db_for_write(self, model, **hints):
            return "default"

    _, key = create(ada)
    with override_settings(DATABASE_ROUTERS=[Replicated()]):
        assert KnoxAuthentication()._table.rows.db == "default"


def test_a_row_with_another_digest_is_refused(ada, monkeypatch):
    """Such as one that a collation of the database considers equal."""
    _, key = create(ada)
    AuthToken.objects.update(digest="0" * 128)
    monkeypatch.setattr(Table, "rows", Rows(AuthToken.objects.all()))
    serve()
    assert sent(key).status_code == 401


class Rows:
    """Rows that no condition excludes."""

    def __init__(self, rows):
        self.rows = rows

    def filter(self, **conditions):
        return self.rows


def test_permanent_tokens_stay_permanent(ada):
    row, key = create(ada, expiry=None)
    serve({"AUTO_REFRESH": True})
    assert sent(key).status_code == 200 and expiry_of(row) is None


def test_a_renewal_does_not_revive_a_token_that_another_request_has_ended(ada, skip, monkeypatch):
    row, key = create(ada, expiry=timedelta(hours=1))
    serve({"AUTO_REFRESH": True, "TOKEN_TTL": timedelta(hours=1)})
    skip(120)
    ended = timezone.now() - timedelta(seconds=1)
    renew = Renewal.renew

    def between(self, found, table):
        AuthToken.objects.filter(pk=row.pk).update(expiry=ended)
        renew(self, found, table)

    monkeypatch.setattr(Renewal, "renew", between)
    assert wsgi("get", "/view", {"Authorization": f"Token {key}"}).status_code == 200
    assert expiry_of(row) == ended


def test_knox_accepts_the_same_tokens(ada):
    """So that servers with and without the backend can run side by side."""

    class View(APIView):
        authentication_classes = (TokenAuthentication,)

        def get(self, request):
            return Response([request.user.username])

    _, key = create(ada)
    serve({"AUTO_REFRESH": True})
    assert sent(key).status_code == 200
    mount_view(View.as_view())
    assert sent(key).json() == ["ada"]


def test_guards_know_the_backend(ada):
    _, key = create(ada)
    mount_view(protect(auth=[KnoxAuthentication(name="old")], guards=[ViaBackend("old")])(lambda _: JsonResponse({})))
    assert sent(key).status_code == 200


def test_a_missing_table_is_an_error_at_start(own_registry):
    backend = KnoxAuthentication({"TOKEN_MODEL": "shop.Token"})
    view = protect(auth=[backend], guards=[IsAuthenticated()])(lambda _: JsonResponse({}))
    (message,) = [message for message in run_checks() if message.id == "boltguard.E801"]
    assert "shop.Token, which isn't installed" in message.msg, view
    assert_helpful(message)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ([], "settings"),
        ({"AUTH_HEADER_PREFIX": "To ken"}, "AUTH_HEADER_PREFIX"),
        ({"AUTH_HEADER_PREFIX": ["Token"]}, "AUTH_HEADER_PREFIX"),
        ({"TOKEN_MODEL": "AuthToken"}, "model"),
        ({"SECURE_HASH_ALGORITHM": "hashlib.md5"}, "SECURE_HASH_ALGORITHM is 'hashlib.md5'"),
        ({"SECURE_HASH_ALGORITHM": hashlib.sha512}, "SECURE_HASH_ALGORITHM"),
        ({"AUTO_REFRESH": "yes"}, "AUTO_REFRESH"),
        ({"AUTO_REFRESH": True, "TOKEN_TTL": None}, "TOKEN_TTL"),
        ({"AUTO_REFRESH": True, "AUTO_REFRESH_MAX_TTL": 60}, "AUTO_REFRESH_MAX_TTL"),
        ({"AUTO_REFRESH": True, "MIN_REFRESH_INTERVAL": -1}, "MIN_REFRESH_INTERVAL"),
    ],
    ids=str,
)
def test_settings_that_can_not_be_followed_are_an_error_at_start(settings, named):
    with pytest.raises(ImproperlyConfigured, match=named):
        KnoxAuthentication(settings)
