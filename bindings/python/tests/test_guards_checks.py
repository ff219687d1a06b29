"""`Check`: custom checks, which run in Python after Rust has evaluated the rest of the guard."""

import asyncio
import functools
import gc
import logging
import threading

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, JsonResponse
from django.test import override_settings
from django.utils.decorators import method_decorator
from django.views import View

from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Check,
    DenyAll,
    Guard,
    HasPermission,
    IsAdminUser,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    ViaBackend,
)
from boltguard.exceptions import Forbidden

from support import asgi, bearer, get, mount, mount_view, wsgi

JWT = [JWTAuthentication()]


class Counted:
    """A check that counts its calls, and returns a given result."""

    def __init__(self, response):
        self.response, self.calls = response, 0

    def __call__(self, request):
        self.calls += 1
        return self.response


def sync_view(guards):
    return protect(auth=JWT, guards=guards)(lambda request: JsonResponse({}))


def async_view(guards):
    @protect(auth=JWT, guards=guards)
    async def view(request):
        return JsonResponse({})

    return view


def sync_route(guards):
    api = BoltAPI()
    api.get("/view", auth=JWT, guards=guards)(lambda: {})
    return api


def async_route(guards):
    async def handler():
        return {}

    api = BoltAPI()
    api.get("/view", auth=JWT, guards=guards)(handler)
    return api


KINDS = [sync_view, async_view, sync_route, async_route]


def serve(kind, guards):
    made = kind(guards)
    mount(api=made) if isinstance(made, BoltAPI) else mount_view(made)


def status(kind, guards, claims):
    serve(kind, guards)
    return get(**({} if claims is None else bearer(sub="1", **claims))).status_code


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("guard", "claims", "expected"),
    [
        (lambda yes, no: yes, {}, 200),
        (lambda yes, no: no, {}, 403),
        (lambda yes, no: ~no, {}, 200),
        (lambda yes, no: ~yes, {}, 403),
        (lambda yes, no: yes, None, 401),
        (lambda yes, no: ~yes, None, 401),
        (lambda yes, no: ~no, None, 401),
        (lambda yes, no: yes | AllowAny(), None, 200),
        (lambda yes, no: yes & DenyAll(), {}, 403),
        (lambda yes, no: yes & IsStaff(), {}, 403),
        (lambda yes, no: yes & IsStaff(), {"is_staff": True}, 200),
        (lambda yes, no: no | IsStaff(), {"is_staff": True}, 200),
        (lambda yes, no: (yes & no) | (yes & IsStaff()), {"is_staff": True}, 200),
        (lambda yes, no: (yes & no) | (yes & IsStaff()), {}, 403),
    ],
)
def test_checks_combine_as_other_guards_do(kind, guard, claims, expected):
    yes, no = Check(lambda request: True, name="yes"), Check(lambda request: False, name="no")
    assert status(kind, [guard(yes, no)], claims) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("claims", "calls"),
    [(None, 0), ({"is_staff": True}, 0), ({"permissions": ["blog.edit"]}, 2), ({}, 0)],
    ids=["anonymous", "allowed without it", "it matters", "refused anyway"],
)
def test_check_is_called_if_it_matters(kind, claims, calls):
    counted = Counted(True)
    status(kind, [IsStaff() | (HasPermission("blog.edit") & Check(counted, name="counted"))], claims)
    assert counted.calls == calls  # one request through each of Django's two handlers


@pytest.mark.parametrize("kind", KINDS)
def test_check_is_not_called_after_a_decisive_one(kind):
    first, second = Counted(True), Counted(True)
    assert status(kind, [Check(first, name="first") | Check(second, name="second")], {}) == 200
    assert (first.calls, second.calls) == (2, 0)


def test_check_that_occurs_twice_is_called_once():
    counted = Counted(False)
    check = Check(counted, name="counted")
    serve(sync_view, [(check & IsStaff()) | (check & ~IsStaff())])
    assert wsgi("get", "/view", bearer(sub="1")).status_code == 403 and counted.calls == 1


class Odd:
    def __bool__(self):
        return True

    def __repr__(self):
        return "Odd()"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize("response", [None, 1, 0, "", "yes", Odd(), [], NotImplemented], ids=repr)
def test_what_is_neither_true_nor_false_allows_no_one(kind, negated, response):
    check = Check(Counted(response), name="odd")
    assert status(kind, [~check if negated else check], {}) == 500


async def forgotten(request):
    return True


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("guard", [Check, lambda *check: ~Check(*check)])
def test_a_coroutine_that_no_one_awaited_allows_no_one(kind, guard, caplog):
    assert status(kind, [guard(lambda request: forgotten(request), "forgotten")], {}) == 500
    gc.collect()
    assert "async def" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("negated", [False, True])
