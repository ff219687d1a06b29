"""Invalid configurations are errors with the value and the remedy; settings are read lazily."""

import os
import subprocess
import sys
import textwrap

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse
from django.test import override_settings

from boltguard import BoltAPI, conf, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    DjangoCacheRevocation,
    HasAllPermissions,
    HasAnyPermission,
    HasPermission,
    InMemoryRevocation,
    IsAuthenticated,
    JWTAuthentication,
)
from boltguard.jwt import Key, PyJWKClient

from conftest import SECRET
from support import bearer, get, mount, mount_view

pem = pytest.importorskip("cryptography.hazmat.primitives.serialization")
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402


def pems(key):
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()).decode()
    return private, key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo).decode()


RSA_PRIVATE, RSA_PUBLIC = pems(rsa.generate_private_key(65537, 2048))
SMALL_RSA_PUBLIC = pems(rsa.generate_private_key(65537, 1024))[1]
EC_PRIVATE, EC_PUBLIC = pems(ec.generate_private_key(ec.SECP256R1()))
ED_PUBLIC = pems(ed25519.Ed25519PrivateKey.generate())[1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"algorithms": ["rs256"]}, "RS256"),
        ({"algorithms": ["HS265"]}, r"algorithms=\['HS265'\]"),
        ({"algorithms": ["HS256", "a-secret-in-the-wrong-place", 256]}, r"algorithms=\['HS256', <str>, <int>\]"),
        ({"algorithms": ["none"]}, "none"),
        ({"algorithms": []}, "algorithms is empty"),
        ({"algorithms": "HS256"}, "algorithms is of type str. It must be a list"),
        ({"algorithms": [256]}, "the name of an algorithm must be a string"),
        ({"algorithms": ["RS256"]}, "SECRET_KEY"),
        ({"algorithms": ["HS256", "ES256"]}, "ES256"),
        ({"secret": "a-secret", "algorithms": ["RS256"]}, "RS256"),
        ({"secret": RSA_PUBLIC}, r"not an HMAC secret.*The default is HS256.*algorithms=\['RS256'\]"),
        ({"secret": Key.from_pem(EC_PUBLIC)}, r"The default is HS256.*algorithms=\['ES256'\]"),
        ({"secret": {"keys": [Key.from_pem(ED_PUBLIC).to_jwk()]}}, r"The default is HS256.*algorithms=\['EdDSA'\]"),
        ({"secret": PyJWKClient("https://id.example.com/jwks.json")}, r"PyJWKClient.*RemoteKeySet\(url\)"),
        ({"audience": b"abc"}, "audience is of type bytes. It must be a string"),
        ({"secret": "see below\n" + RSA_PUBLIC}, "not an HMAC secret"),
        ({"secret": "https://id.example.com/.well-known/jwks.json"}, r"not a secret.*RemoteKeySet\(url\)"),
        ({"secret": ["a-secret", b"\n HTTP://id.example.com"]}, r"not a secret.*RemoteKeySet\(url\)"),
        ({"secret": "https://id.example.com", "algorithms": ["HS256", "RS256"]}, r"RemoteKeySet\(url\)"),
        ({"secret": "https://id.example.com", "algorithms": ["RS256"]}, r"not a secret or key.*RemoteKeySet\(url\)"),
        ({"secret": RSA_PRIVATE, "algorithms": ["RS256"]}, "private"),
        ({"secret": EC_PRIVATE, "algorithms": ["ES256"]}, "private"),
        ({"secret": SMALL_RSA_PUBLIC, "algorithms": ["RS256"]}, "2048"),
        ({"secret": RSA_PUBLIC, "algorithms": ["ES256"]}, "ES256"),
        ({"secret": EC_PUBLIC, "algorithms": ["RS256"]}, "RS256"),
        ({"secret": EC_PUBLIC, "algorithms": ["ES384"]}, "ES384"),
        ({"secret": ED_PUBLIC, "algorithms": ["ES256"]}, "ES256"),
        ({"secret": ""}, "empty"),
        ({"secret": '{"keys": []}'}, "secret|JSON"),
        ({"secret": "ssh-rsa AAAAB3NzaC1yc2E="}, "secret"),
        ({"secret": []}, "no key"),
        ({"secret": 42}, "int"),
        ({"header": ""}, "header"),
        ({"header": "not a header"}, "header name is invalid"),
        ({"header": "x:y"}, "header name is invalid"),
        ({"header": 7}, "header is 7"),
        ({"header": "Cookie"}, "automatically"),
        ({"audience": ""}, "audience"),
        ({"audience": []}, "audience"),
        ({"issuer": ["a", 7]}, "issuer"),
        ({"leeway": -1}, "leeway is -1"),
        ({"leeway": float("inf")}, "leeway"),
        ({"leeway": "60"}, "leeway"),
        ({"revocation_store": InMemoryRevocation}, r"InMemoryRevocation\(\)"),
        ({"revocation_store": {"a"}}, "RevocationStore"),
        ({"on_store_error": "ignore"}, '"deny" or "allow"'),
        ({"required_claims": "exp"}, "required_claims"),
        ({"user_id_claim": ""}, "user_id_claim"),
    ],
)
def test_a_wrong_jwt_configuration_is_refused(options, says):
    with pytest.raises(ImproperlyConfigured, match=says) as refusal:
        JWTAuthentication(**options)
    secret = options.get("secret")
    assert not (isinstance(secret, str) and len(secret) > 8 and secret in str(refusal.value)), (
        "the message contains no secret"
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"api_keys": "k1"}, "a single string"),
        ({"api_keys": b"k1"}, "a set of keys|requires api_keys"),
        ({"api_keys": set}, "a set of keys|requires api_keys"),
        ({"api_keys": 7}, "a set of keys|requires api_keys"),
        ({"api_keys": None}, "a set of keys|requires api_keys"),
        ({"api_keys": {""}}, "empty"),
        ({"api_keys": {1}}, "str"),
        ({"api_keys": {"k1"}, "key_permissions": {"k2": {"a"}}}, "not in the set of keys"),
        ({"api_keys": {"k1"}, "key_permissions": {"k1": "admin.read"}}, "sets of permissions"),
        ({"api_keys": {"k1"}, "header": "x y"}, "header name is invalid"),
        ({"api_keys": {"k1"}, "header": "cookie"}, "automatically"),
    ],
)
def test_a_wrong_api_key_configuration_is_refused(options, says):
    with pytest.raises(ImproperlyConfigured, match=says) as refusal:
        APIKeyAuthentication(**options)
    assert "k2" not in str(refusal.value), "the message contains no key"


