"""Tokens in cookies: which credential is used, and which requests may be forged."""

import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import _get_new_csrf_string
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.views.decorators.csrf import csrf_exempt
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import BoltAPI, _rust, protect
from boltguard.auth import AllowAny, APIKeyAuthentication, IsAuthenticated, JWTAuthentication
from boltguard.checks.backends import check_cookies
from boltguard.drf import BoltguardAuthentication, GuardPermission
from boltguard.exceptions import ConfigurationError
from boltguard.gate import csrf

from support import bearer, mount, mount_view

CSRF = "django.middleware.csrf.CsrfViewMiddleware"
BOLTGUARD = "boltguard.middleware.BoltguardMiddleware"
NAME = "__Host-access"
LOGGED_IN = [IsAuthenticated()]
SECURE = {"secure": True}


def access(**claims):
    return bearer(**{"sub": "1", **claims})["Authorization"].removeprefix("Bearer ")


def by_cookie(**options):
    return JWTAuthentication(cookie=NAME, **options)


def show(request):
    return JsonResponse({"user_id": request.context.user_id, "source": request.context.credential_source})


async def ashow(request):
    return show(request)


def mount_function(backend, guards=LOGGED_IN):
    mount_view(csrf_exempt(protect(auth=[backend], guards=guards)(show)))


def mount_async_function(backend, guards=LOGGED_IN):
    mount_view(protect(auth=[backend], guards=guards)(csrf_exempt(ashow)))


def mount_api(backend, guards=LOGGED_IN, handler=show):
    api = BoltAPI(auth=[backend], guards=guards)
    api.get("/view")(handler)
    api.post("/view")(handler)
    mount(api=api)


def mount_async_api(backend, guards=LOGGED_IN):
    mount_api(backend, guards, ashow)


def mount_drf(backend, guards=LOGGED_IN):
    class Authenticated(BoltguardAuthentication):
        backends = [backend]

    class Shown(APIView):
        authentication_classes = [Authenticated]
        permission_classes = [GuardPermission.of(*guards)]

        def get(self, request):
            context = request.auth
            return Response({"user_id": context.user_id, "source": context.credential_source})

        post = get

    mount_view(Shown.as_view())


def mount_middleware(backend, guards=None, view=show):
    mount_view(csrf_exempt(view))


def mount_async_middleware(backend, guards=None):
    mount_view(csrf_exempt(ashow))


AT_THE_VIEW = [mount_function, mount_async_function, mount_api, mount_async_api, mount_drf]
IN_THE_MIDDLEWARE = [mount_middleware, mount_async_middleware]
CLIENTS = [Client, AsyncClient]


def send(method="post", *, client=Client, token=None, csrf_token=False, cookies=None, secure=True, headers=None):
    strict = client(enforce_csrf_checks=True)
    sent = {NAME: access() if token is None else token, **(cookies or {})}
    headers = dict(headers or {})
    if csrf_token:
        sent["csrftoken"] = headers["X-CSRFToken"] = _get_new_csrf_string()
        if secure:
            headers.setdefault("Origin", "https://testserver")
    for name, value in sent.items():
        strict.cookies[name] = value
    response = getattr(strict, method)("/view", headers=headers, secure=secure)
    return asyncio.run(_awaited(response)) if client is AsyncClient else response


async def _awaited(response):
    return await response


def code(response):
    return response.status_code, response.json()["code"]


@pytest.fixture(params=[[], [CSRF], [CSRF, BOLTGUARD], [BOLTGUARD, CSRF]], ids=str)
def site(request):
    backends = [by_cookie()] if BOLTGUARD in request.param else []
    with override_settings(MIDDLEWARE=request.param, BOLTGUARD_AUTHENTICATION_CLASSES=backends):
        yield


@pytest.fixture
def only_middleware():
    with override_settings(MIDDLEWARE=[BOLTGUARD], BOLTGUARD_AUTHENTICATION_CLASSES=[by_cookie()]):
        yield


def check_every_refusal(client):
    for method in ("get", "head", "options"):
        assert send(method, client=client).status_code == 200 or method == "options"
    assert send("get", client=client).json() == {"user_id": "1", "source": "cookie"}
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "https://testserver"}):
        assert code(send(client=client, headers=headers)) == (403, "csrf_failed"), headers
    assert send(client=client, csrf_token=True).json() == {"user_id": "1", "source": "cookie"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    ):
        assert code(send(client=client, csrf_token=True, headers=headers)) == (403, "csrf_failed"), headers
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://app.example", "https://*.example.org", "not an origin"]):
        for origin in ("https://app.example", "https://a.example.org"):
            headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            assert send(client=client, csrf_token=True, headers=headers).status_code == 200


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("mount_at_view", AT_THE_VIEW)
def test_unsafe_requests_with_a_cookie_must_pass_the_check(mount_at_view, client, site):
    mount_at_view(by_cookie())
    check_every_refusal(client)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("mount_at_view", IN_THE_MIDDLEWARE)
def test_the_middleware_checks_all_views(mount_at_view, client, only_middleware):
    mount_at_view(by_cookie())
    check_every_refusal(client)


@pytest.mark.parametrize("mount_at_view", AT_THE_VIEW)
def test_the_guards_do_not_matter(mount_at_view):
    mount_at_view(by_cookie(), [AllowAny()])
    assert code(send()) == (403, "csrf_failed")
    # An invalid token identifies no one. DRF refuses it in any case.
    assert send(token="x.y.z").status_code == (401 if mount_at_view is mount_drf else 200)


def test_a_view_with_other_backends_is_checked_by_the_middleware(only_middleware):
    mount_view(protect(auth=[APIKeyAuthentication({"k" * 20})], guards=[AllowAny()])(show))
    assert code(send()) == (403, "csrf_failed")


