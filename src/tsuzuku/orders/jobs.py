# SPDX-License-Identifier: Apache-2.0
"""What orders listen to and do in the background."""

from collections.abc import Sequence

from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.orders.actions import accept_captures, expire_orders
from tsuzuku.orders.queries import has_overdue_orders
from tsuzuku.payments.events import PaymentCaptured


def hear_captures(heard: Sequence[Heard[PaymentCaptured]]) -> None:
    """Money has come in: see what it pays."""
    accept_captures(capture_ids=[each.event.capture_id for each in heard], now=clock.now())


listen(name="orders accept captures", event_type=PaymentCaptured, hear=hear_captures)
register_chore(name="expire orders", run=expire_orders, is_due=has_overdue_orders)
