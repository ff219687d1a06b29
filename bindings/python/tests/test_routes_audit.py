"""`manage.py boltguard_routes`: the listed routes, and the changes that it accepts."""

import functools
import io
import json

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.http import require_GET
from django.views.generic import TemplateView

from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Check,
    DenyAll,
    Guard,
    HasAllPermissions,
    HasPermission,
    InMemoryRevocation,
    IsAdminUser,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    Owner,
    ViaBackend,
)

from support import mount

JWT = JWTAuthentication()
KEYS = APIKeyAuthentication(api_keys={"a-secret-key-of-the-tests"})


def plain(request):
    return HttpResponse()


def run(*arguments, **options):
    out = io.StringIO()
    call_command("boltguard_routes", *arguments, stdout=out, **options)
    return out.getvalue()


def routes():
    """The listed guard and backends, by method and path."""
    listed = json.loads(run("--json"))
    return {f"{route['method']} {route['path']}": (route["guard"], route["backends"]) for route in listed}


def guarded(view=plain, guards=(IsStaff(),), auth=(JWT,)):
    return protect(auth=list(auth), guards=list(guards))(view)


class Page(View):
    def get(self, request):
        return HttpResponse()

    def post(self, request):
        return HttpResponse()


def page(**methods):
    return type("Page", (Page,), methods)


JWT_STAFF = ("staff", ["jwt(HS256)"])
UNPROTECTED = (None, [])


def test_routes_of_an_api_are_listed_by_method():
    api = BoltAPI(auth=[JWT], guards=[IsAuthenticated()])
    api.get("/articles/{number:int}")(lambda number: {})
    api.delete("/articles/{number:int}", auth=[JWT, KEYS], guards=[IsAdminUser() | HasPermission("a.b")])(
        lambda number: {}
    )
    api.post("/login", auth=[], guards=[AllowAny()])(lambda: {})

    @api.get("/books/{number}")
    def book(number: int):
        return number

    mount(path("api/", include([path("v1/", api.urls)])))
    assert routes() == {
        "GET /api/v1/books/<int:number>": ("authenticated", ["jwt(HS256)"]),
        "GET /api/v1/articles/<int:number>": ("authenticated", ["jwt(HS256)"]),
        "DELETE /api/v1/articles/<int:number>": ('admin | perm("a.b")', ["jwt(HS256)", "api_key(configured)"]),
        "POST /api/v1/login": ("allow_any", []),
    }


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (guarded(), {"ANY /x": JWT_STAFF}),
        (plain, {"ANY /x": UNPROTECTED}),
        (require_GET(guarded()), {"ANY /x": JWT_STAFF}),
        (cache_page(1)(guarded()), {"ANY /x": JWT_STAFF}),
        (functools.partial(guarded(), extra=1), {"ANY /x": JWT_STAFF}),
        (
            guarded(guarded(guards=[IsAdminUser()]), auth=[KEYS]),
            {"ANY /x": ("staff & admin", ["api_key(configured)", "jwt(HS256)"])},
        ),
        (page().as_view(), {"GET /x": UNPROTECTED, "POST /x": UNPROTECTED}),
        (guarded(page()).as_view(), {"GET /x": JWT_STAFF, "POST /x": JWT_STAFF}),
        (guarded(page().as_view()), {"GET /x": JWT_STAFF, "POST /x": JWT_STAFF}),
        (method_decorator(guarded, name="dispatch")(page()).as_view(), {"GET /x": JWT_STAFF, "POST /x": JWT_STAFF}),
        (method_decorator(guarded, name="get")(page()).as_view(), {"GET /x": JWT_STAFF, "POST /x": UNPROTECTED}),
        (page(post=guarded(Page.post)).as_view(), {"GET /x": UNPROTECTED, "POST /x": JWT_STAFF}),
        (
            guarded(page(post=guarded(Page.post, guards=[IsAdminUser()]))).as_view(),
            {"GET /x": JWT_STAFF, "POST /x": ("staff & admin", ["jwt(HS256)"])},
        ),
        (
            page(options=plain).as_view(),
            {"GET /x": UNPROTECTED, "POST /x": UNPROTECTED, "OPTIONS /x": UNPROTECTED},
        ),
        (page().as_view(http_method_names=["post"]), {"POST /x": UNPROTECTED}),
        (guarded(page()).as_view(http_method_names=["post"]), {"POST /x": JWT_STAFF}),
        (
            page(http_method_not_allowed=plain, http_method_names=["get"]).as_view(),
            {"GET /x": UNPROTECTED, "ANY /x": UNPROTECTED},
        ),
        (
            page(http_method_not_allowed=guarded(), http_method_names=["get"]).as_view(),
            {"GET /x": UNPROTECTED, "ANY /x": JWT_STAFF},
        ),
        (type("Own", (View,), {"dispatch": plain}).as_view(), {"ANY /x": UNPROTECTED}),
        (TemplateView.as_view(template_name="x"), {"GET /x": UNPROTECTED}),
    ],
)
def test_views_are_seen_however_they_are_wrapped(view, expected):
    mount(path("x", view))
    assert routes() == expected


