"""Stores of revoked tokens: in memory, in a Django cache, in a table, or one of your own.

`revoke` and `is_revoked` do their work when they are called; `arevoke` and `ais_revoked` are their async twins.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.utils import timezone
from django.utils.module_loading import import_string

from boltguard import _rust
from boltguard.auth.twins import Done, acall, in_event_loop, pair
from boltguard.exceptions import RevocationUnavailable
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from django.core.cache.backends.base import BaseCache
    from django.db.models import Field, Model

# Clocks of two machines differ; an entry that goes a moment too early lets its token live again.
MARGIN = 60.0

Ttl = float | timedelta | None


class RevocationStore:
    """Subclass it with `revoke` and `is_revoked`; override the async twins where you can wait without a thread.

    In a subclass of any store, a method whose async twin isn't redefined with it is used by sync and async code alike.

    `ttl` is how long the token still lives, in seconds or as a `timedelta`; without one, its entry is kept for good.
    An `is_revoked` that raises, or answers anything but `True` or `False`, refuses the request with 503.
    """

    leeway: float = 0.0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("revoke", "is_revoked"):
            pair(cls, name)

    def revoke(self, jti: str, ttl: Ttl = None) -> Any:
        """Revokes the token with this id. `await store.revoke(jti)` works too."""
        raise NotImplementedError(f"{type(self).__name__} has no revoke")

    def is_revoked(self, jti: str) -> bool:
        """Whether the token with this id is revoked."""
        raise NotImplementedError(f"{type(self).__name__} has no is_revoked")

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        """`revoke`, for async code."""
        await acall(self.revoke, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        """`is_revoked`, for async code."""
        return bool_or_error(await acall(self.is_revoked, jti))

    def bind_leeway(self, leeway: float) -> None:
        """Called with the leeway of each backend that asks this store: entries outlive their token by the largest."""
        self.leeway = max(self.leeway, leeway)

    def lifetime(self, ttl: Ttl) -> float | None:
        """How many seconds to keep an entry: until its token could no longer be accepted anywhere."""
        seconds = ttl_seconds(ttl)
        return None if seconds is None else max(seconds, 0.0) + self.leeway + MARGIN


class InMemoryRevocation(RevocationStore):
    """Kept in this process, in Rust: fast, bounded, gone when the process ends, and unknown to other processes."""

    def __init__(self, max_entries: int = 1_000_000) -> None:
        self.memory = _rust.MemoryRevocation(max_entries)

    def revoke(self, jti: str, ttl: Ttl = None) -> Done:
        self.memory.revoke(checked_jti(jti), ttl_seconds(ttl))
        return Done()

    def is_revoked(self, jti: str) -> bool:
        return self.memory.is_revoked(jti)

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        InMemoryRevocation.revoke(self, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return self.memory.is_revoked(jti)

    def bind_leeway(self, leeway: float) -> None:
        super().bind_leeway(leeway)
        self.memory.bind_leeway(leeway)


class DjangoCacheRevocation(RevocationStore):
    """Kept in one of Django's caches, which must be shared by all processes and must not evict."""

    def __init__(self, cache_alias: str = "default", key_prefix: str = "revoked_tokens:") -> None:
        self.cache_alias = cache_alias
        self.key_prefix = key_prefix

    def revoke(self, jti: str, ttl: Ttl = None) -> Done:
        key = self.key(checked_jti(jti))
        try:
            self.cache.set(key, True, timeout=self._timeout(ttl))
            _must_be_kept(self.cache.get(key))
        except SynchronousOnlyOperation as error:
            raise SynchronousOnlyOperation(NAME_AREVOKE) from error
        return Done()

    def is_revoked(self, jti: str) -> bool:
        return self.cache.get(self.key(jti)) is not None

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        key = self.key(checked_jti(jti))
        await self.cache.aset(key, True, timeout=self._timeout(ttl))
        _must_be_kept(await self.cache.aget(key))

    async def ais_revoked(self, jti: str) -> bool:
        return await self.cache.aget(self.key(jti)) is not None

    @property
    def cache(self) -> BaseCache:
        """The cache. Looked up each time: Django keeps one for each thread and task."""
        from django.core.cache import caches

        return caches[self.cache_alias]

    def key(self, jti: str) -> str:
        """The cache key: the id itself where every cache takes it, else its digest."""
        plain = len(jti) <= 128 and jti.isascii() and jti.isprintable() and " " not in jti
        if plain and not jti.startswith(HASHED):
            return self.key_prefix + jti
        return self.key_prefix + HASHED + hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()

    def _timeout(self, ttl: Ttl) -> int | None:
        lifetime = self.lifetime(ttl)
        return None if lifetime is None else math.ceil(lifetime)


