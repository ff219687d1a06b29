"""Strings for terminals and logs, without escape sequences that a user-defined name may contain."""

from __future__ import annotations


def printable(text: str) -> str:
    """Replaces control and formatting characters by escapes such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
