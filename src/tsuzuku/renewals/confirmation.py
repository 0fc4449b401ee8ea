# SPDX-License-Identifier: Apache-2.0
"""What people are told by message at the end of a renewal: once each, in the language of the order."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from tsuzuku.allowances.queries import LotView, card_allowances, lots_of_renewals
from tsuzuku.kernel.iccid import masked
from tsuzuku.kernel.money import Money
from tsuzuku.look import formats
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.orders.links import order_link
from tsuzuku.orders.models import Order, OrderMove
from tsuzuku.orders.payers import friend_of
from tsuzuku.orders.states import HELD, PAID
from tsuzuku.payments.balance import charge_given_back
from tsuzuku.payments.models import RefundProposal
from tsuzuku.payments.queries import refunds_of
from tsuzuku.payments.states import NOTHING_RETURNED_STATES
from tsuzuku.renewals.gifts import name_for_payer
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.price_lines import PriceLine, price_lines

#: Why a renewal was withdrawn whose order's money a person has given back.
ORDER_RETURNED: Final = "order-returned"


def confirm_activation(*, renewal_ids: Sequence[int], now: datetime) -> None:
    """Tells payers that their cards hold what they bought: order number, what there is now, and until when."""
    renewals = _to_tell(renewal_ids)
    allowances = card_allowances([renewal.card_id for renewal in renewals], now=now)
    lot_ids = lots_of_renewals({renewal.pk: renewal.card_id for renewal in renewals})
    for renewal in renewals:
        allowance = allowances[renewal.card_id]
        lot = next(lot for lot in allowance.lots if lot.id == lot_ids[renewal.pk])
        with translation.override(renewal.order.language):
            _tell(
                renewal,
                template="renewals/activated.txt",
                subject=_activated_subject(renewal.order),
                now=now,
                **_beginning(lot),
                remaining=formats.data_size(allowance.remaining_bytes),
                until=allowance.online_until and formats.until(allowance.online_until),
                lines=[{"name": line.name, "amount": formats.money(line.amount)} for line in _lines(renewal)],
                ends_earlier=[
                    {"amount": formats.data_size(each.amount), "at": formats.until(each.at)}
                    for each in allowance.expires
                    if lot.starts_at
                ],
            )


def _activated_subject(order: Order) -> str:
    told = {"number": order.number}
    if friend_of(order):
        return gettext("The card is renewed · order %(number)s") % told
    return gettext("Your card is renewed · order %(number)s") % told


def _withdrawn_subject(order: Order) -> str:
    told = {"number": order.number}
    if friend_of(order):
        return gettext("We could not renew the card · order %(number)s") % told
    return gettext("We could not renew your card · order %(number)s") % told


def _beginning(lot: LotView) -> dict[str, str]:
    """When a lot that waits its turn begins and ends; nothing for one that has begun or waits for its holder."""
    if lot.starts_at or lot.expected_starts_at is None or lot.expected_ends_at is None:
        return {}
    return {"begins": formats.moment(lot.expected_starts_at), "ends": formats.until(lot.expected_ends_at)}


def confirm_withdrawal(*, renewal_ids: Sequence[int], now: datetime) -> None:
    """Tells payers who have paid that their renewal will not happen and that their money goes back."""
    moves = OrderMove.objects.filter(Q(target=PAID) | Q(source=HELD), order__renewal__in=renewal_ids)
    paid = set(moves.values_list("order_id", flat=True))
    for renewal in _to_tell(renewal_ids):
        if renewal.order_id not in paid:
            continue
        share, returned = charge_given_back(renewal.order.number), _returned(renewal.order)
        with translation.override(renewal.order.language):
            _tell(
                renewal,
                template="renewals/withdrawn.txt",
                share=formats.money(share.amount) if share else "",
                subject=_withdrawn_subject(renewal.order),
                refusal=renewal.refusal,
                returned=formats.money(returned) if returned.amount_minor else "",
                now=now,
            )


def _returned(order: Order) -> Money:
    """What goes back by providers: what came, which need not be the price."""
    refunds = [each for each in refunds_of(order.number) if each.state not in NOTHING_RETURNED_STATES]
    if not refunds:
        share = charge_given_back(order.number)
        return order.price - share.amount if share else order.price
    return Money(sum(each.amount_minor for each in refunds), refunds[0].capture.currency)


def confirm_refund(*, proposal_id: int, number: str, now: datetime) -> None:
    """Tells a payer that somebody gives money back."""
    proposal = RefundProposal.objects.select_related("capture").get(pk=proposal_id)
    for renewal in _to_tell(Renewal.objects.filter(order__number=number).values_list("pk", flat=True)):
        with translation.override(renewal.order.language):
            _tell(
                renewal,
                template="renewals/refunded.txt",
                subject=gettext("Money back · order %(number)s") % {"number": number},
                once_for=f":{proposal_id}",
                returned=formats.money(proposal.amount),
                now=now,
            )


def _lines(renewal: Renewal) -> tuple[PriceLine, ...]:
    order = renewal.order
    return price_lines(
        order.lines,
        plan_name=renewal.name_in(order.language),
        currency=order.currency,
        language=order.language,
    )


def _to_tell(renewal_ids: Collection[int]) -> list[Renewal]:
    """The renewals whose payer left an address."""
    renewals = Renewal.objects.filter(pk__in=renewal_ids).exclude(order__email="")
    return list(renewals.select_related("order", "card", "plan", "terms").order_by("pk"))


def _tell(renewal: Renewal, *, template: str, subject: str, now: datetime, once_for: str = "", **words: object) -> None:
    order = renewal.order
    # Who paid for somebody else's card hears nothing of what it has.
    sees_card = friend_of(order) is None
    text = render_to_string(
        template,
        {
            "card": masked(renewal.card.iccid) if sees_card else name_for_payer(renewal),
            "sees_card": sees_card,
            "plan": renewal.name_in(order.language),
            "price": formats.money(order.price),
            "number": order.number,
            "link": order_link(order),
            **words,
        },
    )
    send_message(
        dedupe_key=f"{template}:{order.number}{once_for}",
        kind=AddressKind.EMAIL,
        address=order.email,
        language=order.language,
        subject=subject,
        text=text,
        html="",
        purpose=f"order:{order.number}",
        now=now,
    )
