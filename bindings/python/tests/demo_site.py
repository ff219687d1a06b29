"""The demo, served by a separate process, as a user starts it."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

MANAGE = Path(__file__).resolve().parent.parent / "demo" / "manage.py"


def command(*arguments):
    return [sys.executable, str(MANAGE), "demo", *arguments]


def environment():
    paths = [path for path in sys.path if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def run(*arguments):
    return subprocess.run(command(*arguments), env=environment(), capture_output=True, text=True, timeout=120)


@contextmanager
def served():
    """The address of a demo on a free port."""
    site = subprocess.Popen(
        command("--port", "0"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        for line in site.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            if found:
                break
        else:
            raise AssertionError("the demo named no address")
        yield found[0]
    finally:
        site.terminate()
        site.wait(10)
        site.stdout.close()
