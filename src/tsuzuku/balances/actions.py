# SPDX-License-Identifier: Apache-2.0
"""Topping up: ordered, then booked once when its order is paid."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from tsuzuku.balances.errors import TopUpKeyReused
from tsuzuku.balances.events import BalanceToppedUp
from tsuzuku.balances.models import EndWarning, TopUp
from tsuzuku.balances.rules import WARN_DAYS_BEFORE, check_amount, ends_at
from tsuzuku.journal.actions import record_facts
from tsuzuku.kernel.money import Money
from tsuzuku.orders.actions import place_order
from tsuzuku.orders.models import Order
from tsuzuku.orders.policy import TOP_UP_POLICY
from tsuzuku.orders.states import PAID
from tsuzuku.payments.balance import CURRENCY, add_part, customer_account, open_balances
from tsuzuku.payments.models import BalancePart
from tsuzuku.people.models import User


def order_top_up(*, user: User, amount_minor: int, key: str, language: str, channel: str, now: datetime) -> Order:
    """Places an order for a top-up of so many yen. The same key again gives the same order.

    Raises AmountNotOffered, or TopUpKeyReused when the key stands for another amount.
    """
    check_amount(amount_minor)
    with transaction.atomic():
        # One after another for each customer, so that a double click finds the order of the first.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        known = TopUp.objects.filter(user=user, key=key).select_related("order").first()
        if known is not None:
            if known.order.amount_minor != amount_minor:
                raise TopUpKeyReused
            return known.order
        order = place_order(
            price=Money(amount_minor, CURRENCY),
            lines=[{"top_up": CURRENCY, "amount_minor": amount_minor}],
            channel=channel,
            actor=customer_account(user.pk),
            payer=user,
            email=user.mail_address,
            language=language,
            policy=TOP_UP_POLICY,
            now=now,
        )
        TopUp.objects.create(order=order, user=user, key=key, created_at=now)
        return order


def book_top_ups(*, order_ids: Sequence[int], now: datetime) -> None:
    """Books what paid orders bring into balances; one that is booked already is left as it is."""
    with transaction.atomic():
        paid = TopUp.objects.filter(order__in=order_ids, order__state=PAID, part=None).select_related("order")
        top_ups = list(paid.order_by("user_id", "pk").select_for_update(of=("self",)))
        open_balances({customer_account(top_up.user_id) for top_up in top_ups}, now=now)
        for top_up in top_ups:
            _book(top_up, now=now)


def _book(top_up: TopUp, *, now: datetime) -> None:
    account = customer_account(top_up.user_id)
    top_up.part = add_part(
        account=account,
        amount=top_up.order.price,
        reference=top_up.order.number,
        expires_at=ends_at(now, is_registered=settings.BALANCE_REGISTERED),
        now=now,
    )
    top_up.save(update_fields=["part"])
    _warn_of(top_up.part)
    topped_up = BalanceToppedUp(top_up_id=top_up.pk, amount_minor=top_up.order.amount_minor)
    record_facts([topped_up], actor=account, now=now)


def _warn_of(part: BalancePart) -> None:
    """Has its owner warned of a part's end in time."""
    end = part.expires_at
    if end is None:
        return
    EndWarning.objects.bulk_create(
        EndWarning(part=part, days_before=days, next_attempt_at=end - timedelta(days=days)) for days in WARN_DAYS_BEFORE
    )
