"""Authentication schemes: which are accepted, and the responses to others."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse
from django.test import Client, override_settings
from rest_framework.permissions import IsAuthenticated as IsKnown
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import protect
from boltguard.auth import AllowAny, APIKeyAuthentication, APIKeyStore, IsAuthenticated, IsStaff, JWTAuthentication
from boltguard.drf import BoltguardAuthentication, GuardPermission
from boltguard.models import APIKey

from support import call, mount_view, token, wsgi

KEY = "a-key-of-the-tests-which-is-long"
BASIC = "Basic " + base64.b64encode(b"ada:secret").decode()
BOTH = 'Bearer realm="api", ApiKey realm="api"'
UNSUPPORTED = {"detail": "The authentication scheme is not supported.", "code": "not_authenticated"}
INVALID_KEY = {"detail": "The API key is invalid.", "code": "invalid_api_key"}


def whoami(request):
    return JsonResponse({"user": request.context["user_id"], "error": request.context.get("auth_error")})


def serve(*backends, guard=IsAuthenticated()):  # noqa: B008
    mount_view(protect(auth=list(backends), guards=[guard])(whoami))


def serve_drf(*backends, permission=IsKnown):

    class View(APIView):
        authentication_classes = [type("Own", (BoltguardAuthentication,), {"backends": list(backends)})]
        permission_classes = [permission]

        def get(self, request):
            return Response({})

    mount_view(View.as_view())


def call_view(**headers):
    return call("get", "/view", {name.replace("_", "-"): value for name, value in headers.items()})


def keys(**options):
    return APIKeyAuthentication(api_keys={KEY}, **options)


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "token", "TOKEN "])
def test_a_token_is_taken_behind_any_of_the_schemes(scheme):
    serve(JWTAuthentication(scheme=["Bearer", "Token"]))
    assert call_view(Authorization=f"{scheme} {token(sub='1')}").status_code == 200


def test_another_scheme_takes_the_place_of_bearer():
    serve(JWTAuthentication(scheme="JWT"))
    assert call_view(Authorization=f"JWT {token(sub='1')}").status_code == 200
    response = call_view(Authorization=f"Bearer {token(sub='1')}")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'JWT realm="api"')
    expired = call_view(Authorization=f"JWT {token(sub='1', exp=1)}")
    assert expired["WWW-Authenticate"] == (
        'JWT realm="api", error="invalid_token", error_description="The token has expired"'
    )


@pytest.mark.parametrize("backend", [JWTAuthentication, APIKeyAuthentication])
@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ([], "scheme is an empty list"),
        ("", "not a valid scheme"),
        ("Bearer ", "not a valid scheme"),
        ("Be arer", "not a valid scheme"),
        ("Bearer:", "not a valid scheme"),
        ("Bearer\n", "not a valid scheme"),
        ("Tokén", "not a valid scheme"),
        (["Bearer", 7], "scheme contains a value that is 7"),
        (["Bearer", "bearer"], "scheme contains a duplicate"),
        (b"Bearer", "scheme is of type bytes"),
        (7, "scheme is 7"),
        ({"Bearer": 1}, "scheme is of type dict"),
    ],
    ids=str,
)
def test_a_scheme_that_is_none_is_an_error_at_start(backend, scheme, message):
    options = {"api_keys": {KEY}} if backend is APIKeyAuthentication else {}
    with pytest.raises(ImproperlyConfigured, match=message):
        backend(scheme=scheme, **options)


@pytest.mark.parametrize("value", [BASIC, "Token x", 'Digest username="ada", realm="x"'])
def test_credentials_of_another_scheme_are_absent_and_not_bad(value):
    for backend in (keys(header="authorization"), JWTAuthentication()):
        serve(backend, guard=AllowAny())
        assert call_view(Authorization=value).json() == {"user": None, "error": None}
        serve(backend)
        response = call_view(Authorization=value)
        assert (response.status_code, response.json()) == (401, UNSUPPORTED)


def test_api_key_in_authorization_with_or_without_scheme():
    serve(keys(header="authorization"))
    for value in (KEY, f"ApiKey {KEY}", f"Bearer {KEY}"):
        assert call_view(Authorization=value).status_code == 200
    assert call_view(Authorization="ApiKey wrong").json() == INVALID_KEY
    serve(keys(header="authorization", scheme="Key"))
    for value in (KEY, f"Key {KEY}"):
        assert call_view(Authorization=value).status_code == 200
    response = call_view(Authorization=f"ApiKey {KEY}")
    assert (response.json(), response["WWW-Authenticate"]) == (UNSUPPORTED, 'Key realm="api"')


def test_a_stored_key_is_taken_behind_its_schemes():
    row, key = APIKey.objects.create_key(name="one")
    serve(APIKeyAuthentication(store=APIKeyStore(), header="authorization", scheme=["Key"]))
    try:
        assert wsgi("get", "/view", {"Authorization": f"Key {key}"}).status_code == 200
        assert wsgi("get", "/view", {"Authorization": f"ApiKey {key}"}).json() == UNSUPPORTED
    finally:
        row.delete()


def test_the_challenge_fits_the_credential_that_failed():
    serve(JWTAuthentication(), keys())
    response = call_view(X_API_Key="wrong")
    assert (response.status_code, response.json()) == (401, INVALID_KEY)
    assert response["WWW-Authenticate"] == BOTH
    response = call_view(Authorization="Bearer x.y.z")
    assert response["WWW-Authenticate"] == (
        'Bearer realm="api", error="invalid_token", error_description="The token is invalid", ApiKey realm="api"'
    )
    serve(keys(), JWTAuthentication())
    assert call_view()["WWW-Authenticate"] == 'ApiKey realm="api", Bearer realm="api"'


def test_an_unsupported_scheme_is_said_to_be_one_with_those_that_are():
    serve(JWTAuthentication(), keys())
    response = call_view(Authorization="Token x")
    assert (response.status_code, response.json(), response["WWW-Authenticate"]) == (401, UNSUPPORTED, BOTH)
    assert call_view(Authorization="").json()["detail"] == "No credentials were provided."
    assert call_view(Authorization="Token x", X_API_Key=KEY).status_code == 200
    assert call_view(Authorization="Token x", X_API_Key="wrong").json() == INVALID_KEY


def test_key_without_a_permission_has_no_scope_challenge():
    serve(JWTAuthentication(), keys(), guard=IsStaff())
    response = call_view(X_API_Key=KEY)
    assert response.status_code == 403 and "WWW-Authenticate" not in response
    response = call_view(Authorization=f"Bearer {token(sub='1')}")
    assert response["WWW-Authenticate"] == 'Bearer realm="api", error="insufficient_scope"'


@pytest.mark.parametrize("permission", [IsKnown, GuardPermission.of(IsAuthenticated())])
def test_drf_tells_the_same(permission):
    serve_drf(JWTAuthentication(), keys(), permission=permission)
    response = wsgi("get", "/view", {"X-API-Key": "wrong"})
    assert (response.status_code, response.json(), response["WWW-Authenticate"]) == (401, INVALID_KEY, BOTH)
    response = wsgi("get", "/view", {"Authorization": "Token x"})
    assert (response.status_code, response["WWW-Authenticate"]) == (401, BOTH)
    assert response.json()["detail"] == UNSUPPORTED["detail"]
    assert wsgi("get", "/view").json()["detail"] == "Authentication credentials were not provided."


def test_the_middleware_leaves_other_schemes_to_others(ada):
    client = Client()
    client.force_login(ada)
    mount_view(lambda request: JsonResponse({"user": str(request.user), "error": request.context.get("auth_error")}))
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "boltguard.middleware.BoltguardMiddleware",
    ]
    backends = [JWTAuthentication(), keys(header="authorization")]
    with override_settings(MIDDLEWARE=middleware, BOLT_AUTHENTICATION_CLASSES=backends):
        for value in (BASIC, "Token x"):
            response = wsgi("get", "/view", {"Authorization": value}, client=client)
            assert response.json() == {"user": "ada", "error": None}
        response = wsgi("get", "/view", {"Authorization": "Bearer wrong"}, client=client)
        assert response.json() == {"user": "AnonymousUser", "error": "token_malformed"}


def test_the_label_shows_the_schemes_of_keys():
    assert keys(scheme="Key").label == "api_key(configured, scheme=['Key'])"
    assert keys().label == "api_key(configured)"
