"""One of several processes of a site with `ReplicatedRevocation`. Run by `test_django_revocation_replicated`.

Each line of the standard input is a command and a token ID. The response is a line with the result and two times of the
monotonic clock, which all processes share: before and after the command.
"""

import sys
import time

from django.conf import settings


def main(database, url, max_staleness):
    settings.configure(
        SECRET_KEY="a-secret-of-the-tests-which-is-longer-than-sixty-four-bytes-for-hs512",
        ROOT_URLCONF="replicated_urls",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "boltguard"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database, "OPTIONS": {"timeout": 20}}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    import types

    import django

    sys.modules["replicated_urls"] = types.ModuleType("replicated_urls")
    sys.modules["replicated_urls"].urlpatterns = []
    django.setup()

    from boltguard.auth import ReplicatedRevocation
    from boltguard.exceptions import RevocationUnavailable

    store = ReplicatedRevocation(url or None, max_staleness=float(max_staleness))
    for line in sys.stdin:
        command, jti = line.split()
        before = time.monotonic()
        try:
            result = store.revoke(jti, 600) and "done" if command == "revoke" else store.is_revoked(jti)
        except RevocationUnavailable:
            result = "unavailable"
        print(result, before, time.monotonic(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
