"""Response caches inside a gate: no response for one caller is served to another."""

import asyncio

import pytest
from django.core.cache import caches
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import override_settings
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control, cache_page
from django.views.decorators.http import condition
from django.views.decorators.vary import vary_on_cookie, vary_on_headers
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Authentication,
    Identity,
    IsAuthenticated,
    JWTAuthentication,
    SessionAuthentication,
)
from boltguard.auth.users import GATES
from boltguard.drf import BoltguardAuthentication

from support import asgi, bearer, mount, mount_view, wsgi

IDENTIFY = "boltguard.middleware.BoltguardMiddleware"
UPDATE, FETCH = "django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"
WHOLE = "django.middleware.cache.CacheMiddleware"
BACKENDS = [
    APIKeyAuthentication({"key-of-ada", "key-of-bob"}),
    JWTAuthentication(),
    JWTAuthentication(header="x-token"),
]
CALLERS = {
    "api key": {"X-API-Key": "key-of-ada"},
    "bearer": bearer(sub="ada"),
    "other header": {"X-Token": bearer(sub="ada")["Authorization"]},
}
cached = cache_page(60)


@pytest.fixture(autouse=True)
def _empty_caches():
    caches["default"].clear()


@pytest.fixture(params=["sync", "async"])
def send(request):
    """One request. Not both in one test, because a response cached by the first would be served to the second."""
    if request.param == "sync":
        return lambda headers, url="/view": wsgi("get", url, headers)
    return lambda headers, url="/view": asyncio.run(asgi("get", url, headers))


def whoami(request):
    return JsonResponse({"user_id": request.context["user_id"], "error": request.context.get("auth_error")})


async def awhoami(request):
    return whoami(request)


def careless(request):
    """A view that sets its own `context`."""
    response = whoami(request)
    request.context = {}
    return response


def template(request):
    page = engines["django"].from_string("{{ user_id }}")
    return TemplateResponse(request, page, {"user_id": request.context["user_id"]})


def anonymous(response):
    return response.status_code == 200 and b"ada" not in response.content and b"apikey" not in response.content


@override_settings(BOLT_AUTHENTICATION_CLASSES=BACKENDS)
@pytest.mark.parametrize("sent", CALLERS)
@pytest.mark.parametrize("view", [whoami, awhoami, careless, template])
@pytest.mark.parametrize("layers", [[IDENTIFY], [IDENTIFY, UPDATE, FETCH], [IDENTIFY, WHOLE]])
def test_anonymous_visitor_never_receives_a_callers_page(send, layers, view, sent):
    mount_view(cached(view) if layers == [IDENTIFY] else view)
    with override_settings(MIDDLEWARE=layers):
        send(CALLERS[sent])
        assert anonymous(send({}))


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
@pytest.mark.parametrize("said", ["Private", "no-store", "no-cache", "max-age=600", "s-maxage=600"])
def test_response_to_a_caller_is_never_stored(send, said):
    @cached
    def view(request):
        response = whoami(request)
        response["Cache-Control"] = said
        return response

    mount_view(view)
    send(CALLERS["api key"])
    assert anonymous(send({}))


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
@pytest.mark.parametrize("vary", ["*", "Accept", "X-Token", "X-API-Keys"])
def test_another_vary_does_not_store_a_callers_response(send, vary):
    mount_view(cached(vary_on_headers(vary)(whoami)))
    send(CALLERS["api key"])
    assert anonymous(send({}))


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
def test_blanks_in_vary_tell_callers_apart_all_the_same(send):
    @cached
    def view(request):
        response = whoami(request)
        response["Vary"] = "Accept , X-API-Key ,"
        return response

    mount_view(view)
    assert send(CALLERS["api key"]).status_code == 200
    assert anonymous(send({}))
    assert send({"X-API-Key": "key-of-bob"}).content != send(CALLERS["api key"]).content


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
def test_failure_of_a_token_is_not_shown_to_the_next_visitor(send):
    mount_view(cached(whoami))
    first = send(bearer(sub="ada", exp=1))
    assert (first.status_code, first.json()["error"]) == (200, "token_expired")
    assert send({}).json() == {"user_id": None, "error": None}


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
def test_a_caller_does_not_get_the_cached_page_of_anonymous_visitors(send):
    mount_view(cached(vary_on_headers("X-API-Key", "Authorization", "X-Token")(whoami)))
    assert anonymous(send({}))
    for sent in CALLERS.values():
        assert send(sent).json()["user_id"] is not None
    mount_view(cached(cache_control(max_age=600)(whoami)))
    assert anonymous(send({}, "/view?other"))
    # Refused, because the view doesn't declare whom its page is for; never the page of the previous visitor.
    assert send(CALLERS["api key"], "/view?other").status_code == 500


def times_called(decorate, send, requests):
    times = []

    def view(request):
        times.append(1)
        return HttpResponse("front page")

    mount_view(decorate(view))
    assert {send(headers).status_code for headers in requests} == {200}
    return len(times)


