"""The table of revoked tokens, for `DjangoORMRevocation()`."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from boltguard.api_keys.changes import APIKeyChanges as APIKeyChanges
    from boltguard.api_keys.models import APIKey as APIKey


__all__ = ["APIKey", "RevokedToken"]


class RevokedToken(models.Model):
    """A token that was revoked, until `expires_at`."""

    jti = models.CharField(_("token ID"), max_length=255, unique=True)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True, db_index=True)
    revoked_at = models.DateTimeField(_("revoked at"), auto_now_add=True)

    class Meta:
        verbose_name = _("revoked token")
        verbose_name_plural = _("revoked tokens")

    def __str__(self) -> str:
        return self.jti


def __getattr__(name: str) -> Any:
    """`APIKey` and `APIKeyChanges`, which belong to the app `boltguard.api_keys`."""
    if name not in ("APIKey", "APIKeyChanges"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from boltguard.api_keys import models

    return getattr(models, name)
