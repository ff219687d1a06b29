"""`boltguard.testing` in a Django project: `token_for`, `authenticate`, `assert_refused` and `auth_matrix`."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, JsonResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path

from boltguard import BoltAPI, _rust
from boltguard.auth import (
    APIKeyAuthentication,
    Authentication,
    HasPermission,
    Identity,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    RemoteKeySet,
    SigningKey,
    SigningKeys,
    logout_everywhere,
)
from boltguard.decorators import protect
from boltguard.jwt import Key, KeySet
from boltguard.models import APIKey
from boltguard.testing import FakeIssuer, assert_refused, auth_matrix, authenticate, token_for, travel

from support import claims_of, mount, mount_view

SECRET = "a secret of at least thirty-two bytes"
HOUR = timedelta(hours=1)


def view_with(*backends, guards=None):
    options = {"auth": list(backends)} if backends else {}

    @protect(guards=guards or [IsAuthenticated()], **options)
    def view(request):
        return JsonResponse({"user": request.context["user_id"], "backend": request.context["auth_backend"]})

    mount_view(view)


def sent(client):
    return client.get("/view")


# token_for


class Signature(Authentication):
    name, header = "signature", "x-signature"

    def authenticate(self, request):
        return Identity("1")


def es256():
    return Key.generate("ES256", kid="a")


def scheduled():
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    return SigningKeys([SigningKey(es256(), signs_from=past)], access_lifetime=HOUR)


@pytest.mark.parametrize(
    "backend",
    [
        lambda: JWTAuthentication(),
        lambda: JWTAuthentication(SECRET),
        lambda: JWTAuthentication(SECRET, algorithms=["HS512", "HS256"]),
        lambda: JWTAuthentication([SECRET, "another secret of thirty-two bytes"]),
        lambda: JWTAuthentication(SECRET, issuer=["a", "b"], audience=["shop", "blog"]),
        lambda: JWTAuthentication(SECRET, typ="at+jwt", claims={"token_type": ["access", "api"], "v": 2}),
        lambda: JWTAuthentication(SECRET, required_claims=["exp", "nbf", "jti", "username"]),
        lambda: JWTAuthentication(SECRET, header="x-token"),
        lambda: JWTAuthentication(SECRET, scheme=["Token", "Bearer"]),
        lambda: JWTAuthentication(SECRET, header=None, cookie="access"),
        lambda: JWTAuthentication(SECRET, user_id_claim="uid"),
        lambda: JWTAuthentication(SECRET, user_id_claim="email", user_field="email"),
        lambda: JWTAuthentication(SECRET, get_user=lambda claims: None),
        lambda: JWTAuthentication(SECRET, revocation_store=InMemoryRevocation()),
        lambda: JWTAuthentication(SECRET, verify_user=True),
        lambda: JWTAuthentication(scheduled(), algorithms=["ES256"]),
    ],
)
def test_a_backend_accepts_the_token_for_a_user(ada, backend):
    backend = backend()
    view_with(backend)
    with authenticate(Client(), ada, backend=backend) as client:
        response = sent(client)
    assert response.status_code == 200, response.content
    assert response.json()["user"] in (str(ada.pk), ada.email)


def test_a_public_key_requires_the_private_one(ada):
    private = es256()
    backend = JWTAuthentication(KeySet([private.public_key()]), algorithms=["ES256"])
    view_with(backend)
    with pytest.raises(ImproperlyConfigured, match="signing_key="):
        token_for(ada, backend=backend)
    with pytest.raises(ImproperlyConfigured, match="signature_invalid|key_unknown"):
        token_for(ada, backend=backend, signing_key=es256())
    client = Client()
    authenticate(client, token=token_for(ada, backend=backend, signing_key=private), backend=backend)
    assert sent(client).status_code == 200


def test_the_default_is_the_first_backend_for_tokens_of_the_settings(ada):
    other = JWTAuthentication(SECRET, issuer="here", name="second")
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[APIKeyAuthentication({"k" * 32}), other]):
        view_with()
        client = Client()
        authenticate(client, ada)
        assert sent(client).json() == {"user": str(ada.pk), "backend": "second"}
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[]):
        with pytest.raises(ImproperlyConfigured, match="is empty"):
            token_for(ada)
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[Signature()]):
        with pytest.raises(ImproperlyConfigured, match="The settings have no JWTAuthentication"):
            token_for(ada)


def test_a_backend_without_tokens_of_this_site_is_rejected(ada):
    with pytest.raises(ImproperlyConfigured, match="Pass the JWTAuthentication"):
        token_for(ada, backend=APIKeyAuthentication({"k" * 32}))
    remote = JWTAuthentication(RemoteKeySet("https://id.example/jwks.json"), algorithms=["ES256"], audience="shop")
    with pytest.raises(ImproperlyConfigured, match="FakeIssuer"):
        token_for(ada, backend=remote)


def test_a_token_that_lacks_a_required_claim_is_not_returned(ada):
    backend = JWTAuthentication(SECRET, required_claims=["exp", "tenant"])
    with pytest.raises(ImproperlyConfigured, match="claim_missing"):
        token_for(ada, backend=backend)
    assert claims_of(token_for(ada, backend=backend, tenant="a"))["tenant"] == "a"


@pytest.mark.parametrize("user", [AnonymousUser(), None])
def test_a_user_who_is_not_saved_has_no_token(user):
    with pytest.raises(ValueError, match="must be a saved user|anonymous or not saved"):
        token_for(user)


def test_claims_can_be_replaced_and_omitted(ada):
    claims = claims_of(token_for(ada, sub="7", permissions=["blog.add"], username=None, is_staff=False))
    assert (claims["sub"], claims["permissions"], claims["is_staff"]) == ("7", ["blog.add"], False)
    assert "username" not in claims


def test_a_token_is_valid_again_after_all_tokens_of_its_user_were_revoked(own_registry, ada):
    backend = JWTAuthentication(SECRET, revocation_store=InMemoryRevocation())
    view_with(backend)
    client = Client()
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[backend]):
        authenticate(client, ada)
        logout_everywhere(ada)
        assert_refused(sent(client), 401, "token_revoked")
        authenticate(client, ada)
        assert sent(client).status_code == 200


# authenticate


def test_requests_pass_the_gate(ada):
    view_with(guards=[HasPermission("blog.add") & IsStaff()])
    client = Client()
    authenticate(client, ada)
    assert_refused(sent(client), 403, "permission_denied")
    authenticate(client, ada, permissions=["blog.add"])
    assert sent(client).status_code == 200
    authenticate(client, ada, permissions=["blog.add"], expires_in=-1)
    assert_refused(sent(client), 401, "token_expired")


def test_a_client_keeps_the_credentials_unless_they_end_with_a_statement(ada):
    view_with()
    client = Client()
    with authenticate(client, ada) as same:
        assert same is client and sent(client).status_code == 200
        with authenticate(client, token="x.y.z"):
            assert_refused(sent(client), code="invalid_token")
        assert sent(client).status_code == 200
    assert_refused(sent(client), code="not_authenticated")
    authenticate(client, ada)
    assert sent(client).status_code == 200


def test_credentials_in_a_cookie_end_with_a_statement(ada):
    backend = JWTAuthentication(SECRET, header=None, cookie="access")
    view_with(backend)
    client = Client()
    client.cookies["access"] = "before"
    with authenticate(client, ada, backend=backend):
        assert sent(client).status_code == 200
    assert client.cookies["access"].value == "before"
    del client.cookies["access"]
    with authenticate(client, ada, backend=backend):
        assert sent(client).status_code == 200
    assert "access" not in client.cookies


@pytest.mark.parametrize("options", [{"header": "x-token"}, {"header": None, "cookie": "access"}, {}])
def test_an_async_client_sends_the_token(ada, options):
    backend = JWTAuthentication(SECRET, **options)
    view_with(backend)

    async def requests():
        client = AsyncClient()
        with authenticate(client, ada, backend=backend):
            inside = await client.get("/view")
        return inside, await client.get("/view")

    inside, after = asyncio.run(requests())
    assert inside.status_code == 200
    assert_refused(after, 401, "not_authenticated")


def test_a_request_factory_sends_the_token(ada):
    factory = RequestFactory()
    authenticate(factory, ada)
    assert factory.get("/").headers["Authorization"].startswith("Bearer ")


def test_a_client_of_rest_framework_sends_the_token(ada):
    pytest.importorskip("rest_framework")
    from rest_framework.test import APIClient
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication

    class View(APIView):
        authentication_classes = [BoltguardAuthentication]
        permission_classes = []

        def get(self, request):
            return HttpResponse(str(request.user.pk))

    mount(path("view", View.as_view()))
    client = APIClient()
    with authenticate(client, ada):
        assert sent(client).content == str(ada.pk).encode()
    assert sent(client).content != str(ada.pk).encode()


class HeaderClient:
    """A client as those of Django Ninja and httpx: it has `headers`."""

    def __init__(self):
        self.headers = {"x-other": "1"}


def test_a_client_with_headers_sends_the_token(ada):
    client = HeaderClient()
    with authenticate(client, ada):
        assert client.headers["authorization"].startswith("Bearer ") and client.headers["x-other"] == "1"
    assert client.headers == {"x-other": "1"}
    cookie = JWTAuthentication(SECRET, header=None, cookie="access")
    authenticate(client, ada, backend=cookie)
    assert client.headers["cookie"].startswith("access=")


@pytest.mark.parametrize(
    ("options", "header", "sent_as"),
    [
        ({}, "HTTP_X_API_KEY", "{}"),
        ({"header": "authorization"}, "HTTP_AUTHORIZATION", "ApiKey {}"),
        ({"header": "authorization", "scheme": "Key"}, "HTTP_AUTHORIZATION", "Key {}"),
    ],
)
def test_an_api_key_is_sent_as_its_backend_reads_it(options, header, sent_as):
    backend = APIKeyAuthentication({"k" * 32}, **options)
    view_with(backend)
    client = Client()
    authenticate(client, token="k" * 32, backend=backend)
    assert client.defaults[header] == sent_as.format("k" * 32)
    assert sent(client).json()["backend"] == "api_key"


def test_a_token_of_an_issuer_is_sent():
    with FakeIssuer(claims={"aud": "shop"}) as issuer:
        keys = RemoteKeySet(issuer.jwks_url, allow_http=True)
        backend = JWTAuthentication(keys, algorithms=["ES256"], issuer=issuer.url, audience="shop")
        view_with(backend)
        client = Client()
        authenticate(client, token=issuer.token("7"), backend=backend)
        assert sent(client).json()["user"] == "7"


def test_invalid_arguments_of_authenticate_are_errors(ada):
    with pytest.raises(TypeError, match="either a user or a token"):
        authenticate(Client())
    with pytest.raises(TypeError, match="either a user or a token"):
        authenticate(Client(), ada, token="x")
    with pytest.raises(TypeError, match="can't add claims to a token: aud"):
        authenticate(Client(), token="x", aud="shop")
    with pytest.raises(TypeError, match="requires a JWTAuthentication"):
        authenticate(Client(), ada, backend=APIKeyAuthentication({"k" * 32}))
    with pytest.raises(TypeError, match="doesn't know how to send"):
        authenticate(Client(), token="x", backend=Signature())
    with pytest.raises(TypeError, match="client is of type object"):
        authenticate(object(), ada)


# assert_refused


def response(status, body=b'{"code": "a"}', **headers):
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def test_a_refusal_has_the_status_and_the_code(ada):
    view_with()
    refusal = Client().get("/view")
    for arguments in ({}, {"status": 401}, {"code": "not_authenticated"}):
        assert_refused(refusal, **arguments)


@pytest.mark.parametrize(
    ("status", "arguments", "message"),
    [
        (200, {}, "Expected 401 or 403 with any code, got 200 a."),
        (503, {}, "Expected 401 or 403 with any code, got 503 a."),
        (403, {"status": 401}, "Expected 401 with any code, got 403 a."),
        (403, {"code": "b"}, "Expected 401 or 403 b, got 403 a."),
        (401, {}, "The response is 401 without WWW-Authenticate"),
    ],
)
def test_another_response_is_not_a_refusal(status, arguments, message):
    mount(path("view", lambda request: response(status)))
    with pytest.raises(AssertionError, match=message):
        assert_refused(Client().get("/view"), **arguments)


def test_a_refusal_without_json_has_no_code():
    mount(path("view", lambda request: HttpResponse("no", status=403)))
    assert_refused(Client().get("/view"))
    with pytest.raises(AssertionError, match="got 403 without a code"):
        assert_refused(Client().get("/view"), code="permission_denied")


def test_an_unavailable_store_is_only_a_refusal_if_it_is_expected():
    mount(path("view", lambda request: response(503)))
    assert_refused(Client().get("/view"), 503, "a")
    with pytest.raises(ValueError, match="status is 200"):
        assert_refused(Client().get("/view"), 200)


# auth_matrix


def test_the_matrix_lists_the_statuses_and_codes_of_all_callers(ada):
    api = BoltAPI()

    @api.get("/open", guards=None)
    def opened(request):
        return {}

    @api.get("/reports", guards=[IsAuthenticated()])
    def reports(request):
        return {}

    @api.delete("/reports/{number}", guards=[IsStaff()])
    def delete(request, number: int):
        return None

    mount(api=api)
    personas = {"anonymous": None, "expired": token_for(ada, expires_in=-1), "ada": ada}
    personas["guest"] = token_for(ada, is_staff=False)
    assert auth_matrix(personas, ["/open", "/reports", "DELETE /reports/7", "/missing"]) == MATRIX


MATRIX = """\
                   anonymous              expired            ada  guest
