"""Runs the Python blocks of the pages in `docs`, from top to bottom, in one module per page.

- They find `client`, Django's test client, and `ada`, a staff user; `await` may be used outside of functions.
- A block that begins with `# settings.py` contains settings, which apply to the rest of the page.
- After each block, the site serves `urlpatterns`.
- A block that can't run alone is written ```` ```python notest ````.

The traceback of a failure contains the line of the page.
"""

import ast
import asyncio
import builtins
import inspect
import re
import symtable
import sys
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client, override_settings

from conftest import PREDECESSORS
from migrating import installed
from support import mount

PAGES = Path(__file__).parents[3] / "docs"
FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.M | re.S)
SETTINGS = "# settings.py\n"


def blocks(page):
    """The code of each Python block, preceded by empty lines so that line numbers are those of the page."""
    text = page.read_text("utf-8")
    for found in FENCE.finditer(text):
        language, *words = found["info"].split() or [""]
        if language == "python" and "notest" not in words:
            yield "\n" * text.count("\n", 0, found.start("code")) + found["code"]


@pytest.fixture
def module(request):
    """A module for a page, on a separate site, which is emptied afterwards."""
    module = ModuleType(f"page_{re.sub('[-/]', '_', request.node.callspec.id)}")
    user = get_user_model().objects.create_user("ada", "ada@example.org", "correct horse", is_staff=True)
    vars(module).update(client=Client(), ada=user)
    sys.modules[module.__name__] = module
    mount()
    yield module
    del sys.modules[module.__name__]
    mount()
    call_command("flush", interactive=False, verbosity=0)


def name_of(page):
    return page.relative_to(PAGES).with_suffix("").as_posix()


PAGES_WITH_CODE = [page for page in sorted(PAGES.rglob("*.md")) if any(blocks(page))]


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=name_of)
def test_the_examples_of(own_registry, page, module):
    with ExitStack() as settings:
        if page.parent.name == "migration":
            settings.enter_context(installed(*PREDECESSORS))
        for code in blocks(page):
            run(code, page, vars(module))
            if code.lstrip("\n").startswith(SETTINGS):
                settings.enter_context(override_settings(**capitals(code, vars(module))))
            if "urlpatterns" in vars(module):
                mount(*vars(module)["urlpatterns"])


def run(code, page, names):
    compiled = compile(code, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if compiled.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(compiled, names))
    else:
        exec(compiled, names)


def capitals(code, names):
    """The settings that a block assigns."""
    assigned = (target for step in ast.parse(code).body if isinstance(step, ast.Assign) for target in step.targets)
    return {target.id: names[target.id] for target in assigned if isinstance(target, ast.Name) and target.id.isupper()}


def test_a_failure_names_the_line_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nfine = 1\n```\n\n```python notest\n1/0\n```\n\n```python\n\nfine / 0\n```\n")
    first, second = blocks(page)
    names = {}
    run(first, page, names)
    with pytest.raises(ZeroDivisionError) as caught:
        run(second, page, names)
    assert (str(caught.traceback[-1].path), caught.traceback[-1].lineno + 1) == (str(page), 13)


def unresolved(code):
    """The global names that a block uses without defining or importing them."""
    module = symtable.symtable(code, "page", "exec")
    defined = {one.get_name() for one in module.get_symbols() if one.is_assigned() or one.is_imported()}
    defined |= {one.get_name() for one in module.get_symbols() if one.is_namespace()} | set(vars(builtins))
    tables, used = [module], set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {one.get_name() for one in table.get_symbols() if one.is_referenced() and one.is_global()}
        used |= {one.get_name() for one in table.get_symbols() if table is module and one.is_referenced()}
    return used - defined


def test_each_block_of_the_django_page_imports_what_it_uses():
    assert unresolved("def view(request):\n    return used(request)\n") == {"used"}
    codes = [
        found["code"]
        for found in FENCE.finditer((PAGES / "django.md").read_text("utf-8"))
        if found["info"].startswith("python")
    ]
    assert [unresolved(code) - {"client", "ada"} for code in codes] == [set()] * len(codes)


def anchors(page):
    """The anchors of the headings of a page, as on GitHub."""
    text = FENCE.sub("", page.read_text("utf-8"))
    headings = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", found) for found in re.findall(r"^#+ (.+)$", text, re.M)]
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_relative_link_leads_to_a_page_and_to_one_of_its_headings():
    pages = [*PAGES.rglob("*.md"), *PAGES.parent.glob("*.md")]
    links = [
        (page, *link.partition("#")[::2])
        for page in pages
        for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text("utf-8")))
        if "://" not in link
    ]
    broken = [
        f"{page.name}: {path}#{anchor}"
        for page, path, anchor in links
        for target in [page.parent / path if path else page]
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]
    assert links and broken == []


def test_the_index_lists_each_page_once():
    listed = re.findall(r"^\| \[[^]]+\]\(([^)]+)\)", (PAGES / "README.md").read_text("utf-8"), re.M)
    pages = [page.relative_to(PAGES).as_posix() for page in PAGES.rglob("*.md") if page != PAGES / "README.md"]
    assert sorted(one for one in listed if not one.startswith("../")) == sorted(pages)
