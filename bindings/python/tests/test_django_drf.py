"""`boltguard.drf`: authentication and guards in the views of Django REST framework."""

import importlib
import io
import json
import logging
import sys

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.http import Http404, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.generics import ListAPIView, RetrieveUpdateAPIView
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission
from rest_framework.permissions import IsAdminUser as IsDjangoStaff
from rest_framework.permissions import IsAuthenticated as IsKnown
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from boltguard import auth
from boltguard.auth import AllowAny as Everybody
from boltguard.auth import (
    APIKeyAuthentication,
    Check,
    HasPermission,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    ObjectCheck,
    Owner,
    RemoteKeySet,
    RevocationStore,
    ViaBackend,
)
from boltguard.drf import BoltguardAuthentication, GuardPermission
from boltguard.middleware import BoltguardMiddleware

from issuer import Issuer, reply, serving
from people.models import Note
from support import bearer, mount, mount_view, wsgi

CHALLENGE = 'Bearer realm="api"'
NO_GUARD = r"GuardPermission has no guard\. Set guard = IsStaff\(\) .* or use GuardPermission\.of\(IsStaff\(\)\)\."
KEY = "a-key-of-the-tests-which-is-long"


def using(*backends):
    return type("Authentication", (BoltguardAuthentication,), {"backends": list(backends)})


def serve(
    permissions=(AllowAny,),
    authentications=(BoltguardAuthentication,),
    response=lambda request: {},
    renderers=(JSONRenderer,),
):
    """A view that returns the result of `response` for the request."""

    class View(APIView):
        authentication_classes = list(authentications)
        permission_classes = list(permissions)
        renderer_classes = list(renderers)

        def get(self, request):
            return Response(response(request))

        post = get

    mount_view(View.as_view())


def get(headers=None, method="get", **options):
    return wsgi(method, "/view", headers, **options)


def test_the_user_and_the_context_of_a_token_are_there(ada):
    serve(
        response=lambda request: [request.user.get_username(), request.auth["user_id"], request.context["permissions"]]
    )
    response = get(bearer(sub=str(ada.pk), permissions=["blog.add"]))
    assert response.json() == ["ada", str(ada.pk), ["blog.add"]]


def test_the_user_costs_no_query_until_more_than_the_key_is_read(ada, django_assert_queries):
    serve([IsKnown], response=lambda request: request.user.pk)
    with django_assert_queries(0):
        assert get(bearer(sub=str(ada.pk))).json() == ada.pk


def test_other_backends_are_tried_without_credentials():
    class Other(BaseAuthentication):
        def authenticate(self, request):
            return ("somebody", None) if "X-Other" in request.headers else None

    serve(authentications=[BoltguardAuthentication, Other], response=lambda request: [str(request.user), request.auth])
    assert get().json() == ["AnonymousUser", None]
    assert get({"Authorization": "Basic YTpi"}).json() == ["AnonymousUser", None]
    assert get({"X-Other": "1"}).json() == ["somebody", None]


@pytest.mark.parametrize("permissions", [[AllowAny], [IsKnown], [GuardPermission.of(auth.AllowAny())]])
@pytest.mark.parametrize(
    ("sent", "code", "detail"),
    [
        (bearer(exp=1), "token_expired", "The token has expired"),
        (bearer(secret="another-secret-of-more-than-thirty-two-bytes"), "invalid_token", "The token is invalid"),
        (bearer("no.to.ken"), "invalid_token", "The token is invalid"),
    ],
)
def test_invalid_credentials_are_401_with_a_public_reason(permissions, sent, code, detail):
    serve(permissions)
    response = get(sent)
    assert (response.status_code, response.json()) == (401, {"detail": f"{detail}.", "code": code})
    assert response["WWW-Authenticate"] == f'{CHALLENGE}, error="invalid_token", error_description="{detail}"'


def test_no_credential_is_401_with_a_challenge():
    for permission in (IsKnown, GuardPermission.of(IsAuthenticated())):
        serve([permission])
        response = get()
        assert (response.status_code, response["WWW-Authenticate"]) == (401, CHALLENGE)


def test_the_challenge_names_the_schemes_of_the_backends():
    serve([IsKnown], [using(APIKeyAuthentication(api_keys={KEY}))])
    assert get()["WWW-Authenticate"] == 'ApiKey realm="api"'


