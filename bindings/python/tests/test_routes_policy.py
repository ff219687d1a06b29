"""`manage.py boltguard_policy export`: what a document contains, and which routes it denies."""

import inspect
import io
import json
import ssl
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from rest_framework.views import APIView

from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Check,
    Guard,
    HasPermission,
    Identity,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    RemoteKeySet,
    SessionAuthentication,
)
from boltguard.auth.backends import Authentication

from support import mount

SECRET = "a-secret-of-the-tests-that-nothing-may-show"
URL = "https://id.example.com/jwks.json"
ISSUER = "https://id.example.com/realms/a"


class Own(Authentication):
    name = "own"
    header = "x-own"

    def authenticate(self, request):
        return Identity("1")


class Subclass(JWTAuthentication):
    pass


class Plain(APIView):
    def get(self, request):
        return HttpResponse()


def plain(request):
    return HttpResponse()


def view(*auth, guard=IsAuthenticated()):  # noqa: B008
    return path("view/", protect(auth=list(auth), guards=[guard])(plain))


def run(*arguments, **options):
    out, err = io.StringIO(), io.StringIO()
    call_command("boltguard_policy", "export", *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def exported(*patterns, arguments=(), **options):
    mount(*patterns, **options)
    return json.loads(run(*arguments)[0])


def backend(*auth):
    """The only backend of the document."""
    return next(iter(exported(view(*auth))["backends"].values()))


def test_a_route_has_its_method_path_backends_and_guard():
    api = BoltAPI(auth=[JWTAuthentication()], guards=[HasPermission("blog.add") | IsStaff()])
    api.post("/posts/")(plain)
    document = exported(api=api)
    name = document["routes"][0]["name"]
    assert document == {
        "version": 1,
        "backends": {
            "jwt": {"type": "jwt", "name": "jwt", "keys": [{"env": "SECRET_KEY"}], "algorithms": ["HS256"]},
        },
        "routes": [
            {
                "name": name,
                "methods": ["POST"],
                "path": name.removeprefix("POST "),
                "backends": ["jwt"],
                "guard": 'perm("blog.add") | staff',
            }
        ],
    }
    assert name == "POST /posts/"


def test_a_view_for_all_methods_has_no_methods():
    route = exported(view(JWTAuthentication(), guard=AllowAny()))["routes"][0]
    assert route == {"name": "ANY /view/", "path": "/view/", "backends": ["jwt"], "guard": "allow_any"}


def test_all_settings_of_tokens_are_exported():
    found = backend(
        JWTAuthentication(
            SECRET,
            ["HS256", "HS512"],
            "x-token",
            ["shop"],
            "https://id.example.com",
            leeway=1.5,
            revocation_store=InMemoryRevocation(),
            on_store_error="allow",
            required_claims=["exp", "iat"],
            user_id_claim="uid",
            typ="at+jwt",
            claims={"acr": ["gold", 1]},
            scheme=["Bearer", "Token"],
            subject_required=False,
            max_age=timedelta(minutes=1),
            permissions_from=["perms"],
            scopes_from=["scp", "grants.scp"],
            roles_from=("realm_access.roles",),
            name="main",
        )
    )
    assert found == {
        "type": "jwt",
        "name": "main",
        "keys": [{"env": "MAIN_KEY"}],
        "algorithms": ["HS256", "HS512"],
        "header": "x-token",
        "audience": ["shop"],
        "issuer": ["https://id.example.com"],
        "leeway": 1.5,
        "max_age": 60.0,
        "permissions_from": ["perms"],
        "scopes_from": ["scp", "grants.scp"],
        "roles_from": ["realm_access.roles"],
        "revocation": "external",
        "on_store_error": "allow",
        "required_claims": ["exp", "iat"],
        "user_id_claim": "uid",
        "typ": "at+jwt",
        "claims": {"acr": ["gold", 1]},
        "schemes": ["Bearer", "Token"],
        "subject_required": False,
    }


@override_settings(CSRF_TRUSTED_ORIGINS=["https://app.example.com"])
@pytest.mark.parametrize(("header", "only"), [("authorization", {}), (None, {"only": True})])
def test_a_cookie_has_the_trusted_origins_of_the_site(header, only):
    found = backend(JWTAuthentication(header=header, cookie="__Host-access"))
    assert found["cookie"] == {"name": "__Host-access", "trusted_origins": ["https://app.example.com"], **only}
    assert "header" not in found and "schemes" not in found


def test_api_keys_are_provided_by_the_service():
    found = backend(APIKeyAuthentication(api_keys={SECRET}, header="x-key", scheme="Key"))
    assert found == {"type": "api_key", "name": "api_key", "header": "x-key", "schemes": ["Key"]}


def test_keys_of_another_issuer_are_exported_as_their_url():
    found = backend(JWTAuthentication(RemoteKeySet(URL), ["RS256"], audience="shop", cached_tokens=9))
    assert (found["keys"], found["cached_tokens"]) == ([{"jwks": URL}], 9)


def test_a_discovered_issuer_is_exported():
    found = backend(JWTAuthentication.discover(ISSUER, ["RS256"], "shop"))
    assert (found["keys"], found["issuer"]) == ([{"discover": ISSUER}], [ISSUER])


@override_settings(SECRET_KEY_FALLBACKS=["an-old-secret-of-the-tests-with-32-bytes"])
def test_keys_are_exported_as_environment_variables():
    own = JWTAuthentication([SECRET, SECRET[::-1]])
    mount(
        path("a/", protect(auth=[JWTAuthentication()], guards=[IsStaff()])(plain)),
        path("b/", protect(auth=[own, JWTAuthentication(SECRET, name="a.b")], guards=[IsStaff()])(plain)),
        path("c/", protect(auth=[JWTAuthentication(SECRET, name="a_b")], guards=[IsStaff()])(plain)),
        path("d/", protect(auth=[JWTAuthentication(SECRET, name="SECRET")], guards=[IsStaff()])(plain)),
    )
    out, err = run()
    keys = [[key["env"] for key in one["keys"]] for one in json.loads(out)["backends"].values()]
    assert keys == [
        ["SECRET_KEY", "SECRET_KEY_FALLBACK_1"],
        ["JWT_2_KEY", "JWT_2_KEY_2"],
        ["A_B_KEY"],
        ["A_B_KEY_2"],
        ["SECRET_KEY_2"],
    ]
    assert all(name in err for names in keys for name in names)
    assert SECRET not in out + err


def test_a_backend_of_several_routes_is_exported_once():
    jwt = JWTAuthentication()
    views = [path(name, protect(auth=[jwt], guards=[IsStaff()])(plain)) for name in ("a/", "b/")]
    assert list(exported(*views)["backends"]) == ["jwt"]


def office_hours(context):
    return True


TWO_GATES = protect(auth=[JWTAuthentication()], guards=[IsStaff()])(
    protect(auth=[JWTAuthentication(SECRET)], guards=[IsAuthenticated()])(plain)
)
RS256 = {"algorithms": ["RS256"], "audience": "shop"}
DENIED = {
    "a custom check": (view(JWTAuthentication(), guard=IsStaff() | Check(office_hours)), "custom checks: office_hours"),
    "a negated custom check": (view(JWTAuthentication(), guard=~Check(office_hours)), "custom checks: office_hours"),
    "a custom backend": (view(JWTAuthentication(), Own()), "The backend own is a Own."),
    "a subclass": (view(Subclass()), "The backend jwt is a Subclass."),
    "sessions": (view(SessionAuthentication()), "is a SessionAuthentication"),
    "get_user": (view(JWTAuthentication(get_user=dict)), "get_user="),
    "user_field": (view(JWTAuthentication(user_field="username")), "user_field="),
    "verify_user": (view(JWTAuthentication(verify_user=True)), "verify_user=True"),
    "two gates": (path("view/", TWO_GATES), "several gates"),
    "no guard": (path("view/", plain), "no guard of Boltguard"),
    "a permission of Django REST framework": (path("view/", Plain.as_view()), "Django REST framework"),
    "a header with a secret": (
        view(JWTAuthentication(RemoteKeySet(URL, headers={"x-secret": SECRET}), **RS256)),
        "your own code or settings",
    ),
    "another TLS context": (
        view(JWTAuthentication(RemoteKeySet(URL, ssl_context=ssl.create_default_context()), **RS256)),
        "your own code or settings",
    ),
    "metadata of OAuth": (
        view(JWTAuthentication.discover(ISSUER, audience="shop", metadata="oauth-authorization-server")),
        "reads metadata of OAuth",
    ),
    "a discovered issuer with another name": (
        view(JWTAuthentication(RemoteKeySet(ISSUER, metadata="openid-configuration"), issuer="me", **RS256)),
        "discovers one issuer and accepts others",
    ),
    "a URL with a query": (view(JWTAuthentication(RemoteKeySet(f"{URL}?key={SECRET}"), **RS256)), "has a query"),
    "an http: URL": (
        view(JWTAuthentication(RemoteKeySet("http://localhost/jwks", allow_http=True), **RS256)),
        "isn't https:",
    ),
    "any token of an issuer": (view(JWTAuthentication(RemoteKeySet(URL), ["RS256"])), "requires issuer= or audience="),
}


@pytest.mark.parametrize("name", DENIED)
def test_what_cannot_be_expressed_fails_or_is_denied(name):
    pattern, reason = DENIED[name]
    mount(pattern)
    with pytest.raises(CommandError) as failure:
        run()
    assert reason in str(failure.value) and "--partial" in str(failure.value)
    out, err = run("--partial")
    document = json.loads(out)
    assert document["backends"] == {}
    for route in document["routes"]:
        assert (route["guard"], route["backends"]) == ("deny_all", [])
        assert reason in route["omitted"]
    assert reason in err
    assert SECRET not in out + err + str(failure.value)


# The arguments of backends that a document contains, in another form if necessary.
EXPORTED = {
    JWTAuthentication: {
        "algorithms",
        "audience",
        "cached_tokens",
        "claims",
        "cookie",
        "header",
        "issuer",
        "leeway",
        "max_age",
        "name",
        "on_store_error",
        "permissions_from",
        "required_claims",
        "revocation_store",
        "roles_from",
        "scheme",
        "scopes_from",
        "secret",
        "subject_required",
        "typ",
        "user_id_claim",
    },
    # The service provides the keys, and what happens if they are unavailable.
    APIKeyAuthentication: {"api_keys", "header", "key_permissions", "name", "on_store_error", "scheme", "store"},
}
# The arguments with which a backend isn't exported. The last one only has an effect with `user_field`.
NOT_EXPORTED = {
    JWTAuthentication: {"get_user", "user_field", "verify_user", "require_verified_email"},
    APIKeyAuthentication: set(),
}


@pytest.mark.parametrize("cls", EXPORTED)
def test_every_argument_of_a_backend_is_exported_or_prevents_the_export(cls):
    assert set(inspect.signature(cls).parameters) == EXPORTED[cls] | NOT_EXPORTED[cls]


def test_two_gates_with_the_same_backends_are_both_required():
    jwt = JWTAuthentication()
    inner = protect(auth=[jwt], guards=[IsStaff()])(plain)
    route = exported(path("view/", protect(auth=[jwt], guards=[HasPermission("a")])(inner)))["routes"][0]
    assert Guard.parse(route["guard"]).is_equivalent(IsStaff() & HasPermission("a"))


def test_a_file_is_written(tmp_path):
    mount(view(JWTAuthentication()))
    out, _ = run("--output", str(tmp_path / "policy.json"), "--indent", "4")
    assert out == f"Wrote 1 routes to {tmp_path / 'policy.json'}.\n"
    content = (tmp_path / "policy.json").read_text("utf-8")
    assert json.loads(content)["routes"][0]["name"] == "ANY /view/"
    assert content.startswith('{\n    "version"') and content.endswith("}\n")


def test_nothing_is_written_after_a_failure(tmp_path):
    mount(path("view/", plain))
    with pytest.raises(CommandError):
        run("--output", str(tmp_path / "policy.json"))
    assert not (tmp_path / "policy.json").exists()


def test_routes_can_be_excluded():
    document = exported(view(JWTAuthentication()), path("admin/a", plain), arguments=["--exclude", "/admin"])
    assert [route["name"] for route in document["routes"]] == ["ANY /view/"]


def test_a_negative_indent_is_rejected():
    mount(view(JWTAuthentication()))
    with pytest.raises(CommandError, match="--indent must be zero or more"):
        run("--indent", "-1")
