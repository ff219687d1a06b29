"""The names and arguments of django-bolt: they work, or an error says what to use instead."""

import asyncio
import importlib
import inspect
import re
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client

import boltguard
from boltguard import BoltAPI, Depends, auth, clock, jwt
from boltguard.auth import (
    APIKeyAuthentication,
    Authentication,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    Guard,
    HasAllPermissions,
    HasAnyPermission,
    HasClaim,
    InMemoryRevocation,
    IsAdminUser,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    Requires,
    RevocationStore,
    SessionAuthentication,
    Token,
    create_jwt_for_user,
)
from boltguard.auth import django_bolt as tables

from support import bearer, call, get, mount

# The name, and a part of the message if it is refused.
BOTH = {
    "APIKeyAuthentication": None,
    "AllowAny": None,
    "AuthContext": "Mapping[str, Any]",
    "BaseAuthentication": None,
    "DjangoCacheRevocation": None,
    "DjangoORMRevocation": None,
    "InMemoryRevocation": None,
    "IsAuthenticated": None,
    "JWTAuthentication": None,
    "RevocationStore": None,
    "Token": None,
    "create_jwt_for_user": None,
    "create_revocation_handler": "revocation_store=",
    "extract_user_id_from_context": 'request.context["user_id"]',
    "get_auth_context": None,
    "get_current_user": None,
    "get_default_authentication_classes": "BOLTGUARD_AUTHENTICATION_CLASSES",
    "get_default_permission_classes": "BOLTGUARD_DEFAULT_PERMISSION_CLASSES",
    "get_registered_backend": "get_user=",
    "load_user": "request.auser()",
    "register_auth_backend": "get_user=",
}
OF_0_6 = {
    "BasePermission": None,
    "HasAllPermissions": None,
    "HasAnyPermission": None,
    "HasPermission": None,
    "IsAdminUser": None,
    "IsStaff": None,
}
OF_0_13 = {
    "CurrentUser": None,
    "JWTAuthViews": "TokenSessions",
    "LoginCredentials": "TokenSessions",
    "OptionalCurrentUser": "request.user",
    "Requires": None,
    "SessionAuthentication": None,
    "TokenPair": "boltguard.sessions.TokenPair",
    "TokenRotationError": "boltguard.exceptions.InvalidRefreshToken",
    "create_token_pair": ".create(user, request)",
    "get_current_user_sync": "request.user",
    "require_current_user": None,
    "require_current_user_sync": None,
    "rotate_refresh_token": ".refresh(refresh_token, request)",
    "set_token_cookies": "set_cookies(response, pair)",
}
NAMES = {**BOTH, **OF_0_6, **OF_0_13}
IN_MAIN_MODULE = [
    *("APIKeyAuthentication", "AllowAny", "AuthContext", "BoltAPI", "CurrentUser", "Depends", "HasAllPermissions"),
    *("HasAnyPermission", "HasPermission", "IsAdminUser", "IsAuthenticated", "IsStaff", "JWTAuthentication"),
    *("OptionalCurrentUser", "Requires", "SessionAuthentication", "Token", "create_jwt_for_user"),
    *("extract_user_id_from_context", "get_auth_context", "get_current_user"),
]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_imported_or_its_replacement_is_named(name):
    statement, found = f"from boltguard.auth import {name}", {}
    if NAMES[name] is None:
        exec(statement, found)
        assert found[name] is getattr(auth, name)
    else:
        with pytest.raises(ImportError) as refused:
            exec(statement, found)
        assert name in str(refused.value) and NAMES[name] in str(refused.value)


@pytest.mark.parametrize("name", IN_MAIN_MODULE)
def test_each_name_of_the_main_module(name):
    if NAMES.get(name) is None:
        exec(f"from boltguard import {name}")
    else:
        with pytest.raises(ImportError) as refused:
            exec(f"from boltguard import {name}")
        assert NAMES[name] in str(refused.value)


def test_the_tables_have_only_these_names():
    assert {*tables.EQUIVALENTS, *tables.REPLACED} == NAMES.keys() - set(auth.__all__)
    assert [name for name in tables.REPLACED if NAMES[name] is None] == []


def test_other_names_are_unknown():
    for module in (boltguard, auth):
        assert not hasattr(module, "Requirements")
        with pytest.raises(ImportError, match="cannot import name 'Requirements'"):
            exec(f"from {module.__name__} import Requirements")


def test_the_replacements_exist():
    for replaced in (tables.REPLACED, tables.METHODS, *tables.ARGUMENTS.values()):
        for text in replaced.values():
            for path in [word.strip("().,'") for word in text.split() if word.startswith("boltguard.")]:
                module, name = re.match(r"(boltguard\.[a-z]+)\.(\w+)", path).groups()
                assert hasattr(importlib.import_module(module), name), path


# Arguments.

