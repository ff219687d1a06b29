"""The app `boltguard.sessions`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SessionsConfig(AppConfig):
    name = "boltguard.sessions"
    label = "boltguard_sessions"
    verbose_name = _("Sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boltguard.auth.session_managers import register_table
        from boltguard.sessions import rollbacks
        from boltguard.sessions.ending import Table

        rollbacks.connect()
        register_table(Table())
