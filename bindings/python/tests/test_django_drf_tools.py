"""Tools of Django REST framework with guards: drf-spectacular, the browsable API, and forced logins in tests."""

import json
import sys

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, Serializer
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from boltguard import drf
from boltguard.auth import (
    APIKeyAuthentication,
    ClientCertificate,
    HasPermission,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    SessionAuthentication,
)
from boltguard.drf import BoltguardAuthentication, GuardPermission, spectacular

from support import bearer, mount, mount_view, wsgi

KEY = "a-key-of-the-tests-which-is-long"


def using(*backends):
    return type("Authentication", (BoltguardAuthentication,), {"backends": list(backends)})


# drf-spectacular


def described(**views):
    """The security of each view, and the security schemes."""
    patterns = []
    for name, authentication in views.items():

        class View(APIView):
            authentication_classes = [authentication]
            permission_classes = [GuardPermission.of(IsStaff())]
            schema = AutoSchema()

            def get(self, request) -> dict:
                return Response({})

        patterns.append(path(name, View.as_view()))
    document = SchemaGenerator(patterns=patterns).get_schema(public=True)
    security = {url.strip("/"): one["get"]["security"] for url, one in document["paths"].items()}
    return security, document["components"]["securitySchemes"]


def test_the_backends_are_security_schemes(recwarn, capsys):
    jwt = JWTAuthentication(cookie="__Host-access")
    security, schemes = described(
        both=using(jwt, APIKeyAuthentication(api_keys={KEY})),
        again=using(jwt),
        other=using(JWTAuthentication(header="x-token")),
        session=using(SessionAuthentication()),
        default=BoltguardAuthentication,
    )
    assert security == {
        "both": [{"jwt": []}, {"jwt_cookie": []}, {"api_key": []}],
        "again": [{"jwt": []}, {"jwt_cookie": []}],
        "other": [{"jwt_2": []}],
        "session": [{"session": []}],
        "default": [{"jwt": []}],
    }
    assert schemes == {
        "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "jwt_cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-access"},
        "jwt_2": {"type": "apiKey", "in": "header", "name": "X-Token"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
    }
    shown = capsys.readouterr().err
    assert "could not resolve authenticator" not in shown and "identical names" not in shown


@pytest.mark.parametrize(("version", "count"), [("3.0.3", 1), ("3.1.0", 2)])
def test_mutual_tls_is_described_if_the_version_of_openapi_has_it(monkeypatch, version, count):
    monkeypatch.setattr(spectacular.spectacular_settings, "OAS_VERSION", version, raising=False)
    certificate = ClientCertificate(header="client-cert", clients={"ab" * 32: "service"})
    _, schemes = described(certificate=using(JWTAuthentication(), certificate))
    assert len(schemes) == count


@pytest.mark.parametrize(("installed", "registered"), [(["drf_spectacular"], ["BoltguardScheme"]), ([], [])])
def test_the_extension_is_registered_if_the_app_is_installed(monkeypatch, installed, registered):
    seen = []
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, *installed]):
        monkeypatch.setattr(spectacular.OpenApiAuthenticationExtension, "_registry", seen)
        monkeypatch.delitem(sys.modules, "boltguard.drf.spectacular")
        monkeypatch.delattr(drf, "spectacular")
        apps.get_app_config("boltguard").ready()
    assert [one.__name__ for one in seen] == registered


# The browsable API


class Note(Serializer):
    text = CharField()


class Reads(GuardPermission):
    guard = IsAuthenticated()


class Writes(GuardPermission):
    guard = HasPermission("auth.add_permission")


class Notes(GenericAPIView):
    authentication_classes = [using(JWTAuthentication(), SessionAuthentication())]
    renderer_classes = [BrowsableAPIRenderer, JSONRenderer]
    serializer_class = Note

    def get_permissions(self):
        return [Reads() if self.request.method == "GET" else Writes()]

    def get(self, request):
        return Response({"name": request.user.get_username()})

    def post(self, request):
        return Response({"text": request.data["text"]}, 201)


