"""Token classes: refresh, ID and logout tokens, and tokens without a subject, are refused."""

import logging
import math
import time
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse
from django.test import override_settings
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import BoltAPI, jwt, protect
from boltguard.auth import (
    AllowAny,
    HasPermission,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
)
from boltguard.drf import BoltguardAuthentication

from conftest import SECRET
from support import bearer, call, mount, mount_view, wsgi

OTHERS = [
    {"token_type": "refresh"},
    {"token_type": "sliding"},
    {"token_type": "Refresh"},
    {"token_type": ["access", "refresh"]},
    {"token_type": 7},
    {"token_use": "id"},
    {"token_use": "refresh"},
    {"typ": "ID"},
    {"typ": "Refresh"},
    {"typ": "Offline"},
    {"typ": "Logout"},
    {"typ": "logout+jwt"},
    {"type": "refresh"},
    {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
]
ACCESS = [
    {},
    {"token_type": "access"},
    {"token_type": None},
    {"token_use": "access"},
    {"typ": "Bearer"},
    {"type": 7},
    {"events": {"joined": 1}},
]
HEADERS = ["refresh+jwt", "logout+jwt", "application/Logout+JWT", "ID", "secevent+jwt", "dpop+jwt", 7, ["JWT"]]


def whoami(request):
    return JsonResponse({"user": request.context["user_id"], "error": request.context.get("auth_error")})


def serve(guard=IsAuthenticated(), **options):  # noqa: B008
    auth = [JWTAuthentication(**options)]
    mount_view(protect(auth=auth, guards=[guard])(whoami))


def call_view(**claims):
    return wsgi("get", "/view", bearer(sub="1", **claims))


@pytest.mark.parametrize("claims", OTHERS, ids=str)
def test_a_token_of_another_class_is_not_an_access_token(claims):
    serve()
    response = call_view(**claims)
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    serve(AllowAny())
    assert call_view(**claims).json() == {"user": None, "error": "not_access_token"}


@pytest.mark.parametrize("claims", ACCESS, ids=str)
def test_access_tokens_pass_whatever_they_call_themselves(claims):
    serve()
    assert call_view(**claims).status_code == 200


@pytest.mark.parametrize("typ", HEADERS, ids=str)
def test_the_header_names_a_class_too(typ):
    serve()
    assert call_view(header={"alg": "HS256", "typ": typ}).status_code == 401
    for typ in ("JWT", "at+jwt", None):
        assert call_view(header={"alg": "HS256", "typ": typ}).status_code == 200


def test_every_way_in_refuses_a_refresh_token():
    api = BoltAPI()

    @api.get("/async", auth=[JWTAuthentication()], guards=[IsAuthenticated()])
    async def handler(request):
        return {}

    mount(api=api)
    assert call("get", "/async", bearer(sub="1", token_type="refresh")).status_code == 401

    class View(APIView):
        authentication_classes = [BoltguardAuthentication]

        def get(self, request):
            return Response({})

    mount_view(View.as_view())
    assert wsgi("get", "/view", bearer(sub="1", token_type="refresh")).status_code == 401
    assert wsgi("get", "/view", bearer(sub="1", token_type="access")).status_code == 200

    mount_view(whoami)
    with override_settings(MIDDLEWARE=["boltguard.middleware.BoltguardMiddleware"]):
        response = wsgi("get", "/view", bearer(sub="1", token_use="id"))
    assert response.json() == {"user": None, "error": "not_access_token"}


def test_decode_knows_no_classes():
    token = jwt.encode({"exp": 4_000_000_000, "token_type": "refresh"}, SECRET)
    assert jwt.decode(token, SECRET, ["HS256"])["token_type"] == "refresh"


@pytest.mark.parametrize(
    ("rules", "claims", "status"),
    [
        ({"token_type": "access"}, {"token_type": "access"}, 200),
        ({"token_type": "access"}, {}, 401),
        ({"token_type": "access"}, {"token_type": "refresh"}, 401),
        ({"token_type": "access"}, {"token_type": "Access"}, 401),
        ({"token_type": "access"}, {"token_type": ["access"]}, 401),
        ({"token_type": "access"}, {"token_type": None}, 401),
        ({"token_type": "access"}, {"token_type": "access", "typ": "ID"}, 401),
        ({"token_type": "sliding"}, {"token_type": "sliding"}, 200),
        ({"token_type": ["access", "sliding"]}, {"token_type": "sliding"}, 200),
        ({"token_type": ("access", "sliding")}, {"token_type": "refresh"}, 401),
        ({"tenant": 7}, {"tenant": 7}, 200),
        ({"tenant": 7}, {"tenant": "7"}, 401),
        ({"tenant": True}, {"tenant": True}, 200),
        ({"tenant": True}, {"tenant": 1}, 401),
        ({"tenant": 1}, {"tenant": True}, 401),
        ({"a": "x", "b": "y"}, {"a": "x", "b": "y"}, 200),
        ({"a": "x", "b": "y"}, {"a": "x", "b": "x"}, 401),
    ],
    ids=str,
)
def test_claims_must_have_their_exact_values(rules, claims, status):
    serve(claims=rules)
    assert call_view(**claims).status_code == status


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({}, "claims is of type dict"),
        ("token_type", "claims is of type str"),
        ([("token_type", "access")], "claims is of type list"),
        ({"": "x"}, "a name that is empty"),
        ({7: "x"}, "a name that is 7"),
        ({"aud": "shop"}, "Use audience= instead"),
        ({"token_type": []}, "an empty list for 'token_type', so no token could match"),
        ({"token_type": None}, "a value for 'token_type' that is None"),
        ({"token_type": 1.5}, "a value for 'token_type' that is 1.5"),
        ({"token_type": b"access"}, "a value for 'token_type' that is of type bytes"),
        ({"token_type": {"a": 1}}, "a value for 'token_type' that is of type dict"),
        ({"token_type": ["access", None]}, "a value for 'token_type' that is None"),
        ({"tenant": 2**63}, "doesn't fit into 64 bits"),
    ],
    ids=str,
)
def test_claims_that_mean_nothing_are_errors_at_start(claims, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        JWTAuthentication(claims=claims)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subject_required": "no"}, "subject_required is of type str. It must be True or False"),
        ({"subject_required": None}, "subject_required is None. It must be True or False"),
        ({"typ": ""}, "typ is empty"),
        ({"typ": " "}, "typ is of type str. It must be a media type"),
        ({"typ": ["at+jwt"]}, "typ is of type list"),
        ({"user_id_claim": ""}, "user_id_claim is empty"),
        ({"required_claims": ["exp", ""]}, "required_claims"),
        ({"required_claims": [7]}, "required_claims"),
        *(
            ({"max_age": value}, "max_age is .* It must be a positive number")
            for value in (0, -1, True, "60", math.inf)
        ),
        ({"max_age": 1e300}, "max_age must be positive, and fit in 64 bits"),
        ({"max_age": 1e-300}, "max_age is zero"),
    ],
    ids=str,
)
def test_settings_that_mean_nothing_are_errors_at_start(options, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        JWTAuthentication(**options)


@pytest.mark.parametrize("claims", [{"sub": ...}, {"sub": ""}], ids=str)
def test_a_token_without_a_subject_identifies_no_one(claims):
    mount_view(protect(auth=[JWTAuthentication()], guards=[AllowAny()])(whoami))
    assert wsgi("get", "/view", bearer(**claims)).json() == {"user": None, "error": "subject_missing"}
    serve()
    assert wsgi("get", "/view", bearer(**claims)).status_code == 401
    serve(subject_required=False)
    response = wsgi("get", "/view", bearer(**claims))
    assert (response.status_code, response.json()) == (200, {"user": None, "error": None})


@pytest.mark.parametrize(("claims", "status"), [({"uid": 7}, 200), ({"uid": ""}, 401), ({"sub": "1"}, 401)], ids=str)
def test_the_claim_in_place_of_sub_is_required_as_sub_is(claims, status):
    serve(user_id_claim="uid")
    assert wsgi("get", "/view", bearer(**claims)).status_code == status
    serve(user_id_claim="uid", subject_required=False)
    assert wsgi("get", "/view", bearer(**claims)).status_code == 200


@pytest.mark.parametrize("max_age", [3600, timedelta(hours=1)], ids=str)
def test_a_token_is_accepted_up_to_its_largest_age(max_age):
    mount_view(protect(auth=[JWTAuthentication(max_age=max_age)], guards=[AllowAny()])(whoami))
    now = int(time.time())
    assert wsgi("get", "/view", bearer(sub="1", iat=now - 3000)).json()["error"] is None
    assert wsgi("get", "/view", bearer(sub="1", iat=now - 3600)).json() == {"user": None, "error": "token_too_old"}
    serve(max_age=max_age)
    response = wsgi("get", "/view", bearer(sub="1", iat=now - 3600))
    assert (response.status_code, response.json()["code"]) == (401, "token_expired")
    assert wsgi("get", "/view", bearer(sub="1", iat=now - 3000)).status_code == 200


@pytest.mark.parametrize(
    ("options", "claims", "reason", "claim"),
    [
        ({"audience": "shop"}, {}, "audience_missing", "aud"),
        ({"audience": "shop"}, {"aud": "other"}, "audience_mismatch", None),
        ({}, {"aud": "other"}, "audience_mismatch", None),
        ({"issuer": "me"}, {}, "issuer_missing", "iss"),
        ({"issuer": "me"}, {"iss": "you"}, "issuer_mismatch", None),
        ({"required_claims": ["exp", "tenant", "region"]}, {"tenant": 1}, "claim_missing", "region"),
        ({}, {"exp": ...}, "claim_missing", "exp"),
        ({"claims": {"a": 1, "b": 2}}, {"a": 1, "b": 1}, "claim_mismatch", "b"),
        ({"claims": {"a": 1, "b": 2}}, {"a": 1}, "claim_missing", "b"),
        ({}, {"token_use": "id"}, "not_access_token", "token_use"),
        ({"user_id_claim": "uid"}, {}, "subject_missing", "uid"),
        ({"max_age": 60}, {"iat": ...}, "claim_missing", "iat"),
        ({}, {"iat": "today"}, "claims_malformed", "iat"),
    ],
    ids=str,
)
def test_failed_claim_is_logged_but_not_sent(caplog, options, claims, reason, claim):
    serve(**options)
    with caplog.at_level(logging.INFO, "boltguard"):
        response = call_view(**claims)
    assert response.json() == {"detail": "The token is invalid.", "code": "invalid_token"}
    (record,) = (record for record in caplog.records if record.name == "boltguard")
    assert (record.reason, record.claim) == (reason, claim)
    assert record.getMessage().endswith(f"refused: {reason}{f': {claim}' if claim else ''} (401)")


def test_a_revoked_token_ends_the_search_for_a_caller():
    store = InMemoryRevocation()
    store.revoke("t")
    both = [JWTAuthentication(revocation_store=store), JWTAuthentication()]
    token = bearer(sub="1", jti="t")
    for guard, status, received in (
        (IsAuthenticated(), 401, {"detail": "The token was revoked.", "code": "token_revoked"}),
        (AllowAny(), 200, {"user": None, "error": "token_revoked"}),
        (AllowAny() | IsStaff(), 200, {"user": None, "error": "token_revoked"}),
    ):
        mount_view(protect(auth=both, guards=[guard])(whoami))
        response = wsgi("get", "/view", token)
        assert (response.status_code, response.json()) == (status, received)


@pytest.mark.parametrize(
    ("claims", "claim", "found"),
    [
        ({"scope": 7}, "scope", "a number"),
        ({"scp": {"a.b": True}}, "scp", "an object"),
        ({"permissions": True}, "permissions", "true or false"),
        ({"permissions": ["x", {"name": "a.b"}]}, "permissions", "a list with other values than strings"),
    ],
    ids=str,
)
def test_a_claim_that_grants_nothing_for_its_type_is_logged_once(caplog, claims, claim, found):
    serve(HasPermission("a.b"))
    for _ in range(3):
        assert call_view(**claims).status_code == 403
    (record,) = (record for record in caplog.records if record.levelname == "WARNING" and record.name == "boltguard")
    assert record.claim == claim
    assert f"the claim `{claim}` must be a string or a list of strings, not {found}" in record.getMessage()


def test_permissions_and_scopes_are_listed_as_they_are_granted():
    mount_view(
        protect(auth=[JWTAuthentication()])(lambda request: JsonResponse({"all": request.context["permissions"]}))
    )
    response = call_view(permissions="a b", scope=["b", "c d"], scp="e a")
    assert response.json() == {"all": ["a", "b", "c", "d", "e"]}


def test_the_label_shows_what_a_token_has_to_say():
    strict = JWTAuthentication(claims={"token_type": "access"}, scheme=["Bearer", "Token"], subject_required=False)
    assert strict.label == (
        "jwt(HS256, claims={'token_type': ['access']}, scheme=['Bearer', 'Token'], subject_required=False)"
    )
    assert JWTAuthentication(scheme="Bearer", subject_required=True).label == "jwt(HS256)"
