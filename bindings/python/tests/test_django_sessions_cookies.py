"""`TokenSessions(cookies=True)`: cookies with tokens, and which requests may be forged."""

import asyncio
import json

import pytest
from django.core.checks.urls import check_url_namespaces_unique
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.middleware.csrf import _get_new_csrf_string
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import include, path, reverse

from boltguard import protect
from boltguard.auth import InMemoryRevocation, IsAuthenticated, JWTAuthentication
from boltguard.checks.backends import check_cookies
from boltguard.debug import ExceptionReporterFilter
from boltguard.doctor.policy import _cookies as doctor_cookies
from boltguard.sessions import TokenSessions, clock
from boltguard.sessions.models import TokenSession

from support import Unavailable, bearer, claims_of, mount

CSRF = "django.middleware.csrf.CsrfViewMiddleware"
BOLTGUARD = "boltguard.middleware.BoltguardMiddleware"
ACCESS, REFRESH = "__Host-access", "__Secure-refresh"
ADA = {"username": "ada", "password": "correct horse"}
ORIGIN = "https://testserver"
REFRESHED = "/auth/token/refresh"


class Browser:
    """A browser with one tab: it obeys the paths of cookies, and sends the CSRF token as a page does."""

    def __init__(self, kind=Client):
        self.kind, self.jar = kind, {}

    def send(self, method, url, body=None, *, csrf=True, headers=None, jar=None, **cookies):
        """A request with the cookies of the jar, or of an older one. The response changes the jar."""
        client = self.kind(enforce_csrf_checks=True, raise_request_exception=False)
        sent = {**self.cookies_for(url, self.jar if jar is None else jar), **cookies}
        client.cookies.load(sent)
        if csrf:
            headers = {"X-CSRFToken": sent.get("csrftoken", ""), "Origin": ORIGIN, **(headers or {})}
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        call = getattr(client, method)(url, headers=headers, secure=True, **content)
        response = asyncio.run(awaited(call)) if self.kind is AsyncClient else call
        for name, morsel in response.cookies.items():
            self.jar.pop(name, None)
            if morsel["max-age"] != 0:
                self.jar[name] = (morsel.value, morsel["path"])
        return response

    def post(self, url, body=None, **options):
        return self.send("post", url, body, **options)

    def log_in(self, **options):
        self.send("get", "/auth/csrf")
        return self.post("/auth/token", ADA, **options)

    @staticmethod
    def cookies_for(url, jar):
        return {name: value for name, (value, path) in jar.items() if (url + "/").startswith(path)}

    def value(self, name):
        return self.jar[name][0]

    @property
    def session_id(self):
        return claims_of(self.value(ACCESS))["sid"]


async def awaited(call):
    return await call


@pytest.fixture(params=[Client, AsyncClient], ids=["wsgi", "asgi"])
def browser(request):
    return Browser(request.param)


@pytest.fixture(params=[[], [CSRF], [CSRF, BOLTGUARD], [BOLTGUARD, CSRF]], ids=["", "csrf", "both", "reversed"])
def sessions(request):
    sessions = with_cookies()
    backends = [sessions.jwt_auth] if BOLTGUARD in request.param else []
    with override_settings(MIDDLEWARE=request.param, BOLTGUARD_AUTHENTICATION_CLASSES=backends):
        yield sessions


@pytest.fixture
def plain():
    return with_cookies()


def with_cookies(prefix="auth/", store=True, **options):
    backend = JWTAuthentication(cookie=ACCESS, revocation_store=InMemoryRevocation() if store else None)
    sessions = TokenSessions(backend, cookies=True, **options)
    view = protect(auth=[backend], guards=[IsAuthenticated()])(lambda request: HttpResponse(request.user.username))
    mount(path(prefix, sessions.urls), path("view", view))
    return sessions


def refused(response, status, code):
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not response.cookies, "a refused request changes no cookies"
    return True


def attributes(response, name):
    morsel = response.cookies[name]
    return {key: morsel[key] for key in ("path", "secure", "httponly", "samesite", "domain")}


