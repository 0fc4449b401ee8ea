# SPDX-License-Identifier: Apache-2.0
"""The verbs of a receipt until it has its number; handing_out.py goes on from there."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from tsuzuku.journal.chores import wake
from tsuzuku.journal.claims import due, try_again_at
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.orders.models import Order
from tsuzuku.payments.queries import let_off_minor
from tsuzuku.receipts.content import receipt_content
from tsuzuku.receipts.models import Receipt, ReceiptKey, ReceiptSequence
from tsuzuku.receipts.queries import CURRENCY, is_receipt_due
from tsuzuku.receipts.signing import SignedReceipt, key_id, public_x, sign
from tsuzuku.renewals import states as renewal_states
from tsuzuku.renewals.models import Renewal

ISSUE_RECEIPTS = "issue receipts"
#: Receipts that are numbered in one transaction.
_PORTION = 200


def request_receipts(*, order_ids: Sequence[int], now: datetime) -> None:
    """Has receipts written for renewals in yen as soon as the cards hold them; asking again changes nothing."""
    renewals = Order.objects.filter(pk__in=order_ids, currency=CURRENCY, renewal__isnull=False)
    orders = renewals.order_by("pk").values_list("pk", flat=True)
    Receipt.objects.bulk_create(
        [Receipt(order_id=order_id, requested_at=now, next_attempt_at=now) for order_id in orders],
        ignore_conflicts=True,
    )
    wake(ISSUE_RECEIPTS)


def hasten_receipt(order: Order, *, now: datetime) -> None:
    """Somebody looks for the receipt of a sale: has it numbered next, and asks for it where nobody has yet."""
    with transaction.atomic():
        request_receipts(order_ids=[order.pk], now=now)
        Receipt.objects.filter(order=order, next_attempt_at__gt=now).update(next_attempt_at=now)


def issue_receipts() -> int:
    """Numbers what is due, a portion at a time; returns how many were looked at.

    Several workers may run it at once, and be killed at any moment: numbers are taken under the lock of their year and
    committed with their receipts, so none is lost and none is given twice.
    """
    looked_at = 0
    while portion := _issue_portion(now=clock.now()):
        looked_at += portion
    return looked_at


def _issue_portion(*, now: datetime) -> int:
    with transaction.atomic():
        waiting = due(Receipt.objects.filter(sequence=None), now=now).select_related("order").order_by("pk")
        receipts = list(waiting.select_for_update(of=("self",), skip_locked=True)[:_PORTION])
        found = Renewal.objects.filter(order__in=[receipt.order_id for receipt in receipts]).select_related("plan")
        renewals = {renewal.order_id: renewal for renewal in found}
        sold = [each for each in receipts if is_receipt_due(each.order, renewals[each.order_id])]
        _number([(receipt, renewals[receipt.order_id]) for receipt in sold], now=now)
        for receipt in receipts:
            if receipt.sequence is None:
                _go_on_waiting(receipt, renewals[receipt.order_id], now=now)
        return len(receipts)


def _number(sold: Sequence[tuple[Receipt, Renewal]], *, now: datetime) -> None:
    """Gives receipts the next numbers of the year, in their order, in the caller's transaction."""
    if not sold:
        return
    year = formats.local(now).year
    ReceiptSequence.objects.bulk_create([ReceiptSequence(year=year)], ignore_conflicts=True)
    taken = ReceiptSequence.objects.select_for_update().get(year=year)
    for receipt, renewal in sold:
        taken.last += 1
        receipt.year, receipt.sequence, receipt.issued_at, receipt.next_attempt_at = year, taken.last, now, None
        _write(receipt, renewal)
    taken.save(update_fields=["last"])
    fields = ["year", "sequence", "issued_at", "next_attempt_at", "content", "token"]
    Receipt.objects.bulk_update([receipt for receipt, _ in sold], fields)
    x = public_x(settings.RECEIPT_SECRET)
    ReceiptKey.objects.bulk_create([ReceiptKey(kid=key_id(x), x=x, first_used_at=now)], ignore_conflicts=True)


def _write(receipt: Receipt, renewal: Renewal) -> None:
    """Fixes what a numbered receipt says, and signs it."""
    sold_on = formats.local(renewal.credited_at or renewal.created_at).date()
    let_off = let_off_minor(receipt.order.number)
    content = receipt_content(receipt.order, renewal.plan, sold_on=sold_on, let_off_minor=let_off)
    signed = SignedReceipt(
        issuer_url=content.issuer.url,
        issuer_name=content.issuer.name,
        tax_number=content.issuer.tax_number,
        number=receipt.number,
        sold_on=sold_on,
        amount=content.total,
        tax=content.tax,
    )
    receipt.content, receipt.token = content.to_json(), sign(signed, secret=settings.RECEIPT_SECRET)


def _go_on_waiting(receipt: Receipt, renewal: Renewal, *, now: datetime) -> None:
    """Looks again later; a receipt for what was never given will not be."""
    if renewal.state == renewal_states.WITHDRAWN:
        receipt.delete()
        return
    receipt.attempts += 1
    receipt.next_attempt_at = try_again_at(receipt, now=now)
    receipt.save(update_fields=["attempts", "next_attempt_at"])
