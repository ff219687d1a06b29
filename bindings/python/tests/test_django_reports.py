"""Error pages, error mails and logs never show a key, a token or a claim."""

import logging
import os
import re
import sys
from pathlib import Path
from traceback import walk_tb

import msgspec
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import got_request_exception
from django.test import RequestFactory, override_settings
from django.urls import path
from django.views.debug import ExceptionReporter

import boltguard
from boltguard import BoltAPI, protect
from boltguard.auth import (
    AllowAny,
    APIKeyAuthentication,
    InMemoryRevocation,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    create_jwt_for_user,
)

from support import bearer, get, mount, mount_view, token, wsgi

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "logging.md"
SECRET_CLAIM = "a-claim-that-must-not-be-shown"
PASSWORD = "a-password-in-a-body"
# Concatenated, because the page also shows source lines.
RAW_KEY = "-".join(["sk", "raw", "key"])


def shown(traceback):
    """The variables of Boltguard's frames, as error pages and error mails show them."""
    package = os.path.dirname(boltguard.__file__)
    frames = [frame for frame, _ in walk_tb(traceback) if frame.f_code.co_filename.startswith(package)]
    assert frames, "one of our frames is there to look at"
    return " ".join(f"{name}={value!r}" for frame in frames for name, value in frame.f_locals.items())


def failing(method, **options):
    """A request whose view raises: Boltguard's frames, and Django's complete debug page."""
    seen = []

    def note(**kwargs):
        seen.append(shown(sys.exc_info()[2]))

    got_request_exception.connect(note)
    try:
        page = wsgi(method, "/view", **options).content.decode()
    finally:
        got_request_exception.disconnect(note)
    assert "Boom" in page
    return seen[0], page


class Boom(Exception):
    pass


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("plain", [False, True])
def test_a_handler_that_fails_shows_no_credential_from_our_frames(settings_debug, is_async, plain):
    def sync(request):
        raise Boom

    async def not_sync(request):
        raise Boom

    handler, rules = (
        not_sync if is_async else sync,
        {"auth": [JWTAuthentication(), APIKeyAuthentication({RAW_KEY})]},
    )
    if plain:
        mount_view(protect(**rules, guards=[IsAuthenticated()])(handler))
    else:
        api = BoltAPI()
        api.get("/view", **rules, guards=[IsAuthenticated()])(handler)
        mount(api=api)
    text = token(sub="1", note=SECRET_CLAIM)
    ours, page = failing("get", headers={"Authorization": f"Bearer {text}"})
    assert SECRET_CLAIM not in ours + page and text not in ours + page
    ours, page = failing("get", headers={"X-API-Key": RAW_KEY})
    assert RAW_KEY not in ours + page


@pytest.fixture
def settings_debug():
    with override_settings(DEBUG=True):
        yield


def test_a_body_is_not_shown_from_our_frames(settings_debug):
    class Login(msgspec.Struct):
        password: str

    def handler(login):
        del login
        raise Boom

    handler.__annotations__["login"] = Login
    api = BoltAPI()
    api.post("/view")(handler)
    mount(api=api)
    ours, _ = failing("post", body={"password": PASSWORD})
    assert PASSWORD not in ours


@pytest.mark.parametrize(
    "build",
    [
        lambda secret: JWTAuthentication(secret=secret, algorithms=["RS256"]),
        lambda secret: JWTAuthentication(secret, algorithms=["HS265"]),
        lambda secret: JWTAuthentication([secret], leeway=-1),
        lambda secret: APIKeyAuthentication(secret),
        lambda secret: APIKeyAuthentication({secret, ""}),
        lambda secret: APIKeyAuthentication({secret}, key_permissions={secret + "-other": {"a"}}),
        lambda secret: create_jwt_for_user(None, secret=secret),
        lambda secret: create_jwt_for_user(USER, secret=secret, algorithm="HS265"),
    ],
)
def test_a_wrong_configuration_does_not_show_its_secret(build):
    with pytest.raises((ImproperlyConfigured, ValueError)) as refusal:
        build("-".join(["very", "secret", "indeed"]))
    assert "very-secret-indeed" not in shown(refusal.tb) + str(refusal.value)
    assert refusal.value.__cause__ is None