def test_a_class_has_the_backends_that_it_names():
    store = InMemoryRevocation()
    strict = using(JWTAuthentication(audience="shop", revocation_store=store))
    serve([IsKnown], [strict])
    assert get(bearer(sub="1", aud="shop", jti="a")).status_code == 200
    assert get(bearer(sub="1", jti="a")).status_code == 401
    store.revoke("a")
    response = get(bearer(sub="1", aud="shop", jti="a"))
    assert (response.status_code, response.json()["code"]) == (401, "token_revoked")


def test_a_class_without_backends_follows_the_settings():
    serve([IsKnown])
    assert get(bearer(sub="1")).status_code == 200
    with override_settings(BOLT_AUTHENTICATION_CLASSES=[APIKeyAuthentication(api_keys={KEY})]):
        assert get(bearer(sub="1")).status_code == 401
        serve([GuardPermission.of(ViaBackend("api_key"))])
        assert get({"X-API-Key": KEY}).status_code == 200


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"backends": [JWTAuthentication]}, r"Shop\.backends: JWTAuthentication is a class"),
        ({"backends": JWTAuthentication}, r"Shop\.backends is of type type. It must be a list"),
        ({"backends": JWTAuthentication()}, r"Shop\.backends is a single backend. It must be a list"),
        ({"backends": []}, r"Shop\.backends is empty.*BOLT_AUTHENTICATION_CLASSES"),
        ({"backend": [JWTAuthentication()]}, r"Shop\.backend is never used. Set the attribute backends"),
        ({"backend": "jwt"}, r"Shop\.backend is never used"),
        ({"auth": JWTAuthentication()}, r"Shop\.auth is never used"),
        ({"authentication": (JWTAuthentication,)}, r"Shop\.authentication is never used"),
    ],
)
def test_backends_that_are_none_are_refused_when_the_class_is_made(body, complaint):
    with pytest.raises(ImproperlyConfigured, match=complaint):
        type("Shop", (BoltguardAuthentication,), body)


def test_a_class_may_keep_a_backend_beside_its_backends():
    jwt = JWTAuthentication()
    assert type("Shop", (BoltguardAuthentication,), {"jwt": jwt, "backends": [jwt]}).known_backends() == [jwt]


class Elsewhere(RevocationStore):
    """A store outside of the process that contains one token, or is unavailable."""

    called = 0

    def is_revoked(self, jti):
        self.called += 1
        if jti == "broken":
            raise ConnectionError
        return jti == "revoked"

    def revoke(self, jti, ttl=None):
        raise NotImplementedError


def test_a_store_that_is_external_is_queried_once():
    store = Elsewhere()
    permissions = [GuardPermission.of(IsAuthenticated()), GuardPermission.of(HasPermission("a.b"))]
    serve(permissions, [using(JWTAuthentication(revocation_store=store))])
    assert get(bearer(sub="1", jti="good", permissions=["a.b"])).status_code == 200
    assert store.called == 1
    assert get(bearer(sub="1", jti="revoked", permissions=["a.b"])).json()["code"] == "token_revoked"


def test_an_unavailable_store_is_503_even_for_allow_any():
    serve([AllowAny], [using(JWTAuthentication(revocation_store=Elsewhere()))])
    response = get(bearer(sub="1", jti="broken"))
    assert (response.status_code, response.json()["code"]) == (503, "revocation_unavailable")


def test_an_issuer_that_is_down_is_503_with_the_time_to_try_again():
    issuer = Issuer("a")
    issuer.respond = lambda handler, _: reply(handler, 500)
    with serving(issuer) as url:
        remote = RemoteKeySet(url, allow_http=True)
        serve([AllowAny], [using(JWTAuthentication(remote, ["ES256"], issuer="me"))])
        response = get(issuer.bearer("a"))
    assert (response.status_code, response.json()["code"]) == (503, "issuer_keys_unavailable")
    assert 1 <= int(response["retry-after"]) <= 30


@pytest.mark.parametrize("read", [lambda user: user.get_username(), lambda user: user.is_staff])
def test_a_user_who_is_not_there_is_401_when_read(read, ada):
    serve([IsKnown], response=lambda request: read(request.user))
    response = get(bearer(sub="987654321"))
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    assert get(bearer(sub=str(ada.pk))).status_code == 401


