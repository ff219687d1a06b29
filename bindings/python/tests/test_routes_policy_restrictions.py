"""`manage.py boltguard_policy export`: code around views that may refuse requests which the guards allow."""

import contextlib
import functools
import io
import json
import sys
import types

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required, permission_required, user_passes_test
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin, UserPassesTestMixin
from django.core.management import CommandError, call_command
from django.db import transaction
from django.http import HttpResponse
from django.test import override_settings
from django.urls import URLPattern, path
from django.urls.resolvers import RoutePattern
from django.utils.decorators import decorator_from_middleware, method_decorator
from django.views import View
from django.views.decorators.cache import cache_page, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from boltguard import BoltAPI, protect
from boltguard.auth import AllowAny, JWTAuthentication
from boltguard.drf import BoltguardAuthentication, GuardPermission

from support import mount

JWT = JWTAuthentication()
anyone = protect(auth=[JWT], guards=[AllowAny()])
Anyone = GuardPermission.of(AllowAny())
DJANGO = "The view has a decorator or mixin of django.contrib.a"
OTHER = f"that is defined in {__name__}, and may refuse requests"


def plain(request):
    return HttpResponse()


async def async_plain(request):
    return HttpResponse()


def vip(view):
    """A decorator of the site."""

    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)

    return wrapper


def unnamed(view):
    """A decorator without `functools.wraps`."""

    def wrapper(request):
        return view(request)

    return wrapper


class Instance:
    """A decorator whose result is an object."""

    def __init__(self, view):
        functools.update_wrapper(self, view)

    def __call__(self, request):
        return self.__wrapped__(request)


@contextlib.contextmanager
def checked():
    yield


class Checked(contextlib.ContextDecorator):
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


class Middleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)


class ReplacedLogin(LoginRequiredMiddleware):
    pass


class Method(View):
    @anyone
    def get(self, request):
        return HttpResponse()


class Dispatch(Method):
    def dispatch(self, *args, **kwargs):
        return super().dispatch(*args, **kwargs)


class Decorated(View):
    @method_decorator(permission_required("blog.add"))
    @anyone
    def get(self, request):
        return HttpResponse()


class DecoratedInside(View):
    @anyone
    @method_decorator([never_cache, login_required])
    def get(self, request):
        return HttpResponse()


class Async(View):
    @method_decorator(login_required)
    @anyone
    async def get(self, request):
        return HttpResponse()


class Rest(APIView):
    authentication_classes = (BoltguardAuthentication,)
    permission_classes = (Anyone,)

    def get(self, request):
        return Response()


class Set(ViewSet):
    authentication_classes = (BoltguardAuthentication,)
    permission_classes = (Anyone,)

    @method_decorator(login_required)
    def list(self, request):
        return Response()


class Initial(Rest):
    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)


class Strict(BoltguardAuthentication):
    def authenticate(self, request):
        return super().authenticate(request)


class Narrowed(Anyone):
    def has_permission(self, request, view):
        return super().has_permission(request, view) and request.method == "GET"


class NarrowedForObjects(Anyone):
    def has_object_permission(self, request, view, obj):
        return False


def rest(**attributes):
    return type("Changed", (Rest,), attributes).as_view()


@api_view(["GET"])
@authentication_classes([BoltguardAuthentication])
@permission_classes([Anyone])
@user_passes_test(bool)
def rest_function(request):
    return Response()


def of_api(*decorators):
    api = BoltAPI(auth=[JWT], guards=[AllowAny()])
    handler = plain
    for decorator in decorators:
        handler = decorator(handler)
    api.get("/view/")(handler)
    return api


def mixed(mixin):
    return type("Mixed", (mixin, Method), {}).as_view()


