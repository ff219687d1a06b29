"""`BOLTGUARD_REVOKE_ON`: changes of an account that revoke its tokens, and those that don't."""

import asyncio
import logging
import os
import subprocess
import sys
import uuid
from pathlib import Path
from weakref import WeakSet

import pytest
from django.contrib.auth import get_user_model, hashers
from django.contrib.auth.models import Group, Permission
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from django.http import HttpResponse, JsonResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from boltguard import conf, protect, registry
from boltguard.auth import (
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    create_jwt_for_user,
    keep_session,
    session_managers,
)
from boltguard.auth.accounts import subjects_of
from boltguard.exceptions import InvalidRefreshToken, RevocationUnavailable
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.sessions import TokenSessions
from boltguard.sessions.models import TokenSession

from databases import SERVERS
from support import AsyncLevels, Levels, SingleTokens, Unavailable, asgi, mount, wsgi

ALL = ["deactivate", "delete", "password", "groups", "permissions"]
STORES = {"memory": InMemoryRevocation, "cache": DjangoCacheRevocation, "table": DjangoORMRevocation}
User = get_user_model()


@pytest.fixture(autouse=True)
def _alone(ada, monkeypatch):
    # The backends of other tests.
    monkeypatch.setattr(registry, "_built", WeakSet())
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[], BOLTGUARD_REVOKE_ON=ALL):
        mount()
        yield
    mount()
    caches["default"].clear()
    for model in (RevokedToken, RevocationWatermark, TokenSession, Group):
        model.objects.all().delete()


@pytest.fixture
def group(database):
    return Group.objects.create(name="editors")


@pytest.fixture
def permission(database):
    return Permission.objects.order_by("pk").first()


@pytest.fixture
def by_default():
    """The setting is missing."""
    from django.conf import settings

    with override_settings():
        del settings.BOLTGUARD_REVOKE_ON
        yield


@pytest.fixture
def atomic_requests():
    settings = connections.settings["default"]
    settings["ATOMIC_REQUESTS"] = True
    yield
    settings["ATOMIC_REQUESTS"] = False


def serve(store):
    """Serves a view, and returns the status of a request with a token, and the backend."""
    auth = JWTAuthentication(revocation_store=store)
    mount(path("view", protect(auth=[auth], guards=[IsAuthenticated()])(lambda request: JsonResponse({}))))
    return auth, lambda token: wsgi("get", "/view", {"Authorization": f"Bearer {token}"}).status_code


def deactivate(user):
    user.is_active = False
    user.save()


def change_password(user):
    user.set_password("a new password")
    user.save()


def delete(user):
    user.delete()


def join(user):
    user.groups.add(Group.objects.get())


def grant(user):
    user.user_permissions.add(Permission.objects.order_by("pk").first())


def demote(user):
    user.is_staff = False
    user.save()


CHANGES = {
    "deactivate": deactivate,
    "delete": delete,
    "password": change_password,
    "groups": join,
    "permissions": grant,
    "flags": demote,
}


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("change", CHANGES)
def test_change_revokes_the_tokens_of_the_account(ada, group, change, kind):
    _, status = serve(STORES[kind]())
    token = create_jwt_for_user(ada)
    assert status(token) == 200
    CHANGES[change](ada)
    assert status(token) == 401
    if change != "delete":
        # Within the same second.
        assert status(create_jwt_for_user(ada)) == 200


@pytest.mark.parametrize("change", CHANGES)
def test_change_that_is_not_in_the_setting_revokes_nothing(ada, group, change):
    _, status = serve(InMemoryRevocation())
    token = create_jwt_for_user(ada)
    name = "permissions" if change == "flags" else change
    with override_settings(BOLTGUARD_REVOKE_ON=[one for one in ALL if one != name]):
        CHANGES[change](ada)
    assert status(token) == 200


