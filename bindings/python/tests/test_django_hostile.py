"""Attacks and mistakes: caches that confuse callers, injected log lines, excessive bodies."""

import functools
import logging
import operator
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.response import SimpleTemplateResponse
from django.test import RequestFactory, override_settings
from django.urls import re_path, reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control, cache_page
from django.views.decorators.vary import vary_on_headers

from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Guard,
    HasAllPermissions,
    HasAnyPermission,
    HasClaim,
    HasPermission,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    Owner,
)

from support import bearer, call, get, mount, mount_view, wsgi

# Caches of whole responses

KEYS = {"auth": [APIKeyAuthentication({"key-of-ada", "key-of-bob"})], "guards": [IsAuthenticated()]}
keyed = protect(**KEYS)
ADA, BOB = {"X-API-Key": "key-of-ada"}, {"X-API-Key": "key-of-bob"}
cached = cache_page(60)


@pytest.fixture(autouse=True)
def _empty_caches():
    caches["default"].clear()


def whoami(request):
    return JsonResponse({"user_id": request.context["user_id"]})


async def awhoami(request):
    return whoami(request)


@keyed
class CachedMethod(View):
    @method_decorator(cached)
    def get(self, request):
        return whoami(request)


@method_decorator(keyed, name="dispatch")
class CachedMethodByDecorator(View):
    @method_decorator(cached)
    def get(self, request):
        return whoami(request)


class CachedDispatch(View):
    @method_decorator(cached)
    def dispatch(self, *args, **kwargs):
        return super().dispatch(*args, **kwargs)

    def get(self, request):
        return whoami(request)


def routed(handler):
    api = BoltAPI()
    api.get("/view", **KEYS)(handler)
    return api.urls[0][0].callback


CACHED_WITHIN = {
    "function": keyed(cached(whoami)),
    "async function": keyed(cached(awhoami)),
    "class": CachedMethod.as_view(),
    "method_decorator": CachedMethodByDecorator.as_view(),
    "as_view": keyed(CachedDispatch.as_view()),
    "route": routed(cached(whoami)),
    "async route": routed(cached(awhoami)),
}


@pytest.mark.parametrize("name", CACHED_WITHIN)
def test_a_cache_inside_a_guard_is_an_error(name, caplog):
    mount_view(CACHED_WITHIN[name])
    for headers in (ADA, BOB, ADA):
        response = call("get", "/view", headers)
        assert response.status_code == 500 and b"apikey:" not in response.content
    assert "cache_page" in caplog.text and "@vary_on_headers('X-Api-Key')" in caplog.text
    assert "cache_control(public=True)" in caplog.text


def test_a_guard_that_reads_no_header_may_have_a_cache_within():
    mount_view(protect(auth=[], guards=[AllowAny()])(cached(whoami)))
    assert call("get", "/view").status_code == 200


@pytest.mark.parametrize("view", [whoami, awhoami])
def test_a_cache_within_that_tells_callers_apart_is_a_cache(view):
    mount_view(keyed(cached(vary_on_headers("X-API-Key", "Accept")(view))))
    mine, other = wsgi("get", "/view", ADA), wsgi("get", "/view", BOB)
    assert mine.json() != other.json() and "Expires" in mine
    assert wsgi("get", "/view", ADA).content == mine.content
    assert wsgi("get", "/view").status_code == 401


def test_a_public_response_is_shared_inside_the_guard():
    times = []

    @keyed
    @cached
    @cache_control(public=True)
    def view(request):
        times.append(1)
        return HttpResponse("the same for all")

    mount_view(view)
    assert [wsgi("get", "/view", headers).status_code for headers in (ADA, BOB, {})] == [200, 200, 401]
    assert len(times) == 1


def test_what_a_cache_within_does_not_keep_goes_out():
    def view(request):
        return HttpResponse(status=404 if request.GET else 200)

    mount_view(keyed(cached(view)))
    assert wsgi("post", "/view", ADA).status_code == 200
    assert wsgi("get", "/view?gone=1", ADA).status_code == 404


