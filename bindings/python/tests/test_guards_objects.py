"""Checks of objects: `Owner`, `ObjectCheck`, `check_object`, and handlers without a check."""

import asyncio
import uuid
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpResponse, JsonResponse
from django.test import RequestFactory, override_settings
from django.views import View

from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Check,
    Guard,
    HasPermission,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    ObjectCheck,
    Owner,
    acheck_object,
    check_object,
)
from boltguard.exceptions import Forbidden

from people.models import Byline, Member
from support import asgi, bearer, call, get, mount, mount_view, wsgi

JWT = [JWTAuthentication()]
KEY = "a-key-of-the-tests-which-is-long"


class Article:
    """The object of the handlers: its author is user 1, its editor user 2."""

    author_id, editor_id, is_draft = 1, 2, False


def sync_view(guards, check=check_object, obj=Article):
    def view(request):
        check(request, obj)
        return JsonResponse({})

    return protect(auth=JWT, guards=guards)(view)


def async_view(guards, check=acheck_object, obj=Article):
    async def view(request):
        done = check(request, obj)
        if done is not None:
            await done
        return JsonResponse({})

    return protect(auth=JWT, guards=guards)(view)


def class_view(guards, check=check_object, obj=Article):
    class Page(View):
        def get(self, request):
            check(request, obj)
            return JsonResponse({})

    return protect(auth=JWT, guards=guards)(Page).as_view()


def async_class_view(guards, check=acheck_object, obj=Article):
    class Page(View):
        async def get(self, request):
            await check(request, obj)
            return JsonResponse({})

    return protect(auth=JWT, guards=guards)(Page).as_view()


def sync_route(guards, check=check_object, obj=Article):
    api = BoltAPI()

    @api.get("/view", auth=JWT, guards=guards)
    def handler(request):
        check(request, obj)
        return {}

    return api


def async_route(guards, check=acheck_object, obj=Article):
    api = BoltAPI()

    @api.get("/view", auth=JWT, guards=guards)
    async def handler(request):
        done = check(request, obj)
        if done is not None:
            await done
        return {}

    return api


SYNC = [sync_view, class_view, sync_route]
KINDS = [*SYNC, async_view, async_class_view, async_route]


def serve(kind, *arguments, **options):
    made = kind(*arguments, **options)
    mount(api=made) if isinstance(made, BoltAPI) else mount_view(made)


def status(claims):
    return get(**({} if claims is None else bearer(**claims))).status_code


@pytest.mark.parametrize("kind", KINDS)
def test_an_owner_is_allowed_and_others_are_not(kind):
    serve(kind, [Owner("author_id")])
    assert status({"sub": "1"}) == 200
    refused = get(**bearer(sub="2"))
    assert refused.status_code == 403
    assert refused.json() == {"detail": "You don't have permission to do this.", "code": "permission_denied"}
    assert refused["WWW-Authenticate"] == 'Bearer realm="api", error="insufficient_scope"'
    assert refused["Cache-Control"] == "private"
    assert status(None) == 401


@pytest.mark.parametrize("kind", [sync_route, async_view])
@pytest.mark.parametrize(
    ("guard", "claims", "expected"),
    [
        (~Owner("author_id"), {"sub": "1"}, 403),
        (~Owner("author_id"), {"sub": "2"}, 200),
        (~Owner("author_id"), None, 401),
        (Owner("author_id") | Owner("editor_id"), {"sub": "2"}, 200),
        (Owner("author_id") & Owner("editor_id"), {"sub": "2"}, 403),
        (IsStaff() | Owner("author_id"), {"sub": "3", "is_staff": True}, 200),
        (IsStaff() & Owner("author_id"), {"sub": "1"}, 403),
        (Owner("author_id") | AllowAny(), None, 200),
        # `a | b`: each check of an object only applies together with its own condition.
        *[
            (
                (HasPermission("edit") & Owner("author_id")) | (HasPermission("review") & Owner("editor_id")),
                {"sub": sub, "permissions": [permission]},
                expected,
            )
            for sub, permission, expected in [
                ("1", "edit", 200),
                ("1", "review", 403),
                ("2", "edit", 403),
                ("2", "review", 200),
                ("1", "none", 403),
            ]
        ],
    ],
)
def test_object_checks_combine_as_other_guards_do(kind, guard, claims, expected):
    serve(kind, [guard, IsAuthenticated() | AllowAny()])
    if guard == AllowAny():  # it no longer checks an object
        serve(kind, [guard], check=lambda request, obj: None)
    assert status(claims) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_caller_denied_for_any_object_is_refused_early(kind):
    def never(request, obj):
        raise AssertionError("the handler ran")

    serve(kind, [HasPermission("edit") & Owner("author_id")], check=never)
    assert status({"sub": "1"}) == 403 and status(None) == 401


