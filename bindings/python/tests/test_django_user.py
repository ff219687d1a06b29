"""`request.user`: lazy, in sync and async views, in helpers, and in tests with an open transaction."""

import asyncio
import pickle
import threading
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import connection
from django.http import JsonResponse
from django.test import TestCase, TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext

from boltguard import BoltAPI, Depends, protect
from boltguard.auth import AllowAny, APIKeyAuthentication, IsAuthenticated, JWTAuthentication, get_current_user
from boltguard.auth.accounts import UserUnavailable, find_by_key, primary_key, subjects_of
from boltguard.auth.lazy_users import LazyUser

from people.models import Clerk, Member, Note
from support import asgi, bearer, call, get, mount, mount_view, token, wsgi

JWT = {"auth": [JWTAuthentication()], "guards": [IsAuthenticated()]}


def email_of(request):
    return request.user.email


def spelt_otherwise(request):
    """Reads of the user that can't be detected in the code."""
    return getattr(request, "us" + "er").email


def everything():
    """An API that reads the user in all possible ways."""
    api = BoltAPI()

    @api.get("/async", **JWT)
    async def direct(request):
        return {"email": request.user.email}

    @api.get("/async-helper", **JWT)
    async def through_a_helper(request):
        return {"email": email_of(request)}

    @api.get("/async-auser", **JWT)
    async def auser(request):
        return {"email": (await request.auser()).email}

    @api.get("/async-depends", **JWT)
    async def depends(user=Depends(get_current_user)):
        return {"email": user.email}

    @api.get("/async-thread", **JWT)
    async def in_a_thread(request):
        return {"email": await sync_to_async(spelt_otherwise)(request)}

    @api.get("/sync", **JWT)
    def sync(request):
        return {"email": request.user.email}

    @api.get("/sync-depends", **JWT)
    def sync_depends(user=Depends(get_current_user)):
        return {"email": user.email}

    return api


