# SPDX-License-Identifier: Apache-2.0
"""What a receipt says, in no language yet: written once when it is numbered, and kept as JSON."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from tsuzuku.cards.models import CardKind
from tsuzuku.catalog.mix_names import sold_name
from tsuzuku.catalog.mixes import Mix, mix_of_line
from tsuzuku.catalog.models import Plan
from tsuzuku.kernel.money import Money
from tsuzuku.orders.models import Order
from tsuzuku.receipts.tax import CONSUMPTION_TAX_PERCENT, TaxedSum, sums_by_rate
from tsuzuku.renewals.price_lines import NEW_CARD, POSTAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who sold."""

    name: str
    address: str
    #: T and 13 digits; without it a receipt is no qualified invoice, and does not claim to be one.
    tax_number: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was sold, or that was taken off: its names by language tag, none for what has no name."""

    names: dict[str, str]
    amount_minor: int
    tax_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The whole of it."""

    issuer: Issuer
    order_number: str
    sold_on: date
    currency: str
    lines: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {**asdict(self), "sold_on": self.sold_on.isoformat(), "lines": [asdict(line) for line in self.lines]}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Content":
        """As it was kept."""
        return cls(
            issuer=Issuer(**body["issuer"]),
            order_number=body["order_number"],
            sold_on=date.fromisoformat(body["sold_on"]),
            currency=body["currency"],
            lines=tuple(Line(**line) for line in body["lines"]),
        )

    def money(self, amount_minor: int) -> Money:
        """An amount of it."""
        return Money(amount_minor, self.currency)

    @property
    def total(self) -> Money:
        """What was paid, tax included."""
        return self.money(sum(line.amount_minor for line in self.lines))

    @property
    def sums(self) -> list[TaxedSum]:
        """What was sold at each rate, and the tax in it."""
        return sums_by_rate((line.tax_percent, self.money(line.amount_minor)) for line in self.lines)

    @property
    def tax(self) -> Money:
        """The tax in all of it."""
        return self.money(sum(each.tax.amount_minor for each in self.sums))


def issuer_now() -> Issuer:
    """Who sells today."""
    return Issuer(
        name=settings.BRAND_NAME,
        address=settings.BRAND_ADDRESS,
        tax_number=settings.BRAND_TAX_NUMBER,
        url=settings.PUBLIC_URL,
    )


def receipt_content(order: Order, plan: Plan, *, sold_on: date, let_off_minor: int = 0) -> Content:
    """What the receipt of an order says. Everything that is sold today is telecommunication, taxed at the one rate.

    What the payer was let off of the price is a discount without a name.
    """
    let_off = [{"amount_minor": -let_off_minor}] if let_off_minor else []
    return Content(
        issuer=issuer_now(),
        order_number=order.number,
        sold_on=sold_on,
        currency=order.currency,
        lines=tuple(
            Line(
                names=_line_names(line, plan),
                amount_minor=line["amount_minor"],
                tax_percent=CONSUMPTION_TAX_PERCENT,
            )
            for line in [*order.lines, *let_off]
            # A card that costs nothing beside its plan is nothing to be taxed.
            if line["amount_minor"] or not {NEW_CARD, POSTAGE} & line.keys()
        ),
    )


def _line_names(line: dict[str, Any], plan: Plan) -> dict[str, str]:
    """What a line is called in every language; nothing for what was taken off."""
    if NEW_CARD in line:
        return {tag: _card_name(line[NEW_CARD], tag) for tag, _name in settings.LANGUAGES}
    if POSTAGE in line:
        return {tag: _postage_name(tag) for tag, _name in settings.LANGUAGES}
    return _names(plan, mix_of_line(line)) if line.get("plan") == plan.code else {}


def _card_name(kind: str, language: str) -> str:
    with translation.override(language):
        return str(CardKind(kind).label)


def _postage_name(language: str) -> str:
    with translation.override(language):
        return gettext("Post")


def _names(plan: Plan, mix: Mix | None) -> dict[str, str]:
    return {tag.lower(): sold_name(plan, mix, tag) for tag in plan.name}