def nothing(request, obj):
    return None


async def anothing(request, obj):
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_that_checked_no_object_is_500(kind, caplog):
    serve(kind, [IsStaff() | Owner("author_id")], check=nothing if kind is not async_class_view else anothing)
    assert status({"sub": "1"}) == 500
    assert "Call check_object" in caplog.text
    # Staff need no object, so nothing is missing for them.
    assert status({"sub": "3", "is_staff": True}) == 200


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", SYNC)
def test_an_acheck_object_that_no_one_awaits_allows_no_one(kind):
    serve(kind, [Owner("author_id")], check=acheck_object)
    assert status({"sub": "1"}) == 500


@pytest.mark.parametrize("kind", [async_view, async_route])
def test_the_sync_form_works_in_async_handlers_too(kind):
    serve(kind, [Owner("author_id")], check=check_object)
    assert status({"sub": "1"}) == 200 and status({"sub": "2"}) == 403


def swallow(request, obj):
    try:
        check_object(request, obj)
    except Forbidden:
        pass


@pytest.mark.parametrize("kind", [*SYNC, async_view, async_route])
def test_a_handler_that_swallows_the_refusal_is_refused_all_the_same(kind):
    serve(kind, [Owner("author_id")], check=swallow)
    assert status({"sub": "1"}) == 200 and status({"sub": "2"}) == 403


def test_one_of_several_objects_that_is_refused_refuses():
    def both(request, obj):
        check_object(request, SimpleNamespace(author_id=2))
        swallow(request, obj)

    serve(sync_view, [Owner("author_id")], check=both)
    assert status({"sub": "2"}) == 403


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("error", "expected"), [(Http404(), 404), (Forbidden("no"), 403)])
def test_an_error_that_is_raised_needs_no_object(kind, error, expected):
    def missing(request, obj):
        raise error

    serve(kind, [Owner("author_id")], check=missing)
    assert status({"sub": "1"}) == expected


@pytest.mark.parametrize("response", [HttpResponse("no such article", status=404), HttpResponse(status=204)])
def test_a_response_without_a_check_is_not_sent(response):
    mount_view(protect(auth=JWT, guards=[Owner("author_id")])(lambda request: response))
    assert status({"sub": "1"}) == 500


@pytest.mark.parametrize("kind", [class_view, async_class_view])
def test_unsupported_methods_require_no_object(kind):
    serve(kind, [Owner("author_id")])
    assert call("post", "/view", bearer(sub="1")).status_code == 405
    assert call("options", "/view", bearer(sub="1")).status_code == 200


def test_what_options_gives_away_needs_an_object():
    class Page(View):
        def options(self, request):
            return HttpResponse("secret")

    mount_view(protect(auth=JWT, guards=[Owner("author_id")])(Page).as_view())
    assert call("options", "/view", bearer(sub="1")).status_code == 500


@pytest.mark.parametrize("guards", [[IsAuthenticated()], [Check(lambda request: True, name="yes")]])
@pytest.mark.parametrize("kind", KINDS)
def test_check_object_without_object_guard_is_an_error(kind, guards):
    serve(kind, guards)
    assert status({"sub": "1"}) == 500


def test_asking_where_nothing_is_guarded_is_an_error():
    request = RequestFactory().get("/")
    with pytest.raises(ImproperlyConfigured, match="no guard of this view checks objects"):
        check_object(request, Article)
    with pytest.raises(ImproperlyConfigured, match="no guard of this view checks objects"):
        asyncio.run(acheck_object(request, Article))


@pytest.mark.parametrize("inner", [Owner("editor_id"), IsAuthenticated()])
def test_both_guards_of_a_view_are_evaluated(inner):
    mount_view(protect(auth=JWT, guards=[Owner("author_id")])(sync_view([inner])))
    assert status({"sub": "2"}) == 403
    assert status({"sub": "1"}) == (403 if inner == Owner("editor_id") else 200)


