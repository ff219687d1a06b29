"""The endpoints for other services: token introspection (RFC 7662) and token revocation (RFC 7009)."""

import asyncio
import logging
import time

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path
from django.views.debug import SafeExceptionReporterFilter

from boltguard import _rust, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    DenyAll,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    HasPermission,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    ReplicatedRevocation,
    leeways,
)
from boltguard.jwt import Key
from boltguard.models import RevokedToken
from boltguard.oauth import aintrospection_view, arevocation_view, introspection_view, revocation_view

from support import AsyncSingleTokens, SingleTokens, Unavailable, asgi, bearer, mount, token, wsgi

CALLERS = APIKeyAuthentication(
    {"key-of-a-service", "key-of-another"}, key_permissions={"key-of-a-service": {"tokens.introspect"}}
)
OPTIONS = {"auth": [CALLERS], "guards": [HasPermission("tokens.introspect")]}
KEY = {"X-API-Key": "key-of-a-service"}
FORM = "application/x-www-form-urlencoded"
INACTIVE = b'{"active":false}'


STORES = [InMemoryRevocation, DjangoCacheRevocation, DjangoORMRevocation, SingleTokens, AsyncSingleTokens]


def serve(backend=None, **options):
    """Serves the endpoints of a backend, sync and async, and a view that it protects."""
    backend = backend or JWTAuthentication(revocation_store=InMemoryRevocation())
    options = {**OPTIONS, **options}

    @protect(auth=[backend], guards=[IsAuthenticated()])
    def guarded(request):
        return HttpResponse("in")

    views = {"introspect": introspection_view, "aintrospect": aintrospection_view}
    if backend.revocation_store is not None:
        views |= {"revoke": revocation_view, "arevoke": arevocation_view}
    mount(
        path("guarded", guarded),
        *(path(name, view(backend, **options)) for name, view in views.items()),
    )
    return backend


def post(url, body, headers=KEY, **options):
    """One request to the sync and the async view, through the WSGI and the ASGI handler, which must agree."""
    prefix, name = url[0], url[1:]
    options = {"data": body, "content_type": FORM, **options}
    responses = [wsgi("post", f"{prefix}{kind}{name}", headers, **options) for kind in ("", "a")]

    async def both():
        client = AsyncClient(raise_request_exception=False)
        return [await client.post(f"{prefix}{kind}{name}", headers=headers, **options) for kind in ("", "a")]

    responses += asyncio.run(both())
    assert len({(one.status_code, one.content) for one in responses}) == 1, responses
    return responses[0]


def introspect(text, **options):
    return post("/introspect", f"token={text}", **options)


def revoke(text, **options):
    return post("/revoke", f"token={text}", **options)


def is_in(text):
    return wsgi("get", "/guarded", bearer(text)).status_code == 200


# --- introspection ---------------------------------------------------------------------------------------------------


def test_an_active_token_is_described():
    serve()
    claims = {"sub": "42", "jti": "j", "sid": "s", "iss": "https://id.example", "scope": "read", "username": "ada"}
    now = int(time.time())
    text = token(**claims, exp=now + 600, iat=now, nbf=now, client_id="shop", email="ada@example.com")
    response = introspect(text)
    assert response.json() == {
        "active": True, "token_type": "Bearer", "exp": now + 600, "iat": now, "nbf": now, "client_id": "shop", **claims
    }  # fmt: skip
    assert response["Cache-Control"] == "no-store" and response["Content-Type"] == "application/json"