HIDDEN = "a secret: of these tests"


@pytest.mark.parametrize(
    "build",
    [
        lambda: JWTAuthentication("HS256", HIDDEN),
        lambda: JWTAuthentication("HS256", [HIDDEN]),
        lambda: JWTAuthentication("HS256", ["HS256"], HIDDEN),
        lambda: JWTAuthentication("HS256", ["HS256"], [HIDDEN]),
        lambda: JWTAuthentication("HS256", ["RS256"], "a-secret-of-these-tests"),
        lambda: JWTAuthentication("HS256", ["HS256"], audience=HIDDEN.encode()),
        lambda: JWTAuthentication("HS256", ["HS256"], issuer=[HIDDEN, HIDDEN.encode()]),
        lambda: JWTAuthentication("HS256", leeway=HIDDEN),
        lambda: JWTAuthentication("HS256", revocation_store=HIDDEN),
        lambda: JWTAuthentication("HS256", on_store_error=HIDDEN),
        lambda: JWTAuthentication("HS256", required_claims=HIDDEN),
        lambda: JWTAuthentication("HS256", user_id_claim=[HIDDEN]),
        lambda: JWTAuthentication("HS256", typ=[HIDDEN]),
        lambda: JWTAuthentication("HS256", cached_tokens=HIDDEN),
        lambda: APIKeyAuthentication("x-api-key", {HIDDEN}),
        lambda: APIKeyAuthentication({"x-api-key"}, HIDDEN),
        lambda: APIKeyAuthentication({"key"}, "x-api-key", {"key": HIDDEN}),
        lambda: APIKeyAuthentication({"key"}, "x-api-key", {HIDDEN: {"a"}}),
        lambda: APIKeyAuthentication(store=HIDDEN),
        lambda: APIKeyAuthentication({"key"}, on_store_error=HIDDEN),
        lambda: protect(auth=HIDDEN),
        lambda: protect(auth=[HIDDEN]),
    ],
)
def test_a_secret_in_the_place_of_another_argument_is_not_shown(build):
    with pytest.raises(ImproperlyConfigured) as refusal:
        build()
    assert "of these tests" not in str(refusal.value) and "of-these-tests" not in str(refusal.value)


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        (JWTAuthentication(), "It must be a list"),
        ([JWTAuthentication], r"JWTAuthentication\("),
        ([object()], "not a backend"),
        (["jwt"], "not a backend"),
        ({}, "auth is of type dict. It must be a list"),
    ],
)
def test_what_is_not_a_list_of_backends_is_refused(auth, says):
    for build in (
        lambda: BoltAPI(auth=auth),
        lambda: protect(auth=auth),
        lambda: BoltAPI().get("/x", auth=auth)(lambda: {}),
    ):
        with pytest.raises(ImproperlyConfigured, match=says):
            build()