@pytest.mark.parametrize("error", [Http404(), Forbidden()])
def test_a_refusal_of_an_inner_guard_passes_an_outer_one(error):
    def missing(request):
        raise error

    inner = protect(auth=JWT, guards=[IsAuthenticated()])(missing)
    mount_view(protect(auth=JWT, guards=[Owner("author_id")])(inner))
    assert status({"sub": "1"}) in (403, 404)
    mount_view(protect(auth=JWT, guards=[Owner("author_id")])(sync_view([IsStaff()])))
    assert status({"sub": "1"}) == 403


@pytest.mark.parametrize("kind", KINDS)
def test_object_and_request_checks_work_together(kind):
    called = []

    def not_a_draft(request, obj):
        called.append("object")
        return not obj.is_draft

    def open_today(request):
        called.append("request")
        return request.context.user_id != "9"

    serve(kind, [Check(open_today) & ObjectCheck(not_a_draft)])
    assert status({"sub": "9"}) == 403 and called == ["request"] * 2
    assert status({"sub": "1"}) == 200 and called[2:] == ["request", "object"] * 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize("response", [None, 1, "yes"])
def test_object_check_with_another_result_allows_no_one(kind, negated, response):
    odd = ObjectCheck(lambda request, obj: response, name="odd")
    serve(kind, [~odd if negated else odd])
    assert status({"sub": "1"}) == 500


async def slowly(request, obj):
    await asyncio.sleep(0)
    return obj.author_id == int(request.context.user_id)


@pytest.mark.parametrize("kind", [async_view, async_class_view, async_route])
def test_an_async_object_check_is_awaited(kind):
    serve(kind, [ObjectCheck(slowly)])
    assert status({"sub": "1"}) == 200 and status({"sub": "2"}) == 403


@pytest.mark.parametrize("kind", [async_view, async_route])
def test_async_object_check_without_await_allows_no_one(kind):
    serve(kind, [ObjectCheck(slowly)], check=check_object)
    assert status({"sub": "1"}) == 500


@pytest.mark.parametrize("kind", SYNC)
def test_an_async_object_check_of_a_sync_handler_is_refused_when_it_is_built(kind):
    with pytest.raises(ImproperlyConfigured, match="'slowly' is async"):
        kind([ObjectCheck(slowly)])


def test_a_refused_object_is_logged_and_explained_to_developers(caplog):
    caplog.set_level("DEBUG", "boltguard")
    serve(sync_view, [IsStaff() | Owner("author_id")])
    with override_settings(DEBUG=True):
        wsgi("get", "/view", bearer(sub="2"))
    assert 'false      check("owner:author_id")' in caplog.text
    assert [record.reason for record in caplog.records if record.name == "boltguard"] == ["staff_required"]


def test_what_a_refused_handler_wrote_is_undone():
    from django.db import connections

    old = connections["default"].settings_dict["ATOMIC_REQUESTS"]
    connections["default"].settings_dict["ATOMIC_REQUESTS"] = True
    connections.settings["default"]["ATOMIC_REQUESTS"] = True

    def writes(request, obj):
        get_user_model().objects.create_user("mallory")

    try:
        for kind in (sync_view, sync_route):
            serve(kind, [Owner("author_id")], check=writes)
            assert wsgi("get", "/view", bearer(sub="1")).status_code == 500
            assert not get_user_model().objects.filter(username="mallory").exists()
    finally:
        connections["default"].settings_dict["ATOMIC_REQUESTS"] = old
        connections.settings["default"]["ATOMIC_REQUESTS"] = old


def owner(field, obj, claims, backends=JWT):
    """The result of `Owner` for a caller with these claims."""
    view = protect(auth=backends, guards=[Owner(field)])(lambda request: check_object(request, obj) or HttpResponse())
    mount_view(view)
    headers = {"X-API-Key": KEY} if claims is None else bearer(**claims)
    return wsgi("get", "/view", headers).status_code


def test_relations_are_compared_without_a_query(ada, django_assert_no_queries):
    entry = LogEntry(user_id=ada.pk)
    with django_assert_no_queries():
        for field in ("user", "user_id"):
            assert owner(field, entry, {"sub": str(ada.pk)}) == 200
            assert owner(field, entry, {"sub": str(ada.pk + 1)}) == 403


