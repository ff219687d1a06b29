"""OWASP ASVS 5.0.0, chapter 7, "Session Management": a test for each requirement that Boltguard implements.

`docs/asvs-sessions.md` lists them with the options that they depend on; `test_the_page_lists_these_tests` compares.
"""

import json
import math
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path, reverse

from boltguard import protect
from boltguard.auth import DjangoORMRevocation, IsAuthenticated, JWTAuthentication
from boltguard.exceptions import InvalidRefreshToken
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.sessions import TokenSessions, clock
from boltguard.sessions.models import TokenSession

from support import bearer, get, mount, wsgi

PAGE = Path(__file__).parents[3] / "docs" / "asvs-sessions.md"
PASSWORD = "correct horse"


class Site:
    """A site with sessions, a view, and the admin."""

    def __init__(self, **options):
        self.sessions = TokenSessions(JWTAuthentication(revocation_store=DjangoORMRevocation()), **options)

        @protect(auth=[self.sessions.jwt_auth], guards=[IsAuthenticated()])
        def view(request):
            return HttpResponse("in")

        mount(path("view", view), path("auth/", self.sessions.urls), path("admin/", admin.site.urls))

    def log_in(self):
        response = wsgi("post", "/auth/token", body={"username": "ada", "password": PASSWORD})
        assert response.status_code == 200
        return response.json()

    def assert_active(self, pair):
        assert get(**bearer(pair["access_token"])).status_code == 200

    def assert_ended(self, pair):
        """Asserts that neither the access token nor the refresh token is accepted."""
        assert get(**bearer(pair["access_token"])).status_code == 401
        assert refresh(pair).status_code == 401


def refresh(pair):
    return wsgi("post", "/auth/token/refresh", body={"refresh_token": pair["refresh_token"]})


@pytest.fixture
def site(ada):
    yield Site()
    for model in (TokenSession, RevokedToken, RevocationWatermark):
        model.objects.all().delete()


@pytest.fixture
def later(monkeypatch):
    """Moves the clock of the sessions."""
    now = [float(int(time.time()))]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def advance(duration):
        now[0] += duration.total_seconds()

    return advance


def test_asvs_7_2_3_refresh_tokens_are_unique_and_have_128_bits_of_entropy(site, ada):
    tokens = [site.sessions.create(ada).refresh_token for _ in range(50)]
    secrets = {token.split("_")[2] for token in tokens}
    assert len(secrets) == len({token.split("_")[1] for token in tokens}) == 50
    checksum = 6
    alphabet = {character for secret in secrets for character in secret[:-checksum]}
    assert min(len(secret) - checksum for secret in secrets) * math.log2(len(alphabet)) >= 128
    # Each character of the secret counts. The last six are a checksum, which has no secret.
    *start, secret = tokens[0].split("_")
    for index in range(len(secret)):
        changed = secret[:index] + ("a" if secret[index] != "a" else "b") + secret[index + 1 :]
        with pytest.raises(InvalidRefreshToken):
            site.sessions.refresh("_".join([*start, changed]))


def test_asvs_7_2_4_login_issues_new_tokens_and_ends_the_previous_session(ada):
    site = Site(max_sessions=1)
    first = site.log_in()
    second = site.log_in()
    assert first["refresh_token"] != second["refresh_token"] and first["access_token"] != second["access_token"]
    site.assert_active(second)
    site.assert_ended(first)


def test_asvs_7_3_1_an_inactive_session_expires(site, ada, later):
    pair = site.sessions.create(ada)
    later(timedelta(days=13))
    pair = site.sessions.refresh(pair.refresh_token)
    later(timedelta(days=14, seconds=1))
    with pytest.raises(InvalidRefreshToken) as error:
        site.sessions.refresh(pair.refresh_token)
    assert error.value.code == "refresh_token_expired"


def test_asvs_7_3_2_a_session_has_an_absolute_lifetime(site, ada, later):
    pair = site.sessions.create(ada)
    for _ in range(9):
        later(timedelta(days=9, hours=23))
        pair = site.sessions.refresh(pair.refresh_token)
    later(timedelta(days=1))
    with pytest.raises(InvalidRefreshToken) as error:
        site.sessions.refresh(pair.refresh_token)
    assert error.value.code == "refresh_token_expired"


def test_asvs_7_4_1_logout_disallows_further_use_of_all_tokens(site):
    pair, other = site.log_in(), site.log_in()
    site.assert_active(pair)
    assert wsgi("post", "/auth/logout", headers=bearer(pair["access_token"])).status_code == 204
    site.assert_ended(pair)
    site.assert_active(other)


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("change", ["disabled", "deleted"])
@override_settings(BOLTGUARD_REVOKE_ON=["deactivate", "delete", "password"])  # the default
def test_asvs_7_4_2_all_sessions_end_when_an_account_is_disabled_or_deleted(site, ada, change):
    pairs = [site.log_in(), site.log_in()]
    if change == "disabled":
        ada.is_active = False
        ada.save()
    else:
        get_user_model().objects.get(pk=ada.pk).delete()
    for pair in pairs:
        site.assert_ended(pair)


def test_asvs_7_4_3_other_sessions_can_be_ended_after_a_change_of_the_password(site, ada):
    current, other = site.log_in(), site.log_in()
    ada.set_password("battery staple")
    ada.save()
    kept = current["refresh_token"].split("_")[1]
    site.sessions.end_all(ada, keep=kept)
    site.assert_ended(other)
    assert refresh(current).status_code == 200


def test_asvs_7_4_5_administrators_can_end_the_sessions_of_a_user(site):
    pairs = [site.log_in(), site.log_in()]
    root = get_user_model().objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.force_login(root)
    try:
        url = reverse("admin:boltguard_sessions_tokensession_changelist")
        ids = re.findall(r'name="_selected_action" value="(\w+)"', client.get(url, {"q": "ada"}).content.decode())
        assert len(ids) == 2
        client.post(url, {"action": "end_selected", "_selected_action": ids})
    finally:
        root.delete()
    for pair in pairs:
        site.assert_ended(pair)


def test_asvs_7_5_2_users_see_their_sessions_and_can_end_them(site):
    current, other, third = site.log_in(), site.log_in(), site.log_in()
    headers = bearer(current["access_token"])
    listed = json.loads(wsgi("get", "/auth/sessions", headers=headers).content)["sessions"]
    assert len(listed) == 3 and [one["current"] for one in listed].count(True) == 1
    one = other["refresh_token"].split("_")[1]
    assert wsgi("delete", f"/auth/sessions/{one}", headers=headers).status_code == 204
    site.assert_ended(other)
    site.assert_active(third)
    assert wsgi("post", "/auth/logout/all", headers=headers).status_code == 204
    for pair in (current, third):
        site.assert_ended(pair)


def test_the_page_lists_these_tests():
    names = [name for name in globals() if name.startswith("test_asvs_")]
    listed = re.findall(r"^\| \[?(7\.\d\.\d)\]?.*`(test_asvs_\w+)` \|$", PAGE.read_text("utf-8"), re.M)
    assert [name for _, name in listed] == names
    assert all(name.startswith(f"test_asvs_{number.replace('.', '_')}_") for number, name in listed)
