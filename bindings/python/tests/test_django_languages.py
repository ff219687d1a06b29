"""Error responses in the language of the client: only `detail` is translated, if Python writes it."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import path
from django.utils import translation
from rest_framework.views import APIView

from boltguard import BoltAPI, protect
from boltguard.auth import AllowAny, IsAuthenticated, JWTAuthentication, get_current_user, logout
from boltguard.drf import BoltguardAuthentication
from boltguard.exceptions import RevocationUnavailable

from support import bearer, mount

SITE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
api = BoltAPI(auth=[JWTAuthentication()], guards=[AllowAny()])


@api.get("/account")
def account(request):
    get_current_user(request)


@api.get("/store")
def store(request):
    raise RevocationUnavailable


@api.post("/logout")
def log_out(request):
    logout(request)


@api.post("/body")
def anything(request, body: dict[str, Any]):
    return body


@api.get("/private", guards=[IsAuthenticated()])
def private(request):
    return request.user.get_username()


@protect(auth=[], guards=[AllowAny()])
def protected(request):
    logout(request)


class DRFView(APIView):
    authentication_classes = [BoltguardAuthentication]

    def get(self, request):
        raise RevocationUnavailable


@pytest.fixture
def client():
    mount(path("api/", api.urls), path("protected", protected), path("drf", DRFView.as_view()))
    # The middleware leaves the language of the last request active.
    with override_settings(MIDDLEWARE=SITE), translation.override("en"):
        yield Client(enforce_csrf_checks=True, raise_request_exception=False)
    mount()


def in_languages(call):
    """The responses in English, German and French, which only differ in `detail`, and their details."""
    responses = [call({"Accept-Language": language}) for language in ("en", "de", "fr")]
    assert {response["Content-Language"] for response in responses} == {"en", "de", "fr"}
    bodies = [response.json() for response in responses]
    details = [body.pop("detail") for body in bodies]
    (status,) = {response.status_code for response in responses}
    (challenge,) = {response.headers.get("WWW-Authenticate") for response in responses}
    assert bodies[0] == bodies[1] == bodies[2]
    return status, bodies[0].get("code"), details


@pytest.mark.parametrize(
    ("url", "status", "code", "english", "german"),
    [
        ("/api/account", 401, None, "A user account is required.", "Ein Benutzerkonto ist erforderlich."),
        (
            "/api/store",
            503,
            "revocation_unavailable",
            "The revocation store is unavailable.",
            "Der Speicher für Widerrufe ist nicht verfügbar.",
        ),
        (
            "/drf",
            503,
            "revocation_unavailable",
            "The revocation store is unavailable.",
            "Der Speicher für Widerrufe ist nicht verfügbar.",
        ),
        (
            "/protected",
            401,
            None,
            "The request has no token to revoke.",
            "Die Anfrage enthält kein Token, das widerrufen werden kann.",
        ),
        (
            "/api/logout",
            405,
            "method_not_allowed",
            'Method "GET" not allowed.',
            "Methode „GET“ nicht erlaubt.",
        ),
    ],
)
def test_only_the_detail_is_translated(client, url, status, code, english, german):
    found_status, found_code, details = in_languages(lambda headers: client.get(url, headers=headers))
    assert (found_status, found_code, details[:2]) == (status, code, [english, german])
    assert len(set(details)) == 3


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code", "german"),
    [
        ("application/x-www-form-urlencoded", b"a=1", 415, None, "Der Inhalt der Anfrage muss JSON sein."),
        ("application/json", b'{"\xff": 1}', 422, "invalid_body", "Der Wert ist kein gültiges UTF-8."),
        ("application/json", b'{"a":' * 9999, 422, "invalid_body", "Der Wert ist zu tief verschachtelt."),
    ],
)
def test_complaints_about_a_body_are_translated(client, content_type, body, status, code, german):
    found = in_languages(lambda headers: client.post("/api/body", body, content_type=content_type, headers=headers))
    assert found[:2] == (status, code) and found[2][1].startswith(german) and len(set(found[2])) == 3


def test_a_failed_csrf_check_is_translated(client):
    client.cookies[settings.SESSION_COOKIE_NAME] = "a"
    status, code, details = in_languages(lambda headers: client.post("/api/logout", headers=headers))
    assert (status, code) == (403, "csrf_failed")
    assert [detail.split(".")[0] for detail in details] == [
        "CSRF verification failed",
        "CSRF-Verifizierung fehlgeschlagen",
        "La vérification CSRF a échoué",
    ]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "not_authenticated"),
        ({"Authorization": "Bearer a.b.c"}, "invalid_token"),
        (bearer(sub="0"), "invalid_token"),
        (bearer(sub="1", exp=1), "token_expired"),
    ],
)
def test_responses_of_the_engine_are_not_translated(client, headers, code):
    """So that a missing account (`sub` is 0), which Python detects, can't be distinguished from an invalid token."""
    responses = [
        client.get("/api/private", headers={**headers, "Accept-Language": language}) for language in ("en", "de", "fr")
    ]
    assert {response.status_code for response in responses} == {401}
    assert len({(response.content, response["WWW-Authenticate"]) for response in responses}) == 1
    assert responses[0].json()["code"] == code