def test_a_template_that_is_rendered_after_the_guard_is_not_kept():
    class Page(SimpleTemplateResponse):
        def resolve_template(self, template):
            return self

        def render(self):
            self.content = self.context_data["user_id"]
            self._is_rendered = True
            for callback in self._post_render_callbacks:
                callback(self)
            return self

    mount_view(keyed(cached(lambda request: Page("page", {"user_id": request.context["user_id"]}))))
    mine, other = call("get", "/view", ADA), call("get", "/view", BOB)
    assert (mine.status_code, other.status_code) == (200, 200) and mine.content != other.content


CACHED_OUTSIDE = {
    "function": cached(keyed(whoami)),
    "async function": cached(keyed(awhoami)),
    "class": cached(keyed(type("Plain", (View,), {"get": lambda self, request: whoami(request)})).as_view()),
    "route": cached(routed(whoami)),
}


@pytest.mark.parametrize("name", CACHED_OUTSIDE)
def test_a_cache_outside_a_guard_stores_no_authenticated_response(name):
    mount_view(CACHED_OUTSIDE[name])
    mine, other = call("get", "/view", ADA), call("get", "/view", BOB)
    assert mine.json() != other.json() and mine["Cache-Control"] == "private"
    assert call("get", "/view").status_code == 401


def test_cache_outside_a_guard_stores_public_pages():
    times = []

    @cached
    @protect(auth=KEYS["auth"], guards=[AllowAny()])
    def view(request):
        times.append(1)
        response = whoami(request)
        response["Expires"] = "Thu, 01 Jan 2099 00:00:00 GMT"
        return response

    mount_view(view)
    assert wsgi("get", "/view").json() == wsgi("get", "/view").json() == {"user_id": None}
    assert wsgi("get", "/view", ADA).json()["user_id"].startswith("apikey:")
    assert len(times) == 2


def test_a_cache_between_two_guards_is_seen():
    both = cached(keyed(whoami))
    mount_view(keyed(both))
    assert [call("get", "/view", headers).status_code for headers in (ADA, BOB)] == [200, 200]
    everybody = protect(auth=[], guards=[AllowAny()])
    mount_view(keyed(cached(everybody(lambda request: HttpResponse(request.headers["X-API-Key"])))))
    assert [wsgi("get", "/view", headers).status_code for headers in (ADA, BOB)] == [500, 500]


IDENTIFY = "boltguard.middleware.BoltguardMiddleware"
UPDATE, FETCH = "django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=KEYS["auth"])
@pytest.mark.parametrize("view", [whoami, awhoami])
def test_the_middleware_sends_no_cached_response_of_another(view):
    mount_view(cached(view))
    for headers in (ADA, BOB):
        assert call("get", "/view", headers).status_code == 500
    caches["default"].clear()
    mount_view(cached(vary_on_headers("X-API-Key")(view)))
    assert call("get", "/view", ADA).json() != call("get", "/view", BOB).json()


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=KEYS["auth"])
def test_anonymous_callers_receive_cached_pages():
    mount_view(cached(lambda request: HttpResponse("front page")))
    assert [call("get", "/view").status_code for _ in range(2)] == [200, 200]


@override_settings(BOLT_AUTHENTICATION_CLASSES=KEYS["auth"])
@pytest.mark.parametrize("order", [[UPDATE, FETCH, IDENTIFY], [UPDATE, IDENTIFY, FETCH], [IDENTIFY, UPDATE, FETCH]])
def test_the_cache_of_a_whole_site_never_mixes_callers_up(order):
    mount_view(whoami)
    with override_settings(MIDDLEWARE=order):
        responses = [call("get", "/view", headers) for headers in (ADA, BOB)]
    if order[0] == IDENTIFY:
        assert [response.status_code for response in responses] == [500, 500]
    else:
        assert responses[0].json() != responses[1].json()


