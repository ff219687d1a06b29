"""Accounts that are deleted, deactivated or never existed: 401 in protected views, anonymous elsewhere.

What reads `request.user` around a view is what django-structlog, django-auditlog, a locale middleware or a base
template do.
"""

import asyncio
import copy
import logging
import pickle

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.http import Http404, HttpResponse, JsonResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from boltguard import BoltAPI, Depends, protect
from boltguard.auth import Check, IsAuthenticated, JWTAuthentication, get_current_user
from boltguard.auth.accounts import UserUnavailable
from boltguard.auth.lazy_users import LazyUser, Visit
from boltguard.exceptions import Unauthorized

from people.models import Note
from support import asgi, bearer, call, get, mount, mount_view, wsgi

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
OURS = "boltguard.middleware.BoltguardMiddleware"
GUARDED = {"auth": [JWTAuthentication()], "guards": [IsAuthenticated()]}
# A deactivated account, a deleted one, and subjects that no account can have.
MISSING = ["inactive", "987654", "no-number", " ", "1_0", "9" * 40, "\x00", "ünï"]


@pytest.fixture(params=MISSING)
def missing(request):
    """The headers of a caller whose account is missing."""
    if request.param != "inactive":
        yield bearer(sub=request.param)
        return
    user = get_user_model().objects.create_user("closed", is_active=False)
    yield bearer(sub=str(user.pk))
    user.delete()


class Reads:
    """A middleware that reads the user before and after the view."""

    sync_capable = async_capable = True
    seen: list = []

    def __init__(self, get_response):
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request):
        if self.is_async:
            return self.acall(request)
        self.read(request)
        response = self.get_response(request)
        self.read(request)
        return response

    async def acall(self, request):
        self.read_free(request)
        response = await self.get_response(request)
        self.read_free(request)
        if hasattr(request, "auser"):
            type(self).seen.append((await request.auser()).is_anonymous)
        return response

    def read(self, request):
        self.read_free(request)
        user = getattr(request, "user", None)
        if user is None:
            return
        # Like a locale middleware, whose first lookup makes no query and may be wrong.
        if user.is_authenticated:
            user.email, user.first_name, user.get_full_name(), user.date_joined  # noqa: B018
        user.username, user.is_active, user.is_staff, user.has_perm("a.b"), str(user), user.groups.count()  # noqa: B018
        type(self).seen.append((user.is_authenticated, user.pk, user.id, isinstance(user, AnonymousUser)))

    def read_free(self, request):
        if hasattr(request, "user"):
            user = request.user
            # django-structlog: `hasattr(request.user, "pk")`, then the value.
            hasattr(user, "pk"), user.pk, user.id, user.is_authenticated, user.is_anonymous, bool(user)  # noqa: B018
            repr(user), hash(user), user == user, user == AnonymousUser(), user._meta, user.__class__  # noqa: B015, B018


@pytest.fixture(autouse=True)
def _forget():
    Reads.seen = []


READS = "test_django_absent.Reads"
ORDERS = {
    "inside": [SESSIONS, AUTH, OURS, READS],
    "outside": [READS, SESSIONS, AUTH, OURS],
    "without ours": [READS, SESSIONS, AUTH],
    "alone": [READS],
}


def read_in_view(request):
    return JsonResponse({"email": request.user.email})


async def async_read_in_view(request):
    return JsonResponse({"email": request.user.email})


async def auser_in_view(request):
    return JsonResponse({"email": (await request.auser()).email})


def swallow(request):
    try:
        return JsonResponse({"email": request.user.email})
    except Exception:
        raise Http404 from None


def swallow_quietly(request):
    Note.objects.count()
    try:
        email = request.user.email
    except Exception:
        email = None
    return JsonResponse({"email": email})


def wrap(request):
    """Pydantic's exception for an error in a field."""
    try:
        return JsonResponse({"email": request.user.email})
    except Exception as error:
        raise ValueError("1 validation error") from error


async def async_wrap(request):
    return wrap(request)


async def async_swallow(request):
    return swallow(request)


def current_user(request):
    return JsonResponse({"email": get_current_user(request).email})


def key(request):
    return JsonResponse({"notes": Note.objects.filter(owner_id=request.user.pk).count(), "email": request.user.email})


