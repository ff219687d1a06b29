"""`APIKey`: the row of a generated key, with a digest instead of the key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models, router
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from boltguard import _rust, clock, conf
from boltguard.api_keys import APP, NOT_INSTALLED
from boltguard.api_keys.announcements import announce
from boltguard.api_keys.fields import checked, checked_overlap
from boltguard.signals import api_key_revoked, api_key_rotated
from boltguard.threads import in_thread

# Without the app, the model would still be related to users, and deleting a user would query its table.
if not apps.is_installed(APP):
    raise ImproperlyConfigured(str(NOT_INSTALLED))

from boltguard.api_keys.changes import APIKeyChanges as APIKeyChanges  # noqa: E402
from boltguard.api_keys.changes import changing  # noqa: E402

# Not part of the snapshots of the table.
UNSEEN = frozenset({"name", "last_used_at"})
# The context is for languages in which these words agree with the gender of "API key".
STATUSES = {
    "active": pgettext_lazy("API key", "active"),
    "expired": pgettext_lazy("API key", "expired"),
    "revoked": pgettext_lazy("API key", "revoked"),
}


class APIKeyQuerySet(models.QuerySet["APIKey"]):
    """Methods that change keys notify the processes with snapshots of them."""

    def active(self) -> APIKeyQuerySet:
        """Keys that can be used now."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()), revoked_at=None)

    def expired(self) -> APIKeyQuerySet:
        """Keys that have expired and weren't revoked."""
        return self.filter(expires_at__lte=clock.now(), revoked_at=None)

    def revoked(self) -> APIKeyQuerySet:
        """Keys that were revoked."""
        return self.exclude(revoked_at=None)

    def revoke(self) -> int:
        """Revokes these keys permanently, and returns how many weren't revoked before."""
        with changing(self._writes_to) as stamp:
            count = super(APIKeyQuerySet, self.filter(revoked_at=None)).update(revoked_at=clock.now(), stamp=stamp)
            if count and api_key_revoked.has_listeners(self.model):
                for row in self.model._base_manager.using(self.db).filter(stamp=stamp):
                    announce(api_key_revoked, row)
        return count

    revoke.alters_data = True  # type: ignore[attr-defined]

    async def arevoke(self) -> int:
        """`revoke`, for async code."""
        return await in_thread(self.revoke)()

    arevoke.alters_data = True  # type: ignore[attr-defined]

    def mark_changed(self) -> None:
        """Makes every process read all keys again. Call it after you have changed keys with SQL."""
        with changing(self._writes_to, unstamped=True):
            pass

    mark_changed.alters_data = True  # type: ignore[attr-defined]

    async def amark_changed(self) -> None:
        """`mark_changed`, for async code."""
        await in_thread(self.mark_changed)()

    amark_changed.alters_data = True  # type: ignore[attr-defined]

    def update(self, **values: Any) -> int:
        if values.keys() <= UNSEEN:
            return super().update(**values)
        with changing(self._writes_to) as stamp:
            return super().update(**values, stamp=stamp)

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[APIKey], *args: Any, **options: Any) -> list[APIKey]:
        rows = list(objs)
        # Rows that were there before keep their stamp under `update_conflicts`.
        with changing(self._writes_to, unstamped=bool(options.get("update_conflicts"))) as stamp:
            for row in rows:
                row.stamp = stamp
            return super().bulk_create(rows, *args, **options)

    @property
    def _writes_to(self) -> str:
        self._for_write = True
        return self.db


class APIKeyManager(models.Manager.from_queryset(APIKeyQuerySet)):  # type: ignore[misc]
    """Creates keys."""

    def create_key(
        self,
        *,
        name: str,
        owner: Any = None,
        permissions: Iterable[str] = (),
        scopes: Iterable[str] = (),
        expires: datetime | timedelta | None = None,
    ) -> tuple[APIKey, str]:
        """Creates a key, and returns its row and the key, which can't be shown again.

        Requests with the key are made by its `owner`, or without an account. `permissions` can contain wildcards
        (`blog.*`); `expires` is a datetime or a timedelta from now.
        """
        fields = {"name": name, "owner": owner, "permissions": permissions, "scopes": scopes}
        key, generated = self.issue(**checked(expires, **fields))
        return key, generated.expose()

    create_key.alters_data = True  # type: ignore[attr-defined]

    async def acreate_key(self, **fields: Any) -> tuple[APIKey, str]:
        """`create_key`, for async code."""
        return await in_thread(self.create_key)(**fields)

    acreate_key.alters_data = True  # type: ignore[attr-defined]

    def issue(self, **fields: Any) -> tuple[APIKey, _rust.GeneratedApiKey]:
        """`create_key` with validated fields, and with a key that error pages don't show."""
        generated = conf.current().api_key_format.generate()
        return self.create(**identity(generated), **fields), generated

    issue.alters_data = True  # type: ignore[attr-defined]


