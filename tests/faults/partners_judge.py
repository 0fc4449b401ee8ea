# SPDX-License-Identifier: Apache-2.0
"""What partners were told against what is there. Pure: evidence in, complaints out; `partners` says what they mean."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.faults.judge import Complaint


class Told(StrEnum):
    """What a line of the log says of a key."""

    #: It is about to be asked for.
    BEGUN = "begun"
    #: A renewal, in a call of its own or in a batch.
    RENEWED = "renewed"
    #: A refusal; nothing was bought.
    REFUSED = "refused"
    #: The same key with another plan was refused, as it should be.
    OTHER_PLAN = "other-plan"


@dataclass
class Wish:
    """One key: what was asked for, and every answer that came to it."""

    actor: str
    key: str
    iccid: str
    plan: str
    #: Bodies of renewals, as they were answered.
    renewed: list[Mapping[str, Any]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """A renewal that exists, with the price of its order."""

    actor: str
    key: str
    iccid: str
    plan: str
    number: str
    amount_minor: int


@dataclass(frozen=True)
class AccountRow:
    """A partner's account: what its row says, what its postings say, what was paid in, and how far it may go."""

    actor: str
    balance_minor: int
    posted_minor: int
    paid_in_minor: int
    credit_limit_minor: int


@dataclass(frozen=True)
class PartnerEvidence:
    """All of it."""

    wishes: Sequence[Wish]
    rows: Sequence[Row]
    accounts: Sequence[AccountRow]


def read_wishes(log: Path) -> list[Wish]:
    """Every key of the clients' log."""
    wishes: dict[tuple[str, str], Wish] = {}
    with log.open(encoding="utf-8") as file:
        for line in map(json.loads, file):
            name = line["actor"], line["key"]
            match Told(line["told"]):
                case Told.BEGUN:
                    wishes[name] = Wish(line["actor"], line["key"], line["iccid"], line["plan"])
                case Told.RENEWED:
                    wishes[name].renewed.append(line["body"])
                case Told.REFUSED:
                    wishes[name].refusals.append(line["code"])
                case Told.OTHER_PLAN:
                    pass
    return list(wishes.values())


def judge_partners(evidence: PartnerEvidence) -> list[Complaint]:
    """Every complaint."""
    return [*_keys(evidence), *_numbers(evidence.wishes), *_strangers(evidence), *_accounts(evidence)]


def _lost(subject: str, why: str) -> Complaint:
    return Complaint("lost", subject, why)


def _doubled(subject: str, why: str) -> Complaint:
    return Complaint("doubled", subject, why)


def _keys(evidence: PartnerEvidence) -> Iterator[Complaint]:
    """Each key that was answered has the one renewal that the answers name, each that was refused has none."""
    rows: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in evidence.rows:
        rows[row.actor, row.key].append(row)
    for wish in evidence.wishes:
        found = rows[wish.actor, wish.key]
        subject = f"key {wish.key}"
        if len(found) > 1:
            yield _doubled(subject, f"made {len(found)} renewals: {sorted(row.number for row in found)}")
        if wish.renewed:
            yield from _renewed(wish, found)
        elif wish.refusals and found:
            yield _doubled(subject, f"was refused ({wish.refusals[0]}) and renewed as {found[0].number}")
        elif not wish.refusals:
            yield _lost(subject, "was never answered")


def _renewed(wish: Wish, found: Sequence[Row]) -> Iterator[Complaint]:
    subject, first = f"key {wish.key}", wish.renewed[0]
    for other in wish.renewed[1:]:
        if other != first:
            yield _doubled(subject, f"was answered {first} and {other}")
    if wish.refusals:
        yield _lost(subject, f"was renewed and also refused ({wish.refusals[0]})")
    told = (first["number"], first["iccid"], first["plan"], first["price"]["amount_minor"])
    if told[1:3] != (wish.iccid, wish.plan):
        yield _lost(subject, f"asked for {wish.plan} on {wish.iccid} and was answered {told}")
    if not found:
        yield _lost(subject, f"was answered {first['number']}, and it does not exist")
    elif told != (found[0].number, found[0].iccid, found[0].plan, found[0].amount_minor):
        yield _lost(subject, f"was answered {told}, and {found[0]} exists")


def _numbers(wishes: Iterable[Wish]) -> Iterator[Complaint]:
    """No number was given to two keys."""
    given = Counter(number for wish in wishes for number in {body["number"] for body in wish.renewed})
    for number, times in given.items():
        if times > 1:
            yield _doubled(f"renewal {number}", f"was the answer to {times} keys")


def _strangers(evidence: PartnerEvidence) -> Iterator[Complaint]:
    """No renewal exists that nobody asked for."""
    asked = {(wish.actor, wish.key) for wish in evidence.wishes}
    for row in evidence.rows:
        if (row.actor, row.key) not in asked:
            yield _doubled(f"renewal {row.number}", f"was made for {row.key}, which no client asked for")


def _accounts(evidence: PartnerEvidence) -> Iterator[Complaint]:
    """Each account holds what was paid in less what its renewals cost, by its row, its postings and its clients."""
    spent: Counter[str] = Counter()
    for row in evidence.rows:
        spent[row.actor] += row.amount_minor
    told: Counter[str] = Counter()
    for wish in evidence.wishes:
        told[wish.actor] += wish.renewed[0]["price"]["amount_minor"] if wish.renewed else 0
    for account in evidence.accounts:
        subject, expected = f"account {account.actor}", account.paid_in_minor - spent[account.actor]
        if account.balance_minor != expected:
            yield _lost(subject, f"holds {account.balance_minor}, paid in less renewals is {expected}")
        if account.posted_minor != account.balance_minor:
            yield _lost(subject, f"holds {account.balance_minor}, its postings sum to {account.posted_minor}")
        if told[account.actor] != spent[account.actor]:
            yield _lost(subject, f"paid {spent[account.actor]}, its clients were told of {told[account.actor]}")
        if account.balance_minor < -account.credit_limit_minor:
            yield _lost(subject, f"is {account.balance_minor}, past its limit of {account.credit_limit_minor}")