def nested(request):
    @protect(**GUARDED)
    def inner(request):
        return HttpResponse("")

    inner(request)
    return read_in_view(request)


GUARDED_READS = [
    read_in_view, async_read_in_view, auser_in_view, swallow, swallow_quietly, wrap, async_wrap, async_swallow,
    current_user, key, nested,
]  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("view", GUARDED_READS)
def test_a_missing_account_is_401_wherever_a_guarded_view_reads_it(missing, order, view):
    with override_settings(MIDDLEWARE=ORDERS[order]):
        mount_view(protect(**GUARDED)(view))
        refused = call("get", "/view", missing)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    assert refused["WWW-Authenticate"].startswith("Bearer") and "Authorization" in refused["Vary"]


@pytest.mark.parametrize("order", ORDERS)
def test_outer_middleware_has_anonymous_user_without_account(missing, order):
    with override_settings(MIDDLEWARE=ORDERS[order]):
        mount_view(protect(**GUARDED)(lambda request: HttpResponse("open")))
        assert call("get", "/view", missing).content == b"open", "the view doesn't read the account"
    # After the view, which sets `request.user` in any order.
    assert Reads.seen and set(Reads.seen) <= {(False, None, None, True), True}


@pytest.mark.parametrize("order", ["inside", "outside"])
@override_settings(ROOT_URLCONF="site_urls")
def test_no_url_fails_for_a_missing_account(missing, order):
    async def plain(request):
        return HttpResponse("")

    def crash(request):
        raise RuntimeError

    with override_settings(MIDDLEWARE=ORDERS[order]):
        mount(
            path("sync", lambda request: HttpResponse("")),
            path("async", plain),
            path("email", read_in_view),
            path("async-email", async_read_in_view),
            path("auser", auser_in_view),
            path("crash", crash),
        )
        assert [call("get", f"/{one}", missing).status_code for one in ("sync", "async", "nowhere")] == [200, 200, 404]
        for one in ("email", "async-email", "auser"):
            assert call("get", f"/{one}", missing).json() in ({"email": ""}, {"email": None}), one
        assert call("get", "/crash", missing).status_code == 500
        mount_view(current_user)
        assert call("get", "/view", missing).status_code == 401, "reading the account is an error"


def test_check_that_reads_a_missing_account_is_401(missing):
    active = Check(lambda request: request.user.is_active, name="active")
    with override_settings(MIDDLEWARE=ORDERS["inside"]):
        mount_view(protect(auth=[JWTAuthentication()], guards=[active])(lambda request: HttpResponse("")))
        assert call("get", "/view", missing).status_code == 401
    assert set(Reads.seen) <= {(False, None, None, True), True}


def test_a_missing_account_that_a_handler_swallowed_is_401(missing):
    api = BoltAPI(**GUARDED)

    @api.get("/sync")
    def sync(request):
        return {"email": getattr(request.user, "email", "") if not _fails(request) else ""}

    @api.get("/async")
    async def asynchronous(request):
        return {"failed": _fails(request), "name": request.user is None}

    @api.get("/depends")
    async def depends(user=Depends(get_current_user)):
        return {}

    mount(api=api)
    for url in ("/sync", "/async", "/depends"):
        assert call("get", url, missing).status_code == 401, url


def _fails(request):
    try:
        request.user.email  # noqa: B018
    except Exception:
        return True
    return False


def test_what_a_refused_view_wrote_is_rolled_back(ada):
    from django.db import connections

    def view(request):
        Note.objects.create(owner=ada, text="written")
        return swallow_quietly(request)

    connections["default"].settings_dict["ATOMIC_REQUESTS"] = True
    try:
        mount_view(protect(**GUARDED)(view))
        assert wsgi("get", "/view", bearer(sub="987654")).status_code == 401
    finally:
        connections["default"].settings_dict["ATOMIC_REQUESTS"] = False
    assert not Note.objects.filter(text="written").exists()


def test_an_error_of_the_view_itself_is_still_its_own(ada):
    def view(request):
        request.user.email  # noqa: B018
        raise ZeroDivisionError

    mount_view(protect(**GUARDED)(view))
    assert get(**bearer(sub=str(ada.pk))).status_code == 500


