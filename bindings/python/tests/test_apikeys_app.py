"""The app `boltguard.api_keys`: its migration, and the errors of sites without it or without users."""

import os
import subprocess
import sys

import pytest

SETTINGS = """
SECRET_KEY = "k" * 64
INSTALLED_APPS = {apps!r}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {database!r}}}}}
ROOT_URLCONF = "urls"
{more}
"""
USERS = ["django.contrib.auth", "django.contrib.contenttypes"]
STORED = """
from django.http import HttpResponse
from django.urls import path
from boltguard import protect
from boltguard.auth import APIKeyAuthentication, IsAuthenticated
view = protect(auth=[APIKeyAuthentication(store=True)], guards=[IsAuthenticated()])(lambda request: HttpResponse())
urlpatterns = [path("view", view)]
"""


@pytest.fixture
def site(tmp_path):
    """Runs `manage.py` of a site with these applications, always on the same database."""

    def manage(apps, *arguments, urls="urlpatterns = []", more=""):
        database = str(tmp_path / "db.sqlite3")
        (tmp_path / "settings.py").write_text(SETTINGS.format(apps=apps, database=database, more=more))
        (tmp_path / "urls.py").write_text(urls)
        paths = [str(tmp_path), *(path for path in sys.path if path)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "DJANGO_SETTINGS_MODULE": "settings"}
        command = [sys.executable, "-m", "django", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    return manage


def test_a_site_that_gets_users_later_gets_the_table_of_api_keys(site):
    assert site(["boltguard"], "migrate").returncode == 0
    everything = ["boltguard", *USERS, "boltguard.api_keys"]
    done = site(everything, "migrate")
    assert done.returncode == 0, done.stderr
    made = site(everything, "boltguard_apikey", "create", "reports")
    assert made.stdout.startswith("bg_"), made.stderr
    assert site(everything, "makemigrations", "--check", "--dry-run").returncode == 0


def test_the_order_of_the_applications_does_not_matter(site):
    everything = ["boltguard.api_keys", "boltguard", *USERS]
    assert site(everything, "migrate").returncode == 0
    assert site(everything, "boltguard_apikey", "list").returncode == 0


@pytest.mark.parametrize("command", ["check", "migrate"])
def test_the_application_without_users_says_so(site, command):
    done = site(["boltguard", "boltguard.api_keys"], command)
    assert done.returncode == 1 and "boltguard.E501" in done.stderr
    assert "add 'auth' to INSTALLED_APPS" in done.stderr and "Traceback" not in done.stderr


def test_a_store_without_the_application_names_the_remedy(site):
    done = site(["boltguard", *USERS], "check", urls=STORED)
    assert done.returncode == 1 and "boltguard.E504" in done.stderr
    assert 'Add "boltguard.api_keys" to INSTALLED_APPS' in done.stderr
    assert site(["boltguard", *USERS, "boltguard.api_keys"], "check", urls=STORED).returncode == 0


def test_a_store_without_users_names_the_remedy(site):
    done = site(["boltguard", "boltguard.api_keys"], "check", urls=STORED)
    assert done.returncode == 1 and "boltguard.E504" in done.stderr and "'auth'" in done.stderr


def test_the_command_is_that_of_the_application(site):
    done = site(["boltguard", *USERS], "boltguard_apikey", "list")
    assert done.returncode == 1 and "Unknown command" in done.stderr


def test_importing_the_model_without_its_application_names_the_remedy(site):
    code = "from boltguard.models import RevokedToken, APIKey"
    done = site(["boltguard", *USERS], "shell", "-v0", "-c", code)
    assert done.returncode == 1 and "ImproperlyConfigured" in done.stderr
    assert 'Add "boltguard.api_keys" to INSTALLED_APPS' in done.stderr
    code = "from django.contrib.auth.models import User; User.objects.create(username='a').delete()"
    site(["boltguard", *USERS], "migrate")
    done = site(["boltguard", *USERS], "shell", "-v0", "-c", code)
    assert done.returncode == 0, done.stderr


def test_a_users_application_of_ones_own_will_do(site, tmp_path):
    (tmp_path / "members").mkdir()
    (tmp_path / "members" / "__init__.py").touch()
    (tmp_path / "members" / "models.py").write_text(
        "from django.contrib.auth.base_user import AbstractBaseUser\n"
        "from django.db import models\n"
        "class Member(AbstractBaseUser):\n"
        "    email = models.EmailField(unique=True)\n"
        "    USERNAME_FIELD = 'email'\n"
    )
    apps = ["members", *USERS, "boltguard.api_keys"]
    more = "AUTH_USER_MODEL = 'members.Member'\n"
    assert site(apps, "check", urls=STORED, more=more).returncode == 0
    assert site(apps[1:], "check", urls=STORED, more=more).returncode == 1


def test_the_model_has_one_name_in_two_places():
    import boltguard.models
    from boltguard.api_keys.models import APIKey, APIKeyChanges

    assert boltguard.models.APIKey is APIKey and boltguard.models.APIKeyChanges is APIKeyChanges
    assert APIKey._meta.label == "boltguard_api_keys.APIKey"
    with pytest.raises(AttributeError, match="has no attribute 'APIKeys'"):
        boltguard.models.APIKeys  # noqa: B018
