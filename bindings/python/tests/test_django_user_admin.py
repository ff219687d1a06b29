"""The action "Log out everywhere" in the admin of users, through Django's test client."""

import json
import subprocess
import sys
from weakref import WeakSet

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.core import checks
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path, reverse
from django.utils import translation

from boltguard import protect, registry
from boltguard.admin import LogoutEverywhereMixin
from boltguard.auth import InMemoryRevocation, IsAuthenticated, JWTAuthentication
from boltguard.sessions import TokenSessions
from boltguard.sessions.models import TokenSession
from boltguard.user_admin import add_to_users

from support import SingleTokens, bearer, get, messages_of, mount, staff

ACTION = "log_out_everywhere"


@pytest.fixture(autouse=True)
def _alone(database, monkeypatch):
    # The backends of other tests.
    monkeypatch.setattr(registry, "_built", WeakSet())
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=[]):
        yield
    mount()
    for model in (TokenSession, LogEntry):
        model.objects.all().delete()


@pytest.fixture
def bob(database):
    user = get_user_model().objects.create_user("bob <b>")
    yield user
    user.delete()


@pytest.fixture
def root():
    user, client = staff("root", is_superuser=True)
    yield client
    user.delete()


@pytest.fixture
def serve():
    """Serves the admin and a view, and returns the sessions of its backend."""

    def serve(store=None, site=admin.site):
        sessions = TokenSessions(JWTAuthentication(revocation_store=store))

        @protect(auth=[sessions.jwt_auth], guards=[IsAuthenticated()])
        def view(request):
            return HttpResponse("in")

        mount(path("admin/", site.urls), path("view", view))
        return sessions

    return serve


def changelist():
    return reverse("admin:auth_user_changelist")


def log_out(client, *users):
    fields = {"action": ACTION, "_selected_action": [user.pk for user in users]}
    return client.post(changelist(), fields)


def status(pair):
    return get(**bearer(pair.access_token)).status_code


def test_the_action_ends_the_sessions_and_tokens_of_the_selected_users(root, ada, bob, serve):
    sessions = serve(InMemoryRevocation())
    pairs, other = [sessions.create(ada), sessions.create(ada)], sessions.create(bob)
    assert f'value="{ACTION}"' in root.get(changelist()).content.decode()
    assert messages_of(log_out(root, ada)) == ["Logged out 1 user everywhere."]
    assert [status(pair) for pair in (*pairs, other)] == [401, 401, 200]
    assert (sessions.list(ada), len(sessions.list(bob))) == ([], 1)
    assert status(sessions.create(ada)) == 200


def test_each_user_gets_a_log_entry(root, ada, bob, serve):
    serve(InMemoryRevocation())
    assert messages_of(log_out(root, ada, bob)) == ["Logged out 2 users everywhere."]
    entries = LogEntry.objects.all()
    assert sorted(entry.object_id for entry in entries) == sorted([str(ada.pk), str(bob.pk)])
    assert {(entry.change_message, entry.user.username) for entry in entries} == {("Logged out everywhere.", "root")}


def test_an_administrator_stays_logged_in_to_the_admin(root, serve):
    serve(InMemoryRevocation())
    log_out(root, get_user_model().objects.get(username="root"))
    assert root.get(changelist()).status_code == 200


