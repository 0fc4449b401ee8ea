# SPDX-License-Identifier: Apache-2.0
"""What renewals listen to and do in the background."""

from collections.abc import Sequence

from tsuzuku.catalog.redemptions import free_uses
from tsuzuku.journal.chores import register_chore
from tsuzuku.journal.listeners import Heard, listen
from tsuzuku.kernel import clock
from tsuzuku.orders.actions import NOT_PAID_IN_TIME
from tsuzuku.orders.events import OrderPaid, OrderReturned, OrderTimedOut
from tsuzuku.payments.events import DisputeEnded, DisputeOpened, DisputeReversed, RefundApproved
from tsuzuku.payments.states import WON
from tsuzuku.renewals.actions import ACTIVATE, settle_renewals, withdraw_returned
from tsuzuku.renewals.activation import activate_renewals, has_renewals_to_activate
from tsuzuku.renewals.automatic import TAKE_TURNS
from tsuzuku.renewals.automatic_turns import has_turns_to_take, take_turns
from tsuzuku.renewals.confirmation import (
    ORDER_RETURNED,
    confirm_activation,
    confirm_refund,
    confirm_withdrawal,
)
from tsuzuku.renewals.disputed import flag_disputed, flag_reversed, stop_disputed, unflag_disputed
from tsuzuku.renewals.events import RenewalActivated, RenewalWithdrawn
from tsuzuku.renewals.queries import numbers_of_renewals


def hear_paid_orders(heard: Sequence[Heard[OrderPaid]]) -> None:
    """Orders are paid: settle what they pay for."""
    settle_renewals(order_ids=[each.event.order_id for each in heard], now=clock.now())


def hear_returned(heard: Sequence[Heard[OrderReturned]]) -> None:
    """The money of held orders goes back: what they were for will not be given."""
    for each in heard:
        withdraw_returned(order_ids=[each.event.order_id], reason=ORDER_RETURNED, actor=each.actor, now=clock.now())


def hear_timed_out(heard: Sequence[Heard[OrderTimedOut]]) -> None:
    """Orders were cancelled because their time was over: what they were for will not be given."""
    withdraw_returned(
        order_ids=[each.event.order_id for each in heard], reason=NOT_PAID_IN_TIME, actor="system", now=clock.now()
    )


def hear_disputes(heard: Sequence[Heard[DisputeOpened]]) -> None:
    """A payer's bank has taken money back: staff see it at the card, and nothing more is charged by itself."""
    stop_disputed(dispute_ids=[each.event.dispute_id for each in heard], now=clock.now())
    for each in heard:
        flag_disputed(dispute_id=each.event.dispute_id, number=each.event.purpose, now=clock.now())


def hear_ended_disputes(heard: Sequence[Heard[DisputeEnded]]) -> None:
    """The money is ours again: nothing is to be seen at the card any more."""
    for each in heard:
        if each.event.outcome == WON:
            unflag_disputed(dispute_id=each.event.dispute_id, actor="system", note="dispute won", now=clock.now())


def hear_reversed_disputes(heard: Sequence[Heard[DisputeReversed]]) -> None:
    """Money that was lost is ours again: staff see it at the card."""
    for each in heard:
        flag_reversed(dispute_id=each.event.dispute_id, number=each.event.purpose, now=clock.now())


def hear_approved_refunds(heard: Sequence[Heard[RefundApproved]]) -> None:
    """Somebody gives money back: say so to who paid."""
    for each in heard:
        confirm_refund(proposal_id=each.event.proposal_id, number=each.event.purpose, now=clock.now())


def hear_activated(heard: Sequence[Heard[RenewalActivated]]) -> None:
    """Cards hold what was bought: say so."""
    confirm_activation(renewal_ids=[each.event.renewal_id for each in heard], now=clock.now())


def hear_withdrawn(heard: Sequence[Heard[RenewalWithdrawn]]) -> None:
    """Something paid will not be activated: say that the money goes back."""
    confirm_withdrawal(renewal_ids=[each.event.renewal_id for each in heard], now=clock.now())


def hear_withdrawn_of_promotions(heard: Sequence[Heard[RenewalWithdrawn]]) -> None:
    """Something will not be given: what promotions took off it may be used by others."""
    ids = [each.event.renewal_id for each in heard]
    free_uses(purposes=numbers_of_renewals(ids), now=clock.now())


listen(name="renewals settle paid orders", event_type=OrderPaid, hear=hear_paid_orders)
listen(name="renewals withdraw returned orders", event_type=OrderReturned, hear=hear_returned)
listen(name="renewals withdraw timed-out orders", event_type=OrderTimedOut, hear=hear_timed_out)
listen(name="renewals flag disputed cards", event_type=DisputeOpened, hear=hear_disputes)
listen(name="renewals unflag won cards", event_type=DisputeEnded, hear=hear_ended_disputes)
listen(name="renewals flag won appeals", event_type=DisputeReversed, hear=hear_reversed_disputes)
listen(name="renewals confirm refunds", event_type=RefundApproved, hear=hear_approved_refunds, is_urgent=False)
listen(name="renewals confirm activation", event_type=RenewalActivated, hear=hear_activated, is_urgent=False)
listen(name="renewals confirm withdrawal", event_type=RenewalWithdrawn, hear=hear_withdrawn, is_urgent=False)
listen(name="renewals free promotions", event_type=RenewalWithdrawn, hear=hear_withdrawn_of_promotions)
register_chore(name=ACTIVATE, run=activate_renewals, is_due=has_renewals_to_activate)
register_chore(name=TAKE_TURNS, run=take_turns, is_due=has_turns_to_take)
