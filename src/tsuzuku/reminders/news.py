# SPDX-License-Identifier: Apache-2.0
"""What others find or do and people should hear: unusual use, the end of a part of a balance, a friend's renewal."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from tsuzuku.balances.events import BalanceEndsSoon
from tsuzuku.orders.models import Order
from tsuzuku.orders.payers import FRIENDS, friend_of_actor
from tsuzuku.people.models import User
from tsuzuku.reminders.models import Reminder
from tsuzuku.reminders.rules import Kind
from tsuzuku.reminders.situations import holders_of
from tsuzuku.reminders.watching import notice
from tsuzuku.reminders.ways import preferences_of
from tsuzuku.renewals.gifts import giver_names
from tsuzuku.renewals.models import Renewal
from tsuzuku.usage.events import UsageUnusual


def notice_unusual(*, events: Sequence[UsageUnusual], now: datetime) -> None:
    """Notes unusual use for who holds the cards; once for each card, kind and day, as it was told."""
    holders = holders_of([event.card_id for event in events if event.card_id is not None])
    notice(
        [
            Reminder(
                user_id=holder.user_id,
                card_id=holder.card_id,
                kind=Kind.UNUSUAL,
                episode=f"{holder.card_id}:{event.anomaly}:{event.day}",
                figures={"anomaly": event.anomaly, "day": event.day, "amount": event.amount},
                found_at=now,
                next_attempt_at=now,
            )
            for event in events
            for holder in holders.get(event.card_id or 0, ())
        ],
        now=now,
    )


def notice_friends(*, renewal_ids: Collection[int], now: datetime) -> None:
    """Notes, of renewals that are active, those that friends paid for, for who holds the cards; once for each.

    Who paid is not told of it, nor who followed the link of their own reminder without logging in.
    """
    is_friends = Renewal.objects.filter(pk__in=renewal_ids, actor__startswith=FRIENDS)
    renewals = list(is_friends.select_related("order", "plan", "terms").order_by("pk"))
    if not renewals:
        return
    holders = holders_of({renewal.card_id for renewal in renewals})
    users = {each.user_id: each.user for of_card in holders.values() for each in of_card}
    preferences, names = preferences_of(users.values()), giver_names([renewal.pk for renewal in renewals])
    notice(
        [
            Reminder(
                user_id=holder.user_id,
                card_id=renewal.card_id,
                kind=Kind.FRIEND_RENEWED,
                episode=f"{renewal.card_id}:{renewal.pk}",
                figures=_gift(renewal, names.get(renewal.pk, "") if preferences[holder.user_id].names_friends else ""),
                found_at=now,
                next_attempt_at=now,
            )
            for renewal in renewals
            for holder in holders.get(renewal.card_id, ())
            if renewal.order.payer_id != holder.user_id and not _is_own_address(renewal.order, holder.user)
        ],
        now=now,
    )


def _gift(renewal: Renewal, giver: str) -> dict[str, Any]:
    friend = friend_of_actor(renewal.actor)
    return {
        "came": friend.came if friend else "",
        "plans": {tag: renewal.name_in(tag) for tag, _name in settings.LANGUAGES},
        "giver": giver,
    }


def _is_own_address(order: Order, user: User) -> bool:
    return bool(user.email) and order.email.casefold() == (user.email or "").casefold()


def notice_ends_of_balances(*, events: Sequence[BalanceEndsSoon], now: datetime) -> None:
    """Notes ends of parts of balances for their owners."""
    notice(
        [
            Reminder(
                user_id=event.user_id,
                kind=Kind.BALANCE_ENDS,
                episode=f"{event.part_id}:{event.days_before}",
                figures={"part_id": event.part_id},
                found_at=now,
                next_attempt_at=now,
            )
            for event in events
        ],
        now=now,
    )
