"""Django, configured once for all tests that need it; those of `boltguard.jwt` and `boltguard.jws` don't."""

import os
import sys
import types
from datetime import timedelta
from importlib import import_module
from importlib.metadata import entry_points
from weakref import WeakSet

import pytest

from boltguard import logs, registry

from databases import django_database, end_other_sessions

try:
    import django
    from django.conf import settings
except ImportError:
    django = None
    collect_ignore_glob = [
        "test_apikeys_*.py",
        "test_asgi_*.py",
        "test_django_*.py",
        "test_demo*.py",
        "test_docs.py",
        "test_docs_tutorial.py",
        "test_guards_*.py",
        "test_routes_*.py",
        "test_servers.py",
    ]

# The plugin of the package, which pytest has loaded already if the package is installed.
pytest_plugins = [] if entry_points(group="pytest11", name="boltguard") else ["boltguard.testing.pytest_plugin"]

SECRET = "a-secret-of-the-tests-which-is-longer-than-sixty-four-bytes-for-hs512"


# Packages that sites migrate from. `migrating.installed` installs them for single tests; their models are loaded here,
# because they would stay abstract if they were first imported without their apps.
PREDECESSORS = [
    "rest_framework.authtoken",
    "rest_framework_simplejwt.token_blacklist",
    "knox",
    "rest_framework_api_key",
]

# Its tables have no migrations and refer to users; only SQLite can create them before the table of users.
PEOPLE = [] if "BOLTGUARD_TEST_DJANGO_DATABASE" in os.environ else ["people"]


def _uninstall_predecessors():
    from django.apps import apps
    from django.contrib import admin

    import_module("rest_framework_simplejwt.tokens")  # without its app, its tokens have no blacklist
    for app in PREDECESSORS:
        admin.site.unregister([model for model in _models_of(app) if admin.site.is_registered(model)])
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app not in PREDECESSORS]
    apps.set_installed_apps(settings.INSTALLED_APPS)


def _models_of(app):
    from django.apps import apps

    (config,) = [one for one in apps.get_app_configs() if one.name == app]
    return config.get_models()


if django is not None:
    settings.configure(
        DEBUG=False,
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="site_urls",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "boltguard",
            "boltguard.api_keys",
            "boltguard.sessions",
            *PEOPLE,
            *PREDECESSORS,
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        STATIC_URL="static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DATABASES={
            # The server for a test that runs other tests again, or SQLite in memory.
            "default": django_database(os.environ.get("BOLTGUARD_TEST_DJANGO_DATABASE", ""))
        },
        # The tests of this setting change it; otherwise, an account would be logged out in the stores of earlier tests.
        BOLTGUARD_REVOKE_ON=[],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    site_urls = types.ModuleType("site_urls")
    site_urls.urlpatterns = []
    sys.modules["site_urls"] = site_urls
    django.setup()
    _uninstall_predecessors()


@pytest.fixture(scope="session")
def database():
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases, teardown_test_environment

    setup_test_environment(debug=False)
    old = setup_databases(verbosity=0, interactive=False)
    yield
    end_other_sessions(connection)
    teardown_databases(old, verbosity=0)
    teardown_test_environment()


DJANGO = ("test_apikeys_", "test_django_", "test_docs", "test_guards_", "test_routes_")


def pytest_sessionstart(session):
    """If pytest-django is installed, it blocks access to databases that it didn't set up."""
    plugin = session.config.pluginmanager.get_plugin("django")
    if plugin is not None:
        session.config.stash[plugin.blocking_manager_key].unblock()


@pytest.fixture(scope="session")
def django_test_environment():
    """For pytest-django: `database` sets up the environment."""


@pytest.fixture(scope="session")
def django_db_setup(database):
    """For pytest-django: the database that all tests share."""


@pytest.fixture(autouse=True, scope="module")
def _database_for_django(request):
    """Called before `setUpClass`, which may limit the apps whose tables are created."""
    if request.module.__name__.startswith(DJANGO):
        request.getfixturevalue("database")
        _empty_own_tables()


def _empty_own_tables():
    """Deletes what tests of another module have committed to the tables of Boltguard."""
    from django.apps import apps
    from django.core.management.color import no_style
    from django.db import connection

    models = [model for model in apps.get_models() if model._meta.app_label.startswith("boltguard")]
    tables = [model._meta.db_table for model in models if model._meta.managed]
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))


@pytest.fixture(autouse=True)
def _contents_for_django(request):
    if request.module.__name__.startswith(DJANGO):
        _restore_what_migrations_made()


def _restore_what_migrations_made():
    """Content types and permissions, which an earlier test may have flushed."""
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType
    from django.core.management.sql import emit_post_migrate_signal

    if not Permission.objects.exists():
        ContentType.objects.clear_cache()
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")


@pytest.fixture(autouse=True)
def _tracebacks_are_due(monkeypatch):
    """Another test may have logged the same failure just before."""
    monkeypatch.setattr(logs, "_tracebacks", logs._Tracebacks())


@pytest.fixture
def ada(database):
    """A user who is committed to the database, so that other threads see her."""
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create_user("ada", "ada@example.org", "correct horse", is_staff=True)
    yield user
    get_user_model().objects.filter(pk=user.pk).delete()


@pytest.fixture
def issuer():
    """An issuer with one key, `a`."""
    from issuer import Issuer

    return Issuer("a")


@pytest.fixture
def remote(issuer):
    """Its keys, fetched from its URL."""
    from boltguard.jwt import RemoteKeySet

    from issuer import serving

    with serving(issuer) as url:
        yield RemoteKeySet(url, allow_http=True, timeout=30)


@pytest.fixture
def skip(boltguard_travel):
    """Moves the clock forward until the end of the test, by a number of seconds or a timedelta."""
    return lambda by: boltguard_travel(by if isinstance(by, timedelta) else timedelta(seconds=by))


@pytest.fixture
def own_registry(monkeypatch):
    """Without the backends and sessions of other tests, for what concerns all those of a site."""
    from boltguard.auth import Authentication
    from boltguard.auth.session_managers import SessionManager

    others = [one for one in registry.instances(object) if not isinstance(one, (Authentication, SessionManager))]
    monkeypatch.setattr(registry, "_built", WeakSet(others))
