"""The app `boltguard.sessions`."""

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


class SessionsConfig(AppConfig):
    name = "boltguard.sessions"
    label = "boltguard_sessions"
    verbose_name = _("Sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        if not apps.is_installed("boltguard"):
            # It registers the system checks, and ends the sessions of changed accounts.
            raise ImproperlyConfigured(
                'The app "boltguard.sessions" requires the app "boltguard". Add it to INSTALLED_APPS and run '
                "`python manage.py migrate boltguard`."
            )
        from boltguard.auth.session_managers import register_table
        from boltguard.sessions import rollbacks
        from boltguard.sessions.ending import Table

        rollbacks.connect()
        register_table(Table())