@pytest.mark.parametrize(
    ("change", "expected"), [("deactivate", 401), ("delete", 401), ("password", 401), ("groups", 200), ("flags", 200)]
)
def test_default(ada, group, by_default, change, expected):
    _, status = serve(InMemoryRevocation())
    token = create_jwt_for_user(ada)
    CHANGES[change](ada)
    assert status(token) == expected


def test_async_save_revokes(ada):
    _, status = serve(AsyncLevels())
    auth, status = serve(DjangoORMRevocation())
    token = create_jwt_for_user(ada)

    async def change():
        ada.set_password("a new password")
        await ada.asave()

    asyncio.run(change())
    assert status(token) == 401
    del auth


@pytest.mark.parametrize("make", [Levels, AsyncLevels])
def test_custom_stores_are_called(ada, make):
    store = make()
    auth, _ = serve(store)
    deactivate(ada)
    assert {level[:2] for level in store.levels} == {("subject", str(ada.pk))}
    del auth


# Changes that revoke nothing


def noted(ada, change):
    store = Levels()
    auth, _ = serve(store)
    change(ada)
    del auth
    return store.levels


@pytest.mark.parametrize(
    "change",
    [
        lambda user: user.save(),
        lambda user: user.save(update_fields=["last_login"]),
        lambda user: setattr(user, "first_name", "Ada") or user.save(),
        lambda user: setattr(user, "is_active", False) or user.save(update_fields=["email"]),
        lambda user: user.set_password("new") or user.save(update_fields=["email"]),
        lambda user: user.check_password("correct horse"),
        lambda user: user.groups.add(),
    ],
)
def test_other_saves_revoke_nothing(ada, change):
    assert noted(ada, change) == []


def test_new_account_revokes_nothing(database):
    assert noted(None, lambda _: User.objects.create_user("new", password="p")) == []
    User.objects.get(username="new").delete()


