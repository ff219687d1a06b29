"""Django's entry for the application `boltguard`."""

from django.apps import AppConfig


class BoltguardConfig(AppConfig):
    name = "boltguard"
    label = "boltguard"
    verbose_name = "Boltguard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boltguard import checks

        checks.register()
