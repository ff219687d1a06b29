"""The account of a token: a local user, a user of another issuer, or the result of a function of the site."""

import asyncio
import copy
import secrets

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.http import HttpResponse, JsonResponse
from django.template import engines
from django.test import override_settings

from boltguard import BoltAPI, Depends, protect
from boltguard.auth import (
    HasPermission,
    IsAuthenticated,
    JWTAuthentication,
    Owner,
    check_object,
    get_current_user,
)

from people.models import Handle, Note
from support import bearer, call, get, mount, mount_view, wsgi

ISSUER = "https://id.example.com"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "boltguard.middleware.BoltguardMiddleware",
]


def external(remote, **settings):
    return JWTAuthentication(remote, algorithms=["ES256"], issuer=ISSUER, **settings)


def describe(request):
    user = request.user
    return JsonResponse(
        {"kind": type(user).__name__, "pk": user.pk, "name": user.get_username(), "in": user.is_authenticated}
    )


async def adescribe(request):
    user = await request.auser()
    return JsonResponse(
        {"kind": type(user).__name__, "pk": user.pk, "name": user.get_username(), "in": user.is_authenticated}
    )


async def adescribe_lazily(request):
    return JsonResponse({"pk": request.user.pk, "name": getattr(request, "us" + "er").get_username()})


VIEWS = [describe, adescribe]


# Another issuer


@pytest.mark.parametrize("view", VIEWS)
def test_a_user_of_another_issuer_is_not_a_local_account(issuer, remote, ada, view):
    mount_view(protect(auth=[external(remote)], guards=[IsAuthenticated()])(view))
    sent = call("get", "/view", issuer.bearer("a", iss=ISSUER, sub=str(ada.pk)))
    assert sent.json() == {"kind": "ExternalUser", "pk": None, "name": str(ada.pk), "in": True}


def test_an_external_user_is_one_in_drf_the_middleware_and_an_api_too(issuer, remote, ada):
    from rest_framework.permissions import IsAuthenticated as Known
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication

    headers = issuer.bearer("a", iss=ISSUER, sub=str(ada.pk))

    class Ours(BoltguardAuthentication):
        backends = [external(remote)]

    class View(APIView):
        authentication_classes = [Ours]
        permission_classes = [Known]

        def get(self, request):
            return Response({"kind": type(request.user).__name__, "pk": request.user.pk})

    expected = {"kind": "ExternalUser", "pk": None}
    mount_view(View.as_view())
    assert call("get", "/view", headers).json() == expected
    with override_settings(MIDDLEWARE=MIDDLEWARE, BOLT_AUTHENTICATION_CLASSES=[external(remote)]):
        for view in VIEWS:
            mount_view(view)
            assert call("get", "/view", headers).json()["kind"] == "ExternalUser"
    api = BoltAPI(auth=[external(remote)], guards=[IsAuthenticated()])

    @api.get("/view")
    async def view(user=Depends(get_current_user)):
        return {"kind": type(user).__name__, "pk": user.pk}

    mount(api=api)
    assert call("get", "/view", headers).json() == expected


@pytest.fixture
def outsider(issuer, remote):
    """The user of a token with permissions, as a view sees it."""
    seen = []

    def view(request):
        seen.append(request.user)
        return HttpResponse()

    mount_view(protect(auth=[external(remote)], guards=[IsAuthenticated()])(view))
    claims = {"permissions": ["blog.add_post", "shop.*"], "is_staff": True, "is_superuser": True, "name": "Olga"}
    assert wsgi("get", "/view", issuer.bearer("a", iss=ISSUER, sub="olga", **claims)).status_code == 200
    return seen[0]


def test_an_external_user_has_what_the_token_says(outsider):
    assert (outsider.issuer, outsider.subject, str(outsider), outsider.username) == (ISSUER, "olga", "olga", "olga")
    assert outsider.claims["name"] == "Olga" and outsider.natural_key() == (ISSUER, "olga")
    assert outsider.is_active and outsider.is_authenticated and not outsider.is_anonymous
    assert not outsider.is_staff and not outsider.is_superuser, "not Django's staff, regardless of the issuer's claims"
    assert outsider.get_all_permissions() == {"blog.add_post", "shop.*"}
    assert outsider.has_perm("blog.add_post") and outsider.has_perm("shop.view_order")
    assert not outsider.has_perm("blog.delete_post") and not outsider.has_perm("blog.add_post", object())
    assert outsider.has_perms(["blog.add_post", "shop.x"]) and not outsider.has_perms(["blog.add_post", "blog.x"])
    assert outsider.has_module_perms("shop") and not outsider.has_module_perms("auth")
    assert asyncio.run(outsider.ahas_perm("blog.add_post")) and not asyncio.run(outsider.ahas_perms(["x.y"]))
    assert outsider.groups.count() == outsider.user_permissions.count() == 0
    assert outsider == copy.deepcopy(outsider) and hash(outsider) == hash(copy.copy(outsider))
    assert outsider != AnonymousUser() and outsider != User(username="olga")
    assert "olga" in repr(outsider) and ISSUER in repr(outsider)
    for broken in (outsider.save, outsider.delete, outsider.set_password, outsider.check_password):
        with pytest.raises(NotImplementedError):
            broken()


