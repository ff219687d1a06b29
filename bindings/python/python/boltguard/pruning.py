"""Deletes expired rows of the tables of Boltguard in batches, for `manage.py boltguard_prune`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connections, router, transaction
from django.db.models import Q

from boltguard import api_keys, clock, conf, registry
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.replicated_store import ReplicatedRevocation
from boltguard.auth.session_managers import SessionManager
from boltguard.auth.stores import RevocationStore
from boltguard.auth.table_store import DjangoORMRevocation
from boltguard.checks.backends import backends
from boltguard.models import ShadowResult

# The assumed longest lifetime of access tokens, if the `TokenSessions` of the site can't be created in this process.
UNKNOWN_ACCESS_LIFETIME = timedelta(days=1)
# How long results of shadow mode are kept after they occurred for the last time.
SHADOW_RESULTS_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class ExpiredRows:
    """The rows of a table that can be deleted."""

    model: Any
    using: str
    condition: Q

    @property
    def rows(self) -> Any:
        """The rows that are expired now."""
        return self.model._base_manager.using(self.using).filter(self.condition).order_by()

    def count(self) -> int:
        """How many rows there are."""
        return int(self.rows.count())

    def delete(self, batch_size: int) -> Iterator[int]:
        """Deletes the rows in batches, each in a short transaction, and yields how many each one deleted."""
        size = min(batch_size, _parameters(self.using) - RESERVED)
        while keys := list(self.rows.values_list("pk", flat=True)[:size]):
            deleted = self._delete(keys)
            if not deleted:
                # Another process holds the locks, so it deletes or extends the rows.
                return
            yield deleted

    def _delete(self, keys: list[Any]) -> int:
        features = connections[self.using].features
        with transaction.atomic(using=self.using):
            if features.has_select_for_update:
                # A row that is extended at the same time isn't expired any more. In one order, because two processes
                # that lock rows in different orders wait for each other.
                locked = self.rows.filter(pk__in=keys).order_by("pk")
                locked = locked.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
                keys = list(locked.values_list("pk", flat=True))
            deleted = self.rows.filter(pk__in=keys).delete()[1] if keys else {}
        return int(deleted.get(self.model._meta.label, 0))


def expired_rows(
    *,
    using: str | None = None,
    older_than: timedelta = timedelta(0),
    api_keys_after: timedelta | None = None,
    longest_lifetime: timedelta | None = None,
    all_shadow_results: bool = False,
) -> list[ExpiredRows]:
    """The rows that can be deleted, of each table: those that were expired for this time and can't affect a token.

    API keys are included if `api_keys_after` is given: how long ago they expired or were revoked. Levels without expiry
    are included if `longest_lifetime` is given: the longest lifetime of any token of the site. Results of shadow mode
    are kept for 30 days, unless `all_shadow_results`.
    """
    conditions = {model: _before("expires_at", held + older_than) for model, held in _revocations().items()}
    if longest_lifetime is not None:
        _check_lifetime(longest_lifetime)
        for model, held in _levels().items():
            outdated = Q(before__lt=_milliseconds(clock.now() - longest_lifetime - held - older_than))
            condition = outdated & Q(expires_at=None) if _has_expiry(model) else outdated
            conditions[model] = conditions.get(model, Q(pk__in=[])) | condition
    if apps.is_installed("boltguard.sessions"):
        from boltguard.sessions.models import TokenSession

        held = _sessions_held() + older_than
        conditions[TokenSession] = _before("expires_at", held) | _before("ended_at", held)
    outdated_results = Q() if all_shadow_results else _before("last_at", SHADOW_RESULTS_KEPT + older_than)
    conditions[ShadowResult] = outdated_results
    if api_keys_after is not None:
        from boltguard.api_keys.models import APIKey

        conditions[APIKey] = _before("expires_at", api_keys_after) | _before("revoked_at", api_keys_after)
    return [
        ExpiredRows(model, using or router.db_for_write(model), condition)
        for model, condition in conditions.items()
        if using is None or router.allow_migrate_model(using, model)
    ]


def why_no_api_keys() -> str | None:
    """Why the site can't have API keys in a table."""
    problem = api_keys.why_not_installed()
    return None if problem is None else str(problem)


