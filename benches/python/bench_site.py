"""A Django site whose views return the same response and differ only in their authentication."""

from __future__ import annotations

import sys
import types
from typing import Any

import django
import jwt as pyjwt
from claims import ISSUER, SECRET, claims
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

TOKEN = pyjwt.encode({**claims(), "token_type": "access"}, SECRET, "HS256")
AUTHORIZATION = f"Bearer {TOKEN}"
PEER = {"ALGORITHM": "HS256", "SIGNING_KEY": SECRET, "USER_ID_CLAIM": "sub"}
CONTENT = {"id": "42", "name": "ada"}


def configure() -> None:
    """Configure the settings, and create the tables and a user."""
    settings.configure(
        DEBUG=False,
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=url_conf(path("", plain)),
        USE_TZ=True,
        MIDDLEWARE=[],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "boltguard",
            "ninja_extra",
        ],
        # In memory, and shared with the threads in which synchronous views run under ASGI.
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:bench?mode=memory&cache=shared"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        SIMPLE_JWT=PEER,
        NINJA_JWT={**PEER, "USER_ID_FIELD": "id"},
        REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
        LOGGING_CONFIG=None,
    )
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    get_user_model().objects.create_user("ada", id=42)
    settings.BOLTGUARD_AUTHENTICATION_CLASSES = [jwt_authentication()]


def url_conf(route: Any) -> str:
    """Return the name of a URL configuration with only this route, because other routes affect the duration."""
    module = types.ModuleType(f"bench_urls_{len(url_confs)}")
    module.urlpatterns = [route]
    sys.modules[module.__name__] = module
    url_confs.append(module)
    return module.__name__


url_confs: list[types.ModuleType] = []


def jwt_authentication() -> Any:
    from boltguard.auth import InMemoryRevocation, JWTAuthentication

    store = InMemoryRevocation()
    store.revoke("another", 3600)
    return JWTAuthentication(issuer=ISSUER, revocation_store=store)


def plain(request: HttpRequest) -> HttpResponse:
    return JsonResponse(CONTENT)


async def aplain(request: HttpRequest) -> HttpResponse:
    return JsonResponse(CONTENT)


def protected(view: Any) -> Any:
    from boltguard import protect
    from boltguard.auth import HasPermission

    return protect(auth=[jwt_authentication()], guards=[HasPermission("shop.change_model001")])(view)


def bolt_api() -> Any:
    from boltguard import BoltAPI
    from boltguard.auth import AllowAny, HasPermission

    api = BoltAPI()
    guarded = {"auth": [jwt_authentication()], "guards": [HasPermission("shop.change_model001")]}

    @api.get("/open", auth=[], guards=[AllowAny()])
    def open_handler(request):
        return CONTENT

    @api.get("/guarded", **guarded)
    def guarded_handler(request):
        return CONTENT

    @api.get("/async", auth=[], guards=[AllowAny()])
    async def async_handler(request):
        return CONTENT

    @api.get("/async/guarded", **guarded)
    async def async_guarded_handler(request):
        return CONTENT

    return api


def drf_views() -> dict[str, Any]:
    """Return a DRF view for each kind of authentication."""
    from rest_framework.permissions import AllowAny, IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView
    from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication

    from boltguard.auth import HasPermission
    from boltguard.drf import BoltguardAuthentication, GuardPermission

    class View(APIView):
        def get(self, request):
            return Response(CONTENT)

    def view(authentication: list[Any], permission: Any) -> Any:
        return View.as_view(authentication_classes=authentication, permission_classes=[permission])

    guard = GuardPermission.of(HasPermission("shop.change_model001"))
    return {
        "DRF": view([], AllowAny),
        "DRF and boltguard": view([BoltguardAuthentication], IsAuthenticated),
        "DRF and boltguard, guarded": view([BoltguardAuthentication], guard),
        "DRF and simplejwt, stateless": view([JWTStatelessUserAuthentication], IsAuthenticated),
        "DRF and simplejwt": view([JWTAuthentication], IsAuthenticated),
    }


def ninja_api() -> Any:
    from ninja_extra import NinjaExtraAPI
    from ninja_jwt.authentication import AsyncJWTAuth, AsyncJWTTokenUserAuth, JWTAuth, JWTTokenUserAuth

    api = NinjaExtraAPI()
    for name, auth in {"open": None, "stateless": JWTTokenUserAuth(), "user": JWTAuth()}.items():

        @api.get(f"/{name}", auth=auth, operation_id=name)
        def handler(request):
            return CONTENT

    for name, auth in {"open": None, "stateless": AsyncJWTTokenUserAuth(), "user": AsyncJWTAuth()}.items():

        @api.get(f"/async/{name}", auth=auth, operation_id=f"async_{name}")
        async def async_handler(request):
            return CONTENT

    return api


class PyJWTMiddleware:
    """A typical middleware with PyJWT, synchronous and asynchronous."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        from asgiref.sync import iscoroutinefunction, markcoroutinefunction

        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if self.is_async:
            return self.acall(request)
        return self.identify(request) or self.get_response(request)

    async def acall(self, request: Any) -> Any:
        return self.identify(request) or await self.get_response(request)

    def identify(self, request: Any) -> HttpResponse | None:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        try:
            request.claims = pyjwt.decode(token, SECRET, ["HS256"], options=REQUIRED)
        except pyjwt.InvalidTokenError:
            return JsonResponse({"detail": "Unauthorized"}, status=401)
        return None


REQUIRED = {"require": ["exp", "jti"]}
