# SPDX-License-Identifier: Apache-2.0
"""The texts of the product: finding them in code and templates, and bringing a language's file up to date with them.

Works without gettext's tools and without Django being set up, so that a translator needs nothing but this package.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

#: Django's functions, with the places of msgid, plural and context among their arguments.
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_TEMPLATES = ("*.html", "*.txt")


def extract_texts(package: Path) -> Catalog:
    """Every text that people may read, with the files it is in."""
    catalog = Catalog(charset="utf-8")
    for path in sorted(package.rglob("*.py")):
        _add(catalog, path, package, path.read_bytes())
    for pattern in _TEMPLATES:
        for path in sorted(package.rglob(f"templates/**/{pattern}")):
            source = templatize(path.read_text(encoding="utf-8"), origin=str(path))
            _add(catalog, path, package, source.encode())
    return catalog


def _add(catalog: Catalog, path: Path, package: Path, source: bytes) -> None:
    for line, text, _comments, context in extract("python", BytesIO(source), keywords=_KEYWORDS):
        catalog.add(text, locations=[(path.relative_to(package).as_posix(), line)], context=context)


def read_texts(path: Path) -> Catalog:
    """A language's texts."""
    with path.open("rb") as file:
        return read_po(file)


def update_texts(path: Path, extracted: Catalog) -> None:
    """Brings a language's file up to date: new texts are added untranslated, those that nobody uses are dropped."""
    texts = read_texts(path)
    texts.update(extracted, no_fuzzy_matching=True)
    texts.obsolete.clear()
    write_texts(path, texts)


def write_texts(path: Path, texts: Catalog) -> None:
    """Writes a language's texts under the header that its file has, so that nothing changes but texts."""
    header, _, _ = path.read_text(encoding="utf-8").partition("\n\n")
    body = BytesIO()
    write_po(body, texts, width=110, include_lineno=False, sort_by_file=True, omit_header=True)
    path.write_text(f"{header}\n\n{body.getvalue().decode()}", encoding="utf-8")


def untranslated(texts: Catalog) -> list[Message]:
    """What a language still lacks or is not sure of."""
    return [text for text in _texts(texts) if text.fuzzy or not all(_strings(text))]


def keys(texts: Catalog) -> set[tuple[str | None, str]]:
    """By what texts are known: context and (singular) msgid."""
    return {(text.context, text.id if isinstance(text.id, str) else text.id[0]) for text in _texts(texts)}


def _texts(texts: Catalog) -> Iterator[Message]:
    return (text for text in texts if text.id)


def _strings(text: Message) -> tuple[str, ...]:
    return (text.string,) if isinstance(text.string, str) else tuple(text.string or ("",))