def test_a_check_that_fails_allows_no_one(kind, negated):
    def broken(request):
        raise RuntimeError("the moon is not full")

    assert status(kind, [~Check(broken) if negated else Check(broken)], {}) == 500
    assert status(kind, [Check(broken) | IsStaff()], {"is_staff": True}) == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("error", "expected"), [(Forbidden("not today"), 403), (Http404(), 404)])
def test_a_check_can_raise_the_response(kind, error, expected):
    def choosy(request):
        raise error

    assert status(kind, [~Check(choosy)], {}) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_sees_who_calls(kind, ada):
    def is_ada(request):
        return request.context.user_id == str(ada.pk) and request.user.get_username() == "ada"

    serve(kind, [Check(is_ada)])
    assert get(**bearer(sub=str(ada.pk))).status_code == 200
    assert get(**bearer(sub="0")).status_code == 403


@pytest.mark.parametrize("kind", [async_view, async_route])
def test_an_async_check_is_awaited_in_an_async_handler(kind):
    async def slow(request):
        await asyncio.sleep(0)
        return request.context.is_staff

    class Callable:
        async def __call__(self, request):
            return await slow(request)

    forms = [slow, Callable(), functools.partial(slow), functools.partial(Callable())]
    for check in (Check(form, name="slow") for form in forms):
        assert status(kind, [check], {}) == 403
        assert status(kind, [check], {"is_staff": True}) == 200
        assert status(kind, [~check], {"is_staff": True}) == 403


@pytest.mark.parametrize("kind", [async_view, async_route])
def test_a_sync_check_does_not_hold_up_the_event_loop(kind):
    threads = []

    def note(request):
        threads.append(threading.get_ident())
        return True

    async def run():
        threads.append(threading.get_ident())
        return await asgi("get", "/view", bearer(sub="1"))

    serve(kind, [Check(note)])
    assert asyncio.run(run()).status_code == 200
    assert len(set(threads)) == 2


@pytest.mark.parametrize("kind", [sync_view, sync_route])
def test_an_async_check_of_a_sync_handler_is_refused_when_it_is_built(kind):
    with pytest.raises(ImproperlyConfigured, match="'forgotten' is async. Define the view with `async def`"):
        kind([IsStaff() | Check(forgotten)])


def async_class():
    class Page(View):
        async def get(self, request):
            return JsonResponse({})

    return Page


def sync_class():
    class Page(View):
        def get(self, request):
            return JsonResponse({})

    return Page


WRAPPINGS = [
    lambda page, guard: guard(page).as_view(),
    lambda page, guard: guard(page.as_view()),
    lambda page, guard: method_decorator(guard, name="dispatch")(page).as_view(),
    lambda page, guard: method_decorator(guard, name="get")(page).as_view(),
]


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_async_checks_of_class_based_views(wrap):
    async def staff(request):
        return request.context.is_staff

    mount_view(wrap(async_class(), protect(auth=JWT, guards=[Check(staff)])))
    assert get(**bearer(sub="1")).status_code == 403
    assert get(**bearer(sub="1", is_staff=True)).status_code == 200


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_an_async_check_of_a_sync_class_allows_no_one(wrap):
    try:
        mount_view(wrap(sync_class(), protect(auth=JWT, guards=[Check(forgotten)])))
    except ImproperlyConfigured as error:
        assert "async" in str(error)
    else:
        assert get(**bearer(sub="1")).status_code == 500