WAYS = [
    "/async", "/async-helper", "/async-auser", "/async-depends", "/async-thread", "/sync", "/sync-depends",
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_read_the_user_works(ada, way):
    mount(api=everything())
    assert call("get", way, bearer(sub=str(ada.pk))).json() == {"email": "ada@example.org"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sub", ["987654321", "no-number", "", " 1", "1_0", "9" * 40, "\x00", "-1"])
def test_a_missing_user_is_401_and_never_500(way, sub):
    mount(api=everything())
    refused = call("get", way, bearer(sub=sub))
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("way", WAYS)
def test_an_inactive_user_is_401(ada, way):
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    mount(api=everything())
    assert call("get", way, bearer(sub=str(ada.pk))).status_code == 401


class InATransaction(TestCase):
    """`TestCase` has an open transaction: connections of other threads don't see its rows, or are blocked."""

    def setUp(self):
        self.user = User.objects.create_user("grace", "grace@example.org")
        mount(api=everything())

    def test_sync_client(self):
        for way in WAYS:
            with self.subTest(way):
                response = wsgi("get", way, bearer(sub=str(self.user.pk)))
                self.assertEqual((response.status_code, response.json()), (200, {"email": "grace@example.org"}))

    async def test_async_client(self):
        for way in WAYS:
            with self.subTest(way):
                response = await asgi("get", way, bearer(sub=str(self.user.pk)))
                self.assertEqual((response.status_code, response.json()), (200, {"email": "grace@example.org"}))


class WithoutATransaction(TransactionTestCase):
    """`TransactionTestCase` commits, and flushes the tables afterwards, which an open connection would prevent."""

    available_apps = [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "people",
        "boltguard",
        "boltguard.api_keys",
    ]

    def setUp(self):
        self.user = User.objects.create_user("grace", "grace@example.org")
        mount(api=everything())

    test_sync_client = InATransaction.test_sync_client
    test_async_client = InATransaction.test_async_client


def queries(url, user, sub=None):
    with CaptureQueriesContext(connection) as captured:
        response = wsgi("get", url, bearer(sub=str(user.pk) if sub is None else sub))
    return response, len(captured)


class Queries(TestCase):
    """The number of queries of a request on the connection of this thread."""

    def setUp(self):
        self.user = User.objects.create_user("grace", "grace@example.org")

    def count(self, handler, **options):
        api = BoltAPI()
        api.get("/count", **{**JWT, **options})(handler)
        mount(api=api)
        response, count = queries("/count", self.user)
        self.assertEqual(response.status_code, 200, response.content)
        return response.json(), count

    def test_keys_cost_none_in_async_handlers(self):
        async def handler(request):
            user = request.user
            return [request.user.id, request.user.pk, request.user.is_authenticated, user.is_anonymous]

        # `user = request.user` looks as if other attributes were read
        self.assertEqual(self.count(handler), ([self.user.pk, self.user.pk, True, False], 1))

        async def only_keys(request):
            return [request.user.id, request.user.pk, request.user.is_authenticated]

        self.assertEqual(self.count(only_keys), ([self.user.pk, self.user.pk, True], 0))

    def test_keys_cost_none_in_sync_handlers(self):
        def handler(request):
            user = request.user
            return [user.id, user.pk, isinstance(user, User), user == self.user, hash(user) == hash(self.user)]

        self.assertEqual(self.count(handler), ([self.user.pk, self.user.pk, True, True, True], 0))

    def test_a_context_costs_none(self):
        async def handler(request):
            return request.context["user_id"]

        self.assertEqual(self.count(handler), (str(self.user.pk), 0))

    def test_one_read_or_ten_cost_one(self):
        async def handler(request):
            return [request.user.email for _ in range(10)][0]

        self.assertEqual(self.count(handler), ("grace@example.org", 1))

    def test_a_filter_by_the_lazy_user_costs_one_query_and_not_two(self):
        def handler(request):
            return Note.objects.filter(owner=request.user).count()

        self.assertEqual(self.count(handler), (0, 1))

    def test_an_anonymous_caller_costs_none(self):
        async def handler(request):
            return [request.user.is_authenticated, request.user.username, (await request.auser()).pk]

        api = BoltAPI()
        api.get("/count", guards=[AllowAny()])(handler)
        mount(api=api)
        with CaptureQueriesContext(connection) as captured:
            response = wsgi("get", "/count")
        self.assertEqual((response.json(), len(captured)), ([False, "", None], 0))


def test_an_api_key_has_no_account():
    api = BoltAPI()

    @api.get("/key", auth=[APIKeyAuthentication(api_keys={"k1"})], guards=[IsAuthenticated()])
    async def key(request):
        return [type(request.user._wrapped).__name__ if request.user.pk is None else "", request.user.is_authenticated]

    @api.get("/user", auth=[APIKeyAuthentication(api_keys={"k1"})], guards=[IsAuthenticated()])
    async def user(user=Depends(get_current_user)):
        return {}

    mount(api=api)
    assert get("/key", X_API_Key="k1").json() == ["AnonymousUser", False]
    assert get("/user", X_API_Key="k1").status_code == 401


@override_settings(AUTH_USER_MODEL="people.Member")
def test_a_uuid_names_one_account_however_it_may_be_read():
    key = uuid.UUID("01345678-1234-5678-1234-5678123456ba")
    for subject in (str(key), str(key).upper(), key.hex, key.hex.upper()):
        assert primary_key(subject) == key and subject in subjects_of(key)
    mixed = "01345678-1234-5678-1234-5678123456bA"
    for subject in (
        mixed,
        f"urn:uuid:{key}",
        f"{{{key}}}",
        "+" + key.hex[1:],
        key.hex[0] + "_" + key.hex[2:],
        f"-{key}",
    ):
        with pytest.raises(UserUnavailable):
            primary_key(subject)


@pytest.mark.parametrize("state", ["method", "property"])
@override_settings(AUTH_USER_MODEL="people.Clerk")
def test_an_is_active_that_is_not_a_bool_allows_no_one(database, monkeypatch, state):
    """A method is truthy for all accounts."""
    if state == "property":
        monkeypatch.setattr(Clerk, "is_active", property(Clerk.is_active))
    working, gone = Clerk.objects.create(name="a"), Clerk.objects.create(name="b", left=True)

    def view(request):
        return JsonResponse({"name": request.user.name})

    for given, backend in (("get", JWTAuthentication()), ("verify", JWTAuthentication(verify_user=True))):
        mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(view))
        expected = (200, 401) if state == "property" else (500, 500)
        assert tuple(get(**bearer(sub=str(one.pk))).status_code for one in (working, gone)) == expected, given
    if state == "method":
        with pytest.raises(ImproperlyConfigured, match=r"Clerk\.is_active is .*True or False"):
            find_by_key(str(gone.pk))
    Clerk.objects.all().delete()


@override_settings(AUTH_USER_MODEL="people.Member")
def test_a_user_model_with_a_uuid_for_a_key():
    member = Member.objects.create(email="m@example.org")
    api = BoltAPI()

    @api.get("/sync", **JWT)
    def sync(request):
        return [request.user.pk, request.user.key, request.user.email]

    @api.get("/async", **JWT)
    async def direct(request):
        assert isinstance(request.user.pk, uuid.UUID)
        return [request.user.pk, request.user.key, request.user.email]

    mount(api=api)
    for url in ("/sync", "/async"):
        assert call("get", url, bearer(sub=str(member.pk))).json() == [str(member.pk), str(member.pk), "m@example.org"]
        assert call("get", url, bearer(sub="7")).status_code == 401
    member.delete()


def test_a_lazy_user_behaves_as_its_model(ada):
    lazy = LazyUser(str(ada.pk))
    assert isinstance(lazy, User) and lazy == ada and ada == lazy and lazy != AnonymousUser()
    assert repr(lazy) == f"<LazyUser: '{ada.pk}'>" and str(lazy) == "ada"
    assert pickle.loads(pickle.dumps(lazy)) == ada
    lazy.first_name = "Ada"
    lazy.save()
    assert User.objects.get(pk=ada.pk).first_name == "Ada"


def test_a_failure_names_its_reason_to_the_log_alone(ada, caplog):
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    mount(api=everything())
    caplog.set_level("INFO", "boltguard")
    response = get("/sync", **bearer(sub=str(ada.pk)))
    assert "user_inactive" in caplog.text
    assert "inactive" not in response.content.decode() + response["WWW-Authenticate"]
    assert response.json()["code"] == "invalid_token"
    assert pickle.loads(pickle.dumps(UserUnavailable("user_inactive"))).reason == "user_inactive"


def test_undetected_read_in_async_code_is_an_error(ada):
    """The event loop must not wait behind the thread that runs sync code, which is busy for as long as this test."""
    api = BoltAPI()
    said = []

    @api.get("/unforeseen", **JWT)
    async def unforeseen(request):
        busy = threading.Event()
        holder = asyncio.create_task(sync_to_async(busy.wait)(60))
        await asyncio.sleep(0)
        try:
            return {"email": spelt_otherwise(request)}
        except SynchronousOnlyOperation as error:
            said.append(str(error))
        finally:
            busy.set()
            await holder
        return {"email": (await request.auser()).email}

    mount(api=api)
    assert call("get", "/unforeseen", bearer(sub=str(ada.pk))).json() == {"email": "ada@example.org"}
    assert len(said) == 2 and all("await request.auser()" in text for text in said)


class Sessions(TestCase):
    """A session's user is never the user of a protected view, because the request may be forged."""

    def test_an_open_view_does_not_see_a_sessions_user(self):
        user = User.objects.create_user("grace")
        self.client.force_login(user)

        @protect(auth=[JWTAuthentication()], guards=[AllowAny()])
        def view(request):
            return JsonResponse({"user": request.user.username})

        mount_view(view)
        self.assertEqual(self.client.get("/view").json(), {"user": ""})


def test_signatures_are_checked_before_users(ada):
    mount(api=everything())
    forged = token(secret="another-secret", sub=str(ada.pk))
    assert get("/async", Authorization=f"Bearer {forged}").status_code == 401
