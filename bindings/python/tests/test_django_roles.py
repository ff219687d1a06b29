"""Roles, and grants in other claims than the default ones."""

import logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse

from boltguard import BoltAPI, protect
from boltguard.asgi import AuthMiddleware
from boltguard.auth import (
    APIKeyAuthentication,
    Authentication,
    Guard,
    HasAnyRole,
    HasPermission,
    HasRole,
    HasScope,
    Identity,
    IsAuthenticated,
    JWTAuthentication,
    SessionAuthentication,
)

from support import bearer, mount_view, wsgi

KEYCLOAK = {"roles_from": ["realm_access.roles"]}


def status(options, guard, **claims):
    mount_view(protect(auth=[JWTAuthentication(**options)], guards=[guard])(lambda request: JsonResponse({})))
    return wsgi("get", "/view", bearer(sub="1", **claims)).status_code


class Proxy(Authentication):
    name = "proxy"
    header = "x-roles"

    def authenticate(self, request):
        return Identity(1, roles=request.headers["x-roles"].split(","))


@pytest.mark.parametrize(
    ("options", "guard", "claims", "expected"),
    [
        (KEYCLOAK, HasRole("editor"), {"realm_access": {"roles": ["user", "editor"]}}, 200),
        (KEYCLOAK, HasRole("editor"), {"realm_access": {"roles": "user editor"}}, 200),
        (KEYCLOAK, HasRole("editor"), {"realm_access": {"roles": ["user"]}}, 403),
        (KEYCLOAK, HasRole("editor"), {"realm_access": {"roles": {"editor": True}}}, 403),
        (KEYCLOAK, HasRole("editor"), {"roles": ["editor"], "permissions": ["editor"], "scope": "editor"}, 403),
        (KEYCLOAK, HasAnyRole("editor", "Shop Admins"), {"realm_access": {"roles": ["Shop Admins"]}}, 200),
        (KEYCLOAK, HasAnyRole(["editor", "admin"]), {"realm_access": {"roles": ["user"]}}, 403),
        (KEYCLOAK, ~HasRole("banned"), {"realm_access": {"roles": ["banned"]}}, 403),
        (KEYCLOAK, ~HasRole("banned"), {}, 200),
        (KEYCLOAK, HasPermission("a.b"), {"permissions": ["a.*"]}, 200),
        ({"permissions_from": ["x.p"]}, HasPermission("a.b"), {"x": {"p": ["a.*"]}}, 200),
        ({"permissions_from": ["x.p"]}, HasPermission("a.b"), {"permissions": ["a.b"]}, 403),
        ({"scopes_from": ("https://x.example/s", "scope")}, HasScope("a"), {"https://x.example/s": ["b a"]}, 200),
        ({"scopes_from": ("https://x.example/s", "scope")}, HasScope("a"), {"scope": "a"}, 200),
        ({"scopes_from": ["s"]}, HasScope("a"), {"scope": "a", "scp": ["a"]}, 403),
    ],
)
def test_decisions(options, guard, claims, expected):
    assert status(options, guard, **claims) == expected


def test_permissions_of_the_context_are_those_of_the_claims():
    backend = JWTAuthentication(permissions_from=["x.p"], scopes_from=["x.s"])
    view = protect(auth=[backend], guards=[IsAuthenticated()])
    mount_view(view(lambda request: JsonResponse({"permissions": request.context["permissions"]})))
    claims = {"x": {"p": ["a", "b"], "s": "c"}, "permissions": ["d"], "scope": "e"}
    assert wsgi("get", "/view", bearer(sub="1", **claims)).json() == {"permissions": ["a", "b", "c"]}


def test_a_custom_backend_returns_roles():
    mount_view(protect(auth=[Proxy()], guards=[HasRole("editor")])(lambda request: JsonResponse({})))
    assert wsgi("get", "/view", {"x-roles": "user,editor"}).status_code == 200
    assert wsgi("get", "/view", {"x-roles": "user"}).status_code == 403
    assert wsgi("get", "/view").status_code == 401
    with pytest.raises(TypeError, match="roles must be a list of names, not a single string"):
        Identity(1, roles="editor")


