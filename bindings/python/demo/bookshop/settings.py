"""The settings of the demo. It only serves 127.0.0.1."""

import os
import secrets
from pathlib import Path

from boltguard.auth import (
    APIKeyAuthentication,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
    ReplicatedRevocation,
)
from bookshop.fleet_variables import Fleet

# With a Rust service beside the site; see `bookshop.fleet`.
FLEET = Fleet.from_environment(os.environ)
SECRET_KEY = secrets.token_urlsafe(64)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "bookshop.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "boltguard", "boltguard.sessions", "bookshop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
# Error pages hide the cookies with tokens.
DEFAULT_EXCEPTION_REPORTER_FILTER = "boltguard.debug.ExceptionReporterFilter"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ["BOOKSHOP_DATA"]) / "bookshop.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"boltguard": {"handlers": ["console"], "level": "INFO"}, "django.request": {"level": "ERROR"}},
}

# A demo can print passwords and keys, but a site must not. These users and keys are only used here.
PEOPLE = {
    "ada": {"password": "analytical engine", "is_staff": True, "permissions": ["books.read", "books.add"]},
    "grace": {"password": "nanoseconds", "is_staff": False, "permissions": ["books.read"]},
}
API_KEYS = {
    "demo-key-reader": {"books.read"},
    "demo-key-supplier": {"books.read", "books.add"},
}

# `None` is SECRET_KEY, which is never shared with another service.
TOKEN_SECRET = FLEET and FLEET.token_secret
# One process serves the demo, so an in-memory store is sufficient if there is no service.
REVOCATION_STORE = ReplicatedRevocation(FLEET.redis_url) if FLEET else InMemoryRevocation()
BOLTGUARD_AUTHENTICATION_CLASSES = [
    JWTAuthentication(TOKEN_SECRET, revocation_store=REVOCATION_STORE),
    APIKeyAuthentication(api_keys=API_KEYS.keys(), key_permissions=API_KEYS),
]
BOLTGUARD_DEFAULT_PERMISSION_CLASSES = [IsAuthenticated()]
SILENCED_SYSTEM_CHECKS = ["boltguard.W201", "boltguard.W103"]
