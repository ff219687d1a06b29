"""The system checks: one test for each ID, and no message for a valid configuration."""

import gc
import re

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import override_settings
from django.views.debug import SafeExceptionReporterFilter

from boltguard import BoltAPI, checks, conf, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    Check,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    RemoteKeySet,
)

from support import assert_helpful, mount_view, wsgi

GUARDED = {"BOLT_DEFAULT_PERMISSION_CLASSES": [IsAuthenticated()]}
BACKENDS = "django.core.cache.backends."


@pytest.fixture(autouse=True)
def _only_what_a_test_builds(monkeypatch):
    from weakref import WeakSet

    gc.collect()
    monkeypatch.setattr("boltguard.registry._built", WeakSet())


def ids(deploy=False, **settings):
    with override_settings(**{**GUARDED, **settings}):
        messages = run_checks(include_deployment_checks=deploy)
    ours = [message for message in messages if message.id.startswith("boltguard.")]
    for message in ours:
        assert_helpful(message)
    return sorted({message.id for message in ours})


def test_a_sound_site_has_nothing_to_hear():
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation())
    assert ids() == ids(deploy=True) == [], backend


def test_settings_that_can_not_be_used():
    assert ids(BOLT_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated]) == ["boltguard.E001"]
    assert ids(BOLT_AUTHENTICATION_CLASSES="jwt") == ["boltguard.E001"]


def ids_without_default_guards():
    return [message.id for message in run_checks() if message.id.startswith("boltguard")]


def test_no_default_guards():
    view = protect()(lambda request: None)
    assert ids_without_default_guards() == ["boltguard.W003"], view
    assert ids(BOLT_DEFAULT_PERMISSION_CLASSES=[AllowAny()]) == [], "said on purpose"
    assert ids(BOLTGUARD_DEFAULT_PERMISSION_CLASSES=[AllowAny()], BOLT_DEFAULT_PERMISSION_CLASSES=[AllowAny()]) == []


def test_a_route_without_guards_relies_on_the_default_ones():
    api = BoltAPI()
    api.get("/view")(lambda: {})
    assert ids_without_default_guards() == ["boltguard.W003"], api


def test_a_site_whose_views_all_name_guards_needs_no_default_ones():
    mount_view(lambda request: None)
    view, api = protect(guards=[IsStaff()])(lambda request: None), BoltAPI(guards=[IsAuthenticated()])
    api.get("/view")(lambda: {})
    assert ids_without_default_guards() == [], (view, api)


MIDDLEWARE = ["boltguard.middleware.BoltguardMiddleware"]


def test_site_without_protected_views_needs_no_default_guards():
    mount_view(lambda request: None)
    assert ids_without_default_guards() == []
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        assert ids_without_default_guards() == []


def test_a_weak_secret_is_a_warning_and_an_error_on_a_server():
    backend = JWTAuthentication(secret="your-secret-key", algorithms=["HS256"])
    assert ids() == ["boltguard.W101"], backend
    assert "boltguard.E101" in ids(deploy=True)
    assert ids(SECRET_KEY="short") == ["boltguard.W101"]


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_how_long_a_secret_has_to_be(algorithm, size):
    backend = JWTAuthentication(secret="your-secret-key", algorithms=[algorithm])
    hints = [message.hint for message in run_checks() if message.id == "boltguard.W101"]
    assert hints == [f"Use a random secret of at least {size} bytes."], backend


