"""The users of the demo, created in an empty database."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command


def prepare() -> None:
    """Creates the tables and the users, if they don't exist yet."""
    call_command("migrate", verbosity=0)
    users = get_user_model().objects
    for name, person in settings.PEOPLE.items():
        if not users.filter(username=name).exists():
            email = f"{name}@example.org"
            users.create_user(name, email, person["password"], is_staff=person["is_staff"])
