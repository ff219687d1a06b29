"""When keys were last used, written in batches: after a request, once a minute at most, and when the process ends."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from threading import Lock
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.db import connections, router, transaction
from django.db.models import Case, DateTimeField, F, Q, Value, When

from boltguard import _rust, registry

logger = logging.getLogger("boltguard")

WRITE_INTERVAL = 60.0
# Three parameters for each, and SQLite takes 999 of them.
BATCH = 200


class Usage:
    """The uses of the keys of one snapshot."""

    def __init__(self, rust: _rust.ApiKeyStore, model: Any, secret_id: str) -> None:
        self.database: Any = None
        self._rust = rust
        self._model = model
        self._secret_id = secret_id
        self._next = monotonic() + WRITE_INTERVAL
        self._lock = Lock()
        connect()

    def write(self, *, due: bool = False) -> None:
        """Writes what has not been written; with `due`, only if it is time to."""
        if due and monotonic() < self._next:
            return
        if self._lock.acquire(blocking=False):
            try:
                self._next = monotonic() + WRITE_INTERVAL
                self._write(self._rust.take_uses())
            finally:
                self._lock.release()

    def _write(self, uses: list[_rust.ApiKeyUse]) -> None:
        using = router.db_for_write(self._model)
        # At the end of a test run the settings name a database again that the keys are not of.
        if not uses or connections[using].settings_dict["NAME"] != self.database:
            return
        try:
            for batch in _batches(sorted(uses, key=lambda use: use.id)):
                self._write_dates(using, batch)
            self._write_digests(using, [use for use in uses if use.new_digest is not None])
        except Exception as error:  # no request fails for this
            logger.warning("the last uses of %d API keys could not be written: %s", len(uses), error)

    def _write_dates(self, using: str, uses: list[_rust.ApiKeyUse]) -> None:
        # Another process may have seen a later use.
        cases = [
            When(Q(last_used=None) | Q(last_used__lt=at), pk=use.id, then=Value(at, DateTimeField()))
            for use, at in ((use, _moment(use.at)) for use in uses)
        ]
        rows = self._model._base_manager.using(using).filter(pk__in=[use.id for use in uses])
        with transaction.atomic(using=using):
            rows.update(last_used=Case(*cases, default=F("last_used")))

    def _write_digests(self, using: str, uses: list[_rust.ApiKeyUse]) -> None:
        """Brings keys to the current `SECRET_KEY`, so that an old one can leave `SECRET_KEY_FALLBACKS` some day."""
        from boltguard.api_keys.changes import changing

        if not uses:
            return
        with changing(using) as stamp:
            for use in uses:
                row = self._model._base_manager.using(using).filter(pk=use.id, digest=use.digest)
                row.update(digest=use.new_digest, secret_id=self._secret_id, stamp=stamp)


def connect() -> None:
    """Has uses written after requests, and at the end of the process."""
    request_finished.connect(_write_due, dispatch_uid="boltguard.api_keys.usage")
    atexit.unregister(_write_all)
    atexit.register(_write_all)


def _write_due(**kwargs: Any) -> None:
    for store in _stores():
        store.write_uses(due=True)


def _write_all() -> None:
    for store in _stores():
        try:
            store.write_uses()
        except Exception as error:  # the process ends; there is nobody left to tell
            logger.debug("the last uses of API keys were not written: %s", error)


def _stores() -> Iterator[Any]:
    from boltguard.api_keys.store import APIKeyStore

    return registry.instances(APIKeyStore)


def _batches(uses: list[_rust.ApiKeyUse]) -> Iterator[list[_rust.ApiKeyUse]]:
    for start in range(0, len(uses), BATCH):
        yield uses[start : start + BATCH]


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc if settings.USE_TZ else None)
