# SPDX-License-Identifier: Apache-2.0
"""Reads of reminders that have more than one caller."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from tsuzuku.cards.models import CardHolder
from tsuzuku.messaging.models import Message
from tsuzuku.people.models import User
from tsuzuku.reminders.messages import card_name, link_of, purpose_of
from tsuzuku.reminders.models import PushDevice, Reminder
from tsuzuku.reminders.rules import Kind
from tsuzuku.reminders.states import TOLD
from tsuzuku.reminders.words import Words, words_of


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message of a reminder: a kind of address, and queued, sent or failed."""

    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A reminder in somebody's inbox, in the active language."""

    id: int
    words: Words
    link: str
    told_at: datetime
    is_read: bool
    deliveries: tuple[Delivery, ...]


def unread_count(user: User) -> int:
    """How many reminders somebody has not seen. One look at an index that holds nothing else."""
    return Reminder.objects.filter(user=user, state=TOLD, read_at__isnull=True).count()


def inbox_of(user: User, *, limit: int) -> list[Entry]:
    """What somebody was reminded of, newest first, and what became of its messages. Three queries."""
    told = list(
        Reminder.objects.filter(user=user, state=TOLD).select_related("card").order_by("-ended_at", "-pk")[:limit]
    )
    holders = {holder.card_id: holder for holder in CardHolder.objects.filter(user=user).select_related("card")}
    deliveries = _deliveries(told)
    # Of a card that they let go of, nothing is told any more.
    return [
        Entry(
            id=each.pk,
            words=words_of(
                Kind(each.kind),
                each.figures,
                card=card_name(holders[each.card_id]) if each.card_id is not None else "",
                now=each.ended_at,
            ),
            link=link_of(each),
            told_at=each.ended_at,
            is_read=each.read_at is not None,
            deliveries=deliveries[each.pk],
        )
        for each in told
        if each.ended_at is not None and (each.card_id is None or each.card_id in holders)
    ]


def _deliveries(reminders: Sequence[Reminder]) -> dict[int, tuple[Delivery, ...]]:
    purposes = {purpose_of(each.pk): each.pk for each in reminders}
    found: dict[int, list[Delivery]] = defaultdict(list)
    for message in Message.objects.filter(purpose__in=purposes).order_by("pk"):
        found[purposes[message.purpose]].append(Delivery(message.kind, message.state))
    return {each.pk: tuple(found[each.pk]) for each in reminders}


def push_devices_of(user: User) -> QuerySet[PushDevice]:
    """The browsers that somebody let us push to, in the order in which they were added."""
    return PushDevice.objects.filter(user=user).order_by("added_at", "pk")