REFUSED = {
    "login_required outside": (login_required(anyone(plain)), DJANGO),
    "login_required inside": (anyone(login_required(plain)), DJANGO),
    "between two gates": (anyone(login_required(anyone(plain))), DJANGO),
    "below csrf_exempt": (csrf_exempt(login_required(anyone(plain))), DJANGO),
    "below never_cache, inside": (anyone(never_cache(login_required(plain))), DJANGO),
    "permission_required": (permission_required("blog.add")(anyone(plain)), DJANGO),
    "user_passes_test": (anyone(user_passes_test(bool)(plain)), DJANGO),
    "staff_member_required": (staff_member_required(anyone(plain)), DJANGO),
    "an async view": (login_required(anyone(async_plain)), DJANGO),
    "an async view, inside": (anyone(login_required(async_plain)), DJANGO),
    "async_to_sync": (anyone(async_to_sync(login_required(async_plain))), DJANGO),
    "sync_to_async": (anyone(sync_to_async(login_required(plain))), DJANGO),
    "partial": (functools.partial(login_required(anyone(plain))), DJANGO),
    "partial, inside": (anyone(functools.wraps(plain)(functools.partial(login_required(plain)))), DJANGO),
    "a class-based view": (login_required(Method.as_view()), DJANGO),
    "a protected class-based view": (login_required(anyone(View.as_view())), DJANGO),
    "method_decorator of dispatch": (
        method_decorator(login_required, name="dispatch")(type("Own", (Method,), {})).as_view(),
        DJANGO,
    ),
    "method_decorator of a method": (Decorated.as_view(), DJANGO),
    "a list for method_decorator": (DecoratedInside.as_view(), DJANGO),
    "method_decorator of an async method": (Async.as_view(), DJANGO),
    "LoginRequiredMixin": (mixed(LoginRequiredMixin), DJANGO),
    "PermissionRequiredMixin": (mixed(PermissionRequiredMixin), DJANGO),
    "UserPassesTestMixin": (mixed(UserPassesTestMixin), DJANGO),
    "a method of BoltAPI": (of_api(login_required), DJANGO),
    "a method of BoltAPI below another decorator": (of_api(login_required, never_cache), DJANGO),
    "a method of a view set": (Set.as_view({"get": "list"}), DJANGO),
    "api_view": (rest_function, DJANGO),
    "middleware as a decorator": (decorator_from_middleware(LoginRequiredMiddleware)(anyone(plain)), DJANGO),
    "a decorator of the site": (vip(anyone(plain)), OTHER),
    "a decorator of the site, inside": (anyone(vip(plain)), OTHER),
    "a decorator of the site for a method of BoltAPI": (of_api(vip), OTHER),
    "a decorator of the site for dispatch": (
        method_decorator(vip, name="dispatch")(type("Own", (Method,), {})).as_view(),
        OTHER,
    ),
    "an object as a decorator": (Instance(anyone(plain)), OTHER),
    "a decorator without functools.wraps": (anyone(unnamed(plain)), OTHER),
    "a context manager as a decorator": (anyone(checked()(plain)), OTHER),
    "a class of context managers as a decorator": (anyone(Checked()(plain)), OTHER),
    "middleware of the site as a decorator": (decorator_from_middleware(Middleware)(anyone(plain)), OTHER),
    "dispatch of the site": (Dispatch.as_view(), OTHER),
    "initial of the site": (Initial.as_view(), OTHER),
    "another authentication class": (
        rest(authentication_classes=[BoltguardAuthentication, BasicAuthentication]),
        "their own code: BasicAuthentication",
    ),
    "authentication classes of each request": (
        rest(authentication_classes=property(lambda view: [Strict])),
        "chosen for each request",
    ),
    "a subclass of the authentication": (rest(authentication_classes=[Strict]), "their own code: Strict"),
    "a subclass of a permission": (rest(permission_classes=[Narrowed]), "their own code: Narrowed"),
    "a permission for objects": (rest(permission_classes=[NarrowedForObjects]), "their own code: NarrowedForObjects"),
}


def serve(view):
    if isinstance(view, BoltAPI):
        mount(api=view)
    else:
        mount(path("view/", view))


