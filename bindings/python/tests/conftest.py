"""Django, configured once for all tests that need it; those of `boltguard.jwt` and `boltguard.jws` don't."""

import sys
import types

import pytest

try:
    import django
    from django.conf import settings
except ImportError:
    django = None
    collect_ignore_glob = ["test_django_*.py", "test_demo*.py"]

SECRET = "a-secret-of-the-tests-which-is-longer-than-sixty-four-bytes-for-hs512"

if django is not None:
    settings.configure(
        DEBUG=False,
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="site_urls",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "boltguard",
            "people",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    site_urls = types.ModuleType("site_urls")
    site_urls.urlpatterns = []
    sys.modules["site_urls"] = site_urls
    django.setup()


@pytest.fixture(scope="session")
def database():
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases, teardown_test_environment

    setup_test_environment(debug=False)
    old = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(old, verbosity=0)
    teardown_test_environment()


@pytest.fixture(autouse=True)
def _database_for_django(request):
    if request.module.__name__.startswith("test_django_"):
        request.getfixturevalue("database")


@pytest.fixture
def ada(database):
    """A user who is in the database, for real: other threads see her."""
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create_user("ada", "ada@example.org", "correct horse", is_staff=True)
    yield user
    get_user_model().objects.filter(pk=user.pk).delete()
