"""The app `boltguard.api_keys`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class APIKeysConfig(AppConfig):
    name = "boltguard.api_keys"
    label = "boltguard_api_keys"
    verbose_name = _("API keys")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boltguard.api_keys import checks, signals

        checks.register()
        signals.connect()
