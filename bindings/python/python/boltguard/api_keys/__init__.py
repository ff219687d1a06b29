"""Generated API keys in a table: the model, the snapshot in which Rust looks them up, and the admin's pages.

`boltguard.models.APIKey` and `boltguard.auth.APIKeyStore` are the names to import. A site without users has no table of
keys, since keys have owners.
"""

from django.apps import apps
from django.conf import settings


def has_users() -> bool:
    """Whether the application of the site's user model is installed."""
    label, _, _ = settings.AUTH_USER_MODEL.partition(".")
    return label in apps.app_configs


def is_installed() -> bool:
    """Whether the site has a table of keys."""
    return apps.is_installed("boltguard") and has_users()
