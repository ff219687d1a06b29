"""`BoltAPI`: paths, methods, parameters, bodies and responses, on Django's own resolver."""

import asyncio
import datetime
import enum
import textwrap
import uuid
from typing import Annotated, Any, Literal, Optional

import msgspec
import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import connections
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.test import AsyncClient, Client, TransactionTestCase, override_settings
from django.urls import path, reverse
from django.utils.translation import gettext_lazy

from boltguard import BoltAPI, Depends, protect
from boltguard.auth import AllowAny, HasPermission, IsAuthenticated, JWTAuthentication
from boltguard.exceptions import Forbidden, HTTPException, Unauthorized

from people.models import Note
from support import bearer, call, get, mount, wsgi


class Colour(enum.Enum):
    RED = "red"


class Item(msgspec.Struct):
    name: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


class Order(msgspec.Struct):
    items: list[Item]


def api_of(**handlers):
    """An api with GET handlers by path name."""
    api = BoltAPI()
    for name, handler in handlers.items():
        api.get(f"/{name}")(handler)
    mount(api=api)
    return api


# Paths and methods


def test_path_parameters_have_their_annotated_type():
    api = BoltAPI()

    @api.get("/int/{n}")
    async def number(n: int):
        return [type(n).__name__, n]

    @api.get("/uuid/{u}")
    def unique(u: uuid.UUID):
        return [type(u).__name__, u]

    @api.get("/str/{s}/end")
    def text(s: str):
        return [type(s).__name__, s]

    @api.get("/enum/{c}")
    def colour(c: Colour):
        return [type(c).__name__, c]

    @api.get("/date/{d}")
    def date(d: datetime.date):
        return [type(d).__name__, d]

    @api.get("/files/{name:path}")
    def files(name):
        return name

    mount(api=api)
    unique_text = "6f1b7f7e-0b7c-4d0e-8a53-0a9c8f4f4d1e"
    assert get("/int/7").json() == ["int", 7]
    assert get(f"/uuid/{unique_text}").json() == ["UUID", unique_text]
    assert get("/str/a b/end").json() == ["str", "a b"]
    assert get("/enum/red").json() == ["Colour", "red"]
    assert get("/date/2026-11-24").json() == ["date", "2026-11-24"]
    assert get("/files/a/b.txt").json() == "a/b.txt"
    for unfit, name in {"/int/x": "n", "/uuid/7": "u", "/enum/blue": "c"}.items():
        assert get(unfit).status_code == 422 and get(unfit).json()["loc"] == ["path", name]


