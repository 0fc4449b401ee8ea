# SPDX-License-Identifier: Apache-2.0
"""Who lost what, and what happened twice. Pure: evidence in, complaints out; `__main__` says what the words mean."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults.evidence import Capture, Errand, Evidence, Saw


@dataclass(frozen=True)
class Complaint:
    """One thing that must not be. `kind` is lost or doubled."""

    kind: str
    subject: str
    why: str


def judge(evidence: Evidence) -> list[Complaint]:
    """Every complaint, the clients' first."""
    return [*_orders(evidence), *_activations(evidence), *_money(evidence), *_books(evidence)]


def _lost(subject: str, why: str) -> Complaint:
    return Complaint("lost", subject, why)


def _doubled(subject: str, why: str) -> Complaint:
    return Complaint("doubled", subject, why)


def _orders(evidence: Evidence) -> Iterator[Complaint]:
    """Each answered order exists, one for each confirmation, and each errand came to its end."""
    known = {row.order: row for row in evidence.rows}
    for errand in evidence.errands:
        for number in sorted(errand.orders - set(known)):
            yield _lost(f"order {number}", "a client has its number, and it does not exist")
        if len(errand.orders) > 1:
            yield _doubled(f"errand {errand.name}", f"one confirmation made the orders {sorted(errand.orders)}")
        if not errand.has_ended:
            yield _lost(
                f"errand {errand.name}", f"never ended; orders {sorted(errand.orders)}, saw {sorted(errand.saw)}"
            )
        states = {known[number].state for number in errand.orders & set(known)}
        if Saw.ACTIVE in errand.saw and states and "active" not in states:
            yield _lost(f"errand {errand.name}", f"was shown as active and is {sorted(states)}")


def _activations(evidence: Evidence) -> Iterator[Complaint]:
    """What was shown as active was credited once, and nothing else was credited. One complaint for each mishap."""
    times = Counter(credit.reference for credit in evidence.credits)
    for reference in sorted(reference for reference in times if times[reference] > 1):
        yield _doubled(f"reference {reference}", f"is {times[reference]} times in the carrier's history")
    yield from _cards_and_plans(evidence)
    answered = {number for errand in evidence.errands if Saw.ACTIVE in errand.saw for number in errand.orders}
    for row in evidence.rows:
        if row.state == "active" and row.reference not in times and row.order not in answered:
            yield _lost(f"order {row.order}", "is active here, and not in the carrier's history")


def _cards_and_plans(evidence: Evidence) -> Iterator[Complaint]:
    """A card takes each plan once in a run, so both name a renewal in the carrier's file without our database."""
    references: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for credit in evidence.credits:
        references[credit.card, credit.plan].add(credit.reference)
    shown = {(errand.card, errand.plan) for errand in evidence.errands if Saw.ACTIVE in errand.saw}
    active = {row.reference for row in evidence.rows if row.state == "active"}
    for card, plan in sorted(references.keys() | shown):
        found = references[card, plan]
        if (card, plan) not in shown:
            yield _doubled(f"{plan} for card {card}", "was credited, and no client was shown it as active")
        elif not found:
            yield _lost(f"{plan} for card {card}", "was shown as active, and is not in the carrier's history")
        elif len(found) > 1:
            yield _doubled(f"{plan} for card {card}", f"was credited under {len(found)} references")
        elif not found <= active:
            yield _doubled(f"{plan} for card {card}", "was credited under a reference of none of our active renewals")


def _money(evidence: Evidence) -> Iterator[Complaint]:
    """All money that was taken has paid for one active renewal, or went back once, or waits for a person."""
    captures: defaultdict[str, list[Capture]] = defaultdict(list)
    for capture in evidence.captures:
        captures[capture.order].append(capture)
        if capture.refunds > 1:
            yield _doubled(f"capture {capture.id}", f"of order {capture.order} went back {capture.refunds} times")
    errands = {number: errand for errand in evidence.errands for number in errand.orders}
    taken_of = {capture.payment for capture in evidence.captures}
    for errand in evidence.errands:
        for payment in sorted(errand.paid - taken_of):
            yield _lost(
                f"payment {payment}", f"of errand {errand.name} was taken by the provider's word, not by its file"
            )
    for number in sorted(captures.keys() | errands.keys()):
        yield from _order_money(number, errands.get(number), captures[number], evidence)


def _books(evidence: Evidence) -> Iterator[Complaint]:
    """What each provider holds by its own books is what our ledger says that it holds, to the yen."""
    for provider in sorted(evidence.books.keys() | evidence.ledger.keys()):
        theirs, ours = evidence.books.get(provider, 0), evidence.ledger.get(provider, 0)
        if theirs > ours:
            yield _lost(f"provider {provider}", f"holds {theirs} by its books, and {ours} by our ledger")
        elif theirs < ours:
            yield _doubled(f"provider {provider}", f"holds {theirs} by its books, and {ours} by our ledger")


def _order_money(
    number: str, errand: Errand | None, captures: Sequence[Capture], evidence: Evidence
) -> Iterator[Complaint]:
    held = evidence.held_captures if errand is not None and Saw.HELD in errand.saw else frozenset()
    kept = [capture for capture in captures if capture.refunds == 0 and capture.id not in held]
    if errand is None:
        if kept:
            yield _lost(f"order {number}", f"took {_sum(kept)} from somebody who was never told its number")
    elif Saw.ACTIVE in errand.saw:
        price = next((row.amount_minor for row in evidence.rows if row.order == number), None)
        if not kept and len(errand.orders) == 1:
            yield _doubled(f"order {number}", "is active, and nobody has paid for it in the end")
        elif len(kept) > 1:
            yield _doubled(f"order {number}", f"was paid {len(kept)} times, in all {_sum(kept)}, and none went back")
        elif kept and kept[0].amount_minor != price:
            yield _lost(f"order {number}", f"cost {price} and took {kept[0].amount_minor}")
    elif kept:
        yield _lost(f"order {number}", f"took {_sum(kept)} and gave neither a renewal nor a refund")


def _sum(captures: Sequence[Capture]) -> int:
    return sum(capture.amount_minor for capture in captures)