@override_settings(MIDDLEWARE=[UPDATE, FETCH, IDENTIFY], BOLT_AUTHENTICATION_CLASSES=KEYS["auth"])
def test_a_view_can_set_when_its_response_expires_in_the_site_cache():
    def view(request):
        response = whoami(request)
        response["Expires"] = "Thu, 01 Jan 2099 00:00:00 GMT"
        return response

    mount_view(view)
    assert call("get", "/view", ADA).json() != call("get", "/view", BOB).json()


# Lines in the log


@pytest.mark.parametrize("debug", [False, True])
def test_path_can_not_begin_a_log_line(caplog, debug):
    caplog.set_level(logging.DEBUG, "boltguard")
    mount(re_path(r"^(?s:.*)$", keyed(whoami)))
    with override_settings(DEBUG=debug):
        response = wsgi("get", "/x%0AGET%20/admin%20refused%1b[2J%E2%80%A8")
    assert response.status_code == 401
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("boltguard")]
    assert len(lines) == 1 + debug
    assert all(line.startswith("GET /x\\nGET /admin refused\\x1b[2J\\u2028 refused") for line in lines)


def test_method_can_not_begin_a_log_line(caplog):
    caplog.set_level(logging.INFO, "boltguard")
    request = RequestFactory().generic("GE\nT", "/view")
    assert keyed(whoami)(request).status_code == 401
    assert caplog.records[-1].getMessage().startswith("GE\\nT /view refused")


# Values that are invalid, or that can't be represented


class Tree(msgspec.Struct):
    name: str = ""
    child: "Tree | None" = None
    size: int = 0
    weight: float = 0
    price: Decimal = Decimal(0)
    lasts: timedelta = timedelta()
    starts: datetime | None = None
    rest: Any = None


class Unforgiving(Enum):
    FINE = "fine"

    @classmethod
    def _missing_(cls, value):
        raise OverflowError(value)


def anything(request, tree: Tree):
    return {"name": tree.name}


async def aanything(request, tree: Tree):
    return {"name": tree.name}


def nested(opening, closing, inner="0", times=100_000):
    return opening * times + inner + closing * times


BODIES = {
    "lists": '{"rest":' + nested("[", "]") + "}",
    "objects": '{"rest":' + nested('{"a":', "}") + "}",
    "structs": nested('{"child":', "}", "null"),
    "lists that never end": '{"rest":' + "[" * 100_000,
    "an unknown field": '{"other":' + nested("[", "]") + "}",
    "an integer": '{"size":' + "9" * 10_000 + "}",
    "an integer's exponent": '{"size":1e400}',
    "a float": '{"weight":-1e999}',
    "a decimal": '{"price":"1e' + "9" * 30 + '"}',
    "a decimal's digits": '{"price":1e' + "9" * 30 + "}",
    "a duration": '{"lasts":"P99999999999D"}',
    "a date": '{"starts":"10000-01-01T00:00:00Z"}',
    "a date's second": '{"starts":"9999-12-31T23:59:61Z"}',
    "a surrogate": b'{"name":"\\xed\\xa0\\x80"}',
    "half a character": b'{"name":"\\xc3"}',
    "no UTF-8": b"\\xff\\xfe{",
}


@pytest.mark.parametrize("handler", [anything, aanything])
@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_cant_be_held_is_422(what, handler):
    api = BoltAPI(auth=[], guards=[AllowAny()])
    api.post("/trees")(handler)
    mount(api=api)
    response = wsgi("post", "/trees", body=BODIES[what])
    assert (response.status_code, response.json()["code"]) == (422, "invalid_body")
    assert "9" * 20 not in response.json()["detail"]


VALUES = ["9" * 5000, "-" + "9" * 400, "1e999", "1e" + "9" * 30, "P99999999999D", "10000-01-01", "%ff", "%00", "x"]