def tokens_that_are_refused():
    yield "expired", token(sub="1", jti="j", exp=1)
    yield "not valid yet", token(sub="1", jti="j", nbf=4_000_000_000)
    yield "another secret", token(secret="another", sub="1", jti="j")
    yield "another audience", token(sub="1", jti="j", aud="other")
    yield "a refresh token", token(sub="1", jti="j", token_type="refresh")
    yield "no subject", token(jti="j")
    yield "no jti", token(sub="1")
    yield "no signature", token(sub="1", jti="j").rsplit(".", 1)[0] + "."
    yield "malformed", "x"
    yield "with its scheme", "Bearer%20" + token(sub="1", jti="j")
    yield "with a space", "%20" + token(sub="1", jti="j")
    yield "with a line break", token(sub="1", jti="j") + "%0A"
    yield "not ASCII", "%C3%A9"
    yield "NUL", "%00"
    yield "a refresh token of a session", "bgr_" + "a" * 60
    yield "an API key", "key-of-a-service"
    yield "too long", token(sub="1", jti="j", x="x" * 20_000)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in tokens_that_are_refused()])
def test_what_the_gate_refuses_is_not_active(text):
    serve()
    assert introspect(text).content == INACTIVE
    assert "%" in text or not is_in(text)
    assert revoke(text).status_code == 200


@pytest.mark.parametrize("header", ["authorization", "x-token"])
def test_the_header_and_the_scheme_of_the_backend_do_not_matter(header):
    serve(JWTAuthentication(header=header, scheme=["Token", "Bearer"]))
    assert introspect(token(sub="1")).json()["active"] is True
    assert introspect("Bearer%20" + token(sub="1")).content == INACTIVE


def test_the_settings_of_the_site_are_followed():
    serve()
    with override_settings(SECRET_KEY="changed-" * 10):
        assert introspect(token(sub="1", jti="j")).content == INACTIVE
        assert introspect(token(secret="changed-" * 10, sub="1", jti="j")).json()["active"] is True
    assert introspect(token(sub="1", jti="j")).json()["active"] is True


@pytest.mark.parametrize("store", STORES)
def test_a_revoked_token_is_not_active(store):
    serve(JWTAuthentication(revocation_store=store()))
    text = token(sub="1", jti="j")
    assert is_in(text) and introspect(text).json()["active"] is True
    response = revoke(text)
    assert (response.status_code, response.content, response["Cache-Control"]) == (200, b"", "no-store")
    assert introspect(text).content == INACTIVE and not is_in(text)
    other = token(sub="1", jti="other")
    assert is_in(other) and introspect(other).json()["active"] is True


def test_a_token_that_only_the_copy_of_a_list_has_is_revoked():
    """As after a rollback, or if the other processes weren't told."""
    store = ReplicatedRevocation(None)
    serve(JWTAuthentication(revocation_store=store))
    store._follower.insert(_rust.RevocationEntry.token("j", None))
    assert revoke(token(sub="1", jti="j")).status_code == 200
    assert RevokedToken.objects.filter(jti="j").exists()
    store.close()


def test_an_account_that_must_exist_is_loaded(ada):
    serve(JWTAuthentication(verify_user=True))
    text = token(sub=str(ada.pk))
    assert introspect(text).json()["active"] is True
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert introspect(text).content == INACTIVE and not is_in(text)
    for subject in ("987654", "x"):
        assert introspect(token(sub=subject)).content == INACTIVE


def test_an_unavailable_store_is_reported():
    serve(JWTAuthentication(revocation_store=Unavailable()))
    for response in (introspect(token(sub="1", jti="j")), revoke(token(sub="1", jti="j"))):
        assert response.status_code == 503 and response.json()["error"] == "temporarily_unavailable"
        assert response["Retry-After"] == "1" and response["Cache-Control"] == "no-store"
    # The signature is checked first.
    assert introspect(token(secret="another", sub="1", jti="j")).content == INACTIVE
    assert revoke(token(secret="another", sub="1", jti="j")).status_code == 200


# --- revocation ------------------------------------------------------------------------------------------------------


def test_a_token_is_revoked_for_its_remaining_lifetime():
    store = SingleTokens()
    serve(JWTAuthentication(revocation_store=store))
    revoke(token(sub="1", jti="j", exp=int(time.time()) + 100))
    assert list(store.revoked) == ["j"] and 90 < store.revoked["j"] <= 100


