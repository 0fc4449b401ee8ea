# SPDX-License-Identifier: Apache-2.0
"""The mail with the numbers that a payer needs at a store: once for each slip, in the language of the order."""

from collections.abc import Sequence
from datetime import datetime

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from tsuzuku.look import formats
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.orders.links import order_link
from tsuzuku.orders.models import Order
from tsuzuku.payments.models import Payment
from tsuzuku.payments.ports import Instructions
from tsuzuku.payments.stores import digit_groups, store


def mail_slips(*, payment_ids: Sequence[int], now: datetime) -> None:
    """Tells payers who left an address the numbers of their slips, and where the page is that shows them.

    A code on the page is not mailed: it lives for minutes only.
    """
    payments = list(Payment.objects.filter(pk__in=payment_ids).order_by("pk"))
    orders = {order.number: order for order in Order.objects.filter(number__in=[each.purpose for each in payments])}
    for payment in payments:
        order, told = orders.get(payment.purpose), payment.shown
        if order is None or not order.email or told is None or not told.slips:
            continue
        with translation.override(order.language):
            send_message(
                dedupe_key=f"orders/slip.txt:{payment.pk}",
                kind=AddressKind.EMAIL,
                address=order.email,
                language=order.language,
                subject=gettext("Your numbers to pay at the store · order %(number)s") % {"number": order.number},
                text=_text(order, told),
                html="",
                purpose=f"order:{order.number}",
                now=now,
            )


def _text(order: Order, told: Instructions) -> str:
    return render_to_string(
        "orders/slip.txt",
        {
            "price": formats.money(order.price),
            "until": formats.until(told.expires_at),
            "slips": [
                {
                    "name": store(slip.store).name,
                    "sign": store(slip.store).sign,
                    "payment_number": " ".join(digit_groups(slip.payment_number)),
                    "confirmation_number": " ".join(digit_groups(slip.confirmation_number)),
                    "steps": store(slip.store).steps,
                }
                for slip in told.slips
            ],
            "link": order_link(order),
        },
    )