@pytest.mark.parametrize(
    "build",
    [
        lambda no: APIKeyAuthentication({"k1"}, key_permissions={"k1": no}),
        lambda no: APIKeyAuthentication(no),
        lambda no: HasAnyPermission(no),
        lambda no: HasAllPermissions(no),
        lambda no: JWTAuthentication(algorithms=no),
        lambda no: JWTAuthentication(audience=no),
        lambda no: JWTAuthentication(issuer=no),
        lambda no: JWTAuthentication(required_claims=no),
    ],
)
def test_a_mapping_in_the_place_of_a_list_is_refused(build):
    """Its keys would be granted, regardless of their values."""
    with pytest.raises(ImproperlyConfigured, match="mapping|of type dict"):
        build({"HS256": False})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revocation_store", InMemoryRevocation()),
        ("leeway", 60),
        ("header", "x-token"),
        ("algorithms", ["HS512"]),
        ("verify_user", True),
        ("lookup", None),
        ("name", "keycloak"),
    ],
)
def test_a_setting_of_a_backend_that_is_changed_later_is_refused(name, value):
    """The store would never be used, because the backend in Rust doesn't change."""
    backend = JWTAuthentication(user_field="email", subject_required=True)
    setattr(backend, name, getattr(backend, name))
    with pytest.raises(ImproperlyConfigured, match=f"{name} can't be changed"):
        setattr(backend, name, value)


@pytest.mark.parametrize("name", ["header", "store", "name"])
def test_a_setting_of_a_key_backend_that_is_changed_later_is_refused(name):
    with pytest.raises(ImproperlyConfigured, match=f"{name} can't be changed"):
        setattr(APIKeyAuthentication({"k1"}), name, "x-other")


@pytest.mark.parametrize("value", [{"secret": "hunter2"}, "hunter2"])
def test_a_value_in_the_wrong_place_is_not_shown(value):
    def settings():
        with override_settings(BOLT_AUTHENTICATION_CLASSES=value):
            conf.current().authentication  # noqa: B018

    revoke = InMemoryRevocation().revoke
    for build in (settings, lambda: protect(guards=value), lambda: revoke("j", value)):
        with pytest.raises((ImproperlyConfigured, ValueError), match="of type") as refusal:
            build()
        assert "hunter2" not in str(refusal.value)


def test_reprs_show_no_secret():
    shown = repr([JWTAuthentication("a-secret-text"), APIKeyAuthentication({"sk-key-text"}), InMemoryRevocation()])
    assert "secret-text" not in shown and "key-text" not in shown


def test_no_object_keeps_an_api_key_in_python():
    import gc

    backend = APIKeyAuthentication(api_keys=["sk-" + "very" + "-unique-key"])
    gc.collect()
    assert "sk-very-unique-key" not in [value for value in gc.get_referents(backend.__dict__) if isinstance(value, str)]
    assert all("unique-key" not in repr(value) for value in vars(backend).values())


