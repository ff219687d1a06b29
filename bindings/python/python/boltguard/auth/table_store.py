"""`DjangoORMRevocation`: revocations in tables."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from boltguard import clock
from boltguard._rust import RevocationLevel, RevocationQuery
from boltguard.auth import watermark_table
from boltguard.auth.django_bolt import refuse_arguments
from boltguard.auth.failures import available_for_writes
from boltguard.auth.revocation_arguments import Ttl
from boltguard.auth.stores import NAME_AREVOKE, USE_ASYNC, RevocationStore
from boltguard.auth.sync_async import AwaitableNone
from boltguard.auth.token_ids import SHORTEST, checked_jti, row_ids, row_uuid
from boltguard.event_loop import in_event_loop
from boltguard.exceptions import RevocationUnavailable
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from django.db.models import Field, Model


@refuse_arguments
class DjangoORMRevocation(RevocationStore):
    """Stored in a table: a model with a field `jti`, and optionally `expires_at`.

    `model_path="myapp.models.RevokedToken"` or `model="myapp.RevokedToken"`; without either, the one that comes with
    Boltguard. It is read from the database that it is written to, never from a replica. An id that does not fit in the
    field is stored as its digest.

    Levels are stored in `watermark_model`, a model with the fields `key` and `before`, and optionally `expires_at`. The
    default is `"boltguard.RevocationWatermark"` for Boltguard's table of tokens. With another model, only single tokens
    can be revoked unless `watermark_model` is given.
    """

    watermark_label: str | None = None

    def __init__(
        self, model_path: str | None = None, *, model: str | None = None, watermark_model: str | None = None
    ) -> None:
        if model_path is not None and model is not None:
            raise ImproperlyConfigured("DjangoORMRevocation: model_path and model can't be used together.")
        if model_path is None and model is None:
            model = "boltguard.RevokedToken"
            watermark_model = "boltguard.RevocationWatermark" if watermark_model is None else watermark_model
        for name, value, parts in (
            ("model_path", model_path, "myapp.models.Name"),
            ("model", model, "myapp.Name"),
            ("watermark_model", watermark_model, "boltguard.RevocationWatermark"),
        ):
            if value is not None and (not isinstance(value, str) or "." not in value.strip(".")):
                raise ImproperlyConfigured(
                    f'DjangoORMRevocation: {name} is {value!r}. It must be a path, such as "{parts}".'
                )
        self.model_path = model_path
        self.model_label = model
        self.watermark_label = watermark_model

    def revoke(self, jti: str, ttl: Ttl = None) -> AwaitableNone:
        if in_event_loop():
            raise SynchronousOnlyOperation(NAME_AREVOKE)
        with available_for_writes():
            self._write(checked_jti(jti), self._expires_at(self.expiry_field, ttl))
        return AwaitableNone()

    def is_revoked(self, jti: str) -> bool:
        return bool(self._exact(self._stored_ids(jti)))

    def revoke_level(self, level: RevocationLevel, before: int, ttl: Ttl = None) -> AwaitableNone:
        model = self.watermark_model
        if model is None:
            raise NotImplementedError(NO_WATERMARKS.format(self))
        if in_event_loop():
            raise SynchronousOnlyOperation(USE_ASYNC.format("revoke_level", "revoke_level"))
        field = next((field for field in model._meta.fields if field.name == "expires_at"), None)
        with available_for_writes():
            watermark_table.write(model, level, before, self._expires_at(field, ttl))
        return AwaitableNone()

    def check(self, query: RevocationQuery) -> bool:
        if self.is_revoked(query.token_id):
            return True
        model = self.watermark_model
        return model is not None and query.is_revoked_by(watermark_table.latest(model, query.levels()))

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        await in_thread(DjangoORMRevocation.revoke)(self, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return await in_thread(DjangoORMRevocation.is_revoked)(self, jti)

    async def arevoke_level(self, level: RevocationLevel, before: int, ttl: Ttl = None) -> None:
        await in_thread(DjangoORMRevocation.revoke_level)(self, level, before, ttl)

    async def acheck(self, query: RevocationQuery) -> bool:
        return await in_thread(DjangoORMRevocation.check)(self, query)

    def purge(self) -> int:
        """Deletes expired entries of models with a field `expires_at`, and returns their number."""
        watermarks = 0 if self.watermark_model is None else watermark_table.purge(self.watermark_model)
        if self.expiry_field is None:
            return watermarks
        return watermarks + int(self._rows.filter(expires_at__lt=clock.now()).delete()[0])

    async def apurge(self) -> int:
        """`purge`, for async code."""
        return await in_thread(self.purge)()

    @property
    def model(self) -> type[Model]:
        """The model. It is loaded late, because settings create stores before the models are loaded."""
        return _load(self, self.model_path, self.model_label)

    @property
    def watermark_model(self) -> type[Model] | None:
        """The model of the watermarks, or `None` if only single tokens can be revoked."""
        label = self.watermark_label
        return None if label is None else _load(label, None, label)

    @property
    def expiry_field(self) -> Field[Any, Any] | None:
        """The model's `expires_at`."""
        return next((field for field in self.model._meta.fields if field.name == "expires_at"), None)

    @property
    def supports_levels(self) -> bool:
        return self.watermark_label is not None

    @property
    def place(self) -> Hashable:
        return DjangoORMRevocation, self.model_path, self.model_label, self.watermark_label

    def shares_entries(self, place: Hashable) -> bool:
        if place == self.place:
            return True
        if isinstance(place, tuple) and place[0] is DjangoORMRevocation:
            if self.watermark_label is not None and place[3] == self.watermark_label:
                return True
            with suppress(ImproperlyConfigured):
                return DjangoORMRevocation(place[1], model=place[2]).model is self.model
        return False

    @property
    def too_short(self) -> str | None:
        """The problem of a field `jti` that is too short for the digest of an ID."""
        room: int | None = getattr(self.model._meta.get_field("jti"), "max_length", None)
        is_uuid = self.model._meta.get_field("jti").get_internal_type() == "UUIDField"
        return None if is_uuid or room is None or room >= SHORTEST else TOO_SHORT.format(self, room, SHORTEST)

    @property
    def _rows(self) -> Any:
        from django.db import router

        model: Any = self.model
        # A replica may not have received a revocation yet.
        return model._default_manager.db_manager(router.db_for_write(model))

    def _stored_ids(self, jti: str) -> list[Any]:
        """The values of the field for this ID, the preferred one first."""
        from django.db import connections
        from django.db.models import UUIDField

        field: Any = self.model._meta.get_field("jti")
        if isinstance(field, UUIDField):
            return [row_uuid(jti)]
        if (too_short := self.too_short) is not None:
            raise ImproperlyConfigured(too_short)
        room = field.max_length or MOST_ROOM
        connection = connections[self._rows.db]
        is_exact = connection.vendor in EXACT and not getattr(field, "db_collation", None)
        return row_ids(jti, room, is_exact=is_exact and "citext" not in (field.db_type(connection) or ""))

    def _exact(self, stored: Iterable[Any], *, is_locked: bool = False) -> list[Any]:
        """The primary keys of the rows with these ids. The collation of the column may find others, such as `ABC` for
        `abc`."""
        wanted = set(stored)
        rows = self._rows.select_for_update() if is_locked else self._rows
        found = rows.filter(jti__in=wanted).values_list("pk", "jti")
        return [pk for pk, jti in found if jti in wanted or (isinstance(jti, UUID) and str(jti) in wanted)]

    def _expires_at(self, field: Field[Any, Any] | None, ttl: Ttl) -> datetime | None:
        lifetime = self.lifetime(ttl)
        if field is None or (lifetime is None and field.null):
            return None
        try:
            return clock.now() + timedelta(seconds=math.inf if lifetime is None else lifetime)
        except OverflowError:
            return datetime(9999, 1, 1, tzinfo=clock.now().tzinfo)

    def _write(self, jti: str, expires_at: datetime | None) -> None:
        stored = self._stored_ids(jti)
        for _ in range(ATTEMPTS):
            keys = self._exact(stored) or self._insert(stored, expires_at)
            # An expired row may have been deleted in the meantime.
            if not keys or self._extend(keys, expires_at):
                return
        raise RevocationUnavailable(f"{self} did not keep the entry: the token is not revoked")

    def _insert(self, stored: list[Any], expires_at: datetime | None) -> list[Any]:
        """Inserts a row. If another writer did, returns its primary key."""
        defaults = {} if self.expiry_field is None else {"expires_at": expires_at}
        for value in stored:
            # If the collation confuses another row with this value, the next one is written.
            try:
                row, is_new = self._rows.get_or_create(jti=value, defaults=defaults)
            except IntegrityError:
                # The transaction doesn't see the row of another one that was committed later, except with a lock.
                with transaction.atomic(using=self._rows.db):
                    if keys := self._exact(stored, is_locked=True):
                        return keys
                continue
            if is_new:
                return []
            if row.jti == value:
                return [row.pk]
        raise RevocationUnavailable(f"{self} can't hold the id of this token: the token is not revoked")

    def _extend(self, keys: list[Any], expires_at: datetime | None) -> bool:
        """Whether the rows still exist. One statement, so that a later expiry of another writer isn't lost."""
        rows = self._rows.filter(pk__in=keys)
        if self.expiry_field is None:
            return bool(rows.exists())
        return bool(rows.update(expires_at=watermark_table.later(expires_at)))

    def __str__(self) -> str:
        return self.model_path or str(self.model_label)


def _load(shown: object, path: str | None, label: str | None) -> type[Model]:
    from django.apps import apps
    from django.db.models import Model

    try:
        found = import_string(path) if path else apps.get_model(str(label))
    except (ImportError, LookupError, ValueError) as error:
        raise ImproperlyConfigured(f"DjangoORMRevocation: {shown} can't be loaded: {error}.") from error
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise ImproperlyConfigured(f"DjangoORMRevocation: {shown} is not a model.")
    return found


ATTEMPTS = 5
NO_WATERMARKS = (
    "DjangoORMRevocation({}) revokes single tokens only. To revoke all tokens of a session, subject, issuer or key, "
    'pass watermark_model="boltguard.RevocationWatermark".'
)
# Databases whose collations tell all strings apart, unless a column says otherwise.
EXACT = ("postgresql", "sqlite")
MOST_ROOM = 255
TOO_SHORT = "DjangoORMRevocation: the max_length of {}.jti is {}. It must be at least {}, preferably 255."
