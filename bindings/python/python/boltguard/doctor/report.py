"""The report: sections with facts, and problems with remedies. No fact contains a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Fact = str | int | float | bool | None


@dataclass
class Section:
    """What is known about one thing."""

    title: str
    facts: dict[str, Fact] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def problem(self, text: str, remedy: str) -> None:
        """Adds a problem."""
        self.problems.append((text, remedy))

    def as_json(self) -> dict[str, Any]:
        """The section for `--json`."""
        problems = [{"problem": text, "remedy": remedy} for text, remedy in self.problems]
        return {"title": self.title, "facts": self.facts, "problems": problems}


def shown_url(url: object) -> str:
    """The scheme, host, port and path of a URL. The user, the password and the parameters may be secret."""
    try:
        parts = urlsplit(str(url))
        # Without `//`, a password would be in the path.
        if not parts.netloc:
            # In some versions of Python, the address in "127.0.0.1:11211" is a scheme.
            has_scheme = parts.scheme.isalpha()
            return f"{parts.scheme}:…" if has_scheme else "…" if "@" in str(url) else str(url)
        port = "" if parts.port is None else f":{parts.port}"
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
    except ValueError:
        return "an invalid URL"


def shown_error(error: BaseException) -> str:
    """The class of an exception. Its message may contain a URL with a password."""
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
