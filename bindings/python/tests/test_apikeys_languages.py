"""The admin's pages in German and French."""

import re
from datetime import timedelta
from html import unescape

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from django.urls import path, reverse
from django.utils import timezone, translation

from boltguard import _rust
from boltguard.models import APIKey

from support import mount

KEY = re.compile(_rust.ApiKeyFormat("bg").pattern)
SITE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _admin(database):
    mount(path("admin/", admin.site.urls))
    # The middleware leaves the language of the last request active.
    with override_settings(MIDDLEWARE=SITE), translation.override("en"):
        yield
    mount()
    APIKey.objects.all().delete()
    LogEntry.objects.all().delete()


def client_of(language, **fields):
    user = get_user_model().objects.create_user("staff", is_staff=True, **fields)
    client = Client(headers={"Accept-Language": language})
    client.user = user
    client.force_login(user)
    return client


@pytest.fixture
def german():
    client = client_of("de", is_superuser=True)
    yield client
    client.user.delete()


@pytest.fixture
def french():
    client = client_of("fr", is_superuser=True)
    yield client
    client.user.delete()


@pytest.fixture
def clerk():
    """A German member of the staff who isn't a superuser."""
    client = client_of("de")
    names = ("add_apikey", "change_apikey", "view_apikey", "view_group")
    client.user.user_permissions.set(Permission.objects.filter(codename__in=names))
    yield client
    client.user.delete()


def create(**fields):
    return APIKey.objects.create_key(**{"name": "reports", **fields})[0]


def page(name, *arguments):
    return reverse(f"admin:boltguard_api_keys_apikey_{name}", args=arguments)


def form(**fields):
    return {"name": "nightly", "owner": "", "expires_at_0": "", "expires_at_1": "", "scopes": "", **fields}


def act(client, action, *rows, **more):
    fields = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return shown(client.post(page("changelist"), fields, follow=True))


def shown(response):
    """The visible content of a page."""
    content = re.sub(r"<(script|svg|style).*?</\1>", "", response.content.decode(), flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", content)).replace("\xa0", " ").split())


def test_the_list_has_german_titles_and_filters(german):
    create()
    text = shown(german.get(page("changelist")))
    for title in ("API-Schlüssel", "Eigentümer", "Gültig bis", "Erstellt am", "Zuletzt verwendet", "aktiv"):
        assert title in text, title
    assert "Aktiv Abgelaufen Widerrufen" in text, "the choices of the filter"
    assert "Ausgewählte API-Schlüssel rotieren Ausgewählte API-Schlüssel widerrufen" in text
    assert not re.search(r"\b(Owner|Created|Expires|Active|active|Rotate|Revoke)\b", text)


def test_the_status_agrees_with_a_french_key(french):
    revoked, expired = create(), create()
    create()
    revoked.revoke()
    APIKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - DAY)
    content = french.get(page("changelist")).content.decode()
    statuses = re.findall(r'<span class="boltguard-status boltguard-(\w+)">(.*?)</span>', content)
    assert dict(statuses) == {"active": "active", "expired": "expirée", "revoked": "révoquée"}
    assert "Clés d’API" in content


@pytest.mark.parametrize(
    ("client", "title", "warning", "done"),
    [
        ("german", "Neuer API-Schlüssel", "Bitte kopieren Sie den Schlüssel jetzt", "Ich habe den Schlüssel kopiert"),
        ("french", "Nouvelle clé d’API", "Copiez la clé maintenant", "J’ai copié la clé"),
    ],
)
def test_a_new_key_is_shown_with_translated_instructions(request, client, title, warning, done):
    response = request.getfixturevalue(client).post(page("add"), form())
    text = shown(response)
    assert len(set(KEY.findall(text))) == 1
    assert title in text and warning in text and done in text
    assert re.search('data-boltguard-copied="(Kopiert|Copiée)"', response.content.decode())


def test_forms_are_translated(french):
    text = shown(french.get(page("add")))
    for label in ("Nom :", "Propriétaire :", "Permissions :", "Autres permissions :", "Portées :", "Expire le :"):
        assert label in text, label
    assert "blog.* accorde toutes les permissions" in text
    assert "Requests" not in text and "OAuth scopes" not in text


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": ""}, "Dieses Feld ist zwingend erforderlich."),
        ({"other_permissions": "blog*"}, "„blog*“ ist keine gültige Berechtigung."),
        ({"scopes": "wri\x7fte"}, "„wri\x7fte“ ist kein gültiger Scope."),
        ({"expires_at_0": "01.01.2020", "expires_at_1": "00:00"}, "Das Ablaufdatum liegt in der Vergangenheit."),
    ],
)
def test_complaints_of_the_form_are_german(german, fields, complaint):
    assert complaint in shown(german.post(page("add"), form(**fields)))
    assert not APIKey.objects.exists()


