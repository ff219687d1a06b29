"""The two ways to run the demo, and its error messages."""

import re
import sqlite3
import subprocess
from contextlib import closing

import demo_site


def test_the_whole_story_over_http():
    done = demo_site.run("--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The demo works." in done.stdout and done.stdout.count("  ok  ") >= 10


def test_a_taken_port_says_what_to_do():
    with demo_site.served() as address:
        port = re.search(r":(\d+)/", address)[1]
        done = demo_site.run("--port", port)
    assert done.returncode != 0
    assert f"port {port} is taken; choose another one with --port" in done.stderr


def test_data_may_live_in_a_folder_of_ones_own(tmp_path):
    assert demo_site.run("--check", "--data", str(tmp_path / "new")).returncode == 0
    with closing(sqlite3.connect(tmp_path / "new" / "bookshop.sqlite3")) as database:
        people = dict(database.execute("SELECT username, last_login FROM auth_user"))
    assert people["ada"] is not None, "a login sends Django's signal, which sets `last_login`"
    assert demo_site.run("--check", f"--data={tmp_path / 'new'}").returncode == 0, "and be used again"


def test_a_site_beside_a_service_requires_all_variables(monkeypatch):
    monkeypatch.setenv("FLEET_SITE_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("FLEET_GUARD", "")
    done = demo_site.run("--check")
    assert done.returncode != 0
    assert "FLEET_GUARD" in done.stderr and "FLEET_SITE_URL" not in done.stderr.splitlines()[-1]


def test_the_site_beside_a_service_stops_at_the_end_of_its_input(monkeypatch):
    for name in ("SERVICE_URL", "TOKEN_SECRET", "SERVICE_KEY"):
        monkeypatch.setenv(f"FLEET_{name}", "0123456789abcdef" * 3)
    monkeypatch.setenv("FLEET_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("FLEET_GUARD", "authenticated")
    monkeypatch.setenv("FLEET_SITE_URL", "http://127.0.0.1:0")
    site = subprocess.Popen(
        demo_site.command(), env=demo_site.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with site:
        assert any("The Rust service: " in line for line in site.stdout)
        site.stdin.close()
        assert site.wait(60) == 0