def test_a_subject_that_is_not_a_primary_key_is_401_when_read():
    serve([IsKnown], response=lambda request: request.user.pk)
    assert get(bearer(sub="unknown")).status_code == 401


def test_permissions_of_djangos_users_read_the_account(ada):
    serve([IsDjangoStaff])
    assert get(bearer(sub=str(ada.pk))).status_code == 200
    get_user_model().objects.filter(pk=ada.pk).update(is_staff=False)
    assert get(bearer(sub=str(ada.pk), is_staff=True)).status_code == 403


def test_a_guard_allows_and_refuses():
    serve([GuardPermission.of(HasPermission("blog.add") | IsStaff())])
    assert get(bearer(sub="1", permissions=["blog.add"])).status_code == 200
    assert get(bearer(sub="1", is_staff=True)).status_code == 200
    response = get(bearer(sub="1"))
    assert (response.status_code, response.json()) == (
        403,
        {"detail": "You don't have permission to do this.", "code": "permission_denied"},
    )


def test_a_guard_of_a_class_of_ones_own():
    class MayPublish(GuardPermission):
        guard = HasPermission("blog.publish")

    serve([MayPublish])
    assert get(bearer(sub="1", permissions=["blog.*"])).status_code == 200
    assert get(bearer(sub="1")).status_code == 403


def test_several_permissions_all_have_to_hold():
    serve([GuardPermission.of(IsStaff()), GuardPermission.of(HasPermission("a.b"))])
    assert get(bearer(sub="1", is_staff=True, permissions=["a.b"])).status_code == 200
    assert get(bearer(sub="1", is_staff=True)).status_code == 403
    assert get(bearer(sub="1", permissions=["a.b"])).status_code == 403


def test_what_is_not_a_guard_is_refused_when_the_class_is_made():
    with pytest.raises(ImproperlyConfigured, match="IsStaff is a class"):
        GuardPermission.of(IsStaff)
    with pytest.raises(ImproperlyConfigured, match="empty"):
        GuardPermission.of()
    with pytest.raises(ImproperlyConfigured, match="Nothing.guard: 'staff' is not a guard"):
        type("Nothing", (GuardPermission,), {"guard": "staff"})
    with pytest.raises(ImproperlyConfigured, match="has no guard"):
        type("Nothing", (GuardPermission,), {})


@pytest.mark.parametrize("permission", [GuardPermission, GuardPermission | IsKnown, IsKnown & GuardPermission])
def test_guard_permission_without_a_guard_is_an_error(permission):
    serve([permission])
    with pytest.raises(ImproperlyConfigured, match=NO_GUARD):
        get(bearer(sub="1"), client=Client())


@pytest.mark.parametrize(
    "combine", [lambda: ~GuardPermission, lambda: GuardPermission & STAFF, lambda: STAFF | GuardPermission]
)
def test_operators_need_the_guard_of_a_permission(combine):
    with pytest.raises(ImproperlyConfigured, match=NO_GUARD):
        combine()


def test_routes_report_permissions_without_a_guard():
    serve([GuardPermission])
    with pytest.raises(CommandError, match=f"ANY /view: {NO_GUARD}"):
        listed()


def test_an_async_check_is_refused_when_the_class_is_made():
    async def slowly(request):
        return True

    with pytest.raises(ImproperlyConfigured, match="is async"):
        GuardPermission.of(Check(slowly))


class ReadOnly(BasePermission):
    def has_permission(self, request, view):
        return request.method in SAFE_METHODS


STAFF, BANNED = GuardPermission.of(IsStaff()), GuardPermission.of(HasPermission("a.banned"))


def test_operators_between_guards_are_those_of_the_guards():
    assert (STAFF & BANNED).guard == IsStaff() & HasPermission("a.banned")
    assert (STAFF | BANNED).guard == IsStaff() | HasPermission("a.banned")
    assert (~STAFF).guard == ~IsStaff()


def test_negation_never_allows_anonymous_callers():
    serve([~BANNED])
    assert get(bearer(sub="1")).status_code == 200
    assert get(bearer(sub="1", permissions=["a.banned"])).status_code == 403
    assert get().status_code == 401


MIXTURES = [BANNED & ReadOnly, ReadOnly & BANNED, BANNED | ReadOnly, ReadOnly | (BANNED & AllowAny)]


