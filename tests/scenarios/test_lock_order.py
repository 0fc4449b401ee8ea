# SPDX-License-Identifier: Apache-2.0
"""Verbs that lock several rows meet in one order: who holds the first of them gets the others as well.

Each verb runs beside a transaction that holds the first row. If it had taken a later one by then, the two would wait
for each other for ever.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests.connections import wait_until_somebody_waits
from tsuzuku.cards.actions import hold_card
from tsuzuku.channels.web.leaving import leave_for_good
from tsuzuku.journal.listeners import Heard
from tsuzuku.kernel import clock
from tsuzuku.orders.jobs import hear_instructed
from tsuzuku.orders.models import Order
from tsuzuku.payments.events import DisputeOpened, PaymentInstructed
from tsuzuku.payments.models import Dispute, KeptMethodRow, Payment
from tsuzuku.people.models import User
from tsuzuku.project.audit import findings
from tsuzuku.reminders.models import Reminder
from tsuzuku.renewals.automatic import quote_automatic, stop_all_of, switch_on
from tsuzuku.renewals.jobs import hear_disputes
from tsuzuku.renewals.models import AutomaticRenewal
from tsuzuku.testing.factories import make_card, make_customer, make_plan
from tsuzuku.testing.house import House, open_house

pytestmark = pytest.mark.django_db(transaction=True)
PLAN = "GB-1-3D"


def _meet(work: Callable[[], None], *, first: Callable[[], object], later: Callable[[], object]) -> None:
    """Does the work beside a transaction that locks `first`, and `later` once the work waits."""

    def run() -> None:
        with closing(connection), transaction.atomic():
            work()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            done = pool.submit(run)
            wait_until_somebody_waits()
            later()
        done.result()


def _lock(order: Order) -> Callable[[], object]:
    return lambda: Order.objects.select_for_update().get(pk=order.pk)


def _two_orders(house: House, mei: User) -> tuple[Order, Order]:
    make_plan(PLAN, price_minor=1_000)
    first, later = (house.order(make_card(), PLAN, key=key, payer=mei) for key in ("k1", "k2"))
    assert first.pk < later.pk
    return first, later


def test_orders_that_wait_for_stores_are_locked_in_their_own_order_not_that_of_the_facts() -> None:
    with open_house() as house:
        first, later = _two_orders(house, make_customer())
        until = clock.now() + timedelta(days=3)
        heard = []
        for order in (later, first):
            house.start_payment(order)
            payment = Payment.objects.get(purpose=order.number)
            event = PaymentInstructed(payment_id=payment.pk, purpose=order.number, until=until.isoformat())
            heard.append(Heard(fact_id=payment.pk, actor="system", event=event))
        _meet(lambda: hear_instructed(heard), first=_lock(first), later=_lock(later))
        assert list(Order.objects.values_list("expires_at", flat=True)) == [until + timedelta(minutes=30)] * 2


def _switched_on(mei: User, kept: KeptMethodRow, orders: Sequence[Order]) -> None:
    """Automatic renewals whose turns have ordered something, in this order."""
    for order in orders:
        card = make_card()
        hold_card(user=mei, card=card, now=clock.now())
        row = switch_on(
            card=card,
            user=mei,
            plan_code=PLAN,
            method_id=kept.pk,
            shown_minor=quote_automatic(card, PLAN, user=mei, now=clock.now()).price.amount_minor,
            language="en",
            now=clock.now(),
        )
        AutomaticRenewal.objects.filter(pk=row.pk).update(order=order)


def test_who_stops_all_that_renews_itself_locks_orders_in_their_own_order() -> None:
    with open_house() as house:
        mei = make_customer()
        first, later = _two_orders(house, mei)
        _switched_on(mei, house.keep_method(mei), [later, first])
        _meet(lambda: stop_all_of(user=mei, now=clock.now()), first=_lock(first), later=_lock(later))
        assert set(Order.objects.filter(pk__in=[first.pk, later.pk]).values_list("state", flat=True)) == {"cancelled"}
        assert not AutomaticRenewal.objects.filter(is_on=True).exists()
        assert findings() == []


def test_a_dispute_that_stops_what_renews_itself_locks_orders_in_their_own_order() -> None:
    with open_house() as house:
        mei = make_customer()
        first, later = _two_orders(house, mei)
        kept = house.keep_method(mei)
        _switched_on(mei, kept, [later, first])
        charged = house.order(make_card(), PLAN, key="k3", payer=mei)
        house.pay(charged)
        Payment.objects.filter(purpose=charged.number).update(kept=kept)
        capture = Payment.objects.get(purpose=charged.number).captures.get()
        house.deliver(house.provider.dispute(capture.reference))
        event = DisputeOpened(dispute_id=Dispute.objects.get().pk, purpose=charged.number)
        heard = [Heard(fact_id=1, actor="system", event=event)]
        _meet(lambda: hear_disputes(heard), first=_lock(first), later=_lock(later))
        assert not AutomaticRenewal.objects.filter(is_on=True).exists()


def test_who_leaves_for_good_and_who_tells_them_of_reminders_begin_with_the_person() -> None:
    with open_house():
        mei = make_customer()
        reminder = Reminder.objects.create(
            user=mei, kind="unusual", episode="1", found_at=clock.now(), next_attempt_at=clock.now()
        )
        _meet(
            lambda: leave_for_good(user=mei, now=clock.now()),
            first=lambda: User.objects.select_for_update(no_key=True).get(pk=mei.pk),
            later=lambda: Reminder.objects.select_for_update().get(pk=reminder.pk),
        )
        mei.refresh_from_db()
        assert (mei.is_active, Reminder.objects.count()) == (False, 0)
