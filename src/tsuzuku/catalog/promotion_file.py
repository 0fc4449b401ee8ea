# SPDX-License-Identifier: Apache-2.0
"""Reading a promotion file: pure, every mistake named by promotion and field, nothing half taken.

The fields are those of docs/contracts/promotions.md.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tsuzuku.catalog.festivals import FESTIVALS
from tsuzuku.catalog.file_reading import (
    AMOUNT_MINOR_MAX,
    COUNT_MAX,
    DOORS,
    Fields,
    Notice,
    Reading,
    is_amount,
    is_channel,
    is_code,
    is_currency,
    is_list,
    is_moment,
    load_json,
    read_name,
    read_window,
    whole_up_to,
)
from tsuzuku.catalog.promotions import DOORS_WITHOUT_PROMOTIONS, PromotionRule, Step
from tsuzuku.catalog.terms import Mistake, is_whole

#: What each mistake means, for the person who wrote the file.
MISTAKES: Mapping[str, Promise] = {
    "field-unknown": _("there is no such field"),
    "value-malformed": _("the value is missing or not of the right kind"),
    "combination-malformed": _("it does not go together with the other fields"),
    "name-missing": _("a promotion needs a name in English"),
    "promotion-duplicate": _("another promotion of the file has this code"),
    "coupon-duplicate": _("another promotion, of the file or known before, has this coupon"),
    "plan-unknown": _("it names a plan that is not in the catalogue"),
    "door-without-promotions": _("partners buy at catalogue prices: give the plan a price of its own for that door"),
}

#: What is taken, but worth a look.
NOTICES: Mapping[str, Promise] = {
    "name-missing": _("no name in this language: people who read it get the English one"),
    "door-unknown": _("there is no such door, so nobody gets this promotion there"),
    "promotion-withdrawn": _("the promotion is withdrawn and stays so"),
    "coupon-easy-to-guess": _("it is short: somebody who tries codes may find it"),
}

COUPONS_MAX = 10_000
#: Shorter ones are found by trying within weeks, in spite of all limits.
_COUPON_LENGTH_SAFE = 8
_FESTIVAL_DAYS_MAX = 60
_COUPON = re.compile(r"[A-Z0-9]{4,32}", re.ASCII)
_SEPARATORS = re.compile(r"[\s\-_.]+")
#: Longer texts are not worth reading: no coupon is so long.
_TEXT_LENGTH_MAX = 100


@dataclass(frozen=True, kw_only=True)
class ParsedPromotion:
    """One promotion of a file, without mistakes."""

    code: str
    name: Mapping[str, str]
    rule: PromotionRule
    #: None: it needs none and applies by itself.
    coupons: frozenset[str] | None
    uses_max: int | None
    uses_max_per_customer: int | None
    uses_max_per_coupon: int | None
    budget_minor: int | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class ParsedPromotions:
    """A file as read. With a single mistake it is refused whole, and `promotions` is empty."""

    promotions: Sequence[ParsedPromotion] = ()
    mistakes: Sequence[Mistake] = ()
    notices: Sequence[Notice] = ()
    #: Where the file stops being JSON, for people; "" if it is JSON.
    unreadable: str = ""


def parse_coupon(text: str) -> str | None:
    """A coupon as it is stored, from any case, width, spacing and hyphens; None if no coupon looks like that."""
    folded = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text[:_TEXT_LENGTH_MAX])).upper()
    return folded if _COUPON.fullmatch(folded) else None


def parse_promotions(text: bytes, *, plan_codes: Collection[str], coupons_taken: Mapping[str, str]) -> ParsedPromotions:
    """Reads a promotion file. `plan_codes` are the catalogue's; `coupons_taken` says whose the known coupons are.

    A promotion is named by its code, or by its place in the file (`#3`) while its code cannot be read.
    """
    try:
        body = load_json(text)
    except (ValueError, RecursionError) as problem:
        return ParsedPromotions(mistakes=[Mistake("", "", "value-malformed")], unreadable=str(problem))
    listed = body.get("promotions") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        return ParsedPromotions(mistakes=[Mistake("", "promotions", "value-malformed")])
    readings: list[Reading] = []
    promotions: list[ParsedPromotion] = []
    for place, fields in enumerate(listed, start=1):
        code = fields.get("code") if isinstance(fields, Fields) else None
        reading = Reading(code if is_code(code) else f"#{place}")
        if reading.plan in {other.plan for other in readings}:
            reading.mistake("code", "promotion-duplicate")
        readings.append(reading)
        if not isinstance(fields, Fields):
            reading.mistake("", "value-malformed")
        elif (promotion := _read_promotion(fields, reading, plan_codes)) is not None:
            promotions.append(promotion)
    _check_coupons(promotions, {reading.plan: reading for reading in readings}, coupons_taken)
    mistakes = [mistake for reading in readings for mistake in reading.mistakes]
    notices = [notice for reading in readings for notice in reading.notices]
    return ParsedPromotions(promotions=[] if mistakes else promotions, mistakes=mistakes, notices=notices)


def _check_coupons(
    promotions: Sequence[ParsedPromotion], readings: Mapping[str, Reading], coupons_taken: Mapping[str, str]
) -> None:
    """A coupon opens one promotion. What a promotion of the file had before and does not name any more is free."""
    in_file = {promotion.code for promotion in promotions}
    owners = {coupon: owner for coupon, owner in coupons_taken.items() if owner not in in_file}
    for promotion in promotions:
        for coupon in sorted(promotion.coupons or ()):
            if owners.setdefault(coupon, promotion.code) != promotion.code:
                readings[promotion.code].mistake(f"coupons.{coupon}", "coupon-duplicate")


def _read_promotion(fields: Fields, reading: Reading, plan_codes: Collection[str]) -> ParsedPromotion | None:
    for name in fields:
        if name not in _KNOWN_FIELDS:
            reading.mistake(name, "field-unknown")
    for name in fields.twice:
        reading.mistake(name, "value-malformed")
    for name, check in _CHECKS.items():
        if (name in fields or name in ("code", "currency")) and not check(fields.get(name)):
            reading.mistake(name, "value-malformed")
    read_name(fields.get("name"), reading)
    _check_places(fields, reading, plan_codes)
    takes_off = _read_takes_off(fields, reading)
    festival = _read_festival(fields, reading)
    coupons = _read_coupons(fields, reading)
    starts_at, ends_at = read_window(fields, reading, ("valid_from", "valid_until"))
    if reading.mistakes:
        return None
    return ParsedPromotion(
        code=fields["code"],
        name=dict(fields["name"]),
        rule=PromotionRule(
            **takes_off,
            **festival,
            from_price_minor=fields.get("from_price_minor", 0),
            plans=frozenset(fields["plans"]) if "plans" in fields else None,
            channels=frozenset(fields["channels"]) if "channels" in fields else None,
            starts_at=starts_at,
            ends_at=ends_at,
            stacks=fields.get("stacks", False),
            priority=fields.get("priority", 0),
        ),
        coupons=coupons,
        uses_max=fields.get("uses_max"),
        uses_max_per_customer=fields.get("uses_max_per_customer"),
        uses_max_per_coupon=fields.get("uses_max_per_coupon"),
        budget_minor=fields.get("budget_minor"),
        currency=fields["currency"],
    )


def _check_places(fields: Fields, reading: Reading, plan_codes: Collection[str]) -> None:
    """That the plans exist, and that the doors take something off."""
    plans, channels = fields.get("plans", []), fields.get("channels", [])
    if _is_plans(plans) and not set(plans) <= set(plan_codes):
        reading.mistake("plans", "plan-unknown")
    for channel in channels if _is_channels(channels) else ():
        if channel in DOORS_WITHOUT_PROMOTIONS:
            reading.mistake("channels", "door-without-promotions")
        elif channel not in DOORS:
            reading.notice("channels", "door-unknown")


def _read_takes_off(fields: Fields, reading: Reading) -> dict[str, Any]:
    """An amount, a percentage, or steps, as arguments for a rule."""
    body = fields.get("takes_off")
    if not isinstance(body, Fields) or body.twice:
        reading.mistake("takes_off", "value-malformed")
        return {}
    for name in sorted(body.keys() - _TAKES_OFF_CHECKS.keys()):
        reading.mistake(f"takes_off.{name}", "field-unknown")
    wrong = [name for name, check in _TAKES_OFF_CHECKS.items() if name in body and not check(body[name])]
    for name in wrong:
        reading.mistake(f"takes_off.{name}", "value-malformed")
    known = body.keys() & _TAKES_OFF_CHECKS.keys()
    if frozenset(known) not in _TAKES_OFF_TOGETHER or ("steps" in body and "from_price_minor" in fields):
        reading.mistake("takes_off", "combination-malformed")
    elif not wrong and "steps" in body:
        return {"steps": tuple(Step(**step) for step in body["steps"])}
    elif not wrong and "percent" in body:
        return {"percent": body["percent"], "amount_minor_max": body.get("amount_minor_max")}
    elif not wrong and _CHECKS["from_price_minor"](fields.get("from_price_minor", 1)):
        return {"steps": (Step(fields.get("from_price_minor", 0), body["amount_minor"]),)}
    return {}


def _read_festival(fields: Fields, reading: Reading) -> dict[str, Any]:
    """A festival and how many days around it, as arguments for a rule."""
    if "festival" not in fields:
        return {}
    body = fields["festival"]
    if not isinstance(body, Fields) or body.twice:
        reading.mistake("festival", "value-malformed")
        return {}
    for name in sorted(body.keys() - _FESTIVAL_CHECKS.keys()):
        reading.mistake(f"festival.{name}", "field-unknown")
    for name, check in _FESTIVAL_CHECKS.items():
        if (name in body or name == "name") and not check(body.get(name)):
            reading.mistake(f"festival.{name}", "value-malformed")
    return {
        "festival": body.get("name"),
        "days_before": body.get("days_before", 0),
        "days_after": body.get("days_after", 0),
    }


def _read_coupons(fields: Fields, reading: Reading) -> frozenset[str] | None:
    if "coupons" not in fields:
        if "uses_max_per_coupon" in fields:
            reading.mistake("uses_max_per_coupon", "combination-malformed")
        return None
    listed = fields["coupons"]
    if not isinstance(listed, list) or not listed or len(listed) > COUPONS_MAX:
        reading.mistake("coupons", "value-malformed")
        return None
    found: set[str] = set()
    for place, text in enumerate(listed):
        coupon = parse_coupon(text) if isinstance(text, str) and len(text) <= _TEXT_LENGTH_MAX else None
        if coupon is None or coupon in found:
            reading.mistake(f"coupons[{place}]", "value-malformed")
            continue
        found.add(coupon)
        if len(coupon) < _COUPON_LENGTH_SAFE:
            reading.notice(f"coupons[{place}]", "coupon-easy-to-guess")
    return frozenset(found)


def _is_plans(value: object) -> bool:
    return is_list(value, is_code)


def _is_channels(value: object) -> bool:
    return is_list(value, is_channel)


def _is_steps(value: object) -> bool:
    """Steps of which each begins at a higher price and takes off more than the one before."""
    if not isinstance(value, list) or not value or not all(isinstance(each, Fields) for each in value):
        return False
    if not all(each.keys() == {"from_minor", "amount_minor"} and not each.twice for each in value):
        return False
    columns = [[each[name] for each in value] for name in ("from_minor", "amount_minor")]
    return all(all(map(is_amount, column)) and column == sorted(set(column)) for column in columns)


_is_count = whole_up_to(1, COUNT_MAX)
_is_days = whole_up_to(0, _FESTIVAL_DAYS_MAX)

_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "code": is_code,
    "currency": is_currency,
    "from_price_minor": is_amount,
    "plans": _is_plans,
    "channels": _is_channels,
    "valid_from": is_moment,
    "valid_until": is_moment,
    "stacks": lambda value: isinstance(value, bool),
    "priority": lambda value: is_whole(value) and isinstance(value, int) and abs(value) <= COUNT_MAX,
    "uses_max": _is_count,
    "uses_max_per_customer": _is_count,
    "uses_max_per_coupon": _is_count,
    "budget_minor": whole_up_to(1, AMOUNT_MINOR_MAX),
}
_TAKES_OFF_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "amount_minor": is_amount,
    "percent": whole_up_to(1, 100),
    "amount_minor_max": is_amount,
    "steps": _is_steps,
}
_TAKES_OFF_TOGETHER = {
    frozenset({"amount_minor"}),
    frozenset({"percent"}),
    frozenset({"percent", "amount_minor_max"}),
    frozenset({"steps"}),
}
_FESTIVAL_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "name": lambda value: isinstance(value, str) and value in FESTIVALS,
    "days_before": _is_days,
    "days_after": _is_days,
}
_KNOWN_FIELDS = {*_CHECKS, "name", "takes_off", "festival", "coupons"}