class DjangoORMRevocation(RevocationStore):
    """Kept in a table: a model with a `jti` field, and `expires_at` where it has one.

    `model_path="myapp.models.RevokedToken"` or `model="myapp.RevokedToken"`; without either, the one that comes with
    Boltguard.
    """

    def __init__(self, model_path: str | None = None, *, model: str | None = None) -> None:
        if model_path is not None and model is not None:
            raise ImproperlyConfigured("DjangoORMRevocation: give model_path or model, not both")
        if model_path is None and model is None:
            model = "boltguard.RevokedToken"
        for name, value, parts in (("model_path", model_path, "myapp.models.Name"), ("model", model, "myapp.Name")):
            if value is not None and (not isinstance(value, str) or "." not in value.strip(".")):
                raise ImproperlyConfigured(f'DjangoORMRevocation: {name} is {value!r}; give "{parts}"')
        self.model_path = model_path
        self.model_label = model

    def revoke(self, jti: str, ttl: Ttl = None) -> Done:
        if in_event_loop():
            raise SynchronousOnlyOperation(NAME_AREVOKE)
        self._write(checked_jti(jti), self._expires_at(ttl))
        return Done()

    def is_revoked(self, jti: str) -> bool:
        return bool(self._rows.filter(jti=jti).exists())

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        await in_thread(DjangoORMRevocation.revoke)(self, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return bool(await self._rows.filter(jti=jti).aexists())

    def purge(self) -> int:
        """Deletes the entries of tokens that can't be accepted any more, where the model says until when."""
        if self.expiry_field is None:
            return 0
        return int(self._rows.filter(expires_at__lt=timezone.now()).delete()[0])

    async def apurge(self) -> int:
        """`purge`, for async code."""
        return await in_thread(self.purge)()

    @property
    def model(self) -> type[Model]:
        """The model. Looked up late: settings may name a store before any model is loaded."""
        from django.apps import apps
        from django.db.models import Model

        try:
            found = import_string(self.model_path) if self.model_path else apps.get_model(str(self.model_label))
        except (ImportError, LookupError, ValueError) as error:
            raise ImproperlyConfigured(f"DjangoORMRevocation: {self} is not there: {error}") from error
        if not (isinstance(found, type) and issubclass(found, Model)):
            raise ImproperlyConfigured(f"DjangoORMRevocation: {self} is no model")
        return found

    @property
    def expiry_field(self) -> Field[Any, Any] | None:
        """The model's `expires_at`."""
        return next((field for field in self.model._meta.fields if field.name == "expires_at"), None)

    @property
    def _rows(self) -> Any:
        model: Any = self.model
        return model._default_manager

    def _expires_at(self, ttl: Ttl) -> datetime | None:
        field, lifetime = self.expiry_field, self.lifetime(ttl)
        if field is None or (lifetime is None and field.null):
            return None
        try:
            return timezone.now() + timedelta(seconds=math.inf if lifetime is None else lifetime)
        except OverflowError:
            return datetime(9999, 1, 1, tzinfo=timezone.now().tzinfo)

    def _write(self, jti: str, expires_at: datetime | None) -> None:
        row = self._rows.filter(jti=jti).first()
        if self.expiry_field is None:
            if row is None:
                self._rows.get_or_create(jti=jti)
            return
        if row is None:
            row, _ = self._rows.get_or_create(jti=jti, defaults={"expires_at": expires_at})
        if row.expires_at is not None and (expires_at is None or expires_at > row.expires_at):
            row.expires_at = expires_at
            row.save(update_fields=["expires_at"])

    def __str__(self) -> str:
        return self.model_path or str(self.model_label)


def ask(store: RevocationStore, jti: str) -> bool:
    """The store's answer, for sync code."""
    if iscoroutinefunction(store.is_revoked):
        return bool_or_error(async_to_sync(store.is_revoked)(jti))
    return bool_or_error(store.is_revoked(jti))


def bool_or_error(answer: object) -> bool:
    """The answer itself. Anything that only looks true or false, such as a coroutine, is an error of the store."""
    if isinstance(answer, bool):
        return answer
    if asyncio.iscoroutine(answer):
        answer.close()
    raise TypeError(f"is_revoked answered {type(answer).__name__}, not a bool")


def checked_jti(jti: object) -> str:
    """A token id that can be revoked."""
    if isinstance(jti, str) and jti:
        return jti
    raise ValueError('a token is revoked by its "jti", which is a text; this is none')


def ttl_seconds(ttl: Ttl) -> float | None:
    """The seconds of a ttl."""
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        raise ValueError(f"ttl is {ttl!r}; give the seconds that the token still lives, or None")
    return float(seconds)


def _must_be_kept(entry: object) -> None:
    # A dummy cache, or one that swallows its errors, would make a logout that does nothing.
    if entry is None:
        raise RevocationUnavailable("the cache did not keep the entry: the token is not revoked")


HASHED = "sha256:"
NAME_AREVOKE = "revoke() can't wait for the database in async code; use `await store.arevoke(jti)`"
