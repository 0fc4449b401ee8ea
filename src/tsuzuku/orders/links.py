# SPDX-License-Identifier: Apache-2.0
"""Links that show one order to whoever holds them: from a mail, or back from a provider into another browser.

Signed with the installation's secret key, so that nobody makes one for the order of somebody else.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

from tsuzuku.orders.models import Order

#: Counted from the order's beginning; longer than any slip lives.
LINKS_LAST = timedelta(days=70)
_SIGNER = Signer(salt="tsuzuku.orders.links")


def order_link(order: Order) -> str:
    """The address that shows the order; always the same for one order."""
    return link_of(order.number)


def link_of(number: str) -> str:
    """The same where only the number is known, as it is written on the order."""
    return f"{settings.PUBLIC_URL}/o/{number}/k/{_SIGNER.signature(number)}"


def is_key_of(order: Order, key: str, *, now: datetime) -> bool:
    """Whether a key stands in such an address, and is not too old."""
    return constant_time_compare(key, _SIGNER.signature(order.number)) and now < order.created_at + LINKS_LAST
