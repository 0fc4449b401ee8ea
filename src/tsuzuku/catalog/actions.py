# SPDX-License-Identifier: Apache-2.0
"""Verbs: take a plan file into the catalogue, keep the terms of a mix, withdraw a plan, offer it again."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tsuzuku.catalog.errors import PlanFileRefused, PlanUnknown
from tsuzuku.catalog.file_reading import Notice
from tsuzuku.catalog.models import Plan, PlanTermsRow, Price
from tsuzuku.catalog.plan_file import ParsedPlan, ParsedPlans
from tsuzuku.catalog.terms import PlanTerms
from tsuzuku.kernel.fingerprint import fingerprint


@dataclass
class PlansImport:
    """What an import did; every plan of the file is new, changed or unchanged."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    #: Price rows begun: for new plans, and where a price differs from the one before.
    new_prices: int = 0
    notices: list[Notice] = field(default_factory=list)

    @property
    def plans(self) -> int:
        """How many plans the file has."""
        return self.new + self.changed + self.unchanged


def import_plans(*, parsed: ParsedPlans, now: datetime) -> PlansImport:
    """Brings the catalogue to what the file says, in one transaction; importing the same again changes nothing.

    Terms that differ become a new version, prices that differ begin a new row and close the one before: what was sold
    keeps both. Plans that the file does not name stay as they are; withdrawn ones stay withdrawn.
    Raises PlanFileRefused if the file has mistakes.
    """
    if parsed.mistakes:
        raise PlanFileRefused(mistakes=len(parsed.mistakes))
    result = PlansImport(notices=list(parsed.notices))
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Two imports take turns; readers go on reading.
            cursor.execute("LOCK TABLE catalog_plan IN SHARE ROW EXCLUSIVE MODE")
        known = {
            plan.code: plan
            for plan in Plan.objects.filter(code__in=[each.code for each in parsed.plans]).select_related("terms_now")
        }
        open_prices: dict[int, dict[str | None, Price]] = defaultdict(dict)
        for price in Price.objects.filter(plan__in=known.values(), valid_until=None):
            open_prices[price.plan_id][price.channel] = price
        for each in parsed.plans:
            plan = known.get(each.code)
            if plan is None:
                _add_plan(each, result, now)
            else:
                _change_plan(plan, each, open_prices[plan.pk], result, now)
    return result


def _add_plan(parsed: ParsedPlan, result: PlansImport, now: datetime) -> None:
    plan = Plan.objects.create(code=parsed.code, **_words(parsed))
    plan.terms_now = _terms_row(plan, parsed, now)
    plan.save(update_fields=["terms_now"])
    result.new += 1
    result.new_prices += _change_prices(plan, parsed, {}, now)


def _change_plan(
    plan: Plan, parsed: ParsedPlan, open_prices: Mapping[str | None, Price], result: PlansImport, now: datetime
) -> None:
    wanted = {**_words(parsed), "terms_now": _terms_row(plan, parsed, now)}
    differing = [name for name, value in wanted.items() if getattr(plan, name) != value]
    for name in differing:
        setattr(plan, name, wanted[name])
    if differing:
        plan.save(update_fields=differing)
    prices_differ = {door: price.money for door, price in open_prices.items()} != parsed.prices
    if prices_differ:
        result.new_prices += _change_prices(plan, parsed, open_prices, now)
    if differing or prices_differ:
        result.changed += 1
    else:
        result.unchanged += 1
    if plan.withdrawn_at is not None:
        result.notices.append(Notice(plan.code, "code", "plan-withdrawn"))


def _words(parsed: ParsedPlan) -> dict[str, Any]:
    """What of a plan is not terms and not price."""
    return {
        "name": dict(parsed.name),
        "card_groups": list(parsed.card_groups),
        "countries": list(parsed.countries),
        "network": parsed.network,
        "tethering": parsed.tethering,
        "on_sale_from": parsed.on_sale_from,
        "on_sale_until": parsed.on_sale_until,
        "own_mix": parsed.own_mix,
    }


def _terms_row(plan: Plan, parsed: ParsedPlan, now: datetime) -> PlanTermsRow | None:
    """The version of a plan's terms that the file says: one there has been before, or a new one."""
    if parsed.terms is None:
        return None
    terms = parsed.terms.to_json()
    row, _created = PlanTermsRow.objects.get_or_create(
        plan=plan,
        digest=fingerprint(terms=terms, voice_to=parsed.voice_to),
        defaults={"terms": terms, "voice_to": parsed.voice_to, "created_at": now},
    )
    return row


def terms_of_mix(*, plan: Plan, terms: PlanTerms, now: datetime) -> int:
    """The version of terms that a mix is sold with, which stays when the plan's rule changes; the same for the same."""
    body = terms.to_json()
    row, _created = PlanTermsRow.objects.get_or_create(
        plan=plan,
        # A plan may have been sold with these very terms before people mixed it: those are no mix.
        digest=fingerprint(terms=body, mix=True),
        defaults={"terms": body, "is_mix": True, "created_at": now},
    )
    return row.pk


def _change_prices(plan: Plan, parsed: ParsedPlan, open_prices: Mapping[str | None, Price], now: datetime) -> int:
    """Closes the prices that the file no longer says, and begins those that it says anew; returns how many it began."""
    over = [price.pk for door, price in open_prices.items() if parsed.prices.get(door) != price.money]
    Price.objects.filter(pk__in=over).update(valid_until=now)
    begun = [
        Price(plan=plan, channel=door, amount_minor=money.amount_minor, currency=money.currency, valid_from=now)
        for door, money in parsed.prices.items()
        if door not in open_prices or open_prices[door].money != money
    ]
    return len(Price.objects.bulk_create(begun))


def withdraw_plan(*, code: str, now: datetime) -> None:
    """Takes a plan off sale; what was sold of it stays. Twice keeps the first moment. Raises PlanUnknown."""
    if not Plan.objects.filter(code=code).exists():
        raise PlanUnknown(plan=code)
    Plan.objects.filter(code=code, withdrawn_at=None).update(withdrawn_at=now)


def offer_plan_again(*, code: str) -> None:
    """Takes back a withdrawal. Raises PlanUnknown."""
    if not Plan.objects.filter(code=code).update(withdrawn_at=None):
        raise PlanUnknown(plan=code)
