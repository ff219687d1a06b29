"""Text for terminals and logs, where a name that a user chose may carry escape sequences."""

from __future__ import annotations


def printable(text: str) -> str:
    """The same string with control and formatting characters as escapes such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
