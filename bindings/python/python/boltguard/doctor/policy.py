"""The policy of sessions, the keys of tokens, and the table of API keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from boltguard import api_keys, registry
from boltguard._rust import SYMMETRIC_ALGORITHMS
from boltguard.api_keys.store import APIKeyStore
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.checks.backends import backends
from boltguard.checks.tables import has_table
from boltguard.doctor import stores
from boltguard.doctor.report import Fact, Section, shown_error


def examine_sessions() -> Iterator[Section]:
    """A section for each `TokenSessions`, which documents its policy (OWASP ASVS 5.0.0, 7.1.1 and 7.1.2)."""
    if not apps.is_installed("boltguard.sessions"):
        return
    from boltguard.sessions import TokenSessions

    registry.import_views()
    for sessions in registry.instances(TokenSessions):
        yield _sessions(sessions)


def _sessions(sessions: Any) -> Section:
    from boltguard.sessions.models import TokenSession

    section, store = Section("Session policy"), sessions.jwt_auth.revocation_store
    _examine_table(section, TokenSession, "sessions")
    for name, seconds in sessions.policy.items():
        section.facts[name] = None if seconds is None else seconds if name == "max_sessions" else _duration(seconds)
    cookie = getattr(sessions.jwt_auth, "cookie", None)
    section.facts["transport"] = f"header {sessions.jwt_auth.header}" + (f", cookie {cookie}" if cookie else "")
    if sessions.uses_cookies:
        section.facts.update(_cookies())
    section.facts["account is checked on each request"] = sessions.jwt_auth.verify_user
    if store is None:
        lifetime = _duration(sessions.policy["access_lifetime"])
        section.facts["bound of a logout"] = f"{lifetime}: access tokens aren't revoked"
        text = f"Access tokens stay valid for up to {lifetime} after their session has ended."
        section.problem(text, "Pass revocation_store= to the JWTAuthentication of the sessions.")
    else:
        section.facts["bound of a logout"] = f"that of the revocation store {stores.names()[store.place]}"
    return section


def _cookies() -> Iterator[tuple[str, Fact]]:
    """The cookies of the tokens, with their attributes."""
    from boltguard.sessions import cookies

    try:
        refresh_path = cookies.mounted_refresh_path()
    except ImproperlyConfigured:
        refresh_path = "unknown, because the URLconf doesn't contain the views"
    attributes = cookies.ATTRIBUTES
    flags = [name for name, flag in (("Secure", "secure"), ("HttpOnly", "httponly")) if attributes[flag]]
    for name, path in ((cookies.ACCESS, "/"), (cookies.REFRESH, refresh_path)):
        shown = ["no Domain", f"Path={path}", *flags, f"SameSite={attributes['samesite']}"]
        yield f"cookie {name}", "; ".join(shown)


def examine_keys() -> Iterator[Section]:
    """A section for the tokens of each backend."""
    for backend in backends(JWTAuthentication):
        section = Section(f"Tokens of the backend {backend.name!r}")
        section.facts["algorithms"] = ", ".join(backend.algorithms)
        section.facts["keys"] = backend.key_source
        try:
            weak = backend.rust.weak_secrets
        except ImproperlyConfigured as error:
            section.problem(str(error), "Set SECRET_KEY, or pass a secret to the backend.")
            weak = []
        for algorithm in weak:
            text = f"The secret is shorter than the hash of {algorithm}, so it may be guessed."
            section.problem(text, f"Use a random secret of at least {SYMMETRIC_ALGORITHMS[algorithm]} bytes.")
        yield section


def examine_api_keys() -> Iterator[Section]:
    """A section for the table of API keys, if it is installed or used."""
    problem, used = api_keys.why_not_installed(), list(registry.instances(APIKeyStore))
    if problem is not None:
        if used:
            section = Section("API keys")
            section.problem(problem.text, problem.remedy)
            yield section
        return
    from boltguard.api_keys.models import APIKey

    section = Section("API keys")
    _examine_table(
        section,
        APIKey,
        "API keys",
        lambda using: {"active keys": APIKey.objects.using(using).active().count()},
    )
    section.facts["stores"] = len(used)
    yield section


def _examine_table(
    section: Section, model: Any, name: str, count: Callable[[str], dict[str, int]] = lambda using: {}
) -> None:
    """Adds the database of a table and the numbers of its rows, or a problem if it can't be read."""
    using = router.db_for_write(model)
    section.facts["database"] = f"{using} ({connections[using].vendor})"
    try:
        if has_table(model, using):
            section.facts.update(count(using))
        else:
            text = f"The table of {name} doesn't exist in the database {using!r}."
            section.problem(text, f"Run `python manage.py migrate {model._meta.app_label}`.")
    except Exception as error:
        text = f"The database {using!r} is unavailable ({shown_error(error)})."
        section.problem(text, "Start the server, and check DATABASES.")


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=seconds))