@pytest.mark.parametrize("mixture", MIXTURES)
def test_a_mixture_with_other_permissions_can_not_be_negated(mixture):
    for negated in (~mixture, ~(ReadOnly | mixture), ReadOnly & ~mixture):
        serve([negated])
        for method in ("get", "post"):
            with pytest.raises(ImproperlyConfigured, match="Negate the guard alone"):
                get(method=method, client=Client())


@pytest.mark.parametrize("mixture", [STAFF | ReadOnly, ReadOnly | STAFF, ReadOnly | (STAFF & AllowAny)])
def test_a_guard_or_another_permission(mixture):
    serve([mixture])
    assert get().status_code == 200
    assert get(method="post").status_code == 401
    assert get(bearer(sub="1"), "post").status_code == 403
    assert get(bearer(sub="1", is_staff=True), "post").status_code == 200


@pytest.mark.parametrize("mixture", [STAFF & ReadOnly, ReadOnly & STAFF])
def test_a_guard_and_another_permission(mixture):
    serve([mixture])
    assert get().status_code == 401
    assert get(bearer(sub="1")).status_code == 403
    assert get(bearer(sub="1", is_staff=True)).status_code == 200
    assert get(bearer(sub="1", is_staff=True), "post").status_code == 403


def test_a_caller_of_another_class_is_anonymous_to_a_guard(ada):
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    both = [BoltguardAuthentication, SessionAuthentication]
    serve([GuardPermission.of(IsAuthenticated())], both)
    assert get(client=client).status_code == 403
    assert get(bearer(sub="1"), client=client).status_code == 200
    serve([GuardPermission.of(IsStaff()) | IsDjangoStaff], both)
    assert get(client=client).status_code == 200


def test_a_guard_without_our_authentication_allows_no_one():
    serve([GuardPermission.of(IsAuthenticated())], [])
    assert get(bearer(sub="1")).status_code == 403


def test_check_is_called_once_with_the_drf_request():
    called = []

    def about(request):
        called.append(type(request))
        return "let" in request.query_params

    serve([GuardPermission.of(IsStaff() | Check(about))])
    assert wsgi("get", "/view?let", bearer(sub="1")).status_code == 200
    assert get(bearer(sub="1")).status_code == 403
    assert get(bearer(sub="1", is_staff=True)).status_code == 200
    assert called == [Request, Request]


class Article:
    def __init__(self, author_id):
        self.author_id = author_id


ARTICLES = {1: Article(1), 2: Article(2)}


class Articles(ViewSet):
    authentication_classes = [BoltguardAuthentication]
    permission_classes = [GuardPermission.of(IsStaff() | Owner("author_id"))]

    def list(self, request):
        return Response(len(ARTICLES))

    def retrieve(self, request, pk):
        self.check_object_permissions(request, ARTICLES[int(pk)])
        return Response({})

    def destroy(self, request, pk):
        return Response({})


@pytest.fixture
def articles():
    router = SimpleRouter(trailing_slash=False)
    router.register("articles", Articles, "article")
    mount(path("", include(router.urls)))


def test_an_owner_is_allowed_and_others_are_not(articles):
    assert wsgi("get", "/articles/1", bearer(sub="1")).status_code == 200
    refused = wsgi("get", "/articles/2", bearer(sub="1"))
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert wsgi("get", "/articles/2", bearer(sub="1", is_staff=True)).status_code == 200
    assert wsgi("get", "/articles/1").status_code == 401


def test_an_owner_who_can_be_no_user_is_401(articles):
    assert wsgi("get", "/articles/1", bearer(sub="unknown")).status_code == 401


def test_list_needs_no_object_check(articles):
    assert wsgi("get", "/articles", bearer(sub="1")).json() == 2
    assert wsgi("options", "/articles/1", bearer(sub="1")).status_code == 200


def test_a_view_of_one_object_that_never_checks_it_is_500(articles):
    assert wsgi("delete", "/articles/1", bearer(sub="1")).status_code == 500
    assert wsgi("delete", "/articles/1", bearer(sub="1", is_staff=True)).status_code == 200
    serve([GuardPermission.of(Owner("author_id"))])
    assert get(bearer(sub="1")).status_code == 500