def identity(generated: _rust.GeneratedApiKey) -> dict[str, Any]:
    """The fields that identify a key."""
    secret = conf.current().api_key_secrets[0]
    return {"id": generated.id, "digest": generated.digest(secret.pepper), "secret_id": secret.id}


class APIKey(models.Model):
    """An API key. Requests with it are made by its owner, with its permissions and scopes."""

    id = models.CharField("ID", max_length=32, primary_key=True, editable=False)
    name = models.CharField(_("name"), max_length=200, help_text=_("What the key is for."))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="boltguard_api_keys",
        verbose_name=_("owner"),
        help_text=_("Requests with the key are made as this user. A key doesn't need an owner."),
    )
    digest = models.BinaryField(_("digest"), max_length=32)
    secret_id = models.CharField(_("secret ID"), max_length=16, editable=False)
    permissions = models.JSONField(_("permissions"), default=list, blank=True)
    scopes = models.JSONField(_("scopes"), default=list, blank=True)
    created_at = models.DateTimeField(pgettext_lazy("API key", "created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(pgettext_lazy("API key", "expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(pgettext_lazy("API key date", "revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(pgettext_lazy("API key", "last used"), null=True, blank=True, editable=False)
    stamp = models.PositiveBigIntegerField(default=0, db_index=True, editable=False)

    objects = APIKeyManager()

    class Meta:
        app_label = "boltguard_api_keys"
        ordering = ("-created_at", "id")
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    @property
    def status(self) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= clock.now() else "active"

    def revoke(self) -> None:
        """Revokes the key permanently."""
        with self._locked() as row:
            self.revoked_at = row.revoked_at or clock.now()
            self.save(update_fields=["revoked_at"])
            if row.revoked_at is None:
                announce(api_key_revoked, self)

    revoke.alters_data = True  # type: ignore[attr-defined]

    async def arevoke(self) -> None:
        """`revoke`, for async code."""
        await in_thread(self.revoke)()

    arevoke.alters_data = True  # type: ignore[attr-defined]

    def rotate(self, overlap: timedelta = timedelta(0)) -> tuple[APIKey, str]:
        """Replaces the key by a new one with the same name, owner, permissions and scopes.

        This key expires after the overlap. The new one has the lifetime that this one had when it was created.
        """
        successor, generated = self.replace(checked_overlap(overlap))
        return successor, generated.expose()

    rotate.alters_data = True  # type: ignore[attr-defined]

    async def arotate(self, overlap: timedelta = timedelta(0)) -> tuple[APIKey, str]:
        """`rotate`, for async code."""
        return await in_thread(self.rotate)(overlap)

    arotate.alters_data = True  # type: ignore[attr-defined]

    @contextmanager
    def _locked(self) -> Iterator[APIKey]:
        """The current row, locked."""
        using = router.db_for_write(APIKey, instance=self)
        with changing(using):
            yield APIKey.objects.using(using).select_for_update().get(pk=self.pk)

    def replace(self, overlap: timedelta) -> tuple[APIKey, _rust.GeneratedApiKey]:
        """`rotate`, with a key that error pages don't show."""
        now = clock.now()
        with self._locked() as row:
            if row.status != "active":
                raise ValueError(f"API key {row.id} is {row.status}. Create a new key instead.")
            kept = {name: getattr(row, name) for name in ("name", "owner_id", "permissions", "scopes")}
            lifetime = None if row.expires_at is None else row.expires_at - row.created_at
            expires_at = None if lifetime is None else now + lifetime
            successor, generated = APIKey.objects.db_manager(row._state.db).issue(
                **kept, created_at=now, expires_at=expires_at
            )
            self.expires_at = now + overlap if row.expires_at is None else min(row.expires_at, now + overlap)
            self.save(update_fields=["expires_at"])
            announce(api_key_rotated, self, successor=successor)
        return successor, generated

    replace.alters_data = True  # type: ignore[attr-defined]

    def save_base(self, *args: Any, **options: Any) -> None:
        fields = options.get("update_fields")
        if fields is not None and set(fields) <= UNSEEN:
            super().save_base(*args, **options)
            return
        using = options.get("using") or router.db_for_write(APIKey, instance=self)
        with changing(using) as self.stamp:
            if fields is not None:
                options["update_fields"] = frozenset({*fields, "stamp"})
            super().save_base(*args, **options)

    save_base.alters_data = True  # type: ignore[attr-defined]
