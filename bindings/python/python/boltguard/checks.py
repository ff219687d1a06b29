"""System checks, run by `manage.py check` and at start.

| id | what is wrong |
| --- | --- |
| boltguard.E001 | a setting of Boltguard can't be used |
| boltguard.W002 | a setting that looks like one of Boltguard's and doesn't exist |
| boltguard.W003 | no default guards: the views that name none are open |
| boltguard.E004 | `BoltguardMiddleware` stands before `AuthenticationMiddleware`, which sets its user aside |
| boltguard.E005 | Django's cache middleware is after `BoltguardMiddleware`: it would store responses unsealed |
| boltguard.E006 | `user_field` of a backend names no unique field of the user model |
| boltguard.W101, E101 | an HMAC secret is shorter than its hash (E101 with `--deploy`) |
| boltguard.E102 | there is no `SECRET_KEY` for the backends that rely on it |
| boltguard.W103 | an API key is short enough to be guessed |
| boltguard.W104 | a `RemoteKeySet` without `issuer` and `audience`: all tokens of the issuer are taken |
| boltguard.W105 | Django's error reports show the header of a backend |
| boltguard.W201 | an in-memory store with `DEBUG = False`: each process has its own |
| boltguard.E202, W202 | a cache that can't hold revocations (E202: none, or it can't tell when it fails) |
| boltguard.E203, W203 | the model of an ORM store is not there, or its `jti` is too short (W203: has no index) |
| boltguard.E301 | a guard asks for a backend that its view has not got |
| boltguard.E302 | a default guard has an async check, and a view is sync |
| boltguard.E401 | a view of DRF lists a backend or a guard of ours as it is, or a permission without a guard |
| boltguard.W402 | a view of DRF has a guard, and no `BoltguardAuthentication` to say who is calling |

The hundreds tell the area: settings (0), secrets (1), revocation stores (2), views (3), Django REST framework (4), and
stored API keys (5), which are in `boltguard.api_keys.checks`. An id that was released is never given to another check.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import router
from django.http import HttpRequest
from django.middleware.cache import UpdateCacheMiddleware
from django.urls import get_resolver
from django.utils.module_loading import import_string

from boltguard import conf, registry
from boltguard.auth.api_key_backend import APIKeyAuthentication
from boltguard.auth.backends import Authentication, check_backends
from boltguard.auth.guards import check_guards
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.revocation import DjangoCacheRevocation, DjangoORMRevocation, InMemoryRevocation, RevocationStore
from boltguard.gate.gate import Gatekeeper
from boltguard.middleware import BoltguardMiddleware, middleware_classes
from boltguard.misspelt import misspelt
from boltguard.routes.collect import callbacks

Message = checks.CheckMessage
Backend = TypeVar("Backend", bound=Authentication)


def register() -> None:
    """Called once, when Django's applications are ready."""
    of_objects = (check_settings, check_names, check_secrets, check_issuers, check_accounts, check_stores)
    for check in (*of_objects, check_api_keys, check_views, check_drf_views, check_headers, check_middleware):
        checks.register(check, checks.Tags.security)
    checks.register(check_secrets_deployed, checks.Tags.security, deploy=True)


def check_settings(app_configs: Any, **kwargs: Any) -> list[Message]:
    """The defaults of all views."""
    current = conf.current()
    try:
        _read_defaults(current)
        current.api_key_format  # noqa: B018  # reads the prefix
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="boltguard.E001")]
    if current.names_guards or not _any_view_relies_on_defaults():
        return []
    hint = f"Set {conf.PERMISSIONS} = [IsAuthenticated()], or [AllowAny()] if that is what you want."
    message = f"{conf.PERMISSIONS} is not set: all views that name no guards are publicly accessible."
    return [checks.Warning(message, hint, id="boltguard.W003")]