def page(client, headers=None):
    with override_settings(INSTALLED_APPS=["rest_framework", *settings.INSTALLED_APPS]):
        mount(path("notes", Notes.as_view(), name="notes"))
        return wsgi("get", "/notes", {"Accept": "text/html", **(headers or {})}, client=client)


@pytest.mark.parametrize("kind", ["session", "token"])
def test_a_page_shows_the_forms_that_the_guard_allows(ada, kind):
    def shown(*permissions):
        client, headers = Client(), bearer(sub=str(ada.pk), permissions=list(permissions))
        if kind == "session":
            ada.user_permissions.set(Permission.objects.filter(codename__in=[one[5:] for one in permissions]))
            client.force_login(ada)
            headers = {}
        response = page(client, headers)
        assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert response["Cache-Control"] == "private" and "&quot;name&quot;: &quot;ada&quot;" in response.text
        return 'name="text"' in response.text

    assert not shown()
    assert shown("auth.add_permission")


def test_a_page_without_credentials_is_the_refusal():
    response = page(Client())
    assert (response.status_code, response["Content-Type"]) == (401, "text/html; charset=utf-8")
    assert response["WWW-Authenticate"] == 'Bearer realm="api"' and "credentials were not provided" in response.text


def test_a_form_of_a_session_must_pass_the_csrf_check(ada):
    ada.user_permissions.set(Permission.objects.filter(codename="add_permission"))
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert 'name="csrfmiddlewaretoken"' in page(client).text
    with override_settings(INSTALLED_APPS=["rest_framework", *settings.INSTALLED_APPS]):
        refused = wsgi("post", "/notes", {"Accept": "application/json"}, {"text": "a"}, client=client)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        client.cookies["csrftoken"] = "a" * 32
        sent = {"Accept": "application/json", "X-CSRFToken": "a" * 32}
        assert wsgi("post", "/notes", sent, {"text": "a"}, client=client).status_code == 201


# Forced logins


def serve(permission, *backends):
    class View(APIView):
        authentication_classes = [using(*(backends or [JWTAuthentication()]))]
        permission_classes = [permission]
        renderer_classes = [JSONRenderer]

        def get(self, request):
            return Response({"name": request.user.get_username()})

    mount_view(View.as_view())


def test_a_forced_user_has_no_credentials_for_a_guard(ada):
    client = APIClient()
    client.force_authenticate(ada)
    serve(AllowAny)
    assert client.get("/view").json() == {"name": "ada"}
    serve(GuardPermission.of(IsAuthenticated()))
    assert client.get("/view").status_code == 403


def test_a_forced_user_with_a_context_has_its_grants(ada):
    context = context_of(sub=str(ada.pk), permissions=["blog.add"])
    client = APIClient()
    client.force_authenticate(ada, context)
    serve(GuardPermission.of(HasPermission("blog.add")))
    assert client.get("/view").json() == {"name": "ada"}
    serve(GuardPermission.of(HasPermission("blog.delete")))
    assert client.get("/view").status_code == 403


def context_of(**claims):
    request = Request(APIRequestFactory().get("/", headers=bearer(**claims)))
    return BoltguardAuthentication().authenticate(request)[1]


def test_a_forced_login_has_the_grants_of_the_session(ada):
    client = APIClient()
    client.force_login(ada)
    serve(GuardPermission.of(IsStaff()), JWTAuthentication(), SessionAuthentication())
    assert client.get("/view").json() == {"name": "ada"}
    serve(GuardPermission.of(HasPermission("auth.add_permission")), SessionAuthentication())
    assert json.loads(client.get("/view").content)["code"] == "permission_denied"
    # Without the backend, a session isn't a credential.
    serve(GuardPermission.of(IsStaff()))
    assert client.get("/view").status_code == 401
