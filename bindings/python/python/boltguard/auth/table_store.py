"""`DjangoORMRevocation`: revoked tokens in a table."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.utils import timezone
from django.utils.module_loading import import_string

from boltguard.auth.stores import NAME_AREVOKE, RevocationStore, Ttl
from boltguard.auth.sync_async import AwaitableNone
from boltguard.auth.token_ids import SHORTEST, checked_jti, row_ids, row_uuid
from boltguard.event_loop import in_event_loop
from boltguard.exceptions import RevocationUnavailable
from boltguard.threads import in_thread

if TYPE_CHECKING:
    from django.db.models import Field, Model


class DjangoORMRevocation(RevocationStore):
    """Stored in a table: a model with a field `jti`, and optionally `expires_at`.

    `model_path="myapp.models.RevokedToken"` or `model="myapp.RevokedToken"`; without either, the one that comes with
    Boltguard. It is read from the database that it is written to, never from a replica. An id that does not fit in the
    field is stored as its digest.
    """

    def __init__(self, model_path: str | None = None, *, model: str | None = None) -> None:
        if model_path is not None and model is not None:
            raise ImproperlyConfigured("DjangoORMRevocation: model_path and model can't be used together.")
        if model_path is None and model is None:
            model = "boltguard.RevokedToken"
        for name, value, parts in (("model_path", model_path, "myapp.models.Name"), ("model", model, "myapp.Name")):
            if value is not None and (not isinstance(value, str) or "." not in value.strip(".")):
                raise ImproperlyConfigured(
                    f'DjangoORMRevocation: {name} is {value!r}. It must be a path, such as "{parts}".'
                )
        self.model_path = model_path
        self.model_label = model

    def revoke(self, jti: str, ttl: Ttl = None) -> AwaitableNone:
        if in_event_loop():
            raise SynchronousOnlyOperation(NAME_AREVOKE)
        self._write(checked_jti(jti), self._expires_at(ttl))
        return AwaitableNone()

    def is_revoked(self, jti: str) -> bool:
        return bool(self._exact(self._stored_ids(jti)))

    async def arevoke(self, jti: str, ttl: Ttl = None) -> None:
        await in_thread(DjangoORMRevocation.revoke)(self, jti, ttl)

    async def ais_revoked(self, jti: str) -> bool:
        return await in_thread(DjangoORMRevocation.is_revoked)(self, jti)

    def purge(self) -> int:
        """Deletes expired entries, if the model has a field `expires_at`, and returns their number."""
        if self.expiry_field is None:
            return 0
        return int(self._rows.filter(expires_at__lt=timezone.now()).delete()[0])

    async def apurge(self) -> int:
        """`purge`, for async code."""
        return await in_thread(self.purge)()

    @property
    def model(self) -> type[Model]:
        """The model. It is loaded late, because settings create stores before the models are loaded."""
        from django.apps import apps
        from django.db.models import Model

        try:
            found = import_string(self.model_path) if self.model_path else apps.get_model(str(self.model_label))
        except (ImportError, LookupError, ValueError) as error:
            raise ImproperlyConfigured(f"DjangoORMRevocation: {self} can't be loaded: {error}.") from error
        if not (isinstance(found, type) and issubclass(found, Model)):
            raise ImproperlyConfigured(f"DjangoORMRevocation: {self} is not a model.")
        return found

    @property
    def expiry_field(self) -> Field[Any, Any] | None:
        """The model's `expires_at`."""
        return next((field for field in self.model._meta.fields if field.name == "expires_at"), None)

    @property
    def place(self) -> Hashable:
        return DjangoORMRevocation, self.model_path, self.model_label

    def shares_entries(self, place: Hashable) -> bool:
        if place == self.place:
            return True
        if isinstance(place, tuple) and place[0] is DjangoORMRevocation:
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

    def _exact(self, stored: Iterable[Any]) -> list[Any]:
        """The primary keys of the rows with these ids. The collation of the column may find others, such as `ABC` for
        `abc`."""
        wanted = set(stored)
        found = self._rows.filter(jti__in=wanted).values_list("pk", "jti")
        return [pk for pk, jti in found if jti in wanted or (isinstance(jti, UUID) and str(jti) in wanted)]

    def _expires_at(self, ttl: Ttl) -> datetime | None:
        field, lifetime = self.expiry_field, self.lifetime(ttl)
        if field is None or (lifetime is None and field.null):
            return None
        try:
            return timezone.now() + timedelta(seconds=math.inf if lifetime is None else lifetime)
        except OverflowError:
            return datetime(9999, 1, 1, tzinfo=timezone.now().tzinfo)

    def _write(self, jti: str, expires_at: datetime | None) -> None:
        stored = self._stored_ids(jti)
        defaults = {} if self.expiry_field is None else {"expires_at": expires_at}
        keys = self._exact(stored)
        for value in () if keys else stored:
            # If the collation confuses another row with this value, the next one is written.
            row, is_new = self._rows.get_or_create(jti=value, defaults=defaults)
            if is_new:
                return
            if row.jti == value:
                keys = [row.pk]
                break
        if not keys:
            raise RevocationUnavailable(f"{self} can't hold the id of this token: the token is not revoked")
        if self.expiry_field is not None:
            self._extend(self._rows.filter(pk__in=keys), expires_at)

    @staticmethod
    def _extend(rows: Any, expires_at: datetime | None) -> None:
        """Uses one statement each, so that a later expiry of another writer isn't lost."""
        if expires_at is None:
            rows.filter(expires_at__isnull=False).update(expires_at=None)
        else:
            rows.filter(expires_at__lt=expires_at).update(expires_at=expires_at)

    def __str__(self) -> str:
        return self.model_path or str(self.model_label)


# Databases whose collations tell all strings apart, unless a column says otherwise.
EXACT = ("postgresql", "sqlite")
MOST_ROOM = 255
TOO_SHORT = "DjangoORMRevocation: the max_length of {}.jti is {}. It must be at least {}, preferably 255."
