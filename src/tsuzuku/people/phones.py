# SPDX-License-Identifier: Apache-2.0
"""Phones: who has a number, and SMS to numbers, of which only so many are sent, since each costs money.

Thieves have codes sent to numbers that earn them a share. So codes go to mobile numbers of few countries, and are
counted, before they are sent, for the network address, the number, the account and the whole installation.
"""

import logging
import math
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from allauth.core.internal.cryptokit import generate_user_code
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsuzuku.journal.counts import Limit, count_against
from tsuzuku.kernel import clock
from tsuzuku.messaging.actions import send_message
from tsuzuku.messaging.ports import AddressKind
from tsuzuku.messaging.queries import can_send
from tsuzuku.people.addresses import is_own_address, network_of
from tsuzuku.people.errors import TooManyCodes, WayInTaken
from tsuzuku.people.models import User
from tsuzuku.people.phone_numbers import possible_numbers

log = logging.getLogger(__name__)


#: An address may be a whole hotel.
ADDRESS_LIMITS = (
    Limit("codes, address in an hour", 60, timedelta(hours=1)),
    Limit("codes, address in a day", 200, timedelta(days=1)),
)
#: Three tries at each code: with eight codes a day nobody guesses one of a million.
NUMBER_LIMITS = (
    Limit("codes, number in 15 min", 3, timedelta(minutes=15)),
    Limit("codes, number in a day", 8, timedelta(days=1)),
)
ACCOUNT_LIMITS = (Limit("codes, account in a day", 10, timedelta(days=1)),)
#: Counted in a row and for the code, not for the session it waits in: many requests read a session at once.
TRIES_LIMIT = Limit("tries of a code", 3, timedelta(minutes=15))
#: What nobody asked for, such as that a password has changed. More of it says nothing new.
NOTICE_LIMIT = Limit("notices in a day", 5, timedelta(days=1))


def are_phones_offered() -> bool:
    """Whether anything of phones is shown: only where there is somebody who carries SMS."""
    return can_send(AddressKind.SMS)


def user_by_number(text: str) -> User | None:
    """Whose number a text is, whichever of the offered countries it leaves out. One query."""
    possible = possible_numbers(text, regions=settings.PHONE_COUNTRIES)
    found = {user.phone: user for user in User.objects.filter(phone__in=possible or [""])}
    return next((found[number] for number in possible if number in found), None)


def user_with_phone(*, phone: str, language: str, now: datetime) -> User:
    """Whose number this is, or somebody new; to be called once a code that was sent there was typed in."""
    user, _is_new = User.objects.get_or_create(
        phone=phone,
        defaults={"phone_verified_at": now, "language": language, "email": None, "password": make_password(None)},
    )
    return user


def set_phone(*, user: User, phone: str, now: datetime) -> None:
    """Gives an account a number in place of its own, once its code was typed in. Raises WayInTaken."""
    user.phone, user.phone_verified_at = phone, now
    try:
        with transaction.atomic():
            user.save(update_fields=["phone", "phone_verified_at"])
    except IntegrityError:
        user.refresh_from_db(fields=["phone", "phone_verified_at"])
        raise WayInTaken from None


def remove_phone(*, user: User) -> None:
    """Takes the number away from an account that has an address; the constraint keeps any other from it."""
    user.phone = user.phone_verified_at = None
    user.save(update_fields=["phone", "phone_verified_at"])


def short_code() -> str:
    """A code that is typed from an SMS."""
    return str(generate_user_code(length=6, numeric=True, dashed=False))


def send_code(*, phone: str, code: str, address: str, user: User | None, now: datetime) -> None:
    """Sends a code by SMS. Raises TooManyCodes: the same for a number that has an account and one that has none."""
    subjects: list[tuple[Sequence[Limit], str]] = [(NUMBER_LIMITS, phone)]
    if not is_own_address(address):
        subjects.append((ADDRESS_LIMITS, network_of(address)))
    if user is not None:
        subjects.append((ACCOUNT_LIMITS, str(user.pk)))
    whole = Limit("codes, all in an hour", settings.PHONE_CODES_HOUR_MAX, timedelta(hours=1))
    _count([*subjects, ((whole,), "")], now=now)
    text = _("%(code)s is your %(brand)s code. It holds for 15 minutes. Tell it to nobody.")
    send_sms(phone, text % {"code": code, "brand": settings.BRAND_NAME}, is_asked_for=True)


def begin_tries() -> str:
    """What the tries of one code are counted by, however many copies of its session there are."""
    return uuid.uuid4().hex


def count_try(tries: str, *, now: datetime) -> bool:
    """Counts a try of a code, right or wrong, before it is compared; whether it may be compared."""
    try:
        _count([((TRIES_LIMIT,), tries)], now=now)
    except TooManyCodes:
        return False
    return True


def send_notice(phone: str, text: str) -> None:
    """Tells a number something that it did not ask for, a few times a day at most: it is us who pay for it."""
    now = clock.now()
    whole = Limit("notices in an hour", settings.PHONE_CODES_HOUR_MAX, timedelta(hours=1))
    try:
        _count([((NOTICE_LIMIT,), phone), ((whole,), "")], now=now)
    except TooManyCodes:
        log.warning("no more notices go by SMS for a while")
    else:
        send_sms(phone, text)


def send_sms(phone: str, text: str, *, is_asked_for: bool = False) -> None:
    """Hands over an SMS, if anybody carries it; one that is asked for although the number took none before."""
    if can_send(AddressKind.SMS):
        send_message(
            dedupe_key=f"account:{uuid.uuid4()}",
            kind=AddressKind.SMS,
            address=phone,
            language=get_language() or settings.LANGUAGE_CODE,
            text=text,
            is_asked_for=is_asked_for,
            purpose="account",
            now=clock.now(),
        )


def _count(subjects: Sequence[tuple[Sequence[Limit], str]], *, now: datetime) -> None:
    """Counts before anything is sent, so that what is sent at the same time all counts. Raises TooManyCodes."""
    if (free_at := count_against(subjects, now)) is not None:
        raise TooManyCodes(retry_after_seconds=math.ceil((free_at - now).total_seconds()))