def test_an_external_user_in_a_template(outsider):
    text = "{% if user.is_authenticated %}{{ user }}{% endif %}|{{ user.claims.name }}|{{ user.pk }}|{{ user.email }}"
    assert engines["django"].from_string(text).render({"user": outsider}) == "olga|Olga|None|"


def test_the_orm_takes_no_external_user_for_an_account(outsider, database):
    for query in (
        lambda: list(Note.objects.filter(owner=outsider)),
        lambda: list(Note.objects.filter(owner_id=outsider)),
        lambda: list(Handle.objects.filter(handle=outsider)),
        lambda: Note.objects.create(owner=outsider),
        lambda: Handle.objects.filter(pk=outsider).exists(),
    ):
        with pytest.raises((TypeError, ValueError), match="ExternalUser"):
            query()


def test_an_attribute_that_only_an_account_has_names_the_remedy(outsider):
    with pytest.raises(AttributeError, match="user_field= or get_user="):
        outsider.email  # noqa: B018
    assert not hasattr(outsider, "__html__")


def test_an_external_user_owns_nothing(issuer, remote, ada):
    def view(request):
        check_object(request, Note(owner_id=ada.pk))
        return HttpResponse()

    mount_view(protect(auth=[external(remote)], guards=[Owner("owner")])(view))
    assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub=str(ada.pk))).status_code == 403


# One key, several issuers


@pytest.mark.parametrize("backend", [{}, {"secret": "a-shared-secret-of-two-sites-that-is-long-enough"}])
def test_a_foreign_issuer_with_the_same_key_is_not_a_local_user(ada, backend):
    secret = {"secret": backend["secret"]} if backend else {}
    foreign = bearer(sub=str(ada.pk), iss="https://other.example", **secret)
    own = bearer(sub=str(ada.pk), **secret)
    for view in VIEWS:
        mount_view(protect(auth=[JWTAuthentication(**backend)], guards=[IsAuthenticated()])(view))
        assert call("get", "/view", own).json()["pk"] == ada.pk
        assert call("get", "/view", foreign).status_code == 401
        mount_view(protect(auth=[JWTAuthentication(**backend, issuer="https://me")], guards=[IsAuthenticated()])(view))
        assert call("get", "/view", foreign).status_code == 401
        assert call("get", "/view", own).status_code == 401
        assert call("get", "/view", bearer(sub=str(ada.pk), iss="https://me", **secret)).json()["pk"] == ada.pk


def test_the_log_says_that_the_issuer_is_not_configured(ada, caplog):
    caplog.set_level("INFO", "boltguard")
    mount_view(protect(auth=[JWTAuthentication()], guards=[IsAuthenticated()])(describe))
    wsgi("get", "/view", bearer(sub=str(ada.pk), iss="https://other.example"))
    assert "issuer_not_configured" in caplog.text


def test_unconfigured_issuer_is_accepted_without_the_account():
    mount_view(
        protect(auth=[JWTAuthentication()], guards=[HasPermission("a.b")])(
            lambda request: JsonResponse({"user_id": request.context["user_id"], "account": request.context.account})
        )
    )
    sent = get(**bearer(sub="1", iss="https://other.example", permissions=["a.b"]))
    assert sent.json() == {"user_id": "1", "account": None}


def test_an_issuer_that_is_not_configured_owns_nothing(ada):
    def view(request):
        check_object(request, Note(owner_id=ada.pk))
        return HttpResponse()

    mount_view(protect(auth=[JWTAuthentication()], guards=[Owner("owner")])(view))
    assert call("get", "/view", bearer(sub=str(ada.pk))).status_code == 200
    assert call("get", "/view", bearer(sub=str(ada.pk), iss="https://other.example")).status_code == 401