def test_a_token_that_is_not_valid_yet_is_revoked_too():
    store = SingleTokens()
    serve(JWTAuthentication(revocation_store=store))
    assert revoke(token(sub="1", jti="later", nbf=int(time.time()) + 300)).status_code == 200
    assert list(store.revoked) == ["later"]


def test_a_token_that_is_too_old_for_one_backend_is_revoked_for_all():
    store = SingleTokens()
    serve(JWTAuthentication(revocation_store=store, max_age=60))
    text = token(sub="1", jti="old", iat=int(time.time()) - 3600)
    assert revoke(text).status_code == 200 and not is_in(text)
    assert list(store.revoked) == ["old"]


@pytest.mark.parametrize("store", [InMemoryRevocation, DjangoORMRevocation, SingleTokens])
def test_a_token_is_revoked_while_another_backend_accepts_it(store, monkeypatch):
    """Backends with the same store can have different leeways."""
    monkeypatch.setattr(leeways, "_bound", {})
    store = type("Other", (SingleTokens,), {})() if store is SingleTokens else store()
    lenient = JWTAuthentication(revocation_store=store, leeway=300)
    serve(JWTAuthentication(revocation_store=store))
    late, too_late = (token(sub="1", jti=f"{age} s late", exp=int(time.time()) - age) for age in (100, 100_000))
    for text in (late, too_late):
        assert revoke(text).status_code == 200 and not is_in(text)
    assert store.is_revoked("100 s late") and not store.is_revoked("100000 s late")
    serve(lenient)
    assert not is_in(late)


def test_only_genuine_tokens_of_the_backend_are_revoked():
    store = SingleTokens()
    serve(JWTAuthentication(revocation_store=store))
    for name, text in tokens_that_are_refused():
        if name != "not valid yet":
            assert revoke(text).status_code == 200, name
    assert store.revoked == {}


@pytest.mark.parametrize("view", [revocation_view, arevocation_view])
def test_a_backend_without_a_store_is_an_error(view):
    with pytest.raises(ImproperlyConfigured) as refused:
        view(JWTAuthentication(), **OPTIONS)
    assert str(refused.value).startswith(f"{view.__name__}: the backend has no revocation store")
    assert "JWTAuthentication(revocation_store=DjangoORMRevocation())" in str(refused.value)


def test_revoking_twice_is_no_error():
    serve()
    text = token(sub="1", jti="j")
    assert [revoke(text).status_code for _ in range(2)] == [200, 200]


def test_public_keys_revoke_and_introspect_too():
    key = Key.generate("EdDSA")
    serve(JWTAuthentication(key.public_key(), ["EdDSA"], revocation_store=InMemoryRevocation(), cached_tokens=10))
    text = _rust.Minter(key, "EdDSA").mint("1", 60, {})
    assert introspect(text).json()["active"] is True
    assert revoke(text).status_code == 200 and introspect(text).content == INACTIVE


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/introspect", "/revoke"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("&", 400),
        ("token=", 400),
        ("token_type_hint=access_token", 400),
        ("token=a&token=b", 400),
        ("token=a&token=a", 400),
        ("token=a&token_type_hint=x&token_type_hint=y", 400),
        ("token=%FF", 400),
        (b"token=\xff", 400),
        ("token=a" + "&x=" * 20, 400),
        ("token=" + "a" * 40_000, 413),
    ],
)
def test_a_body_that_is_not_a_form_with_one_token_is_refused(url, body, status):
    serve()
    response = post(url, body)
    assert (response.status_code, response.json()["error"]) == (status, "invalid_request")
    assert response["Cache-Control"] == "no-store" and "aaa" not in response.content.decode()


@pytest.mark.parametrize("url", ["/introspect", "/revoke"])
def test_another_type_of_body_is_refused(url):
    serve()
    for content_type in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
        assert post(url, "token=a", content_type=content_type).status_code == 415
    assert post(url, "token=a", content_type=f"{FORM}; charset=utf-8").status_code == 200