def test_generic_views_ask_about_the_object_that_they_get(ada):
    note = Note.objects.create(text="", owner=ada)

    class Own(RetrieveUpdateAPIView):
        queryset = Note.objects.all()
        authentication_classes = [BoltguardAuthentication]
        permission_classes = [ReadOnly | GuardPermission.of(Owner("owner"))]

        def get(self, request, pk):
            self.get_object()
            return Response({})

        put = get

    class All(ListAPIView):
        authentication_classes = [BoltguardAuthentication]
        permission_classes = [GuardPermission.of(Owner("owner"))]

        def get(self, request):
            return Response({})

    mount(path("own/<int:pk>", Own.as_view()), path("all", All.as_view()))
    place = f"/own/{note.pk}"
    assert wsgi("get", place).status_code == 200
    assert wsgi("put", place, bearer(sub=str(ada.pk))).status_code == 200
    assert wsgi("put", place, bearer(sub=str(ada.pk + 1))).status_code == 403
    assert wsgi("put", place).status_code == 401
    assert wsgi("get", "/all", bearer(sub="1")).status_code == 200


def test_request_check_is_not_repeated_for_the_object():
    called = []

    def open_hours(request):
        called.append("hours")
        return True

    def is_first(request, obj):
        called.append(obj)
        return obj == 1

    class View(APIView):
        authentication_classes = [BoltguardAuthentication]
        permission_classes = [GuardPermission.of(Check(open_hours) & ObjectCheck(is_first))]

        def get(self, request, number):
            self.check_object_permissions(request, number)
            return Response({})

    mount(path("<int:number>", View.as_view()))
    assert wsgi("get", "/1", bearer(sub="1")).status_code == 200
    assert wsgi("get", "/2", bearer(sub="1")).status_code == 403
    assert called == ["hours", 1, "hours", 2]


def test_a_view_that_is_a_function():
    @api_view(["GET"])
    @authentication_classes([BoltguardAuthentication])
    @permission_classes([STAFF])
    def view(request):
        return Response({})

    mount_view(view)
    assert get(bearer(sub="1", is_staff=True)).status_code == 200
    assert get(bearer(sub="1")).status_code == 403


def test_responses_are_not_stored_by_shared_caches():
    serve([IsKnown | ReadOnly])
    authenticated, anonymous, refused = get(bearer(sub="1")), get(), get(bearer(exp=1))
    assert [response["Vary"] for response in (authenticated, anonymous, refused)] == ["Authorization"] * 3
    assert (authenticated["Cache-Control"], anonymous.get("Cache-Control")) == ("private", None)
    serve([IsKnown], renderers=[JSONRenderer, BrowsableAPIRenderer])
    assert get(bearer(sub="1"))["Vary"] == "Accept, Authorization"


OTHER_KEY = "another-key-of-the-tests"
# By default, Django's cache varies on `Authorization`.
BY_KEY = using(APIKeyAuthentication(api_keys={KEY, OTHER_KEY}))


def cached_view(name, respond):
    class View(APIView):
        authentication_classes = [BY_KEY]
        renderer_classes = [JSONRenderer]

        @method_decorator(cache_page(60, key_prefix=name))
        def get(self, request):
            return respond(request.auth["user_id"])

    return View.as_view()


def test_a_cache_inside_that_would_mix_callers_up_is_refused():
    mount_view(cached_view("mixed", HttpResponse))
    with pytest.raises(ImproperlyConfigured, match="A cache inside"):
        get({"X-API-Key": KEY}, client=Client())


def apart(user_id):
    return HttpResponse(user_id, headers={"Vary": "X-API-Key"})


@pytest.mark.parametrize("respond", [apart, Response])
def test_a_cache_inside_may_tell_callers_apart(respond):
    mount_view(cached_view(respond.__name__, respond))
    assert len({get({"X-API-Key": key}).content for key in (KEY, OTHER_KEY)}) == 2


def test_a_cache_outside_tells_callers_apart():
    class View(APIView):
        authentication_classes = [BY_KEY]

        def get(self, request):
            return HttpResponse(request.auth["user_id"])

    mount_view(cache_page(60)(View.as_view()))
    assert len({get({"X-API-Key": key}).content for key in (KEY, OTHER_KEY)}) == 2


def test_a_response_varies_on_all_headers_that_were_read():
    serve([AllowAny], [BY_KEY, BoltguardAuthentication])
    assert get(bearer(sub="1"))["Vary"] == "X-Api-Key, Authorization"
    assert get({"X-API-Key": KEY})["Vary"] == "X-Api-Key"


