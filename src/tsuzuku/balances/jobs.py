# SPDX-License-Identifier: Apache-2.0
"""What balances listen to and do in the background."""

from collections.abc import Sequence

from tsuzuku.balances.actions import book_top_ups
from tsuzuku.balances.events import BalanceToppedUp
from tsuzuku.balances.mails import confirm_top_ups, has_ends_to_warn_of, tell_payments_in_vain, warn_of_ends
from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.orders.events import OrderPaid, PaymentInVain


def hear_paid_orders(heard: Sequence[Heard[OrderPaid]]) -> None:
    """Orders are paid: book those that pay into balances."""
    book_top_ups(order_ids=[each.event.order_id for each in heard], now=clock.now())


def hear_topped_up(heard: Sequence[Heard[BalanceToppedUp]]) -> None:
    """Balances hold more: say so."""
    confirm_top_ups(top_up_ids=[each.event.top_up_id for each in heard], now=clock.now())


def hear_payments_in_vain(heard: Sequence[Heard[PaymentInVain]]) -> None:
    """Money goes back although its order is not cancelled: say why."""
    tell_payments_in_vain(capture_ids=[each.event.capture_id for each in heard], now=clock.now())


listen(name="balances book top-ups", event_type=OrderPaid, hear=hear_paid_orders)
listen(name="balances confirm top-ups", event_type=BalanceToppedUp, hear=hear_topped_up, is_urgent=False)
listen(name="balances tell payments in vain", event_type=PaymentInVain, hear=hear_payments_in_vain, is_urgent=False)
register_chore(name="warn of ends of balances", run=warn_of_ends, is_due=has_ends_to_warn_of)
