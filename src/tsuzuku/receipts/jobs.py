# SPDX-License-Identifier: Apache-2.0
"""What receipts listen to and do in the background."""

from collections.abc import Sequence

from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.orders.events import OrderPaid
from tsuzuku.receipts.actions import ISSUE_RECEIPTS, issue_receipts, request_receipts
from tsuzuku.receipts.queries import has_receipts_to_issue


def hear_paid_orders(heard: Sequence[Heard[OrderPaid]]) -> None:
    """Orders are paid: they get receipts."""
    request_receipts(order_ids=[each.event.order_id for each in heard], now=clock.now())


listen(name="receipts request receipts", event_type=OrderPaid, hear=hear_paid_orders, is_urgent=False)
register_chore(name=ISSUE_RECEIPTS, run=issue_receipts, is_due=has_receipts_to_issue)
