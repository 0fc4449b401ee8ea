# SPDX-License-Identifier: Apache-2.0
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings

import tsuzuku
from tsuzuku.look.texts import extract_texts, keys, read_texts, untranslated, update_texts

PACKAGE = Path(tsuzuku.__file__).parent
#: English is what the code says; every other language has a file.
LANGUAGES = [path.parent.parent.name for path in sorted(PACKAGE.glob("locale/*/LC_MESSAGES/django.po"))]

LIST_COMMAS = (",", "、")

HEADER = '# Stays.\nmsgid ""\nmsgstr ""\n"Language: zh_Hans\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'


@pytest.fixture(scope="module")
def extracted() -> Catalog:
    return extract_texts(PACKAGE)


def texts_of(language: str) -> Path:
    return PACKAGE / f"locale/{language}/LC_MESSAGES/django.po"


def test_every_offered_language_has_its_texts() -> None:
    from django.utils.translation import to_locale

    assert {to_locale(code) for code, _ in settings.LANGUAGES} - {"en"} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_and_none_is_left_over(language: str, extracted: Catalog) -> None:
    texts = read_texts(texts_of(language))
    assert sorted(keys(extracted) - keys(texts), key=str) == []
    assert sorted(keys(texts) - keys(extracted), key=str) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stands_twice(language: str) -> None:
    """Other readers of these files refuse it, and ours keeps the last translation only."""
    assert twice(texts_of(language).read_text(encoding="utf-8")) == []


def test_a_text_that_stands_twice_is_found_however_it_is_folded() -> None:
    entry = 'msgctxt "verb"\nmsgid "Open it"\nmsgstr ""\n'
    folded = 'msgctxt "verb"\nmsgid ""\n"Open "\n"it"\nmsgstr ""\n'
    other = 'msgctxt "noun"\nmsgid "Open it"\nmsgstr ""\n'
    assert twice(HEADER + other + entry + folded) == [("verb", "Open it")]


def twice(file: str) -> list[tuple[str, str]]:
    """Contexts and msgids that a language's file has more than once."""
    found = re.findall(r'^(msgctxt (?:".*"\n)+)?(msgid (?:".*"\n)+)', file, re.MULTILINE)
    known = Counter((_unfolded(context), _unfolded(msgid)) for context, msgid in found)
    return [text for text, count in known.items() if count > 1]


def _unfolded(lines: str) -> str:
    return "".join(re.findall(r'"(.*)"$', lines, re.MULTILINE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_says_its_language_and_how_it_counts(language: str) -> None:
    """Of none of these languages does a number change the words."""
    header = read_texts(texts_of(language))
    assert (str(header.locale), header.num_plurals, header.plural_expr) == (language, 1, "0")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_for_sure(language: str) -> None:
    assert [text.id for text in untranslated(read_texts(texts_of(language)))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_places_that_are_filled_in(language: str) -> None:
    different = []
    for text in read_texts(texts_of(language)):
        ids = [text.id] if isinstance(text.id, str) else list(text.id)
        strings = [text.string] if isinstance(text.string, str) else list(text.string or ())
        # A number may be left out of a singular, so the last form counts.
        if text.id and (_places(ids[-1]), _edges(ids[-1])) != (_places(strings[-1]), _edges(strings[-1])):
            different.append(text.id)
    assert different == []


def _places(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|%[sd]|%%|</?\w+>", text))


def _edges(text: str) -> tuple[bool, bool]:
    """Whether it begins and ends with room for what is put beside it. Between items of a list each language decides."""
    return (False, False) if text.strip() in LIST_COMMAS else (text[:1].isspace(), text[-1:].isspace())


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
def test_chinese_has_chinese_punctuation(language: str) -> None:
    """Between Chinese characters no half-width comma, question mark or the like."""
    wrong = [
        text.string
        for text in read_texts(texts_of(language))
        if text.id and re.search(r"[\u4e00-\u9fff][,;:!?()]|[,;:!?()][\u4e00-\u9fff]", str(text.string))
    ]
    assert wrong == []


def test_extraction_finds_texts_in_code_and_templates(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "code.py").write_text('_("One")\nngettext("%(n)s card", "%(n)s cards", 2)\npgettext("verb", "Start")\n')
    (tmp_path / "templates/page.html").write_text(
        '{% load i18n %}{% translate "Two" %}'
        "{% blocktranslate trimmed with a=b %}\n  Three\n  {{ a }}{% endblocktranslate %}"
        '{% include "x" with heading=_("Four") %}'
    )
    assert keys(extract_texts(tmp_path)) == {
        (None, "One"),
        (None, "%(n)s card"),
        ("verb", "Start"),
        (None, "Two"),
        (None, "Three %(a)s"),
        (None, "Four"),
    }


def test_an_update_adds_what_is_new_drops_what_is_unused_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "django.po"
    path.write_text(
        f'{HEADER}\nmsgid "Old"\nmsgstr "旧"\n\nmsgid "Kept"\nmsgstr "留"\n',
        encoding="utf-8",
    )
    wanted = Catalog()
    wanted.add("Kept", locations=[("b.py", 1)])
    wanted.add("New", locations=[("a.py", 1)])
    update_texts(path, wanted)
    assert path.read_text(encoding="utf-8") == (
        f'{HEADER}\n#: a.py\nmsgid "New"\nmsgstr ""\n\n#: b.py\nmsgid "Kept"\nmsgstr "留"\n\n'
    )
    assert [text.id for text in untranslated(read_texts(path))] == ["New"]