def run(*arguments):
    out = io.StringIO()
    call_command("boltguard_policy", "export", *arguments, stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


def refusal(*arguments):
    with pytest.raises(CommandError) as failure:
        run(*arguments)
    return str(failure.value)


@pytest.mark.parametrize("name", REFUSED)
def test_a_view_that_other_code_may_restrict_is_not_exported(name):
    view, reason = REFUSED[name]
    serve(view)
    message = refusal()
    assert reason in message and "/view/: " in message and "--partial" in message
    for route in run("--partial")["routes"]:
        assert (route["guard"], route["backends"]) == ("deny_all", [])
        assert reason in route["omitted"]


class Transactional(View):
    @method_decorator([csrf_exempt, transaction.atomic, cache_page(60)])
    @anyone
    def get(self, request):
        return HttpResponse()


HARMLESS = {
    "a view": anyone(plain),
    "an async view": anyone(async_plain),
    "csrf_exempt": csrf_exempt(anyone(plain)),
    "require_POST": require_POST(anyone(plain)),
    "cache_page": anyone(cache_page(60)(plain)),
    "atomic": anyone(transaction.atomic(plain)),
    "a class-based view": Method.as_view(),
    "a protected class": protect(auth=[JWT], guards=[AllowAny()])(type("Own", (Method,), {})).as_view(),
    "method_decorator": Transactional.as_view(),
    "protect as a method_decorator": method_decorator(anyone, name="dispatch")(type("Own", (Method,), {})).as_view(),
    "a method of BoltAPI": of_api(never_cache),
    "Django REST framework": Rest.as_view(),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_view_that_only_its_guard_restricts_is_exported(name):
    serve(HARMLESS[name])
    assert {route["guard"] for route in run()["routes"]} == {"allow_any"}


@pytest.mark.parametrize("view", [vip(anyone(plain)), anyone(unnamed(plain)), Dispatch.as_view()])
def test_trusted_code_does_not_prevent_the_export(view):
    serve(view)
    assert [route["guard"] for route in run("--trust", __name__)["routes"]] == ["allow_any"]
    assert OTHER in refusal("--trust", f"{__name__[:-1]}")


def test_what_is_below_trusted_code_is_still_found():
    for view in (vip(login_required(anyone(plain))), anyone(unnamed(login_required(plain)))):
        serve(view)
        assert DJANGO in refusal("--trust", __name__)


@pytest.mark.parametrize("trusted", ["django", "django.contrib.auth", ""])
def test_django_cannot_be_trusted(trusted):
    serve(login_required(anyone(plain)))
    assert "can't be trusted" in refusal("--trust", trusted)


LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"


@pytest.mark.parametrize("middleware", [LOGIN, f"{__name__}.ReplacedLogin"])
def test_a_view_without_guards_is_not_exported_behind_the_login_middleware(middleware):
    serve(protect(auth=[JWT])(plain))
    assert [route["guard"] for route in run()["routes"]] == ["allow_any"]
    with override_settings(MIDDLEWARE=[middleware]):
        assert "LoginRequiredMiddleware requires a login" in refusal("--trust", __name__)
        serve(anyone(plain))
        assert [route["guard"] for route in run("--trust", __name__)["routes"]] == ["allow_any"]


@pytest.mark.parametrize("options", [(), ("--partial",)])
def test_other_middleware_prevents_the_export_unless_it_is_trusted(options):
    serve(anyone(plain))
    with override_settings(MIDDLEWARE=["boltguard.middleware.BoltguardMiddleware", f"{__name__}.Middleware"]):
        message = refusal(*options)
        assert f"They are defined in: {__name__}. Use --trust" in message
        assert run("--trust", __name__, *options)["routes"]


class OwnPattern(URLPattern):
    pass


def test_url_patterns_of_another_class_prevent_the_export():
    mount(OwnPattern(RoutePattern("view/", is_endpoint=True), anyone(plain)))
    assert f"They are defined in: {__name__}." in refusal()


def test_the_module_of_a_decorator_is_not_that_of_the_view():
    module = types.ModuleType("shop_decorators")
    exec("import functools\ndef vip(view): return functools.wraps(view)(lambda request: view(request))", vars(module))
    sys.modules[module.__name__] = module
    try:
        serve(module.vip(anyone(plain)))
        assert "--trust shop_decorators" in refusal("--trust", __name__)
        assert run("--trust", "shop_decorators")["routes"]
    finally:
        del sys.modules[module.__name__]