def test_tokens_are_in_cookies_and_not_in_the_body(ada, sessions, browser):
    response = browser.log_in()
    assert response.status_code == 200 and response["Cache-Control"] == "no-store"
    assert list(response.json()) == ["expires_in"] and 890 <= response.json()["expires_in"] <= 900
    protected = {"secure": True, "httponly": True, "samesite": "Lax", "domain": ""}
    assert attributes(response, ACCESS) == {"path": "/", **protected}
    assert attributes(response, REFRESH) == {"path": REFRESHED, **protected}
    assert 890 <= response.cookies[ACCESS]["max-age"] <= 900
    assert 14 * 86400 - 10 <= response.cookies[REFRESH]["max-age"] <= 14 * 86400
    assert browser.send("get", "/view").content == b"ada"
    assert browser.post("/view").content == b"ada"
    refreshed = browser.post(REFRESHED)
    assert refreshed.status_code == 200 and list(refreshed.json()) == ["expires_in"]
    assert attributes(refreshed, REFRESH) == {"path": REFRESHED, **protected}
    assert browser.send("get", "/view").content == b"ada"
    assert refreshed.cookies[REFRESH].value != response.cookies[REFRESH].value


def test_cookies_expire_with_their_tokens(ada, plain):
    sessions = with_cookies(access_lifetime=60, refresh_lifetime=120, session_lifetime=150)
    browser = Browser()
    browser.log_in()
    row = sessions.list(ada)[0]
    engine, now = sessions._engine(), clock.now()
    response = browser.post(REFRESHED)
    state = TokenSession.objects.get(pk=row.pk).state
    for name, expires in [(ACCESS, engine.access_expires(state)), (REFRESH, engine.expires(state))]:
        assert expires - now - 5 <= response.cookies[name]["max-age"] <= expires - now + 1


def test_every_unsafe_request_must_pass_the_check(ada, sessions, browser):
    browser.log_in()
    requests = [
        ("post", "/auth/token", ADA),
        ("post", REFRESHED, None),
        ("post", "/auth/logout", None),
        ("post", "/auth/logout/all", None),
        ("delete", f"/auth/sessions/{browser.session_id}", None),
        ("post", "/view", None),
    ]
    before = dict(browser.jar)
    for method, url, body in requests:
        for forged in (
            {"csrf": False},
            {"csrf": False, "headers": {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}},
            {"headers": {"X-CSRFToken": _get_new_csrf_string()}},
            {"headers": {"Origin": "https://evil.example"}},
            {"headers": {"Origin": "http://testserver"}},
            {"headers": {"Origin": "https://testserver:8443"}},
            {"headers": {"Origin": "null"}},
            {"headers": {"Sec-Fetch-Site": "cross-site"}},
            {"headers": {"Sec-Fetch-Site": "same-site"}},
        ):
            assert refused(browser.send(method, url, body, **forged), 403, "csrf_failed"), (url, forged)
    assert browser.jar == before and len(sessions.list(ada)) == 1
    assert browser.send("get", "/view").content == b"ada", "a refused request ends nothing"
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://app.example"]):
        trusted = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
        assert browser.post(REFRESHED, headers=trusted).status_code == 200


def test_another_site_can_not_log_its_visitors_in(ada, sessions, browser):
    for headers in ({"Origin": "https://evil.example"}, {"Origin": ORIGIN}, {}):
        assert refused(browser.post("/auth/token", ADA, csrf=False, headers=headers), 403, "csrf_failed")
    assert not TokenSession.objects.filter(user=ada).exists()


def test_the_csrf_token_is_replaced_at_login(ada, sessions, browser):
    response = browser.send("get", "/auth/csrf")
    assert response.status_code == 200 and response["Cache-Control"] == "no-store"
    given, old = response.json()["csrf_token"], browser.value("csrftoken")
    response = browser.post("/auth/token", ADA, headers={"X-CSRFToken": given})
    assert response.status_code == 200 and browser.value("csrftoken") != old
    assert refused(browser.post(REFRESHED, headers={"X-CSRFToken": given}), 403, "csrf_failed")
    assert browser.post(REFRESHED).status_code == 200
    kept = browser.value("csrftoken")
    assert browser.send("get", "/auth/csrf").json()["csrf_token"] != kept, "it is masked"
    assert browser.value("csrftoken") == kept


def test_credentials_in_a_header_need_no_csrf_token(ada, plain):
    pair = plain.create(ada)
    headers = bearer(pair.access_token)
    assert Browser().post("/auth/logout", csrf=False, headers=headers).status_code == 204
    assert plain.list(ada) == []


def test_tokens_in_bodies_have_no_effect(ada, plain):
    pair = plain.create(ada)
    browser = Browser()
    browser.send("get", "/auth/csrf")
    body = {"refresh_token": pair.refresh_token}
    assert refused(browser.post(REFRESHED, body), 401, "refresh_token_invalid")
    assert browser.post("/auth/logout", body).json()["code"] == "not_authenticated"
    assert len(plain.list(ada)) == 1


