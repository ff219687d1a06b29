"""The tables: revoked tokens, for `DjangoORMRevocation()`, and API keys, for `APIKeyAuthentication(store=True)`."""

from django.db import models

from boltguard.api_keys import has_users

if has_users():
    from boltguard.api_keys.changes import APIKeyChanges as APIKeyChanges
    from boltguard.api_keys.models import APIKey as APIKey


class RevokedToken(models.Model):
    """A token that is refused although its signature is good, until `expires_at`, or for good."""

    jti = models.CharField("token id", max_length=255, unique=True)
    expires_at = models.DateTimeField("kept until", null=True, blank=True, db_index=True)
    revoked_at = models.DateTimeField("revoked at", auto_now_add=True)

    class Meta:
        verbose_name = "revoked token"
        verbose_name_plural = "revoked tokens"

    def __str__(self) -> str:
        return self.jti
