"""System checks, run by `manage.py check` and at startup. `docs/reference/checks.md` lists them.

The hundreds of an ID are the area: settings (0), secrets (1), revocation stores (2), views (3), Django REST framework
(4), stored API keys (5), which are in `boltguard.api_keys.checks`, sessions (6), Django Ninja (7), and backends for the
credentials of other packages (8). A released ID is never used for another check.
"""

from __future__ import annotations

from django.core import checks

from boltguard.checks.backends import (
    check_accounts,
    check_api_keys,
    check_cookies,
    check_headers,
    check_issuers,
    check_secrets,
    check_secrets_deployed,
)
from boltguard.checks.middleware import check_middleware, check_shadow_mode
from boltguard.checks.migrating import check_migrating
from boltguard.checks.sessions import check_sessions
from boltguard.checks.settings import check_names, check_settings
from boltguard.checks.stores import check_stores
from boltguard.checks.tables import check_revocation_tables, check_session_table, check_shadow_table
from boltguard.checks.views import check_drf_views, check_ninja_operations, check_views


def register() -> None:
    """Registers the checks. Called once, when the apps are ready."""
    of_objects = (check_settings, check_names, check_secrets, check_issuers, check_accounts, check_stores)
    of_views = (check_views, check_drf_views, check_ninja_operations)
    of_requests = (check_headers, check_cookies, check_middleware, check_shadow_mode, check_sessions, check_migrating)
    for check in (*of_objects, check_api_keys, *of_views, *of_requests):
        checks.register(check, checks.Tags.security)
    for check_table in (check_revocation_tables, check_session_table, check_shadow_table):
        checks.register(check_table, checks.Tags.database)
    checks.register(check_secrets_deployed, checks.Tags.security, deploy=True)