@pytest.mark.parametrize("kind", [int, Decimal, timedelta, datetime, UUID, Unforgiving, list[int], Literal[1]])
@pytest.mark.parametrize("value", VALUES)
def test_a_value_that_cant_be_held_is_422_in_a_query_and_in_a_path(value, kind):
    api = BoltAPI(auth=[], guards=[AllowAny()])

    @api.get("/query")
    def query(value: kind):
        return "held"

    mount(api=api)
    response = wsgi("get", f"/query?value={value}")
    assert response.status_code in (200, 422)
    if kind is list[int]:
        return

    @api.get("/path/{value}")
    def in_path(value: kind):
        return "held"

    mount(api=api)
    response = wsgi("get", f"/path/{value}")
    assert response.status_code in (200, 422)
    if response.status_code == 422:
        assert (response.json()["code"], response.json()["loc"]) == ("invalid_path", ["path", "value"])


def test_invalid_path_is_only_reported_to_allowed_callers():
    api = BoltAPI(**KEYS)

    @api.get("/art/{number}")
    async def art(number: int):
        return number

    @api.delete("/art/{piece}")
    def remove(piece: int):
        return None

    mount(api=api)
    assert call("get", "/art/x").status_code == 401
    response = call("get", "/art/x", ADA)
    assert response.status_code == 422
    assert response.json() == {"detail": "Expected `int`, got `str`", "code": "invalid_path", "loc": ["path", "number"]}
    assert call("delete", "/art/x", ADA).json()["loc"] == ["path", "piece"]
    assert call("put", "/art/x", ADA).status_code == 405
    assert call("get", "/art/7", ADA).json() == 7
    assert call("get", "/art/-7", ADA).json() == -7


def test_a_path_that_does_not_fit_one_route_may_fit_another():
    api = BoltAPI(auth=[], guards=[AllowAny()])

    @api.get("/art/{number}")
    def by_number(number: int):
        return {"number": number}

    @api.get("/art/newest")
    def newest():
        return "newest"

    @api.get("/books/{number:int}")
    def book(number):
        return number

    mount(api=api)
    assert get("/art/newest").json() == "newest"
    assert get("/art/7").json() == {"number": 7} and get("/art/oldest").status_code == 422
    assert get("/books/x").status_code == 404, "rejected by Django's own converter"
    assert reverse("by_number", kwargs={"number": 7}) == "/art/7"

    @api.get("/art/{name}")
    def by_name(name: str):
        return {"name": name}

    mount(api=api)
    assert get("/art/oldest").json() == {"name": "oldest"} and get("/art/7").json() == {"number": 7}


# Views that don't return a response


class Forgetful(View):
    def get(self, request):
        pass


class ForgetfulAsync(View):
    async def get(self, request):
        pass


def sync_only(view):
    """A decorator without support for async views."""
    return lambda request: view(request)


FORGETFUL = {
    "function": (lambda request: None, "It returned None instead"),
    "text": (lambda request: "done", "It returned a str instead"),
    "class": (Forgetful.as_view(), "It returned None instead"),
    "async class": (ForgetfulAsync.as_view(), "It returned None instead"),
    "cached": (lambda request: setattr(request, "_cache_update_cache", True), "It returned None instead"),
    "hidden async": (sync_only(awhoami), "returned a coroutine. A decorator between `protect` and an async view"),
}


@pytest.mark.parametrize("guard", [IsAuthenticated(), IsAuthenticated() & Owner("author")], ids=str)
@pytest.mark.parametrize("name", FORGETFUL)
@pytest.mark.filterwarnings("error")
def test_a_view_that_returns_no_response_is_an_error(name, guard, caplog):
    view, says = FORGETFUL[name]
    mount_view(protect(auth=KEYS["auth"], guards=[guard])(view))
    assert call("get", "/view", ADA).status_code == 500
    assert caplog.text.count(f"{says}") == 2, "from both handlers"
    assert "test_django_hostile" in caplog.text