def test_a_refusal_is_logged_once(caplog):
    caplog.set_level(logging.INFO, "boltguard")
    for view in (read_in_view, swallow, wrap):
        caplog.clear()
        mount_view(protect(**GUARDED)(view))
        wsgi("get", "/view", bearer(sub="987654"))
        assert [record.reason for record in caplog.records if record.name == "boltguard"] == ["user_not_found"]


# Templates

PAGE = "{% if user.is_authenticated %}{{ user.pk }}|{{ user.id }}{% else %}unknown{% endif %}{% if user %}{% endif %}"
NAMED = "{% if user.is_authenticated %}in{% endif %}[{{ user.username }}|{{ user.email }}|{{ user }}]"


def template(text):
    return engines["django"].from_string(text)


def page(request, text=PAGE):
    return HttpResponse(template(text).render({}, request))


class TemplateQueries(TestCase):
    """A template that reads a user who wasn't loaded."""

    def setUp(self):
        self.user = User.objects.create_user("grace", "grace@example.org")

    def count(self, view, user=None):
        mount_view(view)
        with CaptureQueriesContext(connection) as captured:
            response = wsgi("get", "/view", bearer(sub=str((user or self.user).pk)))
        return response.content.decode(), len(captured)

    @override_settings(MIDDLEWARE=[SESSIONS, AUTH, OURS])
    def test_free_attributes_cost_no_query_in_a_template(self):
        expected = f"{self.user.pk}|{self.user.pk}"
        self.assertEqual(self.count(page), (expected, 0))
        self.assertEqual(self.count(protect(**GUARDED)(page)), (expected, 0))
        self.assertEqual(self.count(lambda request: page(request, NAMED))[1], 1)

    @override_settings(MIDDLEWARE=[SESSIONS, AUTH, OURS])
    def test_a_public_page_stays_public_for_a_closed_account(self):
        self.user.is_active = False
        self.user.save()
        self.assertEqual(self.count(lambda request: page(request, NAMED))[0], "in[||AnonymousUser]")
        self.assertEqual(self.count(lambda request: page(request, NAMED * 2))[0][19:], "[||AnonymousUser]")

    def test_page_rendered_after_its_view_has_anonymous_user(self):
        self.user.is_active = False
        self.user.save()
        late = protect(**GUARDED)(lambda request: TemplateResponse(request, template(NAMED)))
        self.assertEqual(self.count(late)[0], "in[||AnonymousUser]")

    def test_a_page_that_a_guarded_view_renders_is_401(self):
        self.user.is_active = False
        self.user.save()
        for text in (NAMED, "{% if user.email %}{% endif %}"):
            mount_view(protect(**GUARDED)(lambda request, text=text: page(request, text)))
            self.assertEqual(wsgi("get", "/view", bearer(sub=str(self.user.pk))).status_code, 401)


@override_settings(MIDDLEWARE=[SESSIONS, AUTH, OURS])
def test_error_page_has_anonymous_user_without_account(missing):
    import sys

    def crash(request):
        raise ZeroDivisionError

    site = sys.modules["site_urls"]
    site.handler500 = lambda request: HttpResponse(template(NAMED).render({}, request), status=500)
    site.handler404 = lambda request, exception: HttpResponse(template(NAMED).render({}, request), status=404)
    try:
        mount(path("crash", crash), path("guarded", protect(**GUARDED)(crash)))
        for url, status in (("/crash", 500), ("/guarded", 500), ("/nowhere", 404)):
            sent = wsgi("get", url, missing)
            assert sent.status_code == status and b"[||AnonymousUser]" in sent.content, url
    finally:
        del site.handler500, site.handler404


# Django REST framework


def drf_site(authentication=None, **attributes):
    from rest_framework.permissions import IsAuthenticated as Known
    from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication

    class View(APIView):
        authentication_classes = [BoltguardAuthentication] if authentication is None else authentication
        permission_classes = [Known]
        renderer_classes = [JSONRenderer, BrowsableAPIRenderer]

        def get(self, request):
            return Response({"user": "not read"})

    for name, value in attributes.items():
        setattr(View, name, value)
    mount(path("view", View.as_view()))