WORKING = {
    JWTAuthentication: "secret algorithms header audience issuer revocation_store cookie leeway",
    APIKeyAuthentication: "api_keys header key_permissions",
    Requires: "claim all_of none_of",
    DjangoCacheRevocation: "cache_alias key_prefix",
    DjangoORMRevocation: "model",
    Token: "exp sub iat iss aud jti nbf is_staff is_superuser permissions extras",
    Token.create: "sub expires_delta issuer audience is_staff permissions",
    Token.decode: "secret audience issuer",
    Token.encode: "secret algorithm headers",
    create_jwt_for_user: "user secret algorithm expires_in extra_claims",
}


@pytest.mark.parametrize("called", WORKING, ids=lambda one: one.__qualname__)
def test_arguments_with_the_same_name(called):
    assert set(WORKING[called].split()) <= inspect.signature(called).parameters.keys()


REFUSED = [
    (JWTAuthentication, "csrf", "CSRF"),
    (JWTAuthentication, "jwks_refresh_interval", "RemoteKeySet(url, ttl=...)"),
    (JWTAuthentication, "jwks_url", "RemoteKeySet(url)"),
    (JWTAuthentication, "oidc_issuer", "JWTAuthentication.discover("),
    (JWTAuthentication, "revoked_token_handler", "revocation_store="),
    (SessionAuthentication, "csrf", "CSRF"),
    (SessionAuthentication, "login_url", "login_required"),
    (DjangoCacheRevocation, "default_ttl", "ttl="),
    (DjangoORMRevocation, "default_ttl", "ttl="),
    (lambda **one: Requires("role", "client", **one), "message", "Forbidden(detail=...)"),
    (Token, "is_admin", "is_superuser=True"),
    (lambda **one: Token.create("1", **one), "is_admin", "is_superuser=True"),
    (lambda **one: Token.decode("x.y.z", "k" * 32, **one), "algorithm", "algorithms="),
    (Token.decode, "encoded_token", "token="),
    (lambda **one: Token.decode("x.y.z", "k" * 32, **one), "verify_exp", "options={'verify_exp': False}"),
    (lambda **one: Token.decode("x.y.z", "k" * 32, **one), "verify_nbf", "options={'verify_nbf': False}"),
]


@pytest.mark.parametrize(("called", "argument", "replacement"), REFUSED)
def test_an_argument_without_equivalent_names_its_replacement(called, argument, replacement):
    with pytest.raises(ImproperlyConfigured) as refused:
        called(**{argument: "very-secret"})
    message = str(refused.value)
    assert f"no argument {argument}." in message and replacement in message and "very-secret" not in message


def test_the_refused_arguments_are_all_in_the_table():
    assert sorted(argument for _, argument, _ in REFUSED) == sorted(
        argument for replaced in tables.ARGUMENTS.values() for argument in replaced
    )


def test_no_frame_of_an_error_shows_the_arguments():
    secret = "a-secret-that-no-frame-may-show-in-its-variables"
    for arguments in ({"csrf": secret}, {"public_key": secret, "secret": secret}, {"secret": secret, "typ": 1}):
        with pytest.raises(ImproperlyConfigured) as refused:
            JWTAuthentication(**arguments)
        frames = [entry.frame for entry in refused.traceback if "boltguard" in str(entry.path)]
        frames = [one for one in frames if one.code.name != "test_no_frame_of_an_error_shows_the_arguments"]
        assert frames and not any(secret in repr(one.f_locals) for one in frames)


def test_a_secret_as_second_argument_is_refused_without_showing_it(ada):
    with pytest.raises(ValueError, match="use secret=") as refused:
        create_jwt_for_user(ada, "very-secret")
    assert "very-secret" not in str(refused.value)


def test_arguments_of_the_backend_with_another_name():
    private = jwt.Key.generate("ES256")
    public = private.public_key()

    def accepts(claims, **arguments):
        api = BoltAPI(auth=[JWTAuthentication(algorithms=["ES256"], **arguments)], guards=[IsAuthenticated()])
        api.get("/view")(lambda: {})
        mount(api=api)
        token = jwt.encode({"sub": "1", "exp": clock.time() + 60, **claims}, private, "ES256")
        return get(Authorization=f"Bearer {token}").status_code == 200

    for key in ({"public_key": public.to_pem()}, {"jwks": {"keys": [public.to_jwk()]}}):
        assert accepts({}, **key, csrf=True, require_jti=False, token_type=None)
        assert not accepts({}, **key, require_jti=True) and accepts({"jti": "a"}, **key, require_jti=True)
        assert not accepts({}, **key, token_type="refresh") and not accepts({"typ": "refresh"}, **key)
        assert accepts({"typ": "refresh"}, **key, token_type="refresh")
        with pytest.raises(ImproperlyConfigured, match="can't be used together"):
            accepts({}, **key, secret="k" * 32)
    with pytest.raises(ImproperlyConfigured):
        JWTAuthentication(public_key=public.to_pem())  # not as a secret of HS256


