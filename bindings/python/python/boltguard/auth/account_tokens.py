"""The tokens of an account: in which stores, and as which subjects, they are revoked."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from boltguard import conf, registry
from boltguard.auth.accounts import ByField, ByKey, subjects_of
from boltguard.auth.failures import Failures, available_for_writes
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.revocation_arguments import Ttl
from boltguard.auth.stores import RevocationStore
from boltguard.overriding import is_ours


class AccountTokens(NamedTuple):
    """The tokens of an account that a backend accepts."""

    store: RevocationStore
    subject: str
    issuer: str | None

    def revoke(self, before: datetime | None, ttl: Ttl) -> None:
        """Revokes those that were issued at or before a time, by default now."""
        self.store.revoke_subject(self.subject, before, issuer=self.issuer, ttl=ttl)


def tokens_of(user: Any) -> list[AccountTokens]:
    """The tokens of a saved user that the backends of the settings and views accept, as far as they have stores.

    Raises `ImproperlyConfigured` if the backends can't be created, and `RevocationUnavailable` if a field of the user
    isn't loaded and the database is unavailable.
    """
    conf.load_backends()
    with available_for_writes():
        found = {_key(tokens): tokens for backend in _backends() for tokens in _tokens_of(backend, user)}
    return list(found.values())


def has_stores() -> bool:
    """Whether the backends of the site have stores, as far as they can be created in this process."""
    try:
        conf.load_backends()
    except Exception:  # reported when a token must be revoked
        return True
    return any(_is_known(backend) for backend in _backends())


def revoke_all(tokens: list[AccountTokens], before: datetime | None = None, ttl: Ttl = None) -> None:
    """Revokes these tokens in all stores, also if one of them fails, and then raises its exception."""
    failures = Failures()
    for one in tokens:
        failures.catch(one.revoke, before, ttl)
    failures.raise_worst()


def _backends() -> Iterator[JWTAuthentication]:
    return (backend for backend in registry.instances(JWTAuthentication) if backend.revocation_store is not None)


def _is_known(backend: JWTAuthentication) -> bool:
    """Whether the subjects of an account are known: neither `get_user` nor another issuer decides."""
    lookup = backend.lookup
    return isinstance(lookup, (ByField, ByKey)) or (lookup is None and not backend.is_remote)


def _tokens_of(backend: JWTAuthentication, user: Any) -> Iterator[AccountTokens]:
    store = backend.revocation_store
    if store is None or not _is_known(backend):
        return
    for subject in _subjects(backend, user):
        # A subject is only unique within its issuer.
        for issuer in backend.setting("issuer") or [None]:
            yield AccountTokens(store, subject, issuer)


def _subjects(backend: JWTAuthentication, user: Any) -> list[str]:
    lookup = backend.lookup
    value = getattr(user, lookup.field.attname, None) if isinstance(lookup, ByField) else user.pk
    if value is None or str(value) == "":
        return []
    return subjects_of(value)


def place_of(store: RevocationStore) -> Hashable:
    """Identifies the entries of a store: two stores in one place have the same entries."""
    return store.place if is_ours(type(store)) else id(store)


def _key(tokens: AccountTokens) -> Any:
    return place_of(tokens.store), tokens.subject, tokens.issuer