@pytest.mark.parametrize("mount_at_view", AT_THE_VIEW)
def test_requests_with_a_header_are_not_checked(mount_at_view, site):
    mount_at_view(by_cookie())
    headers = {**bearer(sub="2"), "Sec-Fetch-Site": "cross-site"}
    assert send(headers=headers).json() == {"user_id": "2", "source": "header"}


@pytest.mark.parametrize("mount_at_view", AT_THE_VIEW)
def test_the_header_is_used_first_even_if_it_is_invalid(mount_at_view):
    mount_at_view(by_cookie())
    assert send("get", headers=bearer("a.b.c")).status_code == 401
    assert send("get", headers={"Authorization": "Basic YTpi"}).json()["source"] == "cookie"
    mount_at_view(by_cookie(header=None))
    assert send("get", headers=bearer(sub="2")).json() == {"user_id": "1", "source": "cookie"}
    assert send("get", headers=bearer(sub="2"), token="").status_code == 401


def raw(cookie):
    return Client().get("/view", headers={"Cookie": cookie})


def test_bad_cookies_are_refused():
    mount_function(by_cookie(), [AllowAny()])
    seen = {}

    def note(request):
        seen["error"] = request.context.get("auth_error")
        return HttpResponse()

    mount_view(protect(auth=[by_cookie()], guards=[AllowAny()])(note))
    good = f"{NAME}={access()}"
    for cookie, error in [
        (good, None),
        (f"{NAME}=", None),
        (f"{good}; {good}", "cookie_duplicated"),
        (f'{NAME}="{access()}"', "token_malformed"),
        (f"{NAME}=x", "token_malformed"),
        (f"{NAME}={access(exp=1)}", "token_expired"),
    ]:
        raw(cookie)
        assert seen["error"] == error, cookie
    mount_function(by_cookie())
    for cookie in (f"{good}; {good}", f"\u2003{good}".encode().decode("latin-1"), f"\x0b{good}", f"x={good}"):
        assert raw(cookie).status_code == 401, cookie
    assert raw(f"theme=dark; {good}; lang=en").status_code == 200


@pytest.mark.parametrize("mount_at_view", AT_THE_VIEW)
def test_responses_vary_on_cookies(mount_at_view):
    for backend, vary in [(by_cookie(), "Authorization, Cookie"), (by_cookie(header=None), "Cookie")]:
        mount_at_view(backend)
        for response in (send("get"), send("get", token="x"), send()):
            names = [name for name in response["Vary"].split(", ") if name in ("Authorization", "Cookie")]
            assert sorted(names) == vary.split(", ")
        assert "private" in send("get")["Cache-Control"]


def test_a_cookie_alone_offers_no_scheme_of_its_own():
    keys = APIKeyAuthentication({"k" * 20})
    mount_view(protect(auth=[by_cookie(header=None), keys], guards=LOGGED_IN)(show))
    assert raw("a=b")["WWW-Authenticate"] == 'ApiKey realm="api"'


@pytest.mark.parametrize(
    "options", [{"cookie": "a b"}, {"cookie": ""}, {"cookie": 1}, {"cookie": "é"}, {"header": None}]
)
def test_invalid_cookies_are_configuration_errors(options):
    with pytest.raises(ImproperlyConfigured, match="cookie"):
        JWTAuthentication(**options)


def test_an_invalid_name_does_not_reach_rust():
    for options in ({"cookie": "a b"}, {"header": None}):
        with pytest.raises(ConfigurationError, match="cookie"):
            _rust.JwtBackend(keys=["s" * 32], algorithms=["HS256"], **options)


def test_the_cookie_is_part_of_the_description():
    backend = by_cookie(header=None)
    assert repr(backend) == "JWTAuthentication(algorithms=['HS256'], header=None, cookie='__Host-access')"
    assert backend.headers == ("cookie",) and "cookie=__Host-access" in backend.label
    assert by_cookie().headers == ("authorization", "cookie")


def test_checks_of_the_names():
    kept = [JWTAuthentication(cookie=name) for name in ("plain", "__Secure-auth", "__Host-token")]
    found = {(message.id, message.obj) for message in check_cookies(None)}
    assert {("boltguard.W106", "plain"), ("boltguard.W107", "plain")} <= found
    assert not {obj for _, obj in found} & {backend.cookie for backend in kept[1:]}


def test_helpers_of_views_that_set_cookies():
    request = RequestFactory().post("/", headers={"Sec-Fetch-Site": "same-origin"})
    assert csrf.enforce(request).status_code == 403
    response = HttpResponse()
    csrf.set_token(request, response)
    token = response.cookies["csrftoken"].value
    later = RequestFactory().post("/", headers={"X-CSRFToken": token})
    later.COOKIES["csrftoken"] = token
    assert csrf.enforce(later) is None
    later.META["HTTP_SEC_FETCH_SITE"] = "cross-site"
    later.csrf_processing_done = False
    assert csrf.enforce(later).status_code == 403


@override_settings(ALLOWED_HOSTS=["good.example"])
def test_a_host_that_is_not_allowed_is_no_origin():
    request = RequestFactory().post("/", headers={"Host": "evil.example"})
    assert not csrf.comes_from_allowed_origin(request)


def test_origins_of_servers_without_django():
    policy = _rust.OriginPolicy(["https://app.example"])
    for origin, host, expected in [
        ("https://api.example", "api.example", "same_origin"),
        ("http://api.example", "api.example", "cross_origin"),
        ("https://app.example", "api.example", "trusted"),
        (None, "api.example", "unknown"),
    ]:
        assert policy.classify(origin=origin, fetch_site=None, host=host) == expected
    with pytest.raises(ConfigurationError, match="origin"):
        _rust.OriginPolicy(["app.example"])