def test_the_key_of_a_user_of_an_issuer_that_is_not_configured_is_never_read(ada):
    """In a protected view, reading it results in a 401, so no row is found; elsewhere, it has no primary key."""
    foreign = bearer(sub=str(ada.pk), iss="https://other.example")
    for read in (lambda user: user.pk, lambda user: user.id, lambda user: list(Note.objects.filter(owner=user))):
        mount_view(
            protect(auth=[JWTAuthentication()], guards=[IsAuthenticated()])(
                lambda request, read=read: HttpResponse(read(request.user))
            )
        )
        assert call("get", "/view", foreign).status_code == 401
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        mount_view(describe)
        assert call("get", "/view", foreign).json() == {"kind": "UnknownUser", "pk": None, "name": "", "in": False}


# A unique field


@pytest.mark.parametrize("view", [*VIEWS, adescribe_lazily])
def test_user_field_finds_the_account(issuer, remote, ada, view):
    mount_view(protect(auth=[external(remote, user_field="username")], guards=[IsAuthenticated()])(view))
    sent = call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="ada")).json()
    assert (sent["pk"], sent["name"]) == (ada.pk, "ada")
    for subject in ("unknown", "ADA", str(ada.pk), "\x00", "x" * 1000):
        assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub=subject)).status_code == 401, subject
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="ada")).status_code == 401


@override_settings(AUTH_USER_MODEL="people.Member")
def test_an_email_has_to_be_verified(issuer, remote, database):
    member = get_user_model().objects.create(email="m@example.org")
    settings = {"user_field": "email", "user_id_claim": "email"}
    claims = {"iss": ISSUER, "email": "m@example.org"}

    def view(request):
        return JsonResponse({"pk": str(request.user.pk)})

    mount_view(protect(auth=[external(remote, **settings)], guards=[IsAuthenticated()])(view))
    assert call("get", "/view", issuer.bearer("a", **claims, email_verified=True)).json() == {"pk": str(member.pk)}
    for unverified in ({}, {"email_verified": False}, {"email_verified": "true"}, {"email_verified": None}):
        assert call("get", "/view", issuer.bearer("a", **claims, **unverified)).status_code == 401, unverified
    relaxed = external(remote, **settings, require_verified_email=False)
    mount_view(protect(auth=[relaxed], guards=[IsAuthenticated()])(view))
    assert call("get", "/view", issuer.bearer("a", **claims)).json() == {"pk": str(member.pk)}
    said = external(remote, **settings, claims={"email_verified": [True, "true"]})
    mount_view(protect(auth=[said], guards=[IsAuthenticated()])(view))
    assert call("get", "/view", issuer.bearer("a", **claims, email_verified="true")).status_code == 200
    assert call("get", "/view", issuer.bearer("a", **claims)).status_code == 401
    member.delete()


@pytest.mark.parametrize("other", [" {}", "+{}", "0{}", "{}_0", "{}.0", "\u0967{}"])
def test_a_number_that_is_written_otherwise_names_no_one(issuer, remote, ada, other):
    """For the issuer, these are different users, but `int()` accepts all of them."""
    subject = other.format(ada.pk)
    mount_view(protect(auth=[external(remote, user_field="pk")], guards=[IsAuthenticated()])(describe))
    assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub=str(ada.pk))).json()["pk"] == ada.pk
    with_zero = get_user_model()(pk=ada.pk * 10, username="zero", email="z@example.org")
    with_zero.save()
    try:
        assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub=subject)).status_code == 401
    finally:
        with_zero.delete()


def test_a_user_who_is_found_by_a_claim_does_not_show_it(ada):
    seen = []

    def view(request):
        seen.extend([repr(request.user), request.user.email, repr(request.user)])
        return HttpResponse()

    backend = JWTAuthentication(user_field="username", user_id_claim="login")
    mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(view))
    assert wsgi("get", "/view", bearer(sub="1", login="ada")).status_code == 200
    assert seen == ["<LazyUser: not loaded>", ada.email, "<LazyUser: <User: ada>>"]


def test_user_field_is_for_own_keys_too(ada):
    mount_view(protect(auth=[JWTAuthentication(user_field="username")], guards=[IsAuthenticated()])(describe))
    assert call("get", "/view", bearer(sub="ada")).json()["pk"] == ada.pk
    assert call("get", "/view", bearer(sub="ada", iss="https://anybody")).json()["pk"] == ada.pk


def test_an_owner_is_known_by_the_account_that_was_found(issuer, remote, ada):
    def view(request):
        check_object(request, Note(owner_id=ada.pk))
        return HttpResponse()

    async def aview(request):
        return view(request)

    for one in (view, aview):
        mount_view(protect(auth=[external(remote, user_field="username")], guards=[Owner("owner")])(one))
        assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="ada")).status_code == 200
        assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="unknown")).status_code == 401


# A function


def by_name(claims):
    return User.objects.filter(username=claims["sub"]).first()


async def aby_name(claims):
    return await User.objects.filter(username=claims["sub"]).afirst()


