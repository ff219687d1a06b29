"""The table of sessions: one row for each login. It contains no tokens and no digests of tokens."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from boltguard import _rust
from boltguard.sessions.clock import current, timestamp

# Without the app, the model would still be related to users, and deleting a user would query its table.
if not apps.is_installed("boltguard.sessions"):
    raise ImproperlyConfigured(
        'The table of sessions isn\'t installed. Add "boltguard.sessions" to INSTALLED_APPS and run '
        "`python manage.py migrate boltguard_sessions`."
    )


class TokenSessionQuerySet(models.QuerySet["TokenSession"]):
    """Queries by user and state."""

    def of(self, user: Any) -> TokenSessionQuerySet:
        """The sessions of a user."""
        return self.filter(user_id=user.pk)

    def active(self) -> TokenSessionQuerySet:
        """Sessions that can be continued."""
        return self.filter(ended_at=None, expires_at__gt=current())

    def expired(self) -> TokenSessionQuerySet:
        """Sessions that can't be continued because they have expired, whether or not they were ended before."""
        return self.filter(expires_at__lte=current())


class TokenSession(models.Model):
    """A session. Its refresh tokens are derived from the ID, the generation and the key of the site.

    Create and change sessions with `TokenSessions`, which also revokes their access tokens.
    """

    id = models.CharField("ID", max_length=12, primary_key=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="boltguard_sessions",
        verbose_name=_("user"),
        editable=False,
    )
    user_id: Any
    generation = models.PositiveBigIntegerField(_("generation"), default=0, editable=False)
    created_at = models.DateTimeField(pgettext_lazy("session", "created"), editable=False)
    last_used_at = models.DateTimeField(pgettext_lazy("session", "last used"), editable=False)
    # `last_used_at` in microseconds since the epoch. Naive local dates, with USE_TZ = False, are ambiguous.
    stamp = models.BigIntegerField(editable=False)
    expires_at = models.DateTimeField(pgettext_lazy("session", "expires"), db_index=True, editable=False)
    ended_at = models.DateTimeField(pgettext_lazy("session", "ended"), null=True, blank=True, editable=False)
    # Django's hash for sessions: it changes when the password does.
    auth_hash = models.CharField(max_length=128, blank=True, default="", editable=False)
    user_agent = models.CharField(_("user agent"), max_length=255, blank=True, default="", editable=False)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True, editable=False)

    objects = TokenSessionQuerySet.as_manager()

    class Meta:
        app_label = "boltguard_sessions"
        ordering = ("-last_used_at", "id")
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return self.id

    @property
    def subject(self) -> str:
        """The `sub` of the access tokens."""
        return str(self.user_id)

    @property
    def is_active(self) -> bool:
        """Whether the session can be continued."""
        return self.ended_at is None and self.expires_at > current()

    @property
    def state(self) -> _rust.SessionState:
        """The state, as the engine reads it."""
        return _rust.SessionState(
            self.id,
            self.subject,
            generation=self.generation,
            created=timestamp(self.created_at),
            last_used=self.stamp / 1_000_000,
            ended=None if self.ended_at is None else timestamp(self.ended_at),
        )