@pytest.mark.parametrize("url", ["/auth/logout", "/auth/logout/all", "/auth/sessions/{}"])
def test_ending_the_own_session_deletes_both_cookies(ada, sessions, browser, url):
    browser.log_in()
    response = browser.send("delete" if "{}" in url else "post", url.format(browser.session_id))
    assert response.status_code == 204 and browser.jar.keys() == {"csrftoken"}
    for name, expected in [(ACCESS, "/"), (REFRESH, REFRESHED)]:
        assert attributes(response, name)["path"] == expected and attributes(response, name)["secure"]
        assert response.cookies[name]["max-age"] == 0 and response.cookies[name].value == ""
    assert sessions.list(ada) == []


def test_ending_another_session_keeps_the_cookies(ada, sessions, browser):
    phone = Browser()
    phone.log_in()
    browser.log_in()
    listed = browser.send("get", "/auth/sessions").json()["sessions"]
    assert {one["id"]: one["current"] for one in listed} == {phone.session_id: False, browser.session_id: True}
    response = browser.send("delete", f"/auth/sessions/{phone.session_id}")
    assert response.status_code == 204 and not response.cookies
    assert browser.send("get", "/view").status_code == 200
    assert phone.send("get", "/view").json()["code"] == "token_revoked"
    assert refused(phone.post(REFRESHED), 401, "session_ended")


def test_two_tabs_that_refresh_at_once_get_the_same_cookies(ada, sessions, browser):
    browser.log_in()
    before = dict(browser.jar)
    first, second = browser.post(REFRESHED, jar=before), browser.post(REFRESHED, jar=before)
    for name in (ACCESS, REFRESH):
        assert first.cookies[name].value == second.cookies[name].value != before[name][0]
    assert browser.send("get", "/view").status_code == 200


def test_a_refused_refresh_keeps_the_cookies_of_another_tab(ada, plain):
    """Tab B sends its request, tab A logs in again or refreshes, and tab B gets its response."""
    browser = Browser()
    cases = {
        "session_ended": lambda: browser.post("/auth/logout"),
        "refresh_token_reused": lambda: [browser.post(REFRESHED), browser.post(REFRESHED), browser.jar.pop(ACCESS)],
        "refresh_token_invalid": lambda: TokenSession.objects.all().delete(),
    }
    for code, happens in cases.items():
        browser.log_in()
        old = dict(browser.jar)
        happens()
        browser.log_in()
        winner = dict(browser.jar)
        late = browser.post(REFRESHED, jar={**old, "csrftoken": winner["csrftoken"]})
        assert refused(late, 401, code), code
        assert browser.jar == winner
        assert browser.send("get", "/view").status_code == 200, code


def test_an_expired_refresh_token_keeps_the_cookies(ada, plain, monkeypatch):
    browser = Browser()
    browser.log_in()
    later = clock.now() + 15 * 86400
    monkeypatch.setattr(clock, "now", lambda: later)
    assert refused(browser.post(REFRESHED), 401, "refresh_token_expired")


@pytest.mark.parametrize("value", [None, "", "x", "bgr_x", '"quoted"'])
def test_bad_refresh_cookies_are_refused(ada, plain, value):
    browser = Browser()
    browser.send("get", "/auth/csrf")
    cookies = {} if value is None else {REFRESH: value}
    assert refused(browser.post(REFRESHED, **cookies), 401, "refresh_token_invalid")


def test_two_refresh_cookies_are_refused(ada, plain):
    """Another host of the same site may have set one of them."""
    browser = Browser()
    browser.log_in()
    value, token = browser.value(REFRESH), browser.value("csrftoken")
    twice = f"csrftoken={token}; {REFRESH}={value}; {REFRESH}={value}"
    assert refused(browser.post(REFRESHED, headers={"Cookie": twice}), 401, "refresh_token_invalid")
    assert browser.post(REFRESHED).status_code == 200


def test_an_access_token_is_no_refresh_token_and_the_other_way_round(ada, plain):
    browser = Browser()
    browser.log_in()
    access, refresh = browser.value(ACCESS), browser.value(REFRESH)
    assert refused(browser.post(REFRESHED, **{REFRESH: access}), 401, "refresh_token_invalid")
    assert browser.send("get", "/view", **{ACCESS: refresh}).status_code == 401
    assert Browser().send("get", "/view", csrf=False, headers=bearer(refresh)).status_code == 401