GET /open          200                    200                200  200
GET /reports       401 not_authenticated  401 token_expired  200  200
DELETE /reports/7  401 not_authenticated  401 token_expired  204  403 permission_denied
GET /missing       404                    404                404  404"""


@pytest.mark.parametrize("route", ["reports", "get /reports", "/a b", ""])
def test_a_route_of_the_matrix_is_a_path_or_a_method_and_a_path(route):
    with pytest.raises(ValueError, match="is not a route"):
        auth_matrix({"anonymous": None}, [route])


def test_an_empty_matrix_is_an_error():
    for arguments in (({}, ["/"]), ({"anonymous": None}, [])):
        with pytest.raises(ValueError, match="at least one"):
            auth_matrix(*arguments)


# travel


def test_an_api_key_expires_when_the_clock_moves(ada):
    key, text = APIKey.objects.create_key(name="ci", expires=HOUR)
    view_with(APIKeyAuthentication(store=True))
    client = Client(headers={"X-API-Key": text})
    assert sent(client).status_code == 200
    with travel(2 * HOUR):
        assert_refused(sent(client), 401, "invalid_api_key")
        assert key.status == "expired"
        assert not APIKey.objects.active().exists()
    assert sent(client).status_code == 200


def test_an_entry_of_a_revocation_store_expires_when_the_clock_moves():
    store = InMemoryRevocation()
    store.revoke("a" * 20, 60)
    assert store.is_revoked("a" * 20)
    with travel(HOUR):
        assert not store.is_revoked("a" * 20)


def test_the_expiry_of_a_context_follows_the_clock(ada):
    token = token_for(ada, expires_in=60)
    gate = _rust.Gate([JWTAuthentication().rust], IsAuthenticated().rust)
    with travel(timedelta(seconds=50)):
        assert isinstance(gate.check({"HTTP_AUTHORIZATION": f"Bearer {token}"}), _rust.AuthContext)
    with travel(timedelta(seconds=70)):
        assert gate.check({"HTTP_AUTHORIZATION": f"Bearer {token}"}).reason == "token_expired"
