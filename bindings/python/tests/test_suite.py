"""The tests depend neither on their order nor on the installed plugins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("django")

HERE = Path(__file__).parent
# The first one empties the tables of permissions and content types, which the second one needs.
EMPTIES = "test_django_api.py::Atomic"
NEEDS = "test_apikeys_admin.py::test_permissions_are_chosen_from_those_of_the_site"


@pytest.mark.parametrize("order", [(EMPTIES, NEEDS), (NEEDS, EMPTIES)], ids=["emptied first", "emptied last"])
def test_the_order_of_the_tests_does_not_matter(order):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *order]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]


def collected(hash_seed):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--collect-only"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_tests_have_the_same_names_in_each_process():
    """Each worker of pytest-xdist collects the tests separately, at another time and with another hash seed."""
    assert collected("1") == collected("2") != []