def test_keys_of_an_issuer_without_an_issuer_or_an_audience():
    remote = RemoteKeySet("https://id.example.com/jwks.json?key=hunter2")
    named = [JWTAuthentication(remote, ["RS256"], **{name: "x"}) for name in ("issuer", "audience")]
    assert ids() == [], named
    backend = JWTAuthentication(remote, algorithms=["RS256"])
    (message,) = [message for message in run_checks() if message.id == "boltguard.W104"]
    assert message.obj is backend and "https://id.example.com/jwks.json are" in message.msg
    assert "audience=" in message.hint and "hunter2" not in message.msg


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BOLT_AUTHENTICATION_CLASS", "BOLT_AUTHENTICATION_CLASSES"),
        ("BOLT_DEFAULT_AUTHENTICATION_CLASSES", "BOLT_AUTHENTICATION_CLASSES"),
        ("BOLT_PERMISSION_CLASSES", "BOLT_DEFAULT_PERMISSION_CLASSES"),
        ("BOLT_APIKEY_PREFIX", "BOLT_API_KEY_PREFIX"),
        ("BOLT_API_PREFIX", "BOLT_API_KEY_PREFIX"),
        ("BOLT_GUARDS", "BOLT_DEFAULT_PERMISSION_CLASSES"),
        ("BOLT_DEFAULT_GUARDS", "BOLT_DEFAULT_PERMISSION_CLASSES"),
        ("BOLT_GUARD_CLASSES", "BOLT_DEFAULT_PERMISSION_CLASSES"),
        ("BOLT_AUTH", "BOLT_AUTHENTICATION_CLASSES"),
        ("BOLT_AUTH_BACKENDS", "BOLT_AUTHENTICATION_CLASSES"),
        ("BOLT_GUARD_AUTHENTICATION_CLASSES", "BOLT_AUTHENTICATION_CLASSES"),
        ("BOLTGUARD_AUTHENTICATION", "BOLTGUARD_AUTHENTICATION_CLASSES"),
        ("BOLTGUARD_DEFAULT_AUTHENTICATION_CLASSES", "BOLTGUARD_AUTHENTICATION_CLASSES"),
        ("BOLTGUARD_PERMISSION_CLASSES", "BOLTGUARD_DEFAULT_PERMISSION_CLASSES"),
        ("BOLTGUARD_GUARDS", "BOLTGUARD_DEFAULT_PERMISSION_CLASSES"),
        ("BOLTGAURD_DEFAULT_PERMISSION_CLASSES", "BOLTGUARD_DEFAULT_PERMISSION_CLASSES"),
        ("BOLTGUARDS_AUTHENTICATION_CLASSES", "BOLTGUARD_AUTHENTICATION_CLASSES"),
        ("BOLTGUARD_KEY_PREFIX", "BOLTGUARD_API_KEY_PREFIX"),
        # Without a similar name, the hint lists all settings.
        ("BOLTGUARD", "BOLTGUARD_AUTHENTICATION_CLASSES"),
        ("BOLTGUARD_LEVEL", "BOLTGUARD_DEFAULT_PERMISSION_CLASSES"),
    ],
)
def test_a_misspelt_setting(written, meant):
    with override_settings(**GUARDED, **{written: []}):
        (message,) = [message for message in run_checks() if message.id.startswith("boltguard.")]
    assert message.id == "boltguard.W002" and written in message.msg and meant in message.hint


@pytest.mark.parametrize("name", ["BOLT_LOGGING_LEVEL", "BOLT_URL", "BOLT_CACHE_PREFIX", "BOLTS_API_KEY_PREFIX"])
def test_a_setting_of_another_application(name):
    assert ids(**{name: "x"}) == []


NAMES = ["AUTHENTICATION_CLASSES", "DEFAULT_PERMISSION_CLASSES", "API_KEY_PREFIX"]
VALUES = dict(zip(NAMES, [[JWTAuthentication(header="x-token")], [IsStaff()], "shop"], strict=True))


@pytest.mark.parametrize("prefix", ["BOLT", "BOLTGUARD"])
def test_each_setting_has_two_names(prefix):
    current = conf.current()
    with override_settings(**{f"{prefix}_{name}": value for name, value in VALUES.items()}):
        assert conf.current() is not current
        assert conf.current().authentication == VALUES["AUTHENTICATION_CLASSES"]
        assert conf.current().guards == VALUES["DEFAULT_PERMISSION_CLASSES"]
        assert conf.current().api_key_format.prefix == "shop"


@pytest.mark.parametrize("name", NAMES)
def test_both_names_of_a_setting_with_different_values(name):
    both = {f"BOLT_{name}": VALUES[name], f"BOLTGUARD_{name}": "bg" if name == "API_KEY_PREFIX" else []}
    with override_settings(**both):
        (message,) = [message for message in run_checks() if message.id == "boltguard.E001"]
    assert f"BOLTGUARD_{name} and BOLT_{name} are both set, to different values" in message.msg
    equal = dict.fromkeys(both, VALUES[name])
    with override_settings(**equal):
        assert "boltguard.E001" not in [message.id for message in run_checks()]