def test_one_path_serves_several_methods():
    api = BoltAPI()

    @api.get("/items/{number}")
    async def read(number: int):
        return {"read": number}

    @api.delete("/items/{item}")
    def remove(item: int):
        return {"removed": item}

    @api.put("/items/{number}")
    async def replace(number: int, item: Item):
        return {"replaced": number, "name": item.name}

    @api.patch("/items/{number}")
    def change(number: int):
        return None

    mount(api=api)
    assert get("/items/7").json() == {"read": 7}
    assert call("delete", "/items/7").json() == {"removed": 7}
    assert call("put", "/items/7", body={"name": "n"}).json() == {"replaced": 7, "name": "n"}
    assert call("patch", "/items/7").status_code == 204
    refused = call("post", "/items/7", body={})
    assert refused.status_code == 405
    assert refused["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert refused.json()["code"] == "method_not_allowed"


def test_head_and_options():
    api_of(x=lambda: {"a": 1})
    assert call("head", "/x").status_code == 200
    options = call("options", "/x")
    assert options.status_code == 200 and options["Allow"] == "GET, HEAD, OPTIONS"


def test_an_api_mounts_anywhere_and_reverses():
    api = BoltAPI(namespace="v1")

    @api.get("/articles/{number}", name="article")
    def article(number: int):
        return {}

    mount(path("api/", api.urls))
    assert reverse("v1:article", kwargs={"number": 3}) == "/api/articles/3"
    assert get("/api/articles/3").status_code == 200

    @api.get("/late")
    def late():
        return {}

    mount(path("api/", api.urls))
    assert get("/api/late").status_code == 200


def test_registrations_that_can_not_work_are_refused():
    api = BoltAPI()
    api.get("/x")(lambda: {})
    with pytest.raises(ImproperlyConfigured, match="GET /x already has a handler"):
        api.get("/x")(lambda: {})
    with pytest.raises(ImproperlyConfigured, match="start with a slash"):
        api.get("x2")(lambda: {})
    for bad in ("/a/{", "/a/{b", "/a/{1}", "/a/{b}/{b}", "/a/<int:b>"):
        with pytest.raises(ImproperlyConfigured, match="can't be read"):
            api.get(bad)(lambda b: {})
    with pytest.raises(ImproperlyConfigured, match="no parameter accepts b"):
        api.get("/b/{b}")(lambda: {})
    with pytest.raises(ImproperlyConfigured, match="'q' has no annotation"):
        api.get("/c")(lambda q: {})
    with pytest.raises(ImproperlyConfigured, match="can't have a request body"):
        api.get("/d")(body_handler)
    with pytest.raises(ImproperlyConfigured, match="can't be passed as a keyword argument"):
        api.get("/e")(lambda *args: {})
    with pytest.raises(ImproperlyConfigured, match="the argument must be a function"):
        Depends("name")


def body_handler(item: Item):
    return item


def test_an_annotation_that_does_not_resolve_is_refused():
    """With `from __future__ import annotations`, a local class would silently become a query parameter."""
    source = """
        from __future__ import annotations

        def register(api):
            import msgspec

            class Local(msgspec.Struct):
                name: str

            @api.post("/local")
            def handler(item: Local):
                return {}
    """
    names = {"__name__": "later"}
    exec(textwrap.dedent(source), names)
    with pytest.raises(ImproperlyConfigured, match="can't be resolved.*Local"):
        names["register"](BoltAPI())


# Query and body


def test_query_parameters_are_converted():
    def handler(q: str, limit: int = 10, on: bool = False, tag: list[str] = [], day: datetime.date | None = None, n=1):  # noqa: B006
        return [q, limit, on, tag, day, n]

    api_of(search=handler)
    assert get("/search?q=a").json() == ["a", 10, False, [], None, 1]
    assert get("/search?q=a&limit=5&on=true&tag=x&tag=y&day=2026-11-24&n=3").json() == [
        "a", 5, True, ["x", "y"], "2026-11-24", 3,
    ]  # fmt: skip
    wrong = get("/search?q=a&limit=many")
    assert wrong.status_code == 422
    assert wrong.json() == {"detail": "Expected `int`, got `str`", "code": "invalid_query", "loc": ["query", "limit"]}
    missing = get("/search")
    assert missing.status_code == 422 and "`q`" in missing.json()["detail"]


@pytest.mark.parametrize(
    ("query", "loc"),
    [
        ("", ["query", "first"]),
        ("first=1", ["query", "many"]),
        ("first=1&many=2", ["query", "last_one"]),
        ("last_one=3", ["query", "first"]),
        ("first=x", ["query", "first"]),
        ("first=1&many=2&many=x", ["query", "many", 1]),
        ("first=1&many=2&last_one=x", ["query", "last_one"]),
        ("first=1&many=2&last_one=3&option=x", ["query", "option"]),
    ],
)
def test_a_missing_query_parameter_is_named(query, loc):
    def handler(first: int, option: int = 0, *, many: list[int], last_one: int):
        return [first, option, many, last_one]

    async def ahandler(first: int, option: int = 0, *, many: list[int], last_one: int):
        return handler(first, option, many=many, last_one=last_one)

    api_of(sync=handler, asynchronous=ahandler)
    for name in ("sync", "asynchronous"):
        refused = get(f"/{name}?{query}")
        assert refused.status_code == 422
        assert (refused.json()["loc"], refused.json()["code"]) == (loc, "invalid_query")
    assert get("/sync?first=1&many=2&last_one=3").json() == [1, 0, [2], 3]


def test_a_missing_query_parameter_of_a_dependency_is_named():
    def page(number: int):
        return number

    api_of(search=lambda value=Depends(page): [value])
    assert get("/search").json()["loc"] == ["query", "number"]


def test_choices_in_a_query():
    api_of(sort=lambda_with_choice)
    assert get("/sort?by=name&c=red").json() == ["name", "red"]
    assert get("/sort?by=size&c=red").status_code == 422


def lambda_with_choice(by: Literal["name", "age"], c: Colour):
    return [by, c]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"items": [{"name": "a"}, {"name": 7}]}, ["body", "items", 1, "name"]),
        ({"items": [{"name": "a", "count": 0}]}, ["body", "items", 0, "count"]),
        ({}, ["body"]),
        ([], ["body"]),
        ("{broken", ["body"]),
        ("", ["body"]),
        (b"\xff\xfe", ["body"]),
    ],
)
def test_a_bad_body_is_422_with_the_place(body, loc):
    api = BoltAPI()

    @api.post("/order")
    async def order(order: Order):
        return {"count": len(order.items)}

    mount(api=api)
    assert call("post", "/order", body={"items": [{"name": "a"}]}).json() == {"count": 1}
    refused = call("post", "/order", body=body)
    assert refused.status_code == 422
    assert refused.json()["loc"] == loc and refused.json()["code"] == "invalid_body"