class _User:
    pk = 7


USER = _User()


def test_logs_name_the_reason_and_nothing_that_was_sent(caplog):
    mount_view(protect(auth=[JWTAuthentication()], guards=[IsAuthenticated()])(lambda request: None))
    caplog.set_level(logging.DEBUG)
    text = token(sub="1", note=SECRET_CLAIM, exp=1)
    response = get(**bearer(text))
    ours = [record for record in caplog.records if record.name == "boltguard"]
    assert ours and all(record.reason == "token_expired" for record in ours)
    assert text not in caplog.text and SECRET_CLAIM not in caplog.text
    assert text.encode() not in response.content


def attributes(record):
    """The attributes of a record in addition to those of all log records."""
    return vars(record).keys() - vars(logging.makeLogRecord({})).keys() - {"asctime", "message"}


def test_the_page_lists_the_attributes_of_each_record_about_a_request(caplog, settings_debug):
    table, _shadow_mode = re.findall(
        r"^\| attribute \| value \|\n\| --- \| --- \|\n((?:\|.*\n)+)", DOCS.read_text("utf-8"), re.M
    )
    listed = re.findall(r"^\| `(\w+)` \|", table, re.M)
    claims = [JWTAuthentication(claims={"office": "Berlin"}, required_claims=["exp", "nbf"])]
    mount(path("view", protect(auth=claims, guards=[IsStaff()])(lambda request: None), name="named"))
    caplog.set_level(logging.DEBUG, "boltguard")
    sent = [{"office": "Berlin"}, {"nbf": 1, "office": SECRET_CLAIM}, {"nbf": 1, "office": "Berlin"}]
    texts = [token(sub="1", note=SECRET_CLAIM, **claims) for claims in sent]
    for text in texts:
        wsgi("get", "/view?a=b", bearer(text))
    records = [record for record in caplog.records if record.name in ("boltguard", "boltguard.guards")]
    assert [record.name for record in records].count("boltguard") == len(texts) < len(records)
    assert all(sorted(attributes(record)) == listed for record in records)
    assert {(record.method, record.path, record.view) for record in records} == {("GET", "/view", "named")}
    refusals = [(record.status, record.reason, record.claim) for record in records if record.name == "boltguard"]
    assert refusals == [
        (401, "claim_missing", "nbf"),
        (401, "claim_mismatch", "office"),
        (403, "staff_required", None),
    ]
    shown = repr([vars(record) for record in records])
    assert SECRET_CLAIM not in shown and not any(text in shown for text in texts)


def test_a_middleware_logs_a_request_without_a_view(caplog):
    class Unavailable(InMemoryRevocation):
        def is_revoked(self, jti):
            raise OSError

    caplog.set_level(logging.INFO, "boltguard")
    site = {
        "MIDDLEWARE": ["boltguard.middleware.BoltguardMiddleware"],
        "BOLTGUARD_AUTHENTICATION_CLASSES": [JWTAuthentication(revocation_store=Unavailable())],
    }
    with override_settings(**site):
        assert wsgi("get", "/view", bearer(sub="1", jti="a")).status_code == 503
    (record,) = [record for record in caplog.records if hasattr(record, "reason")]
    assert (record.reason, record.status, record.view) == ("revocation_unavailable", 503, None)


def test_a_context_shows_no_claims():
    seen = []

    @protect(auth=[JWTAuthentication()], guards=[AllowAny()])
    def view(request):
        seen.append(repr(request.context) + repr(request.user))
        raise ImproperlyConfigured

    mount_view(view)
    wsgi("get", "/view", bearer(sub="1", note=SECRET_CLAIM))
    assert SECRET_CLAIM not in seen[0]


def test_authorization_is_cleansed_by_django_itself(settings_debug):
    request = RequestFactory().get("/", headers={"Authorization": "Bearer raw-text", "X-API-Key": "raw-text"})
    page = ExceptionReporter(request, Boom, Boom(), None).get_traceback_html()
    assert "raw-text" not in page