def test_a_login_ends_the_session_that_the_browser_had(ada, sessions, browser):
    browser.log_in()
    old = browser.session_id
    browser.log_in()
    assert [row.pk for row in sessions.list(ada)] == [browser.session_id] and browser.session_id != old
    other = sessions.create(ada)
    assert browser.post("/auth/token", ADA, headers=bearer(other.access_token)).status_code == 200
    assert other.session_id in {row.pk for row in sessions.list(ada)}, "a header isn't the browser's"


def test_the_session_that_a_login_replaces_does_not_count(ada):
    sessions, browser = with_cookies(max_sessions=2), Browser()
    phone = sessions.create(ada)
    for _ in range(2):
        assert browser.log_in().status_code == 200
        assert {row.pk for row in sessions.list(ada)} == {phone.session_id, browser.session_id}


def test_a_login_whose_previous_session_can_not_be_revoked_begins_none(ada, monkeypatch):
    sessions, browser = with_cookies(), Browser()
    browser.log_in()
    with monkeypatch.context() as unavailable:
        unavailable.setattr(sessions.revocation_store, "revoke_level", Unavailable().revoke_level)
        assert browser.log_in().status_code == 500
    assert not sessions.list(ada)
    assert browser.log_in().status_code == 200 and len(sessions.list(ada)) == 1


def test_a_failed_login_changes_nothing(ada, sessions, browser):
    browser.log_in()
    kept = dict(browser.jar)
    response = browser.post("/auth/token", {**ADA, "password": "x"})
    assert refused(response, 401, "invalid_credentials") and browser.jar == kept
    assert browser.send("get", "/view").status_code == 200


def test_methods_are_limited(ada, plain, browser):
    assert refused(browser.post("/auth/csrf"), 405, "method_not_allowed")
    assert browser.send("head", "/auth/csrf").status_code == 200
    assert refused(browser.send("get", "/auth/token"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("prefix", "begin"), [("a b/auth/", "/a%20b/auth/"), ("shop/<slug:shop>/", "/shop/x/"), ("logout/", "/logout/")]
)
def test_the_path_of_the_refresh_cookie_is_that_of_the_view(ada, prefix, begin):
    sessions = with_cookies(prefix)

    def drop(view):
        return lambda request, shop=None, **path: view(request, **path)

    for pattern in sessions.urls[0]:
        pattern.callback = drop(pattern.callback)
    browser = Browser()
    browser.send("get", f"{begin}csrf")
    response = browser.post(f"{begin}token", ADA)
    expected = f"{begin}token/refresh"
    assert response.cookies[REFRESH]["path"] == expected
    assert browser.post(expected).cookies[REFRESH]["path"] == expected
    for url in ("logout", "logout/all"):
        browser.post(f"{begin}token", ADA)
        assert browser.post(begin + url).cookies[REFRESH]["path"] == expected
    browser.post(f"{begin}token", ADA)
    ended = browser.send("delete", f"{begin}sessions/{browser.session_id}")
    assert ended.cookies[REFRESH]["path"] == expected


def test_own_views_can_set_and_delete_the_cookies(ada):
    sessions = with_cookies()
    response = HttpResponse()
    pair = sessions.create(ada)
    sessions.set_cookies(response, pair)
    assert response.cookies[ACCESS].value == pair.access_token
    assert attributes(response, REFRESH)["path"] == REFRESHED and attributes(response, REFRESH)["httponly"]
    assert response.cookies[REFRESH]["max-age"] == pair.refresh_expires_in
    sessions.clear_cookies(response)
    assert {response.cookies[name]["max-age"] for name in (ACCESS, REFRESH)} == {0}
    bodies = TokenSessions(JWTAuthentication())
    for method in (lambda: bodies.set_cookies(response, pair), lambda: bodies.clear_cookies(response)):
        with pytest.raises(ImproperlyConfigured, match="cookies=True"):
            method()


def test_the_views_work_in_another_namespace(ada):
    sessions = with_cookies()
    mount(path("v1/", include(([path("auth/", sessions.urls)], "v1"))))
    browser = Browser()
    browser.send("get", "/v1/auth/csrf")
    assert browser.post("/v1/auth/token", ADA).cookies[REFRESH]["path"] == "/v1/auth/token/refresh"


@pytest.mark.parametrize("is_first", [True, False])
def test_a_site_can_have_views_with_bodies_and_with_cookies(ada, is_first):
    bodies, sessions = TokenSessions(JWTAuthentication()), TokenSessions(JWTAuthentication(cookie=ACCESS), cookies=True)
    both = [path("app/", bodies.urls), path("page/", sessions.urls)]
    mount(*(both if is_first else reversed(both)))
    assert check_url_namespaces_unique(None) == []
    assert reverse("boltguard_sessions:refresh") == "/app/token/refresh"
    response = HttpResponse()
    sessions.set_cookies(response, sessions.create(ada))
    assert response.cookies[REFRESH]["path"] == "/page/token/refresh"
    assert dict(doctor_cookies())["cookie __Secure-refresh"].startswith("no Domain; Path=/page/token/refresh;")


def test_own_views_require_the_views_with_cookies(ada):
    bodies, sessions = TokenSessions(JWTAuthentication()), TokenSessions(JWTAuthentication(cookie=ACCESS), cookies=True)
    mount(path("app/", bodies.urls))
    with pytest.raises(ImproperlyConfigured, match=r"Add path\('auth/', sessions.urls\) to urlpatterns"):
        sessions.set_cookies(HttpResponse(), sessions.create(ada))
    assert "Path=unknown" in dict(doctor_cookies())["cookie __Secure-refresh"]


@override_settings(CSRF_COOKIE_HTTPONLY=True, CSRF_COOKIE_NAME="forgery", CSRF_HEADER_NAME="HTTP_X_FORGERY")
def test_settings_of_the_csrf_check_hold(ada, plain):
    browser = Browser()
    token = browser.send("get", "/auth/csrf").json()["csrf_token"]
    assert browser.jar.keys() == {"forgery"}
    assert browser.post("/auth/token", ADA, headers={"X-Forgery": token}).status_code == 200


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "Use JWTAuthentication(cookie='__Host-access')."),
        ({"cookie": "__Host-token"}, "Use JWTAuthentication(cookie='__Host-access')."),
    ],
)
def test_the_backend_must_accept_the_cookie(options, says):
    with pytest.raises(ImproperlyConfigured) as error:
        TokenSessions(JWTAuthentication(**options), cookies=True)
    assert says in str(error.value)
    with pytest.raises(ImproperlyConfigured, match="cookies is of type str. It must be True or False"):
        TokenSessions(JWTAuthentication(cookie=ACCESS), cookies="yes")


