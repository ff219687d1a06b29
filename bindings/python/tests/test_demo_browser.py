"""The demo's page in a real browser, if Chromium and ChromeDriver are installed.

`BOLTGUARD_BROWSER=required` makes their absence a failure; `BOLTGUARD_SCREENSHOTS=folder` saves screenshots.
"""

import os
from pathlib import Path

import pytest

import demo_site
import webdriver

HERE = bool(webdriver.CHROMIUM and webdriver.CHROMEDRIVER)
LATEST = "#responses > li:first-child"


@pytest.mark.skipif(
    not HERE and os.environ.get("BOLTGUARD_BROWSER") != "required", reason="chromium and chromedriver are not installed"
)
def test_the_story_of_the_page():
    assert HERE, "BOLTGUARD_BROWSER=required, and chromium or chromedriver is missing"
    with demo_site.served() as address, webdriver.browser() as page:
        page.open(address)
        picture(page, "1-start")

        call(page, "none", "/api/me", "401")
        assert 'WWW-Authenticate: Bearer realm="api"' in page.text(LATEST)
        call(page, "none", "/api/public", "200")

        page.click("[data-username=ada]")
        page.wait_for("#session", "Logged in as ada")
        assert '"username": "ada"' in page.text("#claims") and "access_token" in page.text(LATEST)
        call(page, "token", "/api/me", "200")
        assert "ada@example.org" in page.text(LATEST)
        call(page, "token", "/api/accounts", "200")
        call(page, "token", "/api/context", "200")
        assert '"auth_backend": "jwt"' in page.text(LATEST)
        call(page, "forged", "/api/me", "401")
        assert 'error="invalid_token"' in page.text(LATEST)
        picture(page, "2-logged-in")

        page.click('[data-key="demo-key-reader"]')
        press(page, "GET", "/api/books", "200")
        press(page, "POST", "/api/books", "403")
        page.click('[data-key="demo-key-supplier"]')
        press(page, "POST", "/api/books", "201")

        page.click("#log-out")
        page.wait_for("#session", "revoked")
        call(page, "token", "/api/me", "401")
        assert "revoked" in page.text(LATEST)
        picture(page, "3-logged-out")

        page.click("[data-username=grace]")
        page.wait_for("#session", "Logged in as grace")
        call(page, "token", "/api/accounts", "403")
        picture(page, "4-grace")

        refusals = [line for line in page.complaints() if "the server responded with a status of 40" not in line]
        assert refusals == [], "the console only reports refused requests, which are expected"


def call(page, credential, path, status):
    page.click(f"[name=credential][value={credential}]")
    press(page, "GET", path, status)


def press(page, method, path, status):
    page.script("document.getElementById('responses').replaceChildren()")
    page.click(f'[data-method={method}][data-path="{path}"]')
    assert f"{method} {path}" in page.wait_for(LATEST, status)


def picture(page, name):
    folder = os.environ.get("BOLTGUARD_SCREENSHOTS")
    if folder:
        (Path(folder) / f"{name}.png").write_bytes(page.screenshot())
