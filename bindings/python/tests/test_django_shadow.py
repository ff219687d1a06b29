"""Shadow mode: `BoltguardMiddleware` compares its decision with the present one, and changes nothing."""

import asyncio
import json
import logging
import time

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import BaseAuthentication, TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny as DRFAllowAny
from rest_framework.permissions import IsAuthenticated as DRFIsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from boltguard import jwt, protect
from boltguard.auth import (
    Authentication,
    Check,
    Identity,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    ObjectCheck,
    RevocationStore,
    SessionAuthentication,
)
from boltguard.drf import BoltguardAuthentication
from boltguard.middleware import BoltguardMiddleware
from boltguard.shadow import shadow_protect
from boltguard.shadow.counters import counters

from conftest import SECRET
from support import asgi, bearer, call, mount, wsgi

# The claims of the access tokens of djangorestframework-simplejwt.
OURS = JWTAuthentication(user_id_claim="user_id", claims={"token_type": "access"})
SHADOW = {
    "MIDDLEWARE": [*settings.MIDDLEWARE, "boltguard.middleware.BoltguardMiddleware"],
    "BOLTGUARD_MIDDLEWARE_MODE": "shadow",
    "BOLTGUARD_AUTHENTICATION_CLASSES": [OURS],
}


@pytest.fixture(autouse=True)
def _site(caplog, monkeypatch):
    # Tests that need the table write it themselves.
    monkeypatch.setattr(counters, "_next", float("inf"))
    caplog.set_level(logging.INFO, "boltguard")
    with override_settings(**SHADOW):
        yield
    counters._counts.clear()


class OldTokens(TokenAuthentication):
    """`rest_framework.authtoken`, without its table."""

    def authenticate_credentials(self, key):
        if key != "the-token-of-ada":
            raise AuthenticationFailed("Invalid token.")
        return get_user_model().objects.get(username="ada"), key


class OldJWT(BaseAuthentication):
    """As djangorestframework-simplejwt: `user_id` and `token_type`, with some leeway."""

    leeway = 0

    def authenticate_header(self, request):
        return 'Bearer realm="api"'

    def authenticate(self, request):
        header = request.headers.get("Authorization", "")
        if not header.startswith("Bearer "):
            return None
        try:
            claims = jwt.decode(header[7:], SECRET, ["HS256"], leeway=self.leeway)
        except jwt.InvalidTokenError:
            raise AuthenticationFailed("Invalid token.") from None
        user = get_user_model().objects.filter(pk=claims["user_id"], is_active=True).first()
        if user is None:
            raise AuthenticationFailed("No active user.")
        return user, claims


def drf(authentication=OldJWT, permission=DRFIsAuthenticated, shadow=None):
    class Orders(APIView):
        authentication_classes = [authentication]
        permission_classes = [permission]

        def get(self, request, number):
            return Response({"user": str(request.user)})

    return (shadow(Orders) if shadow else Orders).as_view()


def access_token(user, **claims):
    return bearer(user_id=str(user.pk), **{"token_type": "access", **claims})


def results():
    """The counted results, without agreements."""
    return {(row.outcome, row.reason): count[0] for row, count in counters._counts.items() if row.outcome != "agreed"}


def agreed():
    return {row.reason: count[0] for row, count in counters._counts.items() if row.outcome == "agreed"}


def records(caplog):
    return [one for one in caplog.records if one.name == "boltguard.shadow"]


def serve(view):
    mount(path("orders/<int:number>/", view))


URL = "/orders/1/"


def test_the_same_callers_agree(ada, caplog):
    serve(drf())
    assert call("get", URL, access_token(ada)).json() == {"user": "ada"}
    assert call("get", URL).status_code == 401
    assert call("get", URL, bearer("not-a-token")).status_code == 401
    assert (agreed(), results(), records(caplog)) == ({"authenticated": 2, "anonymous": 4}, {}, [])


def test_a_token_that_only_the_present_authentication_accepts(ada, caplog):
    serve(drf(type("Lenient", (OldJWT,), {"leeway": 600})))
    sent = access_token(ada, exp=int(time.time()) - 60)
    assert call("get", URL, sent).status_code == 200
    assert results() == {("caller_missing", "token_expired"): 2}
    (record, _) = records(caplog)
    assert record.levelname == "WARNING"
    assert record.getMessage() == ("GET /orders/1/ in shadow mode: caller_missing, token_expired (present status: 200)")
    own = ("outcome", "reason", "present_status", "route", "status", "claim", "method", "path", "view")
    expected = ("caller_missing", "token_expired", 200, "orders/<int:number>/", None, None, "GET", "/orders/1/")
    assert tuple(getattr(record, name) for name in own[:-1]) == expected
    assert sent["Authorization"][7:] not in json.dumps([str(one.__dict__) for one in caplog.records])


