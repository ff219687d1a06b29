"""How every process learns that the table of API keys has changed.

One row counts the changes. A change of a key increments the count in the same transaction and locks the row until it
ends, so keys become visible in the order of the counts that they are stamped with. A process that has read the keys up
to a count finds all later changes by querying for greater counts.

A count doesn't identify a change. A database that fails over to a standby may lose the last changes and then count as
many others, so each change also has a random mark, and the row contains the marks of the latest changes. A process
reads only the keys stamped since then if the mark that it knows is at the position that the counts imply; otherwise it
reads all keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Left
from django.utils.translation import gettext_lazy as _

from boltguard.api_keys import keys_changed

# The numbers of hexadecimal digits in a mark, and of marks in the row.
MARK = 16
MARKS = 64


class APIKeyChanges(models.Model):
    """The single row. `marks` are those of the latest changes, the last one first; `removed` is the count of the last
    change that deleted a key, or that wrote one without a stamp.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.PositiveBigIntegerField(default=0)
    removed = models.PositiveBigIntegerField(default=0)
    marks = models.CharField(max_length=MARK * MARKS, default="", blank=True)

    class Meta:
        app_label = "boltguard_api_keys"
        default_permissions = ()
        verbose_name = _("API key changes")
        verbose_name_plural = _("API key changes")

    def __str__(self) -> str:
        return str(self.version)


class Version(NamedTuple):
    """The state of the row: the counts and the marks. Empty if nothing was ever changed."""

    version: int = 0
    removed: int = 0
    marks: str = ""

    def continues(self, read: Version) -> bool:
        """Whether the changes since `read` can be found by the stamps of the keys."""
        behind = self.version - read.version
        known, mark = read.marks[:MARK], self.marks[MARK * behind :][:MARK] if behind >= 0 else ""
        return self == read or (self.removed <= read.version and known != "" and known == mark)


@contextmanager
def changing(using: str, *, unstamped: bool = False) -> Iterator[int]:
    """Opens a transaction and yields the count to stamp changed keys with. Pass `unstamped` if the changes can't be
    found by their stamp.
    """
    with transaction.atomic(using=using):
        yield _next(using, unstamped)
        note_change()
        transaction.on_commit(note_change, using=using)


def note_change() -> None:
    """Makes all stores of this process check the table before their next lookup."""
    keys_changed.send(sender=APIKeyChanges)


def current_version(using: str) -> Version:
    """The current state of the row."""
    rows = _rows(using).filter(pk=1).values_list("version", "removed", "marks")
    return Version(*(rows.first() or ()))


def pending_changes(connection: Any) -> list[Any]:
    """The uncommitted changes of this connection."""
    return [entry for entry in connection.run_on_commit if entry[1] is note_change]


def _next(using: str, unstamped: bool) -> int:
    # The order matters: in MySQL, later assignments see earlier ones.
    counted: dict[str, Any] = {"removed": F("version") + 1} if unstamped else {}
    counted["version"] = F("version") + 1
    counted["marks"] = Left(Concat(Value(secrets.token_hex(MARK // 2)), F("marks")), MARK * MARKS)
    row = _rows(using).filter(pk=1)
    if not row.update(**counted):
        _rows(using).get_or_create(pk=1)
        row.update(**counted)
    return int(row.values_list("version", flat=True).get())


def _rows(using: str) -> Any:
    return APIKeyChanges._base_manager.using(using)
