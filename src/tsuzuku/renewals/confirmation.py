# SPDX-License-Identifier: Apache-2.0
"""What people are told by message at the end of a renewal: once each, in the language of the order."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from tsuzuku.allowances.queries import LotView, card_allowances, lots_of_renewals
from tsuzuku.catalog.errors import PromotionUsedUp
from tsuzuku.kernel.iccid import masked
from tsuzuku.look import formats
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.orders.models import OrderMove
from tsuzuku.orders.states import PAID
from tsuzuku.payments.balance import charge_given_back
from tsuzuku.renewals.models import Renewal
from tsuzuku.renewals.price_lines import PriceLine, price_lines


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
                subject=gettext("Your card is renewed · order %(number)s") % {"number": renewal.order.number},
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


def _beginning(lot: LotView) -> dict[str, str]:
    """When a lot that waits its turn begins and ends; nothing for one that has begun or waits for its holder."""
    if lot.starts_at or lot.expected_starts_at is None or lot.expected_ends_at is None:
        return {}
    return {"begins": formats.moment(lot.expected_starts_at), "ends": formats.until(lot.expected_ends_at)}


def confirm_withdrawal(*, renewal_ids: Sequence[int], now: datetime) -> None:
    """Tells payers who have paid that their renewal will not happen and that their money goes back."""
    paid = set(OrderMove.objects.filter(order__renewal__in=renewal_ids, target=PAID).values_list("order_id", flat=True))
    for renewal in _to_tell(renewal_ids):
        if renewal.order_id not in paid:
            continue
        share = charge_given_back(renewal.order.number)
        rest = renewal.order.price - share.amount if share else renewal.order.price
        with translation.override(renewal.order.language):
            _tell(
                renewal,
                template="renewals/withdrawn.txt",
                share=formats.money(share.amount) if share else "",
                rest=formats.money(rest) if rest.amount_minor else "",
                subject=gettext("We could not renew your card · order %(number)s") % {"number": renewal.order.number},
                is_discount_gone=renewal.refusal == PromotionUsedUp.code,
                now=now,
            )


def _lines(renewal: Renewal) -> tuple[PriceLine, ...]:
    order = renewal.order
    return price_lines(
        order.lines,
        plan_name=renewal.plan.name_in(order.language),
        currency=order.currency,
        language=order.language,
    )


def _to_tell(renewal_ids: Sequence[int]) -> list[Renewal]:
    """The renewals whose payer left an address."""
    renewals = Renewal.objects.filter(pk__in=renewal_ids).exclude(order__email="")
    return list(renewals.select_related("order", "card", "plan").order_by("pk"))


def _tell(renewal: Renewal, *, template: str, subject: str, now: datetime, **words: object) -> None:
    order = renewal.order
    text = render_to_string(
        template,
        {
            "card": masked(renewal.card.iccid),
            "plan": renewal.plan.name_in(order.language),
            "price": formats.money(order.price),
            "number": order.number,
            "link": f"{settings.PUBLIC_URL}/o/{order.number}",
            **words,
        },
    )
    send_message(
        dedupe_key=f"{template}:{order.number}",
        kind=AddressKind.EMAIL,
        address=order.email,
        language=order.language,
        subject=subject,
        text=text,
        html="",
        purpose=f"order:{order.number}",
        now=now,
    )