def both(headers):
    return [wsgi("get", "/view", headers), asyncio.run(asgi("get", "/view", headers))]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_missing_account_is_401_in_drf_views(missing, order, accept):
    from rest_framework.response import Response

    def reads(self, request):
        return Response({"email": request.user.email})

    def swallows(self, request):
        return Response({"failed": _fails(request)})

    def wraps(self, request):
        try:
            return Response({"email": request.user.email})
        except Exception as error:
            raise ValueError("1 validation error") from error

    headers = {**missing, "Accept": accept}
    apps = [*settings.INSTALLED_APPS, "rest_framework"]  # for the templates of the browsable API
    with override_settings(MIDDLEWARE=ORDERS[order], INSTALLED_APPS=apps):
        drf_site()
        # The page of the browsable API contains a nonce, so the two handlers are not compared.
        assert {one.status_code for one in both(headers)} == {200}, "not read"
        for handler in (reads, swallows, wraps):
            drf_site(get=handler)
            for refused in both(headers):
                assert refused.status_code == 401, handler
                assert refused["WWW-Authenticate"].startswith("Bearer")


def test_drf_with_its_own_authentication_inside_of_protect_is_401(missing):
    from rest_framework.authentication import SessionAuthentication
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class View(APIView):
        authentication_classes = [SessionAuthentication]
        permission_classes = []

        def get(self, request):
            return Response({"email": request.user.email})

    mount_view(protect(**GUARDED)(View.as_view()))
    assert call("get", "/view", missing).status_code == 401


def test_an_uncaught_error_in_drf_ends_what_is_behind_the_gate(missing):
    def crash(self, request):
        raise ZeroDivisionError

    with override_settings(MIDDLEWARE=ORDERS["inside"]):
        drf_site(get=crash)
        assert call("get", "/view", missing).status_code == 500
    assert set(Reads.seen) <= {(False, None, None, True), True}


# The user object


def test_what_others_read_as_free_never_loads_and_never_raises():
    for subject in ("1", "no-number", "\x00"):
        for visit in (None, guarded()):
            user = LazyUser(subject, visit)
            user.is_authenticated, user.is_anonymous, bool(user), repr(user), hash(user)  # noqa: B018
            user == user, user != AnonymousUser(), user._meta, user.__class__, isinstance(user, User)  # noqa: B015, B018
            copy.copy(user), copy.deepcopy(user)
            assert not hasattr(user, "__html__") and not hasattr(user, "__await__")
            for broken in (lambda user=user: user["pk"], lambda user=user: len(user), lambda user=user: list(user)):
                with pytest.raises(TypeError):
                    broken()
            assert user._wrapped is not user and type(user._wrapped) is object, "not loaded"
            if visit is None:
                assert user.pk == user.id == (1 if subject == "1" else None)


def guarded():
    visit = Visit()

    return visit


def test_user_outside_of_a_gate_becomes_anonymous():
    user = LazyUser("987654")
    assert user.is_authenticated and user.pk == 987654 and isinstance(user, User), "the user hasn't been read yet"
    assert (user.username, user.email, user.is_active) == ("", "", False)
    assert not user.is_authenticated and user.is_anonymous and user.pk is None and user.id is None
    assert isinstance(user, AnonymousUser) and not isinstance(user, User)
    assert user == AnonymousUser() and AnonymousUser() == user and not user.has_perm("a.b")
    assert isinstance(pickle.loads(pickle.dumps(user)), AnonymousUser)
    assert Note.objects.filter(owner_id=user.pk).count() == 0


def test_impossible_primary_key_is_an_error_not_null():
    """`filter(owner_id=None)` would find rows without an owner."""
    with pytest.raises(UserUnavailable):
        LazyUser("no-number", guarded()).pk  # noqa: B018
    with pytest.raises(UserUnavailable):
        Note.objects.filter(owner=LazyUser("no-number", guarded()))


def test_current_user_outside_of_a_gate_is_401_in_sync_and_async_code():
    class Request:
        user = LazyUser("987654")

    with pytest.raises(Unauthorized):
        get_current_user(Request)
    with pytest.raises(Unauthorized):
        asyncio.run(get_current_user.asynchronous(Request))
    assert asyncio.run(LazyUser("987654").aload()).is_anonymous
