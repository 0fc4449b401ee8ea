# SPDX-License-Identifier: Apache-2.0
"""How often people order and start to pay: each order costs us work, each start a provider, and a slip sends a mail.

Counted in rows: exactly, also when many come at once, and without keeping an address
that could be read. Nobody who pays comes near a limit, also not with every method there is in two minutes. Partners
have limits of their own.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from tsuzuku.journal.counts import Limit, count_against
from tsuzuku.orders.errors import TooManyOrders, TooManySlips, TooManyStarts
from tsuzuku.orders.models import Order
from tsuzuku.payments.methods import Shape, shape_of
from tsuzuku.people.addresses import is_own_address, network_of

#: Of one card, or of one customer who tops up.
ORDERS_LIMITS = (
    Limit("orders of one in 10 min", 12, timedelta(minutes=10)),
    Limit("orders of one in a day", 60, timedelta(days=1)),
)
STARTS_LIMITS = (
    Limit("starts of one in 10 min", 24, timedelta(minutes=10)),
    Limit("starts of one in a day", 120, timedelta(days=1)),
)
#: An address may be a whole airport behind one NAT.
ORDERS_ADDRESS_LIMITS = (
    Limit("orders, address in a min", 60, timedelta(minutes=1)),
    Limit("orders, address in an hour", 600, timedelta(hours=1)),
)
STARTS_ADDRESS_LIMITS = (
    Limit("starts, address in a min", 120, timedelta(minutes=1)),
    Limit("starts, address in an hour", 1_200, timedelta(hours=1)),
)
#: A family that pays at the till, each for their own card; and no more mails than a stranger can bear whose address
#: somebody has typed.
SLIPS_LIMITS = (
    Limit("slips to one in an hour", 6, timedelta(hours=1)),
    Limit("slips to one in a day", 12, timedelta(days=1)),
)


def count_order(*, subject: str, address: str, now: datetime) -> None:
    """Counts an order that somebody wants to place; `subject` is what it is for, card:34 or customer:12.

    Must not run inside a transaction. Raises TooManyOrders, with which nothing is counted.
    """
    wait_seconds = _count(((ORDERS_LIMITS, subject), (ORDERS_ADDRESS_LIMITS, network_of(address))), address, now)
    if wait_seconds:
        raise TooManyOrders(retry_after_seconds=wait_seconds)


def count_start(*, order: Order, method: str, email: str, subject: str, address: str, now: datetime) -> None:
    """Counts a payment that somebody wants to start; of a slip also the mail that goes to `email`.

    An account's own address is counted apart from the same one typed by others: they do not use up its mails.
    Must not run inside a transaction. Raises TooManyStarts, with which nothing is counted, or TooManySlips, with which
    the start is.
    """
    wait_seconds = _count(((STARTS_LIMITS, subject), (STARTS_ADDRESS_LIMITS, network_of(address))), address, now)
    if wait_seconds:
        raise TooManyStarts(retry_after_seconds=wait_seconds)
    if shape_of(method) is Shape.SLIP:
        is_own = order.payer is not None and order.payer.email == email
        recipient = f"own {order.payer_id}" if is_own else f"typed {_mailbox(email)}"
        if wait_seconds := _count(((SLIPS_LIMITS, recipient),), address, now):
            raise TooManySlips(retry_after_seconds=wait_seconds)


def _count(subjects: Sequence[tuple[Sequence[Limit], str]], address: str, now: datetime) -> int:
    """Counts one more against each; if that is one too many, counts nothing and returns the seconds to wait."""
    if is_own_address(address):
        return 0
    with transaction.atomic(durable=True):
        free_at = count_against(subjects, now)
        # What is refused costs nothing, so it does not use up what the others have left either.
        transaction.set_rollback(free_at is not None)
    return 0 if free_at is None else math.ceil((free_at - now).total_seconds())


def _mailbox(email: str) -> str:
    """An address without what most mailboxes do not look at: big letters, and what stands behind a plus."""
    name, _at, host = email.lower().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"
