# SPDX-License-Identifier: Apache-2.0
"""Reading a plan file: pure, every mistake named by plan and field, nothing half taken.

The fields are those of the plan file's contract; those that say how a renewal stacks are read by `terms`. A plan that
people mix themselves (`own_mix`) is read and kept, but has no terms and no price until somebody has mixed one, so no
door sells it yet.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeGuard

from babel import Locale
from babel.numbers import list_currencies
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tsuzuku.catalog.models import CODE_PATTERN
from tsuzuku.catalog.terms import SERVICE_FIELDS, STACKING_FIELDS, Mistake, PlanTerms, is_whole, parse_terms
from tsuzuku.kernel.money import Money
from tsuzuku.kernel.texts import is_one_line

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

LANGUAGES = ("zh-Hans", "zh-Hant", "ja", "en", "ko")
#: The doors that sell; a price may be for a door that does not exist yet, but then somebody should know.
DOORS = frozenset({"web", "kiosk", "counter", "desk", "marketplace", "partner_api", "tmf_api"})
VOICE_TO = ("domestic", "international")
NAME_LENGTH_MAX = 120
NETWORK_LENGTH_MAX = 60
GROUP_LENGTH_MAX = 64

#: Beyond these a number is a slip of the hand, and sums with it would not fit their columns.
BYTES_MAX = 2**53 - 1
AMOUNT_MINOR_MAX = 10**12
DAYS_MAX = 36_500
HOURS_MAX = 24 * DAYS_MAX
COUNT_MAX = 10**6

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


@dataclass(frozen=True)
class Notice:
    """Something taken as it is that somebody should look at: which plan, which field, and a stable code."""

    plan: str
    field: str
    code: str


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


class _Fields(dict[str, Any]):
    """A JSON object that remembers which of its fields were given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _value in pairs]
        self.twice = sorted({name for name in names if names.count(name) > 1})


@dataclass
class _Reading:
    """What has been found so far about one plan."""

    plan: str
    mistakes: list[Mistake] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def mistake(self, name: str, code: str) -> None:
        self.mistakes.append(Mistake(self.plan, name, code))

    def notice(self, name: str, code: str) -> None:
        self.notices.append(Notice(self.plan, name, code))


def parse_plans(text: bytes, *, known_codes: Collection[str]) -> ParsedPlans:
    """Reads a plan file. `known_codes` are the plans of the catalogue, which the file's plans may join.

    A plan is named by its code, or by its place in the file (`#3`) while its code cannot be read.
    """
    try:
        body = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_Fields, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        return ParsedPlans(mistakes=[Mistake("", "", "value-malformed")], unreadable=str(problem))
    listed = body.get("plans") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        return ParsedPlans(mistakes=[Mistake("", "plans", "value-malformed")])
    readings: list[_Reading] = []
    plans: list[ParsedPlan] = []
    for place, fields in enumerate(listed, start=1):
        code = fields.get("code") if isinstance(fields, _Fields) else None
        reading = _Reading(code if _is_code(code) else f"#{place}")
        readings.append(reading)
        if not isinstance(fields, _Fields):
            reading.mistake("", "value-malformed")
        elif (plan := _read_plan(fields, reading)) is not None:
            plans.append(plan)
    _check_codes(listed, readings, known_codes)
    mistakes = [mistake for reading in readings for mistake in reading.mistakes]
    notices = [notice for reading in readings for notice in reading.notices]
    return ParsedPlans(plans=[] if mistakes else plans, mistakes=mistakes, notices=notices)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_codes(listed: list[Any], readings: list[_Reading], known_codes: Collection[str]) -> None:
    """What can only be seen with all plans at hand: codes used twice, and plans to join that do not exist."""
    codes = [reading.plan for reading in readings]
    there = {*codes, *known_codes}
    for place, (fields, reading) in enumerate(zip(listed, readings, strict=True)):
        if reading.plan in codes[:place]:
            reading.mistake("code", "code-duplicate")
        joins = fields.get("joins") if isinstance(fields, dict) else None
        if isinstance(joins, list) and any(isinstance(code, str) and code not in there for code in joins):
            reading.mistake("joins", "plan-joins-unknown")


def _read_plan(fields: _Fields, reading: _Reading) -> ParsedPlan | None:
    for name in fields:
        if name not in _KNOWN_FIELDS:
            reading.mistake(name, "field-unknown")
    for name in fields.twice:
        reading.mistake(name, "value-malformed")
    for name, check in _CHECKS.items():
        required = name in ("code", "currency") or (name == "price_minor" and "own_mix" not in fields)
        if (name in fields or required) and not check(fields.get(name)):
            reading.mistake(name, "value-malformed")
    _read_name(fields.get("name"), reading)
    terms = _read_terms(fields, reading)
    prices = _read_prices(fields, reading)
    own_mix = _read_own_mix(fields, reading)
    on_sale_from, on_sale_until = _read_window(fields, reading)
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


def _read_name(name: object, reading: _Reading) -> None:
    if not isinstance(name, dict):
        reading.mistake("name", "name-missing" if name is None else "value-malformed")
        return
    for language, text in name.items():
        if language not in LANGUAGES:
            reading.mistake(f"name.{language}", "field-unknown")
        elif not _is_name(text):
            reading.mistake(f"name.{language}", "value-malformed")
    for language in LANGUAGES:
        if language not in name:
            note = reading.mistake if language == "en" else reading.notice
            note(f"name.{language}", "name-missing")


