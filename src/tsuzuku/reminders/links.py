# SPDX-License-Identifier: Apache-2.0
"""The links in reminders: short enough for an SMS, signed, and safe to forward.

A link names a reminder and opens what `offers.offer_of` gives: a plan, its price and what it does for a card of which
four digits are shown. Seventy-two bits of signature cannot be guessed.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare

from tsuzuku.people.models import User
from tsuzuku.reminders.errors import ReminderLinkForged, ReminderLinkOver, UnsubscribeLinkForged
from tsuzuku.reminders.models import Reminder

#: Counted from when it was told. Who finds the message after that is led to the card.
LINKS_LAST = timedelta(days=14)
_SIGNATURE_BYTES = 9
_ID_BYTES_MAX = 8
_TOKEN_LENGTH_MAX = 30
_SALT = b"tsuzuku.reminders.links"
_UNSUBSCRIBE_SALT = "tsuzuku.reminders.unsubscribe"


def reminder_link(reminder_id: int) -> str:
    """The address in a reminder; always the same for one reminder."""
    return f"{settings.PUBLIC_URL}/r/{link_token(reminder_id)}"


def link_token(reminder_id: int) -> str:
    """What the address ends with: the number in as few bytes as it needs, and its signature."""
    number = reminder_id.to_bytes((reminder_id.bit_length() + 7) // 8 or 1, "big")
    return base64.urlsafe_b64encode(number + _signature(number)).rstrip(b"=").decode()


def reminder_of_link(token: str) -> Reminder:
    """The reminder that a link names, with its card. Raises ReminderLinkForged."""
    if not (token.isascii() and len(token) <= _TOKEN_LENGTH_MAX):
        raise ReminderLinkForged
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise ReminderLinkForged from None
    number = raw[:-_SIGNATURE_BYTES]
    # Compared as it is written: of some characters base64 reads a part only.
    if not 0 < len(number) <= _ID_BYTES_MAX or not constant_time_compare(token, link_token(_as_int(number))):
        raise ReminderLinkForged
    found = Reminder.objects.select_related("card").filter(pk=_as_int(number), card__isnull=False)
    reminder = found.first()
    if reminder is None or reminder.ended_at is None:
        raise ReminderLinkForged
    return reminder


def check_is_open(reminder: Reminder, *, version: str, now: datetime) -> None:
    """Raises ReminderLinkOver when a link is too old, or its card (now at `version`) was renewed since it was sent."""
    is_old = reminder.ended_at is None or now >= reminder.ended_at + LINKS_LAST
    if is_old or reminder.figures.get("version") != version:
        raise ReminderLinkOver


def _as_int(number: bytes) -> int:
    return int.from_bytes(number, "big")


def _signature(number: bytes) -> bytes:
    key = hashlib.sha256(_SALT + settings.SECRET_KEY.encode()).digest()
    return hmac.digest(key, number, "sha256")[:_SIGNATURE_BYTES]


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
