"""The settings of `docs/identity-providers.md`, with tokens in the form of each provider.

The claims are those of the providers' documentation, in November 2026. The keys and the metadata have the providers'
URLs, but aren't fetched from there.
"""

import json
import re

import pytest
from django.http import JsonResponse

from boltguard import auth, jwt, protect
from boltguard.jwt import Key, remote
from boltguard.jwt.fetching import FetchedResponse
from provider import OPENID, rsa_pem

from issuer import FAR
from reference import REFERENCE
from support import call, mount_view

PAGE = (REFERENCE.parent / "identity-providers.md").read_text("utf-8")
# The code of each section but the first.
RECIPES = {
    heading: re.search(r"^```python\n(.*?)^```", text, re.M | re.S)[1]
    for heading, text in re.findall(r"^##+ (.+)\n((?:(?!##).*\n)*)", PAGE, re.M)
}
API, NOW = "https://api.example.com", 1_795_000_000
TENANT, OTHER = "4f1e6a0a-9d3c-4ad0-8d4f-2f0d3b7d7c11", "0b9f3c5e-58c6-4f0e-8a3f-9f0d6c1b2a34"
APP, CLIENT = "6e74172b-be56-4843-9ff4-e66a39bb12e3", "00001111-aaaa-2222-bbbb-3333cccc4444"


class Shape:
    """The tokens of a provider.

    `claims` are those of a token that the guard allows, `ungranted` changes that result in 403, and
    `wrong` changes that make the token invalid. `id_token` contains the claims of the ID token, if it isn't accepted.
    """

    def __init__(self, keys, header, claims, *, ungranted, wrong, id_token=None, subject=None, metadata=None):
        self.keys, self.header, self.claims = keys, {"alg": "RS256", "kid": "2026", **header}, claims
        self.ungranted, self.wrong, self.id_token = ungranted, wrong, id_token
        self.subject = subject or claims["sub"]
        self.metadata = claims["iss"] if metadata is None else metadata


