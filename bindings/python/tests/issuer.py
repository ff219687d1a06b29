"""An issuer on this machine: a server that publishes keys, or responds as a test specifies."""

import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

from boltguard import jwt
from boltguard.jwt import Key, KeySet

FAR = 4102444800


class Issuer:
    """Responds with the JWK Set of `published`, or calls `respond` with the handler and the number of the request."""

    def __init__(self, *kids):
        self.keys = {}
        self.published = None
        self.respond = None
        self.requests = []
        self.publish(*kids)

    def publish(self, *kids):
        """Publishes keys with these names, each of which is generated once."""
        for kid in kids:
            self.keys.setdefault(kid, Key.generate("ES256", kid=kid))
        self.published = KeySet([self.keys[kid].public_key() for kid in kids]).to_jwks() if kids else {"keys": []}

    def hold(self):
        """Delays the response until the second of these events is set. The first one is set by the request."""
        requested, go_on = threading.Event(), threading.Event()

        def respond(handler, _):
            requested.set()
            go_on.wait()
            reply(handler, 200, json.dumps(self.published).encode())

        self.respond = respond
        return requested, go_on

    def token(self, kid, key=None, **claims):
        return jwt.encode(
            {"sub": "42", "exp": FAR, **claims}, key or self.keys[kid], algorithm="ES256", headers={"kid": kid}
        )

    def bearer(self, kid, **claims):
        return {"Authorization": f"Bearer {self.token(kid, **claims)}"}


@contextmanager
def serving(issuer, ssl_context=None):
    """Serves the issuer on a free port, and yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            issuer.requests.append(dict(self.headers))
            if issuer.respond is None:
                reply(self, 200, json.dumps(issuer.published).encode())
            else:
                issuer.respond(self, len(issuer.requests))

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass  # a client that has disconnected

    server = Server(("127.0.0.1", 0), Handler)
    if ssl_context is not None:
        server.socket = ssl_context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    # The machine's proxy settings don't apply to local servers.
    direct = mock.patch.dict(os.environ, {"no_proxy": "localhost,127.0.0.1,127.0.0.2"})
    try:
        direct.start()
        scheme = "http" if ssl_context is None else "https"
        yield f"{scheme}://localhost:{server.server_address[1]}/jwks.json"
    finally:
        direct.stop()
        server.shutdown()
        thread.join()
        server.server_close()


def reply(handler, status, body=b"", **headers):
    """Sends a complete response."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def hang(handler, *_):
    """Sends nothing until the client has disconnected."""
    while handler.rfile.read(1):
        pass


def drip(handler, *_):
    """Sends single bytes, each before the read timeout."""
    handler.send_response(200)
    handler.end_headers()
    gone = threading.Event()
    while not gone.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()
