# SPDX-License-Identifier: Apache-2.0
"""Reading a plan file: pure, every mistake named by plan and field, nothing half taken.

The fields are those of the plan file's contract; those that say how a renewal stacks are read by `terms`. A plan that
people mix themselves (`own_mix`) has a rule instead of terms and a price: `mixes` says what comes of it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from babel import Locale
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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
    is_text,
    load_json,
    read_name,
    read_window,
    whole_up_to,
)
from tsuzuku.catalog.mixes import Mix, MixRule
from tsuzuku.catalog.terms import SERVICE_FIELDS, STACKING_FIELDS, Mistake, PlanTerms, is_whole, parse_terms
from tsuzuku.kernel.money import Money

#: What each mistake means, for the person who wrote the file.
MISTAKES: Mapping[str, Promise] = {
    "field-unknown": _("there is no such field"),
    "value-malformed": _("the value is missing or not of the right kind"),
    "combination-malformed": _("it does not go together with the other fields"),
    "name-missing": _("a plan needs a name in English"),
    "code-duplicate": _("another plan of the file has this code"),
    "plan-joins-unknown": _("it names a plan that is neither in the file nor in the catalogue"),
}

#: What is taken, but worth a look.
NOTICES: Mapping[str, Promise] = {
    "name-missing": _("no name in this language: people who read it get the English one"),
    "door-unknown": _("there is no such door, so nobody gets this price"),
    "plan-withdrawn": _("the plan is withdrawn and stays so"),
}

VOICE_TO = ("domestic", "international")
NETWORK_LENGTH_MAX = 60
GROUP_LENGTH_MAX = 64

#: Beyond these a number is a slip of the hand, and sums with it would not fit their columns.
BYTES_MAX = 2**53 - 1
DAYS_MAX = 36_500
HOURS_MAX = 24 * DAYS_MAX

_TERM_MAX: Mapping[str, int] = {
    "data_bytes": BYTES_MAX,
    "daily_bytes": BYTES_MAX,
    "voice_seconds": BYTES_MAX,
    "messages": BYTES_MAX,
    "days": DAYS_MAX,
    "start_within_days": DAYS_MAX,
    "extend_days": DAYS_MAX,
    "grace_hours": HOURS_MAX,
    "restore_hours": HOURS_MAX,
    "max_stack": COUNT_MAX,
    "priority": COUNT_MAX,
}
#: What a mix decides, so that the plan itself must not.
_DECIDED_BY_MIX = ("data_bytes", "daily_bytes", "days", "voice_seconds", "messages", "price_minor", "prices")


@dataclass(frozen=True, kw_only=True)
class ParsedPlan:
    """One plan of a file, without mistakes. A plan to be mixed has `own_mix` and neither terms nor prices."""

    code: str
    name: Mapping[str, str]
    terms: PlanTerms | None
    voice_to: str
    #: By door; None is every door without a price of its own.
    prices: Mapping[str | None, Money]
    own_mix: Mapping[str, Any] | None
    card_groups: tuple[str, ...]
    countries: tuple[str, ...]
    network: str
    tethering: bool | None
    on_sale_from: datetime | None
    on_sale_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class ParsedPlans:
    """A file as read. With a single mistake it is refused whole, and `plans` is empty."""

    plans: Sequence[ParsedPlan] = ()
    mistakes: Sequence[Mistake] = ()
    notices: Sequence[Notice] = ()
    #: Where the file stops being JSON, for people; "" if it is JSON.
    unreadable: str = ""


def parse_plans(text: bytes, *, known_codes: Collection[str]) -> ParsedPlans:
    """Reads a plan file. `known_codes` are the plans of the catalogue, which the file's plans may join.

    A plan is named by its code, or by its place in the file (`#3`) while its code cannot be read.
    """
    try:
        body = load_json(text)
    except (ValueError, RecursionError) as problem:
        return ParsedPlans(mistakes=[Mistake("", "", "value-malformed")], unreadable=str(problem))
    listed = body.get("plans") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        return ParsedPlans(mistakes=[Mistake("", "plans", "value-malformed")])
    readings: list[Reading] = []
    plans: list[ParsedPlan] = []
    for place, fields in enumerate(listed, start=1):
        code = fields.get("code") if isinstance(fields, Fields) else None
        reading = Reading(code if is_code(code) else f"#{place}")
        readings.append(reading)
        if not isinstance(fields, Fields):
            reading.mistake("", "value-malformed")
        elif (plan := _read_plan(fields, reading)) is not None:
            plans.append(plan)
    _check_codes(listed, readings, known_codes)
    mistakes = [mistake for reading in readings for mistake in reading.mistakes]
    notices = [notice for reading in readings for notice in reading.notices]
    return ParsedPlans(plans=[] if mistakes else plans, mistakes=mistakes, notices=notices)


def _check_codes(listed: list[Any], readings: list[Reading], known_codes: Collection[str]) -> None:
    """What can only be seen with all plans at hand: codes used twice, and plans to join that do not exist."""
    codes = [reading.plan for reading in readings]
    there = {*codes, *known_codes}
    for place, (fields, reading) in enumerate(zip(listed, readings, strict=True)):
        if reading.plan in codes[:place]:
            reading.mistake("code", "code-duplicate")
        joins = fields.get("joins") if isinstance(fields, dict) else None
        if isinstance(joins, list) and any(isinstance(code, str) and code not in there for code in joins):
            reading.mistake("joins", "plan-joins-unknown")


def _read_plan(fields: Fields, reading: Reading) -> ParsedPlan | None:
    for name in fields:
        if name not in _KNOWN_FIELDS:
            reading.mistake(name, "field-unknown")
    for name in fields.twice:
        reading.mistake(name, "value-malformed")
    for name, check in _CHECKS.items():
        required = name in ("code", "currency") or (name == "price_minor" and "own_mix" not in fields)
        if (name in fields or required) and not check(fields.get(name)):
            reading.mistake(name, "value-malformed")
    read_name(fields.get("name"), reading)
    terms = _read_terms(fields, reading)
    prices = _read_prices(fields, reading)
    own_mix = _read_own_mix(fields, reading)
    on_sale_from, on_sale_until = read_window(fields, reading, ("on_sale_from", "on_sale_until"))
    if reading.mistakes:
        return None
    return ParsedPlan(
        code=fields["code"],
        name=dict(fields["name"]),
        terms=terms,
        voice_to=fields.get("voice_to", VOICE_TO[0]) if "voice_seconds" in fields else "",
        prices=prices,
        own_mix=own_mix,
        card_groups=tuple(fields.get("card_groups", ())),
        countries=tuple(fields.get("countries", ("JP",))),
        network=fields.get("network", ""),
        tethering=fields.get("tethering"),
        on_sale_from=on_sale_from,
        on_sale_until=on_sale_until,
    )


def _read_terms(fields: Fields, reading: Reading) -> PlanTerms | None:
    is_mix = "own_mix" in fields
    # A mix has no amount and no length yet; any will do to check its other terms.
    terms, mistakes = parse_terms(reading.plan, {**fields, "data_bytes": 1, "days": 1} if is_mix else fields)
    reading.mistakes += mistakes
    named = {mistake.field for mistake in mistakes}
    for name, most in _TERM_MAX.items():
        value = fields.get(name)
        if name not in named and isinstance(value, int) and abs(value) > most:
            reading.mistake(name, "value-malformed")
    return None if is_mix else terms


def _read_prices(fields: Fields, reading: Reading) -> dict[str | None, Money]:
    """The general price, and those of doors with a price of their own."""
    currency = fields.get("currency")
    if not is_currency(currency):
        return {}
    prices: dict[str | None, Money] = {}
    general = fields.get("price_minor")
    if is_amount(general):
        prices[None] = Money(general, currency)
    listed = fields.get("prices", [])
    if not isinstance(listed, list):
        reading.mistake("prices", "value-malformed")
        return prices
    for place, price in enumerate(listed):
        at = f"prices[{place}]"
        if not isinstance(price, Fields) or price.twice:
            reading.mistake(at, "value-malformed")
            continue
        for name in price.keys() - {"channel", "price_minor"}:
            reading.mistake(f"{at}.{name}", "field-unknown")
        channel, amount = price.get("channel"), price.get("price_minor")
        if not is_channel(channel) or channel in prices:
            reading.mistake(f"{at}.channel", "value-malformed")
        elif not is_amount(amount):
            reading.mistake(f"{at}.price_minor", "value-malformed")
        else:
            prices[channel] = Money(amount, currency)
            if channel not in DOORS:
                reading.notice(f"{at}.channel", "door-unknown")
    return prices


def _read_own_mix(fields: Fields, reading: Reading) -> dict[str, Any] | None:
    """The steps, limits and rates of a mix, with the stacking fields that its mixes will have."""
    if "own_mix" not in fields:
        return None
    for name in _DECIDED_BY_MIX:
        if name in fields:
            reading.mistake(name, "combination-malformed")
    mix = fields["own_mix"]
    if not isinstance(mix, Fields) or mix.twice:
        reading.mistake("own_mix", "value-malformed")
        return None
    for name in mix.keys() - _MIX_CHECKS.keys():
        reading.mistake(f"own_mix.{name}", "field-unknown")
    for name, check in _MIX_CHECKS.items():
        if not check(mix.get(name, [] if name == "discounts" else None)):
            reading.mistake(f"own_mix.{name}", "value-malformed")
    if not reading.mistakes and mix["bytes_max"] < mix["bytes_step"]:
        reading.mistake("own_mix.bytes_max", "combination-malformed")
    stacking = {name: fields[name] for name in STACKING_FIELDS if name in fields}
    own_mix = {**mix, "currency": fields.get("currency"), "terms": stacking}
    if not reading.mistakes and not _are_prices_sound(MixRule.from_json(own_mix)):
        reading.mistake("own_mix", "combination-malformed")
    return own_mix


def _are_prices_sound(rule: MixRule) -> bool:
    """Whether every mix costs something, and none more than can be paid."""
    cheapest = [rule.least, *(Mix(max(each.from_bytes, rule.bytes_step), 1) for each in rule.discounts)]
    dearest = replace(rule, discounts=()).price(Mix(rule.bytes_max, rule.days_max))
    return all(rule.price(mix).amount_minor > 0 for mix in cheapest) and dearest.amount_minor <= AMOUNT_MINOR_MAX


def _is_countries(value: object) -> bool:
    return is_list(value, _is_country)


def _is_country(value: object) -> bool:
    # Babel's territories are those of ISO 3166 and, beside them, parts of the world, unions, tests and the unknown.
    return isinstance(value, str) and value in _countries()


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    territories = frozenset(str(code) for code in Locale("en").territories if len(str(code)) == 2)
    return territories - {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}


def _is_groups(value: object) -> bool:
    return is_list(value, lambda group: is_text(group, GROUP_LENGTH_MAX))


def _is_discounts(value: object) -> bool:
    """Steps from which a mix gets cheaper, each from more bytes than the one before."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return False
    if not all(each.keys() == {"from_bytes", "percent"} for each in value):
        return False
    steps = [each["from_bytes"] for each in value]
    percents = [each["percent"] for each in value]
    if not all(is_whole(step, least=1) for step in steps) or not all(is_whole(each, least=1) for each in percents):
        return False
    return steps == sorted(set(steps)) and max(percents, default=1) < 100


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "code": is_code,
    "price_minor": is_amount,
    "currency": is_currency,
    "countries": _is_countries,
    "network": lambda value: is_text(value, NETWORK_LENGTH_MAX),
    "tethering": lambda value: isinstance(value, bool),
    "card_groups": _is_groups,
    "on_sale_from": is_moment,
    "on_sale_until": is_moment,
    "voice_to": lambda value: value in VOICE_TO,
}
_MIX_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "bytes_step": whole_up_to(1, BYTES_MAX),
    "bytes_max": whole_up_to(1, BYTES_MAX),
    "days_max": whole_up_to(1, DAYS_MAX),
    "price_per_gb_minor": whole_up_to(0, AMOUNT_MINOR_MAX),
    "price_per_day_minor": whole_up_to(0, AMOUNT_MINOR_MAX),
    "discounts": _is_discounts,
}
_KNOWN_FIELDS = {*_CHECKS, *STACKING_FIELDS, *SERVICE_FIELDS, "name", "prices", "own_mix"}