# Settings


def who(request):
    return JsonResponse({"user_id": request.context["user_id"]})


def test_the_secret_key_is_read_when_it_is_needed():
    backend = JWTAuthentication()
    mount_view(protect(auth=[backend], guards=[IsAuthenticated()])(who))
    assert get(**bearer(sub="1")).status_code == 200
    with override_settings(SECRET_KEY="another-secret-key" * 4):
        assert get(**bearer(sub="1")).status_code == 401
        assert get(**bearer(sub="1", secret="another-secret-key" * 4)).status_code == 200
    assert get(**bearer(sub="1")).status_code == 200


def test_fallbacks_verify():
    mount_view(protect(auth=[JWTAuthentication()], guards=[IsAuthenticated()])(who))
    with override_settings(SECRET_KEY="another-secret-key" * 4, SECRET_KEY_FALLBACKS=[SECRET]):
        assert get(**bearer(sub="1")).status_code == 200
        assert get(**bearer(sub="1", secret="another-secret-key" * 4)).status_code == 200
        assert get(**bearer(sub="1", secret="a-third-secret-key" * 4)).status_code == 401


def test_a_given_secret_does_not_follow_the_setting():
    mount_view(protect(auth=[JWTAuthentication("my-own-secret" * 4)], guards=[IsAuthenticated()])(who))
    assert get(**bearer(sub="1", secret="my-own-secret" * 4)).status_code == 200
    assert get(**bearer(sub="1")).status_code == 401


def test_defaults_are_read_when_they_are_needed():
    mount_view(protect()(who))
    assert get().status_code == 200
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated()]):
        assert get().status_code == 401
        assert get(**bearer(sub="1")).status_code == 200
        with override_settings(BOLT_AUTHENTICATION_CLASSES=[APIKeyAuthentication({"k"})]):
            assert get(**bearer(sub="1")).status_code == 401
            assert get(X_API_Key="k").status_code == 200
    assert get().status_code == 200


@override_settings(
    BOLT_AUTHENTICATION_CLASSES=["boltguard.auth.JWTAuthentication", "test_django_configuration.KEYS"],
    BOLT_DEFAULT_PERMISSION_CLASSES=["boltguard.auth.IsAuthenticated", HasPermission("a")],
)
def test_defaults_may_be_dotted_paths():
    mount_view(protect()(who))
    assert get(**bearer(sub="1", permissions=["a"])).status_code == 200
    assert get(**bearer(sub="1")).status_code == 403
    assert get(X_API_Key="k").status_code == 403
    assert get().status_code == 401


KEYS = APIKeyAuthentication({"k"})


@pytest.mark.parametrize(
    "settings",
    [
        {"BOLT_AUTHENTICATION_CLASSES": "boltguard.auth.JWTAuthentication"},
        {"BOLT_AUTHENTICATION_CLASSES": ["boltguard.auth.Missing"]},
        {"BOLT_AUTHENTICATION_CLASSES": [JWTAuthentication]},
        {"BOLT_DEFAULT_PERMISSION_CLASSES": [AllowAny]},
        {"BOLT_DEFAULT_PERMISSION_CLASSES": []},
        {"BOLT_DEFAULT_PERMISSION_CLASSES": None},
        {"BOLT_DEFAULT_PERMISSION_CLASSES": ["os.path.join"]},
    ],
)
def test_a_default_that_can_not_be_used_allows_no_one(settings):
    mount_view(protect()(who))
    with override_settings(**settings):
        assert get(**bearer(sub="1")).status_code == 500