def _read_terms(fields: _Fields, reading: _Reading) -> PlanTerms | None:
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


def _read_prices(fields: _Fields, reading: _Reading) -> dict[str | None, Money]:
    """The general price, and those of doors with a price of their own."""
    currency = fields.get("currency")
    if not _is_currency(currency):
        return {}
    prices: dict[str | None, Money] = {}
    general = fields.get("price_minor")
    if _is_price(general):
        prices[None] = Money(general, currency)
    listed = fields.get("prices", [])
    if not isinstance(listed, list):
        reading.mistake("prices", "value-malformed")
        return prices
    for place, price in enumerate(listed):
        at = f"prices[{place}]"
        if not isinstance(price, _Fields) or price.twice:
            reading.mistake(at, "value-malformed")
            continue
        for name in price.keys() - {"channel", "price_minor"}:
            reading.mistake(f"{at}.{name}", "field-unknown")
        channel, amount = price.get("channel"), price.get("price_minor")
        if not _is_channel(channel) or channel in prices:
            reading.mistake(f"{at}.channel", "value-malformed")
        elif not _is_price(amount):
            reading.mistake(f"{at}.price_minor", "value-malformed")
        else:
            prices[channel] = Money(amount, currency)
            if channel not in DOORS:
                reading.notice(f"{at}.channel", "door-unknown")
    return prices


def _read_own_mix(fields: _Fields, reading: _Reading) -> dict[str, Any] | None:
    """The steps, limits and rates of a mix, with the stacking fields that its mixes will have."""
    if "own_mix" not in fields:
        return None
    for name in _DECIDED_BY_MIX:
        if name in fields:
            reading.mistake(name, "combination-malformed")
    mix = fields["own_mix"]
    if not isinstance(mix, _Fields) or mix.twice:
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
    return {**mix, "currency": fields.get("currency"), "terms": stacking}


def _read_window(fields: _Fields, reading: _Reading) -> tuple[datetime | None, datetime | None]:
    starts, ends = (_moment(fields[name]) if name in fields else None for name in ("on_sale_from", "on_sale_until"))
    if starts is not None and ends is not None and ends <= starts:
        reading.mistake("on_sale_until", "combination-malformed")
    return starts, ends


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        return None


def _is_moment(value: object) -> bool:
    return _moment(value) is not None


def _is_code(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and CODE_PATTERN.fullmatch(value) is not None


def _is_text(value: object, length_max: int) -> bool:
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= length_max and is_one_line(value)


def _is_name(value: object) -> bool:
    # Names end up in spreadsheets. A leading plus is harmless there in "+1 GB"; = and @ start what is run.
    return _is_text(value, NAME_LENGTH_MAX) and not unicodedata.normalize("NFKC", str(value)).strip().startswith(
        ("=", "@")
    )


def _is_channel(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,31}", value) is not None


def _is_price(value: object) -> TypeGuard[int]:
    return _whole_up_to(1, AMOUNT_MINOR_MAX)(value)


def _is_currency(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value in list_currencies()


def _is_countries(value: object) -> bool:
    return _is_list(value, _is_country)


def _is_country(value: object) -> bool:
    # Babel's territories are those of ISO 3166 and, beside them, parts of the world, unions, tests and the unknown.
    return isinstance(value, str) and value in _countries()


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    territories = frozenset(str(code) for code in Locale("en").territories if len(str(code)) == 2)
    return territories - {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}


def _is_groups(value: object) -> bool:
    return _is_list(value, lambda group: _is_text(group, GROUP_LENGTH_MAX))


def _is_list(value: object, check: Callable[[object], bool]) -> bool:
    """A list of different things with at least one in it."""
    return isinstance(value, list) and bool(value) and all(map(check, value)) and len(set(value)) == len(value)


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


def _whole_up_to(least: int, most: int) -> Callable[[object], bool]:
    return lambda value: is_whole(value, least=least) and isinstance(value, int) and value <= most


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "code": _is_code,
    "price_minor": _is_price,
    "currency": _is_currency,
    "countries": _is_countries,
    "network": lambda value: _is_text(value, NETWORK_LENGTH_MAX),
    "tethering": lambda value: isinstance(value, bool),
    "card_groups": _is_groups,
    "on_sale_from": _is_moment,
    "on_sale_until": _is_moment,
    "voice_to": lambda value: value in VOICE_TO,
}
_MIX_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "bytes_step": _whole_up_to(1, BYTES_MAX),
    "bytes_max": _whole_up_to(1, BYTES_MAX),
    "days_max": _whole_up_to(1, DAYS_MAX),
    "price_per_gb_minor": _whole_up_to(0, AMOUNT_MINOR_MAX),
    "price_per_day_minor": _whole_up_to(0, AMOUNT_MINOR_MAX),
    "discounts": _is_discounts,
}
_KNOWN_FIELDS = {*_CHECKS, *STACKING_FIELDS, *SERVICE_FIELDS, "name", "prices", "own_mix"}
