# SPDX-License-Identifier: Apache-2.0
"""Reads of receipts that have more than one caller."""

from dataclasses import dataclass
from datetime import date, datetime

from tsuzuku.journal.claims import due
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.orders import states as order_states
from tsuzuku.orders.models import Order
from tsuzuku.payments import states as payment_states
from tsuzuku.payments.models import CaptureOutcome
from tsuzuku.payments.queries import disputes_of, refunds_of
from tsuzuku.receipts.errors import ReceiptNotGenuine
from tsuzuku.receipts.models import Receipt, ReceiptKey
from tsuzuku.receipts.signing import SignedReceipt, check_receipt, token_in
from tsuzuku.renewals import states as renewal_states
from tsuzuku.renewals.models import Renewal

#: Receipts are in yen: another currency's invoice would have to state the tax in yen as well.
CURRENCY = "JPY"


def has_receipts_to_issue(now: datetime) -> bool:
    """Whether a receipt waits for its number."""
    return due(Receipt.objects.filter(sequence=None), now=now).exists()


def is_receipt_due(order: Order, renewal: Renewal) -> bool:
    """Whether an order gets a receipt: it is paid, and what it paid for was given."""
    is_sold = order.state == order_states.PAID and renewal.state == renewal_states.ACTIVE
    return is_sold and order.currency == CURRENCY


def receipt_of(order: Order) -> Receipt | None:
    """The issued receipt of an order, if there is one."""
    return Receipt.objects.filter(order=order, sequence__isnull=False).select_related("order").first()


@dataclass(frozen=True, slots=True)
class Returned:
    """How much of a sale's money has gone back or begun to, and on which day the last of it."""

    amount: Money
    day: date


def returned_of(order_number: str) -> Returned | None:
    """What went back of the money of a sale, by refunds or by its payer's bank; None if all of it is ours."""
    returns = [
        (refund.amount, refund.done_at or refund.requested_at)
        for refund in refunds_of(order_number)
        if refund.is_goodwill and refund.state not in payment_states.NOTHING_RETURNED_STATES
    ] + [
        (dispute.amount, dispute.ended_at or dispute.opened_at)
        for dispute in disputes_of(order_number)
        if dispute.state == payment_states.LOST and dispute.capture.outcome == CaptureOutcome.ACCEPTED
    ]
    if not returns:
        return None
    total = sum(amount.amount_minor for amount, _ in returns)
    return Returned(
        Money(total, returns[0][0].currency), max(formats.local(returned_at).date() for _, returned_at in returns)
    )


def public_keys() -> dict[str, str]:
    """The public keys of all receipts, by their ids, oldest first."""
    return dict(ReceiptKey.objects.order_by("pk").values_list("kid", "x"))


def find_genuine(text: str) -> tuple[SignedReceipt, Receipt]:
    """The receipt that a QR or a copied text stands for: signed by us, and in our books. Raises ReceiptNotGenuine.

    The books are asked too, so that somebody who has stolen a key cannot invent sales.
    """
    signed = check_receipt(text, keys=public_keys())
    year, _, sequence = signed.number.partition("-")
    found = Receipt.objects.filter(year=int(year), sequence=int(sequence)).select_related("order").first()
    if found is None or found.token != token_in(text):
        raise ReceiptNotGenuine
    return signed, found
