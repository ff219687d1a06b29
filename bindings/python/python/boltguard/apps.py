"""Django's entry for the application `boltguard`."""

from django.apps import AppConfig, apps


class BoltguardConfig(AppConfig):
    name = "boltguard"
    label = "boltguard"
    verbose_name = "Boltguard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boltguard import checks, conf, handlers
        from boltguard.api_keys import checks as api_key_checks
        from boltguard.gate import caches

        conf.connect()
        caches.install()
        checks.register()
        handlers.install()
        if apps.is_installed("rest_framework"):
            from boltguard import drf  # noqa: F401  # answers exceptions of ours in its views
        # A view that uses the table of API keys without its application is an error.
        api_key_checks.register()
