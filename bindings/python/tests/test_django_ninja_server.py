"""`BoltAuth` on real servers, for WSGI and ASGI: the bytes of a response are those of `protect`."""

import asyncio
import contextlib
import http.client
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from ninja import NinjaAPI

from boltguard import protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    DenyAll,
    HasPermission,
    IsAuthenticated,
    JWTAuthentication,
    ViaBackend,
)
from boltguard.ninja import BoltAuth

from support import bearer, mount

uvicorn = pytest.importorskip("uvicorn")

AUTH = [JWTAuthentication(), APIKeyAuthentication(api_keys={"a-key-of-the-tests-which-is-long"})]
GUARDS = {
    "any": [AllowAny()],
    "known": [IsAuthenticated()],
    "may": [HasPermission("blog.add")],
    "maynot": [HasPermission("blog.delete")],
    "none": [DenyAll()],
    "jwt": [ViaBackend("jwt")],
}
CREDENTIALS = {"absent": {}, "invalid": bearer(exp=1), "valid": bearer(sub="7", permissions=["blog.add"])}


def view(request):
    return HttpResponse(f"{request.context['user_id']}")


async def aview(request):
    return HttpResponse(f"{request.context['user_id']}")


@pytest.fixture
def site():
    """Each guard twice, with Ninja below `/api`, sync and async."""
    api, patterns = NinjaAPI(), []
    for name, guards in GUARDS.items():
        for prefix, handler in (("sync", view), ("async", aview)):
            api.get(f"/{prefix}/{name}", auth=BoltAuth(auth=AUTH, guards=guards))(handler)
            patterns.append(path(f"{prefix}/{name}", protect(auth=AUTH, guards=guards)(handler)))
    mount(path("api/", api.urls), *patterns)


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def wsgi_server():
    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def asgi_server():
    server = uvicorn.Server(uvicorn.Config(get_asgi_application(), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def response(port, url, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", url, headers=headers)
        found = connection.getresponse()
        sent = sorted((name.lower(), value) for name, value in found.getheaders() if name.lower() != "date")
        return found.status, sent, found.read()


@pytest.mark.parametrize("server", [wsgi_server, asgi_server])
def test_the_bytes_are_those_of_protect(site, server):
    statuses = []
    with server() as port:
        for prefix in ("sync", "async"):
            for guard in GUARDS:
                for sent in CREDENTIALS.values():
                    found = response(port, f"/api/{prefix}/{guard}", sent)
                    assert found == response(port, f"/{prefix}/{guard}", sent), (prefix, guard, sent)
                    statuses.append(found[0])
    #            any            known          may            maynot         none           jwt
    expected = [200, 200, 200, 401, 401, 200, 401, 401, 200, 401, 401, 403, 403, 403, 403, 401, 401, 200]
    assert statuses == expected * 2
