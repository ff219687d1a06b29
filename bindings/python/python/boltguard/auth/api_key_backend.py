"""`APIKeyAuthentication`: API keys, of the settings or of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from boltguard import _rust, conf, registry
from boltguard.api_keys.store import APIKeyStore, default_store
from boltguard.auth.arguments import header_name, refuse, schemes, store_errors_allow
from boltguard.auth.backends import Authentication, Need, Step, describe
from boltguard.auth.secret_box import SecretBox
from boltguard.exceptions import ConfigurationError
from boltguard.logs import log_failure
from boltguard.messages import kind_of
from boltguard.threads import in_thread
from boltguard.transactions import savepoints


class APIKeyAuthentication(Authentication):
    """An API key in a header: from a set, or from a store.

    `api_keys` is a set of keys, and `key_permissions` has the permissions of each; only digests are stored. `store` is
    `True` or an `APIKeyStore`, for the keys of `boltguard.models.APIKey`. If the table can't be read, the response to
    a request with a key is 503; with `on_store_error="allow"`, keys that were read before are accepted.

    A key is sent alone or after the `scheme`, by default `ApiKey` or `Bearer`. On the `Authorization` header,
    credentials of other schemes are ignored.

    `name` is the name for guards and `request.context["auth_backend"]`, instead of `api_key`.
    """

    name = "api_key"
    header: str

    def __init__(
        self,
        api_keys: Iterable[str] | None = None,
        header: str = "x-api-key",
        key_permissions: Mapping[str, Iterable[str]] | None = None,
        *,
        store: APIKeyStore | bool | None = None,
        on_store_error: str = "deny",
        scheme: str | Iterable[str] | None = None,
        name: str | None = None,
    ) -> None:
        self._rename(name)
        keys, permissions = SecretBox(api_keys), SecretBox(key_permissions)
        del api_keys, key_permissions
        self.header = header_name("APIKeyAuthentication", header)
        self._scheme = None if scheme is None else schemes("APIKeyAuthentication", scheme)
        self.store = _key_store(store)
        self._store_errors_allow = store_errors_allow(on_store_error, "APIKeyAuthentication")
        self._built: tuple[conf.Conf | None, _rust.ApiKeyBackend]
        if self.store is None:
            self._fixed = self._build(keys, permissions)
        elif keys.value is None and permissions.value is None:
            self._fixed = self._checked(
                lambda: _rust.ApiKeyBackend.stored(_store_of_nothing(), header=header, scheme=self._scheme, name=name)
            )
        else:
            refuse("APIKeyAuthentication: api_keys and store can't be used together. Use a backend for each.")
        self._built = (None, self._fixed)
        registry.remember(self)

    @property
    def rust(self) -> _rust.ApiKeyBackend:
        current = conf.current()
        if self._built[0] is not current:
            self._built = (current, self._for(current))
        return self._built[1]

    @property
    def can_have_roles(self) -> bool:
        return False

    @property
    def label(self) -> str:
        kind = "configured" if self.store is None else "stored"
        settings = {"header": self.header, "scheme": self._scheme, "store_errors_allow": self._store_errors_allow}
        return describe(self.name, [kind], settings, API_KEY_DEFAULTS)

    @property
    def schemes_or_none(self) -> list[str] | None:
        """The configured schemes; `None` for the default."""
        return self._scheme

    @property
    def weak_keys(self) -> int:
        """The number of keys that are short enough to be guessed."""
        return self._fixed.weak_keys

    @property
    def store_name(self) -> str:
        return "The table of API keys (is it migrated?)"

    def resume(self, need: Need) -> Step:
        """The current keys of the table for this request."""
        assert isinstance(need, _rust.ApiKeySnapshotRefresh)
        snapshot = self.store.snapshot  # type: ignore[union-attr]
        try:
            with savepoints(self._store_errors_allow):
                snapshot.refresh()
        except Exception as error:
            if not (self._store_errors_allow and snapshot.was_read):
                raise
            log_failure(f"{self.store_name} is unavailable. Keys that were read before are accepted.", error)
        return need.done(self._stored(snapshot.rust))

    async def aresume(self, need: Need) -> Step:
        # In the thread with the database connections, which may select the tenant.
        return await in_thread(self.resume)(need)

    def _for(self, current: conf.Conf) -> _rust.ApiKeyBackend:
        if self.store is None:
            return self._fixed.with_id_key(current.api_key_id_key)
        return self._stored(self.store.snapshots.rust)

    def _stored(self, keys: _rust.ApiKeyStore) -> _rust.ApiKeyBackend:
        allow = self._store_errors_allow
        return _rust.ApiKeyBackend.stored(
            keys, header=self.header, store_errors_allow=allow, scheme=self._scheme, name=self._given_name
        )

    def _build(self, keys: SecretBox[Any], permissions: SecretBox[Any]) -> _rust.ApiKeyBackend:
        if keys.value is None:
            refuse("APIKeyAuthentication requires api_keys={...}, or store=True for the keys of the table.")
        if isinstance(keys.value, (str, bytes)):
            refuse("APIKeyAuthentication: api_keys must be a set of keys, not a single string.")
        if isinstance(keys.value, Mapping):
            refuse(
                "APIKeyAuthentication: api_keys must be a set of keys, not a mapping. "
                "Pass permissions as key_permissions={...}."
            )
        if isinstance(keys.value, type) or not isinstance(keys.value, Iterable):
            refuse(f"APIKeyAuthentication: api_keys is of type {type(keys.value).__name__}. It must be a set of keys.")
        if permissions.value and any(isinstance(names, str) for names in permissions.value.values()):
            refuse("APIKeyAuthentication: key_permissions must contain sets of permissions, not strings.")
        # The keys of `{"blog.delete": False}` would be granted.
        if permissions.value and any(isinstance(names, Mapping) for names in permissions.value.values()):
            refuse("APIKeyAuthentication: key_permissions must contain sets of permissions, not mappings.")
        return self._checked(
            lambda: _rust.ApiKeyBackend(
                api_keys=keys.value,
                key_permissions=permissions.value,
                header=self.header,
                scheme=self._scheme,
                name=self._given_name,
            )
        )

    def _checked(self, build: Callable[[], _rust.ApiKeyBackend]) -> _rust.ApiKeyBackend:
        try:
            return build()
        except (ConfigurationError, TypeError) as error:
            refuse(f"APIKeyAuthentication: {error}.")

    def __repr__(self) -> str:
        stored = "" if self.store is None else f", store={self.store!r}"
        return f"APIKeyAuthentication(header={self.header!r}{stored})"


def _key_store(store: object) -> APIKeyStore | None:
    if store is True:
        return default_store()
    if store is not None and not isinstance(store, APIKeyStore):
        refuse(f"APIKeyAuthentication: store is {kind_of(store)}. It must be True or an APIKeyStore(...).")
    return store


def _store_of_nothing() -> _rust.ApiKeyStore:
    # The settings may not be loaded yet, but everything except the store can be checked.
    return _rust.ApiKeyStore(_rust.ApiKeyFormat("bg"), [bytes(32)], refresh_interval=0)


API_KEY_DEFAULTS = {"header": "x-api-key", "scheme": None, "store_errors_allow": False}
