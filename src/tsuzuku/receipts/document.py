# SPDX-License-Identifier: Apache-2.0
"""A receipt in words: the one thing that the page, the mail and the PDF are made of. Reads no database."""

from dataclasses import dataclass
from datetime import date

from babel import Locale
from babel.dates import format_date
from django.utils import translation

from tsuzuku.look import formats
from tsuzuku.receipts.content import Content
from tsuzuku.receipts.models import Receipt
from tsuzuku.receipts.queries import Returned
from tsuzuku.receipts.signing import verify_address
from tsuzuku.receipts.tax import included_tax
from tsuzuku.receipts.texts import TEXTS, Texts

#: The place of a receipt that is not marked as a copy: the first one handed out, or the one on its page.
ORIGINAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A receipt in one language. Pairs are a name and a value."""

    language: str
    title: str
    #: That it is a qualified invoice, or nothing.
    subtitle: str
    #: That it is a copy, or nothing.
    mark: str
    number: str
    facts: tuple[tuple[str, str], ...]
    total: tuple[str, str]
    received: str
    columns: tuple[str, str, str]
    #: What, rate, amount.
    lines: tuple[tuple[str, str, str], ...]
    sums: tuple[tuple[str, str], ...]
    #: How much of the money went back, or nothing.
    returned: str
    issuer: str
    issuer_name: str
    #: Address and registration number, as far as there are any.
    issuer_rest: tuple[str, ...]
    check: str
    #: What the QR holds.
    verify_address: str
    mail_subject: str
    mail_page: str


def describe(receipt: Receipt, *, language: str, ordinal: int, returned: Returned | None) -> Document:
    """An issued receipt in one of the five languages; from the second one handed out on it is marked as a copy."""
    texts, content = TEXTS[language], Content.from_json(receipt.content or {})
    issuer = content.issuer
    with translation.override(language):
        return Document(
            language=language,
            title=texts.title,
            subtitle=texts.qualified if issuer.tax_number else "",
            mark="" if ordinal == ORIGINAL else texts.copy.format(ordinal=ordinal),
            number=receipt.number,
            facts=_facts(receipt, content, texts, language),
            total=(texts.total, formats.money(content.total)),
            received=texts.received,
            columns=(texts.what, texts.rate, texts.amount),
            lines=_lines(content, texts, language),
            sums=_sums(content, texts),
            returned=_returned(texts, language, returned),
            issuer=texts.issuer,
            issuer_name=issuer.name,
            issuer_rest=tuple(
                line
                for line in (issuer.address, issuer.tax_number and f"{texts.tax_number} {issuer.tax_number}")
                if line
            ),
            check=texts.check.format(address=f"{issuer.url}/verify"),
            verify_address=verify_address(receipt.token, issuer_url=issuer.url),
            mail_subject=texts.mail_subject.format(number=receipt.number),
            mail_page=texts.mail_page,
        )


def _facts(receipt: Receipt, content: Content, texts: Texts, language: str) -> tuple[tuple[str, str], ...]:
    issued_on = (
        [(texts.issued_on, _day(formats.local(receipt.issued_at).date(), language))] if receipt.issued_at else []
    )
    return (
        (texts.number, receipt.number),
        *issued_on,
        (texts.sold_on, _day(content.sold_on, language)),
        (texts.order_number, content.order_number),
    )


def _lines(content: Content, texts: Texts, language: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (
            line.names.get(language) or line.names.get("en") or texts.discount,
            f"{line.tax_percent}%",
            formats.money(content.money(line.amount_minor)),
        )
        for line in content.lines
    )


def _sums(content: Content, texts: Texts) -> tuple[tuple[str, str], ...]:
    return tuple(
        pair
        for each in content.sums
        for pair in (
            (texts.sum_at_rate.format(percent=each.percent), formats.money(each.total)),
            (texts.tax_at_rate.format(percent=each.percent), formats.money(each.tax)),
        )
    )


def _returned(texts: Texts, language: str, returned: Returned | None) -> str:
    if returned is None:
        return ""
    return texts.returned.format(
        day=_day(returned.day, language),
        amount=formats.money(returned.amount),
        tax=formats.money(included_tax(returned.amount)),
    )


def _day(value: date, language: str) -> str:
    """2026年11月21日, November 21, 2026."""
    return format_date(value, format="long", locale=Locale.parse(translation.to_locale(language)))
