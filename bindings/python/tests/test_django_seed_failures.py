"""Faults of the documented system in earlier releases, none of which occur here."""

import asyncio
import json
import time

import pytest
from django.core.exceptions import ImproperlyConfigured

from boltguard import BoltAPI
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    DjangoORMRevocation,
    HasAllPermissions,
    HasAnyPermission,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    create_jwt_for_user,
)

from support import b64, bearer, call, claims_of, get, mount, token

jwt = pytest.importorskip("jwt")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: E402


def key_pair(key):
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def site(auth, guards=None):
    api = BoltAPI()

    @api.get("/x", auth=[auth], guards=guards or [IsAuthenticated()])
    async def x(request):
        return {"user_id": request.context["user_id"], "claims": request.context.get("auth_claims")}

    mount(api=api)


def status(**headers):
    return get("/x", **headers).status_code


# 0.6


def test_every_algorithm_of_the_list_is_used_and_not_only_the_first():
    site(JWTAuthentication("s" * 64, algorithms=["HS256", "HS512"]))
    for algorithm in ("HS256", "HS512"):
        text = jwt.encode({"sub": "1", "exp": time.time() + 60}, "s" * 64, algorithm=algorithm)
        assert status(**bearer(text)) == 200


def test_families_mix_each_with_its_own_key():
    private, public = key_pair(ec.generate_private_key(ec.SECP256R1()))
    site(JWTAuthentication(["s" * 64, public], algorithms=["HS256", "ES256"]))
    assert status(**bearer(jwt.encode({"sub": "1", "exp": time.time() + 60}, private, algorithm="ES256"))) == 200
    assert status(**bearer(jwt.encode({"sub": "1", "exp": time.time() + 60}, "s" * 64, algorithm="HS256"))) == 200
    assert status(**bearer(secret=public, sub="1")) == 401


@pytest.mark.parametrize("algorithm", ["ES512", "RS256", "PS256", "ES384"])
def test_a_public_keys_string_is_never_a_secret(algorithm):
    curves = {"ES512": ec.SECP521R1, "ES384": ec.SECP384R1}
    key = ec.generate_private_key(curves[algorithm]()) if algorithm in curves else rsa.generate_private_key(65537, 2048)
    private, public = key_pair(key)
    site(JWTAuthentication(public, algorithms=[algorithm]))
    assert status(**bearer(jwt.encode({"sub": "1", "exp": time.time() + 60}, private, algorithm=algorithm))) == 200
    assert status(**bearer(secret=public, sub="1")) == 401
    assert status(**bearer(secret=public, sub="1", header={"alg": algorithm})) == 401


def test_an_unknown_algorithm_does_not_become_another_one():
    with pytest.raises(ImproperlyConfigured, match="ES521"):
        JWTAuthentication("s" * 64, algorithms=["ES521"])


def test_a_missing_audience_or_issuer_does_not_pass():
    site(JWTAuthentication(audience="me", issuer="you"))
    assert status(**bearer(sub="1", aud="me", iss="you")) == 200
    assert status(**bearer(sub="1", aud="me")) == 401
    assert status(**bearer(sub="1", iss="you")) == 401
    site(JWTAuthentication())
    assert status(**bearer(sub="1", aud="somebody")) == 401, "for another service"


@pytest.mark.parametrize("guard", [HasAnyPermission, HasAllPermissions])
def test_a_list_of_permissions_does_not_open_the_route(guard):
    site(JWTAuthentication(), [guard(["a", "b"])])
    assert status() == 401
    assert status(**bearer(sub="1")) == 403
    assert status(**bearer(sub="1", permissions=["a", "b"])) == 200


def test_an_object_that_is_not_a_guard_is_not_ignored():
    class Custom:
        def has_permission(self, request):
            return False

    with pytest.raises(ImproperlyConfigured, match="not a guard"):
        site(JWTAuthentication(), [Custom()])


def test_no_claim_is_lost():
    site(JWTAuthentication(audience="me"))
    claims = {
        "sub": "1", "exp": int(time.time()) + 60, "jti": "j", "aud": ["me", "x"], "iss": "i", "nbf": 5, "iat": 4.5,
        "list": [1, [2, None]], "object": {"a": {"b": []}}, "null": None, "big": 2**80, "negative": -7,
        "text": "zażółć",
    }  # fmt: skip
    assert get("/x", **bearer(**claims)).json()["claims"] == claims


# 0.13


def test_logging_out_works_without_await():
    store = InMemoryRevocation()
    site(JWTAuthentication(revocation_store=store))
    headers = bearer(sub="1", jti="j")
    assert status(**headers) == 200

    async def handler():
        store.revoke("j")

    asyncio.run(handler())
    assert status(**headers) == 401


def test_model_path_is_a_known_argument():
    DjangoORMRevocation(model_path="people.models.OnlyId")


def test_minted_tokens_have_an_id_so_that_stores_admit_them(ada):
    site(JWTAuthentication(revocation_store=InMemoryRevocation()))
    assert status(**bearer(create_jwt_for_user(ada))) == 200
    assert claims_of(create_jwt_for_user(ada))["jti"]


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": time.time() + 86400.5},
        {"ver": "2.0"},
        {"amr": "pwd"},
        {"nbf": 1.5},
        {"is_staff": "yes"},
        {"sub": "x" * 500},
    ],
)
def test_claims_of_other_issuers_do_not_refuse_the_token(claims):
    site(JWTAuthentication())
    assert status(**bearer(**{"sub": "1", **claims})) == 200


def test_unknown_header_fields_pass_and_critical_ones_do_not():
    site(JWTAuthentication())
    assert status(**bearer(sub="1", header={"alg": "HS256", "typ": "JWT", "cat": 7, "x": {"y": []}})) == 200
    assert status(**bearer(sub="1", header={"alg": "HS256", "crit": ["exp"]})) == 401
    assert status(**bearer(sub="1", header={"alg": "HS256", "b64": False})) == 401


def test_the_scheme_is_needed_and_its_case_is_not():
    site(JWTAuthentication())
    text = token(sub="1")
    assert status(Authorization=text) == 401
    assert status(Authorization=f"Basic {text}") == 401
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert status(Authorization=f"{scheme} {text}") == 200
    site(JWTAuthentication(header="x-token"))
    assert status(X_Token=text) == status(X_Token=f"Bearer {text}") == 200


def test_an_api_key_is_never_shown():
    site(APIKeyAuthentication({"sk-secret-key"}))
    response = get("/x", X_API_Key="sk-secret-key")
    assert response.json()["user_id"].startswith("apikey:") and b"sk-secret" not in response.content


def test_one_string_is_not_a_set_of_keys():
    with pytest.raises(ImproperlyConfigured):
        APIKeyAuthentication(api_keys="k1")


def test_none_is_not_an_algorithm():
    site(JWTAuthentication())
    head, body, _ = token(sub="1").split(".")
    for name in ("none", "None", "NONE", ""):
        assert status(**bearer(".".join((b64(json.dumps({"alg": name}).encode()), body, "")))) == 401
    assert status(**bearer(f"{head}.{body}.")) == 401


def test_a_failed_credential_is_named_where_it_is_allowed():
    api = BoltAPI()

    @api.get("/x", auth=[JWTAuthentication()], guards=[AllowAny()])
    async def x(request):
        return {"error": request.context.get("auth_error"), "user_id": request.context["user_id"]}

    mount(api=api)
    assert call("get", "/x", bearer(sub="1", exp=1)).json() == {"error": "token_expired", "user_id": None}
    assert call("get", "/x").json() == {"error": None, "user_id": None}
