"""System checks of the backends: their keys, accounts and headers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string

from boltguard import conf, registry
from boltguard.auth.api_key_backend import APIKeyAuthentication
from boltguard.auth.backends import Authentication
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.registry import import_views

Message = checks.CheckMessage
Backend = TypeVar("Backend", bound=Authentication)


def check_secrets(app_configs: Any, **kwargs: Any) -> list[Message]:
    """The secrets of all backends."""
    try:
        weak = list(_weak_secrets())
        if backends(APIKeyAuthentication):
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
    urls = ((backend, backend.trusts_any_token_of) for backend in backends(JWTAuthentication))
    found = sorted({message.format(backend, url) for backend, url in urls if url is not None})
    return [checks.Warning(text, ADDRESSED, id="boltguard.W104") for text in found]


def check_accounts(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether the fields by which backends find accounts tell these apart."""
    found = set()
    for backend in backends(JWTAuthentication):
        try:
            if backend.lookup is not None:
                backend.lookup.check()
        except ImproperlyConfigured as error:
            found.add(str(error))
    return [checks.Error(text, id="boltguard.E006") for text in sorted(found)]


def check_api_keys(app_configs: Any, **kwargs: Any) -> list[Message]:
    """The lengths of all API keys."""
    weak = sum(backend.weak_keys for backend in backends(APIKeyAuthentication))
    hint = "Use random keys, such as secrets.token_urlsafe(32)."
    return [checks.Warning(f"{weak} API keys are shorter than 16 bytes.", hint, id="boltguard.W103")] if weak else []


def check_headers(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether error pages, and the reports that are sent by mail, leave the credentials of all backends out."""
    headers = sorted({backend.header.lower() for backend in backends(Authentication)})
    message = "Error reports show the header {!r}, and with it the credentials of callers."
    return [checks.Warning(message.format(one), MASKED, id="boltguard.W105") for one in headers if not _is_masked(one)]


def backends(kind: type[Backend]) -> list[Backend]:
    import_views()  # Django runs checks in any order, and this one may be the first to need the backends of views
    with suppress(ImproperlyConfigured):
        conf.current().authentication  # noqa: B018  # builds those of the settings
    return list(registry.instances(kind))


def _weak_secrets() -> Iterator[tuple[str, str]]:
    seen = set()
    for backend in backends(JWTAuthentication):
        for algorithm in backend.rust.weak_secrets:
            message = f"The secret of {backend!r} is shorter than the hash of {algorithm}."
            if message not in seen:
                seen.add(message)
                yield message, f"Use a random secret of at least {int(algorithm[2:]) // 8} bytes."


def _is_masked(header: str) -> bool:
    request = HttpRequest()
    request.META = {f"HTTP_{header.upper().replace('-', '_')}": PROBE}
    report_filter = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)()
    return PROBE not in report_filter.get_safe_request_meta(request).values()


PROBE = "a credential"
MASKED = (
    "Take a name that Django masks, with auth, key, secret or token in it, or mask this one: by the hidden_settings of "
    "a SafeExceptionReporterFilter of your own, which DEFAULT_EXCEPTION_REPORTER_FILTER names."
)
ADDRESSED = "Give it audience=, the name of this site at the issuer, and issuer=."
