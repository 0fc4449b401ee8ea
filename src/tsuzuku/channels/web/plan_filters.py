# SPDX-License-Identifier: Apache-2.0
"""What somebody asks of a plan, read from the address, and kept for the next visit of this browser.

A plan fits a trip if it works in every country of it. Whatever is not asked for fits, and what an address asks for that
does not exist is left away.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.terms import TURN_STACKINGS, LotKind
from tsuzuku.channels.web.plan_texts import Section, country_name, is_only_more, sections
from tsuzuku.channels.web.tiles import helps_now
from tsuzuku.renewals.quotes import Offer

_SESSION_KEY = "plan_filter"
#: In an address it says that the form was sent, so that one without any wish forgets what was kept.
_SENT = "find"


class Order(StrEnum):
    """What comes first."""

    #: As the brand lists them.
    LISTED = ""
    PRICE = "price"
    PER_DAY = "day"
    PER_GIGABYTE = "gb"


ORDERS = {
    Order.LISTED: _("as listed"),
    Order.PRICE: _("lowest price"),
    Order.PER_DAY: _("lowest price per day"),
    Order.PER_GIGABYTE: _("lowest price per GB"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFilter:
    """What is asked for."""

    countries: tuple[str, ...] = ()
    at_once: bool = False
    hotspot: bool = False
    order: Order = Order.LISTED

    def offers(self, offers: Iterable[Offer]) -> list[Offer]:
        """Those that are asked for; what the card cannot take is there to say why, whenever it would begin."""
        return [
            offer
            for offer in offers
            if self._fits(offer.plan) and (not self.at_once or offer.preview is None or helps_now(offer.preview))
        ]

    def mixes(self, plans: Iterable[Plan]) -> list[Plan]:
        """Those of the plans that people mix themselves that are asked for."""
        return [plan for plan in plans if self._fits(plan) and not (self.at_once and _waits_its_turn(plan))]

    def _fits(self, plan: Plan) -> bool:
        return set(self.countries) <= set(plan.countries) and (not self.hotspot or plan.tethering is True)

    def query(self) -> str:
        """It as an address says it."""
        wishes = [
            *(("to", country) for country in self.countries),
            ("now", "1" if self.at_once else ""),
            ("hotspot", "1" if self.hotspot else ""),
            ("by", self.order.value),
        ]
        return urlencode([(_SENT, "1"), *(wish for wish in wishes if wish[1])])


def _waits_its_turn(plan: Plan) -> bool:
    rule = plan.mix_rule
    return rule is not None and rule.terms(plan.code, rule.least).stacking in TURN_STACKINGS


def filter_of(request: HttpRequest, *, countries: Collection[str]) -> PlanFilter:
    """What the address asks for, which is kept; without a word in it, what was asked for the last time."""
    if _SENT not in request.GET:
        return _read(QueryDict(request.session.get(_SESSION_KEY, "")), countries)
    asked = _read(request.GET, countries)
    kept = asked.query() if asked != PlanFilter() else ""
    if request.session.get(_SESSION_KEY, "") != kept:
        request.session[_SESSION_KEY] = kept
    return asked


def _read(query: QueryDict, countries: Collection[str]) -> PlanFilter:
    order = query.get("by", "")
    return PlanFilter(
        countries=tuple(sorted(set(query.getlist("to")) & set(countries))),
        at_once="now" in query,
        hotspot="hotspot" in query,
        order=Order(order) if order in set(Order) else Order.LISTED,
    )


def countries_of(offers: Iterable[Offer]) -> list[str]:
    """Where any plan works, by code; none if all work in the same places."""
    places = {tuple(sorted(offer.plan.countries)) for offer in offers}
    return sorted({country for each in places for country in each}) if len(places) > 1 else []


def named(countries: Iterable[str]) -> list[tuple[str, str]]:
    """Countries with their names in the language of the page, Japan first, where everybody is."""
    return [(code, country_name(code)) for code in sorted(countries, key=lambda code: (code != "JP", code))]


def in_sections(offers: Sequence[Offer], order: Order) -> list[Section]:
    """Offers that the card can take, under their headings; all under one where an order was asked for.

    What has no price of that kind comes last, as the brand lists it.
    """
    fitting = [offer for offer in offers if offer.refused is None]
    if order is Order.LISTED or not fitting:
        return sections(fitting)
    ordered = sorted(fitting, key=lambda offer: _cost(offer, order))
    return [Section("all", str(ORDERS[order]), tuple(ordered))]


def _cost(offer: Offer, order: Order) -> float:
    price, terms = offer.price.amount_minor, offer.terms
    if order is Order.PRICE:
        return price
    if order is Order.PER_DAY:
        return price / terms.days if not is_only_more(terms) else float("inf")
    size = terms.amounts[LotKind.DATA]
    return price / size if size else float("inf")