def test_form_data_is_rejected_with_a_remedy():
    api = BoltAPI()

    @api.post("/order")
    def order(order: Order):
        return {}

    mount(api=api)
    response = wsgi("post", "/order", data={"items": "a"})
    assert response.status_code == 415 and "application/json" in response.json()["detail"]


def test_the_guard_comes_before_the_body():
    api = BoltAPI()

    @api.post("/order", auth=[JWTAuthentication()], guards=[IsAuthenticated()])
    async def order(order: Order):
        return {}

    mount(api=api)
    assert call("post", "/order", body="{broken").status_code == 401


# Dependencies


def test_dependencies_take_what_handlers_take_and_run_once():
    calls = []

    def page(request, page: int = 1):
        calls.append(page)
        return page

    def double(page=Depends(page)):
        return page * 2

    async def triple(page=Depends(page)):
        return page * 3

    api = BoltAPI()

    @api.get("/sync/{name}")
    def sync(name: str, one=Depends(page), two=Depends(double)):
        return [name, one, two]

    @api.get("/async")
    async def not_sync(one=Depends(page), two=Depends(double), three=Depends(triple)):
        return [one, two, three]

    mount(api=api)
    assert get("/sync/a?page=4").json() == ["a", 4, 8]
    assert get("/async?page=4").json() == [4, 8, 12]
    assert calls == [4, 4, 4, 4]
    with pytest.raises(ImproperlyConfigured, match="requires an async handler"):
        api.get("/bad")(lambda x=Depends(triple): {})


def test_a_sync_dependency_of_an_async_handler_may_ask_the_database():
    def count():
        return Note.objects.count()

    async def handler(n=Depends(count)):
        return n

    api_of(count=handler)
    assert get("/count").json() == 0


# Responses


def test_responses_of_every_kind():
    api_of(
        dict=lambda: {"a": uuid.UUID(int=1), "b": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)},
        list=lambda: [1, "zażółć", None],
        struct=lambda: Item("n"),
        none=lambda: None,
        response=lambda: HttpResponse("<p>", status=418),
        stream=lambda: StreamingHttpResponse(iter([b"a", b"b"])),
        lazy=lambda: {"t": gettext_lazy("text")},
        context=lambda request: request.context,
        number=lambda: 7,
    )
    assert get("/dict").json() == {"a": str(uuid.UUID(int=1)), "b": "2026-01-02T00:00:00Z"}
    assert get("/list").json() == [1, "zażółć", None]
    assert get("/struct").json() == {"name": "n", "count": 1}
    assert get("/none").status_code == 204 and get("/none").content == b""
    assert get("/response").status_code == 418
    assert wsgi("get", "/stream").getvalue() == b"ab"
    assert get("/lazy").json() == {"t": "text"}
    assert get("/context").json()["user_id"] is None
    assert get("/number").json() == 7
    assert wsgi("get", "/dict")["Content-Type"] == "application/json"


def test_a_response_has_content_length():
    """Without it, some servers send chunks. No Django middleware adds it here."""

    async def handler():
        return {"a": 1}

    api_of(x=handler)
    response = asyncio.run(AsyncClient().get("/x"))
    assert response["Content-Length"] == str(len(response.content)) == "7"
    assert get("/x", Authorization="Bearer bad")["Content-Length"] == "7"


def test_a_result_that_is_not_json_is_an_error_of_the_handler():
    api_of(x=lambda: {"a": object()})
    assert get("/x").status_code == 500


