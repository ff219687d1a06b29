"""`boltguard.auth` in a project without Django."""

import ast

from boltguard import auth

from without_django import run

REQUIRES_DJANGO = {
    "APIKeyAuthentication", "APIKeyStore", "DjangoCacheRevocation", "DjangoORMRevocation", "acheck_object", "alogout",
    "check_object", "get_auth_context", "get_current_user", "logout", "ReplicatedRevocation",
}  # fmt: skip
NAMES = """
import importlib.util, sys
assert importlib.util.find_spec("django") is None and importlib.util.find_spec("asgiref") is None
from boltguard import auth

missing = {}
for name in auth.__all__:
    try:
        getattr(auth, name)
    except ImportError as error:
        missing[name] = str(error)
print(missing)
"""


def test_names_that_need_no_django_can_be_imported_without_it(tmp_path):
    missing = ast.literal_eval(run(tmp_path, NAMES))
    assert missing.keys() <= REQUIRES_DJANGO
    assert missing == {name: f"boltguard.auth.{name} requires Django, which isn't installed." for name in missing}


def test_every_public_name_is_an_attribute():
    assert set(auth.__all__) == set(auth._MODULES) and set(auth.__all__) <= set(dir(auth))
    assert all(getattr(auth, name).__module__.startswith("boltguard") for name in auth.__all__)


BACKEND = """
import asyncio
from boltguard import _rust, jwt
from boltguard.auth import Check, InMemoryRevocation, IsAuthenticated, JWTAuthentication, RevocationStore

backend = JWTAuthentication(secret="s" * 32, revocation_store=InMemoryRevocation(), on_store_error="allow")
gate = _rust.Gate([backend.rust], IsAuthenticated().rust)
token = jwt.encode({"sub": "7", "jti": "a", "exp": 4_000_000_000}, "s" * 32)
sent = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
print(gate.check(sent).user_id)
backend.revocation_store.revoke("a")
print(gate.check(sent).reason)

class Asynchronous(RevocationStore):
    async def arevoke(self, jti, ttl=None): ...
    async def ais_revoked(self, jti): return jti == "b"

class Synchronous(RevocationStore):
    def revoke(self, jti, ttl=None): ...
    def is_revoked(self, jti): return jti == "b"

print(Asynchronous().is_revoked("b"), asyncio.run(Synchronous().ais_revoked("b")))
Asynchronous().revoke("c", 5)
asyncio.run(Synchronous().arevoke("c", 5))
for invalid in (lambda: JWTAuthentication().rust, lambda: JWTAuthentication(secret="s" * 32, algorithms=["none"])):
    try:
        invalid()
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_tokens_and_stores_work_without_it(tmp_path):
    lines = run(tmp_path, BACKEND).splitlines()
    assert lines[:3] == ["7", "token_revoked", "True True"]
    assert lines[3] == "ImproperlyConfigured The setting SECRET_KEY can't be read, because Django isn't installed. " + (
        "Pass the value as an argument, such as secret=."
    )
    assert lines[4].startswith("ImproperlyConfigured JWTAuthentication(algorithms=['none'])")


ASGI = """
import asyncio
from boltguard import jwt
from boltguard.asgi import AuthMiddleware, CallerUser
from boltguard.auth import Check, InMemoryRevocation, IsAuthenticated, JWTAuthentication

store = InMemoryRevocation()
backend = JWTAuthentication(secret="s" * 32, revocation_store=store)
seen = []

async def app(scope, receive, send):
    user = scope["user"]
    seen.append((type(user) is CallerUser, user.is_authenticated, user.identity, scope["auth"].user_id))
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        seen.append((await receive())["code"])

async def main():
    guarded = AuthMiddleware(app, auth=[backend], guards=[Check(lambda one: True, name="a")], revocation_interval=0.01)
    token = jwt.encode({"sub": "7", "jti": "a", "exp": 4_000_000_000}, "s" * 32)
    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        await asyncio.sleep(60)

    await guarded(scope, receive, send)
    task = asyncio.ensure_future(guarded({**scope, "type": "websocket"}, receive, send))
    while not sent:
        await asyncio.sleep(0.001)
    store.revoke("a")
    await task
    await guarded(scope, receive, send)
    print(seen)
    print([message.get("code", message.get("status")) for message in sent])

asyncio.run(main())
"""


def test_the_asgi_middleware_works_without_it(tmp_path):
    seen, sent = map(ast.literal_eval, run(tmp_path, ASGI).splitlines()[:2])
    assert seen == [(True, True, "7", "7"), (True, True, "7", "7"), 4401]
    assert sent == [None, 4401, 401, None]
