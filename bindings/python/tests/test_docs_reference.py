"""The tables of `docs/reference`, compared with the code."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

import boltguard
from boltguard import auth, conf
from boltguard.checks.settings import READERS

PACKAGE = Path(boltguard.__file__).parent
REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def section(page, heading=None):
    """The text of a page, or below one of its headings up to the next."""
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
    """What is in backticks."""
    return re.findall(r"`([^`]+)`", cell)


# settings.md


def test_the_settings_their_aliases_and_defaults():
    listed = rows(section("settings.md"), "setting", "alias", "type", "default")
    assert {names(setting)[0]: names(alias)[0] for setting, alias, *_ in listed} == conf.ALIASES
    current, default = conf.Conf(), {names(setting)[0]: names(value)[0] for setting, _, _, value in listed}
    with override_settings():
        for name in [*conf.ALIASES, *conf.ALIASES.values()]:
            if hasattr(settings, name):
                delattr(settings, name)
        assert [type(one) for one in current.authentication] == [
            type(one) for one in evaluated(default[conf.AUTHENTICATION])
        ]
        assert current.guards == evaluated(default[conf.PERMISSIONS])
        assert current.api_key_format.prefix == evaluated(default[conf.API_KEY_PREFIX])


INVALID = [
    (name, value)
    for name in conf.ALIASES
    for cell, _ in rows(section("settings.md", f"`{name}`"), "invalid value", "problem")
    for value in names(cell)
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_setting(name, value):
    with override_settings(**{name: evaluated(value)}), pytest.raises(ImproperlyConfigured, match=name):
        READERS[name](conf.current())


def evaluated(expression):
    return eval(expression, vars(auth).copy())


# checks.md


def calls_of_checks():
    trees = [ast.parse(file.read_text("utf-8")) for file in PACKAGE.rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func) in ("checks.Error", "checks.Warning")]


def test_the_checks_and_their_levels():
    code = {}
    for call in calls_of_checks():
        (name,) = [keyword.value.value for keyword in call.keywords if keyword.arg == "id"]
        code.setdefault(name, set()).add(call.func.attr.lower())
    listed = [row for table in section("checks.md").split("\n## ")[1:] for row in rows(table, *CHECK)]
    assert len(listed) == len({name for name, *_ in listed}), "each is listed once"
    assert {names(name)[0]: {level} for name, level, *_ in listed} == code
    assert all(problem.endswith(".") and remedy.endswith(".") for *_, problem, remedy in listed)


def test_each_check_has_a_hint_and_an_object():
    found = calls_of_checks()
    assert len(found) > 20
    for call in found:
        assert len(call.args) == 2 and {one.arg for one in call.keywords} == {"obj", "id"}, ast.unparse(call)


CHECK = ("ID", "level", "problem", "remedy")
