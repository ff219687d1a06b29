"""Last uses of keys, written in batches: after a request, at most once a minute, and when the process exits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Case, DateTimeField, F, Q, Value, When

from boltguard import _rust, forks
from boltguard.api_keys.notices import unnoticed
from boltguard.api_keys.places import Place, at
from boltguard.events import send
from boltguard.signals import api_key_used

if TYPE_CHECKING:
    from boltguard.api_keys.snapshot import Rules
    from boltguard.api_keys.store import APIKeyStore

logger = logging.getLogger("boltguard")

WRITE_INTERVAL = 60.0
# Each row has three parameters, and SQLite supports 999.
BATCH = 200


class Usage:
    """The uses of the keys of one place, which are written where the keys are."""

    def __init__(self, rules: Rules, place: Place, store: APIKeyStore, *, at_once: bool) -> None:
        self.rust = rules.new_store()
        self.search_path = ""
        self._place = place
        self._store = store
        self._model = rules.model
        self._secret_id = rules.conf.api_key_secrets[0].id
        # A tenant may send no other request, and its tables may only be accessible in its requests.
        self._next = monotonic() + (0.0 if at_once else WRITE_INTERVAL)
        self._waiting: dict[str, _rust.ApiKeyUse] = {}
        self._lock = Lock()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """For a child process, in which no other thread holds the lock."""
        self._lock = Lock()

    @property
    def can_be_written_anywhere(self) -> bool:
        """Whether a request for another place can write them."""
        return self._place.tenant is None and (not self._place.schema or self.search_path != "")

    def write(self, *, due: bool = False) -> bool:
        """Writes pending uses; with `due`, only if the write interval has passed. Returns whether none remain."""
        if (due and monotonic() < self._next) or not self._lock.acquire(blocking=False):
            return False
        try:
            self._waiting.update((use.id, use) for use in self.rust.take_uses())
            return not self._waiting or self._write()
        finally:
            self._lock.release()

    def _write(self) -> bool:
        uses = sorted(self._waiting.values(), key=lambda use: use.id)
        try:
            with unnoticed(), at(self._place, self._store, self.search_path) as is_there:
                if not is_there:
                    return False
                for batch in _batches(uses):
                    self._write_dates(self._place.using, batch)
                self._write_digests(self._place.using, [use for use in uses if use.new_digest is not None])
                used = self._used(uses)
        except Exception as error:  # this must not fail a request
            logger.warning("The last uses of %d API keys could not be written: %s", len(uses), error)
            used = []
        self._next = monotonic() + WRITE_INTERVAL
        self._waiting.clear()
        for row in used:
            send(api_key_used, self._model, api_key=row)
        return True

    def _used(self, uses: list[_rust.ApiKeyUse]) -> list[Any]:
        """The rows of these keys, for receivers of `api_key_used`."""
        if not api_key_used.has_listeners(self._model):
            return []
        rows = self._model._base_manager.using(self._place.using)
        return [row for batch in _batches(uses) for row in rows.filter(pk__in=[use.id for use in batch])]

    def _write_dates(self, using: str, uses: list[_rust.ApiKeyUse]) -> None:
        # Another process may have seen a later use.
        cases = [
            When(Q(last_used_at=None) | Q(last_used_at__lt=at), pk=use.id, then=Value(at, DateTimeField()))
            for use, at in ((use, _moment(use.at)) for use in uses)
        ]
        rows = self._model._base_manager.using(using).filter(pk__in=[use.id for use in uses])
        rows.update(last_used_at=Case(*cases, default=F("last_used_at")))

    def _write_digests(self, using: str, uses: list[_rust.ApiKeyUse]) -> None:
        """Updates digests to the current `SECRET_KEY`, so that an old one can be removed from the fallbacks."""
        # Imports the models, which can't be imported as early as this module.
        from boltguard.api_keys.changes import changing

        if not uses:
            return
        with changing(using) as stamp:
            for use in uses:
                row = self._model._base_manager.using(using).filter(pk=use.id, digest=use.digest)
                row.update(digest=use.new_digest, secret_id=self._secret_id, stamp=stamp)


def _batches(uses: list[_rust.ApiKeyUse]) -> Iterator[list[_rust.ApiKeyUse]]:
    for start in range(0, len(uses), BATCH):
        yield uses[start : start + BATCH]


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc if settings.USE_TZ else None)
