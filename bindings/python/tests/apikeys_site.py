"""A site with stored keys in separate processes: `python apikeys_site.py DATABASE COMMAND...`.

`serve` responses requests that come as keys on the standard input, one a line, with the status of each; all other
commands are those of `manage.py`.
"""

import sys
from datetime import datetime
from pathlib import Path

from django.conf import settings

REFRESH_INTERVAL = 1.0


def configure(database):
    settings.configure(
        DEBUG=True,
        SECRET_KEY="the secret of a site of the tests, which is long enough to be one for any of the hashes",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        STATIC_URL="static/",
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
            "boltguard",
            "boltguard.api_keys",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
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
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    import django

    django.setup()


def route():
    from django.contrib import admin
    from django.http import JsonResponse
    from django.urls import path

    from boltguard import protect
    from boltguard.auth import APIKeyAuthentication, APIKeyStore, IsAuthenticated

    store = APIKeyStore(refresh_interval=REFRESH_INTERVAL)

    @protect(auth=[APIKeyAuthentication(store=store)], guards=[IsAuthenticated()])
    def whoami(request):
        return JsonResponse({"user_id": request.context["user_id"]})

    return [path("admin/", admin.site.urls), path("whoami", whoami)]


def serve():
    from django.test import Client

    for line in sys.stdin:
        status = Client().get("/whoami", headers={"X-Api-Key": line.strip()}).status_code
        print(status, datetime.now().timestamp(), flush=True)


if __name__ == "__main__":
    configure(sys.argv[1])
    urlpatterns = route()
    if sys.argv[2] == "serve":
        serve()
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line([Path(__file__).name, *sys.argv[2:]])
