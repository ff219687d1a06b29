"""Requests through Django, called in this process: at the view, over WSGI and over ASGI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from timeit import Timer
from typing import Any

import bench_site
from contest import SECONDS, Contest
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.test import override_settings
from django.urls import path

# What Django's `startproject` writes into the settings of a new site.
STARTPROJECT = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
OWN_MIDDLEWARE = ["boltguard.middleware.BoltguardMiddleware"]
PYJWT_MIDDLEWARE = ["bench_site.PyJWTMiddleware"]


def plans() -> Iterator[tuple[str, Callable[[], Contest]]]:
    bench_site.configure()
    yield "python/view", at_the_view
    yield "python/drf", at_the_drf_view
    yield "python/wsgi", over_wsgi
    yield "python/wsgi, no middleware", over_wsgi_alone
    yield "python/asgi", over_asgi


def at_the_view() -> Contest:
    """What the decorator adds to a view."""
    request = WSGIRequest(environment("/"))
    views = {
        "plain view": bench_site.plain,
        "boltguard protect": bench_site.protected(bench_site.plain),
        "plain view, async": driven(bench_site.aplain),
        "boltguard protect, async": driven(bench_site.protected(bench_site.aplain)),
    }
    contest = Contest("python/view")
    for name, view in views.items():
        assert view(request).status_code == 200, name
        contest.add(name, "view(request)", view=view, request=request)
    return contest


def driven(view: Any) -> Any:
    """An async view that waits for nothing, run without a loop."""

    def run(request: Any) -> Any:
        try:
            view(request).send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("it waited")

    return run


def at_the_drf_view() -> Contest:
    request = WSGIRequest(environment("/"))
    contest = Contest("python/drf")
    for name, view in bench_site.drf_views().items():
        assert view(request).status_code == 200, name
        contest.add(name, "view(request)", view=view, request=request)
    return contest


def over_wsgi() -> Contest:
    """Requests of a site as `startproject` makes it."""
    contest = Contest("python/wsgi")
    bolt, ninja = path("", bench_site.bolt_api().urls), path("", bench_site.ninja_api().urls)
    for name, route, place, middleware in [
        *pages(),
        ("BoltAPI, open", bolt, "/open", []),
        ("BoltAPI, guarded", bolt, "/guarded", []),
        *((name, path("page", view), "/page", []) for name, view in bench_site.drf_views().items()),
        ("ninja", ninja, "/open", []),
        ("ninja-jwt, stateless", ninja, "/stateless", []),
        ("ninja-jwt", ninja, "/user", []),
    ]:
        contest.timed(name, wsgi_requests(route, place, STARTPROJECT + middleware))
    return contest


def over_wsgi_alone() -> Contest:
    """Requests of a site without any middleware but the one that is measured."""
    contest = Contest("python/wsgi, no middleware")
    for name, route, place, middleware in pages():
        contest.timed(name, wsgi_requests(route, place, middleware))
    return contest


def pages() -> list[tuple[str, Any, str, list[str]]]:
    """One plain view, without a guard and guarded: by name, route, path and middleware."""
    plain, guarded = path("page", bench_site.plain), path("page", bench_site.protected(bench_site.plain))
    return [
        ("plain view", plain, "/page", []),
        ("boltguard protect", guarded, "/page", []),
        ("boltguard middleware", plain, "/page", OWN_MIDDLEWARE),
        ("PyJWT middleware", plain, "/page", PYJWT_MIDDLEWARE),
    ]


def wsgi_requests(route: Any, place: str, middleware: list[str]) -> SECONDS:
    url_conf = bench_site.url_conf(route)
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=url_conf):
        handler = WSGIHandler()
    prepared = environment(place)
    statuses: list[str] = []

    def start_response(status: str, headers: Any, info: Any = None) -> None:
        statuses[:] = [status]

    def request() -> None:
        response = handler({**prepared, "wsgi.input": BytesIO()}, start_response)
        for _ in response:
            pass
        response.close()

    timer = Timer(request)

    def run(times: int) -> float:
        settings.ROOT_URLCONF = url_conf
        return timer.timeit(times)

    run(1)
    assert statuses[0].startswith("200"), (place, statuses)
    return run


def environment(place: str) -> dict[str, Any]:
    """What a WSGI server gives, PEP 3333."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": place,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "application/json",
        "HTTP_USER_AGENT": "bench",
        "HTTP_AUTHORIZATION": bench_site.AUTHORIZATION,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def over_asgi() -> Contest:
    contest, loop = Contest("python/asgi"), asyncio.new_event_loop()
    bolt, ninja = path("", bench_site.bolt_api().urls), path("", bench_site.ninja_api().urls)
    plain = path("page", bench_site.aplain)
    for name, route, place, middleware in [
        ("plain view", plain, "/page", []),
        ("boltguard protect", path("page", bench_site.protected(bench_site.aplain)), "/page", []),
        ("boltguard middleware", plain, "/page", OWN_MIDDLEWARE),
        ("BoltAPI, open", bolt, "/async", []),
        ("BoltAPI, guarded", bolt, "/async/guarded", []),
        ("PyJWT middleware", plain, "/page", PYJWT_MIDDLEWARE),
        # DRF has no async views: Django calls them in a thread.
        *((name, path("page", view), "/page", []) for name, view in bench_site.drf_views().items()),
        ("ninja", ninja, "/async/open", []),
        ("ninja-jwt, stateless", ninja, "/async/stateless", []),
        ("ninja-jwt", ninja, "/async/user", []),
    ]:
        contest.timed(name, asgi_requests(loop, route, place, middleware))
    return contest


def asgi_requests(loop: asyncio.AbstractEventLoop, route: Any, place: str, middleware: list[str]) -> SECONDS:
    url_conf = bench_site.url_conf(route)
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=url_conf):
        handler = ASGIHandler()
    prepared = scope(place)
    statuses: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            statuses[:] = [message["status"]]

    async def request() -> None:
        messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            for message in messages:
                return message
            # A client that stays: the handler cancels this when it has answered.
            await loop.create_future()

        await handler(dict(prepared), receive, send)

    async def many(times: int) -> float:
        start = time.perf_counter()
        for _ in range(times):
            await request()
        return time.perf_counter() - start

    def run(times: int) -> float:
        settings.ROOT_URLCONF = url_conf
        return loop.run_until_complete(many(times))

    run(1)
    assert statuses == [200], (place, statuses)
    return run


def scope(place: str) -> dict[str, Any]:
    """What an ASGI server gives of a request."""
    headers = [
        (b"host", b"localhost"),
        (b"accept", b"application/json"),
        (b"user-agent", b"bench"),
        (b"authorization", bench_site.AUTHORIZATION.encode()),
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": place,
        "raw_path": place.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 80),
    }
