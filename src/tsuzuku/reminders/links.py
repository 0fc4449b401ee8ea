# SPDX-License-Identifier: Apache-2.0
"""The links in reminders: short enough for an SMS, signed, and safe to forward.

A link names a reminder and opens what `offers.offer_of` gives: a plan, its price and what it does for a card of which
four digits are shown. Seventy-two bits of signature cannot be guessed.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing

from tsuzuku.kernel.signed_numbers import read_signed_number, sign_number
from tsuzuku.people.models import User
from tsuzuku.reminders.errors import ReminderLinkForged, ReminderLinkOver, UnsubscribeLinkForged
from tsuzuku.reminders.models import Reminder

#: Counted from when it was told. Who finds the message after that is led to the card.
LINKS_LAST = timedelta(days=14)
_PURPOSE = "tsuzuku.reminders.links"
_UNSUBSCRIBE_SALT = "tsuzuku.reminders.unsubscribe"


def reminder_link(reminder_id: int) -> str:
    """The address in a reminder; always the same for one reminder."""
    return f"{settings.PUBLIC_URL}/r/{link_token(reminder_id)}"


def link_token(reminder_id: int) -> str:
    """What the address ends with."""
    return sign_number(reminder_id, secret=settings.SECRET_KEY, purpose=_PURPOSE)


def reminder_of_link(token: str) -> Reminder:
    """The reminder that a link names, with its card. Raises ReminderLinkForged."""
    reminder_id = read_signed_number(token, secret=settings.SECRET_KEY, purpose=_PURPOSE)
    if reminder_id is None:
        raise ReminderLinkForged
    found = Reminder.objects.select_related("card").filter(pk=reminder_id, card__isnull=False)
    reminder = found.first()
    if reminder is None or reminder.ended_at is None:
        raise ReminderLinkForged
    return reminder


def check_is_open(reminder: Reminder, *, version: str, now: datetime) -> None:
    """Raises ReminderLinkOver when a link is too old, or its card (now at `version`) was renewed since it was sent."""
    is_old = reminder.ended_at is None or now >= reminder.ended_at + LINKS_LAST
    if is_old or reminder.figures.get("version") != version:
        raise ReminderLinkOver


def unsubscribe_link(user: User) -> str:
    """The address that ends the reminders which somebody gets by e-mail."""
    return f"{settings.PUBLIC_URL}/u/{signing.dumps(user.pk, salt=_UNSUBSCRIBE_SALT)}"


def user_to_unsubscribe(token: str) -> User:
    """Whose mails a link ends. Raises UnsubscribeLinkForged."""
    try:
        user_id = signing.loads(token, salt=_UNSUBSCRIBE_SALT)
        return User.objects.get(pk=user_id)
    except (signing.BadSignature, ValueError, TypeError, User.DoesNotExist):
        raise UnsubscribeLinkForged from None
