# SPDX-License-Identifier: Apache-2.0
"""Cards, plans and partners for tests and demos, made through the same actions that make them in earnest."""

import itertools
import json
from typing import Any

from tsuzuku.cards.actions import add_card
from tsuzuku.cards.models import Card, CardKind
from tsuzuku.catalog.actions import import_plans
from tsuzuku.catalog.models import Plan, Promotion
from tsuzuku.catalog.plan_file import parse_plans
from tsuzuku.catalog.promotion_import import import_promotions
from tsuzuku.catalog.terms import LotKind
from tsuzuku.kernel import clock
from tsuzuku.kernel.iccid import Iccid
from tsuzuku.kernel.luhn import luhn_digit
from tsuzuku.kernel.money import Money
from tsuzuku.people.models import User
from tsuzuku.sellers.actions import create_partner
from tsuzuku.sellers.models import Partner
from tsuzuku.usage.actions import take_readings
from tsuzuku.usage.reading_lines import Reading

#: 898110 is a Japanese issuer's prefix (ITU-T E.118); the numbers after it are made up.
_numbers = itertools.count(1)


def new_iccid() -> Iccid:
    """A valid ICCID that no other call has given."""
    body = f"898110{next(_numbers):012d}"
    return Iccid(body + luhn_digit(body))


def make_card(*, pin: str = "1234", **fields: Any) -> Card:  # noqa: ANN401  # any field of add_card
    """A SIM card that opens with its PIN, of the carrier whose place the house gives to its fake."""
    usual = {"iccid": new_iccid(), "kind": CardKind.SIM, "carrier": "sandbox", "pin": pin, "now": clock.now()}
    return add_card(**{**usual, **fields})


def make_plan(code: str = "GB-1-3D", **fields: Any) -> Plan:  # noqa: ANN401  # any field of docs/contracts/plans.md
    """A plan on sale: 1 GB for 3 days from now on, ¥300, unless told otherwise."""
    plan = {
        "code": code,
        "name": {"en": f"Plan {code}", "zh-Hans": f"套餐 {code}"},
        "data_bytes": 1_000_000_000,
        "days": 3,
        "stacking": "separate",
        "price_minor": 300,
        "currency": "JPY",
        "tethering": True,
        **fields,
    }
    known_codes = set(Plan.objects.values_list("code", flat=True))
    import_plans(parsed=parse_plans(json.dumps({"plans": [plan]}).encode(), known_codes=known_codes), now=clock.now())
    return Plan.objects.get(code=code)


def make_mix_plan(code: str = "OWN-MIX", **fields: Any) -> Plan:  # noqa: ANN401  # any field of its rule
    """A plan that people mix themselves: 1 to 50 GB for 1 to 90 days, cheaper by a tenth from 10 GB on."""
    rule = {
        "bytes_step": 1_000_000_000,
        "bytes_max": 50_000_000_000,
        "days_max": 90,
        "price_per_gb_minor": 120,
        "price_per_day_minor": 40,
        "discounts": [{"from_bytes": 10_000_000_000, "percent": 10}],
        **fields,
    }
    plan = {"code": code, "name": {"en": "Your own", "zh-Hans": "自选"}, "own_mix": rule, "currency": "JPY"}
    import_plans(parsed=parse_plans(json.dumps({"plans": [plan]}).encode(), known_codes=()), now=clock.now())
    return Plan.objects.get(code=code)


def make_promotion(code: str = "SALE", **fields: Any) -> Promotion:  # noqa: ANN401  # any field of docs/contracts/promotions.md
    """A promotion that takes ¥50 off everything, by itself, unless told otherwise."""
    promotion = {
        "code": code,
        "name": {"en": f"Promotion {code}", "zh-Hans": f"优惠 {code}"},
        "takes_off": {"amount_minor": 50},
        "currency": "JPY",
        **fields,
    }
    import_promotions(text=json.dumps({"promotions": [promotion]}).encode())
    return Promotion.objects.get(code=code)


def make_partner(name: str = "Kaze Mobile", **fields: Any) -> Partner:  # noqa: ANN401  # any field of create_partner
    """A partner with ¥10,000 to spend who may renew every card, unless told otherwise."""
    usual = {
        "email": "ops@kaze.example",
        "language": "en",
        "all_cards": not fields.get("card_groups"),
        "card_groups": [],
        "balance": Money(10_000, "JPY"),
        "credit_limit_minor": 0,
        "low_balance_minor": None,
        "actor": "operator",
        "now": clock.now(),
    }
    return create_partner(**{"name": name, **usual, **fields})


def make_customer(email: str = "mei@example.com", *, language: str = "en") -> User:
    """Somebody who can log in."""
    return User.objects.create_user(email, "a password nobody guesses", language=language)


def use_data(card: Card, amount: int) -> None:
    """Has a card use so many bytes now, as its carrier would tell it."""
    now = clock.now()
    reading = Reading(Iccid(card.iccid), f"r{next(_numbers)}", LotKind.DATA, amount, now)
    take_readings(readings=[reading], actor="operator", card_groups=None, now=now)