def test_a_view_can_set_how_long_its_response_is_cached():
    class View(APIView):
        authentication_classes = [BoltguardAuthentication]

        def get(self, request):
            return Response({}, headers={"Cache-Control": "max-age=5"})

    mount_view(View.as_view())
    assert get(bearer(sub="1"))["Cache-Control"] == "max-age=5"


def test_refusals_are_logged_with_their_precise_reason(caplog):
    caplog.set_level(logging.INFO, "boltguard")

    def reasons():
        found = [record.reason for record in caplog.records if hasattr(record, "reason")]
        caplog.clear()
        return found

    serve([STAFF | ReadOnly])
    get(bearer(aud="elsewhere"))
    assert reasons() == ["audience_mismatch"]
    get(bearer(sub="1"))
    assert reasons() == []
    get(bearer(sub="1"), "post")
    assert reasons() == ["staff_required"]
    get(method="post")
    assert reasons() == ["not_authenticated"]
    serve([IsKnown], response=lambda request: request.user.is_staff)
    get(bearer(sub="987654321"))
    assert reasons() == ["user_not_found"]


def test_failed_part_of_a_guard_is_explained(caplog):
    caplog.set_level(logging.DEBUG, "boltguard.guards")
    serve([GuardPermission.of(HasPermission("blog.add"))])
    with override_settings(DEBUG=True):
        get(bearer(sub="1"))
    assert "blog.add" in caplog.text


def listed():
    out = io.StringIO()
    call_command("boltguard_routes", "--json", stdout=out)
    return {f"{one['method']} {one['path']}": (one["guard"], one["backends"]) for one in json.loads(out.getvalue())}


def test_the_list_of_routes_shows_the_guards_of_viewsets(articles):
    shown = ('staff | check("owner:author_id")', ["jwt(HS256)"])
    assert [(name.split()[0], found) for name, found in listed().items()] == [
        ("GET", shown),
        ("DELETE", shown),
        ("GET", shown),
    ]


@pytest.mark.parametrize(
    ("permissions", "shown"),
    [
        ([STAFF, BANNED], ('staff & perm("a.banned")', ["jwt(HS256)"])),
        ([STAFF, ReadOnly], ("staff", ["jwt(HS256)"])),
        ([STAFF | ReadOnly], (None, [])),
        ([IsKnown], (None, [])),
    ],
)
def test_routes_list_guards_that_are_always_evaluated(permissions, shown):
    serve(permissions)
    assert listed()["GET /view"] == shown


def test_the_list_of_routes_shows_the_methods_that_a_view_has_itself():
    @api_view(["PUT"])
    @permission_classes([STAFF])
    def function(request):
        return Response({})

    class Own(ListAPIView):
        permission_classes = [STAFF]

    class Custom(Own):
        def options(self, request):
            return Response({})

        def http_method_not_allowed(self, request):
            return Response({})

    mount(path("a", Own.as_view()), path("b", function), path("c", Custom.as_view()))
    assert list(listed()) == ["GET /a", "PUT /b", "ANY /c", "GET /c", "OPTIONS /c"]


@pytest.mark.parametrize("authentications", [[JWTAuthentication()], [JWTAuthentication], property(lambda view: [])])
def test_the_list_of_routes_can_be_made_whatever_a_view_lists(authentications):
    class View(APIView):
        authentication_classes = authentications
        permission_classes = [STAFF, IsStaff, IsStaff()]

        def get(self, request):
            return Response({})

    class Dynamic(View):
        permission_classes = property(lambda view: [STAFF])

    mount(path("a", View.as_view()), path("b", Dynamic.as_view()))
    assert listed() == {"GET /a": ("staff", []), "GET /b": (None, [])}


def table():
    out = io.StringIO()
    call_command("boltguard_routes", stdout=out)
    return [line.split() for line in out.getvalue().splitlines() if "/view" in line]


