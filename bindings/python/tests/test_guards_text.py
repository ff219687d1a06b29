"""Guards in string form and as JSON, their comparison and explanation, and the values of claims."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from boltguard import _rust, conf
from boltguard.auth import (
    AllowAny,
    Check,
    DenyAll,
    Guard,
    HasAllPermissions,
    HasAnyPermission,
    HasAnyRole,
    HasClaim,
    HasPermission,
    HasRole,
    HasScope,
    IsAdminUser,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    ViaBackend,
)
from boltguard.exceptions import GuardTooLarge

from support import bearer

GUARDS = [
    (AllowAny(), "allow_any"),
    (DenyAll(), "deny_all"),
    (IsAuthenticated(), "authenticated"),
    (IsStaff(), "staff"),
    (IsAdminUser(), "admin"),
    (HasPermission("blog.add"), 'perm("blog.add")'),
    (HasAnyPermission(["a", "b"]), 'any_perm("a", "b")'),
    (HasAllPermissions("a", "b"), 'all_perms("a", "b")'),
    (HasScope("orders:read"), 'scope("orders:read")'),
    (HasRole("Shop Editors"), 'role("Shop Editors")'),
    (HasAnyRole("a", "b"), 'any_role("a", "b")'),
    (HasAnyRole(["a"]), 'role("a")'),
    (HasRole("a") & HasRole("b"), 'role("a") & role("b")'),
    (ViaBackend("jwt"), 'via("jwt")'),
    (HasClaim("tenant"), 'claim("tenant")'),
    (HasClaim("tenant", "acme", 7, True), 'claim("tenant", any=[true, 7, "acme"])'),
    (HasClaim("tenant", ["acme", "beta"]), 'claim("tenant", any=["acme", "beta"])'),
    (HasClaim("amr", all_of=["otp"], none_of=["sms"]), 'claim("amr", all=["otp"], none=["sms"])'),
    (IsAuthenticated() & ~(IsStaff() | HasPermission("x")), 'authenticated & ~(staff | perm("x"))'),
]


@pytest.mark.parametrize(("guard", "text"), GUARDS, ids=[text for _, text in GUARDS])
def test_string_and_json_parse_back(guard, text):
    assert str(guard) == text
    for again in (Guard.parse(text), Guard.from_json(guard.to_json())):
        assert again == guard and hash(again) == hash(guard) and str(again) == text


def test_json_has_a_version():
    assert IsStaff().to_json() == '{"version":1,"guard":"staff"}'
    with pytest.raises(ImproperlyConfigured, match="version"):
        Guard.from_json('{"version": 2, "guard": "staff"}')


@pytest.mark.parametrize(
    "document", ["", "staff", '"staff"', "{}", '{"version": 1}', '{"version": 1, "guard": "stuff"}', 7]
)
def test_what_is_not_a_json_of_a_guard_is_refused(document):
    with pytest.raises(ImproperlyConfigured):
        Guard.from_json(document)


def test_a_mistake_in_the_string_is_pointed_at():
    with pytest.raises(ImproperlyConfigured) as caught:
        Guard.parse('authenticated & (perm("blog.add") | stuff)')
    assert "staff" in str(caught.value) and "^" in str(caught.value)


@pytest.mark.parametrize(
    "text", [7, None, "", "claim('x', any=[])", 'claim("x", any=[])', 'perm("blog.*")', "staff and admin"]
)
def test_what_is_not_a_string_of_a_guard_is_refused(text):
    with pytest.raises(ImproperlyConfigured):
        Guard.parse(text)


@pytest.mark.parametrize(
    "build",
    [
        lambda: HasClaim("tenant", []),
        lambda: HasClaim("tenant", ()),
        lambda: HasClaim("tenant", iter(())),
        lambda: HasClaim("tenant", all_of=[]),
        lambda: HasClaim("tenant", none_of=set()),
        lambda: HasClaim("tenant", all_of="otp"),
        lambda: HasClaim("tenant", none_of={"otp": 1}),
        lambda: HasClaim("tenant", None),
        lambda: HasClaim("tenant", 1.5),
        lambda: HasClaim("tenant", 2**70),
        lambda: HasClaim("tenant", ["a"], ["b"]),
    ],
)
def test_a_claim_compared_with_nothing_is_refused(build):
    with pytest.raises(ImproperlyConfigured):
        build()


def test_guards_are_compared_by_what_they_mean():
    strict, loose = IsStaff() & HasPermission("a"), IsStaff() | HasPermission("a")
    assert strict.implies(loose) and not loose.implies(strict)
    assert (~(IsStaff() | IsAdminUser())).is_equivalent(~IsStaff() & ~IsAdminUser())
    assert not IsAuthenticated().is_equivalent(AllowAny())
    assert strict != loose and strict == IsStaff() & HasPermission("a")
    assert strict != str(strict)


def test_beyond_the_exact_limit_comparing_says_so():
    many = HasAllPermissions([f"p{number}" for number in range(13)])
    for compare in (lambda: many.implies(IsStaff()), lambda: many.is_equivalent(IsStaff())):
        with pytest.raises(GuardTooLarge, match="12"):
            compare()
    assert many.implies(many) and many.is_equivalent(many)


def test_a_guard_is_compared_with_guards_alone():
    for compare in (IsStaff().implies, IsStaff().is_equivalent):
        with pytest.raises(ImproperlyConfigured, match="not a guard"):
            compare("staff")


def context(**claims):
    gate = _rust.Gate([JWTAuthentication().rust], _rust.Guard.allow_any())
    return gate.check({"HTTP_AUTHORIZATION": bearer(sub="7", **claims)["Authorization"]})


def test_an_explanation_says_what_held_and_what_is_missing():
    guard = IsAuthenticated() & (HasPermission("blog.add") | IsStaff()) & ~HasPermission("blog.banned")
    refused = guard.explain(context(permissions=["blog.view"]))
    assert refused.decision == "deny" and 'missing: perm("blog.add")' in str(refused)
    assert refused.to_dict()["reason"] == "permission_missing"
    assert guard.explain(context(permissions=["blog.add"])).decision == "allow"
    assert guard.explain().decision == "challenge" == guard.explain(None).decision


def test_an_explanation_takes_results_of_checks():
    guard = IsStaff() | Check(lambda request: True, name="friend")
    assert [guard.explain(context(), {"friend": response}).decision for response in (True, False)] == ["allow", "deny"]
    assert guard.explain(context()).decision == "undetermined"


@pytest.mark.parametrize("text", ['authenticated & perm("blog.add")', "staff"])
def test_string_in_the_settings_has_a_remedy(text):
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[text]), pytest.raises(ImproperlyConfigured, match="parse"):
        conf.current().guards
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[Guard.parse(text)]):
        assert conf.current().guards == [Guard.parse(text)]


def test_a_dotted_path_to_a_guard_that_takes_arguments_is_refused():
    path = "boltguard.auth.HasPermission"
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[path]), pytest.raises(ImproperlyConfigured, match=path):
        conf.current().guards
