# SPDX-License-Identifier: Apache-2.0
"""Refunds as they stand in a payment's metadata: wanted by us, made by a person, told by KOMOJU.

KOMOJU's own records of a refund know no key of ours. They are matched to what is wanted by a key in their description,
else by the amount, the oldest first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: In the metadata of a payment: a list of what is to go back, as text.
WANTED = "tsuzuku_refunds"
#: KOMOJU's word for a refund by bank transfer that could not be made.
_REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A refund that we want: our key, and the amount in the payment's currency."""

    key: str
    amount_minor: int


def wanted_of(payment: Mapping[str, Any]) -> list[Wanted]:
    """What is to go back of a payment, oldest first. Raises ValueError and the like for what is no list of ours."""
    text = (payment.get("metadata") or {}).get(WANTED)
    return [] if text is None else [Wanted(str(each["key"]), int(each["amount"])) for each in json.loads(text)]


def with_wanted(payment: Mapping[str, Any], refund: Wanted) -> dict[str, Any]:
    """The metadata of a payment with one refund more."""
    listed = [{"key": each.key, "amount": each.amount_minor} for each in [*wanted_of(payment), refund]]
    return {**(payment.get("metadata") or {}), WANTED: json.dumps(listed)}


@dataclass(frozen=True, slots=True)
class Told:
    """A refund that KOMOJU tells of: its record, our key if it is one that we want, and whether it was made."""

    record: Mapping[str, Any]
    key: str | None
    is_made: bool


def told_of(payment: Mapping[str, Any]) -> list[Told]:
    """What became of refunds of a payment, oldest first. Raises ValueError and the like."""
    rejected = [each for each in payment.get("refund_requests") or [] if each.get("status") == _REJECTED]
    # Of two in one second the one in vain was first: the other made up for it.
    records = [(each, False) for each in rejected] + [(each, True) for each in payment.get("refunds") or []]
    open_ones = wanted_of(payment)
    found = []
    for record, is_made in sorted(records, key=lambda each: str(each[0]["created_at"])):
        refund = _match(record, open_ones)
        if refund is not None:
            open_ones.remove(refund)
        found.append(Told(record, None if refund is None else refund.key, is_made))
    return found


def left_of(payment: Mapping[str, Any]) -> int:
    """What of a payment may still be wanted back. Raises ValueError and the like."""
    failed = {each.key for each in told_of(payment) if not each.is_made}
    wanted = [each for each in wanted_of(payment) if each.key not in failed]
    by_hand = sum(each.record["amount"] for each in told_of(payment) if each.is_made and each.key is None)
    return int(payment["amount"]) - sum(each.amount_minor for each in wanted) - int(by_hand)


def _match(record: Mapping[str, Any], open_ones: list[Wanted]) -> Wanted | None:
    description = str(record.get("description") or "")
    named = next((each for each in open_ones if each.key in description), None)
    return named or next((each for each in open_ones if each.amount_minor == record["amount"]), None)
