# SPDX-License-Identifier: Apache-2.0
"""What orders listen to and do in the background."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.orders.actions import accept_captures, expire_orders, keep_orders
from tsuzuku.orders.keeping import Slip
from tsuzuku.orders.queries import has_overdue_orders
from tsuzuku.orders.slip_mail import mail_slips
from tsuzuku.payments.events import PaymentCaptured, PaymentInstructed
from tsuzuku.payments.models import Payment


def hear_captures(heard: Sequence[Heard[PaymentCaptured]]) -> None:
    """Money has come in: see what it pays."""
    accept_captures(capture_ids=[each.event.capture_id for each in heard], now=clock.now())


def hear_instructed(heard: Sequence[Heard[PaymentInstructed]]) -> None:
    """Payers have days to pay at a store: their orders wait as long, unless they ask for new numbers for ever."""
    payments = Payment.objects.in_bulk([each.event.payment_id for each in heard])
    slips: dict[str, list[Slip]] = defaultdict(list)
    for each in heard:
        asked_at, until = payments[each.event.payment_id].created_at, datetime.fromisoformat(each.event.until)
        slips[each.event.purpose].append(Slip(asked_at=asked_at, until=until))
    keep_orders(slips=slips)


def hear_instructed_by_mail(heard: Sequence[Heard[PaymentInstructed]]) -> None:
    """Payers have numbers to pay with at a store: they are mailed, too."""
    mail_slips(payment_ids=[each.event.payment_id for each in heard], now=clock.now())


listen(name="orders mail slips", event_type=PaymentInstructed, hear=hear_instructed_by_mail, is_urgent=False)
listen(name="orders wait for stores", event_type=PaymentInstructed, hear=hear_instructed)
listen(name="orders accept captures", event_type=PaymentCaptured, hear=hear_captures)
register_chore(name="expire orders", run=expire_orders, is_due=has_overdue_orders)
