# SPDX-License-Identifier: Apache-2.0
"""Coupons as people type them, and how often somebody may try one that does not exist."""

import math
from datetime import datetime, timedelta

from django.db import transaction

from tsuzuku.catalog.errors import CouponUnknown, TooManyCoupons
from tsuzuku.catalog.models import Coupon
from tsuzuku.catalog.promotion_file import parse_coupon
from tsuzuku.catalog.promotion_queries import Customer
from tsuzuku.journal.counts import Limit, count_against
from tsuzuku.people.addresses import network_of

#: A typing error or three, not a search. A card is counted whoever acts for it.
CUSTOMER_LIMITS = (
    Limit("coupon, card in 15 min", 5, timedelta(minutes=15)),
    Limit("coupon, card in a day", 20, timedelta(days=1)),
)
#: An address may be a whole airport behind one NAT.
ADDRESS_LIMITS = (
    Limit("coupon, address in 15 min", 30, timedelta(minutes=15)),
    Limit("coupon, address in a day", 200, timedelta(days=1)),
)
#: The circuit breaker against many addresses with many cards.
INSTALLATION_LIMITS = (Limit("coupon, installation in a min", 300, timedelta(minutes=1)),)


def check_coupon(*, text: str, customer: Customer, address: str, now: datetime) -> str:
    """The coupon that somebody typed, as it is stored. Whether it takes anything off, a quote says.

    Raises CouponUnknown, or TooManyCoupons when the card, the address or the installation has tried too many that do
    not exist. Must not run inside a transaction: a wrong guess has to be counted whatever the caller does next.
    """
    coupon = parse_coupon(text)
    with transaction.atomic(durable=True):
        free_at = count_against(
            (
                (ADDRESS_LIMITS, network_of(address)),
                (CUSTOMER_LIMITS, str(customer.card_id)),
                (INSTALLATION_LIMITS, ""),
            ),
            now,
        )
        is_known = free_at is None and Coupon.objects.filter(code=coupon, promotion__withdrawn_at=None).exists()
        # One that exists is no guess: its counts are taken back. Those of wrong ones before it stay.
        transaction.set_rollback(is_known)
    if free_at is not None:
        raise TooManyCoupons(retry_after_seconds=math.ceil((free_at - now).total_seconds()))
    if not is_known or coupon is None:
        raise CouponUnknown
    return coupon