OPEN = {
    "middleware": cached,
    "protect inside": lambda view: cached(protect(auth=BACKENDS, guards=[AllowAny()])(view)),
    "protect outside": lambda view: protect(auth=BACKENDS, guards=[AllowAny()])(cached(view)),
}


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
@pytest.mark.parametrize("way", OPEN)
def test_pages_for_anonymous_visitors_stay_cached(send, way):
    assert times_called(OPEN[way], send, [{}, {}, {}]) == 1


@pytest.mark.parametrize("way", ["protect inside", "protect outside"])
def test_pages_for_anonymous_visitors_stay_cached_without_the_middleware(send, way):
    assert times_called(OPEN[way], send, [{}, {}, {}]) == 1


@override_settings(MIDDLEWARE=[IDENTIFY, UPDATE, FETCH], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
def test_a_site_wide_cache_still_serves_anonymous_visitors(send):
    assert times_called(lambda view: view, send, [{}, {}]) == 1


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
def test_a_public_page_is_shared_by_all(send):
    public = [{}, *CALLERS.values()]
    assert times_called(lambda view: cached(cache_control(public=True)(view)), send, public) == 1


def test_views_that_no_gate_looks_at_are_cached_as_ever(send):
    assert times_called(cached, send, [{"X-API-Key": "key-of-ada"}, {}]) == 1


def routed(handler):
    api = BoltAPI(auth=BACKENDS)
    api.get("/view", guards=[AllowAny()])(handler)
    return lambda: mount(api=api)


def drf(respond):
    class Known(BoltguardAuthentication):
        backends = BACKENDS

    class View(APIView):
        authentication_classes = [Known]

        @method_decorator(cached)
        def get(self, request):
            return respond(request.auth["user_id"] if request.auth else "unknown")

    return lambda: mount_view(View.as_view())


INSIDE = {
    "protect": lambda: mount_view(protect(auth=BACKENDS, guards=[AllowAny()])(cached(whoami))),
    "async protect": lambda: mount_view(protect(auth=BACKENDS, guards=[AllowAny()])(cached(awhoami))),
    "route": routed(cached(whoami)),
    "async route": routed(cached(awhoami)),
    "drf": drf(HttpResponse),
    "drf response": drf(Response),
}


@pytest.mark.parametrize("sent", CALLERS)
@pytest.mark.parametrize("way", INSIDE)
def test_cache_inside_a_public_gate_stores_no_caller(send, way, sent):
    INSIDE[way]()
    send(CALLERS[sent])
    assert anonymous(send({}))
    assert send(CALLERS[sent]).status_code in (200, 500)
    assert anonymous(send({}))


def test_cache_inside_a_drf_view_distinguishes_callers(send):
    INSIDE["drf response"]()
    assert anonymous(send({}))
    assert b"apikey" in send(CALLERS["api key"]).content


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
def test_conditional_responses_tell_callers_apart(send):
    etag = condition(etag_func=lambda request: f'"{request.context["user_id"]}"')
    mount_view(etag(whoami))
    mine = send(CALLERS["api key"])
    assert mine["ETag"] != send({})["ETag"] and mine["Cache-Control"] == "private"


@override_settings(MIDDLEWARE=[IDENTIFY], BOLT_AUTHENTICATION_CLASSES=BACKENDS)
def test_a_page_that_varies_on_cookies_is_kept_out_too(send):
    mount_view(cached(vary_on_cookie(whoami)))
    send(CALLERS["api key"])
    assert anonymous(send({}))


def test_a_request_that_enters_a_gate_repeatedly_records_it_once():
    request = HttpRequest()
    view, other = (protect(auth=BACKENDS, guards=[AllowAny()])(lambda request: HttpResponse()) for _ in range(2))
    for _ in range(3):
        view(request)
        other(request)
    assert len(getattr(request, GATES)) == 2


def order_ids(*layers):
    with override_settings(MIDDLEWARE=list(layers)):
        return [message.id for message in run_checks() if message.id == "boltguard.E005"]


@pytest.mark.parametrize("layers", [[IDENTIFY, UPDATE, FETCH], [IDENTIFY, WHOLE], [UPDATE, IDENTIFY, WHOLE]])
def test_the_order_of_caches_and_middleware_is_checked_at_start(layers):
    assert order_ids(*layers) == ["boltguard.E005"]


@pytest.mark.parametrize("layers", [[UPDATE, IDENTIFY, FETCH], [UPDATE, FETCH, IDENTIFY], [IDENTIFY], [UPDATE, FETCH]])
def test_orders_that_tell_callers_apart_pass_the_check(layers):
    assert order_ids(*layers) == []


@pytest.mark.parametrize("order", [[UPDATE, IDENTIFY, FETCH], [UPDATE, FETCH, IDENTIFY]])
@override_settings(BOLT_AUTHENTICATION_CLASSES=BACKENDS)
def test_a_cache_outside_stores_a_page_for_its_caller_alone(send, order):
    """A view may set how long a page about its caller is stored: it is stored for that caller."""
    mount_view(cache_control(max_age=600)(whoami))
    with override_settings(MIDDLEWARE=order):
        ids = [send(headers).json()["user_id"] for headers in [*CALLERS.values(), {}, *CALLERS.values()]]
    assert ids[:3] == ids[4:] and ids[3] is None and None not in ids[:3]


@pytest.mark.parametrize("guards", [[IsAuthenticated()], [AllowAny()]])
def test_a_refusal_is_never_stored(send, guards):
    mount_view(cached(protect(auth=BACKENDS, guards=guards)(whoami)))
    refused = send({})
    assert refused.status_code == (401 if guards[0] == IsAuthenticated() else 200)
    assert send(CALLERS["api key"]).json()["user_id"].startswith("apikey:")


class ByQuery(Authentication):
    """Reads no header."""

    name = "query"
    callers = iter("abcdefghijkl")

    def authenticate(self, request):
        return Identity(next(self.callers))


def test_a_caller_whom_no_header_identifies_is_served_by_no_cache(send):
    protected = protect(auth=[ByQuery()], guards=[IsAuthenticated()])
    for view in (protected(whoami), cached(protected(whoami)), protected(cached(whoami))):
        mount_view(view)
        first, second = send({}), send({})
        assert first.status_code == second.status_code == 200
        assert first.content != second.content
        assert first["Cache-Control"] == second["Cache-Control"] == "private"


COOKIES = {"Cookie": "theme=dark"}


def visitors(*backends):
    return lambda view: protect(auth=backends, guards=[AllowAny()])(view)


WAYS = {
    "outside": lambda gate: lambda view: cached(gate(view)),
    "inside": lambda gate: lambda view: gate(cached(view)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sent", [{}, COOKIES])
def test_a_backend_of_another_view_does_not_end_the_cache(send, sent, way):
    other = protect(auth=[SessionAuthentication()])(whoami)
    assert times_called(WAYS[way](visitors(JWTAuthentication())), send, [sent, sent]) == 1
    assert other is not None


@pytest.mark.parametrize("sent", [{}, COOKIES])
def test_a_backend_of_another_view_of_drf_does_not_end_the_cache(send, sent):
    other = protect(auth=[SessionAuthentication()])(whoami)
    INSIDE["drf response"]()
    first = send(sent)
    assert (first.status_code, "Expires" in first) == (200, True)
    assert {"X-Api-Key", "Authorization", "X-Token"} <= set(first["Vary"].split(", "))
    assert other is not None


def test_visitors_of_a_view_with_sessions_are_cached_by_their_cookies(send):
    gate = visitors(SessionAuthentication())
    assert times_called(WAYS["outside"](gate), send, [{}, {}]) == 1
    caches["default"].clear()
    pages = [COOKIES, {"Cookie": "theme=light"}]
    assert times_called(WAYS["outside"](gate), send, [*pages, *pages]) == 2


class ByAddress(Authentication):
    """Reads no header, and accepts none of the addresses here."""

    name = "address"

    def authenticate(self, request):
        return None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("backends", [[ByAddress()], [JWTAuthentication(), ByAddress()]])
def test_anonymous_pages_are_not_cached_where_no_header_identifies_callers(send, backends, way):
    gate = visitors(*backends)
    assert times_called(WAYS[way](gate), send, [{}, {}]) == 2
    assert send({})["Cache-Control"] == "private"
    said = cache_control(max_age=600)
    assert times_called(lambda view: WAYS[way](gate)(said(view)), send, [{}, {}]) == 2
    public = cache_control(public=True)
    assert times_called(lambda view: WAYS[way](gate)(public(view)), send, [{}, {}]) == 1


def test_a_token_does_not_make_a_page_cacheable_that_another_backend_may_identify(send):
    gate = visitors(ByAddress(), JWTAuthentication())
    view = vary_on_headers("Authorization")
    sent = CALLERS["bearer"]
    assert times_called(lambda page: WAYS["inside"](gate)(view(page)), send, [sent, sent]) == 2


@override_settings(MIDDLEWARE=[UPDATE, IDENTIFY, FETCH], BOLT_AUTHENTICATION_CLASSES=[ByAddress()])
def test_a_site_wide_cache_keeps_no_page_where_no_header_identifies_callers(send):
    assert times_called(lambda view: view, send, [{}, {}]) == 2


def test_a_cache_inside_of_a_view_of_drf_keeps_no_page_where_no_header_identifies_callers(send):
    class Known(BoltguardAuthentication):
        backends = [ByAddress()]

    calls = []

    class View(APIView):
        authentication_classes = [Known]

        @method_decorator(cached)
        def get(self, request):
            calls.append(1)
            return HttpResponse("page")

    mount_view(View.as_view())
    assert [send({}).status_code, send({}).status_code, len(calls)] == [200, 200, 2]