def test_dots_lead_on_to_another_object(ada):
    entry = SimpleNamespace(entry=LogEntry(user=ada), none=None)
    assert owner("entry.user", entry, {"sub": str(ada.pk)}) == 200
    assert owner("entry.user", entry, {"sub": "0"}) == 403
    assert owner("none.user", entry, {"sub": str(ada.pk)}) == 403
    assert owner("owner", SimpleNamespace(owner=ada), {"sub": str(ada.pk)}) == 200
    assert owner("pk", ada, {"sub": str(ada.pk)}) == 200


def test_dots_that_ask_the_database_do_so_in_async_code_too(ada):
    LogEntry.objects.create(user=ada, action_flag=1)
    try:
        for kind in (async_view, async_route):
            entry = SimpleNamespace(entry=LogEntry.objects.get(user=ada))
            serve(kind, [Owner("entry.user.pk")], obj=entry)
            assert asyncio.run(asgi("get", "/view", bearer(sub=str(ada.pk)))).status_code == 200
    finally:
        LogEntry.objects.all().delete()


@pytest.mark.parametrize(
    ("value", "subject", "expected"),
    [
        (1, "1", 200),
        ("1", "1", 200),
        (None, "1", 403),
        (2, "1", 403),
        (1, "one", 401),
        (1, "1.0", 401),
        (1, " 1", 401),
        (True, "1", 500),
        (1.0, "1", 500),
        ("one", "1", 500),
        (b"1", "1", 500),
        (["1"], "1", 500),
    ],
)
def test_keys_are_compared_as_the_user_model_types_them(value, subject, expected):
    assert owner("author_id", SimpleNamespace(author_id=value), {"sub": subject}) == expected


def test_a_field_that_names_no_user_allows_no_one():
    assert owner("content_type", Permission(content_type_id=1), {"sub": "1"}) == 500
    assert owner("author", SimpleNamespace(author=Permission(pk=1)), {"sub": "1"}) == 500
    assert owner("writer", Article, {"sub": "1"}) == 500


def test_a_relation_by_name_is_not_taken_for_one_by_key():
    for field in ("author", "author_id"):
        assert owner(field, Byline(author_id="1"), {"sub": "1"}) == 500


def test_keys_of_users_of_other_shapes_are_compared_too():
    key = uuid.uuid4()
    with override_settings(AUTH_USER_MODEL="people.Member"):
        for value in (key, str(key), Member(key=key)):
            assert owner("owner", SimpleNamespace(owner=value), {"sub": str(key)}) == 200
            assert owner("owner", SimpleNamespace(owner=value), {"sub": str(uuid.uuid4())}) == 403


def test_a_key_without_an_owner_owns_nothing():
    keys = [APIKeyAuthentication(api_keys={KEY})]
    assert owner("author_id", SimpleNamespace(author_id=None), None, keys) == 403
    assert owner("author_id", Article, None, keys) == 403


@pytest.mark.parametrize(
    "build",
    [
        lambda: Owner(""),
        lambda: Owner("author id"),
        lambda: Owner("author."),
        lambda: Owner(7),
        lambda: ObjectCheck(lambda request: True, name="one"),
        lambda: ObjectCheck(lambda request, obj: True),
        lambda: ObjectCheck("author"),
        lambda: Owner("a") & ObjectCheck(lambda request, obj: True, name="owner:a"),
    ],
)
def test_what_is_not_an_object_check_is_refused(build):
    with pytest.raises(ImproperlyConfigured):
        build()


def test_owners_of_one_field_are_one_check():
    assert Owner("author") == Owner("author") != Owner("editor")
    guard = IsStaff() | Owner("author")
    assert str(guard) == 'staff | check("owner:author")'
    assert Guard.parse(str(guard), checks=[Owner("author"), Owner("editor")]) == guard
    assert (Owner("author") & IsStaff()).implies(Owner("author"))


@pytest.fixture
def django_assert_no_queries():
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    class NoQueries(CaptureQueriesContext):
        def __exit__(self, *error):
            super().__exit__(*error)
            assert not self.captured_queries

    return lambda: NoQueries(connection)