# Guards.


@pytest.mark.parametrize(
    ("guard", "equivalent"),
    [
        (Requires("role", "a", "b"), HasClaim("role", "a", "b")),
        (Requires("level", 5), HasClaim("level", 5)),
        (Requires("roles", all_of=["a", "b"]), HasClaim("roles", all_of=["a", "b"])),
        (Requires("tenant"), HasClaim("tenant") & ~HasClaim("tenant", False)),
        (Requires("is_staff"), IsStaff()),
        (Requires("is_staff", True), IsStaff()),
        (Requires("is_superuser", True), IsAdminUser()),
        (Requires("is_superuser", False), ~IsAdminUser()),
        (Requires("permissions", "a.b", "a.c"), HasAnyPermission("a.b", "a.c")),
        (Requires("permissions", all_of=["a.b", "a.c"]), HasAllPermissions("a.b", "a.c")),
        (Requires("permissions", none_of=["a.b", "a.c"]), ~HasAnyPermission("a.b", "a.c")),
    ],
    ids=str,
)
def test_requires(guard, equivalent):
    assert guard == equivalent and isinstance(guard, Guard)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Requires("role", none_of=["banned"]), r"~HasClaim\('role', 'banned'\), which doesn't"),
        (lambda: Requires("role", "a", all_of=["b"]), "one of values, all_of and none_of"),
        (lambda: Requires("role", all_of=[]), "all_of is empty"),
        (lambda: Requires("role", all_of="ab"), "must be a list"),
        (lambda: Requires(""), "must be a string"),
        (lambda: Requires("is_staff", "yes"), "True or False"),
        (lambda: Requires("is_staff", True, False), "True or False"),
        (lambda: Requires("is_staff", 1), "True or False"),
        (lambda: Requires("level", 1.5), "1.5|float"),
        (lambda: Requires("permissions"), "at least one permission"),
    ],
)
def test_requires_refuses(make, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        make()


def test_requires_on_a_view():
    api = BoltAPI(auth=[JWTAuthentication()], guards=[Requires("role", "client")])
    api.get("/view")(lambda: {"ok": True})
    mount(api=api)
    assert get().status_code == 401
    assert get(**bearer(sub="1", role="guest")).status_code == 403
    assert get(**bearer(sub="1", role="client")).json() == {"ok": True}


def test_a_guard_of_ones_own_is_refused():
    with pytest.raises(ImproperlyConfigured, match=r"Check\(function\)"):
        type("Mine", (auth.BasePermission,), {"has_permission": lambda self, context: True})


def test_a_backend_of_ones_own_is_refused_unless_it_defines_authenticate():
    assert auth.BaseAuthentication is Authentication
    with pytest.raises(ImproperlyConfigured, match=r"authenticate\(self, request\)"):
        type("Mine", (auth.BaseAuthentication,), {"scheme_name": "jwt", "to_metadata": lambda self: {}})


# Users.


@pytest.mark.parametrize("name", ["require_current_user", "require_current_user_sync"])
def test_the_required_user(ada, name):
    api = BoltAPI(auth=[JWTAuthentication()], guards=[auth.AllowAny()])

    @api.get("/view")
    async def view(user=Depends(getattr(auth, name))):
        return {"user": user.username}

    mount(api=api)
    assert get(**bearer(sub=str(ada.pk))).json() == {"user": "ada"}
    assert get().status_code == 401


def test_the_annotation_for_the_user(ada):
    api = BoltAPI(auth=[JWTAuthentication()], guards=[auth.AllowAny()])

    @api.get("/view")
    def view(user: auth.CurrentUser):
        return {"user": user.username}

    mount(api=api)
    assert get(**bearer(sub=str(ada.pk))).json() == {"user": "ada"}
    assert get().status_code == 401


@pytest.mark.parametrize("name", ["get_user", "get_user_sync"])
def test_a_user_loader_of_ones_own_is_refused(name):
    with pytest.raises(ImproperlyConfigured, match=f"{name} is never used"):
        type("Mine", (JWTAuthentication,), {name: lambda self, user_id: None})


@pytest.mark.parametrize(
    "read", [lambda request: request["context"], lambda request: request.get("context", {})], ids=["item", "get"]
)
@pytest.mark.parametrize("client", [Client(), AsyncClient()], ids=["wsgi", "asgi"])
def test_items_of_the_request_name_the_replacement(read, client):
    api = BoltAPI(auth=[JWTAuthentication()], guards=[auth.AllowAny()])

    @api.get("/async")
    async def view(request):
        return read(request)

    api.get("/sync")(lambda request: read(request))
    mount(api=api)
    for url in ("/sync", "/async"):
        with pytest.raises((AttributeError, TypeError), match="Use request.context instead"):
            response = client.get(url)
            if inspect.isawaitable(response):
                asyncio.run(awaiting(response))


async def awaiting(response):
    return await response


def test_other_errors_of_a_view_are_unchanged():
    api = BoltAPI(guards=[auth.AllowAny()])
    api.get("/view")(lambda request: request["context"]["x"] if request is None else None + 1)
    mount(api=api)
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'NoneType' and 'int'$"):
        Client().get("/view")


def test_a_jti_of_ones_own_is_refused(ada):
    with pytest.raises(ValueError, match="jti. Each token has a random jti already"):
        create_jwt_for_user(ada, extra_claims={"jti": "a"})


# Stores.


@pytest.mark.parametrize("name", tables.METHODS)
@pytest.mark.parametrize("store", [InMemoryRevocation, DjangoCacheRevocation, DjangoORMRevocation])
def test_a_method_without_equivalent_names_its_replacement(store, name):
    assert getattr(store(), name, None) is None
    with pytest.raises(AttributeError, match=r"has no attribute .*\. [A-Zb]") as refused:
        getattr(store(), name)
    assert tables.METHODS[name] in str(refused.value)


def test_an_unknown_attribute_of_a_store():
    with pytest.raises(AttributeError, match=r"'InMemoryRevocation' object has no attribute 'remove'\.$"):
        InMemoryRevocation().remove  # noqa: B018


@pytest.mark.parametrize("run", [asyncio.run, lambda result: asyncio.run(awaited(result)), lambda result: None])
def test_revoke_is_sync_and_can_be_run_and_awaited(run):
    store = InMemoryRevocation()
    assert run(store.revoke("a")) is None and store.is_revoked("a")


async def awaited(result):
    async def gathered():
        return await asyncio.gather(result, return_exceptions=True)

    assert await asyncio.create_task(gathered()) == [None]


@pytest.mark.parametrize("store", [InMemoryRevocation, DjangoCacheRevocation, DjangoORMRevocation])
def test_each_store_accepts_exp(store):
    store, now = store(), int(clock.time())
    store.revoke("until-exp", exp=now + 100)
    asyncio.run(store.arevoke("until-exp-async", exp=now + 100))
    store.revoke("forever", exp=None)
    assert all(store.is_revoked(one) for one in ("until-exp", "until-exp-async", "forever"))


def test_an_entry_with_exp_expires(skip):
    store, now = InMemoryRevocation(), int(clock.time())
    store.revoke("a", exp=now + 100)
    store.revoke("b", exp=now + 10_000)
    skip(1000)
    assert (store.is_revoked("a"), store.is_revoked("b")) == (False, True)


def test_exp_is_checked():
    store = InMemoryRevocation()
    for arguments in ({"exp": "tomorrow"}, {"exp": True}, {"exp": time.time(), "ttl": 5}):
        with pytest.raises(TypeError):
            store.revoke("a", **arguments)
    assert not store.is_revoked("a")


def test_a_store_of_ones_own_receives_the_ttl():
    class Mine(RevocationStore):
        async def revoke(self, jti, ttl=None):
            self.ttl = ttl

        async def is_revoked(self, jti):
            return False

    store = Mine()
    asyncio.run(store.revoke("a", exp=clock.time() + 60))
    assert 59 < store.ttl <= 60


# Tokens.


def test_token_create():
    token = Token.create("7", issuer="me", audience="you", is_staff=True, permissions=["a.b"], role="client")
    claims = token.to_dict()
    assert claims == token.claims
    assert claims["exp"] - claims["iat"] == pytest.approx(3600) and len(claims["jti"]) == 36
    assert {name: claims[name] for name in ("sub", "iss", "aud", "is_staff", "permissions", "role")} == {
        **{"sub": "7", "iss": "me", "aud": "you", "is_staff": True, "permissions": ["a.b"], "role": "client"}
    }
    assert "is_superuser" not in claims and "is_admin" not in claims
    read = Token.decode(token.encode("k" * 32), "k" * 32, audience="you", issuer="me")
    assert (read.sub, read.extras) == ("7", {"role": "client"})


@pytest.mark.parametrize("arguments", [{"sub": ""}, {"sub": 7}, {"sub": "7", "jti": "x"}, {"sub": "7", "audience": []}])
def test_token_create_refuses(arguments):
    with pytest.raises(ValueError):
        Token.create(**arguments)


def test_the_answer_is_the_same_through_both_handlers():
    api = BoltAPI(auth=[JWTAuthentication()], guards=[Requires("permissions", "a.b"), IsAuthenticated()])
    api.get("/view")(lambda: {"ok": True})
    mount(api=api)
    assert call("get", "/view", bearer(sub="1", permissions=["a.b"])).json() == {"ok": True}