def test_what_others_may_not_do_is_said_in_german(clerk, ada):
    text = shown(clerk.post(page("add"), form(other_permissions="shop.100%\nshop.*")))
    assert "die Sie selbst nicht haben: shop.100%, shop.*." in text
    assert "Nur Administratoren können Scopes gewähren." in shown(clerk.post(page("add"), form(scopes="read")))
    row = create(owner=ada)
    assert f"keine Berechtigung, reports ({row.pk}) zu rotieren." in act(clerk, "rotate_selected", row)
    row = create(owner=ada, expires=DAY)
    assert "die Gültigkeit dieses Schlüssels nicht verlängern" in shown(clerk.post(page("change", row.pk), form()))


def test_one_key_and_several_are_distinguished(german):
    one, two = create(), create()
    assert "Anfragen mit diesem Schlüssel werden" in act(german, "revoke_selected", one)
    assert "Anfragen mit diesen Schlüsseln werden" in act(german, "revoke_selected", one, two)
    assert "Ein neuer Schlüssel" in act(german, "rotate_selected", one)
    assert "Alten Schlüssel ablaufen lassen: sofort in 1 Stunde" in act(german, "rotate_selected", one)
    assert "Alte Schlüssel ablaufen lassen: sofort in 1 Stunde" in act(german, "rotate_selected", one, two)
    text = act(german, "rotate_selected", one, two, confirmed="yes", overlap="86400")
    assert "Neue API-Schlüssel" in text and len(set(KEY.findall(text))) == 2
    assert "2 API-Schlüssel wurden widerrufen: " in act(german, "revoke_selected", one, two, confirmed="yes")
    assert "Diese API-Schlüssel wurden bereits widerrufen." in act(german, "revoke_selected", one, two)
    assert "Dieser API-Schlüssel wurde bereits widerrufen." in act(german, "revoke_selected", one)
    assert "Es gibt nichts zu rotieren" in act(german, "rotate_selected", one)
    three = create()
    text = act(german, "revoke_selected", three, confirmed="yes")
    assert f"1 API-Schlüssel wurde widerrufen: reports ({three.pk})." in text


def test_the_page_of_a_key_is_german(german):
    row = create()
    text = shown(german.get(page("change", row.pk)))
    assert "Rotieren Widerrufen" in text and "Hashwert: Mit dem aktuellen SECRET_KEY erstellt." in text
    assert "Berechtigungen und Scopes" in text and "Secret" not in text


def test_the_history_is_the_same_for_all_readers(german):
    row = create()
    act(german, "rotate_selected", row, confirmed="yes", overlap="0")
    german.post(page("revoke", APIKey.objects.exclude(pk=row.pk).get().pk), {"confirmed": "yes"})
    messages = {entry.get_change_message().split(".")[0] for entry in LogEntry.objects.all()}
    assert messages == {"Rotated", f"Created by rotating {row.pk}", "Revoked"}


def test_a_site_can_override_a_translation_and_add_a_language(tmp_path):
    for language, name in (("de", "Zugangsschlüssel"), ("es", "clave de API")):
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        catalogue = Catalog(language)
        catalogue.add("API key", name)
        with (folder / "django.mo").open("wb") as file:
            write_mo(file, catalogue)
    with override_settings(LOCALE_PATHS=[tmp_path]):
        for language, names in (
            ("de", ["Zugangsschlüssel", "API-Schlüssel"]),
            ("es", ["clave de API", "API keys"]),
            ("en", ["API key", "API keys"]),
        ):
            with translation.override(language):
                assert [str(APIKey._meta.verbose_name), str(APIKey._meta.verbose_name_plural)] == names
    with translation.override("de"):
        assert str(APIKey._meta.verbose_name) == "API-Schlüssel"


def test_validation_errors_are_not_translated():
    row = create()
    row.revoke()
    with translation.override("de"):
        assert row.status == "revoked" and str(row._meta.verbose_name) == "API-Schlüssel"
        with pytest.raises(ValueError, match="is revoked. Create a new key instead"):
            row.rotate()
