"""System checks, run by `manage.py check` and at start.

| id | what is wrong |
| --- | --- |
| boltguard.E001 | a setting of Boltguard can't be used |
| boltguard.W002 | a setting that looks like one of Boltguard's and doesn't exist |
| boltguard.W003 | no default guards: the views that name none are open |
| boltguard.E004 | `BoltguardMiddleware` stands before `AuthenticationMiddleware`, which sets its user aside |
| boltguard.E005 | Django's cache middleware is after `BoltguardMiddleware`: it would store responses unsealed |
| boltguard.E006 | `user_field` of a backend names no unique field of the user model |
| boltguard.W101, E101 | an HMAC secret is shorter than its hash (E101 with `--deploy`) |
| boltguard.E102 | there is no `SECRET_KEY` for the backends that rely on it |
| boltguard.W103 | an API key is short enough to be guessed |
| boltguard.W104 | a `RemoteKeySet` without `issuer` and `audience`: all tokens of the issuer are taken |
| boltguard.W105 | Django's error reports show the header of a backend |
| boltguard.W201 | an in-memory store with `DEBUG = False`: each process has its own |
| boltguard.E202, W202 | a cache that can't hold revocations (E202: none, or it can't tell when it fails) |
| boltguard.E203, W203 | the model of an ORM store is not there, or its `jti` is too short (W203: has no index) |
| boltguard.E301 | a guard asks for a backend that its view has not got |
| boltguard.E302 | a default guard has an async check, and a view is sync |
| boltguard.E401 | a view of DRF lists a backend or a guard of ours as it is, or a permission without a guard |
| boltguard.W402 | a view of DRF has a guard, and no `BoltguardAuthentication` to say who is calling |

The hundreds tell the area: settings (0), secrets (1), revocation stores (2), views (3), Django REST framework (4), and
stored API keys (5), which are in `boltguard.api_keys.checks`. An id that was released is never given to another check.
"""

from __future__ import annotations

from django.core import checks

from boltguard.checks.backends import (
    check_accounts,
    check_api_keys,
    check_headers,
    check_issuers,
    check_secrets,
    check_secrets_deployed,
)
from boltguard.checks.middleware import check_middleware
from boltguard.checks.settings import check_names, check_settings
from boltguard.checks.stores import check_stores
from boltguard.checks.views import check_drf_views, check_views


def register() -> None:
    """Called once, when Django's applications are ready."""
    of_objects = (check_settings, check_names, check_secrets, check_issuers, check_accounts, check_stores)
    for check in (*of_objects, check_api_keys, check_views, check_drf_views, check_headers, check_middleware):
        checks.register(check, checks.Tags.security)
    checks.register(check_secrets_deployed, checks.Tags.security, deploy=True)