@pytest.mark.parametrize(
    "guard", [HasRole("editor"), ~HasRole("editor"), IsAuthenticated() & HasAnyRole("a", "b")], ids=str
)
@pytest.mark.parametrize(
    "auth",
    [
        [],
        [JWTAuthentication()],
        [JWTAuthentication(scopes_from=["groups"])],
        [APIKeyAuthentication(api_keys={"a-key-of-a-test"}), SessionAuthentication()],
    ],
    ids=["none", "jwt", "scopes", "others"],
)
def test_a_role_that_no_caller_can_have_is_an_error_at_start(auth, guard):
    for build in (
        lambda: protect(auth=auth, guards=[guard]),
        lambda: BoltAPI(auth=auth).get("/x", guards=[guard])(lambda: {}),
        *([lambda: AuthMiddleware(lambda *_: None, auth=auth, guards=[guard])] if auth else []),
    ):
        with pytest.raises(ImproperlyConfigured, match=r"requires a role, but no backend .*roles_from="):
            build()


@pytest.mark.parametrize(
    "extra", [JWTAuthentication(roles_from=["roles"], name="other"), Proxy()], ids=["of tokens", "of the site"]
)
def test_one_backend_with_roles_is_sufficient(extra):
    protect(auth=[JWTAuthentication(), extra], guards=[HasRole("editor")])


@pytest.mark.parametrize("argument", ["permissions_from", "scopes_from", "roles_from"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("roles", "is of type str. It must be a list"),
        ({"roles": 1}, "is of type dict. It must be a list"),
        (7, "is 7. It must be a list"),
        ([], "is empty"),
        ([7], "contains a value that is 7"),
        (["a", "b", "a"], "contains the same path at 0 and 2"),
        (["a", "a..b"], r"_from\[1\]: the path of a claim has an empty part"),
        ([""], "has an empty part"),
        (["a\nb"], "must not contain control characters"),
        ([".".join("a" * 17)], "at most 16 parts"),
        (["a" * 257], "at most 256 bytes"),
        ([f"r{number}" for number in range(17)], "more than 16 paths"),
    ],
    ids=str,
)
def test_what_is_no_list_of_paths_is_an_error_at_start(argument, value, message):
    with pytest.raises(ImproperlyConfigured, match=f"(?s)JWTAuthentication.*{message}"):
        JWTAuthentication(**{argument: value})


@pytest.mark.parametrize(
    "build",
    [
        lambda: HasRole(""),
        lambda: HasRole(" editor"),
        lambda: HasRole("a\nb"),
        lambda: HasRole(7),
        lambda: HasAnyRole(),
        lambda: HasAnyRole([]),
        lambda: HasAnyRole("a", ""),
        lambda: HasAnyRole(["a", 7]),
        lambda: Guard.parse("any_role()"),
    ],
)
def test_what_is_no_role_is_refused(build):
    with pytest.raises(ImproperlyConfigured):
        build()


def test_a_missing_role_is_logged_and_explained(caplog):
    with caplog.at_level(logging.INFO, "boltguard"):
        assert status(KEYCLOAK, HasRole("editor"), realm_access={"roles": ["user"]}) == 403
    (record,) = (record for record in caplog.records if record.name == "boltguard")
    assert record.reason == "role_missing"
    assert str(HasRole("editor").explain()).startswith("challenge")


def test_a_claim_at_a_path_with_a_wrong_type_is_logged_once(caplog):
    mount_view(protect(auth=[JWTAuthentication(**KEYCLOAK)], guards=[HasRole("a")])(lambda request: JsonResponse({})))
    for _ in range(3):
        wsgi("get", "/view", bearer(sub="1", realm_access={"roles": {"secret": 1}}))
    found = [record for record in caplog.records if record.levelno == logging.WARNING and record.name == "boltguard"]
    (record,) = found
    assert record.claim == "realm_access.roles"
    assert "`realm_access.roles` must be a string or a list of strings, not an object" in record.getMessage()
    assert "secret" not in record.getMessage()