@pytest.mark.parametrize("url", ["/introspect", "/revoke"])
def test_a_token_in_the_url_is_not_read(url):
    serve()
    response = wsgi("post", f"{url}?token={token(sub='1', jti='j')}", KEY, data="x=1", content_type=FORM)
    assert response.status_code == 400


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "unknown", ""])
def test_a_hint_does_not_change_the_result(hint):
    serve()
    text = token(sub="1", jti="j")
    assert post("/introspect", f"token={text}&token_type_hint={hint}&other=x").json()["active"] is True
    assert post("/revoke", f"token_type_hint={hint}&token={text}").status_code == 200 and not is_in(text)


@pytest.mark.parametrize("url", ["/introspect", "/aintrospect", "/revoke", "/arevoke"])
def test_other_methods_are_not_allowed(url):
    serve()
    for method in ("get", "head", "put", "delete", "options"):
        for headers in ({}, KEY):
            response = wsgi(method, url, headers)
            assert (response.status_code, response["Allow"]) == (405, "POST")
            assert asyncio.run(asgi(method, url, headers)).status_code == 405


# --- callers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/introspect", "/revoke"])
def test_callers_need_an_api_key_with_the_permission(url):
    serve()
    text = token(sub="1", jti="j")
    for headers, status in [
        ({}, 401),
        ({"X-API-Key": "unknown"}, 401),
        ({"X-API-Key": "key-of-another"}, 403),
        (bearer(text), 401),
    ]:
        response = post(url, f"token={text}", headers)
        assert response.status_code == status and b"active" not in response.content
    assert is_in(text)


def test_a_session_is_no_api_key(ada):
    serve()
    client = Client()
    client.force_login(ada)
    assert client.post("/introspect", "token=a", content_type=FORM).status_code == 401


@pytest.mark.parametrize("view", [introspection_view, aintrospection_view, revocation_view, arevocation_view])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"guards": None}, "must require an authenticated caller"),
        ({"guards": [AllowAny()]}, "must require an authenticated caller"),
        ({"guards": [AllowAny() | HasPermission("x")]}, "must require an authenticated caller"),
        ({"guards": []}, "empty"),
        ({"auth": []}, "auth must be a list of backends"),
        ({"auth": None}, "auth must be a list of backends"),
        ({"auth": CALLERS}, "must be a list"),
    ],
)
def test_a_view_that_anonymous_callers_could_use_is_not_built(view, options, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        view(JWTAuthentication(revocation_store=InMemoryRevocation()), **{**OPTIONS, **options})


@pytest.mark.parametrize("view", [introspection_view, aintrospection_view, revocation_view, arevocation_view])
def test_the_backend_must_be_one_for_tokens(view):
    for backend in (CALLERS, None, JWTAuthentication, [JWTAuthentication()]):
        with pytest.raises(ImproperlyConfigured, match="It must be a JWTAuthentication"):
            view(backend, **OPTIONS)
    backend = JWTAuthentication(revocation_store=InMemoryRevocation())
    assert callable(view(backend, auth=[CALLERS], guards=[DenyAll()]))


# --- secrecy ---------------------------------------------------------------------------------------------------------


def test_tokens_do_not_appear_in_logs(caplog):
    caplog.set_level(logging.DEBUG)
    texts = [text for name, text in tokens_that_are_refused() if len(text) > 20 and len(text) < 5000]
    for store in (InMemoryRevocation(), Unavailable()):
        serve(JWTAuthentication(revocation_store=store))
        for text in (*texts, token(sub="1", jti="j")):
            introspect(text)
            revoke(text)
    assert caplog.records
    for record in caplog.records:
        shown = f"{record.getMessage()} {record.__dict__}"
        assert not any(part in shown for text in texts for part in text.split(".") if len(part) > 20)


def test_error_pages_hide_the_form():
    for view in (introspection_view, revocation_view):
        request = RequestFactory().post("/", "token=secret-token", content_type=FORM)
        view(JWTAuthentication(revocation_store=InMemoryRevocation()), **OPTIONS)(request)
        with override_settings(DEBUG=False):
            shown = SafeExceptionReporterFilter().get_post_parameters(request)
        assert "secret-token" not in str(shown)
