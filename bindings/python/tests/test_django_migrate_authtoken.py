"""`AuthtokenAuthentication`, with tokens of `rest_framework.authtoken`."""

import pytest
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from ninja import NinjaAPI
from rest_framework.authtoken.models import Token
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import BoltAPI, protect
from boltguard.auth import HasPermission, IsAuthenticated, IsStaff, JWTAuthentication, ViaBackend
from boltguard.drf import BoltguardAuthentication, GuardPermission
from boltguard.migrate import AuthtokenAuthentication
from boltguard.ninja import BoltAuth

from migrating import installed
from support import assert_helpful, bearer, call, get, mount, mount_view, token

BACKENDS = [AuthtokenAuthentication(), JWTAuthentication()]


@pytest.fixture(scope="module", autouse=True)
def tables(database):
    with installed("rest_framework.authtoken"):
        yield


@pytest.fixture
def key(ada):
    return Token.objects.create(user=ada).key


def view(auth=BACKENDS, guards=(IsAuthenticated(),)):
    @protect(auth=list(auth), guards=list(guards))
    def show(request):
        context = request.context
        granted = sorted(context["permissions"])
        return JsonResponse([context["auth_backend"], context["user_id"], request.user.pk, granted], safe=False)

    return show


def sent(key, scheme="Token"):
    return get(authorization=f"{scheme} {key}")


def test_a_token_of_authtoken_is_about_its_user(ada, key):
    ada.user_permissions.add(Permission.objects.get(codename="add_user"))
    mount_view(view(guards=[IsStaff(), HasPermission("auth.add_user"), ViaBackend("authtoken")]))
    for scheme in ("Token", "token"):
        assert sent(key, scheme).json() == ["authtoken", str(ada.pk), ada.pk, ["auth.add_user"]]


def test_tokens_of_both_kinds_are_accepted_side_by_side(ada, key):
    mount_view(view())
    assert sent(key).json()[0] == "authtoken"
    assert get(**bearer(token(sub=str(ada.pk)))).json()[0] == "jwt"
    assert get().status_code == 401


CHANGES = [str.upper, lambda key: key[:-1], lambda key: key + " x", lambda key: "", "\xe9".__add__]


@pytest.mark.parametrize("change", CHANGES)
def test_any_other_key_is_refused(key, change):
    mount_view(view())
    Token.objects.filter(key=key).update(key="abcdef" + key[6:])
    changed = change("abcdef" + key[6:])
    response = sent(changed)
    assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials")
    assert sent("abcdef" + key[6:]).status_code == 200


def test_a_key_with_another_scheme_is_absent(key):
    mount_view(view())
    for scheme in ("Bearer", "ApiKey", "Tokens"):
        assert sent(key, scheme).status_code == 401
    mount_view(view([AuthtokenAuthentication(scheme="Key")]))
    assert (sent(key, "Key").status_code, sent(key).status_code) == (200, 401)
    mount_view(view([AuthtokenAuthentication(header="X-Token")]))
    assert get(x_token=f"Token {key}").status_code == 200


def test_an_inactive_user_is_refused(ada, key):
    mount_view(view())
    ada.is_active = False
    ada.save()
    assert sent(key).status_code == 401


def test_a_deleted_token_is_refused_at_once(key):
    mount_view(view())
    assert sent(key).status_code == 200
    Token.objects.filter(key=key).delete()
    assert sent(key).status_code == 401


def test_requests_with_a_token_need_no_csrf_check(ada, key):
    mount_view(view())
    with override_settings(MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]):
        assert call("post", "/view", {"Authorization": f"Token {key}"}).status_code == 200


class Authenticated(BoltguardAuthentication):
    backends = BACKENDS


class DrfView(APIView):
    authentication_classes = [Authenticated]
    permission_classes = [GuardPermission.of(IsStaff())]

    def get(self, request):
        return Response(request.user.username)


def test_every_way_in(ada, key):
    api = BoltAPI(auth=BACKENDS, guards=[IsStaff()])
    api.get("/bolt")(lambda request: [request.user.username])
    ninja = NinjaAPI(urls_namespace="authtoken", auth=BoltAuth(auth=BACKENDS, guards=[IsStaff()]))
    ninja.get("/view")(lambda request: request.user.username)
    mount(path("drf", DrfView.as_view()), path("ninja/", ninja.urls), path("api/", api.urls), path("plain", plain))
    for url in ("/drf", "/ninja/view", "/api/bolt"):
        assert "ada" in call("get", url, {"Authorization": f"Token {key}"}).content.decode(), url
        assert call("get", url, {"Authorization": "Token " + "0" * 40}).status_code == 401, url
    middleware = ["boltguard.middleware.BoltguardMiddleware"]
    with override_settings(MIDDLEWARE=middleware, BOLTGUARD_AUTHENTICATION_CLASSES=BACKENDS):
        assert call("get", "/plain", {"Authorization": f"Token {key}"}).content == b"ada"


def plain(request):
    return HttpResponse(request.user.username)


def test_a_missing_table_is_an_error_at_start(own_registry):
    backends = [AuthtokenAuthentication(model="shop.Token"), AuthtokenAuthentication(model="auth.User")]
    views = [view([backend]) for backend in backends]
    messages = [message for message in run_checks() if message.id == "boltguard.E801"]
    missing, without_field = sorted(message.msg for message in messages)
    assert "shop.Token, which isn't installed" in missing and "field 'key'" in without_field, views
    for message in messages:
        assert_helpful(message)
    with pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"):
        backends[0].authenticate(RequestFactory().get("/", headers={"Authorization": "Token a"}))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"model": "Token"}, "app.Model"),
        ({"model": Token}, "app.Model"),
        ({"scheme": "To ken"}, "scheme"),
        ({"scheme": ["Token", "Key"]}, "scheme"),
        ({"header": "Cookie"}, "header"),
        ({"name": "a b"}, "name"),
    ],
)
def test_invalid_arguments(arguments, named):
    with pytest.raises(ImproperlyConfigured, match=named):
        AuthtokenAuthentication(**arguments)
