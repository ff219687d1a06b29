"""Requests to Django in the same process: to a view, with WSGI and with ASGI."""

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

# The default middleware of `startproject`.
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
    """Measure the cost of the decorator."""
    request = WSGIRequest(environment("/"))
    views = {
        "plain view": bench_site.plain,
        "boltguard protect": bench_site.protected(bench_site.plain),
        "plain view, async": run_async(bench_site.aplain),
        "boltguard protect, async": run_async(bench_site.protected(bench_site.aplain)),
    }
    contest = Contest("python/view")
    for name, view in views.items():
        assert view(request).status_code == 200, name
        contest.add(name, "view(request)", view=view, request=request)
    return contest


def run_async(view: Any) -> Any:
    """Wrap an async view that never awaits, so that it runs without an event loop."""

    def run(request: Any) -> Any:
        try:
            view(request).send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("the view awaited")

    return run


def at_the_drf_view() -> Contest:
    request = WSGIRequest(environment("/"))
    contest = Contest("python/drf")
    for name, view in bench_site.drf_views().items():
        assert view(request).status_code == 200, name
        contest.add(name, "view(request)", view=view, request=request)
    return contest


def over_wsgi() -> Contest:
    """Measure requests to a site with the default middleware."""
    contest = Contest("python/wsgi")
    bolt, ninja = path("", bench_site.bolt_api().urls), path("", bench_site.ninja_api().urls)
    for name, route, url, middleware in [
        *pages(),
        ("BoltAPI, open", bolt, "/open", []),
        ("BoltAPI, guarded", bolt, "/guarded", []),
        *((name, path("page", view), "/page", []) for name, view in bench_site.drf_views().items()),
        ("ninja", ninja, "/open", []),
        ("ninja-jwt, stateless", ninja, "/stateless", []),
        ("ninja-jwt", ninja, "/user", []),
    ]:
        contest.timed(name, wsgi_requests(route, url, STARTPROJECT + middleware))
    return contest


def over_wsgi_alone() -> Contest:
    """Measure requests to a site with at most the measured middleware."""
    contest = Contest("python/wsgi, no middleware")
    for name, route, url, middleware in pages():
        contest.timed(name, wsgi_requests(route, url, middleware))
    return contest


def pages() -> list[tuple[str, Any, str, list[str]]]:
    """Return the variants of a view: name, route, path and middleware."""
    plain, guarded = path("page", bench_site.plain), path("page", bench_site.protected(bench_site.plain))
    return [
        ("plain view", plain, "/page", []),
        ("boltguard protect", guarded, "/page", []),
        ("boltguard middleware", plain, "/page", OWN_MIDDLEWARE),
        ("PyJWT middleware", plain, "/page", PYJWT_MIDDLEWARE),
    ]


def wsgi_requests(route: Any, url: str, middleware: list[str]) -> SECONDS:
    url_conf = bench_site.url_conf(route)
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=url_conf):
        handler = WSGIHandler()
    prepared = environment(url)
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
    assert statuses[0].startswith("200"), (url, statuses)
    return run


def environment(url: str) -> dict[str, Any]:
    """Return the environment of a request, PEP 3333."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": url,
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
    for name, route, url, middleware in [
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
        contest.timed(name, asgi_requests(loop, route, url, middleware))
    return contest


def asgi_requests(loop: asyncio.AbstractEventLoop, route: Any, url: str, middleware: list[str]) -> SECONDS:
    url_conf = bench_site.url_conf(route)
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=url_conf):
        handler = ASGIHandler()
    prepared = scope(url)
    statuses: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            statuses[:] = [message["status"]]

    async def request() -> None:
        messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            for message in messages:
                return message
            # The client stays connected. The handler cancels this after the response.
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
    assert statuses == [200], (url, statuses)
    return run


def scope(url: str) -> dict[str, Any]:
    """Return the scope of a request."""
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
        "path": url,
        "raw_path": url.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 80),
    }