def test_a_subclass_that_leaves_the_guard_out_is_unprotected():
    class Careless(guarded(page())):
        def dispatch(self, request):
            return self.get(request)

    mount(path("x", Careless.as_view()))
    assert routes()["GET /x"] == UNPROTECTED


def test_a_class_that_is_guarded_after_its_view_was_made_is_seen():
    late = page()
    mount(path("x", late.as_view()))
    guarded(late)
    assert routes()["GET /x"] == JWT_STAFF


def test_includes_regular_expressions_and_admin_are_listed():
    mount(re_path(r"^old/(?P<number>\d+)$", plain), path("admin/", admin.site.urls))
    listed = routes()
    assert listed[r"ANY /regex:^old/(?P<number>\d+)$"] == UNPROTECTED
    assert listed["ANY /admin/auth/user/add/"] == UNPROTECTED


def test_the_first_of_two_views_at_a_path_is_the_one_that_is_called():
    mount(path("x", plain), path("x", guarded()))
    assert routes() == {"ANY /x": UNPROTECTED}


def test_regular_expression_does_not_hide_an_equal_path():
    mount(path("x", guarded()), re_path("x", plain), path("y/", include([re_path("x", plain)])))
    assert routes() == {"ANY /x": JWT_STAFF, "ANY /regex:x": UNPROTECTED, "ANY /y/regex:x": UNPROTECTED}


def test_two_backends_that_read_alike_are_two():
    one, other = JWTAuthentication("one-secret" * 8), JWTAuthentication("other-secret" * 8)
    mount(path("x", guarded(guarded(auth=[one, other]), auth=[one])))
    assert routes()["ANY /x"][1] == ["jwt(HS256, own keys)", "jwt(HS256, own keys)"]


def test_what_a_route_leaves_out_is_the_sites_default():
    mount(path("x", protect()(plain)), path("y", protect(guards=[IsStaff()])(plain)))
    assert routes() == {"ANY /x": ("allow_any", ["jwt(HS256)"]), "ANY /y": JWT_STAFF}
    defaults = {"BOLT_AUTHENTICATION_CLASSES": [KEYS], "BOLT_DEFAULT_PERMISSION_CLASSES": [IsAuthenticated()]}
    with override_settings(**defaults):
        assert routes() == {
            "ANY /x": ("authenticated", ["api_key(configured)"]),
            "ANY /y": ("staff", ["api_key(configured)"]),
        }


def test_the_list_marks_what_is_open_and_what_is_unprotected():
    mount(path("a", guarded()), path("b", guarded(guards=[AllowAny()])), path("c", plain))
    lines = run().splitlines()
    assert [line.split() for line in lines if "/" in line] == [
        ["ANY", "/a", "jwt(HS256)", "staff"],
        ["open", "ANY", "/b", "jwt(HS256)", "allow_any"],
        ["unprotected", "ANY", "/c", "-", "-"],
    ]
    assert lines[-1] == "3 routes: 1 open to everyone, 1 unprotected."
    with override_settings(MIDDLEWARE=["boltguard.middleware.BoltguardMiddleware"]):
        assert "doesn't deny access" in run()


