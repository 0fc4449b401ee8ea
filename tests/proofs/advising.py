# SPDX-License-Identifier: Apache-2.0
"""Compares advice with trying everything out: `python -m tests.proofs.advising --cases 5000 --seed 1`.

No database is needed. Each case is a small catalogue of every kind, a card with up to four lots and a flight within
nine days. Every plan is tried at every moment that docs/contracts/advice.md names, up to three times in a row; price,
number, times and codes must be those of the answer. Case by case the seed counts up; what differs is printed with the
seed that makes it again.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from tsuzuku.allowances import rules
from tsuzuku.allowances.advice_search import LEAD, Ground, OnOffer, find_schedule
from tsuzuku.allowances.errors import CardExpired, RenewalRefused
from tsuzuku.allowances.lots import day_start, first_length, local_day
from tsuzuku.allowances.pace import Course, Pace, Point, live, point_at
from tsuzuku.catalog.terms import JOINING_STACKINGS, DayRule, LotKind, PlanTerms, Stacking, parse_terms

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 4, 1, 0, 5, tzinfo=UTC)
#: So much work that no small case is stopped.
WORK_MAX = 1_000_000
STACKINGS = ["separate", "separate", "sequel", "sequel", "queue", "extend", "extend_by", "reset", "value_only"]

#: How a schedule is compared: price, number, how long before the flight each purchase is, codes.
Rank = tuple[int, int, tuple[timedelta, ...], tuple[str, ...]]
_Bought = tuple[tuple[OnOffer, datetime], ...]


@click.command()
@click.option("--cases", default=5_000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the first case.")
def main(cases: int, seed: int) -> None:
    """Compares advice with trying everything out."""
    differing = unproven = 0
    for number in range(seed, seed + cases):
        start, ground = make_case(random.Random(number))
        everything = _Everything(ground)
        everything.tried_from(start)
        found = find_schedule(start, ground)
        mine = _rank([(each.offer, each.at) for each in found.bought], ground) if found.is_enough else None
        unproven += not found.is_proven
        if mine != everything.best:
            differing += 1
            click.echo(f"seed {number}: answered {mine}, best is {everything.best}")
    click.echo(f"{cases:,} cases from seed {seed}: {differing} differ, {unproven} not proven")
    if differing:
        sys.exit(1)


def make_case(rng: random.Random) -> tuple[Point, Ground]:
    """A card, what can be bought for it, and when the flight is."""
    codes = "ABCD"[: rng.randint(2, 4)]
    offers = tuple(OnOffer(_plan(rng, code, codes), rng.randint(1, 6) * 100) for code in codes)
    stack: rules.Stack = ()
    for hours in sorted((rng.choice([0, 5, 24, 30, 50]) for _ in range(rng.randint(0, 4))), reverse=True):
        try:
            terms = rng.choice(offers).terms
            stack = rules.renew(stack, terms, LotKind.DATA, NOW - timedelta(hours=hours), TOKYO).stack
        except RenewalRefused:
            continue
    ground = Ground(
        offers=offers,
        pace=Pace(rng.choice([0, 10, 20, 20, 30, 30]), NOW),
        flight=NOW + timedelta(days=rng.randint(2, 9), hours=rng.choice([0, 0, 5])),
        zone=TOKYO,
        renewable_until=rng.choice([None] * 7 + [NOW + timedelta(hours=30)]),
        renewals_max=rng.choice([2, 2, 3]),
        work_max=WORK_MAX,
    )
    return Point(rules.advance(stack, NOW, TOKYO), NOW, 0), ground


def _plan(rng: random.Random, code: str, codes: str) -> PlanTerms:
    stacking = rng.choice(STACKINGS)
    starts = {"queue": ["now", "now", "tap"], "sequel": ["now", "now", "tap"], "extend_by": ["now"]}
    fields: dict[str, Any] = {
        "data_bytes": rng.choice([None, 0, *[rng.randint(1, 10) * 10] * 6]),
        "days": rng.randint(1, 8),
        "stacking": stacking,
        "start": rng.choice(starts.get(stacking, ["now", "now", "now", "first_use", "tap"])),
    }
    optional: dict[str, tuple[float, Any]] = {
        "daily_bytes": (0.25, rng.randint(0, 3) * 10),
        "day_rule": (0.3, "calendar"),
        "joins": (0.7, rng.sample(codes, rng.randint(1, len(codes)))),
        "max_stack": (0.15, rng.randint(1, 5)),
        "grace_hours": (0.2, rng.choice([0, 1, 24])),
        "restore_hours": (0.15, rng.choice([12, 48])),
        "priority": (0.1, rng.randint(-1, 1)),
    }
    fields |= {name: value for name, (share, value) in optional.items() if rng.random() < share}
    if stacking == "extend_by":
        fields["extend_days"] = rng.randint(0, 3)
    terms, mistakes = parse_terms(code, fields)
    assert terms is not None, mistakes
    return terms


@dataclass
class _Everything:
    """Tries every plan at every moment of the contract, and drops nothing but what already costs more."""

    ground: Ground
    best: Rank | None = None

    def tried_from(self, point: Point, bought: _Bought = ()) -> None:
        ground = self.ground
        course = live(point, ground.pace, ground.flight, ground.zone)
        if course.offline_at is None:
            rank = _rank(bought, ground)
            self.best = rank if self.best is None else min(self.best, rank)
            return
        if len(bought) == ground.renewals_max:
            return
        price = sum(offer.price_minor for offer, _ in bought)
        for offer in ground.offers:
            if self.best is not None and price + offer.price_minor > self.best[0]:
                continue
            for at, after in self._renewed(course, course.offline_at, offer.terms):
                self.tried_from(after, (*bought, (offer, at)))

    def _renewed(self, course: Course, offline_at: datetime, terms: PlanTerms) -> Iterator[tuple[datetime, Point]]:
        first = course.points[0].at
        for moment in _moments(course, offline_at, terms, self.ground):
            for at in (moment, max(moment - LEAD, first)):
                before = point_at(course, at, self.ground.pace, self.ground.zone)
                try:
                    stack = rules.renew(before.stack, terms, LotKind.DATA, at, self.ground.zone).stack
                except CardExpired:
                    # The grace is over: it had to be bought an hour before.
                    continue
                except RenewalRefused:
                    break
                yield at, Point(stack, at, before.used)
                break


def _moments(course: Course, offline_at: datetime, terms: PlanTerms, ground: Ground) -> list[datetime]:
    first, last, zone = course.points[0].at, ground.renewable_until, ground.zone
    moments = {offline_at}
    changes = {turn.at for turn in course.turns}
    is_last_call = last is not None and last < offline_at
    if is_last_call or terms.stacking is Stacking.SEQUEL:
        moments |= {change - LEAD for change in changes}
    if terms.stacking in JOINING_STACKINGS:
        moments |= {turn.at - LEAD for turn in course.turns if turn.lot.terms.code in terms.joins}
    if terms.restore_hours:
        lots = [*course.points[0].stack, *(turn.lot for turn in course.turns)]
        for end in (lot.ends_at for lot in lots if lot.terms.code == terms.code):
            if end is not None:
                moments |= {end, end + timedelta(hours=terms.restore_hours) - LEAD}
    if first_length(terms).day_rule is DayRule.CALENDAR:
        latest = offline_at if last is None else min(offline_at, last)
        moments |= {day_start(local_day(latest, zone), zone), *changes}
    moments = {max(moment if last is None else min(moment, last), first) for moment in moments if moment <= offline_at}
    return sorted(moment for moment in moments if last is None or moment <= last)


def _rank(bought: Sequence[tuple[OnOffer, datetime]], ground: Ground) -> Rank:
    return (
        sum(offer.price_minor for offer, _ in bought),
        len(bought),
        tuple(ground.flight - at for _, at in bought),
        tuple(offer.terms.code for offer, _ in bought),
    )


if __name__ == "__main__":
    main()
