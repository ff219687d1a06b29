"""Measures the refresh of a session on PostgreSQL, in a separate process: its site has another database.

`refresh.py URL` creates a database on the server, and drops it at the end.
"""

from __future__ import annotations

import os
import sys
from timeit import Timer
from typing import Any
from urllib.parse import unquote, urlsplit

import django
from claims import SECRET
from django.conf import settings

TABLE = "boltguard_sessions_tokensession"
EMPTY_UPDATE = f"UPDATE {TABLE} SET generation = generation WHERE id = %s RETURNING generation"


def configure(url: str) -> None:
    """Configure a site whose only database is on this server."""
    server = urlsplit(url)
    settings.configure(
        SECRET_KEY=SECRET,
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "boltguard",
            "boltguard.sessions",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": server.path.lstrip("/") or "postgres",
                "USER": unquote(server.username or ""),
                "PASSWORD": unquote(server.password or ""),
                "HOST": server.hostname or "",
                "PORT": server.port or "",
                "TEST": {"NAME": f"boltguard_bench_{os.getpid()}"},
            }
        },
        LOGGING_CONFIG=None,
    )
    django.setup()


def timers() -> dict[str, Timer]:
    """Return the entrants. Each of them has its own session."""
    from django.contrib.auth import get_user_model
    from django.db import connection

    from boltguard.auth import JWTAuthentication
    from boltguard.sessions import TokenSessions

    sessions, user = TokenSessions(JWTAuthentication()), get_user_model().objects.create_user("ada")
    cursor = connection.cursor()
    return {
        "empty UPDATE": Timer(
            "cursor.execute(statement, [session_id]); cursor.fetchone()",
            globals={"cursor": cursor, "statement": EMPTY_UPDATE, "session_id": sessions.create(user).session_id},
        ),
        "boltguard": Timer(
            "pairs[0] = sessions.refresh(pairs[0].refresh_token)",
            globals={"pairs": [sessions.create(user)], "sessions": sessions},
        ),
        "Django, the same statements": Timer(
            "refresh(session_id)", globals={"refresh": with_django, "session_id": sessions.create(user).session_id}
        ),
    }


def with_django(session_id: str) -> None:
    """Execute the statements of a refresh with Django's ORM, without any decision or token."""
    from django.contrib.auth import get_user_model

    from boltguard.sessions.models import TokenSession

    row = TokenSession.objects.get(pk=session_id)
    user = get_user_model().objects.get(pk=row.user_id)
    changed: dict[str, Any] = {"generation": row.generation + 1, "expires_at": row.expires_at}
    changed |= {"auth_hash": row.auth_hash, "last_used_at": row.last_used_at, "stamp": row.stamp + 1}
    previous = TokenSession.objects.filter(pk=row.pk, generation=row.generation, ended_at=None)
    assert user.is_active and previous.update(**changed) == 1


def serve(entrants: dict[str, Timer]) -> None:
    for line in sys.stdin:
        _, name, times = line.rstrip("\n").split("\t")
        timer = entrants.get(name)
        print("unknown" if timer is None else round(timer.timeit(int(times)) * 1e9), flush=True)


def main(url: str) -> None:
    configure(url)
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        serve(timers())
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


if __name__ == "__main__":
    main(sys.argv[1])
