#!/usr/bin/env python
"""The demo site: `python manage.py demo` serves it, and `python manage.py demo --check` tests it."""

import atexit
import os
import shutil
import sys
import tempfile


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bookshop.settings"
    os.environ["BOOKSHOP_DATA"] = data_folder(sys.argv)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def data_folder(arguments: list[str]) -> str:
    """The folder of `--data`, or one that is deleted when the site stops. The settings require it early."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--data="):
            return made(argument.partition("=")[2])
        if argument == "--data" and position + 1 < len(arguments):
            return made(arguments[position + 1])
    folder = tempfile.mkdtemp(prefix="boltguard-demo-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def made(folder: str) -> str:
    os.makedirs(folder, exist_ok=True)
    return os.path.abspath(folder)


if __name__ == "__main__":
    main()