def test_routes_below_a_prefix_are_left_out(lock):
    below = ["admin", "admin/", "admin/log/x", "deep/er/x", "regex"]
    mount(*(path(one, plain) for one in [*below, "administrators", "deep"]), re_path("^old/x$", plain))
    options = ["--exclude", "admin/", "--exclude", "/deep/er", "--exclude", "/regex:^old", "--exclude", "/regex"]
    kept = ["/administrators", "/deep"]
    assert [one["path"] for one in json.loads(run("--json", *options))] == kept
    assert run(*options).splitlines()[-1] == "2 routes: 0 open to everyone, 2 unprotected."
    run("--write", str(lock), *options)
    assert list(json.loads(lock.read_text())["routes"]) == [f"ANY {one}" for one in kept]
    assert "Checked 2 routes. None is weaker" in run("--check", str(lock), *options)
    with pytest.raises(CommandError, match="ANY /admin is new"):
        run("--check", str(lock))
    run("--write", str(lock))
    assert "gone" not in run("--check", str(lock), *options)


@pytest.mark.parametrize("prefix", ["/", "", "//"])
def test_not_every_route_can_be_left_out(prefix):
    with pytest.raises(CommandError, match="every route"):
        run("--exclude", prefix)


def test_backends_are_listed_with_lenient_settings_without_secrets():
    labels = [
        JWT.label,
        JWTAuthentication("a-secret-that-is-never-listed-anywhere").label,
        JWTAuthentication(algorithms=["HS256", "HS512"], audience="shop", leeway=30, required_claims=[]).label,
        JWTAuthentication(header="x-token", revocation_store=InMemoryRevocation(), on_store_error="allow").label,
        APIKeyAuthentication(store=True, header="authorization").label,
        KEYS.label,
    ]
    assert labels == [
        "jwt(HS256)",
        "jwt(HS256, own keys)",
        "jwt(HS256, HS512, audience=['shop'], leeway=30.0, required_claims=[])",
        "jwt(HS256, revocable by InMemoryRevocation, header=x-token, store_errors_allow=True)",
        "api_key(stored, header=authorization)",
        "api_key(configured)",
    ]


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "routes.lock"


def check(lock, before, after):
    """The output of `--check` for a view whose guard has changed."""
    for view, option in ((before, "--write"), (after, "--check")):
        mount(path("x", view))
        try:
            said = run(option, str(lock))
        except CommandError as error:
            return str(error)
    return said


TWELVE = HasAllPermissions([f"p{number}" for number in range(12)])
YES = Check(lambda request: True, name="yes")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([IsStaff()], [IsStaff()]),
        ([IsStaff() | IsAdminUser()], [IsAdminUser() | IsStaff()]),
        ([IsStaff()], [IsAuthenticated(), IsStaff()]),
        ([IsStaff() | IsAdminUser()], [IsAdminUser()]),
        ([~(IsStaff() | IsAdminUser())], [~IsStaff() & ~IsAdminUser()]),
        ([AllowAny()], [IsAuthenticated()]),
        ([IsAuthenticated()], [DenyAll()]),
        ([TWELVE & IsStaff()], [TWELVE & IsStaff()]),
        ([Owner("author")], [Owner("author") & YES]),
    ],
    ids=str,
)
def test_a_route_that_is_not_a_weaker_passes(lock, before, after):
    assert "Checked 1 routes. None is weaker" in check(lock, guarded(guards=before), guarded(guards=after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([IsStaff()], [IsAuthenticated()]),
        ([IsAuthenticated()], [AllowAny()]),
        ([IsStaff(), IsAdminUser()], [IsStaff() | IsAdminUser()]),
        ([HasPermission("a")], [HasPermission("b")]),
        ([Owner("author")], [Owner("editor")]),
        ([Owner("author") & YES], [YES]),
        ([DenyAll()], [IsAdminUser()]),
    ],
    ids=str,
)
def test_a_route_that_became_weaker_fails(lock, before, after):
    said = check(lock, guarded(guards=before), guarded(guards=after))
    assert "ANY /x is weaker: " in said and f"--write {lock}" in said


