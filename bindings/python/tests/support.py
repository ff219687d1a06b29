"""Helpers of the Django tests: tokens created without Boltguard, a site for views, calls through both handlers, stores
as users write them, and the staff of the admin."""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time

from django.test import AsyncClient, Client
from django.urls import clear_url_caches, path

from boltguard.auth import RevocationStore

from conftest import SECRET


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret=SECRET, header=None, **claims):
    """A token signed with HS256. It is valid for two hours unless the claims set `exp`."""
    claims = {"exp": int(time.time()) + 7200, **claims}
    head = b64(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode())
    body = b64(json.dumps({name: value for name, value in claims.items() if value is not ...}).encode())
    mac = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{b64(mac)}"


def claims_of(text):
    part = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def bearer(text=None, /, **claims):
    return {"Authorization": f"Bearer {token(**claims) if text is None else text}"}


def mount(*patterns, api=None):
    """Serves these URL patterns, or an api at the root, from now on."""
    sys.modules["site_urls"].urlpatterns = [*patterns, *([path("", api.urls)] if api else [])]
    clear_url_caches()


def mount_view(view):
    mount(path("view", view))


def wsgi(method, url, headers=None, body=None, **options):
    client = options.pop("client", None) or Client(raise_request_exception=False)
    return getattr(client, method)(url, headers=headers or {}, **_content(body), **options)


async def asgi(method, url, headers=None, body=None):
    client = AsyncClient(raise_request_exception=False)
    return await getattr(client, method)(url, headers=headers or {}, **_content(body))


def call(method, url, headers=None, body=None):
    """One request through the WSGI and the ASGI handler, which must agree."""
    sync = wsgi(method, url, headers, body)
    other = asyncio.run(asgi(method, url, headers, body))
    assert (sync.status_code, sync.content) == (other.status_code, other.content)
    return sync


def get(url="/view", **headers):
    return call("get", url, {name.replace("_", "-"): value for name, value in headers.items()})


def _content(body):
    if body is None:
        return {}
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return {"data": data, "content_type": "application/json"}


def assert_helpful(message):
    """Asserts that the message of a system check is a sentence, with a remedy and an object."""
    for text in (message.msg, message.hint):
        assert text and text[0] != " " and text.endswith((".", "?")), message
    assert message.obj is not None and " object at 0x" not in str(message.obj), message


class SingleTokens(RevocationStore):
    """A store without levels. `revoked` has the lifetimes of the entries."""

    def __init__(self):
        self.revoked = {}

    def revoke(self, jti, ttl=None):
        self.revoked[jti] = ttl

    def is_revoked(self, jti):
        return jti in self.revoked


class AsyncSingleTokens(SingleTokens):
    """The same with async methods."""

    async def revoke(self, jti, ttl=None):
        self.revoked[jti] = ttl

    async def is_revoked(self, jti):
        return jti in self.revoked


class Levels(SingleTokens):
    """A store that records the arguments of levels."""

    def __init__(self):
        super().__init__()
        self.levels = []

    def revoke_level(self, level, before, ttl=None):
        self.levels.append((level.kind, level.value, level.subject_issuer, ttl))

    def check(self, query):
        return self.is_revoked(query.token_id)


class AsyncLevels(Levels):
    """The same with async methods."""

    async def revoke_level(self, level, before, ttl=None):
        self.levels.append((level.kind, level.value, level.subject_issuer, ttl))


class Unavailable(Levels):
    """A store that fails."""

    def revoke(self, jti, ttl=None):
        raise ConnectionError("the server is gone")

    def is_revoked(self, jti):
        raise ConnectionError("the server is gone")

    def revoke_level(self, level, before, ttl=None):
        raise ConnectionError("the server is gone")


def staff(name, *permissions, **fields):
    """A member of the staff with these permissions, and a client that is logged in as them."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Permission

    user = get_user_model().objects.create_user(name, is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return user, client


def messages_of(response):
    """The messages that a page of the admin shows."""
    from django.contrib.messages import get_messages

    return [str(message) for message in get_messages(response.wsgi_request)]
