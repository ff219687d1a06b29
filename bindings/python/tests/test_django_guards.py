"""Guards in Python: `&`, `|`, `~`, and errors when a view is defined."""

import itertools

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse

from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    DenyAll,
    Guard,
    HasAllPermissions,
    HasAnyPermission,
    HasClaim,
    HasPermission,
    HasScope,
    IsAdminUser,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    ViaBackend,
)

from support import bearer, mount_view, wsgi

ANONYMOUS = None


def status(guards, claims):
    """The status for a caller with these claims, or without a token for `None`."""
    mount_view(protect(auth=[JWTAuthentication()], guards=guards)(lambda request: JsonResponse({})))
    return wsgi("get", "/view", {} if claims is None else bearer(sub="1", **claims)).status_code


@pytest.mark.parametrize(
    ("guard", "claims", "expected"),
    [
        (AllowAny(), ANONYMOUS, 200),
        (~AllowAny(), {"is_superuser": True}, 403),
        (DenyAll(), {}, 403),
        (DenyAll(), ANONYMOUS, 403),
        (IsAuthenticated(), {}, 200),
        (IsAuthenticated(), ANONYMOUS, 401),
        (~IsAuthenticated(), ANONYMOUS, 401),
        (IsStaff(), {"is_staff": True}, 200),
        (IsStaff(), {"is_staff": 1}, 403),
        (IsStaff(), {}, 403),
        (IsAdminUser(), {"is_superuser": True}, 200),
        (IsAdminUser(), {"is_staff": True}, 403),
        (HasPermission("a.b"), {"permissions": ["a.b"]}, 200),
        (HasPermission("a.b"), {"permissions": "a.b"}, 200),
        (HasPermission("a.b"), {"permissions": "x  a.b"}, 200),
        (HasPermission("a.b"), {"permissions": "a.b,x"}, 403),
        (HasPermission("a.b"), {"permissions": {"a.b": True}}, 403),
        (HasPermission("a.b"), {"is_superuser": True}, 403),
        (~HasPermission("banned"), {}, 200),
        (~HasPermission("banned"), {"permissions": ["*"]}, 403),
        (~HasPermission("banned"), ANONYMOUS, 401),
        (HasAnyPermission(["a", "b"]), {"permissions": ["b"]}, 200),
        (HasAnyPermission("a", "b"), {"permissions": ["c"]}, 403),
        (HasAllPermissions(["a", "b"]), {"permissions": ["b"]}, 403),
        (HasAllPermissions("a", "b"), {"permissions": ["b", "a"]}, 200),
        (HasScope("read"), {"scope": "write read"}, 200),
        (HasScope("read"), {"scope": "reader"}, 403),
        (HasScope("read"), {"scope": ["write", "read"]}, 200),
        (HasScope("read"), {"scp": "write read"}, 200),
        (HasScope("read"), {"scp": ["write", "read"]}, 200),
        (HasScope("read"), {"scope": "write", "scp": ["read"]}, 200),
        (HasPermission("read"), {"scp": ["read"]}, 200),
        (HasScope("read"), {"scp": {"read": True}}, 403),
        (HasClaim("tenant", "acme", "beta"), {"tenant": "beta"}, 200),
        (HasClaim("tenant", "acme"), {"tenant": "other"}, 403),
        (HasClaim("roles", all_of=["a", "b"]), {"roles": ["b", "a", "c"]}, 200),
        (HasClaim("roles", none_of=["x"]), {"roles": ["x"]}, 403),
        (ViaBackend("jwt"), {}, 200),
        (~ViaBackend("jwt"), {}, 403),
        (IsAuthenticated() & (HasPermission("a.b") | IsStaff()) & ~HasPermission("no"), {"is_staff": True}, 200),
        (
            IsAuthenticated() & (HasPermission("a.b") | IsStaff()) & ~HasPermission("no"),
            {"permissions": ["a.b", "no"]},
            403,
        ),
        (IsStaff() | AllowAny(), ANONYMOUS, 200),
    ],
)
def test_decisions(guard, claims, expected):
    assert status([guard], claims) == expected


def test_a_list_means_all_of_them():
    assert status([AllowAny(), IsStaff()], {}) == 403
    assert status([AllowAny(), IsStaff()], ANONYMOUS) == 401
    assert status([IsStaff(), HasPermission("a")], {"is_staff": True, "permissions": ["a"]}) == 200
    assert status([IsStaff(), HasPermission("a")], {"is_staff": True}) == 403


@pytest.mark.parametrize(
    ("guards", "message"),
    [
        ([], "empty"),
        ((), "empty"),
        (IsStaff(), "It must be a list"),
        ("IsStaff", "It must be a list"),
        ([IsStaff], r"IsStaff is a class. Use an instance: IsStaff\("),
        ([lambda request: True], "not a guard"),
        (["authenticated"], "not a guard"),
        ([None], "not a guard"),
        ([IsStaff(), [IsStaff()]], "not a guard"),
        ([True], "not a guard"),
    ],
)
def test_what_is_not_a_list_of_guards_is_refused(guards, message):
    for build in (
        lambda: BoltAPI().get("/x", guards=guards)(lambda: {}),
        lambda: protect(guards=guards),
        lambda: BoltAPI(guards=guards),
    ):
        with pytest.raises(ImproperlyConfigured, match=message):
            build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: HasPermission(""),
        lambda: HasPermission(7),
        lambda: HasAnyPermission(),
        lambda: HasAnyPermission([]),
        lambda: HasAllPermissions([]),
        lambda: HasAllPermissions(["a", 7]),
        lambda: HasScope("a b"),
        lambda: HasClaim(7),
        lambda: IsStaff() & IsStaff,
        lambda: IsStaff() | True,
        lambda: True & IsStaff(),
        lambda: Guard(),
        lambda: Guard.parse("authenticated &"),
    ],
)
def test_what_is_not_a_guard_is_refused(build):
    with pytest.raises(ImproperlyConfigured):
        build()


def test_and_or_not_would_drop_a_guard():
    for slip in (
        lambda: IsStaff() and HasPermission("a"),
        lambda: IsStaff() or HasPermission("a"),
        lambda: not IsStaff(),
    ):
        with pytest.raises(TypeError, match="Combine guards with &"):
            slip()


def test_a_check_that_is_not_run_allows_nothing():
    with pytest.raises(ImproperlyConfigured, match="owner"):
        status([Guard.parse('staff | check("owner")')], {})


def test_the_string_form_parses_back():
    guard = IsAuthenticated() & (HasPermission("blog.add") | IsStaff()) & ~HasPermission("blog.banned")
    assert Guard.parse(str(guard)) == guard and hash(Guard.parse(str(guard))) == hash(guard)
    assert "blog.banned" in repr(guard)
    assert repr(IsStaff()) == f"<IsStaff: {IsStaff()}>"


@pytest.mark.parametrize(
    "claims", [ANONYMOUS, {}, {"is_staff": True}, {"permissions": ["a"]}, {"permissions": ["a", "b"]}]
)
def test_de_morgan_and_involution_hold_for_every_caller(claims):
    atoms = [AllowAny(), DenyAll(), IsStaff(), HasPermission("a"), HasPermission("b")]
    for a, b in itertools.product(atoms, atoms):
        assert status([~(a & b)], claims) == status([~a | ~b], claims)
        assert status([~~a], claims) == status([a], claims)
        assert status([a | (a & b)], claims) == status([a], claims)