def test_a_route_that_lost_its_guard_fails(lock):
    assert "ANY /x is weaker: staff -> unprotected" in check(lock, guarded(), plain)


def test_a_route_that_gained_a_guard_passes(lock):
    assert "ANY /x is not weaker: unprotected -> staff" in check(lock, plain, guarded())


def test_beyond_the_exact_limit_only_equal_string_pass(lock):
    said = check(lock, guarded(guards=[TWELVE & IsStaff()]), guarded(guards=[IsStaff() & TWELVE]))
    assert "ANY /x can't be compared (only guards with up to 12 distinct atoms can be compared)" in said


def test_new_route_fails_and_removed_route_is_reported(lock):
    mount(path("x", guarded()), path("y", guarded()))
    run("--write", str(lock))
    mount(path("x", guarded()), path("z", plain))
    with pytest.raises(CommandError, match="^ANY /z is new: unprotected\n"):
        run("--check", str(lock))
    mount(path("x", guarded()))
    assert "note: ANY /y was removed" in run("--check", str(lock))


def test_a_route_that_takes_new_credentials_fails(lock):
    said = check(lock, guarded(), guarded(auth=[JWT, KEYS]))
    assert "ANY /x accepts new credentials: api_key(configured)" in said
    assert "Checked 1 routes. None is weaker" in check(lock, guarded(auth=[JWT, KEYS]), guarded())
    one, other = JWTAuthentication("one-secret" * 8), JWTAuthentication("other-secret" * 8)
    said = check(lock, guarded(auth=[one]), guarded(auth=[one, other]))
    assert "ANY /x accepts new credentials: jwt(HS256, own keys)" in said
    assert "no longer accepts: jwt(HS256, own keys)" in check(lock, guarded(auth=[one, other]), guarded(auth=[one]))
    revocable = JWTAuthentication(revocation_store=InMemoryRevocation())
    assert "accepts new credentials: jwt(HS256)" in check(lock, guarded(auth=[revocable]), guarded())


def test_a_changed_default_is_found(lock):
    mount(path("x", protect()(plain)))
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated()]):
        run("--write", str(lock))
    with pytest.raises(CommandError, match="ANY /x is weaker: authenticated -> allow_any"):
        run("--check", str(lock))


@pytest.mark.parametrize(
    "text",
    ["", "staff", "[]", "{}", '{"version": 1}', '{"version": 1, "routes": {"x": 1}}'],
)
def test_a_file_that_can_not_be_read_fails(lock, text):
    lock.write_text(text)
    mount(path("x", guarded()))
    with pytest.raises(CommandError, match="can't be read.* --write"):
        run("--check", str(lock))


def test_a_file_of_another_version_fails(lock):
    lock.write_text('{"version": 2, "routes": {}}')
    with pytest.raises(CommandError, match="version 2"):
        run("--check", str(lock))


def test_a_file_that_is_not_there_fails_and_says_how_to_make_it(lock):
    with pytest.raises(CommandError, match=f"doesn't exist. Create it: manage.py boltguard_routes --write {lock}"):
        run("--check", str(lock))


def test_a_guard_in_the_file_that_can_not_be_read_fails(lock):
    mount(path("x", guarded()))
    run("--write", str(lock))
    lock.write_text(lock.read_text().replace('"staff"', '"stuff"'))
    with pytest.raises(CommandError, match="can't be compared"):
        run("--check", str(lock))


def test_the_file_has_a_line_for_each_route(lock):
    mount(path("b", guarded()), path("a", guarded(guards=[Guard.parse('perm("a.b")')])), path("c", plain))
    run("--write", str(lock))
    lines = lock.read_text().splitlines()
    assert lines[3] == r"""    "ANY /a": {"backends": ["jwt(HS256)"], "guard": "perm(\"a.b\")"},"""
    assert [line.split('"')[1] for line in lines[3:6]] == ["ANY /a", "ANY /b", "ANY /c"]
    assert json.loads(lock.read_text())["version"] == 1


def test_a_route_that_is_misconfigured_is_named():
    mount(path("x", protect(guards=[ViaBackend("api_key")])(plain)))
    with pytest.raises(CommandError, match="^ANY /x: .*'api_key'"):
        run()
