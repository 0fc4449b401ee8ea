# SPDX-License-Identifier: Apache-2.0
"""Plans that people mix themselves: so much data for so many days, priced by the operator's rule. Pure.

The rule is what a plan file says under `own_mix` (docs/contracts/plans.md), with the stacking terms of its mixes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tsuzuku.catalog.terms import PlanTerms, parse_terms
from tsuzuku.kernel.money import Money

_GIGABYTE = 10**9


@dataclass(frozen=True, slots=True)
class Mix:
    """What somebody has chosen."""

    data_bytes: int
    days: int


@dataclass(frozen=True, slots=True)
class Discount:
    """From so much data on, so many per cent off the whole price of a mix."""

    from_bytes: int
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRule:
    """Which mixes there are and what each costs, tax included."""

    bytes_step: int
    bytes_max: int
    days_max: int
    price_per_gb_minor: int
    price_per_day_minor: int
    #: By rising `from_bytes`.
    discounts: tuple[Discount, ...]
    currency: str
    #: The stacking fields that its mixes share.
    stacking: Mapping[str, Any]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "MixRule":
        """The rule as `Plan.own_mix` keeps it."""
        return cls(
            bytes_step=body["bytes_step"],
            bytes_max=body["bytes_max"],
            days_max=body["days_max"],
            price_per_gb_minor=body["price_per_gb_minor"],
            price_per_day_minor=body["price_per_day_minor"],
            discounts=tuple(Discount(**each) for each in body.get("discounts", ())),
            currency=body["currency"],
            stacking=body["terms"],
        )

    @property
    def least(self) -> Mix:
        """The smallest mix there is."""
        return Mix(self.bytes_step, 1)

    @property
    def bytes_most(self) -> int:
        """The most data that whole steps make."""
        return self.bytes_max - self.bytes_max % self.bytes_step

    def offers(self, mix: Mix) -> bool:
        """Whether a mix is made of whole steps within the limits."""
        fits = self.bytes_step <= mix.data_bytes <= self.bytes_max and 1 <= mix.days <= self.days_max
        return fits and mix.data_bytes % self.bytes_step == 0

    def percent_off(self, mix: Mix) -> int:
        """What is taken off the price of a mix of so much data."""
        return next((each.percent for each in reversed(self.discounts) if each.from_bytes <= mix.data_bytes), 0)

    def price(self, mix: Mix) -> Money:
        """What a mix costs: data and days by their rates, less its discount; fractions are in the payer's favour."""
        data = self.price_per_gb_minor * mix.data_bytes
        days = self.price_per_day_minor * mix.days * _GIGABYTE
        return Money((data + days) * (100 - self.percent_off(mix)) // (100 * _GIGABYTE), self.currency)

    def more_for_less(self, mix: Mix) -> Mix | None:
        """The mix of the same days that a discount makes cheaper than this one although it has more data, if any."""
        steps = [-(-each.from_bytes // self.bytes_step) * self.bytes_step for each in self.discounts]
        larger = [Mix(step, mix.days) for step in steps if mix.data_bytes < step <= self.bytes_max]
        best = min(larger, key=lambda each: (self.price(each).amount_minor, -each.data_bytes), default=None)
        if best is None or self.price(best).amount_minor > self.price(mix).amount_minor:
            return None
        return best

    def terms(self, code: str, mix: Mix) -> PlanTerms:
        """What a renewal with a mix gives. Raises ValueError if the rule's own stacking fields are malformed."""
        fields = {**self.stacking, "data_bytes": mix.data_bytes, "days": mix.days}
        terms, mistakes = parse_terms(code, fields)
        if terms is None:
            raise ValueError(f"the rule of {code} has malformed terms: {mistakes}")
        return terms


def mix_of_line(line: Mapping[str, Any]) -> Mix | None:
    """What was chosen, by the line of an order; None for a plan that the brand has fixed."""
    return Mix(line["data_bytes"], line["days"]) if "data_bytes" in line else None