class ByName:
    async def __call__(self, claims):
        return await aby_name(claims)


@pytest.mark.parametrize("function", [by_name, aby_name, ByName()])
@pytest.mark.parametrize("view", [*VIEWS, adescribe_lazily])
def test_get_user_finds_the_account(issuer, remote, ada, view, function):
    mount_view(protect(auth=[external(remote, get_user=function)], guards=[IsAuthenticated()])(view))
    sent = call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="ada")).json()
    assert (sent["pk"], sent["name"]) == (ada.pk, "ada")
    assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="unknown")).status_code == 401
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="ada")).status_code == 401


def test_get_user_is_called_once_when_the_account_is_read(issuer, remote, database):
    called = []

    def make(claims):
        called.append(claims["sub"])
        return User.objects.get_or_create(username=claims["sub"])[0]

    backend = external(remote, get_user=make)
    mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(lambda request: HttpResponse()))
    assert wsgi("get", "/view", issuer.bearer("a", iss=ISSUER, sub="new")).status_code == 200 and called == []
    mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(describe))
    assert wsgi("get", "/view", issuer.bearer("a", iss=ISSUER, sub="new")).json()["name"] == "new"
    assert called == ["new"]
    User.objects.filter(username="new").delete()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda claims: "ada", "saved user or None, not str"),
        (lambda claims: User(username="new"), "saved user or None, not User"),
        (lambda claims: AnonymousUser(), "saved user or None, not AnonymousUser"),
        (lambda claims: aby_name(claims), "async def"),
    ],
)
def test_what_get_user_returns_is_looked_at(issuer, remote, given, said, database):
    mount_view(protect(auth=[external(remote, get_user=given)], guards=[IsAuthenticated()])(describe))
    from django.test import Client

    with pytest.raises(TypeError, match=said):
        Client().get("/view", headers=issuer.bearer("a", iss=ISSUER, sub="ada"))


def test_an_error_of_get_user_is_an_error_and_no_401(issuer, remote, database):
    def fails(claims):
        raise IntegrityError

    mount_view(protect(auth=[external(remote, get_user=fails)], guards=[IsAuthenticated()])(describe))
    assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="ada")).status_code == 500


@pytest.mark.parametrize("settings", [{"user_field": "username"}, {"get_user": by_name}, {"get_user": aby_name}])
def test_a_found_account_outside_of_a_gate(issuer, remote, ada, settings):
    with override_settings(MIDDLEWARE=MIDDLEWARE, BOLT_AUTHENTICATION_CLASSES=[external(remote, **settings)]):
        for view in VIEWS:
            mount_view(view)
            assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="ada")).json()["pk"] == ada.pk
            gone = call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="unknown")).json()
            assert (gone["pk"], gone["name"], gone["in"]) == (None, "", False) or view is describe
        mount_view(adescribe_lazily)
        assert call("get", "/view", issuer.bearer("a", iss=ISSUER, sub="ada")).json() == {"pk": ada.pk, "name": "ada"}


# Configuration


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"user_field": "email", "get_user": by_name}, "can't be used together"),
        ({"user_field": ""}, "user_field is"),
        ({"user_field": 7}, "user_field is"),
        ({"user_field": "profile.email"}, "user_field is"),
        ({"get_user": "people.get"}, "get_user is"),
        ({"require_verified_email": "no"}, "require_verified_email is"),
        ({"require_verified_email": False}, "looked up by email"),
        ({"require_verified_email": False, "user_field": "username"}, "looked up by email"),
    ],
)
def test_what_cannot_be_used_is_refused_where_it_is_written(settings, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        JWTAuthentication(**settings)


@pytest.mark.parametrize(
    ("name", "said"), [("nickname", "no such field"), ("first_name", "not unique"), ("email", "unique")]
)
def test_field_that_is_not_unique_is_an_error(name, said, ada):
    from django.core.checks import run_checks

    backend = JWTAuthentication(secrets.token_hex(32), user_field=name)
    messages = [message for message in run_checks() if message.id == "boltguard.E006"]
    assert any(said in message.msg for message in messages)
    assert "user_field" in backend.label
    with override_settings(BOLT_AUTHENTICATION_CLASSES=[JWTAuthentication(user_field=name)]):
        mount_view(protect(guards=[IsAuthenticated()])(describe))
        assert get(**bearer(sub="ada")).status_code == 500


def test_pk_is_a_field_too(ada):
    mount_view(protect(auth=[JWTAuthentication(user_field="pk")], guards=[IsAuthenticated()])(describe))
    assert get(**bearer(sub=str(ada.pk))).json()["pk"] == ada.pk