def test_a_backend_without_header_is_enough(ada):
    sessions = TokenSessions(JWTAuthentication(cookie=ACCESS, header=None), cookies=True)
    assert "cookies=True" in repr(sessions) and sessions.uses_cookies
    assert "cookies=False" in repr(TokenSessions(JWTAuthentication()))


def reports(ada, filter_class):
    browser = Browser()
    browser.log_in()
    request = RequestFactory().get("/", headers={"X-Machine": "a credential"})
    request.COOKIES = {name: value for name, (value, _) in browser.jar.items()} | {"theme": "dark"}
    shown = filter_class().get_safe_cookies(request)
    return browser, shown, filter_class().get_safe_request_meta(request)


def test_error_reports_hide_credentials(ada, plain):
    kept = JWTAuthentication(header="X-Machine")
    browser, shown, meta = reports(ada, ExceptionReporterFilter)
    hidden = ExceptionReporterFilter.cleansed_substitute
    assert shown == {ACCESS: hidden, REFRESH: hidden, "csrftoken": hidden, "theme": "dark"}
    assert meta["HTTP_X_MACHINE"] == hidden and meta["REQUEST_METHOD"] == "GET", kept


FILTER = "boltguard.debug.ExceptionReporterFilter"


def test_the_check_asks_for_the_filter(plain):
    assert {ACCESS, REFRESH} <= {message.obj for message in check_cookies(None) if message.id == "boltguard.W107"}
    assert all(FILTER in message.hint for message in check_cookies(None) if message.id == "boltguard.W107")
    with override_settings(DEFAULT_EXCEPTION_REPORTER_FILTER=FILTER):
        assert not [message for message in check_cookies(None) if message.id == "boltguard.W107"]


@override_settings(DEBUG=True, DEFAULT_EXCEPTION_REPORTER_FILTER=FILTER)
def test_a_debug_page_shows_no_token(ada, plain):
    from django.views.debug import get_default_exception_reporter_filter

    get_default_exception_reporter_filter.cache_clear()
    browser = Browser()
    browser.log_in()

    def broken(request):
        raise RuntimeError("broken")

    mount(path("auth/", plain.urls), path("auth/token/refresh/broken", broken))
    page = browser.send("get", "/auth/token/refresh/broken")
    get_default_exception_reporter_filter.cache_clear()
    assert page.status_code == 500 and ACCESS in page.content.decode() and REFRESH in page.content.decode()
    for name in (ACCESS, REFRESH):
        assert browser.value(name) not in page.content.decode()
