"""The app `boltguard`."""

from django.apps import AppConfig, apps


class BoltguardConfig(AppConfig):
    name = "boltguard"
    label = "boltguard"
    verbose_name = "Boltguard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boltguard import checks, conf, handlers
        from boltguard.account_changes import receivers
        from boltguard.api_keys import checks as api_key_checks
        from boltguard.gate import caches

        conf.connect()
        caches.install()
        checks.register()
        handlers.install()
        receivers.connect()
        if apps.is_installed("rest_framework"):
            from boltguard import drf  # noqa: F401  # installs the exception handler
        if apps.is_installed("drf_spectacular"):
            from boltguard.drf import spectacular  # noqa: F401  # registers the extension
        # Also without the API keys app, because a view that uses its table is then an error.
        api_key_checks.register()
