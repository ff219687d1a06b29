"""The tables of revoked tokens and levels, for `DjangoORMRevocation()`, and of the results of shadow mode."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from boltguard.api_keys.changes import APIKeyChanges as APIKeyChanges
    from boltguard.api_keys.models import APIKey as APIKey


__all__ = ["APIKey", "RevocationWatermark", "RevokedToken", "ShadowResult"]


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


class RevocationWatermark(models.Model):
    """A revocation of all tokens of a session, subject, issuer or key that were issued at or before a time."""

    key = models.CharField(
        _("level"),
        max_length=160,
        unique=True,
        help_text=_("The kind of the level, and the SHA-256 digest of its value."),
    )
    before = models.BigIntegerField(
        _("issued at or before"), help_text=_("In milliseconds since 1970-01-01 00:00 UTC.")
    )
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True, db_index=True)
    revoked_at = models.DateTimeField(_("revoked at"), auto_now_add=True)

    class Meta:
        verbose_name = _("revocation of several tokens")
        verbose_name_plural = _("revocations of several tokens")

    def __str__(self) -> str:
        return self.key


class ShadowResult(models.Model):
    """How often a comparison in shadow mode had a result, for one method of a route."""

    key = models.CharField(max_length=64, unique=True)
    method = models.CharField(max_length=16)
    route = models.TextField()
    outcome = models.CharField(max_length=32)
    reason = models.CharField(max_length=100)
    count = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "result of shadow mode"
        verbose_name_plural = "results of shadow mode"

    def __str__(self) -> str:
        return f"{self.method} /{self.route}: {self.outcome} ({self.reason})"


def __getattr__(name: str) -> Any:
    """`APIKey` and `APIKeyChanges`, which belong to the app `boltguard.api_keys`."""
    if name not in ("APIKey", "APIKeyChanges"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from boltguard.api_keys import models

    return getattr(models, name)
