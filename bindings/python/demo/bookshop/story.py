"""The steps of a visitor of the page, performed automatically over HTTP."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

from bookshop import session_story
from bookshop.http import call, hold


def run(address: str) -> Iterator[str]:
    """Performs each step, and yields its description afterwards."""
    yield from _page(address)
    token = _login(address, "ada", "analytical engine")
    yield "ada logs in and gets a token"
    yield from _token(address, token)
    yield from _refusals(address, token)
    yield from _keys(address)
    yield from _permissions(address)
    yield from _logout(address, token)
    yield from session_story.run(address)


def _page(address: str) -> Iterator[str]:
    page = call(address, "GET", "/", expect=200).body.decode()
    hold("the page contains the name Boltguard", "Boltguard" in page)
    hold("the page loads nothing from other sites", not re.search(r"(src|href)=\"(https?:)?//", page))
    for name in ("page.css", "page.js", "sessions.js"):
        call(address, "GET", f"/{name}", expect=200)
    yield "the page is served, and loads nothing from other sites"
    call(address, "GET", "/api/public", expect=200)
    yield "public data is readable without a token"


def _login(address: str, name: str, password: str) -> str:
    wrong = {"username": name, "password": password + "?"}
    call(address, "POST", "/api/login", body=wrong, expect=401)
    response = call(address, "POST", "/api/login", body={"username": name, "password": password}, expect=200)
    return str(response.json["access_token"])


def _token(address: str, token: str) -> Iterator[str]:
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    hold("the token has an ID and an expiry", claims["jti"] and claims["exp"] > claims["iat"])
    me = call(address, "GET", "/api/me", token=token, expect=200).json
    hold("the account is that of ada", me["username"] == "ada" and str(me["id"]) == claims["sub"])
    yield "the token gives access to her account"
    context = call(address, "GET", "/api/context", token=token, expect=200).json
    hold("the context has every claim", context["auth_claims"] == claims and context["auth_backend"] == "jwt")
    yield "the context has every claim of the token"
    call(address, "GET", "/api/accounts", token=token, expect=200)
    yield "staff can list the accounts, in a sync handler"


def _refusals(address: str, token: str) -> Iterator[str]:
    refused = call(address, "GET", "/api/me", expect=401)
    hold("a challenge lists the schemes", str(refused.headers["WWW-Authenticate"]).startswith("Bearer"))
    yield "without a token the response is 401, with a challenge"
    head, body, signature = token.split(".")
    other = ("A" if signature[0] != "A" else "B") + signature[1:]
    refused = call(address, "GET", "/api/me", token=f"{head}.{body}.{other}", expect=401)
    hold("a forged token is invalid", 'error="invalid_token"' in str(refused.headers["WWW-Authenticate"]))
    yield "a token that was tampered with is refused"
    call(address, "PUT", "/api/me", token=token, expect=405)
    call(address, "POST", "/api/login", body={"username": "ada"}, expect=422)
    yield "a wrong method is 405, a bad body 422"


def _keys(address: str) -> Iterator[str]:
    book = {"title": "Notes"}
    call(address, "GET", "/api/books", key="demo-key-reader", expect=200)
    call(address, "POST", "/api/books", key="demo-key-reader", body=book, expect=403)
    call(address, "POST", "/api/books", key="demo-key-supplier", body=book, expect=201)
    call(address, "GET", "/api/books", key="demo-key-unknown", expect=401)
    context = call(address, "GET", "/api/context", key="demo-key-reader", expect=200)
    hold("the key is not shown", b"demo-key" not in context.body and context.json["auth_backend"] == "api_key")
    yield "an API key gives access according to its permissions, and is never shown"


def _permissions(address: str) -> Iterator[str]:
    token = _login(address, "grace", "nanoseconds")
    call(address, "GET", "/api/books", token=token, expect=200)
    refused = call(address, "POST", "/api/books", token=token, body={"title": "COBOL"}, expect=403)
    hold("the response contains a reason", "detail" in refused.json and "code" in refused.json)
    call(address, "GET", "/api/accounts", token=token, expect=403)
    yield "grace is allowed to read, but not to add, and isn't staff: 403"


def _logout(address: str, token: str) -> Iterator[str]:
    call(address, "POST", "/api/logout", token=token, expect=200)
    refused = call(address, "GET", "/api/me", token=token, expect=401)
    hold("the refusal mentions the revocation", "revoked" in refused.body.decode())
    yield "ada logs out, and the same token is refused: it is revoked"
