# SPDX-License-Identifier: Apache-2.0
"""What people are told of their balance by mail: that it holds more, that a part will end, that money goes back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext, ngettext

from tsuzuku.balances.events import BalanceEndsSoon
from tsuzuku.balances.models import EndWarning, TopUp
from tsuzuku.balances.queries import balance_of_user
from tsuzuku.balances.rules import WARN_DAYS_BEFORE
from tsuzuku.journal.actions import record_facts
from tsuzuku.journal.claims import due
from tsuzuku.kernel import clock
from tsuzuku.look import formats
from tsuzuku.orders.models import Order
from tsuzuku.payments.balance import spendable_among
from tsuzuku.payments.models import Capture
from tsuzuku.people.models import User
from tsuzuku.people.writing import write_to

_PORTION = 100
_LOOK_AT_FROZEN_AGAIN = timedelta(days=1)


def confirm_top_ups(*, top_up_ids: Sequence[int], now: datetime) -> None:
    """Tells owners that their balance holds more, and until when."""
    top_ups = TopUp.objects.filter(pk__in=top_up_ids, part__isnull=False).select_related("order", "part", "user")
    for top_up in top_ups.order_by("pk"):
        order, end = top_up.order, top_up.part.expires_at if top_up.part else None
        with translation.override(order.language):
            _mail(
                top_up.user,
                language=order.language,
                dedupe_key=f"topped-up:{order.number}",
                subject=gettext("Your balance is topped up · order %(number)s") % {"number": order.number},
                template="balances/topped_up.txt",
                words={
                    "amount": formats.money(order.price),
                    "number": order.number,
                    "balance": formats.money(balance_of_user(top_up.user, now=now)),
                    "until": end and formats.until(end, now=now),
                },
                now=now,
            )


def tell_payments_in_vain(*, capture_ids: Sequence[int], now: datetime) -> None:
    """Tells payers that money came too late for the rest of an order, which their balance does not cover any more.

    Once for each money that came, also if it is the same amount again.
    """
    captures = Capture.objects.filter(pk__in=capture_ids).select_related("payment").order_by("pk")
    numbers = {capture.payment.purpose for capture in captures}
    orders = {order.number: order for order in Order.objects.filter(number__in=numbers).select_related("payer")}
    for capture in captures:
        order = orders[capture.payment.purpose]
        if order.payer is None:
            continue
        with translation.override(order.language):
            _mail(
                order.payer,
                language=order.language,
                dedupe_key=f"payment-in-vain:{capture.pk}",
                subject=gettext("Your payment goes back · order %(number)s") % {"number": order.number},
                template="balances/payment_in_vain.txt",
                words={"amount": formats.money(capture.amount), "number": order.number},
                now=now,
            )


def warn_of_ends() -> int:
    """Warns owners of parts that will end; returns how many warnings were looked at."""
    looked_at = 0
    while portion := _warn_portion(now=clock.now()):
        looked_at += portion
    return looked_at


def has_ends_to_warn_of(now: datetime) -> bool:
    """Whether somebody is to be warned."""
    return due(EndWarning.objects.all(), now=now).exists()


def _warn_portion(*, now: datetime) -> int:
    with transaction.atomic():
        waiting = due(EndWarning.objects.all(), now=now).select_related("part__account", "part__top_up__user")
        warnings = list(waiting.order_by("pk").select_for_update(of=("self",), skip_locked=True)[:_PORTION])
        worth_saying = [warning for warning in warnings if _is_worth_saying(warning, now=now)]
        spendable = spendable_among([warning.part_id for warning in worth_saying], now=now)
        frozen = [warning.pk for warning in worth_saying if warning.part_id not in spendable]
        for warning in worth_saying:
            if warning.part_id in spendable:
                _warn(warning, now=now)
        EndWarning.objects.filter(pk__in=[warning.pk for warning in warnings]).update(next_attempt_at=None)
        # What a bank has asked for back cannot be spent now; if the dispute is won in time, there is something to say.
        EndWarning.objects.filter(pk__in=frozen).update(next_attempt_at=now + _LOOK_AT_FROZEN_AGAIN)
        return len(warnings)


def _is_worth_saying(warning: EndWarning, *, now: datetime) -> bool:
    """Not of what is spent or over; and after a long standstill only the last warning is said, not all at once."""
    end = warning.part.expires_at
    if end is None or end <= now or not warning.part.left_minor:
        return False
    later = [days for days in WARN_DAYS_BEFORE if days < warning.days_before]
    return now < end - timedelta(days=max(later, default=0))


def _warn(warning: EndWarning, *, now: datetime) -> None:
    part, user = warning.part, warning.part.top_up.user
    if part.expires_at is None:
        return
    with translation.override(user.language):
        days = -(-(part.expires_at - now) // timedelta(days=1))
        _mail(
            user,
            language=user.language,
            dedupe_key=f"balance-ends:{part.pk}:{warning.days_before}",
            subject=ngettext(
                "%(amount)s of your balance end in %(days)s day",
                "%(amount)s of your balance end in %(days)s days",
                days,
            )
            % {"amount": formats.money(part.left), "days": formats.number(days)},
            template="balances/ends_soon.txt",
            words={"amount": formats.money(part.left), "until": formats.until(part.expires_at, now=now)},
            now=now,
        )
    ends_soon = BalanceEndsSoon(user_id=user.pk, part_id=part.pk, days_before=warning.days_before)
    record_facts([ends_soon], actor="system", now=now)


def _mail(
    user: User,
    *,
    language: str,
    dedupe_key: str,
    subject: str,
    template: str,
    words: dict[str, object],
    now: datetime,
) -> None:
    link = f"{settings.PUBLIC_URL}/balance"
    write_to(
        user,
        dedupe_key=dedupe_key,
        language=language,
        subject=subject,
        text=render_to_string(template, {**words, "link": link}),
        link=link,
        purpose=f"customer:{user.pk}",
        now=now,
    )
