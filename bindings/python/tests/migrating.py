"""Installs packages that sites migrate from, with their tables."""

from contextlib import contextmanager

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.test import modify_settings


@contextmanager
def installed(*names):
    """The apps and their tables, which are removed at the end."""
    with modify_settings(INSTALLED_APPS={"append": list(names)}):
        apps.clear_cache()  # so that deleting a user reaches the rows that refer to it
        labels = [config.label for config in apps.get_app_configs() if config.name in names]
        for label in labels:
            call_command("migrate", label, verbosity=0, interactive=False)
        try:
            yield
        finally:
            for label in labels:
                for model in apps.get_app_config(label).get_models():
                    model._base_manager.all().delete()
                call_command("migrate", label, "zero", verbosity=0, interactive=False)
            ContentType.objects.filter(app_label__in=labels).delete()
            ContentType.objects.clear_cache()
