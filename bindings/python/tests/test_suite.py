"""The tests don't depend on their order.

That each process collects tests of the same names is required by pytest-xdist, which runs them.
"""

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
