# SPDX-License-Identifier: Apache-2.0
"""A reminder as messages: one for each way, in its reader's language."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from tsuzuku.cards.models import CardHolder
from tsuzuku.cards.qr import renewal_address
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.people.models import User
from tsuzuku.reminders.links import reminder_link, unsubscribe_link
from tsuzuku.reminders.models import Reminder
from tsuzuku.reminders.rules import Kind, over_at
from tsuzuku.reminders.ways import Way
from tsuzuku.reminders.words import Words, words_of


def send_reminder(
    reminder: Reminder, user: User, ways: Sequence[Way], holder: CardHolder | None, *, now: datetime
) -> None:
    """Queues a reminder's messages in the caller's transaction: by each way once, however often it is called."""
    for way in ways:
        if way.kind is AddressKind.EMAIL and reminder.kind == Kind.BALANCE_ENDS:
            continue  # The room of balances has written that mail.
        with translation.override(way.language):
            words = words_of(Kind(reminder.kind), reminder.figures, card=card_name(holder), now=now)
            _send(reminder, user, way, words, now=now)


def card_name(holder: CardHolder | None) -> str:
    """What its holder calls a card."""
    if holder is None:
        return ""
    return holder.name or gettext("Card %(digits)s") % {"digits": f"…{holder.card.iccid[-4:]}"}


def link_of(reminder: Reminder) -> str:
    """Where a reminder leads. One that asks for nothing leads to the card, and is over never."""
    if reminder.card_id is None:
        return f"{settings.PUBLIC_URL}/balance"
    if reminder.kind == Kind.FRIEND_RENEWED and reminder.card is not None:
        return renewal_address(reminder.card)
    return reminder_link(reminder.pk)


def _send(reminder: Reminder, user: User, way: Way, words: Words, *, now: datetime) -> None:
    link = link_of(reminder)
    match way.kind:
        case AddressKind.SMS:
            subject, text, path = "", f"{words.title}\n{link}", ""
        case AddressKind.PUSH:
            subject, text, path = words.title, "\n".join(words.sentences), link.removeprefix(settings.PUBLIC_URL)
        case _:
            subject, text, path = words.title, _mail(user, words, link), ""
    send_message(
        dedupe_key=f"reminder:{reminder.pk}:{way.name}",
        kind=way.kind,
        address=way.address,
        language=way.language,
        subject=subject,
        text=text,
        link=path,
        unsubscribe=unsubscribe_link(user) if way.kind is AddressKind.EMAIL else "",
        give_up_at=over_at(Kind(reminder.kind), reminder.figures, now=now),
        purpose=purpose_of(reminder.pk),
        now=now,
    )


def _mail(user: User, words: Words, link: str) -> str:
    context = {
        "words": words,
        "link": link,
        "preferences": f"{settings.PUBLIC_URL}/reminders",
        "unsubscribe": unsubscribe_link(user),
    }
    return render_to_string("reminders/reminder.txt", context)


def purpose_of(reminder_id: int) -> str:
    """What a reminder's messages belong to."""
    return f"reminder:{reminder_id}"
