# SPDX-License-Identifier: Apache-2.0
"""What others find and people should hear: unusual use of a card, the end of a part of a balance."""

from collections.abc import Sequence
from datetime import datetime

from tsuzuku.balances.events import BalanceEndsSoon
from tsuzuku.reminders.models import Reminder
from tsuzuku.reminders.rules import Kind
from tsuzuku.reminders.situations import holders_of
from tsuzuku.reminders.watching import notice
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
