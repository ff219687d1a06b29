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
from boltguard._rust import SYMMETRIC_ALGORITHMS
from boltguard.auth.api_key_backend import APIKeyAuthentication
from boltguard.auth.backends import Authentication
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.registry import import_views
from boltguard.sessions import TokenSessions
from boltguard.sessions.cookies import REFRESH

Message = checks.CheckMessage
Backend = TypeVar("Backend", bound=Authentication)


def check_secrets(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether there are secrets, and whether these are long enough."""
    try:
        weak = [checks.Warning(text, hint, obj=obj, id="boltguard.W101") for obj, text, hint in _weak_secrets()]
        if backends(APIKeyAuthentication):
            conf.current().api_key_secrets  # noqa: B018  # derives them from the secret key
    except ImproperlyConfigured as error:
        hint = "Set SECRET_KEY, or pass a secret to the backends."
        return [checks.Error(str(error), hint, obj="SECRET_KEY", id="boltguard.E102")]
    return [*weak]


def check_secrets_deployed(app_configs: Any, **kwargs: Any) -> list[Message]:
    """The same as an error, with `check --deploy`."""
    try:
        return [checks.Error(text, hint, obj=obj, id="boltguard.E101") for obj, text, hint in _weak_secrets()]
    except ImproperlyConfigured:
        return []  # `check_secrets` reports it


def check_issuers(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether backends with the keys of an issuer accept only tokens that were issued for this site."""
    message = "All tokens of {} are accepted, even if they were issued for another service."
    found = {
        f"{backend!r} {url}": checks.Warning(message.format(url), ADDRESSED, obj=backend, id="boltguard.W104")
        for backend in backends(JWTAuthentication)
        if (url := backend.trusts_any_token_of) is not None
    }
    return [found[key] for key in sorted(found)]


def check_accounts(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether `user_field` of a backend identifies a single account."""
    found = {}
    for backend in backends(JWTAuthentication):
        try:
            if backend.lookup is not None:
                backend.lookup.check()
        except ImproperlyConfigured as error:
            found[str(error)] = checks.Error(str(error), UNIQUE, obj=backend, id="boltguard.E006")
    return [found[text] for text in sorted(found)]


def check_api_keys(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether configured API keys are long enough."""
    hint = "Use random keys, such as secrets.token_urlsafe(32)."
    message = "{} API keys are shorter than 16 bytes, so they could be guessed."
    return [
        checks.Warning(message.format(backend.weak_keys), hint, obj=backend, id="boltguard.W103")
        for backend in backends(APIKeyAuthentication)
        if backend.weak_keys
    ]


def check_headers(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether error pages and error mails hide the headers with credentials."""
    message = "Error reports show the header {!r}, which contains credentials."
    return [
        checks.Warning(message.format(header), MASKED, obj="DEFAULT_EXCEPTION_REPORTER_FILTER", id="boltguard.W105")
        for header in sorted({backend.header.lower() for backend in backends(Authentication) if backend.header})
        if not _is_masked(header)
    ]


def check_cookies(app_configs: Any, **kwargs: Any) -> list[Message]:
    """Whether other hosts of the site could set the cookies with tokens, and whether error reports hide them."""
    names = {backend.cookie for backend in backends(JWTAuthentication) if backend.cookie is not None}
    if any(sessions.uses_cookies for sessions in registry.instances(TokenSessions)):
        names.add(REFRESH)
    cookies = sorted(names)
    unbound = [
        checks.Warning(
            f"Another host of the same site can set the cookie {name!r}.", BOUND, obj=name, id="boltguard.W106"
        )
        for name in cookies
        if not name.startswith(("__Host-", "__Secure-"))
    ]
    shown = [
        checks.Warning(
            f"Error reports show the cookie {name!r}, which contains credentials.",
            MASKED_COOKIE,
            obj=name,
            id="boltguard.W107",
        )
        for name in cookies
        if not _is_masked_cookie(name)
    ]
    return [*unbound, *shown]


def backends(kind: type[Backend]) -> list[Backend]:
    """The backends of the settings and of all views."""
    import_views()  # Django runs checks in any order, so the views may not be imported yet
    with suppress(ImproperlyConfigured):
        conf.current().authentication  # noqa: B018  # builds those of the settings
    return list(registry.instances(kind))


def _weak_secrets() -> Iterator[tuple[Authentication, str, str]]:
    seen = set()
    for backend in backends(JWTAuthentication):
        for algorithm in backend.rust.weak_secrets:
            if (repr(backend), algorithm) not in seen:
                seen.add((repr(backend), algorithm))
                hint = f"Use a random secret of at least {SYMMETRIC_ALGORITHMS[algorithm]} bytes."
                yield backend, f"The secret is shorter than the hash of {algorithm}.", hint


def _is_masked(header: str) -> bool:
    request = HttpRequest()
    request.META = {f"HTTP_{header.upper().replace('-', '_')}": PROBE}
    report_filter = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)()
    return PROBE not in report_filter.get_safe_request_meta(request).values()


def _is_masked_cookie(name: str) -> bool:
    request = HttpRequest()
    request.COOKIES = {name: PROBE}
    report_filter = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)()
    return PROBE not in report_filter.get_safe_cookies(request).values()


PROBE = "a credential"
MASKED = (
    'Set DEFAULT_EXCEPTION_REPORTER_FILTER = "boltguard.debug.ExceptionReporterFilter", or rename the header so that '
    "its name contains auth, key, secret or token, which Django hides."
)
BOUND = "Use a name that begins with __Host-, such as __Host-access, and set the cookie with Secure and Path=/."
MASKED_COOKIE = (
    'Set DEFAULT_EXCEPTION_REPORTER_FILTER = "boltguard.debug.ExceptionReporterFilter", or use a name that contains '
    "auth, key, secret or token, which Django hides."
)
ADDRESSED = "Set audience= to the name of this site at the issuer, and set issuer=."
UNIQUE = "Set user_field= to the name of a unique field of the user model, or use get_user= instead."
