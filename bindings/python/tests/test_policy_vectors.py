"""The requests of the policy vectors, for which the Rust crate must make the same decisions."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.urls import path

from boltguard import jws, protect
from boltguard.auth import APIKeyAuthentication, Guard, JWTAuthentication, RevocationStore
from boltguard.jwt import Key, KeySet, RemoteKeySet
from boltguard.jwt.fetching import FetchedResponse, FetchError
from boltguard.routes.collect import collect
from boltguard.routes.policy import export

from support import asgi, mount, wsgi

CRATES = Path(__file__).parents[3] / "crates"
VECTORS = json.loads((CRATES / "boltguard/tests/vectors/policy.json").read_text("utf-8"))
DECIDED = ("www-authenticate", "retry-after", "cache-control", "vary")


class Revoked(RevocationStore):
    is_available = True

    def revoke(self, jti, ttl=None):
        raise NotImplementedError

    def is_revoked(self, jti):
        if not self.is_available:
            raise ConnectionError
        return jti in VECTORS["revoked"]


STORE = Revoked()


def pem(name, kind):
    return (CRATES / f"boltguard-testing/keys/{VECTORS['key_pairs'][name]}.{kind}.pem").read_text("utf-8")


def key(name, kind):
    return VECTORS["secrets"].get(name) or pem(name, kind)


class Issuer:
    """Responds in place of all issuers of the document."""

    is_available = True

    @classmethod
    def fetch(cls, keys):
        if not cls.is_available:
            raise FetchError("connection")
        names = VECTORS["published"][keys.url]
        published = KeySet([Key.from_pem(pem(name, "public"), kid=name) for name in names])
        return FetchedResponse(200, json.dumps(published.to_jwks()).encode(), None)


def backend(settings):
    """The backend of Python with these settings of the document."""
    settings = dict(settings)
    if settings.pop("type") == "api_key":
        permissions = VECTORS["api_keys"]
        return APIKeyAuthentication(api_keys=set(permissions), key_permissions=permissions, **settings)
    references = settings.pop("keys")
    if "jwks" in references[0]:
        secret = RemoteKeySet(references[0]["jwks"])
    else:
        secret = [key(reference["env"], "public") for reference in references]
    options = {"secret": secret, "scheme": settings.pop("schemes", "Bearer")}
    if cookie := settings.pop("cookie", None):
        options |= {"cookie": cookie["name"]} | ({"header": None} if cookie.get("only") else {})
    if settings.pop("revocation", None):
        options["revocation_store"] = STORE
    return JWTAuthentication(**options, **settings)


def signed(token):
    now = int(time.time())
    claims = token["claims"] | {name: now + offset for name, offset in token["times"].items()}
    headers = {"typ": "JWT"} | token.get("header", {})
    payload = json.dumps(claims).encode()
    return jws.sign(payload, key(token["key"], "private"), token["algorithm"], headers)


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(RemoteKeySet, "fetch", lambda keys, url=None: Issuer.fetch(keys))
    document = VECTORS["document"]
    backends = {name: backend(settings) for name, settings in document["backends"].items()}

    def view(request):
        return HttpResponse()

    def guarded(route):
        auth = [backends[name] for name in route["backends"]]
        return path(route["name"], protect(auth=auth, guards=[Guard.parse(route["guard"])])(view))

    mount(*map(guarded, document["routes"]))
    STORE.is_available = Issuer.is_available = True


def found(response):
    """The members of `expect` in a response."""
    code = {} if response.status_code == 200 else {"code": json.loads(response.content)["code"]}
    headers = {name: response.headers[name] for name in DECIDED if name in response.headers}
    return {"status": response.status_code, **code, **headers}


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_response_is_that_of_the_vector(case, site):
    token = signed(case["token"]) if "token" in case else ""
    headers = {name: value.replace("{token}", token) for name, value in case["headers"].items()}
    STORE.is_available = case.get("store") != "unavailable"
    Issuer.is_available = case.get("issuer") != "unavailable"
    request = (case["method"].lower(), f"/{case['route']}", headers)
    assert found(wsgi(*request)) == case["expect"]
    # The asynchronous test client adds its own cookie header.
    if "cookie" not in headers:
        assert found(asyncio.run(asgi(*request))) == case["expect"]


def without_keys(settings):
    """The settings with their default name, and without the names of the variables of the keys."""
    keys = {"keys": len(settings["keys"])} if "keys" in settings else {}
    return {"name": settings["type"], **settings, **keys}


def test_the_exported_document_is_that_of_the_vectors(site):
    given, found = VECTORS["document"], export(collect()).document
    routes = {route["name"]: route for route in given["routes"]}
    assert len(found["routes"]) == len(routes)
    for route in found["routes"]:
        expected = routes[route["path"].removeprefix("/")]
        assert Guard.parse(route["guard"]).is_equivalent(Guard.parse(expected["guard"]))
        backends = [without_keys(found["backends"][name]) for name in route["backends"]]
        assert backends == [without_keys(given["backends"][name]) for name in expected["backends"]]
