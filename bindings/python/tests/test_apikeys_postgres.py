"""The tests of stored keys on PostgreSQL, if `BOLTGUARD_TEST_POSTGRES_URL` is set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

URL = os.environ.get("BOLTGUARD_TEST_POSTGRES_URL")
HERE = Path(__file__).parent
MODULES = ["admin", "command", "models", "store"]


@pytest.mark.skipif(not URL, reason="BOLTGUARD_TEST_POSTGRES_URL names no server")
def test_keys_in_postgresql():
    modules = [str(HERE / f"test_apikeys_{name}.py") for name in MODULES]
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *modules]
    environment = {**os.environ, "BOLTGUARD_TEST_DJANGO_DATABASE": str(URL)}
    done = subprocess.run(again, cwd=HERE, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