def _revocations() -> dict[Any, timedelta]:
    """The models of revoked tokens and watermarks, and how long after their expiry entries may still matter.

    Entries already include the leeway and a margin for the clocks. They are kept for that time once more, in case that
    the leeway was increased after they were written, or that the clock of this machine is fast.
    """
    found: dict[Any, timedelta] = {}
    for store in _table_stores():
        held = timedelta(seconds=store.lifetime(0) or 0)
        for model in (store.model, store.watermark_model):
            if model is not None and _has_expiry(model):
                found[model] = max(held, found.get(model, held))
    return found


def _levels() -> dict[Any, timedelta]:
    """The models of watermarks, and how long after the expiry of their tokens these may be accepted."""
    found: dict[Any, timedelta] = {}
    for store in _table_stores():
        if (model := store.watermark_model) is not None:
            held = timedelta(seconds=store.lifetime(0) or 0)
            found[model] = max(held, found.get(model, held))
    return found


def _check_lifetime(longest: timedelta) -> None:
    """Raises `ImproperlyConfigured` if a token of the site can be valid for longer."""
    conf.load_backends()
    for backend in registry.instances(JWTAuthentication):
        if "exp" not in backend.setting("required_claims"):
            raise ImproperlyConfigured(NO_EXPIRY.format(backend.name))
    known = [manager.access_lifetime for manager in registry.instances(SessionManager)]
    least = max([LIFETIME_OF_TOKENS, *known])
    if longest < least:
        raise ImproperlyConfigured(TOO_SHORT.format(least))


def _table_stores() -> list[DjangoORMRevocation]:
    stores: list[RevocationStore | None] = [backend.revocation_store for backend in backends(JWTAuthentication)]
    used = [store.truth if isinstance(store, ReplicatedRevocation) else store for store in stores]
    # Also without a backend that uses it now: its entries may be from an earlier configuration.
    return [*(store for store in used if isinstance(store, DjangoORMRevocation)), DjangoORMRevocation()]


def _has_expiry(model: Any) -> bool:
    try:
        model._meta.get_field("expires_at")
    except FieldDoesNotExist:
        return False
    return True


def _sessions_held() -> timedelta:
    """How long access tokens may be accepted after the end of their session.

    If the revocation store was unavailable when a session was ended, it can be ended again until then.
    """
    from boltguard.sessions import TokenSessions

    registry.import_views()
    used = list(registry.instances(TokenSessions))
    longest = max((sessions.access_lifetime for sessions in used), default=UNKNOWN_ACCESS_LIFETIME)
    leeways = [store.lifetime(0) or 0 for sessions in used if (store := sessions.jwt_auth.revocation_store)]
    return longest + timedelta(seconds=max(leeways, default=RevocationStore().lifetime(0) or 0))


def _before(field: str, age: timedelta) -> Q:
    return Q(**{f"{field}__lt": clock.now() - age})


def _milliseconds(date: datetime) -> int:
    return int(date.timestamp() * 1000)


def _parameters(using: str) -> int:
    """The most parameters of a statement."""
    return connections[using].features.max_query_params or 100_000


# The default of `create_jwt_for_user`.
LIFETIME_OF_TOKENS = timedelta(hours=1)
NO_EXPIRY = (
    "The backend {!r} accepts tokens without exp, which are valid forever. If their entries were deleted, they would "
    'be accepted again. Require "exp" in required_claims of the backend.'
)
TOO_SHORT = (
    "--longest-lifetime is too short: tokens of this site can be valid for {}, and would be accepted again if their "
    "entries were deleted earlier. Pass the longest lifetime of all tokens."
)
# Parameters of a statement that aren't keys.
RESERVED = 20