@pytest.mark.parametrize(
    ("permissions", "mark", "shown"),
    [
        ([IsKnown], [], "DRF: IsAuthenticated"),
        ([IsKnown, ReadOnly], [], "DRF: IsAuthenticated & DRF: ReadOnly"),
        ([STAFF, ReadOnly], [], "staff & DRF: ReadOnly"),
        ([STAFF | ReadOnly], [], "DRF: staff | ReadOnly"),
        ([(IsKnown | ReadOnly) & ~IsDjangoStaff], [], "DRF: (IsAuthenticated | ReadOnly) & ~IsAdminUser"),
        ([AllowAny], ["open"], "DRF: AllowAny"),
        ([AllowAny, GuardPermission.of(Everybody())], ["open"], "allow_any & DRF: AllowAny"),
        ([AllowAny, STAFF], [], "staff & DRF: AllowAny"),
        ([], ["unprotected"], "-"),
    ],
)
def test_the_list_of_routes_names_the_permissions_of_the_framework(permissions, mark, shown):
    serve(permissions)
    for line in table():
        kept = [*mark, line[len(mark)], "/view"]
        assert line[: len(kept)] == kept and " ".join(line[len(kept) + 1 :]) == shown
    assert table()


def test_routes_report_dynamic_permissions():
    class View(APIView):
        def get(self, request):
            return Response({})

        def get_permissions(self):
            return [IsKnown()]

    class Listed(APIView):
        get = View.get
        permission_classes = property(lambda view: [IsKnown])

    for view in (View, Listed):
        mount_view(view.as_view())
        assert table() == [["GET", "/view", "-", "DRF:", "chosen", "for", "each", "request"]]


def test_removed_drf_permission_fails_the_check(tmp_path):
    lock = tmp_path / "routes.lock"
    serve([IsKnown])
    call_command("boltguard_routes", "--write", lock, stdout=io.StringIO())
    call_command("boltguard_routes", "--check", lock, stdout=io.StringIO())
    serve([AllowAny])
    with pytest.raises(CommandError, match="GET /view no longer requires DRF: IsAuthenticated"):
        call_command("boltguard_routes", "--check", lock, stdout=io.StringIO())


def test_permissions_chosen_for_each_request_are_not_listed():
    class View(APIView):
        permission_classes = [STAFF]

        def get(self, request):
            return Response({})

        def get_permissions(self):
            return []

    mount_view(View.as_view())
    assert listed()["GET /view"] == (None, [])


def test_requests_made_for_tests_work_without_a_view():
    request = Request(APIRequestFactory().get("/", headers=bearer(sub="7")))
    user, context = BoltguardAuthentication().authenticate(request)
    assert (user.pk, context.user_id) == (7, "7")
    with pytest.raises(AuthenticationFailed):
        BoltguardAuthentication().authenticate(Request(APIRequestFactory().get("/", headers=bearer(exp=1))))


def test_forced_user_without_a_context_is_anonymous(ada):
    @api_view(["GET"])
    @permission_classes([STAFF])
    def view(request):
        return Response({})

    def status(token=None):
        request = APIRequestFactory().get("/")
        force_authenticate(request, ada, token)
        return view(request).status_code

    _, context = BoltguardAuthentication().authenticate(
        Request(APIRequestFactory().get("/", headers=bearer(sub="1", is_staff=True)))
    )
    assert (status(), status(context)) == (403, 200)


def test_beside_the_middleware(ada):
    with override_settings(MIDDLEWARE=[f"{BoltguardMiddleware.__module__}.{BoltguardMiddleware.__name__}"]):
        serve([STAFF], response=lambda request: request.user.get_username())
        response = get(bearer(sub=str(ada.pk), is_staff=True))
    assert (response.status_code, response.json(), response["Vary"]) == (200, "ada", "Authorization")


def test_an_error_of_the_view_stays_its_own():
    def missing(request):
        raise Http404

    serve([STAFF], response=missing)
    assert get(bearer(sub="1", is_staff=True)).status_code == 404


def test_without_the_framework_the_import_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("boltguard.drf", "rest_framework"))]:
        monkeypatch.delitem(sys.modules, name)

    class Nowhere:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "rest_framework":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Nowhere, *sys.meta_path])
    with pytest.raises(ImportError, match=r"boltguard\[drf\]"):
        importlib.import_module("boltguard.drf")


def test_other_import_errors_are_not_hidden(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("boltguard.drf")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rest_framework.authentication", None)
    with pytest.raises(ImportError, match=r"rest_framework\.authentication"):
        importlib.import_module("boltguard.drf")


@pytest.fixture
def django_assert_queries():
    from contextlib import contextmanager

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    @contextmanager
    def count(expected):
        with CaptureQueriesContext(connection) as queries:
            yield
        assert len(queries) == expected

    return count