@pytest.mark.parametrize("prefix", ["BOLT", "BOLTGUARD"])
@pytest.mark.parametrize("name", NAMES)
def test_a_message_has_the_name_that_the_site_wrote(prefix, name):
    with override_settings(**{f"{prefix}_{name}": "!" if name == "API_KEY_PREFIX" else 7}):
        (message,) = [message for message in run_checks() if message.id == "boltguard.E001"]
    assert message.msg.startswith(f"{prefix}_{name} ")


def test_a_view_that_meets_two_values_of_a_setting_allows_no_one():
    mount_view(protect()(lambda request: HttpResponse()))
    both = {"BOLT_DEFAULT_PERMISSION_CLASSES": [IsStaff()], "BOLTGUARD_DEFAULT_PERMISSION_CLASSES": [AllowAny()]}
    with override_settings(**both):
        assert wsgi("get", "/view").status_code == 500


def test_no_secret_key():
    backend = JWTAuthentication()
    assert "boltguard.E102" in ids(SECRET_KEY=""), backend


def test_a_store_in_memory_on_a_server():
    backend = JWTAuthentication(revocation_store=InMemoryRevocation())
    assert ids(DEBUG=False) == ["boltguard.W201"], backend
    assert ids(DEBUG=True) == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("dummy.DummyCache", ["boltguard.E202"]),
        ("locmem.LocMemCache", ["boltguard.W202"]),
        ("filebased.FileBasedCache", ["boltguard.W202"]),
        ("db.DatabaseCache", ["boltguard.W202"]),
        ("redis.RedisCache", []),
    ],
)
def test_caches_that_lose_revocations(kind, expected, tmp_path):
    backend = JWTAuthentication(revocation_store=DjangoCacheRevocation())
    caches = {"default": {"BACKEND": BACKENDS + kind, "LOCATION": str(tmp_path)}}
    assert ids(CACHES=caches) == expected, backend


def test_a_cache_with_enough_room():
    backend = JWTAuthentication(revocation_store=DjangoCacheRevocation())
    roomy = {"BACKEND": BACKENDS + "filebased.FileBasedCache", "LOCATION": "cache", "OPTIONS": {"MAX_ENTRIES": 10**9}}
    assert ids(CACHES={"default": roomy}) == [], backend


def test_a_cache_that_is_not_configured():
    backend = JWTAuthentication(revocation_store=DjangoCacheRevocation(cache_alias="tokens"))
    assert ids() == ["boltguard.E202"], backend


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("people.OnlyId", []),
        ("people.Missing", ["boltguard.E203"]),
        ("nowhere.Model", ["boltguard.E203"]),
        ("people.NoId", ["boltguard.E203"]),
        ("people.Slow", ["boltguard.W203"]),
    ],
)
def test_models_of_stores(model, expected):
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(model=model))
    assert ids() == expected, backend


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("boltguard.RevocationWatermark", []),
        ("people.OnlyId", ["boltguard.E203"]),
        ("nowhere.Model", ["boltguard.E203"]),
    ],
)
def test_models_of_levels(model, expected):
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(model="people.OnlyId", watermark_model=model))
    assert ids() == expected, backend


def test_api_keys_that_can_be_guessed():
    backend = APIKeyAuthentication({"sk-prod-123abc", "x" * 43})
    assert ids() == ["boltguard.W103"], backend
    del backend
    gc.collect()
    backend = APIKeyAuthentication({"x" * 43})
    assert ids() == [], backend


def test_an_async_check_among_the_defaults_beside_a_sync_view():
    async def is_open(request):
        return True

    def view(request):
        pass

    async def async_view(request):
        pass

    defaults = {"BOLT_DEFAULT_PERMISSION_CLASSES": [IsAuthenticated() & Check(is_open)]}
    kept = [protect()(async_view), protect(guards=[IsAuthenticated()])(view)]
    assert ids(**defaults) == [], kept
    kept.append(protect()(view))
    assert ids(**defaults) == ["boltguard.E302"] and ids() == []
    with override_settings(**defaults):
        (message,) = [message.msg for message in run_checks() if message.id == "boltguard.E302"]
    assert "view is sync, but the check 'is_open' of BOLT_DEFAULT_PERMISSION_CLASSES is async." in message
    kept.clear()
    gc.collect()
    api = BoltAPI()
    api.get("/x")(view)
    assert ids(**defaults) == ["boltguard.E302"]