def test_status_of_a_response():
    api = BoltAPI()
    api.post("/x", status=201)(lambda: {"made": True})
    mount(api=api)
    assert call("post", "/x").status_code == 201


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (HTTPException(409, "taken", {"X-A": "b"}), 409, "taken"),
        (HTTPException(429), 429, "Too Many Requests"),
        (Unauthorized(detail="who?"), 401, "who?"),
        (Forbidden(), 403, "Forbidden"),
        (Http404(), 404, "Not Found"),
        (PermissionDenied(), 403, "Forbidden"),
    ],
)
def test_exceptions_become_responses(error, status, detail, is_async):
    def sync():
        raise error

    async def not_sync():
        raise error

    api_of(x=not_sync if is_async else sync)
    response = get("/x")
    assert (response.status_code, response.json()["detail"]) == (status, detail)
    assert response.get("X-A") == getattr(error, "headers", {}).get("X-A")
    assert ("WWW-Authenticate" in response) == (status == 401)


def test_get_object_or_404_is_json():
    api_of(x=lambda: get_object_or_404(Note, pk=1))
    assert get("/x").json() == {"detail": "Not Found", "code": "not_found"}


# Django's own settings and decorators


def test_credentials_in_a_header_need_no_csrf_check():
    api = BoltAPI()
    api.post("/x", auth=[JWTAuthentication()], guards=[IsAuthenticated()])(lambda: {})
    mount(api=api)
    with override_settings(MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]):
        client = Client(enforce_csrf_checks=True)
        assert client.post("/x", headers=bearer(sub="1")).status_code == 200


def test_login_required_middleware_does_not_redirect():
    api = BoltAPI()
    api.get("/x", auth=[JWTAuthentication()], guards=[IsAuthenticated()])(lambda: {})
    mount(api=api)
    wanted = ["sessions.middleware.Session", "auth.middleware.Authentication", "auth.middleware.LoginRequired"]
    with override_settings(MIDDLEWARE=[f"django.contrib.{name}Middleware" for name in wanted]):
        assert get("/x").status_code == 401
        assert get("/x", **bearer(sub="1")).status_code == 200


def writer(error):
    def write():
        Note.objects.create(text="written")
        raise error

    return write


async def reader():
    return {}


class Atomic(TransactionTestCase):
    """`ATOMIC_REQUESTS` is an error for async views, and must roll back a sync one whose error becomes a response."""

    available_apps = ["django.contrib.auth", "django.contrib.contenttypes", "people", "boltguard", "boltguard.api_keys"]

    def setUp(self):
        settings = connections["default"].settings_dict
        settings["ATOMIC_REQUESTS"] = True
        self.addCleanup(settings.__setitem__, "ATOMIC_REQUESTS", False)

    def test_async_handlers_work(self):
        async def handler():
            return {"count": await Note.objects.acount()}

        api_of(x=handler)
        self.assertEqual(wsgi("get", "/x").json(), {"count": 0})

    def test_an_error_with_a_response_rolls_back(self):
        for error in (Forbidden(), Http404()):
            for shared in (False, True):
                with self.subTest(error=error, shared=shared):
                    api = BoltAPI()
                    api.post("/x")(writer(error))
                    if shared:
                        api.get("/x")(reader)
                    mount(api=api)
                    self.assertGreaterEqual(wsgi("post", "/x").status_code, 403)
                    self.assertEqual(Note.objects.count(), 0)

    def test_a_sync_handler_beside_an_async_one_keeps_its_transaction(self):
        api = BoltAPI()

        api.post("/x")(writer(RuntimeError()))
        api.get("/x")(reader)
        mount(api=api)
        self.assertEqual(wsgi("post", "/x").status_code, 500)
        self.assertEqual(Note.objects.count(), 0)


# Caches


def test_responses_are_not_shared_between_callers():
    """A site-wide cache would serve the first caller's response to the next one."""
    api = BoltAPI()

    @api.get("/me", auth=[JWTAuthentication()], guards=[AllowAny()])
    async def me(request):
        return {"user_id": request.context["user_id"]}

    mount(api=api)
    names = ["UpdateCacheMiddleware", "FetchFromCacheMiddleware"]
    with override_settings(MIDDLEWARE=[f"django.middleware.cache.{name}" for name in names]):
        assert get("/me").json() == {"user_id": None}
        assert get("/me", **bearer(sub="1")).json() == {"user_id": "1"}
        assert get("/me", **bearer(sub="2")).json() == {"user_id": "2"}
        assert get("/me").json() == {"user_id": None}
    response = get("/me", **bearer(sub="1"))
    assert response["Vary"] == "Authorization" and response["Cache-Control"] == "private"


# Defaults