def test_a_token_that_only_the_present_authentication_refuses(ada):
    serve(drf(OldTokens))
    assert call("get", URL, access_token(ada)).status_code == 401
    assert results() == {("caller_added", "status_401"): 2}


def test_tokens_of_authtoken_are_unknown(ada):
    serve(drf(OldTokens))
    assert call("get", URL, {"Authorization": "Token the-token-of-ada"}).status_code == 200
    assert results() == {("caller_missing", "not_authenticated"): 2}


def test_a_backend_for_tokens_of_authtoken_agrees(ada):
    class Tokens(Authentication):
        name, header = "token", "authorization"

        def authenticate(self, request):
            sent = request.headers.get("Authorization") == "Token the-token-of-ada"
            return Identity(str(ada.pk), user=ada) if sent else None

    serve(drf(OldTokens))
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[Tokens()]):
        assert call("get", URL, {"Authorization": "Token the-token-of-ada"}).status_code == 200
        assert call("get", URL, {"Authorization": "Token another"}).status_code == 401
    assert (agreed(), results()) == ({"authenticated": 2, "anonymous": 2}, {})


def test_different_accounts(ada):
    class Fixed(OldJWT):
        def authenticate(self, request):
            return get_user_model()(pk=ada.pk + 1, username="bob"), None

    serve(drf(Fixed))
    assert call("get", URL, access_token(ada)).json() == {"user": "bob"}
    assert results() == {("caller_differs", "account_mismatch"): 2}


def test_an_inactive_account_is_refused_by_both(ada):
    serve(drf())
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    assert call("get", URL, access_token(ada)).status_code == 401
    assert (agreed(), results()) == ({"anonymous": 2}, {})


def test_a_subject_that_cannot_be_a_key_is_a_missing_caller(ada):
    class Trusting(OldJWT):
        def authenticate(self, request):
            return get_user_model()(pk=ada.pk), None

    serve(drf(Trusting))
    assert call("get", URL, bearer(user_id="not-a-number", token_type="access")).status_code == 200
    assert results() == {("caller_missing", "user_not_found"): 2}


def test_a_public_view_compares_callers_if_it_reads_them(ada):
    serve(drf(permission=DRFAllowAny))
    assert call("get", URL, access_token(ada)).json() == {"user": "ada"}
    assert call("get", URL).status_code == 200
    assert agreed() == {"authenticated": 2, "anonymous": 2}


def staff_only(*guards):
    return shadow_protect(guards=list(guards))


def test_declared_guards_are_compared_with_the_status(ada, caplog):
    serve(drf(shadow=staff_only(IsStaff())))
    assert call("get", URL, access_token(ada)).status_code == 200
    assert results() == {("would_refuse", "staff_required"): 2}
    assert records(caplog)[0].status == 403
    assert call("get", URL, access_token(ada, is_staff=True)).status_code == 200
    assert call("get", URL).status_code == 401
    assert agreed() == {"authenticated": 2, "anonymous": 2}


def test_a_guard_that_would_allow(ada):
    class Closed(DRFIsAuthenticated):
        def has_permission(self, request, view):
            return False

    serve(drf(permission=Closed, shadow=staff_only(IsAuthenticated())))
    assert call("get", URL, access_token(ada)).status_code == 403
    assert results() == {("would_allow", "status_403"): 2}


def test_another_status_of_a_denial_is_harmless(ada, caplog):
    # Without `authenticate_header`, Django REST framework sends 403 to anonymous callers.
    forbidding = type("Forbidding", (OldJWT,), {"authenticate_header": lambda self, request: None})
    serve(drf(forbidding, shadow=staff_only(IsAuthenticated())))
    assert call("get", URL).status_code == 403
    assert results() == {("other_status", "not_authenticated"): 2}
    assert {one.levelname for one in records(caplog)} == {"INFO"}


def test_a_caller_who_is_forbidden_by_one_and_unknown_to_the_other(ada):
    class Closed(DRFIsAuthenticated):
        def has_permission(self, request, view):
            return False

    serve(drf(OldTokens, Closed, staff_only(IsStaff())))
    assert call("get", URL, {"Authorization": "Token the-token-of-ada"}).status_code == 403
    assert results() == {("caller_missing", "scheme_unsupported"): 2}


def test_django_login_pages_are_denials(ada):
    @shadow_protect(auth=[SessionAuthentication()], guards=[IsAuthenticated()])
    @login_required
    def orders(request, number):
        return HttpResponse(str(request.user))

    serve(orders)
    assert wsgi("get", URL).status_code == 302
    client = Client()
    client.force_login(ada)
    assert wsgi("get", URL, client=client).content == b"ada"
    assert (agreed(), results()) == ({"anonymous": 1, "authenticated": 1}, {})
    assert wsgi("get", URL, access_token(ada)).status_code == 302
    assert results() == {}


