"""Django's entry for the application `boltguard`."""

from django.apps import AppConfig


class BoltguardConfig(AppConfig):
    name = "boltguard"
    label = "boltguard"
    verbose_name = "Boltguard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boltguard import checks
        from boltguard.api_keys import has_users

        checks.register()
        if has_users():
            from boltguard.api_keys import signals

            signals.connect()