@pytest.mark.filterwarnings("error")
def test_a_handler_whose_async_is_hidden_is_an_error(caplog):
    api = BoltAPI(**KEYS)
    api.get("/view")(sync_only_with_request(awhoami))
    mount(api=api)
    assert call("get", "/view", ADA).status_code == 500
    assert "The handler returned a coroutine" in caplog.text


def sync_only_with_request(view):
    def handler(request):
        return view(request)

    return handler


# Objects


@pytest.mark.parametrize(("content", "status"), [(b"", 405), (b"the draft of Ada", 500)])
def test_a_405_with_something_in_it_needs_an_object(content, status):
    guard = IsAuthenticated() & Owner("author")
    mount_view(protect(auth=KEYS["auth"], guards=[guard])(lambda request: HttpResponseNotAllowed(["GET"], content)))
    response = call("get", "/view", ADA)
    assert response.status_code == status and b"draft" not in response.content


# Claims


def test_a_view_changes_no_claims_for_others():
    context = []

    def view(request):
        context.append(request.context)
        request.context["auth_claims"]["sub"] = "2"
        request.context["auth_claims"]["roles"].append("admin")
        request.context["permissions"].append("*")
        request.context.get("auth_claims").clear()
        dict(request.context.items())["permissions"].clear()
        return whoami(request)

    mount_view(protect(auth=[JWTAuthentication()], guards=[HasPermission("a.b")])(view))
    claims = {"sub": "1", "roles": ["reader"], "permissions": ["a.b"]}
    assert wsgi("get", "/view", bearer(**claims)).json() == {"user_id": "1"}
    kept = context[0]["auth_claims"]
    assert {name: kept[name] for name in claims} == claims and context[0]["permissions"] == ["a.b"]


# Excessively large guards


def test_a_guard_has_a_size():
    one = HasPermission("a")
    for join in (operator.and_, operator.or_):
        most = functools.reduce(join, [one] * 1000)
        for pair in ((most, IsStaff()), (IsStaff(), most)):
            with pytest.raises(ImproperlyConfigured, match="1000 atoms.* several permissions with one"):
                join(*pair)
        with pytest.raises(ImproperlyConfigured, match="1000 atoms"):
            protect(auth=[], guards=[~most, IsStaff()])
        assert Guard.parse(str(most)) == most
    deep = functools.reduce(lambda guard, number: one & guard if number % 2 else one | guard, range(63), one)
    with pytest.raises(ImproperlyConfigured, match="64 levels"):
        one | (one & deep)
    for many in (HasAnyPermission, HasAllPermissions):
        with pytest.raises(ImproperlyConfigured, match="1000 atoms"):
            many(f"p{number}" for number in range(1001))
    with pytest.raises(ImproperlyConfigured, match="65536 bytes"):
        IsStaff() & HasPermission("x" * 70_000)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: HasAnyPermission("a", ["b"]), r"^HasAnyPermission: \['b'\] is not the name of a permission"),
        (lambda: HasAllPermissions(["a", 7]), "^HasAllPermissions: 7 is not the name of a permission"),
        (lambda: HasAllPermissions(7), "^HasAllPermissions: 7 is not the name of a permission"),
        (lambda: HasAnyPermission([["a", "b"]]), "^HasAnyPermission: .* is not the name of a permission"),
        (lambda: HasAnyPermission([]), "^HasAnyPermission requires at least one permission"),
        (lambda: HasClaim(""), r"^HasClaim\(''\): the name of a claim must be a string"),
        (lambda: HasClaim(["tenant"], "acme"), "^HasClaim.*: the name of a claim must be a string"),
        (lambda: Guard.parse('claim("")'), "a claim name must not be empty"),
    ],
)
def test_a_guard_that_can_not_be_built_is_named(build, says):
    with pytest.raises(ImproperlyConfigured, match=says):
        build()
