"""The message catalogues are complete, up to date and compiled.

Babel extracts the strings, because GNU gettext, which `makemessages` requires, isn't installed everywhere.
"""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.core.management import call_command
from django.utils import translation
from django.utils.translation.template import templatize

import boltguard

PACKAGE = Path(boltguard.__file__).parent
# The folders with separate catalogues, as `makemessages` assigns them: a file belongs to the innermost one.
APPS = [PACKAGE, PACKAGE / "api_keys"]
LANGUAGES = ["de", "fr"]
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
MARKUP = re.compile(r"</?\w+>|\bSECRET_KEY\w*|Content-Type: [\w/]+")


def strings_of(app):
    """The context and the forms of each string that the sources of an application mark for translation."""
    files = [file for file in app.rglob("*") if max(one for one in APPS if one in file.parents) == app]
    found = set()
    for file in files:
        if file.suffix in (".html", ".py"):
            found |= strings_in(file.read_text("utf-8"), is_template=file.suffix == ".html")
    return found


def strings_in(text, *, is_template=False):
    if is_template:
        # As code for `xgettext`, which ignores indentation.
        text = "\n".join(map(str.lstrip, templatize(text).splitlines()))
    messages = extract("python", BytesIO(text.encode()), KEYWORDS)
    return {(context, ids if isinstance(ids, tuple) else (ids,)) for _, ids, _, context in messages}


def catalogue_file(app, language, suffix):
    return app / "locale" / language / "LC_MESSAGES" / f"django.{suffix}"


def catalogue(app, language):
    with catalogue_file(app, language, "po").open("rb") as file:
        return read_po(file, language, abort_invalid=True)


def messages_of(catalogue):
    """The messages by context and forms, without the header."""
    return {(one.context, tuple(one.id) if one.pluralizable else (one.id,)): one for one in catalogue if one.id}


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_makemessages_would_change_nothing(app, language):
    strings = strings_of(app)
    assert len(strings) > 10, "they were found at all"
    there = catalogue(app, language)
    assert set(messages_of(there)) == strings
    assert not there.fuzzy and not there.obsolete
    assert [one.id for one in there if one.id and one.fuzzy] == []


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_string_is_translated_with_its_placeholders_and_markup(app, language):
    there = catalogue(app, language)
    for message in messages_of(there).values():
        originals = message.id if message.pluralizable else (message.id,)
        translated = message.string if message.pluralizable else (message.string,)
        assert len(translated) == (there.num_plurals if message.pluralizable else 1) and all(translated), message.id
        assert list(message.check(there)) == []
        for original, string in zip(originals, translated, strict=True):
            assert MARKUP.findall(string) == MARKUP.findall(original)
            assert (string[0].isspace(), string.endswith(".")) == (False, original.endswith("."))


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_compiled_catalogue_is_up_to_date(app, language):
    compiled = BytesIO()
    write_mo(compiled, catalogue(app, language))
    with catalogue_file(app, language, "mo").open("rb") as file:
        assert shape(read_mo(file)) == shape(read_mo(BytesIO(compiled.getvalue())))


def shape(catalogue):
    """Its translations. Some compilers omit messages whose translation is identical."""
    translated = {(context, *forms): one.string for (context, forms), one in messages_of(catalogue).items()}
    return [catalogue.plural_expr, {key: text for key, text in translated.items() if text not in (key[1], [*key[1:]])}]


def test_the_extraction_sees_what_it_has_to():
    code = '_("a")\ngettext("b")\nngettext("c", "d", 2)\npgettext_lazy("e", "f")\nplain("g")\n'
    assert strings_in(code) == {(None, ("a",)), (None, ("b",)), (None, ("c", "d")), ("e", ("f",))}
    page = """{% load i18n %}
    <p title="{% translate 'a' %}">It's {% translate "b" context "c" %}</p>
      {% blocktranslate trimmed count counter=n %}
        one {{ key }}
      {% plural %}many{% endblocktranslate %}"""
    assert strings_in(page, is_template=True) == {(None, ("a",)), ("c", ("b",)), (None, ("one %(key)s", "many"))}


def test_translations_need_no_migration():
    for language in LANGUAGES:
        with translation.override(language):
            call_command("makemigrations", "boltguard", "boltguard_api_keys", check=True, dry_run=True, verbosity=0)


def test_the_table_of_revoked_tokens_is_named_in_the_language_of_the_reader():
    from boltguard.models import RevokedToken

    names = {}
    for language in ("en", *LANGUAGES):
        with translation.override(language):
            names[language] = [str(RevokedToken._meta.verbose_name), str(RevokedToken._meta.verbose_name_plural)]
    assert names == {
        "en": ["revoked token", "revoked tokens"],
        "de": ["widerrufenes Token", "widerrufene Tokens"],
        "fr": ["jeton révoqué", "jetons révoqués"],
    }