def test_an_unavailable_store_is_reported_with_the_users(root, ada, bob, serve, monkeypatch, caplog):
    store = InMemoryRevocation()
    sessions, revoke_level = serve(store), store.revoke_level
    pairs = [sessions.create(ada), sessions.create(bob)]

    def fail(level, *args, **kwargs):
        if level.value == str(bob.pk):
            raise ConnectionError("the server is gone")
        return revoke_level(level, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(store, "revoke_level", fail)
        messages = messages_of(log_out(root, ada, bob))
    assert messages == [
        "Logged out 1 user everywhere.",
        "1 user may still be logged in, because tokens couldn't be revoked. Try again: bob <b>",
    ]
    assert "bob &lt;b&gt;" in root.get(changelist()).content.decode()
    assert LogEntry.objects.get().object_id == str(ada.pk)
    (record,) = [record for record in caplog.records if record.name == "boltguard" and record.levelname == "ERROR"]
    assert record.exc_info[0] is ConnectionError and "bob" not in record.getMessage()
    assert [status(pair) for pair in pairs] == [401, 200] and sessions.list(bob) == []
    assert messages_of(log_out(root, bob))[-1] == "Logged out 1 user everywhere."
    assert status(pairs[1]) == 401


def test_a_store_of_single_tokens_is_reported(root, ada, serve):
    serve()
    single = JWTAuthentication(revocation_store=SingleTokens())
    (message,) = messages_of(log_out(root, ada))
    assert message.startswith("1 user may still be logged in") and single.revocation_store is not None
    assert not LogEntry.objects.exists()


def test_the_action_is_not_offered_without_a_store(root, ada, serve):
    sessions = serve()
    sessions.create(ada)
    assert ACTION not in root.get(changelist()).content.decode()
    assert "Logged out 1 user everywhere." not in messages_of(log_out(root, ada))
    assert len(sessions.list(ada)) == 1 and not LogEntry.objects.exists()


def test_the_action_is_offered_and_reports_if_the_backends_can_not_be_created(root, ada, serve):
    serve(InMemoryRevocation())
    with override_settings(BOLTGUARD_AUTHENTICATION_CLASSES=["missing.Class"]):
        (message,) = messages_of(log_out(root, ada))
    assert message.startswith("1 user may still be logged in")


def test_the_action_requires_the_permission_to_change_users(ada, serve):
    sessions = serve(InMemoryRevocation())
    pair = sessions.create(ada)
    for permission, expected in {"view_user": 200, "change_user": 401}.items():
        user, client = staff("clerk", permission)
        assert (ACTION in client.get(changelist()).content.decode()) == (expected == 401)
        log_out(client, ada)
        assert status(pair) == expected
        user.delete()


def test_users_whom_the_administrator_may_not_change_are_named(root, ada, bob, serve):
    class Protected(LogoutEverywhereMixin, UserAdmin):
        def has_change_permission(self, request, obj=None):
            return super().has_change_permission(request, obj) and obj != bob

    site = admin.AdminSite()
    site.register(get_user_model(), Protected)
    sessions = serve(InMemoryRevocation(), site)
    pairs = [sessions.create(ada), sessions.create(bob)]
    assert messages_of(log_out(root, ada, bob)) == [
        "Logged out 1 user everywhere.",
        "You don't have permission to log out 1 user: bob <b>",
    ]
    assert [status(pair) for pair in pairs] == [401, 200]
    assert LogEntry.objects.get().object_id == str(ada.pk)


@pytest.mark.parametrize(
    ("language", "action", "message"),
    [
        ("de", "Überall abmelden", "1 Benutzer wurde überall abgemeldet."),
        ("fr", "Déconnecter partout", "1 utilisateur a été déconnecté partout."),
    ],
)
def test_the_action_is_translated(root, ada, serve, language, action, message):
    serve(InMemoryRevocation())
    with translation.override(language):
        assert action in root.get(changelist()).content.decode()
        assert messages_of(log_out(root, ada)) == [message]


# Registration


def test_the_action_is_added_to_the_admin_of_django():
    users = admin.site.get_model_admin(get_user_model())
    assert isinstance(users, LogoutEverywhereMixin) and isinstance(users, UserAdmin)
    assert users.get_action(ACTION) is not None and not checks.run_checks([apps.get_app_config("auth")], tags=["admin"])


def test_actions_of_the_admin_of_django_are_kept(monkeypatch):
    monkeypatch.setattr(UserAdmin, "actions", ["export"])
    monkeypatch.setattr(UserAdmin, "export", lambda *arguments: None, raising=False)
    site = admin.AdminSite()
    site.register(get_user_model(), UserAdmin)
    add_to_users(site)
    assert site.get_model_admin(get_user_model()).actions == ("export", ACTION)


def test_another_admin_of_users_is_left_alone():
    class Own(UserAdmin):
        """Differs from Django's."""

    site = admin.AdminSite()
    site.register(get_user_model(), Own)
    add_to_users(site)
    assert type(site.get_model_admin(get_user_model())) is Own
    site = admin.AdminSite()
    add_to_users(site)
    assert not site.is_registered(get_user_model())


def test_the_mixin_can_follow_the_admin_of_users():
    class Own(UserAdmin, LogoutEverywhereMixin):
        """In the other order."""

    assert Own(get_user_model(), admin.site).actions == (ACTION,)


SITE = """
import json, sys
from django.conf import settings
order, model = json.loads(sys.argv[1]), sys.argv[2]
settings.configure(INSTALLED_APPS=order, AUTH_USER_MODEL=model, SECRET_KEY="x" * 64)
import django; django.setup()
from django.contrib import admin
from django.contrib.auth import get_user_model
users = admin.site.get_model_admin(get_user_model())
print(type(users).__name__, *users.actions)
"""
DJANGO = ["django.contrib.contenttypes", "django.contrib.messages", "django.contrib.auth", "django.contrib.admin"]
MODELS = """
from django.contrib.auth.models import AbstractUser
class Member(AbstractUser):
    pass
"""
ADDED, OWN = f"UserAdminWithLogout {ACTION}", f"Own {ACTION}"


def started(tmp_path, order, model="auth.User"):
    command = [sys.executable, "-c", SITE, json.dumps(order), model]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("order", [[*DJANGO, "boltguard"], ["boltguard", *DJANGO]], ids=["last", "first"])
def test_the_action_is_added_in_any_order_of_the_apps(tmp_path, order):
    assert started(tmp_path, order) == ADDED


@pytest.mark.parametrize("order", [["boltguard", "members"], ["members", "boltguard"]], ids=["first", "last"])
@pytest.mark.parametrize("is_own", [False, True])
def test_the_app_of_a_custom_user_model_is_registered_before(tmp_path, order, is_own):
    app = tmp_path / "members"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "models.py").write_text(MODELS)
    own = ["from boltguard.admin import LogoutEverywhereMixin", "class Own(LogoutEverywhereMixin, UserAdmin): pass"]
    lines = [
        "from django.contrib import admin",
        "from django.contrib.auth.admin import UserAdmin",
        "from members.models import Member",
        *(own if is_own else []),
        f"admin.site.register(Member, {'Own' if is_own else 'UserAdmin'})",
    ]
    (app / "admin.py").write_text("\n".join(lines))
    assert started(tmp_path, [*DJANGO, *order], "members.Member") == (OWN if is_own else ADDED)


def test_an_app_can_replace_the_admin_of_django(tmp_path):
    app = tmp_path / "staff"
    app.mkdir()
    (app / "__init__.py").touch()
    lines = [
        "from django.contrib import admin",
        "from django.contrib.auth.admin import UserAdmin",
        "from django.contrib.auth.models import User",
        "class Own(UserAdmin): actions = ['export']",
        "Own.export = lambda *arguments: None",
        "admin.site.unregister(User)",
        "admin.site.register(User, Own)",
    ]
    (app / "admin.py").write_text("\n".join(lines))
    for order in ["boltguard", *DJANGO, "staff"], [*DJANGO, "staff", "boltguard"]:
        assert started(tmp_path, order) == "Own export"
