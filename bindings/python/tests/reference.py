"""The tables of `docs/reference`."""

import re
from pathlib import Path

import boltguard

PACKAGE = Path(boltguard.__file__).parent
REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def section(page, heading=None):
    """The content of a page, or of one of its sections."""
    text = (REFERENCE / page).read_text("utf-8")
    if heading is None:
        return text
    (found,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    return found


def rows(text, *headings):
    """The cells of each row of the table with these headings."""
    start = "| " + " | ".join(headings) + " |\n|" + " --- |" * len(headings) + "\n"
    assert text.count(start) == 1, f"one table {headings}"
    table = re.match(r"(?:\|.*\n)+", text.split(start)[1])[0]
    # A vertical bar in a cell is escaped.
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]


def names(cell):
    """The strings in backticks."""
    return re.findall(r"`([^`]+)`", cell)
