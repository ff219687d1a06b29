"""Generated API keys in a table: a separate app with the model, its admin pages and its command.

Add `"boltguard.api_keys"` to `INSTALLED_APPS` to have the table. Import the model as `boltguard.models.APIKey`, and the
store as `boltguard.auth.APIKeyStore`.
"""

from typing import NamedTuple

from django.apps import apps as applications
from django.conf import settings
from django.dispatch import Signal

# Sent when keys have changed in this process, or may have been changed by SQL of the site.
keys_changed = Signal()
APP = "boltguard.api_keys"


class Problem(NamedTuple):
    """A problem and its remedy. Its string form has both sentences."""

    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text} {self.remedy}"


NOT_INSTALLED = Problem(
    "The table of API keys isn't installed.",
    'Add "boltguard.api_keys" to INSTALLED_APPS and run `python manage.py migrate boltguard_api_keys`.',
)
NO_USERS = Problem(
    'The app "boltguard.api_keys" is installed, but {0!r}, which defines AUTH_USER_MODEL, isn\'t.',
    'API keys have owners: add {0!r} to INSTALLED_APPS, or remove "boltguard.api_keys".',
)


def has_users() -> bool:
    """Whether the application that defines `AUTH_USER_MODEL` is installed."""
    return _user_label() in applications.app_configs


def is_installed() -> bool:
    """Whether the site has a table of keys, and users for it to refer to."""
    return applications.is_installed(APP) and has_users()


def why_not_installed() -> Problem | None:
    """Why the site can't have keys in a table."""
    if not applications.is_installed(APP):
        return NOT_INSTALLED
    return None if has_users() else Problem(*(text.format(_user_label()) for text in NO_USERS))


def _user_label() -> str:
    return str(settings.AUTH_USER_MODEL).partition(".")[0]
