"""Runs Python code in an environment where neither Django nor asgiref can be imported."""

import os
import subprocess
import sys
from pathlib import Path

import boltguard


def run(tmp_path, code):
    """The output of the code."""
    (tmp_path / "boltguard").symlink_to(Path(boltguard.__file__).parent)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