def test_a_login_page_that_would_not_be_shown(ada):
    serve(shadow_protect(guards=[IsAuthenticated()])(login_required(lambda request, number: HttpResponse())))
    assert wsgi("get", URL, access_token(ada)).status_code == 302
    assert results() == {("would_allow", "status_302"): 1}


def test_responses_are_not_changed(ada):
    """Neither the headers, such as `Vary: Cookie`, nor the body, nor `request.user` and `request.context`."""
    seen = []

    @csrf_exempt
    def orders(request, number):
        seen.append((request.body, hasattr(request, "context"), request.session.accessed))
        return JsonResponse({"number": number})

    shadowed = shadow_protect(
        auth=[SessionAuthentication(), OURS],
        guards=[IsAuthenticated(), Check(lambda r: bool(r.session.items()), "reads")],
    )(orders)
    client = Client()
    client.force_login(ada)
    responses = []
    for view, more in ((orders, {"MIDDLEWARE": settings.MIDDLEWARE[:-1]}), (shadowed, {})):
        serve(view)
        with override_settings(**more):
            response = wsgi("post", URL, access_token(ada), {"a": 1}, client=client)
        responses.append((response.status_code, sorted(response.headers.items()), response.content, response.cookies))
    assert responses[0] == responses[1]
    assert seen == [(b'{"a": 1}', False, False)] * 2


def test_a_check_that_reads_the_body_is_a_failure_and_leaves_it_to_the_view(ada, caplog):
    @shadow_protect(guards=[Check(lambda request: bool(request.body), "body")])
    @csrf_exempt
    def orders(request, number):
        return HttpResponse(request.body)

    serve(orders)
    assert wsgi("post", URL, access_token(ada), b"the body").content == b"the body"
    assert results() == {("failed", "RuntimeError"): 1}
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert record.getMessage() == "A request can't be compared in shadow mode." and record.exc_info


@pytest.mark.parametrize("handler", ["wsgi", "asgi"])
def test_an_internal_error_never_reaches_the_site(ada, caplog, monkeypatch, handler):
    for name in ("present_of", "compare"):
        with monkeypatch.context() as patch:
            patch.setattr(f"boltguard.shadow.observer.{name}", lambda *arguments: 1 / 0)
            serve(drf())
            sent = {"headers": access_token(ada)}
            response = wsgi("get", URL, **sent) if handler == "wsgi" else asyncio.run(asgi("get", URL, **sent))
        assert response.json() == {"user": "ada"}
    assert results() == {("failed", "ZeroDivisionError"): 2}


def test_an_unavailable_store_would_refuse(ada):
    class Down(RevocationStore):
        def is_revoked(self, jti):
            raise ConnectionError

        def revoke(self, jti, ttl=None):
            """Does nothing."""

    serve(drf())
    backend = JWTAuthentication(user_id_claim="user_id", revocation_store=Down())
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[backend]):
        assert call("get", URL, access_token(ada, jti="a")).status_code == 200
        assert call("get", URL, access_token(ada, jti="a", exp=1)).status_code == 401
    assert results() == {("would_refuse", "revocation_unavailable"): 2}


@pytest.mark.parametrize("status", [405, 429, 500])
def test_responses_that_show_no_decision_are_not_compared(ada, status):
    serve(shadow_protect(guards=[IsStaff()])(lambda request, number: HttpResponse(status=status)))
    assert call("get", URL).status_code == status
    assert not counters._counts


def test_an_exception_of_the_view_is_not_compared():
    serve(shadow_protect(guards=[IsStaff()])(lambda request, number: 1 / 0))
    assert call("get", URL).status_code == 500
    assert not counters._counts


def test_a_check_of_an_object_could_have_denied_access(ada):
    class Closed(DRFIsAuthenticated):
        def has_permission(self, request, view):
            return False

    mine = ObjectCheck(lambda request, obj: True, "mine")
    serve(drf(permission=Closed, shadow=staff_only(mine)))
    assert call("get", URL, access_token(ada)).status_code == 403
    assert not counters._counts


def test_protected_views_still_enforce_and_are_not_compared(ada):
    serve(protect(guards=[IsAuthenticated()])(lambda request, number: HttpResponse()))
    assert call("get", URL).status_code == 401
    assert call("get", URL, access_token(ada)).status_code == 200
    serve(drf(BoltguardAuthentication))
    assert call("get", URL).status_code == 401
    assert call("get", URL, access_token(ada)).status_code == 200
    assert not counters._counts


