# SPDX-License-Identifier: Apache-2.0
"""A plan in words: what it gives, how it joins what a card has, and where it stands among the others."""

from collections.abc import Iterable
from dataclasses import dataclass

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tsuzuku.catalog.models import Plan
from tsuzuku.catalog.terms import JOINING_STACKINGS, LotKind, PlanTerms, Stacking, Start
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.renewals.quotes import Offer

#: Up to so many days a plan is a matter of days, up to so many of a week or two, up to so many of a month.
_FEW_DAYS, _WEEKS, _MONTH = 6, 20, 45
_GIGABYTE = 10**9

#: The sections of the plans page, in their order: an anchor and a heading.
SECTIONS = {
    "days": gettext_lazy("A few days"),
    "weeks": gettext_lazy("A week or two"),
    "month": gettext_lazy("A month"),
    "longer": gettext_lazy("Longer"),
    "unlimited": gettext_lazy("Unlimited"),
    "more": gettext_lazy("Only more data"),
}


@dataclass(frozen=True, slots=True)
class Section:
    """Offers under one heading."""

    anchor: str
    heading: str
    offers: tuple[Offer, ...]


def sections(offers: Iterable[Offer]) -> list[Section]:
    """Offers under their headings; sections without any are left out."""
    by_anchor: dict[str, list[Offer]] = {anchor: [] for anchor in SECTIONS}
    for offer in offers:
        by_anchor[_section_of(offer.terms)].append(offer)
    return [Section(anchor, str(SECTIONS[anchor]), tuple(found)) for anchor, found in by_anchor.items() if found]


def _section_of(terms: PlanTerms) -> str:
    if is_only_more(terms):
        return "more"
    if terms.amounts[LotKind.DATA] is None:
        return "unlimited"
    if terms.days <= _FEW_DAYS:
        return "days"
    if terms.days <= _WEEKS:
        return "weeks"
    return "month" if terms.days <= _MONTH else "longer"


def is_only_more(terms: PlanTerms) -> bool:
    """Whether it only adds to what is there, so that its days are not what is bought."""
    return terms.stacking in {Stacking.VALUE_ONLY, Stacking.EXTEND_BY}


def how_it_joins(terms: PlanTerms, *, is_joined: bool) -> str:
    """When it begins, and what it does to what is there; `is_joined`: the preview has found a lot for it to join."""
    within = formats.number(terms.start_within_days)
    if terms.start is Start.TAP:
        return _("You start it with a tap, within %(days)s days") % {"days": within}
    if terms.start is Start.FIRST_USE:
        return _("Starts with the first use, within %(days)s days") % {"days": within}
    if terms.stacking is Stacking.EXTEND_BY and not is_joined:
        return _("Only for the rest of today")
    if terms.stacking in JOINING_STACKINGS and not is_joined:
        return _("Starts at once, beside what you have")
    texts = {
        Stacking.SEPARATE: _("Starts at once, beside what you have"),
        Stacking.QUEUE: _("Starts when what you have is used up or over"),
        Stacking.SEQUEL: _("Starts when the days you have are over"),
        Stacking.EXTEND: _("Adds data and days to what you have"),
        Stacking.EXTEND_BY: _("Adds data and a few days to what you have"),
        Stacking.RESET: _("Adds data, and counts the days anew"),
        Stacking.VALUE_ONLY: _("Adds data, the days stay"),
    }
    return texts[terms.stacking]


def what_it_gives(plan: Plan, terms: PlanTerms) -> list[str]:
    """Data, days, speed, calls, sharing, network and countries, each in a few words."""
    gives = [formats.data_size(terms.amounts[LotKind.DATA])]
    if terms.daily_bytes is not None:
        gives.append(_("%(size)s a day at full speed") % {"size": formats.data_size(terms.daily_bytes)})
    return [*gives, *calls_and_messages(plan, terms), validity(terms), *conditions(plan)]


def calls_and_messages(plan: Plan, terms: PlanTerms) -> list[str]:
    """What it gives beside data, and whether calls may go abroad."""
    gives = []
    if LotKind.VOICE in terms.amounts:
        is_abroad = plan.terms_now is not None and plan.terms_now.voice_to == "international"
        calls = _("%(minutes)s of calls, also abroad") if is_abroad else _("%(minutes)s of calls")
        gives.append(calls % {"minutes": formats.voice(terms.amounts[LotKind.VOICE])})
    if LotKind.MESSAGE in terms.amounts:
        gives.append(formats.messages(terms.amounts[LotKind.MESSAGE]))
    return gives


def conditions(plan: Plan) -> list[str]:
    """Whether devices may share the line, by which network, and where it works."""
    gives = []
    if plan.tethering is not None:
        gives.append(_("Hotspot allowed") if plan.tethering else _("No hotspot"))
    if plan.network:
        gives.append(plan.network)
    if plan.countries != ["JP"]:
        gives.append(places(plan.countries))
    return gives


def validity(terms: PlanTerms) -> str:
    """How many days it lasts, or adds."""
    if terms.stacking is Stacking.VALUE_ONLY:
        return _("same days")
    days = terms.extend_days if terms.stacking is Stacking.EXTEND_BY else terms.days
    return ngettext("%(days)s day", "%(days)s days", days or 0) % {"days": formats.number(days or 0)}


def places(countries: Iterable[str]) -> str:
    """Where it works, by name, in the language of the page."""
    return _("Works in %(places)s") % {"places": _(", ").join(map(country_name, countries))}


def country_name(code: str) -> str:
    """What people call it; the full names of the two special regions do not fit on a phone."""
    short = {"HK": _("Hong Kong"), "MO": _("Macao")}
    locale: Locale = formats.active_locale()
    return short.get(code) or locale.territories.get(code, code)


def price_a_day(price: Money, terms: PlanTerms) -> Money | None:
    """What a day comes to, rounded up; None where days are not what is bought."""
    if terms.days < 2 or is_only_more(terms):
        return None
    return Money(-(-price.amount_minor // terms.days), price.currency)


def price_a_gigabyte(price: Money, terms: PlanTerms) -> Money | None:
    """What a GB comes to, rounded up; None where the data is unlimited, or none, or less than that."""
    size = terms.amounts[LotKind.DATA]
    if size is None or size <= _GIGABYTE:
        return None
    return Money(-(-price.amount_minor * _GIGABYTE // size), price.currency)


#: Methods as payers know them. A provider may bring others; they show by their own name.
METHOD_NAMES = {
    "card": gettext_lazy("Credit or debit card"),
    "alipay": gettext_lazy("Alipay"),
    "wechat_pay": gettext_lazy("WeChat Pay"),
    "paypay": gettext_lazy("PayPay"),
    "konbini": gettext_lazy("Cash at a convenience store"),
    "seven_eleven": gettext_lazy("Cash at 7-Eleven"),
    "paypal": gettext_lazy("PayPal"),
    "apple_pay": gettext_lazy("Apple Pay"),
    "sandbox": gettext_lazy("Test payment: no real money moves"),
}


def method_name(method: str) -> str:
    """A payment method in words."""
    return str(METHOD_NAMES.get(method, method))
