"""The steps of two browsers with sessions in cookies, performed over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from http.cookies import SimpleCookie
from typing import Any

from bookshop.http import Response, call, hold

ADA = {"username": "ada", "password": "analytical engine"}
ACCESS, REFRESH = "__Host-access", "__Secure-refresh"


class Browser:
    """Keeps cookies, and sends the CSRF token with each change as the page does."""

    def __init__(self, address: str, name: str) -> None:
        self.address, self.name = address, name
        self.cookies: dict[str, tuple[str, str]] = {}
        self.send("GET", "/", expect=200)

    def send(self, method: str, path: str, *, expect: int, body: Any = None, **headers: str) -> Response:
        """A request with the cookies for its path. Names of headers have underscores."""
        cookies = {name: value for name, (value, scope) in self.cookies.items() if path.startswith(scope)}
        sent = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "User-Agent": self.name,
            "Origin": self.address,
            "X-CSRFToken": cookies.get("csrftoken", ""),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        response = call(self.address, method, path, expect=expect, body=body, headers=sent)
        self.keep(response)
        return response

    def keep(self, response: Response) -> None:
        """Obeys `Set-Cookie`."""
        for line in response.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = (morsel.value, morsel["path"])

    def tab(self) -> Browser:
        """A browser with the same cookies, which doesn't see those that this one receives from now on."""
        tab = copy(self)
        tab.cookies = dict(self.cookies)
        return tab

    def devices(self) -> list[Any]:
        sessions: list[Any] = self.send("GET", "/auth/sessions", expect=200).json["sessions"]
        return sessions


def run(address: str) -> Iterator[str]:
    """Performs each step, and yields its description afterwards."""
    laptop = Browser(address, "laptop")
    yield from _login(laptop)
    yield from _forged(laptop)
    yield from _tabs(laptop)
    yield from _devices(laptop, Browser(address, "phone"))


def _login(laptop: Browser) -> Iterator[str]:
    laptop.send("POST", "/auth/token", body={**ADA, "password": "?"}, expect=401)
    response = laptop.send("POST", "/auth/token", body=ADA, expect=200)
    set_cookies = [line for line in response.headers.get_all("Set-Cookie") if line.startswith("__")]
    hold("the tokens are in two cookies", len(set_cookies) == 2 and list(response.json) == ["expires_in"])
    for line in set_cookies:
        hold("scripts can't read the cookies", all(word in line for word in ("HttpOnly", "Secure", "SameSite=Lax")))
    laptop.send("POST", "/basket/", body={"title": "Notes"}, expect=201)
    hold("the basket has the book", laptop.send("GET", "/basket/", expect=200).json["titles"] == ["Notes"])
    yield "ada logs in with a browser, which keeps the tokens in cookies"


def _forged(laptop: Browser) -> Iterator[str]:
    book, other = {"title": "Forged"}, "http://127.0.0.1:1"
    for path, body in (("/basket/", book), ("/auth/token", ADA), ("/auth/token/refresh", None), ("/auth/logout", None)):
        for headers in ({"Origin": other}, {"Sec_Fetch_Site": "cross-site"}, {"X_CSRFToken": "x" * 32}):
            refused = laptop.send("POST", path, body=body, expect=403, **headers)
            hold("the code is csrf_failed", refused.json["code"] == "csrf_failed")
    hold("the basket is unchanged", laptop.send("GET", "/basket/", expect=200).json["titles"] == ["Notes"])
    yield "requests of other sites are refused, although browsers add the cookies: 403"


def _tabs(laptop: Browser) -> Iterator[str]:
    before, tabs = laptop.cookies[REFRESH], [laptop.tab() for _ in range(4)]
    with ThreadPoolExecutor(len(tabs)) as threads:
        list(threads.map(lambda tab: tab.send("POST", "/auth/token/refresh", expect=200), tabs))
    first, *others = ([tab.cookies[name] for name in (ACCESS, REFRESH)] for tab in tabs)
    hold("all tabs got the same tokens", all(other == first for other in others) and before not in first)
    laptop.cookies = tabs[0].cookies
    laptop.send("GET", "/basket/", expect=200)
    yield "four tabs refresh at once, get the same tokens, and stay logged in"


def _devices(laptop: Browser, phone: Browser) -> Iterator[str]:
    phone.send("POST", "/auth/token", body=ADA, expect=200)
    ids = {device["user_agent"]: device["id"] for device in laptop.devices() if not device["current"]}
    hold("the laptop sees the phone", ids.keys() == {"phone"} and len(laptop.devices()) == 2)
    laptop.send("DELETE", f"/auth/sessions/{ids['phone']}", expect=204)
    refused = phone.send("GET", "/basket/", expect=401)
    hold("the access token is revoked, too", refused.json["code"] == "token_revoked")
    refused = phone.send("POST", "/auth/token/refresh", expect=401)
    hold("the session has ended", refused.json["code"] == "session_ended")
    yield "ada ends the session of her phone, whose tokens are refused at once"
    phone.send("POST", "/auth/token", body=ADA, expect=200)
    laptop.send("POST", "/auth/logout/all", expect=204)
    hold("the browser forgets the tokens", not laptop.cookies.keys() & {ACCESS, REFRESH})
    phone.send("GET", "/basket/", expect=401)
    phone.send("POST", "/auth/token/refresh", expect=401)
    yield "ada logs out everywhere: laptop and phone"
