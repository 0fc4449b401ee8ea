# SPDX-License-Identifier: Apache-2.0
"""Reads of receipts that have more than one caller."""

from collections.abc import Sequence
from datetime import date, datetime

from tsuzuku.journal.claims import due
from tsuzuku.look import formats
from tsuzuku.orders import states as order_states
from tsuzuku.orders.models import Order
from tsuzuku.payments import states as payment_states
from tsuzuku.payments.models import CaptureOutcome, Refund
from tsuzuku.payments.queries import refunds_of
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


def returned_on(order_number: str) -> date | None:
    """The day on which the money of a sale went back or began to; None if it is ours."""
    return _day_of_return(refunds_of(order_number))


def _day_of_return(refunds: Sequence[Refund]) -> date | None:
    for refund in refunds:
        if refund.capture.outcome == CaptureOutcome.ACCEPTED and refund.state != payment_states.FAILED:
            return formats.local(refund.done_at or refund.requested_at).date()
    return None


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