AUTH0 = Shape(
    "https://shop.eu.auth0.com/.well-known/jwks.json",
    {"typ": "JWT"},
    {
        "iss": "https://shop.eu.auth0.com/",
        "sub": "auth0|6553da60a54af58e29493993",
        "aud": [API, "https://shop.eu.auth0.com/userinfo"],
        "iat": NOW,
        "scope": "openid profile email",
        "azp": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja",
        "permissions": ["read:orders"],
    },
    ungranted={"permissions": []},
    wrong={"aud": ["https://other.example.com", "https://shop.eu.auth0.com/userinfo"]},
    id_token={"aud": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja", "nonce": "n", "sid": "s", "email": "ada@example.org"},
)
KEYCLOAK = Shape(
    "https://id.example.com/realms/shop/protocol/openid-connect/certs",
    {"typ": "JWT"},
    {
        "iat": NOW,
        "auth_time": NOW,
        "jti": "onrtac:b390e0bc-292f-423d-9eb9-8eeced0b5272",
        "iss": "https://id.example.com/realms/shop",
        "aud": ["shop-api", "account"],
        "sub": "aefc221c-1402-41b4-8fb0-4be2eaa003f2",
        "typ": "Bearer",
        "azp": "shop-web",
        "sid": "93bf159e-c617-4436-9891-a0f0333e37d9",
        "acr": "1",
        "allowed-origins": ["https://shop.example.com"],
        "realm_access": {"roles": ["offline_access", "editor"]},
        "resource_access": {"account": {"roles": ["view-profile"]}},
        "scope": "openid email orders",
        "email_verified": True,
        "preferred_username": "ada",
    },
    ungranted={"realm_access": {"roles": ["offline_access"]}, "resource_access": {"account": {"roles": ["editor"]}}},
    wrong={"aud": "account"},
    id_token={"typ": "ID", "aud": ["shop-api"], "nonce": "n", "at_hash": "h"},
)
COGNITO = Shape(
    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE/.well-known/jwks.json",
    {"kid": "1234example="},
    {
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "device_key": "aaaa",
        "cognito:groups": ["editors"],
        "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE",
        "version": 2,
        "client_id": "1example23456789",
        "origin_jti": "o",
        "event_id": "e",
        "token_use": "access",
        "scope": "openid",
        "auth_time": NOW,
        "iat": NOW,
        "jti": "j",
        "username": "ada",
    },
    ungranted={"cognito:groups": ["readers"]},
    wrong={"client_id": "2example23456789"},
    id_token={"token_use": "id", "aud": "1example23456789", "client_id": ..., "email_verified": True},
)
ENTRA_CLAIMS = {
    "aud": APP,
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "iat": NOW,
    "nbf": NOW - 60,
    "aio": "opaque",
    "azp": CLIENT,
    "azpacr": "1",
    "name": "Ada",
    "oid": "11112222-bbbb-3333-cccc-4444dddd5555",
    "preferred_username": "ada@example.org",
    "rh": "opaque",
    "roles": ["Orders.Read"],
    "scp": "Orders.Access",
    "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "tid": TENANT,
    "uti": "opaque",
    "ver": "2.0",
}
ENTRA = Shape(
    "https://login.microsoftonline.com/common/discovery/v2.0/keys",
    {"typ": "JWT"},
    ENTRA_CLAIMS | {"nbf": 1_700_000_000},
    ungranted={"roles": ["Orders.List"]},
    wrong={"aud": "00000003-0000-0000-c000-000000000000"},
    id_token={"scp": ..., "azp": ..., "nonce": "n"},
)
ENTRA_TENANTS = Shape(
    ENTRA.keys,
    {"typ": "JWT"},
    ENTRA.claims,
    ungranted=ENTRA.ungranted,
    wrong={"tid": OTHER},
    id_token=ENTRA.id_token,
    metadata="",
)
OKTA = Shape(
    "https://shop.okta.com/oauth2/default/v1/keys",
    {},
    {
        "ver": 1,
        "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
        "iss": "https://shop.okta.com/oauth2/default",
        "aud": "api://default",
        "iat": NOW,
        "cid": "0oabucvyc38HLL1ef0h7",
        "uid": "00ub0oNGTSWTBKOLGLNR",
        "scp": ["openid", "orders"],
        "auth_time": NOW,
        "sub": "ada@example.org",
        "groups": ["Everyone", "editors"],
    },
    ungranted={"groups": ["Everyone"]},
    wrong={"aud": "https://shop.okta.com"},
    id_token={"jti": "ID.x", "aud": "0oabucvyc38HLL1ef0h7", "scp": ..., "amr": ["pwd"], "at_hash": "h"},
)
GOOGLE = Shape(
    "https://www.googleapis.com/oauth2/v3/certs",
    {"typ": "JWT"},
    {
        "iss": "https://accounts.google.com",
        "azp": "1234.apps.googleusercontent.com",
        "aud": "1234.apps.googleusercontent.com",
        "sub": "110169484474386276334",
        "hd": "example.com",
        "email": "ada@example.com",
        "email_verified": True,
        "at_hash": "h",
        "iat": NOW,
        "name": "Ada",
    },
    ungranted={"hd": ...},
    wrong={"aud": "5678.apps.googleusercontent.com"},
)
FIREBASE = Shape(
    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
    {"typ": "JWT"},
    {
        "iss": "https://securetoken.google.com/shop-project",
        "aud": "shop-project",
        "auth_time": NOW,
        "user_id": "FkQ2Zb1eUsXWyMzCDq0eNZC2hH43",
        "sub": "FkQ2Zb1eUsXWyMzCDq0eNZC2hH43",
        "iat": NOW,
        "email": "ada@example.org",
        "email_verified": True,
        "roles": ["editor"],
        "firebase": {"identities": {"email": ["ada@example.org"]}, "sign_in_provider": "password"},
    },
    ungranted={"roles": ...},
    wrong={"iss": "https://session.firebase.google.com/shop-project"},
)
CLERK = Shape(
    "https://clerk.example.com/.well-known/jwks.json",
    {"typ": "JWT", "cat": "cl_B7d4PD111AAA", "kid": "ins_2GIoQhbUpy0hX7B2cVkuTMinXoD"},
    {
        "azp": "https://shop.example.com",
        "fva": [7, -1],
        "iat": NOW,
        "iss": "https://clerk.example.com",
        "nbf": 1_700_000_000,
        "sid": "sess_123",
        "sts": "active",
        "sub": "user_123",
        "v": 2,
        "o": {"id": "org_123", "rol": "admin", "slg": "shop"},
    },
    ungranted=None,
    wrong={"azp": "https://evil.example"},
)
SUPABASE = Shape(
    "https://abcdefghijklmnopqrst.supabase.co/auth/v1/.well-known/jwks.json",
    {"typ": "JWT", "alg": "ES256"},
    {
        "iss": "https://abcdefghijklmnopqrst.supabase.co/auth/v1",
        "sub": "123e4567-e89b-12d3-a456-426614174000",
        "aud": "authenticated",
        "iat": NOW,
        "email": "ada@example.org",
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {},
        "role": "authenticated",
        "aal": "aal2",
        "amr": [{"method": "totp", "timestamp": NOW}],
        "session_id": "e5a3c7d1-1b7f-4d53-9a66-4b9f0f8ab111",
        "is_anonymous": False,
    },
    ungranted={"aal": "aal1"},
    wrong={"is_anonymous": True},
    metadata="",
)
GITHUB = Shape(
    "https://token.actions.githubusercontent.com/.well-known/jwks",
    {"typ": "JWT", "x5t": "example-thumbprint"},
    {
        "jti": "example-id",
        "sub": "repo:octo-org/octo-repo:ref:refs/heads/main",
        "aud": "https://shop.example.com",
        "ref": "refs/heads/main",
        "sha": "example-sha",
        "repository": "octo-org/octo-repo",
        "repository_owner": "octo-org",
        "actor_id": "12",
        "repository_visibility": "private",
        "repository_id": "74",
        "repository_owner_id": "65",
        "run_id": "example-run-id",
        "run_attempt": "2",
        "runner_environment": "github-hosted",
        "actor": "octocat",
        "event_name": "push",
        "ref_type": "branch",
        "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
        "iss": "https://token.actions.githubusercontent.com",
        "nbf": 1_700_000_000,
        "iat": NOW,
    },
    ungranted={"ref": "refs/heads/evil"},
    wrong={"repository_id": "75"},
)
SHAPES = {
    "Auth0": AUTH0,
    "Keycloak": KEYCLOAK,
    "Amazon Cognito": COGNITO,
    "Microsoft Entra ID": ENTRA,
    "Issuers with tenants": ENTRA_TENANTS,
    "Okta": OKTA,
    "Google": GOOGLE,
    "Firebase": FIREBASE,
    "Clerk": CLERK,
    "Supabase": SUPABASE,
    "GitHub Actions": GITHUB,
}


def test_each_section_has_a_test():
    assert list(RECIPES) == list(SHAPES)


@pytest.fixture(params=SHAPES)
def provider(request, monkeypatch):
    """Serves a view with the settings of the page, and returns the tokens and the requested URLs."""
    shape, requested = SHAPES[request.param], []
    key = signing_key(shape)
    documents = {shape.keys: jwt.KeySet([key.public_key()]).to_jwks()}
    if shape.metadata:
        url = shape.metadata.removesuffix("/") + OPENID
        documents[url] = {"issuer": shape.claims["iss"], "jwks_uri": shape.keys}

    def fetch(self, url=None):
        requested.append(url or self.url)
        return FetchedResponse(200, json.dumps(documents[requested[-1]]).encode(), None)

    monkeypatch.setattr(remote.RemoteKeySet, "fetch", fetch)
    names = {name: getattr(auth, name) for name in auth.__all__}
    exec(RECIPES[request.param], names)
    mount_view(protect(auth=[names["backend"]], guards=[names["guard"]])(whoami))
    yield shape
    assert sorted(requested) == sorted(documents)


def signing_key(shape):
    kid = shape.header["kid"]
    if shape.header["alg"] == "ES256":
        return KEYS.setdefault(kid, Key.generate("ES256", kid=kid))
    return Key.from_pem(rsa_pem(), kid=kid)


KEYS = {}


def whoami(request):
    user = request.user
    return JsonResponse({"subject": user.subject, "issuer": user.issuer, "claims": user.claims})


def response_to(shape, /, header=None, **changes):
    claims = {name: value for name, value in {"exp": FAR, **shape.claims, **changes}.items() if value is not ...}
    header = {**shape.header, **(header or {})}
    algorithm = header.pop("alg")
    token = jwt.encode(claims, signing_key(shape), algorithm=algorithm, headers=header)
    return call("get", "/view", {"Authorization": f"Bearer {token}"})


def test_a_token_is_accepted_with_its_claims(provider):
    response = response_to(provider)
    assert response.status_code == 200
    found = response.json()
    assert (found["subject"], found["issuer"]) == (provider.subject, provider.claims["iss"])
    assert found["claims"] == {**provider.claims, "exp": FAR}


def test_permissions_are_read(provider):
    assert response_to(provider).status_code == 200
    if provider.ungranted is not None:
        assert response_to(provider, **provider.ungranted).status_code == 403


def test_a_token_for_another_service_is_refused(provider):
    assert response_to(provider, **provider.wrong).status_code == 401


def test_an_id_token_is_refused(provider):
    # Where it is accepted, it is the token that applications send.
    changes = provider.id_token
    assert response_to(provider, **(changes or {})).status_code == (200 if changes is None else 401)


def test_a_token_of_another_issuer_is_refused(provider):
    for issuer in ("https://evil.example", f"{provider.claims['iss']}/x", ...):
        assert response_to(provider, iss=issuer).status_code == 401


def test_an_expired_token_is_refused(provider):
    assert response_to(provider, exp=NOW - 100_000_000).json()["code"] == "token_expired"
    assert response_to(provider, exp=...).status_code == 401


@pytest.mark.parametrize("provider", ["Auth0"], indirect=True)
def test_the_profile_of_rfc_9068_is_accepted(provider):
    changes = {"azp": ..., "client_id": provider.claims["azp"], "jti": "73WakrfVbNJBaAmhQtEeDv"}
    assert response_to(provider, {"typ": "at+jwt"}, **changes).status_code == 200


@pytest.mark.parametrize("provider", ["Issuers with tenants"], indirect=True)
def test_only_the_listed_tenants_of_entra_are_accepted(provider):
    def of_tenant(tenant):
        return {"tid": tenant, "iss": f"https://login.microsoftonline.com/{tenant}/v2.0"}

    assert [response_to(provider, **of_tenant(tenant)).status_code for tenant in (TENANT, OTHER, APP)] == [
        200,
        200,
        401,
    ]


@pytest.mark.parametrize("provider", ["Clerk"], indirect=True)
def test_a_pending_session_of_clerk_is_refused(provider):
    assert response_to(provider).status_code == 200
    assert response_to(provider, sts="pending").status_code == 401