def check_names(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether a setting is misspelt, so that it has no effect."""
    return [checks.Warning(_says_unknown(*found), id="boltguard.W002") for found in misspelt(dir(settings))]


def _says_unknown(name: str, meant: str | None) -> str:
    known = ", ".join(conf.ALIASES)
    remedy = f"Did you mean {meant}?" if meant else f"Boltguard's settings are {known}."
    return f"The setting {name} does not exist, so it has no effect. {remedy}"


def _any_view_relies_on_defaults() -> bool:
    _import_views()
    return any(keeper.has_default_guards for keeper in registry.instances(Gatekeeper))


def _import_views() -> None:
    with suppress(Exception):  # what is wrong with the URLs, Django's own checks say
        get_resolver().url_patterns  # noqa: B018


def check_secrets(app_configs: Any, **kwargs: Any) -> list[Message]:
    """The secrets of all backends."""
    try:
        weak = list(_weak_secrets())
        if _backends(APIKeyAuthentication):
            conf.current().api_key_secrets  # noqa: B018  # derives them from the secret key
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), "Set SECRET_KEY, or give the backends a secret.", id="boltguard.E102")]
    return [checks.Warning(message, hint, id="boltguard.W101") for message, hint in weak]


def check_secrets_deployed(app_configs: Any, **kwargs: Any) -> list[Message]:
    """What is a warning on a developer's machine is an error on a server."""
    try:
        return [checks.Error(message, hint, id="boltguard.E101") for message, hint in _weak_secrets()]
    except ImproperlyConfigured:
        return []


def check_issuers(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether backends with the keys of an issuer say which of its tokens are for this site."""
    message = "{!r} takes every token of the issuer of {}, whatever service it was made for."
    urls = ((backend, backend.trusts_any_token_of) for backend in _backends(JWTAuthentication))
    found = sorted({message.format(backend, url) for backend, url in urls if url is not None})
    return [checks.Warning(text, ADDRESSED, id="boltguard.W104") for text in found]


def check_accounts(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the fields by which backends find accounts tell these apart."""
    found = set()
    for backend in _backends(JWTAuthentication):
        try:
            if backend.lookup is not None:
                backend.lookup.check()
        except ImproperlyConfigured as error:
            found.add(str(error))
    return [checks.Error(text, id="boltguard.E006") for text in sorted(found)]


def check_stores(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the stores of all backends keep what they are told."""
    stores = {
        id(store): store
        for store in (backend.revocation_store for backend in _backends(JWTAuthentication))
        if store is not None
    }
    return [message for store in stores.values() for message in _check_store(store)]


def check_api_keys(app_configs: Any, **kwargs: Any) -> list[Message]:
    """The lengths of all API keys."""
    weak = sum(backend.weak_keys for backend in _backends(APIKeyAuthentication))
    hint = "Use random keys, such as secrets.token_urlsafe(32)."
    return [checks.Warning(f"{weak} API keys are shorter than 16 bytes.", hint, id="boltguard.W103")] if weak else []


def check_views(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the guards and the backends of each view, defaults included, fit together."""
    current = conf.current()
    try:
        _read_defaults(current)
    except ImproperlyConfigured:
        return []  # `check_settings` says so
    _import_views()
    asynchronous = {text for keeper in registry.instances(Gatekeeper) for text in keeper.async_defaults(current)}
    return [
        *(checks.Error(message, id="boltguard.E301") for message in sorted(_misfits(current))),
        *(checks.Error(message, id="boltguard.E302") for message in sorted(asynchronous)),
    ]


def check_drf_views(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether what stands in the lists of each view of Django REST framework is of use there, and fits together."""
    try:
        _read_defaults(conf.current())
    except ImproperlyConfigured:
        return []  # `check_settings` says so
    views = []
    with suppress(Exception):  # as above
        views = [view for _, view in callbacks() if hasattr(view, "initkwargs")]
    if "rest_framework.views" not in sys.modules or not views:
        return []
    from boltguard.drf.checks import check_view

    return list({message.msg: message for view in views for message in check_view(view)}.values())


def check_headers(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether error pages, and the reports that are sent by mail, leave the credentials of all backends out."""
    headers = sorted({backend.header.lower() for backend in _backends(Authentication)})
    message = "Error reports show the header {!r}, and with it the credentials of callers."
    return [checks.Warning(message.format(one), MASKED, id="boltguard.W105") for one in headers if not _is_masked(one)]


def check_middleware(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the middleware are in an order in which `BoltguardMiddleware` is of use."""
    kinds: list[Any] = []
    with suppress(Exception):  # what can't be imported, Django says at start
        kinds = middleware_classes()
    return [*_check_session_order(kinds), *_check_cache_order(kinds)]


def _check_session_order(kinds: list[Any]) -> Iterator[Message]:
    ours = _indexes(kinds, BoltguardMiddleware)
    # A site without users can't import it.
    auth = sys.modules.get("django.contrib.auth.middleware")
    djangos = _indexes(kinds, auth.AuthenticationMiddleware) if auth else []
    if ours and djangos and max(djangos) > min(ours):
        yield checks.Error(ORDER, "Put BoltguardMiddleware after AuthenticationMiddleware.", id="boltguard.E004")


def _check_cache_order(kinds: list[Any]) -> Iterator[Message]:
    ours, caches = _indexes(kinds, BoltguardMiddleware), _indexes(kinds, UpdateCacheMiddleware)
    if ours and caches and max(caches) > min(ours):
        message = CACHE_ORDER.format(kinds[max(caches)].__name__)
        hint = f"Put {kinds[max(caches)].__name__} before BoltguardMiddleware, as the first."
        yield checks.Error(message, hint, id="boltguard.E005")


def _indexes(kinds: list[Any], kind: type) -> list[int]:
    return [index for index, one in enumerate(kinds) if issubclass(one, kind)]


def _is_masked(header: str) -> bool:
    request = HttpRequest()
    request.META = {f"HTTP_{header.upper().replace('-', '_')}": PROBE}
    report_filter = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)()
    return PROBE not in report_filter.get_safe_request_meta(request).values()


def _read_defaults(current: conf.Conf) -> None:
    check_backends(current.authentication, conf.written(conf.AUTHENTICATION))
    check_guards(current.guards, conf.written(conf.PERMISSIONS))


def _misfits(current: conf.Conf) -> set[str]:
    found = set()
    for keeper in registry.instances(Gatekeeper):
        try:
            keeper.parts(current)
        except ImproperlyConfigured as error:
            found.add(str(error))
    return found


def _backends(kind: type[Backend]) -> list[Backend]:
    _import_views()  # Django runs checks in any order, and this one may be the first to need the backends of views
    with suppress(ImproperlyConfigured):
        conf.current().authentication  # noqa: B018  # builds those of the settings
    return list(registry.instances(kind))


def _weak_secrets() -> Iterator[tuple[str, str]]:
    seen = set()
    for backend in _backends(JWTAuthentication):
        for algorithm in backend.rust.weak_secrets:
            message = f"The secret of {backend!r} is shorter than the hash of {algorithm}."
            if message not in seen:
                seen.add(message)
                yield message, f"Use a random secret of at least {int(algorithm[2:]) // 8} bytes."


def _check_store(store: RevocationStore) -> Iterator[Message]:
    if isinstance(store, InMemoryRevocation) and not settings.DEBUG:
        message = "InMemoryRevocation is used with DEBUG = False: each process has its own, lost at a restart."
        hint = "Use DjangoCacheRevocation or DjangoORMRevocation where more than one process serves the site."
        yield checks.Warning(message, hint, id="boltguard.W201")
    if isinstance(store, DjangoCacheRevocation):
        yield from _check_cache(store.cache_alias)
    if isinstance(store, DjangoORMRevocation):
        yield from _check_model(store)


def _check_cache(alias: str) -> Iterator[Message]:
    configured = settings.CACHES.get(alias)
    if configured is None:
        message = f"DjangoCacheRevocation names the cache {alias!r}, which is not in CACHES."
        yield checks.Error(message, id="boltguard.E202")
        return
    path = str(configured.get("BACKEND", ""))
    kind = path.rpartition(".")[2]
    if kind == "DummyCache":
        message = f"DjangoCacheRevocation uses the cache {alias!r}, which keeps nothing: no token is ever revoked."
        yield checks.Error(message, SHARED_CACHE, id="boltguard.E202")
    elif unable := _cant_tell(path, kind, configured):
        message = f"DjangoCacheRevocation uses the cache {alias!r}, {unable}: revoked tokens may be accepted."
        yield checks.Error(message, SHARED_CACHE, id="boltguard.E202")
    elif kind in _LOSSY and (kind not in _BOUNDED or _entries(configured) < ENOUGH):
        message = f"DjangoCacheRevocation uses the cache {alias!r}, {_LOSSY[kind]}: revoked tokens may come back."
        yield checks.Warning(message, SHARED_CACHE, id="boltguard.W202")


def _cant_tell(path: str, kind: str, configured: dict[str, Any]) -> str | None:
    """Why a cache can't tell that a token is not revoked, whatever it is asked."""
    location = configured.get("LOCATION", "")
    servers = re.split("[;,]", location) if isinstance(location, str) else list(location)
    if kind in _MEMCACHED and len([one for one in servers if one]) > 1:
        return "which has several Memcached servers and goes on without those that fail"
    if kind in _MEMCACHED and configured.get("OPTIONS", {}).get("ignore_exc"):
        return "whose option ignore_exc answers for a server that fails"
    if kind == "RedisCache" and len(servers) > 1:
        return "which reads from replicas that may not have heard of a revocation"
    if kind == "DatabaseCache" and _reads_replica(path, configured):
        return "whose table is read from a replica, by DATABASE_ROUTERS"
    return None


def _reads_replica(path: str, configured: dict[str, Any]) -> bool:
    model = import_string(path)(str(configured.get("LOCATION", "")), {}).cache_model_class
    return bool(router.db_for_read(model) != router.db_for_write(model))


def _entries(configured: dict[str, Any]) -> int:
    options = configured.get("OPTIONS", {})
    return int(options.get("MAX_ENTRIES", configured.get("MAX_ENTRIES", 300)))


def _check_model(store: DjangoORMRevocation) -> Iterator[Message]:
    try:
        jti = store.model._meta.get_field("jti")
    except ImproperlyConfigured as error:
        hint = 'Add "boltguard" to INSTALLED_APPS.' if store.model_label == "boltguard.RevokedToken" else None
        yield checks.Error(str(error), hint, id="boltguard.E203")
    except FieldDoesNotExist:
        yield checks.Error(f"DjangoORMRevocation: {store} has no field `jti`.", id="boltguard.E203")
    else:
        if not (jti.unique or jti.db_index):  # type: ignore[union-attr]
            message = f"DjangoORMRevocation: {store}.jti has no index, so each request reads the whole table."
            yield checks.Warning(message, "Give the field unique=True.", id="boltguard.W203")
        if (too_short := store.too_short) is not None:
            yield checks.Error(too_short, id="boltguard.E203")


# Past MAX_ENTRIES, which is 300 unless it is set, these caches drop a third of what they hold.
ENOUGH = 100_000
_MEMCACHED = ("PyLibMCCache", "PyMemcacheCache", "MemcachedCache")
_LOSSY = {
    "LocMemCache": "which each process has for itself and which drops entries when it is full",
    "FileBasedCache": "which drops entries past a small MAX_ENTRIES",
    "DatabaseCache": "which drops entries past a small MAX_ENTRIES",
    **dict.fromkeys(_MEMCACHED, "which drops entries when its memory is full, and all of them at a restart"),
}
_BOUNDED = ("DatabaseCache", "FileBasedCache")
ORDER = "BoltguardMiddleware stands before AuthenticationMiddleware, which replaces the request.user that it set."
CACHE_ORDER = "{} is after BoltguardMiddleware, so it would store responses before it is known whom they are for."
PROBE = "a credential"
MASKED = (
    "Take a name that Django masks, with auth, key, secret or token in it, or mask this one: by the hidden_settings of "
    "a SafeExceptionReporterFilter of your own, which DEFAULT_EXCEPTION_REPORTER_FILTER names."
)
ADDRESSED = "Give it audience=, the name of this site at the issuer, and issuer=."
SHARED_CACHE = "Use a cache on one Redis server that does not evict and writes to disk, or DjangoORMRevocation."