def test_an_apis_own_defaults_and_a_routes_exceptions():
    api = BoltAPI(auth=[JWTAuthentication()], guards=[HasPermission("a.b")])
    api.get("/default")(lambda: {})
    api.get("/open", guards=[AllowAny()])(lambda: {})
    api.get("/unknown", auth=[])(lambda: {})
    mount(api=api)
    assert get("/default").status_code == 401
    assert get("/default", **bearer(sub="1")).status_code == 403
    assert get("/default", **bearer(sub="1", permissions=["a.b"])).status_code == 200
    assert get("/open").status_code == 200
    assert get("/unknown", **bearer(sub="1", permissions=["a.b"])).status_code == 401


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_request_is_one_call_into_rust(kind):
    api = BoltAPI(auth=[JWTAuthentication()], guards=[IsAuthenticated()])
    api.get("/sync")(lambda: {})
    api.get("/async")(reader)
    gate = api._endpoints[kind].operations["GET"].view_gate.gate
    check, calls = gate.check, []
    gate.check = lambda meta: calls.append(meta) or check(meta)
    mount(api=api)
    wsgi("get", f"/{kind}", bearer(sub="1"))
    assert len(calls) == 1


# Configuration that would be ignored


def test_the_status_of_a_route_is_that_of_an_empty_response_too():
    api = BoltAPI()
    api.post("/accepted", status=202)(lambda: None)
    api.post("/done")(lambda: None)
    mount(api=api)
    for route, status in (("/accepted", 202), ("/done", 204)):
        response = call("post", route)
        assert (response.status_code, response.content) == (status, b"")


@pytest.mark.parametrize("status", ["201", 201.0, True, None, 99, 600, 100])
def test_a_status_that_is_none_is_refused(status):
    with pytest.raises(ImproperlyConfigured, match="/x: status is "):
        BoltAPI().get("/x", status=status)


@pytest.mark.parametrize("method", ["GET,POST", "GET POST", "", None, ["GET"], "GÉT", "G/T"])
def test_a_method_that_is_none_is_refused(method):
    with pytest.raises(ImproperlyConfigured, match="/x: method is "):
        BoltAPI().route(method, "/x")


def test_a_namespace_that_is_none_is_refused():
    with pytest.raises(ImproperlyConfigured, match="namespace is 7"):
        BoltAPI(namespace=7)


def test_each_method_at_a_path_may_have_a_name():
    api = BoltAPI()
    api.get("/art/{number}", name="read")(lambda number: {"read": number})
    api.post("/art/{piece}", name="write")(lambda piece: {"written": piece})
    mount(api=api)
    assert reverse("read", kwargs={"number": "7"}) == reverse("write", kwargs={"piece": "7"}) == "/art/7"
    assert call("get", "/art/7").json() == {"read": "7"}
    assert call("post", "/art/7").json() == {"written": "7"}


def test_a_handler_that_is_protected_already_is_refused():
    with pytest.raises(ImproperlyConfigured, match="is already protected. Pass auth="):
        BoltAPI().get("/x")(protect(guards=[IsAuthenticated()])(lambda request: {}))


def caller_of(request):
    return request.context["user_id"]


def test_a_dependency_in_an_annotation_is_one():
    """It isn't taken from the body, which the client controls."""
    api = BoltAPI()

    @api.post("/me")
    def me(caller: Annotated[Any, Depends(caller_of)]):
        return {"caller": caller}

    @api.post("/async")
    async def asynchronous(caller: Annotated[dict, Depends(caller_of)]):
        return {"caller": caller}

    @api.post("/optional")
    def optional(caller: Optional[Annotated[dict, Depends(caller_of)]]):  # noqa: UP045 - an older spelling
        return {"caller": caller}

    mount(api=api)
    for route in ("/me", "/async", "/optional"):
        assert call("post", route, bearer(sub="1"), {"user_id": "2"}).json() == {"caller": "1"}


def test_a_dependency_that_is_not_clear_is_refused():
    def bare(caller=Depends):
        pass

    def annotated(caller: Annotated[Any, Depends]):
        pass

    def both(caller: Annotated[Any, Depends(caller_of)] = None):
        pass

    def below(caller: Optional[Annotated[Any, Depends(caller_of)]] = None):  # noqa: UP045 - an older spelling
        pass

    def twice(caller: Annotated[Any, Depends(caller_of), Depends(caller_of)]):
        pass

    for handler in (bare, annotated, both, below, twice):
        with pytest.raises(ImproperlyConfigured, match="parameter 'caller' (has Depends without|has a dependency and)"):
            BoltAPI().post("/x")(handler)
