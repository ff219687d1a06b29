"""The settings of the site. The driver passes what differs in environment variables."""

import os
from urllib.parse import urlsplit

SECRET_KEY = os.environ["BOLTGUARD_SOAK_SECRET"]
REDIS_URL = os.environ["BOLTGUARD_SOAK_REDIS_URL"]
MAX_STALENESS = float(os.environ["BOLTGUARD_SOAK_BOUND"])
FOLLOWER = os.environ["BOLTGUARD_SOAK_FOLLOWER"]
SERVER = os.environ["BOLTGUARD_SOAK_SERVER"]
# What the Rust service has, too.
TOKEN_SECRET = os.environ["BOLTGUARD_SOAK_TOKEN_SECRET"]
SERVICE_KEY = os.environ["BOLTGUARD_SOAK_SERVICE_KEY"]
_database = urlsplit(os.environ["BOLTGUARD_SOAK_DATABASE_URL"])

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "soak.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "boltguard", "boltguard.sessions"]
# It sets Content-Length, without which the WSGI server closes the connection.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.lstrip("/"),
        "USER": _database.username,
        "PASSWORD": _database.password or "",
        "HOST": _database.hostname,
        "PORT": _database.port,
        # Under ASGI, each request has its own thread, so a connection can't be kept.
        "CONN_MAX_AGE": 60 if SERVER == "wsgi" else 0,
    }
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    "revocations": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
# Logins are a part of the load; the time of a password hash isn't.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # Expected, and counted by the driver.
    "filters": {
        "not 503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", None) != 503,
        }
    },
    "formatters": {"dated": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "dated", "filters": ["not 503"]}},
    "loggers": {
        "boltguard": {"handlers": ["stderr"], "level": "WARNING"},
        "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
    },
}
