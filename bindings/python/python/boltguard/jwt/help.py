"""Information for bug reports: ``python -m boltguard.jwt.help``, with the interface of ``jwt.help``."""

from __future__ import annotations

import json
import platform
from importlib import metadata

from boltguard._rust import __version__

__all__ = ["info", "main"]


def info() -> dict[str, dict[str, str]]:
    """The versions of Boltguard, Python, the system, and the package `cryptography` if it is installed."""
    return {
        "platform": {"system": platform.system(), "release": platform.release()},
        "implementation": {"name": platform.python_implementation(), "version": platform.python_version()},
        "cryptography": {"version": _version_of("cryptography")},
        "boltguard": {"version": __version__},
    }


def main() -> None:
    """Prints `info` as JSON."""
    print(json.dumps(info(), sort_keys=True, indent=2))


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()