def test_activation_revokes_nothing(ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    ada.is_active = True
    assert noted(ada, lambda user: user.save()) == []


def test_better_hash_at_a_login_is_not_a_new_password(ada):
    with override_settings(
        PASSWORD_HASHERS=[
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ]
    ):
        before, user = ada.password, User.objects.get(pk=ada.pk)
        assert noted(user, lambda user: user.check_password("correct horse")) == []
        user.refresh_from_db()
        assert user.password != before and user.password.startswith("pbkdf2_sha256$")

        User.objects.filter(pk=ada.pk).update(password=before)
        user = User.objects.get(pk=ada.pk)
        assert noted(user, lambda user: asyncio.run(user.acheck_password("correct horse"))) == []
        user.refresh_from_db()
        assert user.password.startswith("pbkdf2_sha256$")


def _assign(user, fields):
    user.password = hashers.make_password("another")
    user.save(update_fields=fields)


def _set(user, fields):
    user.set_password("another")
    user.save(update_fields=fields)


def _unusable(user, fields):
    user.set_unusable_password()
    user.save(update_fields=fields)


@pytest.mark.parametrize("fields", [None, ["password"]])
@pytest.mark.parametrize("change", [_assign, _set, _unusable])
@pytest.mark.parametrize("preferred", ["PBKDF2PasswordHasher", "MD5PasswordHasher"])
def test_new_password_is_one_however_it_is_set(ada, change, fields, preferred):
    """Also if the old hash is outdated, so that a login would store a better one."""
    names = {preferred: None, "MD5PasswordHasher": None}
    with override_settings(PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}" for name in names]):
        user = User.objects.get(pk=ada.pk)
        assert noted(user, lambda user: change(user, fields)) != []


def test_site_without_stores_makes_no_queries(ada, by_default, monkeypatch):
    monkeypatch.setattr(session_managers, "_table", None)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        ada.save()
    assert len(queries) == 1


# Sessions


def refused(sessions, pair):
    with pytest.raises(InvalidRefreshToken) as error:
        sessions.refresh(pair.refresh_token)
    return error.value.code


@pytest.mark.parametrize("change", ["deactivate", "delete", "password"])
def test_sessions_end(ada, change):
    auth, status = serve(DjangoORMRevocation())
    sessions = TokenSessions(auth)
    pair = sessions.create(ada)
    CHANGES[change](ada)
    assert status(pair.access_token) == 401
    assert refused(sessions, pair) == ("refresh_token_invalid" if change == "delete" else "session_ended")
    if change != "delete":
        assert TokenSession.objects.get().ended_at is not None


@pytest.mark.parametrize("change", ["groups", "permissions", "flags"])
def test_sessions_continue_with_the_new_permissions(ada, group, change):
    auth, status = serve(DjangoORMRevocation())
    sessions = TokenSessions(auth)
    pair = sessions.create(ada)
    CHANGES[change](ada)
    assert status(pair.access_token) == 401
    assert status(sessions.refresh(pair.refresh_token).access_token) == 200


@pytest.mark.parametrize("is_async", [False, True])
def test_user_who_changes_the_password_can_keep_the_session(ada, is_async):
    auth, status = serve(DjangoORMRevocation())
    sessions = TokenSessions(auth)
    kept, other = sessions.create(ada), sessions.create(ada)

    def view(request):
        with keep_session(request):
            change_password(ada)
        return HttpResponse()

    async def aview(request):
        with keep_session(request):
            ada.set_password("a new password")
            await ada.asave()
        return HttpResponse()

    guarded = protect(auth=[auth], guards=[IsAuthenticated()])
    headers = {"Authorization": f"Bearer {kept.access_token}"}
    mount(path("change", guarded(aview if is_async else view)))
    call = asyncio.run(asgi("get", "/change", headers)) if is_async else wsgi("get", "/change", headers)
    assert call.status_code == 200
    serve_again = protect(auth=[auth], guards=[IsAuthenticated()])(lambda request: JsonResponse({}))
    mount(path("view", serve_again))
    assert status(kept.access_token) == status(other.access_token) == 401
    assert refused(sessions, other) == "session_ended"
    assert status(sessions.refresh(kept.refresh_token).access_token) == 200


def test_session_is_kept_only_inside(ada):
    auth, _ = serve(DjangoORMRevocation())
    sessions = TokenSessions(auth)
    pair = sessions.create(ada)
    with keep_session(pair.session_id):
        pass
    change_password(ada)
    assert refused(sessions, pair) == "session_ended"


# Transactions


class Rollback(Exception):
    """Rolls a transaction back."""


@pytest.mark.parametrize("change", CHANGES)
def test_rolled_back_change_does_not_log_out_of_a_table(ada, group, change):
    auth, status = serve(DjangoORMRevocation())
    sessions = TokenSessions(auth)
    pair = sessions.create(ada)
    pk = ada.pk
    with pytest.raises(Rollback), transaction.atomic():
        CHANGES[change](ada)
        raise Rollback
    ada.pk = pk
    assert status(pair.access_token) == 200
    assert sessions.refresh(pair.refresh_token)


def test_rolled_back_change_in_a_view_does_not_log_out_of_a_table(ada, atomic_requests):
    auth, status = serve(DjangoORMRevocation())
    sessions = TokenSessions(auth)
    token, pair = create_jwt_for_user(ada), sessions.create(ada)
    failing = {"raises": False}

    @protect(auth=[auth], guards=[IsAuthenticated()])
    def view(request):
        change_password(User.objects.get(pk=ada.pk))
        if failing["raises"]:
            raise Rollback
        transaction.set_rollback(True)
        return HttpResponse()

    mount(path("view", view))
    assert status(token) == 200
    failing["raises"] = True
    assert status(token) == 500
    assert User.objects.get(pk=ada.pk).check_password("correct horse")
    assert not RevocationWatermark.objects.exists()
    assert sessions.refresh(pair.refresh_token)


def test_rolled_back_change_logs_out_of_a_cache(ada):
    """The store isn't part of the transaction, and a crash after the commit must not leave the tokens valid."""
    _, status = serve(DjangoCacheRevocation())
    token = create_jwt_for_user(ada)
    with pytest.raises(Rollback), transaction.atomic():
        change_password(ada)
        assert status(token) == 401
        raise Rollback
    assert status(token) == 401


def test_token_that_is_issued_before_the_commit_is_revoked(ada):
    """Another request reads the old password until then."""
    auth, status = serve(InMemoryRevocation())
    with transaction.atomic():
        change_password(ada)
        # As in another process, which this transaction doesn't know of.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("boltguard.auth.tokens.note_issued", lambda subject: None)
            token = create_jwt_for_user(ada)
        assert status(token) == 200
    assert status(token) == 401
    del auth


def test_token_that_the_transaction_issues_stays_valid(ada):
    auth, status = serve(InMemoryRevocation())
    sessions = TokenSessions(auth)
    with transaction.atomic():
        change_password(ada)
        token, pair = create_jwt_for_user(ada), sessions.create(ada)
    assert status(token) == status(pair.access_token) == 200


def test_new_session_of_the_transaction_stays_valid(ada):
    auth, status = serve(InMemoryRevocation())
    sessions = TokenSessions(auth)
    with transaction.atomic():
        change_password(ada)
        pair = sessions.create(ada)
    assert status(pair.access_token) == 200 and sessions.refresh(pair.refresh_token)


# Stores that fail


@pytest.mark.parametrize("change", CHANGES)
def test_change_is_not_saved_if_a_store_is_unavailable(ada, group, change):
    auth, _ = serve(Unavailable())
    before = User.objects.filter(pk=ada.pk).values("password", "is_active", "is_staff", "groups", "user_permissions")
    expected, pk = list(before), ada.pk
    with pytest.raises(RevocationUnavailable, match="BOLTGUARD_REVOKE_ON"):
        CHANGES[change](ada)
    assert list(before.filter(pk=pk)) == expected
    del auth


@pytest.mark.parametrize("change", CHANGES)
def test_setting_requires_a_store_with_levels(ada, group, change):
    auth, _ = serve(SingleTokens())
    pk = ada.pk
    with pytest.raises(ImproperlyConfigured, match=r"BOLTGUARD_REVOKE_ON.*revoke_level"):
        CHANGES[change](ada)
    assert User.objects.filter(pk=pk, is_active=True, is_staff=True).exists()
    del auth


def test_default_requires_no_store_with_levels(ada, by_default, caplog):
    works = Levels()
    backends = [JWTAuthentication(revocation_store=store) for store in (SingleTokens(), works)]
    with caplog.at_level(logging.WARNING, "boltguard"):
        deactivate(ada)
    assert not User.objects.get(pk=ada.pk).is_active
    assert "BOLTGUARD_REVOKE_ON" in caplog.text and works.levels
    del backends


def test_setting_requires_a_store(ada, monkeypatch):
    monkeypatch.setattr(session_managers, "_table", None)
    with pytest.raises(ImproperlyConfigured, match=r"BOLTGUARD_REVOKE_ON.*no revocation store"):
        deactivate(ada)
    ada.refresh_from_db()
    ada.save()


def test_urlconf_that_cannot_be_imported_prevents_a_change(ada, by_default):
    with override_settings(ROOT_URLCONF="not_there"):
        ada.first_name = "Ada"
        ada.save()
        with pytest.raises(ImproperlyConfigured, match="BOLTGUARD_REVOKE_ON"):
            deactivate(ada)
    assert User.objects.get(pk=ada.pk).is_active


@pytest.mark.parametrize("value", [["pasword"], "password", 7, [None], {"password": True}])
def test_invalid_setting(value):
    with override_settings(BOLTGUARD_REVOKE_ON=value), pytest.raises(ImproperlyConfigured) as error:
        _ = conf.current().revoke_on
    assert "BOLTGUARD_REVOKE_ON" in str(error.value)
    assert value != ["pasword"] or "'pasword'" in str(error.value)


def test_alias():
    from django.conf import settings

    with override_settings(BOLT_REVOKE_ON=("password",)):
        del settings.BOLTGUARD_REVOKE_ON
        assert conf.current().revoke_on == {"password"}


# Changes of relations


def affected(change):
    """The subjects whose tokens a change revokes."""
    store = Levels()
    auth, _ = serve(store)
    change()
    del auth
    return {value for _, value, *_ in store.levels}


@pytest.mark.parametrize(
    "change",
    [
        lambda user, group: user.groups.remove(group),
        lambda user, group: user.groups.set([]),
        lambda user, group: user.groups.clear(),
        lambda user, group: group.user_set.remove(user),
        lambda user, group: group.user_set.clear(),
        lambda user, group: group.delete(),
        lambda user, group: Group.objects.filter(pk=group.pk).delete(),
        lambda user, group: group.permissions.add(Permission.objects.first()),
        lambda user, group: group.permissions.set(Permission.objects.all()[:2]),
        lambda user, group: Permission.objects.first().group_set.add(group),
        lambda user, group: user.user_permissions.set(Permission.objects.all()[:2]),
        lambda user, group: Permission.objects.first().user_set.add(user),
    ],
)
def test_each_change_of_a_relation_reaches_the_account(ada, group, change):
    ada.groups.add(group)
    assert affected(lambda: change(ada, group)) == {str(ada.pk)}


@pytest.mark.parametrize("name", ["clear", "remove"])
def test_permissions_taken_from_a_group_reach_its_members(ada, group, name):
    ada.groups.add(group)
    permission = Permission.objects.first()
    for end, arguments in ((group.permissions, [permission]), (permission.group_set, [group])):
        group.permissions.add(permission)
        change = getattr(end, name)
        named = arguments if name == "remove" else []
        assert affected(lambda change=change, named=named: change(*named)) == {str(ada.pk)}


def test_group_without_the_user_has_no_effect(ada, group):
    assert affected(lambda: group.permissions.add(Permission.objects.first())) == set()
    assert affected(lambda: group.delete()) == set()


def test_queryset_delete_revokes(ada):
    assert affected(lambda: User.objects.filter(pk=ada.pk).delete()) == {str(ada.pk)}


# Other user models

needs_people = pytest.mark.skipif(
    "BOLTGUARD_TEST_DJANGO_DATABASE" in os.environ, reason="the tables of these models exist only in SQLite"
)


def people():
    from people import models

    return models


@pytest.fixture
def without_table(monkeypatch):
    """The table of sessions refers to Django's users."""
    monkeypatch.setattr(session_managers, "_table", None)


@needs_people
@pytest.mark.parametrize("change", [deactivate, change_password, delete])
def test_user_with_a_uuid(without_table, change):
    with override_settings(AUTH_USER_MODEL="people.Member"):
        member = people().Member.objects.create(key=uuid.uuid4(), email="m@example.org")
        key = member.key
        assert affected(lambda: change(member)) == set(subjects_of(key))
        people().Member.objects.all()._raw_delete("default")


@needs_people
def test_user_without_is_active_and_groups(without_table, group):
    with override_settings(AUTH_USER_MODEL="people.Visitor"):
        visitor = people().Visitor.objects.create(name="v")
        key = str(visitor.pk)
        assert affected(lambda: visitor.save()) == set()
        assert affected(lambda: change_password(visitor)) == {key}
        assert affected(lambda: group.permissions.add(Permission.objects.first())) == set()
        assert affected(lambda: group.delete()) == set()
        assert affected(lambda: visitor.delete()) == {key}


# Servers


@pytest.mark.parametrize("url", SERVERS)
@pytest.mark.skipif("BOLTGUARD_TEST_DJANGO_DATABASE" in os.environ, reason="this is that run")
def test_the_same_on_a_server(url):
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))]
    environment = {**os.environ, "BOLTGUARD_TEST_DJANGO_DATABASE": url}
    done = subprocess.run(
        again, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