class Masking(SafeExceptionReporterFilter):
    hidden_settings = re.compile("AUTHORIZATION|X_CALLER")


class MaskingByName(SafeExceptionReporterFilter):
    def get_safe_request_meta(self, request):
        return {name: value for name, value in request.META.items() if not name.startswith("HTTP_X_")}


@pytest.mark.parametrize(
    ("report_filter", "shown"),
    [(SafeExceptionReporterFilter, ["x-caller", "x-partner"]), (Masking, ["x-partner"]), (MaskingByName, [])],
)
def test_headers_that_error_reports_show(report_filter, shown):
    backends = [JWTAuthentication(header="X-Caller"), APIKeyAuthentication({"x" * 43}, header="x-partner")]
    name = f"{report_filter.__module__}.{report_filter.__name__}"
    with override_settings(DEFAULT_EXCEPTION_REPORTER_FILTER=name, BOLT_AUTHENTICATION_CLASSES=[]):
        found = [message for message in run_checks() if message.id == "boltguard.W105"]
    assert [message.msg.split("'")[1] for message in found] == shown, backends
    assert all("boltguard.debug.ExceptionReporterFilter" in message.hint for message in found)


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "X-Access-Token", "x-signature"])
def test_headers_that_error_reports_mask(header):
    backend = JWTAuthentication(header=header)
    assert ids() == [], backend


def test_stores_of_the_settings_are_looked_at():
    settings = {"BOLT_AUTHENTICATION_CLASSES": [JWTAuthentication(revocation_store=InMemoryRevocation())]}
    assert ids(**settings) == ["boltguard.W201"]


@pytest.mark.parametrize(
    ("check", "arguments", "expected"),
    [
        ("check_stores", "revocation_store=InMemoryRevocation()", "boltguard.W201"),
        ("check_secrets", "secret='short'", "boltguard.W101"),
        ("check_accounts", "user_field='first_name'", "boltguard.E006"),
    ],
)
def test_each_check_imports_the_views_whose_backends_it_needs(check, arguments, expected, tmp_path, monkeypatch):
    """Django runs checks in any order, so another check may not have imported them yet."""
    name = f"views_of_{check}"
    (tmp_path / f"{name}.py").write_text(
        "from boltguard import BoltAPI\n"
        "from boltguard.auth import InMemoryRevocation, IsAuthenticated, JWTAuthentication\n"
        "api = BoltAPI()\n"
        f"@api.get('/x', auth=[JWTAuthentication({arguments})], guards=[IsAuthenticated()])\n"
        "def x(request): return {}\n"
        "urlpatterns = api.urls[0]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(ROOT_URLCONF=name, **GUARDED):
        assert [message.id for message in getattr(checks, check)(None)] == [expected]


def test_what_is_gone_is_not_looked_at():
    JWTAuthentication(secret="short")
    gc.collect()
    assert ids() == []


SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
DJANGOS, OURS = "django.contrib.auth.middleware.AuthenticationMiddleware", "boltguard.middleware.BoltguardMiddleware"


def test_the_middleware_before_the_one_that_replaces_its_user():
    assert ids(MIDDLEWARE=[SESSIONS, OURS, DJANGOS]) == ["boltguard.E004"]
    assert ids(MIDDLEWARE=[OURS, SESSIONS, f"{__name__}.OtherAuthentication"]) == ["boltguard.E004"]
    assert ids(MIDDLEWARE=[SESSIONS, DJANGOS, OURS]) == []
    assert ids(MIDDLEWARE=[OURS]) == ids(MIDDLEWARE=[SESSIONS, DJANGOS, f"{__name__}.function"]) == []


class OtherAuthentication(AuthenticationMiddleware):
    pass


def function(get_response):
    return get_response
