"""The admin's pages, through Django's test client."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.test import Client, override_settings
from django.urls import path, reverse
from django.utils import timezone

from boltguard import _rust
from boltguard.models import APIKey

from support import mount, staff

FORMAT = _rust.ApiKeyFormat("bg")
KEY = re.compile(FORMAT.pattern)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _admin(database):
    mount(path("admin/", admin.site.urls))
    yield
    APIKey.objects.all().delete()
    LogEntry.objects.all().delete()


@pytest.fixture
def root():
    yield from _client(is_superuser=True)


@pytest.fixture
def clerk():
    """A member of the staff with permission to create and change keys, and one other permission."""
    for client in _client():
        names = ("add_apikey", "change_apikey", "view_apikey", "view_group")
        client.user.user_permissions.set(Permission.objects.filter(codename__in=names))
        yield client


def _client(**fields):
    user, client = staff("staff", **fields)
    client.user = user
    yield client
    user.delete()


def create(**fields):
    return APIKey.objects.create_key(**{"name": "reports", **fields})


def page(name, *arguments):
    return reverse(f"admin:boltguard_api_keys_apikey_{name}", args=arguments)


def form(**fields):
    return {"name": "nightly", "owner": "", "expires_at_0": "", "expires_at_1": "", "scopes": "", **fields}


def add(client, **fields):
    return client.post(page("add"), form(**fields))


def act(client, action, *rows, **more):
    fields = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(page("changelist"), fields)


def keys_on(response):
    return KEY.findall(response.content.decode())


def test_a_new_key_is_shown_once_and_kept_nowhere(root, ada):
    end = timezone.now() + 90 * DAY
    response = add(
        root,
        owner=ada.pk,
        permissions=["auth.view_group"],
        other_permissions="blog.*\nshop.view",
        scopes="read write",
        expires_at_0=end.strftime("%Y-%m-%d"),
        expires_at_1="12:00",
    )
    (key,) = set(keys_on(response))
    row = APIKey.objects.get()
    assert (row.pk, row.name, row.owner) == (FORMAT.parse(key), "nightly", ada)
    assert row.permissions == ["auth.view_group", "blog.*", "shop.view"] and row.scopes == ["read", "write"]
    assert abs(row.expires_at - end) < DAY and row.status == "active"
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    assert not list(get_messages(response.wsgi_request))
    secret = key.split("_")[2]
    for url in (page("changelist"), page("change", row.pk), page("history", row.pk)):
        assert secret not in root.get(url).content.decode()
    sessions = [session.get_decoded() for session in Session.objects.all()]
    entries = LogEntry.objects.values_list("object_repr", "change_message")
    assert secret not in f"{sessions} {list(entries)} {dict(root.cookies)}"


def test_the_key_of_the_page_works(root):
    from boltguard.auth import APIKeyStore

    (key,) = set(keys_on(add(root)))
    store = APIKeyStore()
    store.refresh()
    backend = _rust.ApiKeyBackend.stored(store.snapshot.rust)
    gate = _rust.Gate([backend], _rust.Guard.authenticated())
    assert gate.check({"HTTP_X_API_KEY": key}).is_authenticated


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"scopes": "read wri\x7fte"}, "“wri\x7fte” is not a valid scope"),
        ({"name": ""}, "This field is required"),
        ({"other_permissions": "shop.*\nblog*"}, "“blog*” is not a valid permission"),
        ({"permissions": ["no.such"]}, "Select a valid choice"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "in the past"),
    ],
)
def test_mistakes_are_named(root, fields, complaint):
    response = add(root, **fields)
    assert complaint in response.content.decode() and not keys_on(response) and not APIKey.objects.exists()


@pytest.mark.parametrize("language", ["en", "de"])
def test_usual_lifetimes_are_filled_in_as_the_form_reads_them(root, language):
    with override_settings(LANGUAGE_CODE=language):
        content = root.get(page("add")).content.decode()
        presets = re.findall(r'data-boltguard-date="(.*?)" data-boltguard-time="(.*?)"', content)
        assert len(presets) == 4
        for (date, time), days in zip(presets, (30, 90, 365, None), strict=True):
            APIKey.objects.all().delete()
            assert keys_on(add(root, expires_at_0=date, expires_at_1=time))
            end = APIKey.objects.get().expires_at
            assert end is None if days is None else abs(end - timezone.now() - days * DAY) < timedelta(hours=2)


def test_the_breadcrumbs_are_elements_that_the_admin_styles(root):
    def crumbs(response):
        return re.findall(r'<(\w+) class="breadcrumbs">', response.content.decode())

    row, _ = create()
    usual = crumbs(root.get(page("change", row.pk)))
    assert len(usual) == 1
    for response in (root.get(page("revoke", row.pk)), root.get(page("rotate", row.pk)), add(root)):
        assert crumbs(response) == usual


def test_copying_is_the_main_button_of_the_page_with_the_key(root):
    content = add(root).content.decode()
    assert re.search(r'<button [^>]*class="button default" data-boltguard-copy', content)
    assert re.search(r'<a href="[^"]*" class="boltguard-secondary">I have copied', content)
    assert "boltguard/api_keys.js" in content and "boltguard/api_keys.css" in content


def test_the_id_is_below_the_name_in_the_list(root):
    row, _ = create()
    content = root.get(page("changelist")).content.decode()
    columns = re.findall(r'class="(?:[^"]* )?column-(\w+)', content)
    assert columns == ["name_and_id", "status_mark", "expires_at", "last_used_at", "owner", "created_at"]
    assert f'reports <span class="boltguard-id">{row.pk}</span>' in content


def test_permissions_are_chosen_from_those_of_the_site(root):
    content = root.get(page("add")).content.decode()
    assert '<option value="auth.add_user">auth.add_user (Can add user)</option>' in content
    assert "selectfilter" in content and "digest" not in content


def test_the_list_can_be_searched_and_filtered(root, ada):
    active, expired, revoked = create(name="one", owner=ada)[0], create(name="two")[0], create(name="three")[0]
    APIKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    revoked.revoke()

    def found(**query):
        return set(root.get(page("changelist"), query).context["cl"].result_list)

    assert found() == {active, expired, revoked}
    assert found(status="active") == {active} and found(status="expired") == {expired}
    assert found(status="revoked") == {revoked}
    assert found(q="ada") == found(q=active.pk) == found(q="one") == {active} and found(q="four") == set()


def test_the_list_costs_the_same_for_many_keys(root, ada, django_assert_same):
    create(owner=ada)
    with django_assert_same() as few:
        root.get(page("changelist"))
    for _ in range(5):
        create(owner=ada)
    with django_assert_same() as many:
        root.get(page("changelist"))
    assert len(few) == len(many)


@pytest.fixture
def django_assert_same():
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    return lambda: CaptureQueriesContext(connection)


def test_a_key_is_changed_but_not_its_owner_nor_its_state(root, ada):
    row, _ = create(owner=ada, permissions=["auth.view_group", "blog.*"], scopes=["read"])
    content = root.get(page("change", row.pk)).content.decode()
    assert "Rotate" in content and "Revoke" in content
    assert re.search(r'value="auth.view_group" selected', content) and "blog.*</textarea>" in content
    fields = form(name="daily", owner="", permissions=["auth.view_user"], other_permissions="shop.*", scopes="write")
    response = root.post(page("change", row.pk), {**fields, "digest": "x", "revoked_at": "x", "last_used_at": "x"})
    assert response.status_code == 302
    changed = APIKey.objects.get()
    assert (changed.name, changed.permissions, changed.scopes) == ("daily", ["auth.view_user", "shop.*"], ["write"])
    assert (changed.owner, changed.revoked_at, changed.last_used_at) == (ada, None, None)
    assert bytes(changed.digest) == bytes(row.digest) and changed.stamp > row.stamp
    root.post(page("change", row.pk), {**fields, "name": "weekly"})
    assert "Changed Name." in root.get(page("history", row.pk)).content.decode(), "and nothing else"


def test_a_key_is_revoked_after_a_question(root):
    row, _ = create()
    question = root.get(page("revoke", row.pk))
    assert "can&#x27;t be undone" in question.content.decode() or "can't be undone" in question.content.decode()
    assert APIKey.objects.get().status == "active"
    response = root.post(page("revoke", row.pk), {"confirmed": "yes"}, follow=True)
    assert APIKey.objects.get().status == "revoked"
    assert f"Revoked 1 API key: reports ({row.pk})." in response.content.decode()
    assert "Revoked." in root.get(page("history", row.pk)).content.decode()
    again = root.post(page("revoke", row.pk), {"confirmed": "yes"}, follow=True)
    assert "This API key has already been revoked." in again.content.decode()


def test_a_revoked_key_can_only_be_looked_at(root):
    row, _ = create(permissions=["blog.*"])
    row.revoke()
    content = root.get(page("change", row.pk)).content.decode()
    assert "blog.*" in content and "<textarea" not in content and "Rotate" not in content
    assert root.post(page("change", row.pk), form(name="other")).status_code == 403


def test_a_key_is_rotated_with_an_overlap(root, ada):
    row, _ = create(owner=ada, permissions=["a"], scopes=["b"])
    assert "in 1 week" in root.get(page("rotate", row.pk)).content.decode()
    response = root.post(page("rotate", row.pk), {"confirmed": "yes", "overlap": "604800"})
    (key,) = set(keys_on(response))
    successor = APIKey.objects.get(pk=FORMAT.parse(key))
    assert (successor.owner, successor.permissions, successor.scopes) == (ada, ["a"], ["b"])
    row.refresh_from_db()
    assert abs(row.expires_at - timezone.now() - 7 * DAY) < timedelta(minutes=1)
    assert "no-store" in response["Cache-Control"]


def test_several_keys_are_revoked_and_rotated_together(root):
    one, two, over = create()[0], create()[0], create()[0]
    over.revoke()
    question = act(root, "rotate_selected", one, two, over)
    assert one.pk in question.content.decode() and over.pk not in question.content.decode()
    made = act(root, "rotate_selected", one, two, over, confirmed="yes", overlap="0")
    assert len(set(keys_on(made))) == 2 and APIKey.objects.count() == 5
    assert one.pk in act(root, "revoke_selected", one, two).content.decode()
    act(root, "revoke_selected", one, two, confirmed="yes")
    assert {row.status for row in APIKey.objects.filter(pk__in=[one.pk, two.pk])} == {"revoked"}
    response = act(root, "rotate_selected", over, confirmed="yes")
    assert "nothing to rotate" in " ".join(map(str, get_messages(response.wsgi_request)))


def test_users_cannot_grant_permissions_they_do_not_have(clerk, ada):
    for fields in (
        {"permissions": ["auth.add_user"]},
        {"other_permissions": "auth.add_user"},
        {"other_permissions": "*"},
        {"other_permissions": "auth.*"},
        {"scopes": "read"},
        {"owner": ada.pk},
    ):
        response = add(clerk, **fields)
        assert not keys_on(response) and not APIKey.objects.exists(), fields
    content = clerk.get(page("add")).content.decode()
    assert "auth.view_group" in content and "auth.add_user" not in content
    (key,) = set(keys_on(add(clerk, owner=clerk.user.pk, permissions=["auth.view_group"])))
    assert APIKey.objects.get(pk=FORMAT.parse(key)).owner == clerk.user


def test_what_others_granted_stays_when_a_key_is_changed(clerk):
    row, _ = create(permissions=["auth.add_user", "blog.*"], scopes=["read"])
    content = clerk.get(page("change", row.pk)).content.decode()
    assert re.search(r'value="auth.add_user" selected', content)
    fields = form(permissions=["auth.add_user"], other_permissions="blog.*", scopes="read")
    assert clerk.post(page("change", row.pk), fields).status_code == 302
    assert APIKey.objects.get().permissions == ["auth.add_user", "blog.*"]


def test_users_cannot_extend_the_keys_of_others(clerk, ada):
    end = timezone.now().replace(microsecond=0) + 10 * DAY

    def save(row, expires):
        date, time = f"{timezone.localtime(expires):%Y-%m-%d %H:%M:%S}".split() if expires else ("", "")
        kept = {"other_permissions": "\n".join(row.permissions), "scopes": " ".join(row.scopes)}
        response = clerk.post(page("change", row.pk), form(expires_at_0=date, expires_at_1=time, **kept))
        row.refresh_from_db()
        return response

    theirs, wide, scoped = (
        create(expires=end, **more)[0] for more in ({"owner": ada}, {"permissions": ["*"]}, {"scopes": ["read"]})
    )
    for row in (theirs, wide, scoped):
        for longer in (None, end + DAY):
            response = save(row, longer)
            assert "extend the validity of this key" in response.content.decode() and row.expires_at == end
            assert list(response.context["adminform"].form.errors) == ["expires_at"]
        assert save(row, end).status_code == 302 and row.expires_at == end, "unchanged"
        assert save(row, end - DAY).status_code == 302 and row.expires_at == end - DAY, "sooner"
    over, _ = create(owner=ada)
    assert save(over, end).status_code == 302 and over.expires_at == end, "without an end before"
    mine, _ = create(owner=clerk.user, permissions=["auth.view_group"], expires=end)
    assert save(mine, end + DAY).status_code == 302 and mine.expires_at == end + DAY


def test_an_expired_key_is_not_revived_by_those_who_could_not_rotate_it(clerk, ada):
    row, _ = create(owner=ada)
    APIKey.objects.filter(pk=row.pk).update(expires_at=timezone.now() - DAY)
    clerk.post(page("change", row.pk), form(expires_at_0="", expires_at_1=""))
    assert APIKey.objects.get().status == "expired"


def test_users_cannot_rotate_the_keys_of_others(clerk, ada):
    theirs, wide, scoped = create(owner=ada)[0], create(permissions=["*"])[0], create(scopes=["read"])[0]
    for row in (theirs, wide, scoped):
        response = clerk.post(page("rotate", row.pk), {"confirmed": "yes"})
        assert response.status_code == 302 and not keys_on(response)
        assert not keys_on(act(clerk, "rotate_selected", row, confirmed="yes"))
    assert APIKey.objects.count() == 3
    mine, _ = create(owner=clerk.user, permissions=["auth.view_group"])
    assert keys_on(clerk.post(page("rotate", mine.pk), {"confirmed": "yes"}))


def test_those_who_may_only_look_change_nothing(clerk):
    clerk.user.user_permissions.set(Permission.objects.filter(codename="view_apikey"))
    row, _ = create()
    assert clerk.get(page("change", row.pk)).status_code == 200
    assert clerk.get(page("add")).status_code == 403
    for name in ("rotate", "revoke"):
        assert clerk.post(page(name, row.pk), {"confirmed": "yes"}).status_code == 403
        act(clerk, f"{name}_selected", row, confirmed="yes")
    assert [found.status for found in APIKey.objects.all()] == ["active"]


def test_the_pages_are_for_the_staff():
    row, _ = create()
    for name in ("rotate", "revoke", "change"):
        response = Client().post(page(name, row.pk), {"confirmed": "yes"})
        assert response.status_code == 302 and "login" in response["Location"]


def test_a_form_of_another_site_does_nothing(root):
    row, _ = create()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(root.user)
    with override_settings(
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ]
    ):
        strict.handler.load_middleware()
        assert strict.post(page("revoke", row.pk), {"confirmed": "yes"}).status_code == 403
    assert APIKey.objects.get().status == "active"


def test_the_page_of_a_key_names_the_secret_key_that_it_needs(root):
    def said():
        return root.get(page("change", row.pk)).content.decode()

    with override_settings(SECRET_KEY="an old secret key, which is long enough for all of this"):
        row, _ = create()
    old = APIKey.objects.get().secret_id
    assert "no longer configured" in said()
    row, _ = create()
    assert "Created with the current SECRET_KEY" in said() and row.secret_id != old


def test_names_are_escaped(root):
    row, _ = create(name="<script>alert(1)</script>")
    for response in (
        root.get(page("changelist")),
        root.get(page("change", row.pk)),
        root.get(page("revoke", row.pk)),
        root.post(page("rotate", row.pk), {"confirmed": "yes"}),
    ):
        assert "<script>alert" not in response.content.decode()
