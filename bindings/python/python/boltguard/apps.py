"""Django's entry for the application `boltguard`."""

from django.apps import AppConfig


class BoltguardConfig(AppConfig):
    name = "boltguard"
    label = "boltguard"
    verbose_name = "Boltguard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boltguard import checks
        from boltguard.api_keys import checks as api_key_checks

        checks.register()
        # A view that uses the table of API keys without its application is an error.
        api_key_checks.register()