def test_an_async_check_among_the_defaults_allows_no_one_into_a_sync_view(caplog):
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[Check(forgotten)]):
        mount_view(protect(auth=JWT)(lambda request: JsonResponse({})))
        assert wsgi("get", "/view", bearer(sub="1")).status_code == 500
    assert "The check 'forgotten' is async, but the view is sync." in caplog.text


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Check("is_staff"), "must be a function"),
        (lambda: Check(IsStaff), "must be a function"),
        (lambda: Check(IsStaff()), "must be a function"),
        (lambda: Check(lambda request: True), "Pass name="),
        (lambda: Check(functools.partial(bool)), "Pass name="),
        (lambda: Check(lambda request: True, name=""), "name"),
        (lambda: Check(lambda request: True, name="a\nb"), "name"),
        (lambda: Check(lambda request: True, name=7), "str"),
        (lambda: Check(lambda: True, name="x"), r"\(request\)"),
        (lambda: Check(lambda request, obj: True, name="x"), r"\(request\)"),
        (lambda: Check(generator), "generator"),
        (lambda: Check(async_generator), "generator"),
    ],
)
def test_what_is_not_a_check_is_refused(build, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        build()


def generator(request):
    yield True


async def async_generator(request):
    yield True


def test_one_name_for_two_checks_is_refused():
    one, other = Check(lambda request: True, name="same"), Check(lambda request: False, name="same")
    for build in (
        lambda: one & other,
        lambda: one | ~other,
        lambda: protect(auth=JWT, guards=[one, other]),
        lambda: BoltAPI(guards=[one, other]),
        lambda: Guard.parse('check("same")', checks=[one, other]),
        lambda: one.implies(other),
        lambda: one.is_equivalent(other),
    ):
        with pytest.raises(ImproperlyConfigured, match="'same'"):
            build()
    assert one != other
    assert (one & IsStaff()).implies(one)


def test_equal_checks_may_stand_together():
    counted = Counted(True)
    assert Check(counted, name="counted") == Check(counted, name="counted")
    assert (Check(counted, name="a") | Check(counted, name="a")).is_equivalent(Check(counted, name="a"))


def test_checks_in_a_string_are_passed_to_parse():
    @Check
    def office_hours(request):
        return True

    guard = IsAuthenticated() & (IsStaff() | office_hours)
    assert str(guard) == 'authenticated & (staff | check("office_hours"))'
    for again in (Guard.parse(str(guard), checks=[office_hours]), Guard.from_json(guard.to_json(), [office_hours])):
        assert again == guard and status(sync_view, [again], {}) == 200
    with pytest.raises(ImproperlyConfigured, match="the check 'office_hours' of .* has no function"):
        protect(guards=[Guard.parse(str(guard))])
    with pytest.raises(ImproperlyConfigured, match="not a guard"):
        Guard.parse(str(guard), checks=["office_hours"])


def test_the_class_says_what_a_check_is():
    assert repr(Check(forgotten)) == '<Check: check("forgotten")>'


@pytest.mark.parametrize("name", ["api_key", "jwtt"])
def test_a_backend_that_a_route_has_not_got_is_refused(name):
    guards = [IsStaff() | ~ViaBackend(name)]
    for build in (
        lambda: protect(auth=JWT, guards=guards),
        lambda: BoltAPI().get("/x", auth=JWT, guards=guards)(lambda: {}),
        lambda: BoltAPI(auth=JWT, guards=guards).get("/x")(lambda: {}),
    ):
        with pytest.raises(ImproperlyConfigured, match=f"'{name}' backend, but this view has only jwt"):
            build()
    with pytest.raises(ImproperlyConfigured, match="no authentication backends"):
        protect(auth=[], guards=guards)


def misfits():
    return [message.msg for message in run_checks() if message.id == "boltguard.E301"]


def test_backend_missing_from_the_defaults_is_checked():
    mount_view(protect(guards=[ViaBackend("jwt")])(lambda request: JsonResponse({})))
    assert wsgi("get", "/view", bearer(sub="1")).status_code == 200 and not misfits()
    keys = APIKeyAuthentication(api_keys={"one-of-the-tests-that-is-long"})
    with override_settings(BOLT_AUTHENTICATION_CLASSES=[keys]):
        assert wsgi("get", "/view", bearer(sub="1")).status_code == 500
        assert misfits() == ["Guard via(\"jwt\") requires the 'jwt' backend, but this view has only api_key."]


@pytest.fixture
def explanations(caplog):
    caplog.set_level(logging.DEBUG, "boltguard.guards")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "boltguard.guards"]


@pytest.mark.parametrize("kind", KINDS)
def test_refusals_are_explained_in_debug_mode(kind, explanations):
    never = Check(lambda request: False, name="never")
    serve(kind, [IsAdminUser() | (HasPermission("blog.add") & never)])
    with override_settings(DEBUG=True):
        response = wsgi("get", "/view", bearer(sub="1"))
        assert "admin" not in response.content.decode() and response.json()["code"] == "permission_denied"
        (explanation,) = explanations()
        assert explanation.startswith("GET /view refused (403): deny") and "false" in explanation
        wsgi("get", "/view", bearer(sub="1", permissions=["blog.add"]))
        assert 'true         perm("blog.add")\n  false        check("never")' in explanations()[1]
        wsgi("get", "/view", bearer("no.token"))
        assert "refused (401): challenge" in explanations()[2]
        wsgi("get", "/view", bearer(sub="1", is_superuser=True))
        assert len(explanations()) == 3


@pytest.mark.parametrize("debug", [True, False])
def test_nothing_is_explained_by_default(debug, caplog):
    caplog.set_level(logging.INFO if debug else logging.DEBUG, "boltguard.guards")
    serve(sync_view, [IsAdminUser()])
    with override_settings(DEBUG=debug):
        assert wsgi("get", "/view", bearer(sub="1")).status_code == 403
    assert not [record for record in caplog.records if record.name == "boltguard.guards"]