def test_async_views_and_checks(ada):
    async def is_ada(request):
        return (await request.auser()).username == "ada"

    @shadow_protect(guards=[Check(is_ada)])
    async def orders(request, number):
        return HttpResponse(status=200 if request.headers.get("X-Present") else 403)

    serve(orders)
    bob = get_user_model().objects.create_user("bob")
    try:
        for user, present in ((ada, "yes"), (ada, ""), (bob, "yes"), (bob, "")):
            asyncio.run(asgi("get", URL, {**access_token(user), "X-Present": present}))
    finally:
        bob.delete()
    assert agreed() == {"authenticated": 2}
    assert results() == {("would_allow", "status_403"): 1, ("would_refuse", "denied"): 1}


def test_every_declared_gate_applies(ada):
    @method_decorator(shadow_protect(guards=[IsStaff()]), name="get")
    @shadow_protect(guards=[IsAuthenticated()])
    class Orders(View):
        def get(self, request, number):
            return HttpResponse()

        def post(self, request, number):
            return HttpResponse()

    serve(csrf_exempt(Orders.as_view()))
    for method in ("get", "head", "post"):
        wsgi(method, URL, access_token(ada))
    found = {(row.method, row.outcome, row.reason) for row in counters._counts}
    assert found == {
        ("GET", "would_refuse", "staff_required"),
        ("HEAD", "would_refuse", "staff_required"),
        ("POST", "agreed", "authenticated"),
    }


def test_actions_of_a_viewset_can_declare_guards(ada):
    class Orders(ViewSet):
        authentication_classes = [OldJWT]

        @shadow_protect(guards=[IsStaff()])
        def list(self, request, number):
            return Response([])

        def create(self, request, number):
            return Response({}, 201)

    serve(Orders.as_view({"get": "list", "post": "create"}))
    assert wsgi("get", URL, access_token(ada)).status_code == 200
    assert wsgi("post", URL, access_token(ada)).status_code == 201
    assert (agreed(), results()) == ({"authenticated": 1}, {("would_refuse", "staff_required"): 1})


def test_operations_of_django_ninja():
    ninja = pytest.importorskip("ninja")
    from ninja.security import HttpBearer

    user = get_user_model()(pk=7, username="ada")

    class OldBearer(HttpBearer):
        def authenticate(self, request, token):
            return user

    api = ninja.NinjaAPI(auth=OldBearer(), urls_namespace="shadow")

    @api.get("/orders/{number}/")
    @shadow_protect(guards=[IsStaff()])
    def orders(request, number: int):
        return number

    @api.post("/orders/{number}/")
    def create(request, number: int):
        return number

    mount(path("", api.urls))
    sent = access_token(user)
    assert wsgi("get", URL, sent).json() == 1
    assert wsgi("post", URL, sent).json() == 1
    assert (agreed(), results()) == ({"authenticated": 1}, {("would_refuse", "staff_required"): 1})
    assert wsgi("post", URL, bearer(user_id="8", token_type="access")).json() == 1
    assert ("caller_differs", "account_mismatch") in results()


def test_a_declaration_does_not_protect_or_change_the_function():
    def orders(request, number):
        return HttpResponse()

    declared = shadow_protect(guards=[IsStaff()])(orders)
    assert not vars(orders) and declared(None, 1).status_code == 200
    with pytest.raises(ImproperlyConfigured, match="guards is an empty list"):
        shadow_protect(guards=[])


def test_unresolved_and_unread_users_stay_so(ada):
    """Loading the user would read the session, so that the response would vary on cookies."""

    def orders(request, number):
        return HttpResponse()

    serve(orders)
    client = Client()
    client.force_login(ada)
    response = wsgi("get", URL, client=client)
    assert "Vary" not in response.headers and not counters._counts
    assert wsgi("get", "/missing").status_code == 404
    assert not counters._counts


def test_unknown_methods_are_not_counted(ada):
    serve(drf())
    assert Client().generic("BREW", URL, headers=access_token(ada)).status_code == 405
    assert not counters._counts


@override_settings(BOLTGUARD_MIDDLEWARE_MODE="Shadow")
def test_an_unknown_mode_is_an_error_at_start():
    message = """BOLTGUARD_MIDDLEWARE_MODE is 'Shadow'. It must be "authenticate" or "shadow"."""
    with pytest.raises(ImproperlyConfigured) as raised:
        BoltguardMiddleware(lambda request: HttpResponse())
    assert str(raised.value) == message


def test_shadow_mode_requires_the_app():
    apps = [one for one in settings.INSTALLED_APPS if not one.startswith("boltguard")]
    with override_settings(INSTALLED_APPS=apps), pytest.raises(ImproperlyConfigured, match='Add "boltguard" to'):
        BoltguardMiddleware(lambda request: HttpResponse())


@override_settings(BOLTGUARD_MIDDLEWARE_MODE="authenticate")
def test_the_other_mode_authenticates_and_counts_nothing(ada):
    serve(lambda request, number: HttpResponse(request.context.user_id))
    assert call("get", URL, access_token(ada)).content.decode() == str(ada.pk)
    assert not counters._counts
