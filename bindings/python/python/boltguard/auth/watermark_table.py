"""The table of watermarks of `DjangoORMRevocation`: a model with `key`, `before` and, optionally, `expires_at`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import IntegrityError, router, transaction
from django.db.models import Case, F, Max, Q, Value, When
from django.db.models.functions import Greatest

from boltguard import clock
from boltguard._rust import RevocationLevel
from boltguard.auth.token_ids import LEVEL
from boltguard.exceptions import RevocationUnavailable

# At most 137 characters, of which the longest is a subject of one issuer.

LONGEST_KEY = 137


def row_key(level: RevocationLevel) -> str:
    """The key of a level: its name in shared stores, without the prefix that is common to all."""
    return level.storage_key.removeprefix(LEVEL)


def latest(model: Any, levels: list[RevocationLevel]) -> int | None:
    """The latest valid watermark of these levels."""
    rows = _rows(model).filter(key__in=[row_key(level) for level in levels])
    if has_expiry(model):
        rows = rows.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now()))
    found: int | None = rows.aggregate(latest=Max("before"))["latest"]
    return found


def write(model: Any, level: RevocationLevel, before: int, expires_at: datetime | None) -> None:
    """Moves the watermark of a level forward and extends it, or inserts it.

    An existing one is updated by one statement, which the database serializes with those of other writers, so that
    neither a later time nor a longer lifetime is lost.
    """
    rows, key = _rows(model), row_key(level)
    changes: dict[str, Any] = {"before": Greatest("before", Value(before))}
    fields: dict[str, Any] = {"key": key, "before": before}
    if has_expiry(model):
        changes["expires_at"] = later(expires_at)
        fields["expires_at"] = expires_at
    row = rows.filter(key=key)
    for _ in range(ATTEMPTS):
        # An update that finds nothing would lock a gap of MariaDB's index, on which two transactions block each other.
        if row.exists() and row.update(**changes):
            return
        try:
            with transaction.atomic(using=rows.db):
                rows.create(**fields)
            return
        except IntegrityError:
            # Another writer inserted it, maybe after this transaction began, which can't read it then.
            if row.update(**changes):
                return
    raise RevocationUnavailable(f"{model._meta.label} can't hold the watermark: nothing is revoked")


def later(expires_at: datetime | None) -> Any:
    """The later one of the `expires_at` of a row and this one, where null means forever."""
    if expires_at is None:
        return Value(None)
    return Case(When(expires_at__lt=expires_at, then=Value(expires_at)), default=F("expires_at"))


def purge(model: Any) -> int:
    """Deletes expired watermarks, and returns their number."""
    return int(_rows(model).filter(expires_at__lt=clock.now()).delete()[0]) if has_expiry(model) else 0


def has_expiry(model: Any) -> bool:
    """Whether the model has a field `expires_at`."""
    return any(field.name == "expires_at" for field in model._meta.fields)


def problem(model: Any) -> str | None:
    """Why a model can't hold watermarks."""
    try:
        key, _ = model._meta.get_field("key"), model._meta.get_field("before")
    except FieldDoesNotExist:
        return f"{model._meta.label} requires the fields key and before."
    if not key.unique:
        return f"{model._meta.label}.key must have unique=True."
    if key.max_length is not None and key.max_length < LONGEST_KEY:
        return f"The max_length of {model._meta.label}.key is {key.max_length}. It must be at least {LONGEST_KEY}."
    return None


def _rows(model: Any) -> Any:
    if (found := problem(model)) is not None:
        raise ImproperlyConfigured(f"DjangoORMRevocation: {found}")
    # A replica may not have received a revocation yet.
    return model._default_manager.db_manager(router.db_for_write(model))


ATTEMPTS = 5