def test_settings_can_import_the_package(tmp_path):
    """In settings.py, apps and SECRET_KEY aren't available yet."""
    (tmp_path / "settings.py").write_text(
        textwrap.dedent("""
        from boltguard.auth import *
        from boltguard.auth import JWTAuthentication, IsAuthenticated
        from boltguard import BoltAPI, Depends, protect
        BOLT_AUTHENTICATION_CLASSES = [JWTAuthentication(revocation_store=DjangoORMRevocation())]
        BOLT_DEFAULT_PERMISSION_CLASSES = [IsAuthenticated() & ~HasPermission("banned")]
        early_api = BoltAPI(auth=[JWTAuthentication()])
        SECRET_KEY = "k" * 64
        INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "boltguard"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        ROOT_URLCONF = "urls"
        """)
    )
    (tmp_path / "urls.py").write_text(
        "from django.urls import path\nfrom settings import early_api\nurlpatterns = [path('', early_api.urls)]\n"
    )
    assert manage(tmp_path, "check").returncode == 0
    assert manage(tmp_path, "migrate").returncode == 0
    assert manage(tmp_path, "makemigrations", "--check", "--dry-run").returncode == 0


def test_the_package_needs_no_users_and_no_database(tmp_path):
    (tmp_path / "settings.py").write_text(
        "SECRET_KEY = 'k' * 64\nINSTALLED_APPS = ['boltguard']\nROOT_URLCONF = 'urls'\nALLOWED_HOSTS = ['*']\n"
    )
    (tmp_path / "urls.py").write_text(
        textwrap.dedent("""
        from boltguard import BoltAPI
        from django.urls import path
        api = BoltAPI()
        @api.get("/x")
        async def x(request):
            return request.context
        urlpatterns = [path('', api.urls)]
        """)
    )
    code = "import django; django.setup(); from django.test import Client; print(Client().get('/x').content)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True)
    assert '"user_id":null' in done.stdout, done.stderr


IMPORTS = """
    import django
    from django.core.signals import setting_changed
    from django.middleware.cache import UpdateCacheMiddleware

    django.setup()

    def state():
        uids = [str(key[0]) for key, *_ in setting_changed.receivers]
        return [uid for uid in uids if uid.startswith("boltguard")], UpdateCacheMiddleware.process_response

    before = state()
    import boltguard.auth, boltguard.decorators, boltguard.drf, boltguard.gate.gate, boltguard.middleware
    from boltguard import BoltAPI, protect
"""


@pytest.mark.parametrize("installed", [False, True])
def test_importing_modules_connects_nothing(tmp_path, installed):
    apps = ["boltguard"] if installed else []
    (tmp_path / "settings.py").write_text(f"SECRET_KEY = 'k' * 64\nINSTALLED_APPS = {apps}\n")
    done = python(tmp_path, IMPORTS + "    print('same' if state() == before else 'other')")
    assert done.stdout == "same\n", done.stderr


def test_a_site_without_the_app_notices_changed_settings_and_guards_caches(tmp_path):
    (tmp_path / "settings.py").write_text("SECRET_KEY = 'k' * 64\n")
    rest = """
    from django.http import HttpResponse
    from django.test import RequestFactory, override_settings
    from boltguard.auth import IsAuthenticated, JWTAuthentication
    from boltguard.gate import caches

    view = protect(auth=[JWTAuthentication()])(lambda request: HttpResponse())
    request = RequestFactory().get("/")
    print(view(request).status_code)
    with override_settings(BOLTGUARD_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated()]):
        print(view(request).status_code)
    print(view(request).status_code, hasattr(UpdateCacheMiddleware.process_response, caches.PATCHED))
"""
    done = python(tmp_path, IMPORTS + rest)
    assert done.stdout.split() == ["200", "401", "200", "True"], done.stderr


def python(folder, code):
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, env=environment(folder), capture_output=True, text=True)


def manage(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments], env=environment(folder), capture_output=True, text=True
    )


def environment(folder):
    paths = [str(folder), *(path for path in sys.path if path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "DJANGO_SETTINGS_MODULE": "settings"}


def test_one_backend_object_serves_many_routes():
    backend, api = JWTAuthentication(revocation_store=DjangoCacheRevocation()), BoltAPI()
    for number in range(3):
        api.get(f"/{number}", auth=[backend], guards=[IsAuthenticated()])(lambda: {})
    mount(api=api)
    assert [get(f"/{number}", **bearer(sub="1", jti="j")).status_code for number in range(3)] == [200] * 3
