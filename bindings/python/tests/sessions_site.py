"""Sessions on a site whose users have UUIDs and no username, as a separate process: prints "done" at the end.

`python sessions_site.py USE_TZ`
"""

import json
import os
import sys
import time
import types

from django.conf import settings


def configure(use_tz):
    settings.configure(
        DEBUG=True,
        SECRET_KEY="the secret of a site of the tests, which is long enough to be one for any of the hashes",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="site_urls",
        USE_TZ=use_tz,
        TIME_ZONE="Europe/Berlin",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        AUTH_USER_MODEL="people.Member",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "people",
            "boltguard",
            "boltguard.sessions",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)


def use():
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import path

    from boltguard.auth import JWTAuthentication
    from boltguard.sessions import TokenSessions

    sessions = TokenSessions(JWTAuthentication())
    site = types.ModuleType("site_urls")
    site.urlpatterns = [path("auth/", sessions.urls)]
    sys.modules["site_urls"] = site
    member = get_user_model()(email="ada@example.org")
    member.set_password("correct horse")
    member.save()

    def post(url, body):
        return Client().post(f"/auth/{url}", json.dumps(body), content_type="application/json")

    assert post("token", {"username": "ada@example.org", "password": "wrong"}).status_code == 401
    first = post("token", {"username": "ada@example.org", "password": "correct horse"})
    assert first.status_code == 200, first.content
    second = post("token/refresh", {"refresh_token": first.json()["refresh_token"]}).json()
    again = post("token/refresh", {"refresh_token": first.json()["refresh_token"]}).json()
    assert again["access_token"] == second["access_token"]
    headers = {"Authorization": f"Bearer {second['access_token']}"}
    (listed,) = Client().get("/auth/sessions", headers=headers).json()["sessions"]
    assert listed["current"] and listed["created_at"].startswith(time.strftime("%Y-%m-%dT%H:", time.gmtime()))
    (row,) = sessions.list(member)
    assert row.subject == str(member.pk)
    assert Client().post("/auth/logout/all", headers=headers).status_code == 204
    assert sessions.list(member) == []
    member.delete()
    response = post("token/refresh", {"refresh_token": second["refresh_token"]})
    assert response.json()["code"] == "refresh_token_invalid"


def within_the_ambiguous_hour():
    """The clocks go back: local times are ambiguous for an hour, and all of it happens in the second one."""
    from datetime import datetime, timezone

    from django.contrib.auth import get_user_model

    from boltguard.auth import JWTAuthentication
    from boltguard.sessions import TokenSessions, clock

    member = get_user_model().objects.create(email="bob@example.org")
    now = datetime(2026, 10, 25, 1, 30, tzinfo=timezone.utc).timestamp()
    clock.now = lambda: now
    sessions = TokenSessions(JWTAuthentication())
    first = sessions.create(member)
    now += 1
    second = sessions.refresh(first.refresh_token)
    now += 1
    assert sessions.refresh(first.refresh_token).access_token == second.access_token
    sessions.refresh(second.refresh_token)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(__file__))
    configure(sys.argv[1] == "True")
    use()
    within_the_ambiguous_hour()
    print("done")
